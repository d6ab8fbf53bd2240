"""`vosref.flow`: the oracle, motions that are known exactly, and the motion of a rendered creature."""

import numpy as np
import oracles_flow
import pytest
from bounds import gamma
from clips import cheap
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from strategies import SEEDS, propagation_problems

from vosref import tvos
from vosref.flow import affinity_flow
from vosref.labels import to_grid
from vosref.pairs import Pairs
from vosref.samples import SAMPLES, painting, render


def bound(query, reference, *, grid, sigma, temperature, n_tiles=1):
    """Largest error of a component, as the docstring of `affinity_flow` derives it; no displacement outgrows the grid.

    Twice it, for the oracle rounds too.
    """
    dtype, logit = query.dtype, temperature * float(np.sqrt((query**2).sum(1).max() * (reference**2).sum(1).max()))
    largest = logit + ((grid[0] - 1) ** 2 + (grid[1] - 1) ** 2) / sigma**2
    theta = gamma(query.shape[1] + 2, dtype) * logit
    theta += gamma(len(query) + 10 * (n_tiles + 2) + 8 * largest, dtype)
    return 2 * np.expm1(2 * theta) * max(grid)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@given(problem=propagation_problems(), infinite=st.booleans())
def test_the_flow_equals_the_oracle(xp, dtype, problem, infinite):
    query, references, _, options = problem
    query, reference = query.astype(dtype), references[0].astype(dtype)
    options |= {"sigma": float("inf") if infinite else options["sigma"][0]}
    got = xp.to_numpy(affinity_flow(xp.asarray(query), xp.asarray(reference), **options))
    expected = np.asarray(oracles_flow.affinity_flow(query.tolist(), reference.tolist(), **options))
    assert got.dtype == dtype
    assert_allclose(got, expected, rtol=0, atol=bound(query, reference, **options))


@given(problem=propagation_problems(), memory=st.integers(1, 4000))
def test_tiles_of_any_size_give_the_same_flow(xp, problem, memory):
    query, references, _, options = problem
    options |= {"sigma": options["sigma"][0]}
    frames = xp.asarray(query), xp.asarray(references[0])
    whole, tiled = (xp.to_numpy(affinity_flow(*frames, **options, memory=m)) for m in (2**20, memory))
    assert_allclose(tiled, whole, rtol=0, atol=bound(query, references[0], n_tiles=len(query), **options))


def test_no_array_holds_all_pairs(monkeypatch):
    shapes = []

    def logged(pairs, rows, frame, columns, real=Pairs.log_affinity):
        tile = real(pairs, rows, frame, columns)
        shapes.append(tile.shape)
        return tile

    monkeypatch.setattr(Pairs, "log_affinity", logged)
    affinity_flow(np.zeros((60, 1)), np.zeros((60, 1)), grid=(6, 10), sigma=8.0, memory=10 * 8 * 50)
    assert sum(rows * columns for rows, columns in shapes) == 60 * 60
    assert max(rows * columns for rows, columns in shapes) <= 50


@given(grid=st.tuples(st.integers(1, 5), st.integers(1, 6)), seed=SEEDS)
def test_where_all_pixels_look_alike_each_has_come_from_the_middle_of_the_frame(xp, grid, seed):
    n = grid[0] * grid[1]
    same = xp.asarray(np.tile(np.random.default_rng(seed).standard_normal(3), (n, 1)))
    flow = xp.to_numpy(affinity_flow(same, same, grid=grid, sigma=float("inf")))
    middle = [(grid[0] - 1) / 2, (grid[1] - 1) / 2]
    # Equal weights: what is left is the rounding of sums of 30 numbers below 6.
    assert_allclose(flow, cells(grid) - middle, rtol=0, atol=gamma(32, np.float64) * 6)


@pytest.mark.parametrize("sigma", [8.0, float("inf")])
@pytest.mark.parametrize("shift", [(0, 0), (1, 2), (-2, 1), (0, -3)])
def test_a_shifted_frame_has_flowed_by_the_shift(xp, shift, sigma):
    grid = (7, 9)
    older = unit_vectors(np.random.default_rng(5), grid, 16)
    newer = np.roll(older, shift, axis=(0, 1))
    query, reference = (xp.asarray(x.reshape(-1, 16)) for x in (newer, older))
    flow = xp.to_numpy(affinity_flow(query, reference, grid=grid, sigma=sigma, temperature=400.0)).reshape(7, 9, 2)
    inside = flow[max(shift[0], 0) : 7 + min(shift[0], 0), max(shift[1], 0) : 9 + min(shift[1], 0)]
    # What came in over the border has no match, or one on the other side. Everywhere else the right match's
    # logit, 400 less |shift|² / σ² ≤ 0.15, is above any other by at least 400 × (1 - 0.86) - 0.15 > 55.
    others = older.reshape(-1, 16) @ older.reshape(-1, 16).T - 2 * np.eye(63)
    assert others.max() < 0.86
    assert_allclose(inside, np.broadcast_to(shift, inside.shape), rtol=0, atol=62 * np.exp(-55) * 9 + 1e-12)


