"""`vosref.losses`: cross-entropy of votes and of the hardest pixels, on every namespace, and how many these are."""

import numpy as np
import oracles
import oracles_feelvos
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from strategies import SEEDS, cast_votes, classified_pixels

from vosref.losses import bootstrapped_cross_entropy, cross_entropy, hardest_pixels, transductive_loss
from vosref.propagation import softmax_vote


def rounding(logits, dtype=np.float64):
    """Largest error of one side: let ρ be the spread of a row.

    A difference of logits is off by ρ u, hence an exponential by ρ u of itself and 8u for its own rounding, and their
    sum by K u more; a logarithm of that is off by as much and by 8u of itself, at most log K < 2. The own logit, ρ at
    most, is off by ρ u, and the difference of the two by (ρ + 2) u.
    """
    spread = float(np.max(logits.max(axis=1) - logits.min(axis=1)))
    return (3 * spread + logits.shape[1] + 26) * np.finfo(dtype).eps / 2


def of_the_hardest(xp, logits, labels, n_hardest):
    return float(bootstrapped_cross_entropy(xp.asarray(logits), xp.asarray(labels), n_hardest=n_hardest))


@given(pixels=classified_pixels())
def test_the_cross_entropy_equals_the_oracle_and_is_never_negative(xp, pixels):
    got = cross_entropy(*map(xp.asarray, pixels))
    assert got.dtype == xp.float64
    assert_allclose(xp.to_numpy(got), oracles_feelvos.cross_entropy(*pixels), rtol=0, atol=2 * rounding(pixels[0]))
    # Not even by rounding: the sum of exponentials holds exp(0) = 1, and the own logit is 0 or less after the shift.
    assert xp.to_numpy(got).min() >= 0


@given(pixels=classified_pixels())
def test_single_precision_stays_single_and_within_its_rounding(xp, pixels):
    got = cross_entropy(xp.asarray(pixels[0], np.float32), xp.asarray(pixels[1]))
    assert got.dtype == xp.float32
    bound = rounding(pixels[0], np.float32) + rounding(pixels[0])
    assert_allclose(xp.to_numpy(got), oracles_feelvos.cross_entropy(*pixels), rtol=0, atol=bound)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_labels_may_be_integers_of_any_kind(xp, dtype):
    logits, labels = xp.asarray([[0.0, 1.0, 3.0], [0.0, 1.0, 3.0]]), xp.asarray([2, 0], dtype=dtype)
    easy = np.log(1 + np.exp(-2.0) + np.exp(-3.0))
    assert_allclose(xp.to_numpy(cross_entropy(logits, labels)), [easy, 3 + easy], rtol=1e-15)


def test_equal_logits_cost_the_logarithm_of_the_number_of_objects(xp):
    got = cross_entropy(xp.asarray(np.full((3, 4), 7.0)), xp.asarray([0, 1, 3]))
    assert_allclose(xp.to_numpy(got), np.log(4.0), rtol=1e-15)
    alone = cross_entropy(xp.asarray([[7.0], [-5.0]]), xp.asarray([0, 0]))
    assert xp.to_numpy(alone).tolist() == [0, 0]


@given(pixels=classified_pixels(), data=st.data())
def test_the_loss_of_the_hardest_pixels_equals_the_oracle(xp, pixels, data):
    n = data.draw(st.integers(1, len(pixels[1])))
    got = bootstrapped_cross_entropy(*map(xp.asarray, pixels), n_hardest=n)
    assert got.shape == ()
    expected = oracles_feelvos.bootstrapped_cross_entropy(*pixels, n)
    # A mean of n numbers, 0 or more, is off by as much as they are, and by (n + 1) u of itself.
    assert_allclose(float(got), expected, rtol=2 * (n + 1) * 2.0**-53, atol=2 * rounding(pixels[0]))


@given(pixels=classified_pixels(), seed=SEEDS)
def test_a_constant_added_to_a_pixels_logits_changes_nothing(xp, pixels, seed):
    logits, labels = pixels
    shift = np.random.default_rng(seed).integers(-1000, 1000, (len(labels), 1))
    # Multiples of 1/64 and integers: their sums are exact, and so is what is left without the largest.
    got = cross_entropy(xp.asarray(logits + shift), xp.asarray(labels))
    assert_array_equal(xp.to_numpy(got), xp.to_numpy(cross_entropy(*map(xp.asarray, pixels))))


