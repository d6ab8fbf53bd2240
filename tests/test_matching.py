"""`vosref.matching` on every namespace: its values, what it keeps to, what it refuses, and samples of pixels."""

import itertools
import tracemalloc

import numpy as np
import oracles_feelvos
import pytest
from bounds import matching_bound
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import SEEDS, matching_problems, window_problems

from vosref.backend import use_cpu
from vosref.matching import global_matching, local_matching, subsample

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
TIERS = pytest.mark.parametrize("tier", ["numpy", "numba"])


def matched(xp, match, *arrays, **options):
    return xp.to_numpy(match(*map(xp.asarray, arrays), **options))


def oracle_rounding(n_neighbours=1):
    """Largest error of the oracle: ½ (8u + (n + 1) u) by squares of 6 terms and their mean, 5u by Eq. 1 as written."""
    return (n_neighbours + 10) * 2.0**-53


def golden(dtype):  # specs FEELVOS §3.3
    numbers = np.random.RandomState(0)
    query, previous = (numbers.rand(20, 3).astype(np.float32).astype(dtype) for _ in range(2))
    ids = np.asarray([[0, 0, 1, 1, 0], [0, 1, 1, 1, 0], [0, 0, 2, 2, 0], [0, 0, 0, 2, 0]])
    return query, previous, np.eye(3)[ids.ravel()]


@DTYPES
def test_matching_has_the_published_values(xp, dtype):
    problem = golden(dtype)
    # Ours, the published ones' single precision (½ (D + 2) u + 8u in the direct form), and their six digits.
    bound = matching_bound(*problem[:2], dtype)[:, 0] + 11 * 2.0**-24 + 5e-7
    near = matched(xp, local_matching, *problem, grid=(4, 5), window_radius=1)
    far = matched(xp, global_matching, *problem)
    assert near.dtype == far.dtype == dtype
    assert np.all(np.abs(near[0] - [0.241317, 0.245252, 1.0]) <= bound[0])
    assert np.all(np.abs(near[19] - [0.234619, 1.0, 0.053543]) <= bound[19])
    assert np.all(np.abs(far[0] - [0.008422, 0.104101, 0.123983]) <= bound[0])
    assert abs(near.astype(np.float64).sum() - 20.333751) <= 3 * bound.sum()
    assert abs(far.astype(np.float64).sum() - 4.597290) <= 3 * bound.sum()


@DTYPES
@given(data=st.data(), n=st.integers(1, 9))
def test_global_matching_equals_the_oracle(xp, dtype, data, n):
    query, reference, labels = data.draw(matching_problems(dtype=dtype))
    got = matched(xp, global_matching, query, reference, labels, n_neighbours=n)
    assert got.dtype == dtype
    expected = oracles_feelvos.global_matching(query.tolist(), reference.tolist(), labels, n)
    assert np.all(np.abs(got - expected) <= matching_bound(query, reference, dtype, n) + oracle_rounding(n))


@DTYPES
@given(data=st.data())
def test_local_matching_equals_the_oracle(xp, dtype, data):
    query, previous, labels, options = data.draw(window_problems(dtype=dtype))
    got = matched(xp, local_matching, query, previous, labels, **options)
    assert got.dtype == dtype
    expected = oracles_feelvos.local_matching(query.tolist(), previous.tolist(), labels, **options)
    assert np.all(np.abs(got - expected) <= matching_bound(query, previous, dtype) + oracle_rounding())


@given(problem=window_problems(dtype=np.float16))
def test_half_precision_is_computed_in_single_and_rounded_once(problem):
    query, previous, labels, options = problem
    exact = tuple(a.astype(float).tolist() for a in (query, previous))
    # Rounding a number up to 1 to half precision moves it by 2^-12 at most.
    bound = matching_bound(query, previous, np.float32) + oracle_rounding() + 2.0**-12
    far, near = global_matching(query, previous, labels), local_matching(query, previous, labels, **options)
    assert far.dtype == near.dtype == np.float16
    assert np.all(np.abs(far - oracles_feelvos.global_matching(*exact, labels)) <= bound)
    assert np.all(np.abs(near - oracles_feelvos.local_matching(*exact, labels, **options)) <= bound)


def test_half_precision_cannot_overflow():
    query = np.full((2, 3), 60000, np.float16)  # 2^5 · 1875: in single precision every sum here is exact
    assert global_matching(query, -query, np.eye(2)).tolist() == [[1, 1], [1, 1]]
    assert local_matching(query, query, np.eye(2), grid=(1, 2)).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32])
