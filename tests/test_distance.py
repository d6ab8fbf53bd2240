"""`vosref.distance`: Eq. 1 on every namespace, and what the expanded square costs in precision."""

import numpy as np
import oracles_feelvos
import pytest
from bounds import distance_bound
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from strategies import SEEDS, matching_problems

from vosref.distance import direct_squares, embedding_distance, expanded_squares, normalised

PUBLISHED = {  # specs FEELVOS §3.1: squared norm, distance
    0.1: 0.0499584, 0.5: 0.2449187, np.log(3): 0.5, 1.0: 0.4621172, 2.0: 0.7615942, 5.0: 0.9866143, 10.0: 0.9999092,
}  # fmt: skip
KINDS = pytest.mark.parametrize("kind", ["random", "non-negative", "large offset", "nearly identical"])


def embeddings(kind, *, seed=0, pixels=24, dimension=100, dtype=np.float32):
    """Two frames' embeddings of D = 100, of lengths around 10 but for those with the offset."""
    rng = np.random.default_rng(seed)
    query, reference = rng.standard_normal((2, pixels, dimension))
    if kind == "non-negative":  # as behind the released code's ReLU
        query, reference = np.maximum(query, 0), np.maximum(reference, 0)
    elif kind == "large offset":
        query, reference = query + 100, reference + 100
    elif kind == "nearly identical":
        reference = query + 1e-4 * reference
    return query.astype(dtype), reference.astype(dtype)


def exact_squares(query, reference):
    """Squared norms of single-precision embeddings, in float64 term by term: their own error is below 2^-45 of them."""
    apart = query.astype(np.float64)[:, None, :] - reference.astype(np.float64)[None, :, :]
    return np.sum(apart**2, axis=2)


def unclamped_squares(xp, query, reference):
    """What the released code computes: |x|² + |y|² - 2 x·y as it comes."""
    lengths = xp.sum(query * query, axis=1)[:, None] + xp.sum(reference * reference, axis=1)[None, :]
    return lengths - 2 * (query @ reference.T)


def test_the_distance_has_the_published_values(xp):
    squared = np.asarray(list(PUBLISHED))
    expected = np.asarray(list(PUBLISHED.values()))
    assert_allclose(xp.to_numpy(normalised(xp.asarray(squared))), expected, rtol=0, atol=5e-8)  # seven digits
    pixels = xp.asarray(np.sqrt(squared)[:, None])
    got = xp.to_numpy(embedding_distance(xp.asarray([[0.0]]), pixels))
    assert_allclose(got[0], expected, rtol=0, atol=5e-8)


@given(problem=matching_problems())
def test_the_distance_equals_the_oracle_and_is_symmetric(xp, problem):
    query, reference = problem[:2]
    got = xp.to_numpy(embedding_distance(xp.asarray(query), xp.asarray(reference)))
    expected = [[oracles_feelvos.distance(p, q) for q in reference] for p in query]
    # Squares are off by 8u of themselves at D = 6, which moves d by half of that at most (x / 2 sech²(x / 2) < ½); the
    # tangent by 8u, the oracle's exponential form by 5u.
    assert_allclose(got, expected, rtol=0, atol=21 * 2.0**-53)
    assert_array_equal(xp.to_numpy(embedding_distance(xp.asarray(reference), xp.asarray(query))), got.T)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(seed=SEEDS, exponent=st.floats(-0.5, 1.0))
def test_the_distance_lies_in_0_to_1_whatever_the_lengths(xp, dtype, seed, exponent):
    query, reference = huge(seed, exponent, dtype)
    with np.errstate(over="ignore"):
        got = embedding_distance(xp.asarray(query), xp.asarray(reference))
    assert got.dtype == getattr(xp, np.dtype(dtype).name)
    assert_in_0_to_1(xp.to_numpy(got), query, reference)


@given(seed=SEEDS, exponent=st.floats(-0.5, 1.0))
def test_the_distance_lies_in_0_to_1_in_half_precision_too(seed, exponent):
    query, reference = huge(seed, exponent, np.float16)
    with np.errstate(over="ignore"):
        got = embedding_distance(query, reference)
    assert got.dtype == np.float16
    assert_in_0_to_1(got, query, reference)


def huge(seed, exponent, dtype):
    """Embeddings of any size up to the largest number there is; the first pixels of the two frames are equal."""
    rng, size = np.random.default_rng(seed), float(np.finfo(dtype).max) ** exponent
    query, reference = (size * rng.uniform(-1, 1, (2, 5, 4))).astype(dtype)
    reference[0] = query[0]
    return query, reference


