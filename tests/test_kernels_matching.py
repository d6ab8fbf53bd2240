"""The Numba twins of both matchings against the float64 definitions within the bound, whatever their tiles and memory.

What the twins share with the definitions on every namespace is in `test_matching.py`.
"""

import threading
import tracemalloc

import numba
import numpy as np
import pytest
from bounds import matching_bound
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import SEEDS, matching_problems, window_problems

from vosref.backend import use_cpu
from vosref.kernels import numba_matching
from vosref.matching import global_matching, local_matching

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
MEMORIES = st.sampled_from([1, 100, 1000, 10_000, 10**6])
HALF = 2.0**-12  # rounding a number up to 1 to half precision


def within(match, query, reference, labels, **options):
    """Tell whether the twin keeps to its bound; the definition in float64 is itself within float64's of the exact."""
    got = match(query, reference, labels, **options)
    assert got.dtype == query.dtype
    assert got.shape == (len(query), labels.shape[1])
    wide = query.astype(np.float64), reference.astype(np.float64)
    exact = match.__wrapped__(*wide, labels, **{k: v for k, v in options.items() if k != "memory"})
    n = options.get("n_neighbours", 1)
    half = query.dtype == np.float16
    bound = matching_bound(*wide, np.float32 if half else query.dtype, n) + half * HALF
    return bool(np.all(np.abs(got.astype(np.float64) - exact) <= bound + matching_bound(*wide, np.float64, n)))


def frames(rng, *counts, dimension=3, dtype=np.float32):
    return (rng.standard_normal((n, dimension)).astype(dtype) / 2 for n in counts)


def one_hot(rng, n_pixels, n_objects=3, known=1.0):
    return np.eye(n_objects)[rng.integers(0, n_objects, n_pixels)] * (rng.random(n_pixels) < known)[:, None]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@given(data=st.data(), n=st.integers(1, 9), size=st.floats(0.1, 10))
def test_the_twins_keep_to_the_bound(dtype, data, n, size):
    query, reference, labels = data.draw(matching_problems(dtype=dtype))
    assert within(global_matching, *((size * a).astype(dtype) for a in (query, reference)), labels, n_neighbours=n)
    query, previous, labels, options = data.draw(window_problems(dtype=dtype))
    assert within(local_matching, *((size * a).astype(dtype) for a in (query, previous)), labels, **options)


@given(problem=window_problems(dtype=np.float32))
def test_frames_of_two_types_are_matched_in_the_wider_one(problem):
    query, previous, labels, options = problem
    for match, chosen in ((global_matching, {}), (local_matching, options)):
        assert within(match, query, previous.astype(np.float64), labels, **chosen)
        assert within(match, query.astype(np.float16), previous, labels, **chosen)


@given(problem=matching_problems(dtype=np.float32), tile=st.integers(1, 9), memory=MEMORIES, n=st.integers(1, 4))
def test_global_matching_keeps_to_the_bound_whatever_its_tiles_and_memory(problem, tile, memory, n):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numba_matching, "TILE", tile)
        assert within(global_matching, *problem, n_neighbours=n, memory=memory)


@given(problem=window_problems(dtype=np.float32), tile=st.integers(1, 30), side=st.integers(1, 6), memory=MEMORIES)
def test_local_matching_keeps_to_the_bound_whatever_its_squares_tiles_and_memory(problem, tile, side, memory):
    query, previous, labels, options = problem
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numba_matching, "TILE", tile)
        patch.setattr(numba_matching, "SIDE", side)
        assert within(local_matching, query, previous, labels, memory=memory, **options)


@pytest.mark.parametrize("grid", [(1, 1), (5, 3), (16, 16), (17, 5), (3, 35), (1, 40), (40, 1)])
@pytest.mark.parametrize("window_radius", [0, 1, 4, 60])
@DTYPES
def test_grids_below_and_beyond_a_square_and_windows_from_one_pixel_to_more_than_all(grid, window_radius, dtype):
    rng, n_pixels = np.random.default_rng(grid), grid[0] * grid[1]
    query, previous = frames(rng, n_pixels, n_pixels, dtype=dtype)
    labels = one_hot(rng, n_pixels, known=0.8)
    assert within(local_matching, query, previous, labels, grid=grid, window_radius=window_radius)