def test_labels_may_be_of_any_type(xp, dtype):
    query, previous, labels = golden(np.float64)
    for match, options in ((global_matching, {}), (local_matching, {"grid": (4, 5), "window_radius": 1})):
        got = matched(xp, match, query, previous, labels.astype(dtype), **options)
        assert_array_equal(got, matched(xp, match, query, previous, labels, **options))


def peak_of(match, *arrays, **options):
    """Bytes that a definition takes at most beside its arguments, on its second run."""
    with use_cpu("numpy"):
        match(*arrays, **options)
        tracemalloc.start()
        match(*arrays, **options)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return peak


@pytest.mark.parametrize("n_neighbours", [1, 3])
def test_global_matching_stays_within_its_memory_where_all_pairs_would_not(n_neighbours):
    budget, rng = 2**21, np.random.default_rng(2)
    query, reference = (rng.standard_normal((n, 2)).astype(np.float32) for n in (200, 20_000))
    assert len(query) * len(reference) * 4 > 5 * budget
    everywhere = np.ones((len(reference), 1), bool)
    assert peak_of(global_matching, query, reference, everywhere, n_neighbours=n_neighbours, memory=budget) <= budget


def test_local_matching_stays_within_its_memory_where_all_pairs_would_not():
    grid, budget, rng = (24, 40), 2**19, np.random.default_rng(2)
    query, previous = rng.standard_normal((2, 960, 4)).astype(np.float32)
    labels = np.eye(3, dtype=bool)[rng.integers(0, 3, 960)]
    assert len(query) ** 2 * 4 > 5 * budget
    assert peak_of(local_matching, query, previous, labels, grid=grid, window_radius=40, memory=budget) <= budget


@given(seed=SEEDS, most=st.integers(1, 6), dtype=st.sampled_from([bool, np.int64, np.float32, np.float64]))
def test_a_sample_keeps_at_most_so_many_pixels_of_each_object_and_all_where_they_are_few(xp, seed, most, dtype):
    rng = np.random.default_rng(seed)
    labels = (np.eye(3)[rng.integers(0, 3, 15)] * (rng.random(15) < 0.7)[:, None]).astype(dtype)
    got = xp.to_numpy(subsample(xp.asarray(labels), most=most, rng=np.random.default_rng(seed)))
    assert got.dtype == dtype
    kept = got.any(axis=1)
    assert_array_equal(got[kept], labels[kept])
    assert_array_equal(got.sum(axis=0), np.minimum(labels.sum(axis=0), most))
    again = xp.to_numpy(subsample(xp.asarray(labels), most=most, rng=np.random.default_rng(seed)))
    assert_array_equal(again, got)


def test_samples_are_uniform_over_the_sets_of_so_many_pixels():
    labels, rng = np.zeros((7, 2)), np.random.default_rng(0)
    labels[1:6, 0] = labels[6, 1] = 1
    drawn = [tuple(np.flatnonzero(subsample(labels, most=2, rng=rng)[:, 0])) for _ in range(3000)]
    counts = {pair: drawn.count(pair) for pair in itertools.combinations(range(1, 6), 2)}
    # Each of 10 sets has the mean 300 and the deviation √(3000 · 0.1 · 0.9) = 16.4; five of them are never seen.
    assert sum(counts.values()) == 3000
    assert all(abs(count - 300) < 5 * 16.4 for count in counts.values())


@given(problem=matching_problems(), seed=SEEDS, most=st.integers(1, 4))
def test_distances_to_a_sample_are_never_below_those_to_all_pixels(xp, problem, seed, most):
    query, reference, labels = problem
    fewer = xp.to_numpy(subsample(xp.asarray(labels), most=most, rng=np.random.default_rng(seed)))
    got = matched(xp, global_matching, query, reference, fewer)
    bound = 2 * matching_bound(query, reference, np.float64)
    assert np.all(got >= matched(xp, global_matching, query, reference, labels) - bound)
    assert_array_equal(got[:, ~labels.any(axis=0)], 1)