@given(pixels=classified_pixels())
def test_over_all_pixels_it_is_the_plain_mean(xp, pixels):
    losses = xp.to_numpy(cross_entropy(*map(xp.asarray, pixels)))
    got = of_the_hardest(xp, *pixels, len(losses))
    # A sum of numbers that are 0 or more is off by (P - 1) u of itself in any order, and the mean by u more.
    assert_allclose(got, losses.mean(), rtol=2 * len(losses) * 2.0**-53)


@given(pixels=classified_pixels())
def test_fewer_hard_pixels_never_lower_it_and_one_is_the_largest(xp, pixels):
    n_pixels = len(pixels[1])
    losses = np.asarray([of_the_hardest(xp, *pixels, n) for n in range(1, n_pixels + 1)])
    assert losses[0] == xp.to_numpy(cross_entropy(*map(xp.asarray, pixels))).max()
    assert np.all(losses[1:] <= losses[:-1] * (1 + 2 * n_pixels * 2.0**-53))  # two means' rounding, as above


@given(pixels=classified_pixels(), data=st.data())
def test_the_order_of_pixels_and_of_objects_changes_nothing(xp, pixels, data):
    logits, labels = pixels
    n = data.draw(st.integers(1, len(labels)))
    rows, columns = (np.asarray(data.draw(st.permutations(range(m)))) for m in logits.shape)
    before = of_the_hardest(xp, logits, labels, n)
    assert of_the_hardest(xp, logits[rows], labels[rows], n) == before  # sorted, they are the same numbers
    # Object columns[j] moves to column j; only the order of the sum of exponentials is another.
    got = of_the_hardest(xp, logits[:, columns], np.argsort(columns)[labels], n)
    assert_allclose(got, before, rtol=2 * (n + 1) * 2.0**-53, atol=2 * rounding(logits))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_very_large_logits_do_not_overflow(xp, dtype):
    size = float(np.finfo(dtype).max) / 4
    logits = xp.asarray([[size, -size, 0], [size, -size, 0], [-size, -size, -size]], dtype=dtype)
    got = xp.to_numpy(cross_entropy(logits, xp.asarray([0, 1, 2])))
    assert_allclose(got, np.asarray([0, 2 * size, np.log(3)], dtype), rtol=2 * np.finfo(dtype).eps)
    got = bootstrapped_cross_entropy(logits, xp.asarray([0, 1, 2]), n_hardest=2)
    assert_allclose(float(got), size, rtol=2 * np.finfo(dtype).eps)


def test_the_share_of_hard_pixels_falls_as_in_the_released_code():  # specs FEELVOS §5.3
    steps = (0, 50_000, 100_000, 200_000)
    assert [hardest_pixels(step, 465**2) for step in steps] == [216225, 124329, 32433, 32433]
    assert hardest_pixels(0, 465**2, annealing_steps=0) == 32433  # the paper
    assert hardest_pixels(5, 1000, fraction=0.5, annealing_steps=10) == 750
    assert [hardest_pixels(step, 3) for step in (0, 10**6)] == [3, 1]
    assert isinstance(hardest_pixels(7, 10), int)


@given(
    n_pixels=st.integers(1, 10**6),
    fraction=st.floats(0.01, 0.9),
    annealing_steps=st.integers(0, 1000),
    step=st.integers(0, 2000),
)
def test_the_number_of_hard_pixels_never_rises_and_some_are_always_left(n_pixels, fraction, annealing_steps, step):
    options = {"fraction": fraction, "annealing_steps": annealing_steps}
    now, later = (hardest_pixels(s, n_pixels, **options) for s in (step, step + 1))
    assert 1 <= later <= now <= n_pixels
    if step >= annealing_steps:
        assert now == max(1, int(fraction * n_pixels))


def test_inputs_stay_as_they_were():
    logits, labels = np.asarray([[1.0, 5.0], [2.0, 0.0]]), np.asarray([1, 1])
    bootstrapped_cross_entropy(logits, labels, n_hardest=1)
    assert (logits.tolist(), labels.tolist()) == ([[1, 5], [2, 0]], [1, 1])


