"""What a machine can do at most, and what would keep it from that."""

import os
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_info

from vosref.kernels.threads import for_each_band

__all__ = ["Peak", "environment", "forced", "measured_peak", "peak_memory", "timed"]

FORCING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # variables that replace OpenBLAS's own choice of kernel


class Peak(NamedTuple):
    """The best rates that a machine showed."""

    operations: float  # float32 multiplications and additions a second, in large matrix products
    moved_bytes: float  # bytes a second, read and written, of arrays too large for the caches


def measured_peak(threads: int, /) -> Peak:
    """Time large products and copies on at most so many of the workers that the kernels use."""
    n = 3072
    a, b, c = (np.ones((n, n), np.float32) for _ in range(3))

    def multiply(begin: int, end: int) -> None:
        np.matmul(a[begin:end], b, out=c[begin:end])

    source, target = (np.ones((64, 2**20), np.float32) for _ in range(2))

    def copy_rows(begin: int, end: int) -> None:
        np.copyto(target[begin:end], source[begin:end])

    product = min(timed(lambda: for_each_band(multiply, n, n // 4, most_workers=threads), 5))
    copy = min(timed(lambda: for_each_band(copy_rows, len(source), 8, most_workers=threads), 5))
    return Peak(2 * n**3 / product, (source.nbytes + target.nbytes) / copy)


def timed(run: Callable[[], Any], repeats: int, /, *, warm_up: int = 1) -> list[float]:
    """Return the seconds that each of `repeats` runs took, after some that do not count."""
    seconds = []
    for i in range(warm_up + repeats):
        start = time.perf_counter()
        run()
        if i >= warm_up:
            seconds.append(time.perf_counter() - start)
    return seconds


def environment(threads: int, /) -> dict[str, Any]:
    """Describe what timings depend on: NumPy and its BLAS kernel, threads, and the variables that force a kernel."""
    blas = [library for library in threadpool_info() if library["user_api"] == "blas"]
    kernels = [f"{b['internal_api']} {b['version']}, {b.get('architecture', 'kernel unknown')}" for b in blas]
    return {"numpy": np.__version__, "blas": kernels, "threads": threads, "forced": forced(os.environ)}


def forced(variables: Mapping[str, str], /) -> dict[str, str]:
    """Return the variables that force a BLAS kernel, which is usually a slower one."""
    return {name: variables[name] for name in FORCING if name in variables}


def peak_memory() -> int:
    """Return the most bytes that this process has held in memory."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - a file of the kernel's
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        import resource  # noqa: PLC0415 - where there is no /proc, there may be no resource either
        import sys  # noqa: PLC0415

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else 1024 * peak
