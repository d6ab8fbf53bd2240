"""`vosref.affinity` against its oracles, and S by the geometry it must have."""

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from strategies import SEEDS, graphs

from vosref.affinity import (
    affinity,
    grid_positions,
    normalised_affinity,
    online_affinity,
    spatial_term,
)


@given(seed=SEEDS, p=st.integers(1, 5), r=st.integers(1, 5), sigma=st.floats(0.5, 30))
def test_the_affinity_equals_the_oracle(xp, seed, p, r, sigma):
    rng = np.random.default_rng(seed)
    arrays = [
        rng.standard_normal((p, 3)),
        rng.standard_normal((r, 3)),
        rng.integers(0, 9, (p, 2)),
        rng.integers(0, 9, (r, 2)),
    ]
    arrays = [a.astype(float) for a in arrays]
    got = xp.to_numpy(affinity(*map(xp.asarray, arrays), sigma=sigma, temperature=0.7))
    assert_allclose(got, oracles.affinity(*(a.tolist() for a in arrays), sigma, 0.7), rtol=1e-12)


def test_the_spatial_term_has_the_published_values(xp):  # specs TVOS §6.2
    here, there = xp.asarray([[0.0, 0.0]]), xp.asarray([[0.0, 0.0], [1.0, 0.0], [0.0, 8.0]])
    assert_allclose(xp.to_numpy(spatial_term(here, there, sigma=8.0))[0], [1.0, 0.984496, 0.367879], atol=5e-7)
    assert_allclose(xp.to_numpy(spatial_term(here, there, sigma=21.0))[0, 1], 0.997735, atol=5e-7)


def test_the_spatial_term_is_symmetric_and_infinity_switches_it_off(xp):
    cells = grid_positions((3, 4), like=xp.asarray([0.0]))
    term = xp.to_numpy(spatial_term(cells, cells, sigma=2.0))
    assert np.array_equal(term, term.T)
    assert np.array_equal(xp.to_numpy(spatial_term(cells, cells, sigma=float("inf"))), np.ones((12, 12)))


def test_positions_are_row_major(xp):  # the released code's version trap: the row is a floor division
    got = xp.to_numpy(grid_positions((2, 3), like=xp.asarray([0.0])))
    assert got.tolist() == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]


@given(graph=graphs())
def test_s_equals_the_oracle_is_symmetric_and_has_its_spectrum_in_minus_1_to_1(xp, graph):
    w = graph[0]
    s = xp.to_numpy(normalised_affinity(xp.asarray(w)))
    assert_allclose(s, oracles.normalised_affinity(w.tolist()), rtol=1e-13)
    assert_allclose(s, s.T, rtol=1e-14)
    spectrum = np.linalg.eigvalsh(s)
    assert spectrum.min() >= -1 - 1e-12
    assert_allclose(spectrum.max(), 1, rtol=1e-12)  # its vector is √d


@given(seed=SEEDS, p=st.integers(1, 5), r=st.integers(1, 5))
def test_a_rectangular_s_equals_the_oracle_and_has_singular_values_up_to_1(xp, seed, p, r):
    w = np.random.default_rng(seed).uniform(0.01, 1, (p, r))
    s = xp.to_numpy(normalised_affinity(xp.asarray(w)))
    assert_allclose(s, oracles.normalised_affinity(w.tolist()), rtol=1e-13)
    assert_allclose(np.linalg.svd(s, compute_uv=False).max(), 1, rtol=1e-12)


def test_an_isolated_pixel_stays_alone_and_nothing_is_nan(xp):
    w = np.asarray([[0.0, 0.0, 0.0], [0.0, 1.0, 2.0], [0.0, 2.0, 1.0]])
    s = xp.to_numpy(normalised_affinity(xp.asarray(w)))
    assert not s[0].any()
    assert not s[:, 0].any()
    assert np.isfinite(s).all()
    assert_allclose(s, oracles.normalised_affinity(w.tolist()), rtol=1e-14)


@given(graph=graphs(min_points=3), scale=st.floats(1e-3, 1e3))
def test_s_does_not_change_with_the_scale_of_w(xp, graph, scale):
    w = graph[0]
    assert_allclose(
        xp.to_numpy(normalised_affinity(xp.asarray(scale * w))),
        xp.to_numpy(normalised_affinity(xp.asarray(w))),
        rtol=1e-12,
    )


@given(graph=graphs(min_points=3))
def test_the_two_readings_of_the_online_s_are_blocks_of_what_their_names_say(xp, graph):
    w = graph[0]
    bipartite = xp.to_numpy(online_affinity(xp.asarray(w), 1))
    whole = xp.to_numpy(online_affinity(xp.asarray(w), 1, over="graph"))
    assert_allclose(bipartite, oracles.normalised_affinity(w[-1:, :-1].tolist()), rtol=1e-13)
    assert_allclose(whole, np.asarray(oracles.normalised_affinity(w.tolist()))[-1:, :-1], rtol=1e-13)


@given(graph=graphs(min_points=4))
def test_the_two_readings_agree_where_pixels_only_have_neighbours_on_the_other_side(xp, graph):
    w = graph[0].copy()
    w[:2, :2] = w[2:, 2:] = 0
    n = w.shape[0] - 2
    assert_allclose(
        xp.to_numpy(online_affinity(xp.asarray(w), n)),
        xp.to_numpy(online_affinity(xp.asarray(w), n, over="graph")),
        rtol=1e-13,
    )


def test_bad_arguments_are_refused(xp):
    one = xp.asarray([[0.0, 0.0]])
    with pytest.raises(ValueError, match="sigma must be a positive number of cells, got 0"):
        spatial_term(one, one, sigma=0)
    with pytest.raises(ValueError, match="one dimension D, got 2 and 3"):
        affinity(one, xp.asarray([[0.0, 0.0, 0.0]]), one, one, sigma=1.0)
    with pytest.raises(ValueError, match='over must be "bipartite" or "graph", got \'tree\''):
        online_affinity(one, 1, over="tree")
