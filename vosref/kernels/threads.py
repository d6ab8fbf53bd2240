"""Workers for the CPU kernels: plain threads over bands of rows, each band computed alone by code that frees the GIL.

Bands do not depend on the number of workers, so neither does a single byte of the result. BLAS runs on one thread
inside a band: its own pool and ours would otherwise wait for each other while both keep every core busy.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from numba import get_num_threads
from threadpoolctl import threadpool_limits

from vosref.blocks import slices

__all__ = ["for_each_band"]


def for_each_band(
    work: Callable[[int, int], None], length: int, size: int, /, *, most_workers: int | None = None
) -> None:
    """Call ``work(begin, end)`` for the bands of `size` that cover ``range(length)``, on Numba's number of threads."""
    workers = min(get_num_threads(), most_workers or get_num_threads())
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(max_workers=workers) as pool:
        for _ in pool.map(lambda band: work(band.start, band.stop), slices(length, size)):
            pass  # a worker's exception is raised here