def test_bad_logits_and_labels_are_refused(xp):
    logits, labels = np.zeros((2, 3)), np.asarray([0, 2])
    for wrong, message in [
        ((logits[0], labels), r"^logits must be \(P, K\), P and K 1 or more, got \(3,\)"),
        ((logits[:0], labels[:0]), r"^logits must be \(P, K\), P and K 1 or more, got \(0, 3\)"),
        ((logits.astype(np.int32), labels), r"^logits must be floating point, got .*int32"),
        ((logits, labels[:1]), r"^labels must be \(2,\), one for each pixel, got \(1,\)"),
        ((logits, labels[:, None]), r"^labels must be \(2,\), one for each pixel, got \(2, 1\)"),
        ((logits, labels.astype(float)), r"^labels must be integers, got .*float64; .*\(argmax\)"),
        ((logits, labels.astype(bool)), r"^labels must be integers, got .*bool"),
        ((logits, labels + 1), r"^labels must be 0 to 2, columns of the logits, got 1 to 3"),
        ((logits, labels - 1), r"^labels must be 0 to 2, columns of the logits, got -1 to 1"),
    ]:
        for loss, options in ((cross_entropy, {}), (bootstrapped_cross_entropy, {"n_hardest": 1})):
            with pytest.raises(ValueError, match=message):
                loss(*map(xp.asarray, wrong), **options)


def test_a_number_of_hard_pixels_that_is_none_is_refused(xp):
    logits, labels = xp.asarray(np.zeros((2, 3))), xp.asarray([0, 2])
    for n in (0, 3):
        with pytest.raises(ValueError, match=f"^n_hardest must be 1 to the 2 pixels there are, got {n}$"):
            bootstrapped_cross_entropy(logits, labels, n_hardest=n)


def test_bad_schedules_are_refused():
    for wrong in ({"step": -1}, {"n_pixels": 0}, {"annealing_steps": -1}):
        options = {"step": 1, "n_pixels": 2, "annealing_steps": 3} | wrong
        said = ", ".join(f"{name}={options[name]}" for name in ("step", "annealing_steps", "n_pixels"))
        with pytest.raises(ValueError, match=f"0 or more and n_pixels 1 or more, got {said}$"):
            hardest_pixels(options["step"], options["n_pixels"], annealing_steps=options["annealing_steps"])
    for fraction in (0, -0.1, 1.5, float("nan")):
        with pytest.raises(ValueError, match=f"^fraction must be above 0 and at most 1, got {fraction}$"):
            hardest_pixels(0, 10, fraction=fraction)


# ── TVOS ──


def vote_rounding(total, n_pixels, dtype=np.float64):
    """Largest error of one side's sum: terms of one sign, no more than `total` together.

    Adding epsilon moves a logarithm by u, and by 8u of itself in the function; their sum is off by (P - 1) u of itself,
    a mean by u more. The vote is a sum of one number and zeros, which is exact.
    """
    return (2 * n_pixels + (n_pixels + 9) * total) * np.finfo(dtype).eps / 2


@pytest.mark.parametrize("epsilon", [1e-14, 1e-3])
@given(cast=cast_votes())
def test_the_transductive_loss_equals_the_oracle_as_a_sum_and_as_a_mean(xp, epsilon, cast):
    votes, labels = cast
    n = max(1, int(labels.sum()))
    expected = oracles.transductive_loss(votes, labels, epsilon)
    bound = 2 * vote_rounding(abs(expected), len(votes))
    for reduction, count in (("sum", 1), ("mean", n)):
        got = transductive_loss(*map(xp.asarray, cast), epsilon=epsilon, reduction=reduction)
        assert got.dtype == xp.float64
        assert got.shape == ()
        assert_allclose(float(got), expected / count, rtol=0, atol=bound / count)


@given(cast=cast_votes())
def test_single_precision_votes_stay_single_and_within_their_rounding(xp, cast):
    votes = cast[0].astype(np.float32)
    got = transductive_loss(xp.asarray(votes), xp.asarray(cast[1]), reduction="sum")
    expected = oracles.transductive_loss(votes.tolist(), cast[1], 1e-14)
    assert got.dtype == xp.float32
    assert_allclose(float(got), expected, rtol=0, atol=2 * vote_rounding(abs(expected), len(votes), np.float32))