@TIERS
def test_frames_and_labels_that_do_not_belong_together_are_refused(xp, tier):
    query, reference, labels = (xp.asarray(np.ones(shape)) for shape in ((6, 2), (6, 2), (6, 1)))
    one_d = r"^query and reference must be \(pixels, D\) with one D, got "
    pixels = "^pixels and D must be 1 or more, got "
    rows = r"^labels must be \(R, K\), a row for each of the 6 reference pixels and a column for each object, got "
    for wrong, message in [
        ((query[:, :1], reference, labels), one_d + r"\(6, 1\) and \(6, 2\)$"),
        ((query, reference[:, 0], labels), one_d + r"\(6, 2\) and \(6,\)$"),
        ((query[:0, :], reference, labels), pixels + r"\(0, 2\) and \(6, 2\)$"),
        ((query, reference[:0, :], labels[:0, :]), pixels + r"\(6, 2\) and \(0, 2\)$"),
        ((query[:, :0], reference[:, :0], labels), pixels + r"\(6, 0\) and \(6, 0\)$"),
        ((query, reference, labels[:5, :]), rows + r"\(5, 1\)$"),
        ((query, reference, labels[:, 0]), rows + r"\(6,\)$"),
        ((query, reference, labels[:, :0]), rows + r"\(6, 0\)$"),
    ]:
        for match, options in ((global_matching, {}), (local_matching, {"grid": (2, 3)})):
            with use_cpu(tier), pytest.raises(ValueError, match=message):
                match(*wrong, **options)


@TIERS
@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e25])
def test_embeddings_that_are_not_finite_or_too_long_are_refused(xp, tier, which, value):
    arrays = [np.ones((6, 2), np.float32), np.ones((6, 2), np.float32), np.eye(2)[[0, 0, 0, 1, 1, 1]]]
    arrays[which][4, 1] = value
    for match, options in ((global_matching, {}), (local_matching, {"grid": (2, 3)})):
        # NumPy also warns of the overflowing square.
        with use_cpu(tier), np.errstate(over="ignore"), pytest.raises(ValueError, match="^embeddings must be finite, "):
            match(*map(xp.asarray, arrays), **options)


@TIERS
@pytest.mark.parametrize("row", [[0.5, 0.5], [1.0, 1.0], [2.0, 0.0], [-1.0, 0.0], [float("nan"), 0.0]])
def test_labels_that_are_not_one_hot_are_refused(xp, tier, row):
    embedding, labels = np.ones((6, 2)), np.eye(2)[[0, 0, 0, 1, 1, 1]]
    labels[4] = row
    for match, options in ((global_matching, {}), (local_matching, {"grid": (2, 3)})):
        with use_cpu(tier), pytest.raises(ValueError, match=r"^labels must be one-hot, .* \(labels.harden\)$"):
            match(*map(xp.asarray, (embedding, embedding, labels)), **options)


@TIERS
def test_a_window_that_is_none_is_refused(xp, tier):
    six, four, labels = (xp.asarray(np.ones(shape)) for shape in ((6, 2), (4, 2), (6, 1)))
    rule = "^query and previous must have the grid's 2x{} pixels, got {} and {}$"
    with use_cpu(tier):
        with pytest.raises(ValueError, match=rule.format(2, 6, 6)):
            local_matching(six, six, labels, grid=(2, 2))
        with pytest.raises(ValueError, match=rule.format(2, 4, 6)):
            local_matching(four, six, labels, grid=(2, 2))
        with pytest.raises(ValueError, match=rule.format(3, 6, 4)):
            local_matching(six, four, labels[:4, :], grid=(2, 3))
        with pytest.raises(ValueError, match="^window_radius must be 0 or more pixels, got -1$"):
            local_matching(six, six, labels, grid=(2, 3), window_radius=-1)


@TIERS
def test_options_out_of_range_are_refused(xp, tier):
    frame, labels = xp.asarray(np.ones((6, 2))), xp.asarray(np.ones((6, 1)))
    with use_cpu(tier), pytest.raises(ValueError, match="^n_neighbours must be 1 or more, got 0$"):
        global_matching(frame, frame, labels, n_neighbours=0)
    with pytest.raises(ValueError, match="^most must be 1 or more pixels an object, got 0$"):
        subsample(labels, most=0, rng=np.random.default_rng(0))


@pytest.mark.parametrize("memory", [0, -1])
def test_no_memory_is_refused_by_the_definitions(xp, definitions, memory):
    frame, labels = xp.asarray(np.ones((6, 2))), xp.asarray(np.ones((6, 1)))
    for match, options in ((global_matching, {}), (local_matching, {"grid": (2, 3)})):
        with pytest.raises(ValueError, match=f"^memory must be a positive number of bytes, got {memory}$"):
            match(frame, frame, labels, memory=memory, **options)