def test_a_window_of_one_pixel_sees_that_pixel_alone():
    (query, previous), labels = frames(np.random.default_rng(0), 20, 20), one_hot(np.random.default_rng(1), 20)
    got = local_matching(query, previous, labels, grid=(4, 5), window_radius=0)
    assert_array_equal(got[labels == 0], 1)
    assert (got[labels == 1] < 1).all()


@DTYPES
@given(seed=SEEDS, n=st.integers(1, 5), count=st.integers(0, 6))
def test_an_object_of_fewer_pixels_than_neighbours_and_one_of_none(dtype, seed, n, count):
    rng = np.random.default_rng(seed)
    query, reference = frames(rng, 5, 12, dtype=dtype)
    labels = np.zeros((12, 3))
    labels[rng.permutation(12)[:count], 1] = 1  # the other rows belong to no object
    assert within(global_matching, query, reference, labels, n_neighbours=n)
    got = global_matching(query, reference, labels, n_neighbours=n)
    assert_array_equal(got[:, [0, 2]], 1)
    assert (got[:, 1] < 1).all() == (count > 0)
    assert_array_equal(local_matching(query[:4], reference[:4], np.zeros((4, 2)), grid=(2, 2)), 1)


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="this machine gives Numba one thread")
@pytest.mark.parametrize(
    ("match", "options"),
    [
        (global_matching, {}),
        (global_matching, {"n_neighbours": 3}),
        (global_matching, {"memory": 20_000}),
        (local_matching, {"grid": (24, 20), "window_radius": 5}),
        (local_matching, {"grid": (24, 20), "window_radius": 5, "memory": 3000}),
    ],
)
def test_any_number_of_threads_gives_the_same_bytes(monkeypatch, match, options):
    monkeypatch.setattr(numba_matching, "TILE", 64)
    rng, workers = np.random.default_rng(1), set()
    query, reference = frames(rng, 480, 480, dimension=8)
    labels, results, before = one_hot(rng, 480, known=0.8), [], numba.get_num_threads()
    normalised = numba_matching._normalised

    def noting(squared):
        workers.add(threading.get_ident())
        return normalised(squared)

    monkeypatch.setattr(numba_matching, "_normalised", noting)
    try:
        for threads in (1, 2):
            workers.clear()
            numba.set_num_threads(threads)
            results.append(match(query, reference, labels, **options))
            assert 1 <= len(workers) <= threads
    finally:
        numba.set_num_threads(before)
    assert results[0].tobytes() == results[1].tobytes()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_inputs_stay_as_they_were_and_need_not_be_contiguous_or_writable(dtype):
    rng = np.random.default_rng(0)
    query, previous = (rng.standard_normal((6, 24)).astype(dtype).T[::-1, ::2] for _ in range(2))
    labels = one_hot(rng, 24, known=0.8)[:, ::-1]
    for array in (query, previous, labels):
        array.flags.writeable = False
    plain = [np.array(a, order="C") for a in (query, previous, labels)]
    for match, options in (
        (global_matching, {}),
        (global_matching, {"n_neighbours": 3}),
        (local_matching, {"grid": (4, 6), "window_radius": 1}),
    ):
        got = match(query, previous, labels, **options)
        assert within(match, query, previous, labels, **options)
        assert not any(np.shares_memory(got, a) for a in (query, previous, labels))
    for array, copy in zip((query, previous, labels), plain, strict=True):
        assert_array_equal(array, copy)


# ── memory ──


