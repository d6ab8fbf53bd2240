"""Which pixel `vosref.gradients.matching` takes for the nearest: the rule for ties, and that no tile changes it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import SEEDS, window_problems
from test_gradients_matching import NEIGHBOURS, drawn_cotangent, pulled, rounding

from vosref.gradients import global_matching_vjp, local_matching_vjp


@settings(max_examples=6)
@given(problem=window_problems(), seed=SEEDS, n=NEIGHBOURS, memory=st.sampled_from([1, 1000, 5000]))
def test_tiles_move_the_gradients_by_the_order_of_sums_alone(xp, problem, seed, n, memory):
    *arrays, options = problem
    g = drawn_cotangent(seed, *arrays[2].shape)
    for vjp, kwargs in ((global_matching_vjp, {"n_neighbours": n}), (local_matching_vjp, options)):
        one, tiled = (pulled(xp, vjp, g, *arrays, **kwargs, **m) for m in ({}, {"memory": memory}))
        assert_array_equal(one[0], tiled[0])  # which pixels are the nearest does not depend on tiles at all
        assert np.abs(one[1] - tiled[1]).max() <= rounding(g, *arrays[:2])


@pytest.mark.parametrize("memory", [1, 200, 2**20])
def test_of_equally_near_pixels_the_first_gets_the_gradient(xp, memory):
    query, reference = np.zeros((1, 1)), np.asarray([[3.0], [1.0], [-1.0], [1.0], [-1.0]])
    arrays = np.ones((1, 1)), query, reference, np.ones((5, 1))
    d_query, d_reference = pulled(xp, global_matching_vjp, *arrays, memory=memory)
    assert d_reference[:, 0].tolist() == [0, -d_query[0, 0], 0, 0, 0]
    assert d_query[0, 0] < 0
    two = pulled(xp, global_matching_vjp, *arrays, n_neighbours=2, memory=memory)
    assert_array_equal(two[1][:, 0] != 0, [False, True, True, False, False])
    assert two[0][0, 0] == 0  # it is drawn to both sides alike


@pytest.mark.parametrize("memory", [1, 200, 2**20])
def test_equal_embeddings_tie_exactly_however_long_they_are(xp, memory):
    rng = np.random.default_rng(0)
    query, once = (1e3 + rng.random((n, 6)) / 10 for n in (7, 4))
    reference = np.concatenate([once, once, once])
    g = drawn_cotangent(1, 7, 1)
    d_reference = pulled(xp, global_matching_vjp, g, query, reference, np.ones((12, 1)), memory=memory)[1]
    alone = pulled(xp, global_matching_vjp, g, query, once, np.ones((4, 1)))[1]
    assert not d_reference[4:].any()
    assert np.abs(d_reference[:4] - alone).max() <= rounding(g, query, once)


@pytest.mark.parametrize("memory", [1, 200, 2**20])
def test_missing_neighbours_give_their_share_to_the_farthest_and_to_the_first_of_the_equally_far(xp, memory):
    query, reference = np.zeros((1, 1)), np.asarray([[0.5], [-1.0], [1.0]])
    d_query, d_reference = pulled(
        xp, global_matching_vjp, np.ones((1, 1)), query, reference, np.ones((3, 1)), n_neighbours=5, memory=memory
    )
    # Shares 1/5, 3/5 and 1/5 of m = (0.25 + 3 + 1) / 5 = 0.85.
    pull = 2 * np.exp(-0.85) / (1 + np.exp(-0.85)) ** 2
    expected = pull * 2 * np.asarray([0.5 / 5, -3 / 5, 1 / 5])
    assert np.abs(d_reference[:, 0] - expected).max() <= 32 * 2.0**-53
    assert abs(d_query[0, 0] + expected.sum()) <= 32 * 2.0**-53


@pytest.mark.parametrize("memory", [1, 200, 2**20])
def test_in_a_window_too_the_first_in_row_major_order_gets_it(xp, memory):
    ones = np.ones((9, 1))
    g = np.zeros((9, 1))
    g[8] = 1
    _, d_previous = pulled(xp, local_matching_vjp, g, 0 * ones, ones, ones, grid=(3, 3), window_radius=1, memory=memory)
    assert np.flatnonzero(d_previous).tolist() == [4]  # pixels 4, 5, 7 and 8 are in pixel 8's window


def test_an_object_without_a_pixel_pulls_nobody(xp):
    frame, labels = np.arange(6.0)[:, None], np.zeros((6, 2))
    labels[0, 0] = 1
    g = np.ones((6, 2))
    alone = pulled(xp, global_matching_vjp, g[:, :1], frame, frame, labels[:, :1])
    both = pulled(xp, global_matching_vjp, g, frame, frame, labels)
    assert all(np.array_equal(a, b) for a, b in zip(alone, both, strict=True))
    near = pulled(xp, local_matching_vjp, g, frame, frame, labels, grid=(1, 6), window_radius=1)
    assert np.flatnonzero(near[0]).tolist() == [1]
    assert all(not x.any() for x in pulled(xp, global_matching_vjp, g, frame, frame, 0 * labels))
