"""`vosref.matching` by the geometry it must have, on every namespace.

Every map is within its bound of the exact one, so two that are equal, or ordered, in exact numbers are so within the
sum of their bounds.
"""

import numpy as np
import pytest
from bounds import matching_bound
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import SEEDS, matching_problems, window_problems

from vosref.matching import global_matching, local_matching

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
SINGLE = np.float32


def matched(xp, match, *arrays, **options):
    return xp.to_numpy(match(*map(xp.asarray, arrays), **options)).astype(np.float64)


def equal(one, other, bound):
    return bool(np.all(np.abs(one - other) <= bound))


def in_the_window(labels, grid, window_radius):
    """Tell which objects have a pixel in whose window, (P, K)."""
    y, x = np.divmod(np.arange(len(labels)), grid[1])
    near = np.maximum(np.abs(y[:, None] - y), np.abs(x[:, None] - x)) <= window_radius
    return (near @ labels) > 0


@DTYPES
@given(data=st.data(), exponent=st.floats(-18, 18))
def test_distances_lie_in_0_to_1_whatever_the_lengths(xp, dtype, data, exponent):
    query, previous, labels, options = data.draw(window_problems(dtype=dtype))
    query, previous = (np.clip(a, -3, 3) * dtype(10**exponent) for a in (query, previous))
    for got in (
        matched(xp, global_matching, query, previous, labels),
        matched(xp, global_matching, query, previous, labels, n_neighbours=3),
        matched(xp, local_matching, query, previous, labels, **options),
    ):
        assert got.min() >= 0
        assert got.max() <= 1


@given(problem=matching_problems(dtype=SINGLE), data=st.data())
def test_more_reference_pixels_never_increase_the_distance(xp, problem, data):
    query, reference, labels = problem
    count = data.draw(st.integers(1, len(reference)))
    every = matched(xp, global_matching, query, reference, labels)
    fewer = matched(xp, global_matching, query, reference[:count], labels[:count])
    assert np.all(every <= fewer + 2 * matching_bound(query, reference, SINGLE))


@given(problem=matching_problems(dtype=SINGLE), n=st.sampled_from([1, 3]))
def test_pixels_of_no_object_count_for_nothing_however_near(xp, problem, n):
    query, reference, labels = problem
    more, beside = np.concatenate([reference, query]), np.zeros((len(query), labels.shape[1]))
    got = matched(xp, global_matching, query, more, np.concatenate([labels, beside]), n_neighbours=n)
    expected = matched(xp, global_matching, query, reference, labels, n_neighbours=n)
    assert equal(got, expected, 2 * matching_bound(query, more, SINGLE, n))


@given(problem=window_problems(dtype=SINGLE), order=st.permutations(range(3)), n=st.sampled_from([1, 2]))
def test_permuting_objects_permutes_columns_the_background_like_any_other(xp, problem, order, n):
    query, previous, labels, options = problem
    order = [k for k in order if k < labels.shape[1]]
    for match, chosen in ((global_matching, {"n_neighbours": n}), (local_matching, options)):
        one = matched(xp, match, query, previous, labels, **chosen)
        assert_array_equal(matched(xp, match, query, previous, labels[:, order], **chosen), one[:, order])


@given(problem=window_problems(dtype=SINGLE))
def test_an_objects_map_is_what_it_is_without_the_others(xp, problem):
    query, previous, labels, options = problem
    bound = 2 * matching_bound(query, previous, SINGLE)
    for match, chosen in ((global_matching, {}), (local_matching, options)):
        together = matched(xp, match, query, previous, labels, **chosen)
        alone = [matched(xp, match, query, previous, labels[:, k : k + 1], **chosen) for k in range(labels.shape[1])]
        assert equal(together, np.concatenate(alone, axis=1), bound)


@given(problem=matching_problems(dtype=SINGLE), seed=SEEDS, n=st.sampled_from([1, 3]))
def test_the_order_of_pixels_is_nothing_to_global_matching(xp, problem, seed, n):
    query, reference, labels = problem
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(len(query)), rng.permutation(len(reference))
    one = matched(xp, global_matching, query, reference, labels, n_neighbours=n)
    other = matched(xp, global_matching, query[rows], reference[columns], labels[columns], n_neighbours=n)
    assert equal(other, one[rows], 2 * matching_bound(query, reference, SINGLE, n)[rows])


@given(problem=window_problems(dtype=SINGLE), further=st.integers(0, 3))
def test_a_window_over_the_whole_grid_makes_local_matching_global(xp, problem, further):
    query, previous, labels, options = problem
    grid = options["grid"]
    near = matched(xp, local_matching, query, previous, labels, grid=grid, window_radius=max(grid) - 1 + further)
    far = matched(xp, global_matching, query, previous, labels)
    assert equal(near, far, 2 * matching_bound(query, previous, SINGLE))


def test_a_smaller_window_than_that_does_not():
    frame, labels = np.asarray([[0.0], [1.0], [2.0]]), np.eye(2)[[0, 0, 1]]
    near = local_matching(frame, frame, labels, grid=(1, 3), window_radius=1)
    far = global_matching(frame, frame, labels)
    assert near[0, 1] == 1
    assert far[0, 1] < 1


