"""What a machine can do at most, and what would keep it from that."""

import os
import platform
import re
import time
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_info

from vosref import __version__
from vosref.backend import use_threads
from vosref.bench.tiers import gpu
from vosref.kernels.threads import for_each_band

__all__ = ["Peak", "environment", "forced", "measured_peak", "memory_from_here", "peak_memory", "timed"]

FORCING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # variables that replace OpenBLAS's own choice of kernel
PEERS = (
    "torch",
    "faiss-cpu",
    "onnx",
    "onnxruntime",
    "openvino",
    "opencv-python-headless",
    "cupy-cuda12x",
    "cupy-cuda13x",
)


class Peak(NamedTuple):
    """The best rates that a machine showed."""

    operations: float  # float32 multiplications and additions a second, in large matrix products
    moved_bytes: float  # bytes a second, read and written, of arrays too large for the caches


def measured_peak(threads: int, /) -> Peak:
    """Time large products and copies on so many of the workers that the kernels use."""
    n = 3072
    a, b, c = (np.ones((n, n), np.float32) for _ in range(3))

    def multiply(begin: int, end: int) -> None:
        np.matmul(a[begin:end], b, out=c[begin:end])

    source, target = (np.ones((64, 2**20), np.float32) for _ in range(2))

    def copy_rows(begin: int, end: int) -> None:
        np.copyto(target[begin:end], source[begin:end])

    with use_threads(threads):
        product = min(timed(lambda: for_each_band(multiply, n, n // max(4, threads)), 5))
        copy = min(timed(lambda: for_each_band(copy_rows, len(source), 8), 5))
    return Peak(2 * n**3 / product, (source.nbytes + target.nbytes) / copy)


def timed(
    run: Callable[[], Any], repeats: int, /, *, warm_up: int = 1, synchronise: Callable[[], Any] = lambda: None
) -> list[float]:
    """Return the seconds that each of `repeats` runs took, after some that do not count.

    `synchronise` waits until a device has done what it was given; what it waits for counts.
    """
    seconds = []
    for i in range(warm_up + repeats):
        synchronise()
        start = time.perf_counter()
        run()
        synchronise()
        if i >= warm_up:
            seconds.append(time.perf_counter() - start)
    return seconds


def environment(threads: int, /) -> dict[str, Any]:
    """Describe what timings depend on: machine, versions, BLAS kernel, threads, and variables that force a kernel."""
    blas = [library for library in threadpool_info() if library["user_api"] == "blas"]
    kernels = [f"{b['internal_api']} {b['version']}, {b.get('architecture', 'kernel unknown')}" for b in blas]
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "gpu": gpu(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "vosref": __version__,
        "numpy": np.__version__,
        "numba": metadata.version("numba"),
        "blas": kernels,
        "threads": threads,
        "forced": forced(os.environ),
        "peers": {name: version for name in PEERS if (version := _version(name))},
    }


def forced(variables: Mapping[str, str], /) -> dict[str, str]:
    """Return the variables that force a BLAS kernel, which is usually a slower one."""
    return {name: variables[name] for name in FORCING if name in variables}


def memory_from_here() -> Callable[[], tuple[int, int | None]]:
    """Begin to watch this process's memory.

    Returns
    -------
    callable
        Without arguments; it returns the most bytes that the process has ever held, and by how many the most that it
        held since now exceed what it holds now, None where the system does not tell.
    """
    before = peak_memory()
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # Linux forgets the peak so far
    except OSError:
        return lambda: (peak_memory(), None)
    held = peak_memory()
    return lambda: (max(before, peak_memory()), peak_memory() - held)


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


def _cpu() -> str:
    try:
        names = re.findall(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
