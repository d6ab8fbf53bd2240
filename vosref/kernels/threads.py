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
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
from numba import get_num_threads
from threadpoolctl import ThreadpoolController

from vosref.blocks import slices

__all__ = ["for_each_band", "limited", "scratch", "thread_count"]

_LOCAL = threading.local()
_LOCK = threading.Lock()
_ASKED: list[int] = []
_BEFORE: list[tuple[Any, int]] = []  # the libraries, and their threads before anybody asked
_THREADS: ContextVar[int | None] = ContextVar("vosref_threads", default=None)


@contextmanager
def limited(threads: int, /) -> Iterator[None]:
    """Let kernels, and the BLAS outside them, run on so many threads; see `vosref.backend.use_threads`."""
    token = _THREADS.set(threads)
    try:
        with _blas_on(threads):
            yield
    finally:
        _THREADS.reset(token)


def thread_count() -> int:
    """Return on how many threads a kernel that is called here runs: Numba's number where no context says another."""
    return _THREADS.get() or get_num_threads()


def for_each_band(
    work: Callable[[int, int], None], length: int, size: int, /, *, most_workers: int | None = None
) -> None:
    """Call ``work(begin, end)`` for the bands of `size` that cover ``range(length)``, on `thread_count` threads.

    `work` must not call `for_each_band` itself.
    """
    bands: queue.SimpleQueue[slice] = queue.SimpleQueue()
    for band in slices(length, size):
        bands.put(band)
    workers = min(thread_count(), most_workers or thread_count(), bands.qsize())
    with _blas_on(1):
        others = [_pool(workers - 1).submit(_work_off, work, bands) for _ in range(workers - 1)]
        try:
            _work_off(work, bands)
        finally:
            wait(others)  # they write into the caller's arrays
        for other in others:
            other.result()  # an exception is raised here


@contextmanager
def _blas_on(threads: int) -> Iterator[None]:
    """Let BLAS, of which a process has one, run on so many threads at most; the least of all who ask counts."""
    with _LOCK:
        if not _ASKED:
            _BEFORE[:] = [(library, library.num_threads) for library in _blas()]
        _ASKED.append(threads)
        _set_blas()
    try:
        yield
    finally:
        with _LOCK:
            _ASKED.remove(threads)
            _set_blas()


def _set_blas() -> None:
    # threadpoolctl lets one thread set numbers until it is done; here whoever holds the lock may.
    for library, threads in _BEFORE:
        free = getattr(library, "clear_controlling_thread", lambda **_: None)
        free(force=True)
        library.set_num_threads(min([threads, *_ASKED]))
        free(force=True)


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
def _blas() -> list[Any]:
    # Finding the libraries takes longer than many a layer.
    return [library for library in ThreadpoolController().lib_controllers if library.user_api == "blas"]


@functools.cache
def _pool(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=workers, thread_name_prefix="vosref")


def _begin_anew() -> None:
    """Forget the pool and who holds the lock: a child process inherits both, but not the threads."""
    global _LOCK  # noqa: PLW0603
    _LOCK = threading.Lock()
    _pool.cache_clear()


os.register_at_fork(after_in_child=_begin_anew)
