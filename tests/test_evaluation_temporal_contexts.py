"""Shape contexts and their costs: the loops' numbers, the twins' bits, and what scale and place must not change."""

import numpy as np
import oracles_scores
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal

from vosref.evaluation.shape_context import BINS, context_costs, mean_distance, shape_contexts

POINTS = hnp.arrays(np.int64, st.tuples(st.integers(2, 8), st.just(2)), elements=st.integers(-9, 9), unique=False)
POINTS = POINTS.filter(lambda points: np.ptp(points, axis=0).any()).map(lambda points: points.astype(np.float64))


def contexts(points):
    return shape_contexts(points, scale=mean_distance(points))


@given(points=POINTS)
def test_the_mean_distance_is_that_of_all_pairs(points):
    assert mean_distance(points) == pytest.approx(oracles_scores.mean_distance(points.tolist()), rel=1e-12)


@given(points=POINTS, scale=st.sampled_from([0.3, 1.7, 3.1, 8.3, 100.1]))
def test_contexts_equal_the_oracle_and_the_twins_are_the_definitions(points, scale):
    found = shape_contexts(points, scale=scale)
    assert found.shape == (len(points), BINS)
    assert found.tolist() == oracles_scores.shape_contexts(points.tolist(), scale)
    assert_array_equal(shape_contexts.__wrapped__(points, scale=scale), found)


def test_a_bin_begins_at_its_lower_angle_and_its_inner_radius():
    around = np.array([[0, 0], [0, 1], [1, 0], [0, -1], [-1, 0], [0, 2], [0, 4], [0, 16], [0, 32]], dtype=np.float64)
    bins = np.flatnonzero(shape_contexts(around, scale=16.0)[0])
    assert bins.tolist() == [0, 3, 6, 9, 12, 24, 48]  # 1/8 and 1/4 of the scale are in the next ring, 2 in none


@given(points=POINTS, shift=st.integers(-50, 50), factor=st.sampled_from([0.25, 2.0, 64.0]))
def test_place_and_scale_change_nothing(points, shift, factor):
    assert_array_equal(contexts(points + shift), contexts(points))
    assert_array_equal(contexts(factor * points), contexts(points))


@given(points=POINTS)
def test_a_quarter_turn_moves_counts_on_by_three_sectors(points):
    turned = np.stack([points[:, 1], -points[:, 0]], axis=1)
    counts, moved = (contexts(p).reshape(len(points), 5, 12) for p in (points, turned))
    counts[np.arange(len(points)), 0, 0] -= np.sum(np.all(points[:, None] == points[None], axis=2), axis=1)
    moved[np.arange(len(points)), 0, 0] -= np.sum(np.all(points[:, None] == points[None], axis=2), axis=1)
    assert_array_equal(moved, np.roll(counts, 3, axis=2))


@given(pair=st.tuples(POINTS, POINTS))
def test_costs_equal_the_oracle_are_symmetric_and_the_twins_are_the_definitions(pair):
    first, second = map(contexts, pair)
    costs = context_costs(first, second)
    expected = [[oracles_scores.context_cost(g, h) for h in second.tolist()] for g in first.tolist()]
    assert_allclose(costs, expected, atol=1e-12)
    assert_array_equal(context_costs.__wrapped__(first, second), costs)
    assert_array_equal(context_costs(second, first).T, costs)
    assert costs.min() >= 0


@given(points=POINTS, times=st.integers(1, 5))
def test_proportional_contexts_cost_exactly_nothing(points, times):
    counts = contexts(points)
    assert_array_equal(np.diag(context_costs(counts, times * counts)), 0)


@pytest.mark.parametrize("scale", [0.0, -1.0, np.nan])
@pytest.mark.parametrize("function", [shape_contexts, shape_contexts.__wrapped__])
def test_a_scale_that_is_not_above_0_is_refused(function, scale):
    with pytest.raises(ValueError, match="scale must be above 0, got"):
        function(np.zeros((2, 2)), scale=scale)