@given(cast=cast_votes(), data=st.data())
def test_the_order_of_pixels_and_of_labels_changes_no_transductive_loss(xp, cast, data):
    rows, columns = (np.asarray(data.draw(st.permutations(range(n)))) for n in cast[0].shape)
    before, after = (
        float(transductive_loss(*map(xp.asarray, pair))) for pair in (cast, tuple(a[rows][:, columns] for a in cast))
    )
    assert_allclose(after, before, rtol=0, atol=2 * vote_rounding(abs(before), len(rows)))


@given(cast=cast_votes(), data=st.data())
def test_more_of_the_vote_for_the_true_label_never_costs_more(xp, cast, data):
    votes, labels = cast
    share = data.draw(st.floats(0, 1))
    better = votes + share * (labels.sum(1, keepdims=True) * (1 - votes)) * labels
    before, after = (float(transductive_loss(xp.asarray(v), xp.asarray(labels))) for v in (votes, better))
    assert after <= before + 2 * vote_rounding(abs(before), len(votes))


def test_the_true_label_alone_counts_and_a_pixel_without_one_does_not(xp):
    votes, labels = np.asarray([[0.25, 0.75], [0.5, 0.5], [0.0, 1.0]]), np.asarray([[1, 0], [0, 0], [1, 0]])
    loss = float(transductive_loss(xp.asarray(votes), xp.asarray(labels), epsilon=1e-3))
    assert_allclose(loss, -(np.log(0.251) + np.log(0.001)) / 2, rtol=1e-15)
    nobody = xp.asarray(np.zeros((3, 2), bool))
    for reduction in ("sum", "mean"):
        assert float(transductive_loss(xp.asarray(votes), nobody, reduction=reduction)) == 0


def test_a_unanimous_vote_costs_nothing_and_none_at_all_what_the_release_charges(xp):
    labels = xp.asarray(np.eye(3))
    assert abs(float(transductive_loss(labels, labels))) <= 1.1e-14
    wrong = xp.asarray(np.roll(np.eye(3), 1, 1))
    assert_allclose(float(transductive_loss(wrong, labels)), 14 * np.log(10), rtol=1e-14)
    assert float(transductive_loss(wrong, labels, epsilon=1.0)) == 0


def test_embeddings_without_content_cost_the_rarity_of_the_label_among_the_references(xp):  # specs TVOS §6, 9
    zeros, labels = np.zeros((4, 5)), np.eye(2)[[0, 0, 0, 1]]
    votes = softmax_vote(xp.asarray(zeros), xp.asarray(zeros), xp.asarray(labels))
    expected = -(3 * np.log(0.75) + np.log(0.25)) / 4
    assert_allclose(float(transductive_loss(votes, xp.asarray(labels))), expected, rtol=1e-13)


def test_bad_votes_are_refused(xp):
    votes, labels = np.asarray([[0.5, 0.5], [1.0, 0.0]]), np.asarray([[1, 0], [0, 1]])
    for wrong, message in [
        ((votes[0], labels), r"^votes and labels must both be \(P, K\), .*, got \(2,\) and \(2, 2\)"),
        ((votes, labels[:, :1]), r"^votes and labels must both be \(P, K\), .*, got \(2, 2\) and \(2, 1\)"),
        ((votes[:0], labels[:0]), r"^votes and labels must both be \(P, K\), P and K 1 or more"),
        ((votes.astype(int), labels), r"^votes must be floating point, got .*int64"),
        ((votes - 1, labels), r"^votes must be 0 or more, got others"),
        ((votes * np.nan, labels), r"^votes must be 0 or more, got others"),
        ((votes, labels * 2), r"^labels must be one-hot, 0 or 1 and at most one 1 a row, got others"),
        ((votes, labels * 0 + 1), r"^labels must be one-hot"),
        ((votes, labels * 0.5), r"^labels must be one-hot"),
    ]:
        with pytest.raises(ValueError, match=message):
            transductive_loss(*map(xp.asarray, wrong))
    with pytest.raises(ValueError, match=r"^epsilon must be 0 or more, got -0.1$"):
        transductive_loss(xp.asarray(votes), xp.asarray(labels), epsilon=-0.1)
    with pytest.raises(ValueError, match=r"^reduction must be one of mean, sum, got 'max'$"):
        transductive_loss(xp.asarray(votes), xp.asarray(labels), reduction="max")
