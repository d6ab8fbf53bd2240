"""`vosref.kernels.buffers`: memory is taken over when nobody refers to it any more, and not a moment sooner."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from vosref.kernels import buffers
from vosref.kernels.buffers import SMALL, empty
from vosref.nn.ops import conv2d

SHAPE = SMALL // 8 + 1, 2  # of float64: twice the size below which memory is not kept


@pytest.fixture(autouse=True)
def waiting(monkeypatch):
    blocks = []
    monkeypatch.setattr(buffers, "_WAITING", blocks)
    return blocks


def place(array):
    return array.__array_interface__["data"][0]


@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3), SHAPE])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, "uint8"])
def test_an_array_is_as_numpy_would_make_it(shape, dtype):
    ours, theirs = empty(shape, dtype), np.empty(shape, dtype)
    assert (ours.shape, ours.dtype, ours.strides) == (theirs.shape, theirs.dtype, theirs.strides)
    assert ours.flags.writeable
    assert ours.flags.aligned


def test_the_memory_of_a_forgotten_array_is_taken_over_by_one_of_about_its_size():
    first = empty(SHAPE, np.float64)
    where = place(first)
    del first
    second = empty((SHAPE[0] - 5, 2), np.float64)
    assert place(second) == where
    del second
    small = empty((SHAPE[0] // 3, 2), np.float64)  # would waste most of it
    assert place(small) != where


def test_a_view_keeps_its_memory():
    first = empty(SHAPE, np.float64)
    first[:] = 7
    view = np.asarray(memoryview(first[3:9, ::-1].T))
    del first
    second = empty(SHAPE, np.float64)
    second[:] = 8
    assert not np.shares_memory(view, second)
    assert (view == 7).all()


def test_no_more_waits_than_may(monkeypatch, waiting):
    size = 8 * SHAPE[0] * SHAPE[1]
    monkeypatch.setattr(buffers, "KEPT", 2 * size + 1)
    arrays = [empty(SHAPE, np.float64) for _ in range(5)]
    assert not waiting
    arrays.clear()
    assert [block.nbytes for block in waiting] == [size, size]


def test_a_block_that_comes_back_in_the_middle_of_a_taking_is_let_go(waiting):
    block = np.empty(8, np.uint8)
    with buffers._LOCK:  # as when the collector runs inside
        buffers._give_back(block)
    assert not waiting
    buffers._give_back(block)
    assert waiting == [block]


def test_threads_never_share_a_block():
    def work(number):
        for _ in range(50):
            array = empty(SHAPE, np.float64)
            array[:] = number
            if not (array == number).all():
                return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))


def test_a_result_outlives_the_next_ones():
    rng = np.random.default_rng(0)
    image, kernel = rng.standard_normal((150, 120, 2)), rng.standard_normal((1, 1, 2, 3))
    first = conv2d(image, kernel)
    kept = first.copy()
    conv2d(-image, kernel)
    second = conv2d(image, 2 * kernel)
    assert np.array_equal(first, kept)
    assert not np.shares_memory(first, second)
