"""`vosref.kernels.threads`: every band once, by whichever worker, and memory that no two workers share."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import ThreadpoolController

from vosref.backend import use_threads
from vosref.kernels.threads import for_each_band, scratch, thread_count

MOST = min(2, numba.config.NUMBA_NUM_THREADS)


@pytest.fixture(params=[1, MOST], autouse=True)
def threads(request):
    before = numba.get_num_threads()
    numba.set_num_threads(request.param)
    yield request.param
    numba.set_num_threads(before)


def bands_of(length, size, **options):
    seen = []
    for_each_band(lambda begin, end: seen.append((begin, end)), length, size, **options)
    return sorted(seen)


@pytest.mark.parametrize("most_workers", [None, 1])
@given(length=st.integers(0, 40), size=st.integers(1, 12))
def test_the_bands_cover_every_row_once_and_do_not_depend_on_the_workers(most_workers, length, size):
    seen = bands_of(length, size, most_workers=most_workers)
    assert seen == [(begin, min(begin + size, length)) for begin in range(0, length, size)]


def test_no_more_workers_run_than_there_are_threads(threads):
    names, together = set(), threading.Barrier(threads)

    def work(begin, end):
        names.add(threading.get_ident())
        together.wait(10)

    for_each_band(work, threads, 1)
    assert len(names) == threads
    names.clear()
    together = threading.Barrier(1)
    for_each_band(work, 2 * threads, 1, most_workers=1)
    assert names == {threading.get_ident()}


def test_a_workers_exception_reaches_the_caller_and_the_next_call_works():
    def work(begin, end):
        if begin == 4:
            raise KeyError(begin)

    with pytest.raises(KeyError):
        for_each_band(work, 8, 2)
    assert bands_of(4, 2) == [(0, 2), (2, 4)]


def test_scratch_is_reused_and_grows_and_is_a_threads_own():
    def address(*shape, dtype=np.float64):
        return scratch("test", shape, np.dtype(dtype)).__array_interface__["data"][0]

    large = scratch("test", (5, 7), np.dtype(np.float64))
    assert (large.shape, large.dtype) == ((5, 7), np.float64)
    assert address(5, 7) == address(3, 2) == address(35, dtype=np.float32)
    assert scratch("test", (40, 40), np.dtype(np.float32)).shape == (40, 40)
    assert not np.shares_memory(scratch("test", (3,), large.dtype), scratch("other", (3,), large.dtype))
    with ThreadPoolExecutor(1) as pool:
        theirs = pool.submit(scratch, "test", (3,), large.dtype).result()
    assert not np.shares_memory(theirs, scratch("test", (3,), large.dtype))


def blas_threads():
    return [library.num_threads for library in ThreadpoolController().lib_controllers if library.user_api == "blas"]


def test_threads_that_ask_of_blas_at_once_leave_it_as_it_was():
    before, inside, seen = blas_threads(), threading.Barrier(2), []

    def first(begin, end):
        inside.wait(10)  # both are within
        inside.wait(10)

    def second():
        with use_threads(1):
            inside.wait(10)
            inside.wait(10)
            caller.result(10)  # the first leaves, and the second is still within
            seen.append(blas_threads())

    with ThreadPoolExecutor(2) as pool:
        caller = pool.submit(for_each_band, first, 1, 1)
        pool.submit(second).result(20)
    assert seen == [[1] * len(before)]
    assert blas_threads() == before


def test_a_context_says_how_many_threads_run():
    with use_threads(3):
        assert thread_count() == 3
        with use_threads(1):
            assert thread_count() == 1
    assert thread_count() == numba.get_num_threads()
    with pytest.raises(ValueError, match="use_threads takes 1 thread or more, got 0"), use_threads(0):
        pass
