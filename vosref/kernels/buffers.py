"""Memory for results: a large array takes over the memory of an earlier one that nobody refers to any more.

A fresh array of tens of megabytes costs the operating system as much time to provide page by page as many a layer takes
to fill it, and a network makes one a layer. So blocks come back when the last reference to their array, or to a view of
it, is gone, and wait for the next array that would leave at most three quarters of them idle; no more than `KEPT` bytes
of them wait.
"""

import math
import threading
import weakref
from typing import Any

import numpy as np

__all__ = ["KEPT", "empty"]

KEPT = 192 * 2**20  # bytes that may wait
SMALL = 2**18  # bytes below which the allocator's own reuse does as well

_WAITING: list[np.ndarray] = []
_LOCK = threading.Lock()


def empty(shape: tuple[int, ...], dtype: Any, /) -> np.ndarray:
    """Return an uninitialised array, as `numpy.empty` does."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    if size < SMALL:
        return np.empty(shape, dtype)
    block = _take(size)
    # Views of an array on a memoryview refer to that array, not to the block, so that its end is the end of them all.
    flat = np.frombuffer(block.data, dtype, math.prod(shape))
    weakref.finalize(flat, _give_back, block).atexit = False
    return flat.reshape(shape)


def _take(size: int) -> np.ndarray:
    with _LOCK:
        fitting = [i for i, block in enumerate(_WAITING) if size <= block.nbytes <= 4 * size]
        if fitting:
            return _WAITING.pop(min(fitting, key=lambda i: _WAITING[i].nbytes))
    return np.empty(size, np.uint8)


def _give_back(block: np.ndarray) -> None:
    # The collector may give a block back in the middle of a taking, even of its own thread's: then it is let go.
    if not _LOCK.acquire(blocking=False):
        return
    try:
        _WAITING.append(block)
        while sum(b.nbytes for b in _WAITING) > KEPT:
            _WAITING.pop(0)
    finally:
        _LOCK.release()
