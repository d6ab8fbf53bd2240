"""Workers for the CPU kernels: plain threads over bands of rows, each band computed alone by code that frees the GIL.

Bands do not depend on the number of workers, so neither does a single byte of the result. BLAS runs on one thread
inside a band: its own pool and ours would otherwise wait for each other while both keep every core busy. Workers wait
passively between calls, and keep their scratch memory.
"""

import functools
import math
import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np
from numba import get_num_threads
from threadpoolctl import ThreadpoolController

from vosref.blocks import slices

__all__ = ["for_each_band", "scratch"]

_LOCAL = threading.local()


def for_each_band(
    work: Callable[[int, int], None], length: int, size: int, /, *, most_workers: int | None = None
) -> None:
    """Call ``work(begin, end)`` for the bands of `size` that cover ``range(length)``, on Numba's number of threads.

    `work` must not call `for_each_band` itself.
    """
    bands: queue.SimpleQueue[slice] = queue.SimpleQueue()
    for band in slices(length, size):
        bands.put(band)
    workers = min(get_num_threads(), most_workers or get_num_threads(), bands.qsize())
    with _blas().limit(limits=1, user_api="blas"):
        others = [_pool(workers - 1).submit(_work_off, work, bands) for _ in range(workers - 1)]
        try:
            _work_off(work, bands)
        finally:
            wait(others)  # they write into the caller's arrays
        for other in others:
            other.result()  # an exception is raised here


def _work_off(work: Callable[[int, int], None], bands: queue.SimpleQueue[slice]) -> None:
    """Work on bands until none is left: fewer handovers between threads than one for each band."""
    while True:
        try:
            band = bands.get_nowait()
        except queue.Empty:
            return
        work(band.start, band.stop)


def scratch(key: str, shape: tuple[int, ...], dtype: np.dtype, /) -> np.ndarray:
    """Return this thread's uninitialised array for `key`: memory that is reused and only ever grows."""
    need, blocks = math.prod(shape) * dtype.itemsize, _LOCAL.__dict__
    if key not in blocks or blocks[key].nbytes < need:
        blocks[key] = np.empty(need, np.uint8)
    return blocks[key][:need].view(dtype).reshape(shape)


@functools.cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()  # finding the libraries takes longer than many a layer


@functools.cache
def _pool(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=workers, thread_name_prefix="vosref")


os.register_at_fork(after_in_child=_pool.cache_clear)  # a child process inherits the pool but not its threads
