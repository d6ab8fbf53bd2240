"""`vosref.gradients.losses` against differences of the definitions, against torch, and on exact ties."""

import numpy as np
import pytest
from derivatives import assert_slopes, torch, torch_gradients
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from strategies import SEEDS, cast_votes, classified_pixels

from vosref.gradients import bootstrapped_cross_entropy_vjp, cross_entropy_vjp, transductive_loss_vjp
from vosref.losses import bootstrapped_cross_entropy, cross_entropy, transductive_loss

REDUCTIONS = pytest.mark.parametrize("reduction", ["mean", "sum"])


def pulled(xp, vjp, *arrays, **options):
    return xp.to_numpy(vjp(*map(xp.asarray, arrays), **options))


def rounding(logits):
    """Largest error of a softmax, of either side: a difference of logits is off by u of itself, and 16 + 2K u more."""
    return 2 * (np.ptp(logits) + 16 + 2 * logits.shape[1]) * 2.0**-53


# ── of votes ──


@REDUCTIONS
@pytest.mark.parametrize("epsilon", [1e-14, 0.01])
@given(cast=cast_votes(), cotangent=st.floats(-2, 2))
def test_the_gradient_of_the_transductive_loss_is_torchs(xp, reduction, epsilon, cast, cotangent):
    votes, labels = cast
    judged = labels.any(axis=1)
    n = max(1, judged.sum()) if reduction == "mean" else 1

    def plain(v):
        return -torch.log((v * torch.from_numpy(labels)).sum(1)[torch.from_numpy(judged)] + epsilon).sum() / n

    expected = torch_gradients(plain, cotangent, votes)[0]
    options = {"epsilon": epsilon, "reduction": reduction}
    for g in (cotangent, xp.asarray(np.asarray(cotangent))):  # a number, or an array of no axes
        got = xp.to_numpy(transductive_loss_vjp(g, xp.asarray(votes), xp.asarray(labels), **options))
        assert_allclose(got, expected, rtol=8 * 2.0**-53, atol=1e-300)


@REDUCTIONS
@given(cast=cast_votes(), seed=SEEDS)
def test_the_gradient_of_the_transductive_loss_is_its_slope(reduction, cast, seed):
    votes, labels = cast
    options = {"epsilon": 0.01, "reduction": reduction}
    votes = votes + 0.01  # a step must not make a vote negative
    got = transductive_loss_vjp(1.0, votes, labels, **options)
    # Votes of 0.02 or more with ε: log's n-th derivative is up to 50ⁿ; P up to 8 of losses up to 4.
    assert_slopes(lambda v: transductive_loss(v, labels, **options), 1.0, [votes], [got], seed=seed, size=32, rate=50)


def test_pixels_without_a_label_and_other_labels_votes_have_gradient_0(xp):
    votes, labels = np.asarray([[0.5, 0.25], [0.5, 0.25], [0.0, 0.75]]), np.asarray([[1, 0], [0, 0], [0, 1]])
    for dtype in (bool, np.int64, np.float32):
        got = pulled(xp, lambda *a: transductive_loss_vjp(1.0, *a, epsilon=0.0), votes, labels.astype(dtype))
        assert_allclose(got, [[-1, 0], [0, 0], [0, -1 / 1.5]], rtol=1e-15)
    assert not pulled(xp, lambda *a: transductive_loss_vjp(1.0, *a), votes, 0 * labels).any()


def test_no_vote_at_all_has_a_finite_gradient(xp):
    got = pulled(xp, lambda *a: transductive_loss_vjp(1.0, *a), np.zeros((1, 2), np.float32), np.asarray([[0, 1]]))
    assert got.dtype == np.float32
    assert_allclose(got, [[0, -1e14]], rtol=1e-6)


# ── of pixels ──


@given(pixels=classified_pixels(), seed=SEEDS)
def test_the_gradient_of_the_cross_entropy_is_torchs_and_its_slope(xp, pixels, seed):
    logits, labels = pixels
    g = np.random.default_rng(seed).standard_normal(len(labels))
    got = pulled(xp, cross_entropy_vjp, g, logits, labels)
    truth = torch.from_numpy(labels)
    expected = torch_gradients(lambda z: torch.nn.functional.cross_entropy(z, truth, reduction="none"), g, logits)[0]
    assert_allclose(got, expected, rtol=0, atol=2 * rounding(logits) * np.abs(g).max())
    assert np.abs(got.sum(axis=1)).max() <= rounding(logits) * np.abs(g).max()
    size = np.abs(g).sum() * (1 + np.ptp(logits))
    assert_slopes(lambda z: cross_entropy(z, labels), g, [logits], [got], seed=seed, size=size, rate=2)


