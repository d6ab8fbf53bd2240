"""Temporal stability T: what equal, moved, grown and distorted masks get, and how two outlines are matched."""

import math

import numpy as np
import oracles_scores
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose
from strategies import SEEDS

from vosref.backend import use_cpu
from vosref.evaluation.outline import longest_outline
from vosref.evaluation.temporal import bijective, cheapest_path, matched_pairs, temporal_stability

COSTS = st.tuples(st.integers(1, 6), st.integers(1, 6)).flatmap(
    lambda size: hnp.arrays(np.float64, size, elements=st.integers(0, 5).map(float))
)


def drawn(size, *boxes):
    """A mask of boxes: (top, left, bottom, right), the last two not included."""
    mask = np.zeros(size, dtype=bool)
    for top, left, bottom, right in boxes:
        mask[top:bottom, left:right] = True
    return mask


L_SHAPE = drawn((12, 14), (2, 2, 9, 5), (6, 2, 9, 10))


def blob(seed, size=(12, 14)):
    """A mask that has an outline."""
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, 6, (3, 2))
    return drawn(size, *((y, x, y + 4, x + 5) for y, x in corners.tolist()))


@given(seed=SEEDS)
def test_a_mask_that_does_not_change_is_stable(seed):
    assert temporal_stability(blob(seed), blob(seed)) == 0


@given(seeds=st.tuples(SEEDS, SEEDS), shift=st.tuples(st.integers(0, 5), st.integers(0, 5)))
def test_where_masks_lie_does_not_matter(seeds, shift):
    masks = [blob(seed) for seed in seeds]
    moved = [np.pad(mask, ((y, 5 - y), (x, 5 - x))) for mask, (y, x) in zip(masks, (shift, shift[::-1]), strict=True)]
    assert temporal_stability(*moved) == temporal_stability(*masks)


@given(seeds=st.tuples(SEEDS, SEEDS))
def test_t_lies_between_0_and_5_and_hardly_depends_on_which_mask_comes_first(seeds):
    masks = [blob(seed) for seed in seeds]
    there, back = temporal_stability(*masks), temporal_stability(*masks[::-1])
    assert 0 <= there <= 5
    # Costs are symmetric; paths are too, but for ties and for the pair with which each path begins.
    assert there == pytest.approx(back, abs=0.5)


def larger(mask, times):
    return np.kron(mask, np.ones((times, times), dtype=bool))


def test_a_shape_that_grows_changes_less_than_one_that_is_distorted_and_that_the_more_the_more_it_is():
    grown = temporal_stability(larger(L_SHAPE, 3), larger(L_SHAPE, 4))
    distorted = [L_SHAPE | drawn((12, 14), (2, 5, 2 + high, 10)) for high in (1, 2, 3)]
    changes = [temporal_stability(larger(L_SHAPE, 3), larger(mask, 3)) for mask in distorted]
    assert 0 < 2 * grown < changes[0] < changes[1] < changes[2]


@pytest.mark.parametrize("gone", [drawn((8, 9)), drawn((8, 9), (1, 1, 2, 2)), drawn((8, 9), (3, 3, 5, 5))])
def test_without_an_outline_that_outlasts_simplification_there_is_no_t(gone):
    whole = np.ones((8, 9), dtype=bool)
    assert math.isnan(temporal_stability(gone, whole))
    assert math.isnan(temporal_stability(whole, gone))
    assert math.isnan(temporal_stability(gone, gone))


def test_masks_that_are_not_boolean_are_refused_by_name():
    mask = np.ones((3, 3), dtype=bool)
    with pytest.raises(ValueError, match=r"following must be a boolean mask \(H, W\), got int64"):
        temporal_stability(mask, mask.astype(np.int64))
    with pytest.raises(ValueError, match=r"mask must be a boolean mask \(H, W\), got bool of shape \(3,\)"):
        temporal_stability(mask[0], mask)


@given(seeds=st.tuples(SEEDS, SEEDS))
def test_the_twins_give_the_definitions_t_bit_by_bit(seeds):
    masks = [blob(seed) for seed in seeds]
    with use_cpu("numpy"):
        expected = temporal_stability(*masks)
    assert temporal_stability(*masks) == expected


@given(costs=COSTS)
def test_the_cheapest_path_is_a_path_and_none_costs_less(costs):
    path = cheapest_path(costs)
    assert path.tolist() == cheapest_path.__wrapped__(costs).tolist()
    assert path[0].tolist() == [n - 1 for n in costs.shape]
    assert path[-1].tolist() == [0, 0]
    assert {tuple(step) for step in (path[:-1] - path[1:]).tolist()} <= {(1, 1), (1, 0), (0, 1)}
    found = costs[path[:-1, 0], path[:-1, 1]].sum()
    assert found == pytest.approx(oracles_scores.least_path_cost(costs.tolist()), abs=1e-12)


def test_of_paths_that_cost_the_same_both_outlines_advance():
    assert cheapest_path(np.zeros((3, 5))).tolist() == [[2, 4], [1, 3], [0, 2], [0, 1], [0, 0]]
    assert cheapest_path(np.zeros((1, 1))).tolist() == [[0, 0]]


@given(costs=COSTS)
def test_matching_runs_once_around_both_outlines(costs):
    pairs = matched_pairs(costs)
    for side, length in enumerate(costs.shape):
        steps = np.mod(pairs[:-1, side] - pairs[1:, side], length)
        assert set(steps.tolist()) <= {0, 1 % length}
        assert set(pairs[:, side].tolist()) == set(range(length))


@given(n=st.integers(2, 7), turn=st.integers(0, 6), seed=SEEDS)
def test_where_an_outline_begins_does_not_matter_if_its_points_can_be_told_apart(n, turn, seed):
    costs = 1 + np.random.default_rng(seed).random((n, n))
    costs[np.arange(n), (np.arange(n) + turn) % n] = 0
    pairs = matched_pairs(costs)
    assert {(i, (i + turn) % n) for i in range(n)} <= set(map(tuple, pairs.tolist())) or turn % n
    aligned = matched_pairs(np.roll(costs, -turn, axis=1))
    assert np.all(aligned[:, 0] == aligned[:, 1])


@given(costs=COSTS)
def test_bijective_pairs_hold_each_point_once_at_its_cheapest(costs):
    pairs = matched_pairs(costs)
    kept = bijective(pairs, costs)
    assert len(set(kept[:, 0].tolist())) == len(set(kept[:, 1].tolist())) == len(kept) > 0
    assert kept.tolist() == [list(p) for p in oracles_scores.bijective([tuple(p) for p in pairs.tolist()], costs)]


def test_the_longest_outline_is_the_one_with_the_most_corners_and_runs_clockwise():
    mask = drawn((14, 20), (1, 1, 5, 19), (7, 1, 11, 5), (7, 5, 9, 9), (11, 1, 13, 14))
    polygon = longest_outline(mask)
    assert polygon[:, 0].min() == 7
    (y, x), (v, u) = polygon[:-1].T, polygon[1:].T
    assert np.sum(x * v - u * y) > 0  # twice the area, with rows counted downwards
    assert_allclose(polygon[0], polygon[-1])
