"""Memory for results: a large array takes over the memory of an earlier one that nobody refers to any more.

A fresh array of tens of megabytes costs the operating system as much time to provide page by page as many a layer takes
to fill it, and a network makes one a layer. So blocks come back when the last reference to their array, or to a view of
it, is gone, and wait for the next array that would leave at most three quarters of them idle; no more than `KEPT` bytes
of them wait, or fewer where `limited` says so.
"""

import math
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

__all__ = ["KEPT", "empty", "limited"]

KEPT = 192 * 2**20  # bytes that may wait, unless told otherwise
SMALL = 2**18  # bytes below which the allocator's own reuse does as well

_WAITING: list[np.ndarray] = []
_LOCK = threading.Lock()
_ASKED = [math.inf]


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


@contextmanager
def limited(most: float, /) -> Iterator[None]:
    """Let no more than so many bytes wait while the block runs, in any thread."""
    before = _ASKED[0]
    _ASKED[0] = most
    try:
        with _LOCK:
            _drop_the_oldest()
        yield
    finally:
        _ASKED[0] = before


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
        _drop_the_oldest()
    finally:
        _LOCK.release()


def _drop_the_oldest() -> None:
    while sum(b.nbytes for b in _WAITING) > min(KEPT, _ASKED[0]):
        _WAITING.pop(0)