def assert_in_0_to_1(got, query, reference):
    assert got.min() >= 0
    assert got.max() <= 1
    assert got[0, 0] == 0
    apart = np.abs(query.astype(np.longdouble)[:, None] - reference.astype(np.longdouble)[None]).max(axis=2)
    assert np.all(got[apart > 7] == 1)  # tanh(49 / 2) is 1 in float64


def test_an_overflowing_square_is_distance_1_and_not_nan(xp):
    far = xp.asarray([[3e38], [-3e38]], dtype=np.float32)
    with np.errstate(over="ignore"):
        got = embedding_distance(far, far)
    assert xp.to_numpy(got).tolist() == [[0, 1], [1, 0]]


@KINDS
def test_equal_embeddings_are_0_apart_in_the_direct_form(xp, kind):
    query = xp.asarray(embeddings(kind)[0])
    assert not np.diagonal(xp.to_numpy(direct_squares(query, query))).any()
    assert not np.diagonal(xp.to_numpy(embedding_distance(query, query))).any()


@KINDS
def test_the_direct_form_is_right_to_a_share_of_the_distance(xp, kind):
    query, reference = embeddings(kind)
    got = xp.to_numpy(direct_squares(xp.asarray(query), xp.asarray(reference)))
    assert_allclose(got, exact_squares(query, reference), rtol=(100 + 2) * 2.0**-24)  # (D + 2) u, as its docstring says


@KINDS
@pytest.mark.parametrize("seed", range(3))
def test_the_expansion_keeps_to_its_bound_and_is_never_negative(xp, kind, seed):
    query, reference = embeddings(kind, seed=seed)
    got = xp.to_numpy(expanded_squares(xp.asarray(query), xp.asarray(reference)))
    assert got.dtype == np.float32
    assert got.min() >= 0
    error = np.abs(got - exact_squares(query, reference))
    assert np.all(error <= distance_bound(query, reference, np.float32))


@given(problem=matching_problems(dtype=np.float32))
def test_the_expansion_keeps_to_its_bound_for_any_embeddings(xp, problem):
    query, reference = problem[:2]
    got = xp.to_numpy(expanded_squares(xp.asarray(query), xp.asarray(reference)))
    assert got.min() >= 0
    assert np.all(np.abs(got - exact_squares(query, reference)) <= distance_bound(query, reference, np.float32))


def test_without_the_clamp_near_pixels_would_have_negative_distances(xp):
    query, reference = map(xp.asarray, embeddings("nearly identical"))
    raw, clamped = unclamped_squares(xp, query, reference), expanded_squares(query, reference)
    assert float(xp.min(raw)) < 0
    assert float(xp.min(normalised(raw))) < 0
    assert float(xp.min(normalised(clamped))) == 0
    negative = xp.to_numpy(raw) < 0
    assert_array_equal(xp.to_numpy(clamped)[~negative], xp.to_numpy(raw)[~negative])
    assert not xp.to_numpy(clamped)[negative].any()


def test_the_expansions_error_does_not_shrink_with_the_distance_where_the_direct_forms_does(xp):
    query, reference = embeddings("nearly identical")
    near, pair = np.arange(len(query)), map(xp.asarray, (query, reference))
    exact = exact_squares(query, reference)[near, near]
    expanded = xp.to_numpy(expanded_squares(*pair))[near, near]
    assert np.max(np.abs(expanded - exact) / exact) > 1  # not one digit of a squared distance of 1e-6


@pytest.mark.parametrize("squares", [embedding_distance, direct_squares, expanded_squares])
def test_embeddings_that_do_not_fit_are_refused(xp, squares):
    query = xp.asarray(np.ones((4, 3)))
    rule = r"^query and reference must be \(pixels, D\) with one D, got "
    with pytest.raises(ValueError, match=rule + r"\(4, 3\) and \(4, 2\)$"):
        squares(query, query[:, :2])
    with pytest.raises(ValueError, match=rule + r"\(4,\) and \(4, 3\)$"):
        squares(query[:, 0], query)
    with pytest.raises(ValueError, match=rule + r"\(4, 3\) and \(1, 4, 3\)$"):
        squares(query, query[None, :, :])
    with pytest.raises(ValueError, match=r"^pixels and D must be 1 or more, got \(0, 3\) and \(4, 3\)$"):
        squares(query[:0, :], query)
    with pytest.raises(ValueError, match=r"^pixels and D must be 1 or more, got \(4, 3\) and \(0, 3\)$"):
        squares(query, query[:0, :])
    with pytest.raises(ValueError, match=r"^pixels and D must be 1 or more, got \(4, 0\) and \(4, 0\)$"):
        squares(query[:, :0], query[:, :0])