def peak_of(match, *arrays, **options):
    """Bytes that a twin takes at most beside its arguments, its workers' scratch memory too."""
    match(*(a[:4] for a in arrays), **options | ({"grid": (2, 2)} if "grid" in options else {}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vosref.kernels.threads._LOCAL", threading.local())
        tracemalloc.start()
        match(*arrays, **options)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return peak


def copies(query, reference, labels):
    """Bytes that the memory does not count: the result, and copies of inputs.

    Of either frame two, D + 1 numbers a pixel, and the lengths; of the labels two in booleans and one in their own
    type; for each reference pixel, in 8 bytes, its object twice, its place, and a count.
    """
    u, depth = query.itemsize, query.shape[1] + 1
    of_pixels = 2 * u * (depth + 1) * (len(query) + len(reference)) + u * len(query) * labels.shape[1]
    return of_pixels + labels.size * (2 + labels.itemsize) + 4 * 8 * len(reference) + 2**13  # Python's own objects


@pytest.mark.parametrize("n_neighbours", [1, 3])
@pytest.mark.parametrize("budget", [2**14, 2**16])
def test_global_matching_stays_within_its_memory_where_all_pairs_would_not(budget, n_neighbours):
    rng = np.random.default_rng(2)
    query, reference = frames(rng, 200, 1500)
    labels = one_hot(rng, len(reference), 2).astype(bool)
    allowed = budget + copies(query, reference, labels) + 8 * n_neighbours * len(query)  # the n smallest of two objects
    assert 4 * len(query) * len(reference) > 5 * allowed
    assert peak_of(global_matching, query, reference, labels, n_neighbours=n_neighbours, memory=budget) <= allowed


@pytest.mark.parametrize("budget", [2**13, 2**16])
def test_local_matching_stays_within_its_memory_where_all_pairs_would_not(budget):
    grid, rng = (24, 30), np.random.default_rng(2)
    query, previous = frames(rng, 720, 720)
    labels = one_hot(rng, 720).astype(bool)
    allowed = budget + copies(query, previous, labels)
    assert 4 * len(query) ** 2 > 5 * allowed
    assert peak_of(local_matching, query, previous, labels, grid=grid, window_radius=40, memory=budget) <= allowed


# ── refusals ──


def refusal(match, *arrays, **options):
    with np.errstate(over="ignore"), pytest.raises(ValueError, match=r"\bmust\b") as caught:
        match(*arrays, **options)
    return str(caught.value)


def wrong_arrays():
    frame, labels = np.ones((6, 2), np.float32), np.eye(2)[[0, 0, 0, 1, 1, 1]]
    nan, long, soft, double = frame.copy(), frame.copy(), labels.copy(), labels.copy()
    nan[4, 1], long[4, 1], soft[4], double[4] = np.nan, 1e19, 0.5, 1
    yield from ((a, b, labels) for bad in (nan, long) for a, b in ((bad, frame), (frame, bad)))
    yield from ((frame, frame, y) for y in (soft, double, labels[:5], labels[:, 0], labels[:, :0]))
    yield from ((frame[:, :1], frame, labels), (frame[:0], frame, labels), (frame.astype(int), frame, labels))


@pytest.mark.parametrize("arrays", list(wrong_arrays()))
def test_arrays_are_refused_as_the_definitions_refuse_them(arrays):
    for match, options in ((global_matching, {}), (local_matching, {"grid": (2, 3)})):
        with use_cpu("numba"):
            assert refusal(match, *arrays, **options) == refusal(match.__wrapped__, *arrays, **options)


@pytest.mark.parametrize(
    ("match", "options"),
    [
        (global_matching, {"n_neighbours": 0}),
        (global_matching, {"memory": 0}),
        (local_matching, {"grid": (2, 3), "memory": 0}),
        (local_matching, {"grid": (2, 3), "window_radius": -1}),
        (local_matching, {"grid": (2, 2)}),
    ],
)
def test_options_are_refused_as_the_definitions_refuse_them(match, options):
    arrays = np.ones((6, 2), np.float32), np.ones((6, 2), np.float32), np.eye(2)[[0, 0, 0, 1, 1, 1]]
    assert refusal(match, *arrays, **options) == refusal(match.__wrapped__, *arrays, **options)
