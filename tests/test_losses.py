"""`vosref.losses`: the cross-entropy of the hardest pixels, on every namespace, and how many pixels these are."""

import numpy as np
import oracles_feelvos
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from strategies import SEEDS, classified_pixels

from vosref.losses import bootstrapped_cross_entropy, cross_entropy, hardest_pixels


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
