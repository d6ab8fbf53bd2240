"""What a training step frees, the next one takes again: keep it in the process between the two."""

import ctypes

__all__ = ["keep_freed_memory"]

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's mallopt
NEVER = 2**31 - 1


def keep_freed_memory() -> bool:
    """Let glibc keep freed memory for this process; return whether it will.

    It would hand large blocks back to the system at once, and take them again page by page, each of them zeroed:
    half the processor time of TVOS's training was the system's once. The process keeps its peak until it ends.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library
        return False
    return bool(mallopt(M_MMAP_MAX, 0) and mallopt(M_TRIM_THRESHOLD, NEVER))