@given(pixels=classified_pixels(), data=st.data(), cotangent=st.floats(-2, 2))
def test_the_gradient_of_the_hardest_pixels_loss_is_torchs_and_its_slope_without_ties(xp, pixels, data, cotangent):
    logits, labels = pixels
    n = data.draw(st.integers(1, len(labels)))
    hardest = np.sort(cross_entropy(logits, labels))[::-1]
    assume(n == len(labels) or hardest[n - 1] - hardest[n] > 1e-3)  # more than a step of 1e-5 / 2 changes
    got = pulled(xp, lambda *a: bootstrapped_cross_entropy_vjp(cotangent, *a, n_hardest=n), logits, labels)
    truth = torch.from_numpy(labels)

    def plain(z):
        return torch.nn.functional.cross_entropy(z, truth, reduction="none").topk(n).values.mean()

    assert_allclose(got, torch_gradients(plain, cotangent, logits)[0], rtol=0, atol=4 * rounding(logits))
    assert_slopes(
        lambda z: bootstrapped_cross_entropy(z, labels, n_hardest=n),
        cotangent,
        [logits],
        [got],
        seed=n,
        size=2 * (1 + np.ptp(logits)),
        rate=2,
    )


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_of_equally_hard_pixels_the_first_get_the_gradient(xp, n):
    logits = np.asarray([[2.0, 0.0], [0.0, 2.0], [0.0, 2.0], [0.0, 2.0]])
    labels = np.zeros(4, np.int64)
    got = pulled(xp, lambda *a: bootstrapped_cross_entropy_vjp(1.0, *a, n_hardest=n), logits, labels)
    assert_array_equal(got.any(axis=1), [n == 4, True, n > 1, n > 2])


def test_a_certain_pixels_gradient_keeps_its_digits(xp):
    got = pulled(xp, cross_entropy_vjp, np.ones(1), np.asarray([[50.0, 0.0, 0.0]]), np.asarray([0]))
    tail = np.exp(-50.0)  # below u: p - 1 would be 0
    assert_allclose(got, [[-2 * tail, tail, tail]], rtol=1e-14)


def test_very_large_logits_do_not_overflow(xp):
    logits = np.asarray([[1e30, -1e30], [1e30, -1e30]], np.float32)
    got = pulled(xp, cross_entropy_vjp, np.ones(2, np.float32), logits, np.asarray([0, 1]))
    assert got.dtype == np.float32
    assert got.tolist() == [[0, 0], [1, -1]]


def test_a_cotangent_of_another_shape_is_refused_and_so_is_what_the_definitions_refuse(xp):
    logits, labels, one_hot = xp.asarray(np.ones((3, 2))), xp.asarray([0, 1, 0]), xp.asarray(np.eye(2)[[0, 1, 0]])
    three = xp.asarray(np.ones(3))
    scalar = r"^cotangent must have the result's shape \(\), got \(3,\)$"
    with pytest.raises(ValueError, match=scalar):
        transductive_loss_vjp(three, logits, one_hot)
    with pytest.raises(ValueError, match=scalar):
        bootstrapped_cross_entropy_vjp(three, logits, labels, n_hardest=1)
    with pytest.raises(ValueError, match=r"^cotangent must have the result's shape \(3,\), got \(2,\)$"):
        cross_entropy_vjp(three[:2], logits, labels)
    with pytest.raises(ValueError, match="^reduction must be one of mean, sum, got 'max'$"):
        transductive_loss_vjp(1.0, logits, one_hot, reduction="max")
    with pytest.raises(ValueError, match="^labels must be 0 to 1, columns of the logits, got 0 to 2$"):
        cross_entropy_vjp(three, logits, 2 * labels)
    with pytest.raises(ValueError, match="^n_hardest must be 1 to the 3 pixels there are, got 4$"):
        bootstrapped_cross_entropy_vjp(1.0, logits, labels, n_hardest=4)