def test_far_matches_and_logits_beyond_the_exponential_neither_vanish_nor_overflow(xp):
    # The only likeness is 59 cells away: spatial weight exp(-217), appearance exp(10⁴) in float32.
    query, reference = np.zeros((60, 2), np.float32), np.zeros((60, 2), np.float32)
    query[0, 0] = reference[59, 0] = 100.0
    flow = xp.to_numpy(affinity_flow(xp.asarray(query), xp.asarray(reference), grid=(60, 1), sigma=4.0))
    assert np.isfinite(flow).all()
    # The float32 logarithm 10⁴ - 217 is off by less than 0.01, its runners-up are exp(-9000).
    assert flow[0].tolist() == [-59.0, 0.0]


def still_scene(monkeypatch):
    """Two frames of a creature that moves by 4 pixels down and 8 to the right, and by nothing else."""
    pan, surface = painting._panned, painting._surface
    monkeypatch.setattr(painting, "_panned", lambda ground, time, scene: pan(ground, 0.0, scene))
    monkeypatch.setattr(painting, "_surface", lambda x, y, body, time: surface(x, y, body, 0.5))
    path = ((0.25, 0.3), (0.5, 0.5), (0.75, 0.7))
    (creature,) = SAMPLES["one-drifting"].creatures
    scene = SAMPLES["one-drifting"]._replace(height=80, width=128, n_frames=9)
    frames, masks = render(scene._replace(creatures=(creature._replace(path=path, radius=0.3),)))
    return frames[4:6], masks[4:6]


@pytest.mark.usefixtures("definitions")
def test_the_flow_of_a_rendered_clip_is_the_motion_that_was_rendered(monkeypatch):
    frames, masks = still_scene(monkeypatch)
    config = cheap()
    weights = tvos.prepare(config)
    older, newer = (tvos.embedding(weights, frame, config) for frame in frames)
    grid = newer.shape[:2]
    pixels = (x.reshape(-1, x.shape[2]) for x in (newer, older))
    flow = affinity_flow(*pixels, grid=grid, sigma=config.sigma_recent, temperature=config.temperature)
    here, before = (to_grid(mask, ids=(0, 1), grid=grid) for mask in (masks[1], masks[0]))
    creature, ground = flow[here[:, 1] == 1], flow[(here[:, 0] == 1) & (before[:, 0] == 1)]
    assert grid == (20, 32)  # of 4 pixels, so the creature moved by whole cells, and its cells look as they did
    # 0.1 cell is 0.4 pixels: what soft weights and the light, which changes by 1 %, may add over 107 cells.
    assert_allclose(creature.mean(axis=0), [1, 2], rtol=0, atol=0.1)
    # Ground that came out from under the creature or its shadow has no match in the older frame, and says anything:
    # so half of the ground is still to 0.05, and all of it to 0.25 on average, a pixel.
    assert_allclose(np.median(ground, axis=0), [0, 0], rtol=0, atol=0.05)
    assert_allclose(ground.mean(axis=0), [0, 0], rtol=0, atol=0.25)


@pytest.mark.parametrize("sigma", [0.0, -1.0, float("nan")])
def test_a_width_that_is_not_positive_is_refused(xp, sigma):
    frame = xp.asarray(np.ones((6, 2)))
    with pytest.raises(ValueError, match=f"sigma must be a positive number of cells, got {sigma}"):
        affinity_flow(frame, frame, grid=(2, 3), sigma=sigma)


def test_frames_that_do_not_belong_together_are_refused(xp):
    frame = xp.asarray(np.ones((6, 2)))
    with pytest.raises(ValueError, match=r"must be \(pixels, D\), got \(6, 2\) and \[\(6, 1\)\]"):
        affinity_flow(frame, frame[:, :1], grid=(2, 3), sigma=8.0)
    with pytest.raises(ValueError, match="must have the grid's 2x2 pixels, got 6"):
        affinity_flow(frame, frame, grid=(2, 2), sigma=8.0)


def cells(grid):
    return np.stack(np.divmod(np.arange(grid[0] * grid[1]), grid[1]), axis=1)


def unit_vectors(rng, grid, dimension):
    x = rng.standard_normal((*grid, dimension))
    return x / np.linalg.norm(x, axis=2, keepdims=True)
