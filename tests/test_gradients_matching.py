"""`vosref.gradients.matching` against differences of the definitions, against torch, on exact ties and over tiles."""

import bounds
import numpy as np
import pytest
from derivatives import assert_slopes, torch, torch_gradients
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import SEEDS, matching_problems, window_problems
from test_matching import peak_of

from vosref.distance import embedding_distance
from vosref.gradients import embedding_distance_vjp, global_matching_vjp, local_matching_vjp
from vosref.matching import global_matching, local_matching

pytestmark = pytest.mark.usefixtures("definitions")

NEIGHBOURS = st.sampled_from([1, 1, 2, 3, 9])


def pulled(xp, vjp, *arrays, **options):
    return [xp.to_numpy(g) for g in vjp(*map(xp.asarray, arrays), **options)]


def drawn_cotangent(seed, *shape, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def squares_of(query, reference):
    return ((query[:, None, :] - reference[None, :, :]) ** 2).sum(2)


def farthest(query, reference):
    return float(np.sqrt(squares_of(query, reference).max()))


def rounding(cotangent, query, reference, dtype=np.float64):
    """Largest error of an element: Σ |g| terms of 2 |x - y| ∂d/∂s, ∂d/∂s ½ at most, are summed in some order.

    A square is off by (D + 2) u of itself, its share of the mean by n u more, and s · |∂²d/∂s²| is below ½; the slope
    itself rounds by 12 u, and a sum of N terms by N u. With D up to 6, n up to 9, and N up to 60, 128 u are enough;
    the same again for torch, whose 1 - tanh² is off by a few u.
    """
    return 2 * bounds.gamma(128, dtype) * np.abs(cotangent).sum() * farthest(query, reference)


def distances(query, reference):
    return torch.tanh(((query[:, None, :] - reference[None, :, :]) ** 2).sum(2) / 2)


def plain_matching(labels, allowed, n=1):
    """Matching as torch sees it, through the whole array of pairs; `allowed` are the pairs in a window."""

    def match(query, reference):
        squares, columns = ((query[:, None, :] - reference[None, :, :]) ** 2).sum(2), []
        for k in range(labels.shape[1]):
            rows = []
            for p in range(query.shape[0]):
                near = torch.sort(squares[p, torch.from_numpy(allowed[p] & (labels[:, k] > 0))]).values
                missing = max(0, n - len(near))
                mean = (near[:n].sum() + missing * near[-1]) / n if len(near) else squares.new_tensor(float("inf"))
                rows.append(torch.tanh(mean / 2))
            columns.append(torch.stack(rows))
        return torch.stack(columns, 1)

    return match


def window(grid, radius):
    y, x = np.divmod(np.arange(grid[0] * grid[1]), grid[1])
    return (abs(y[:, None] - y[None, :]) <= radius) & (abs(x[:, None] - x[None, :]) <= radius)


def separated(query, reference, labels, allowed, n, gap):
    """Whether no small step exchanges the n nearest of any pixel, nor the farthest where it stands in for others."""
    squares = squares_of(query, reference)
    for k in range(labels.shape[1]):
        for p in range(len(query)):
            near = np.sort(squares[p, allowed[p] & (labels[:, k] > 0)])
            if len(near) > n and near[n] - near[n - 1] < gap:
                return False
            if 1 < len(near) < n and near[-1] - near[-2] < gap:
                return False
    return True


# ── the distance ──


@given(problem=matching_problems(), seed=SEEDS)
def test_the_distances_gradient_is_its_slope_and_torchs(xp, problem, seed):
    arrays = problem[:2]
    g = drawn_cotangent(seed, len(arrays[0]), len(arrays[1]))
    got = pulled(xp, embedding_distance_vjp, g, *arrays)
    for ours, theirs in zip(got, torch_gradients(distances, g, *arrays), strict=True):
        assert np.abs(ours - theirs).max() <= rounding(g, *arrays)
    # Along a unit direction a square has the slope 2 |x - y| and the curvature 2; tanh adds constants of about 1.
    size, rate = np.abs(g).sum(), 2 + 2 * farthest(*arrays)
    assert_slopes(embedding_distance, g, arrays, got, seed=seed, size=size, rate=rate)


def test_the_distances_gradient_is_0_at_equal_embeddings_and_where_it_is_saturated(xp):
    query, reference = np.asarray([[1.0, -2.0], [1e3, 0.0]]), np.asarray([[1.0, -2.0]])
    got = pulled(xp, embedding_distance_vjp, np.ones((2, 1)), query, reference)
    assert all(not g.any() for g in got)


def test_the_slope_keeps_its_digits_where_the_distance_is_all_but_1(xp):
    g = pulled(xp, embedding_distance_vjp, np.ones((1, 1)), np.asarray([[10.0]]), np.asarray([[0.0]]))
    # 2 (x - y) · 2 e⁻ˢ / (1 + e⁻ˢ)² at s = 100, where tanh(s / 2) is 1 in float64; e⁻ˢ < u drops out of 1 + e⁻ˢ.
    assert abs(float(g[0][0, 0]) / (40 * np.exp(-100.0)) - 1) <= 8 * 2.0**-53
    assert g[1][0, 0] == -g[0][0, 0]


# ── matching ──


@given(problem=matching_problems(), seed=SEEDS, n=NEIGHBOURS)
def test_global_matchings_gradient_is_torchs(xp, problem, seed, n):
    query, reference, labels = problem
    g, everywhere = drawn_cotangent(seed, len(query), labels.shape[1]), np.ones((len(query), len(reference)), bool)
    got = pulled(xp, global_matching_vjp, g, *problem, n_neighbours=n)
    expected = torch_gradients(plain_matching(labels, everywhere, n), g, query, reference)
    for ours, theirs in zip(got, expected, strict=True):
        assert np.abs(ours - theirs).max() <= rounding(g, query, reference)


@given(problem=matching_problems(), seed=SEEDS, n=NEIGHBOURS)
def test_global_matchings_gradient_is_its_slope_where_no_step_exchanges_neighbours(problem, seed, n):
    query, reference, labels = problem
    assume(separated(query, reference, labels, np.ones((len(query), len(reference)), bool), n, 1e-3))
    g = drawn_cotangent(seed, len(query), labels.shape[1])
    got = global_matching_vjp(g, *problem, n_neighbours=n)
    size, rate = np.abs(g).sum(), 2 + 2 * farthest(query, reference)  # steps of 1e-5 move squares by 1e-4 at most

    def match(query, reference):
        return global_matching(query, reference, labels, n_neighbours=n)

    # Its expanded squares are off by (2D + 3) u (|x| + |y|)², 2e-13 for lengths up to 6, and that over h.
    assert_slopes(match, g, (query, reference), got, seed=seed, size=size, rate=rate, rounding=5e-8)


@given(problem=window_problems(), seed=SEEDS)
def test_local_matchings_gradient_is_torchs(xp, problem, seed):
    query, previous, labels, options = problem
    g, allowed = drawn_cotangent(seed, *labels.shape), window(options["grid"], options["window_radius"])
    got = pulled(xp, local_matching_vjp, g, query, previous, labels, **options)
    expected = torch_gradients(plain_matching(labels, allowed), g, query, previous)
    for ours, theirs in zip(got, expected, strict=True):
        assert np.abs(ours - theirs).max() <= rounding(g, query, previous)


@given(problem=window_problems(), seed=SEEDS)
def test_local_matchings_gradient_is_its_slope_where_no_step_exchanges_neighbours(problem, seed):
    query, previous, labels, options = problem
    allowed = window(options["grid"], options["window_radius"])
    assume(separated(query, previous, labels, allowed, 1, 1e-3))
    g = drawn_cotangent(seed, *labels.shape)
    got = local_matching_vjp(g, *problem[:3], **options)

    def match(query, previous):
        return local_matching(query, previous, labels, **options)

    size, rate = np.abs(g).sum(), 2 + 2 * farthest(query, previous)
    assert_slopes(match, g, (query, previous), got, seed=seed, size=size, rate=rate, rounding=5e-8)  # as above


@given(problem=window_problems(), seed=SEEDS)
def test_a_window_over_the_whole_grid_has_the_gradient_of_global_matching(problem, seed):
    query, previous, labels, options = problem
    g, options = drawn_cotangent(seed, *labels.shape), options | {"window_radius": max(options["grid"])}
    near, far = local_matching_vjp(g, *problem[:3], **options), global_matching_vjp(g, query, previous, labels)
    for a, b in zip(near, far, strict=True):
        assert np.abs(a - b).max() <= rounding(g, query, previous)


# ── types, memory, refusals ──


@given(problem=window_problems(dtype=np.float32), seed=SEEDS)
def test_single_precision_stays_single_and_is_near_double_where_neighbours_are_the_same(xp, problem, seed):
    *arrays, options = problem
    query, previous, labels = arrays
    g = drawn_cotangent(seed, *labels.shape, dtype=np.float32)
    assume(separated(query, previous, labels, np.ones((len(query),) * 2, bool), 1, 1e-4))
    assume(separated(query, previous, labels, window(options["grid"], options["window_radius"]), 1, 1e-4))
    for vjp, kwargs in ((global_matching_vjp, {}), (local_matching_vjp, options)):
        single = pulled(xp, vjp, g, *arrays, **kwargs)
        double = vjp(*(a.astype(np.float64) for a in (g, *arrays)), **kwargs)
        assert [a.dtype for a in single] == [np.float32] * 2
        for a, b in zip(single, double, strict=True):
            assert np.abs(a - b).max() <= rounding(g, query, previous, np.float32)


def test_half_precision_is_computed_in_single_and_rounded_once():
    rng = np.random.default_rng(0)
    query, previous = (rng.standard_normal((6, 3)).astype(np.float16) for _ in range(2))
    labels, g = np.eye(2)[[0, 1, 1, 0, 1, 0]], rng.standard_normal((6, 2)).astype(np.float16)
    wide = [a.astype(np.float32) for a in (g, query, previous)]
    for vjp, options in ((global_matching_vjp, {}), (local_matching_vjp, {"grid": (2, 3)})):
        for got, single in zip(vjp(g, query, previous, labels, **options), vjp(*wide, labels, **options), strict=True):
            assert_array_equal(got, single.astype(np.float16))
    got = embedding_distance_vjp(g @ g.T, query, previous)
    assert [a.dtype for a in got] == [np.float16] * 2


@pytest.mark.parametrize("n_neighbours", [1, 3])
def test_gradients_stay_within_their_memory_where_all_pairs_would_not(n_neighbours):
    budget, rng = 2**20, np.random.default_rng(2)
    query, reference = (rng.standard_normal((n, 2)).astype(np.float32) for n in (200, 6000))
    g, everywhere = np.ones((200, 1), np.float32), np.ones((6000, 1), bool)
    assert len(query) * len(reference) * 4 > 4 * budget
    copies = 8 * (query.nbytes + reference.nbytes)
    options = {"n_neighbours": n_neighbours, "memory": budget}
    assert peak_of(global_matching_vjp, g, query, reference, everywhere, **options) <= budget + copies


def test_local_gradients_stay_within_their_memory_where_all_pairs_would_not():
    grid, budget, rng = (24, 40), 2**19, np.random.default_rng(2)
    query, previous = rng.standard_normal((2, 960, 4)).astype(np.float32)
    labels = np.eye(3, dtype=bool)[rng.integers(0, 3, 960)]
    assert len(query) ** 2 * 4 > 5 * budget
    options = {"grid": grid, "window_radius": 20, "memory": budget}
    copies = 8 * (query.nbytes + previous.nbytes)
    peak = peak_of(local_matching_vjp, labels.astype(np.float32), query, previous, labels, **options)
    assert peak <= budget + copies


def test_a_cotangent_of_another_shape_is_refused_and_so_is_what_the_definitions_refuse(xp):
    frame, labels = xp.asarray(np.ones((6, 2))), xp.asarray(np.ones((6, 1)))
    g = xp.asarray(np.ones((6, 2)))
    rule = r"^cotangent must have the result's shape \(6, {}\), got \(6, 2\)$"
    with pytest.raises(ValueError, match=rule.format(6)):
        embedding_distance_vjp(g, frame, frame)
    for vjp, options in ((global_matching_vjp, {}), (local_matching_vjp, {"grid": (2, 3)})):
        with pytest.raises(ValueError, match=rule.format(1)):
            vjp(g, frame, frame, labels, **options)
        with pytest.raises(ValueError, match="^labels must be one-hot, "):
            vjp(g[:, :1], frame, frame, 2 * labels, **options)
        with pytest.raises(ValueError, match="^embeddings must be finite, "):
            vjp(g[:, :1], frame, frame * float("inf"), labels, **options)
        with pytest.raises(ValueError, match="^memory must be a positive number of bytes, got 0$"):
            vjp(g[:, :1], frame, frame, labels, memory=0, **options)
    with pytest.raises(ValueError, match="^n_neighbours must be 1 or more, got 0$"):
        global_matching_vjp(g[:, :1], frame, frame, labels, n_neighbours=0)
    with pytest.raises(ValueError, match="^window_radius must be 0 or more pixels, got -1$"):
        local_matching_vjp(g[:, :1], frame, frame, labels, grid=(2, 3), window_radius=-1)