@given(problem=window_problems(dtype=SINGLE))
def test_growing_the_window_never_increases_the_distance(xp, problem):
    query, previous, labels, options = problem
    grid, radius = options["grid"], options["window_radius"]
    small, large = (
        matched(xp, local_matching, query, previous, labels, grid=grid, window_radius=r) for r in (radius, radius + 1)
    )
    assert np.all(large <= small + 2 * matching_bound(query, previous, SINGLE))


@DTYPES
@given(data=st.data(), n=st.sampled_from([1, 3]))
def test_an_object_that_is_absent_or_out_of_the_window_is_exactly_1(xp, dtype, data, n):
    query, previous, labels, options = data.draw(window_problems(dtype=dtype))
    far = matched(xp, global_matching, query, previous, labels, n_neighbours=n)
    near = matched(xp, local_matching, query, previous, labels, **options)
    seen = in_the_window(labels, **options)
    assert_array_equal(far[:, ~labels.any(axis=0)], 1)
    assert_array_equal(near[~seen], 1)
    # The others are not, at lengths from which no tanh is rounded to 1.
    small = 0.2 * query, 0.2 * previous
    assert np.all(matched(xp, local_matching, *small, labels, **options)[seen] < 1)
    assert np.all(matched(xp, global_matching, *small, labels, n_neighbours=n)[:, labels.any(axis=0)] < 1)


@given(problem=window_problems(dtype=SINGLE), size=st.floats(1, 10))
def test_a_frame_is_0_from_itself_on_each_pixels_own_object(xp, problem, size):
    query, _, labels, options = problem
    query, own = (size * query).astype(SINGLE), labels.astype(bool)
    bound = np.broadcast_to(matching_bound(query, query, SINGLE), labels.shape)
    assert np.all(matched(xp, global_matching, query, query, labels)[own] <= bound[own])
    assert np.all(matched(xp, local_matching, query, query, labels, **options)[own] <= bound[own])


@given(problem=matching_problems(dtype=SINGLE), n=st.integers(1, 8))
def test_more_neighbours_never_decrease_the_distance(xp, problem, n):
    fewer = matched(xp, global_matching, *problem, n_neighbours=n)
    more = matched(xp, global_matching, *problem, n_neighbours=n + 1)
    assert np.all(more >= fewer - 2 * matching_bound(*problem[:2], SINGLE, n + 1))


@given(problem=matching_problems(dtype=SINGLE))
def test_as_many_neighbours_as_pixels_give_their_mean_and_one_more_the_farthest_again(xp, problem):
    query, reference, labels = problem
    squares = np.sum((query.astype(np.float64)[:, None] - reference[None]) ** 2, axis=2)
    for k in np.flatnonzero(labels.any(axis=0)):
        own = squares[:, labels[:, k] > 0]
        count = own.shape[1]
        for n, total in ((count, own.sum(axis=1)), (count + 1, own.sum(axis=1) + own.max(axis=1))):
            got = matched(xp, global_matching, *problem, n_neighbours=n)[:, k]
            # The mean in float64 is off by some 20 u of its own, which the bound in single precision has room for.
            assert equal(got, np.tanh(total / n / 2), matching_bound(query, reference, SINGLE, n)[:, 0])


@given(problem=window_problems(dtype=SINGLE), seed=SEEDS)
def test_a_translation_of_both_frames_changes_nothing(xp, problem, seed):
    query, previous, labels, options = problem
    # Multiples of 2^-10 below 2^7 have 17 digits: single precision adds them without error.
    query, previous = (np.round(1024 * a) / SINGLE(1024) for a in (query, previous))
    shift = np.random.default_rng(seed).integers(-64, 64, query.shape[1]).astype(SINGLE)
    bound = matching_bound(query, previous, SINGLE) + matching_bound(query + shift, previous + shift, SINGLE)
    for match, chosen in ((global_matching, {}), (local_matching, options)):
        here = matched(xp, match, query, previous, labels, **chosen)
        assert equal(matched(xp, match, query + shift, previous + shift, labels, **chosen), here, bound)


@given(problem=window_problems(dtype=SINGLE), memory=st.sampled_from([1, 100, 500, 3000]), n=st.sampled_from([1, 3]))
def test_the_memory_it_may_take_moves_the_distance_by_rounding_alone(xp, problem, memory, n):
    query, previous, labels, options = problem
    for match, chosen in ((global_matching, {"n_neighbours": n}), (local_matching, options)):
        whole = matched(xp, match, query, previous, labels, **chosen)
        parts = matched(xp, match, query, previous, labels, memory=memory, **chosen)
        assert equal(parts, whole, 2 * matching_bound(query, previous, SINGLE, n))


@pytest.mark.parametrize("tier", ["definition", "twin"])
@given(problem=window_problems())
def test_inputs_stay_as_they_were_and_need_not_be_contiguous(tier, problem):
    *arrays, options = problem
    strided = [np.asfortranarray(a)[::-1][::-1] for a in arrays]
    before = [a.copy() for a in strided]
    for match, chosen in ((global_matching, {"n_neighbours": 2}), (local_matching, options)):
        run = match.__wrapped__ if tier == "definition" else match
        got = run(*strided, **chosen)
        assert equal(got, run(*arrays, **chosen), 2 * matching_bound(*arrays[:2], np.float64, 2))
    for array, copy in zip(strided, before, strict=True):
        assert_array_equal(array, copy)
