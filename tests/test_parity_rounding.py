"""The bounds of each layer, against float32 in the order that rounds worst, and against perturbed inputs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import SEEDS, layers

from vosref.nn import ops
from vosref.parity.rounding import ROUNDINGS, Layer, Rounding, Running

pytestmark = pytest.mark.usefixtures("definitions")
ROUNDING = Rounding(np.dtype(np.float32))


def running(array, error=0.0):
    array = np.asarray(array, np.float64)
    return Running(array, np.full_like(array, error))


def layer(operation, kernel, **changes):
    sampling = {"stride": 1, "dilation": 1, "padding": tuple(((k - 1) // 2,) * 2 for k in kernel.shape[:2])}
    plain = Layer(operation, kernel, None, (), 0.0, None, None, sampling, False)
    return plain._replace(**changes)


def within(bound, computed):
    assert computed.dtype == np.float32
    error = np.abs(bound.value - computed)
    assert np.all(error <= bound.error)
    return float(np.max(error / np.maximum(bound.error, 1e-300)))


def test_a_sum_of_equal_numbers_one_after_the_other_comes_close_to_its_bound_and_not_beyond():
    n = 4096
    x, kernel = np.full((1, 1, n), 1 / 3, np.float32), np.full((1, 1, n, 1), 0.7, np.float32)
    total = np.cumsum(x.reshape(-1) * kernel.reshape(-1), dtype=np.float32)[-1:].reshape(1, 1, 1)
    found = ROUNDING.convolve(layer(ops.conv2d, kernel), running(x), n + ROUNDINGS)
    assert within(found, total) > 0.02
    mean = (np.cumsum(np.full(n, 1 / 3, np.float32), dtype=np.float32)[-1:] / np.float32(n)).reshape(1, 1, 1)
    assert within(ROUNDING.mean(running(np.full((64, 64, 1), np.float32(1 / 3)))), mean) > 0.02


@given(layers(), SEEDS, st.sampled_from([None, "relu", "relu6"]), st.floats(0, 0.3))
def test_a_layer_of_perturbed_inputs_stays_within_the_bound(problem, seed, activation, error):
    (image, kernel), (bias, sampling) = (a.astype(np.float32) for a in problem[:2]), problem[2:]
    bias = None if bias is None else bias.astype(np.float32)
    rng = np.random.default_rng(seed)
    norm = tuple(rng.uniform(0.1, 2.0, kernel.shape[3]).astype(np.float32) for _ in range(4))
    whole = layer(ops.conv2d, kernel, norm=norm, epsilon=1e-3, activation=activation, sampling=sampling)
    off = (image + error * rng.uniform(-1, 1, image.shape)).astype(np.float32)
    x = Running(image.astype(np.float64), np.abs(off - image.astype(np.float64)))
    convolved = ROUNDING.convolve(whole, x, whole.n_products + ROUNDINGS)
    shortcut = rng.standard_normal(convolved.value.shape).astype(np.float32)
    whole = whole._replace(shortcut=running(shortcut))
    normed = ROUNDING.normalise(whole, convolved, whole.n_products + ROUNDINGS)
    found = ROUNDING.finish(whole, normed, whole.n_products + ROUNDINGS)
    step = ops.batch_norm(ops.conv2d(off, kernel, **sampling), *norm, epsilon=np.float32(1e-3))
    within(found, ops.finish(step, None, shortcut, activation))
    folded = ops.fold_batch_norm(kernel, *norm, epsilon=np.float32(1e-3))
    within(found, ops.conv2d(off, *folded, shortcut, **sampling, activation=activation))
    biased = ROUNDING.convolve(whole._replace(bias=bias, norm=()), x, whole.n_products + ROUNDINGS)
    within(biased, ops.conv2d(off, kernel, bias, **sampling))


@given(layers(depthwise=True), SEEDS, st.booleans())
def test_a_depthwise_layer_stays_within_the_bound(problem, seed, rectify):
    image, kernel = (np.asarray(a, np.float32) for a in problem[:2])
    off = image + np.random.default_rng(seed).uniform(-0.1, 0.1, image.shape).astype(np.float32)
    spec = layer(ops.depthwise_conv2d, kernel, rectify=rectify, sampling=problem[3])
    x = Running(image.astype(np.float64), np.abs(off - image.astype(np.float64)))
    found = ROUNDING.convolve(spec, x, spec.n_products + ROUNDINGS)
    within(found, ops.depthwise_conv2d(off, kernel, rectify=rectify, **problem[3]))


@given(SEEDS, st.integers(1, 9), st.integers(1, 9), st.integers(1, 30), st.integers(1, 30), st.booleans())
def test_resizing_with_positions_in_float32_stays_within_the_bound(seed, height, width, rows, columns, aligned):
    image = np.random.default_rng(seed).standard_normal((height, width, 2)).astype(np.float32)
    off = image + np.float32(0.1) * np.sign(image)
    x = Running(image.astype(np.float64), np.abs(off - image.astype(np.float64)))
    found = ROUNDING.resize(x, (rows, columns), align_corners=aligned)
    lines = interpolated(off, rows, aligned)
    within(found, interpolated(lines.transpose(1, 0, 2), columns, aligned).transpose(1, 0, 2))


def interpolated(values, n, aligned):
    """Resize the first axis with everything in float32, as TensorFlow and PyTorch do."""
    one, last = np.float32(1), np.float32(len(values) - 1)
    i = np.arange(n, dtype=np.float32)
    if aligned:
        place = i * (last / np.float32(max(n - 1, 1)))
    else:
        place = np.clip((i + np.float32(0.5)) * (np.float32(len(values)) / np.float32(n)) - np.float32(0.5), 0, last)
    below = np.minimum(np.floor(place), last)
    share = (place - below)[:, None, None]
    above = np.minimum(below + one, last).astype(int)
    return values[below.astype(int)] * (one - share) + values[above] * share


@given(SEEDS, st.sampled_from(["relu", "relu6"]))
def test_activations_carry_the_error_of_what_can_still_be_seen(seed, activation):
    rng = np.random.default_rng(seed)
    value, error = rng.uniform(-9, 9, (3, 3, 4)), rng.uniform(0, 2, (3, 3, 4))
    found = ROUNDING.activate(Running(value, error), activation)
    for sign in (-1, 1):
        moved = ops.finish(value + sign * error, None, None, activation)
        assert np.all(np.abs(moved - found.value) <= found.error + 1e-15)
    assert np.all(found.error[value + error <= 0] == 0)


def test_pooling_and_concatenation_carry_errors_as_they_are():
    x = running(np.arange(16.0).reshape(4, 4, 1), 0.25)
    assert np.all(ROUNDING.max_pool(x, size=2, stride=2).error == 0.25)
    joined = ROUNDING.concat([x, running(x.value)])
    assert joined.value.shape == (4, 4, 2)
    assert joined.error.max(axis=(0, 1)).tolist() == [0.25, 0.0]


def test_standardising_in_any_order_stays_within_the_bound():
    image = np.arange(0, 256, dtype=np.float32).reshape(16, 16, 1) * np.ones(3, np.float32)
    mean, std = (np.array(v) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    found = ROUNDING.standardise(running(image), 1 / (255 * std), -mean / std)
    m, s, full = mean.astype(np.float32), std.astype(np.float32), np.float32(255)
    within(found, (image / full - m) / s)
    within(found, (image - full * m) / (full * s))
    within(found, image * (1 / (255 * std)).astype(np.float32) + (-mean / std).astype(np.float32))


def test_a_bound_that_roundings_can_take_whole_is_infinite():
    assert ROUNDING.gamma(2**24) == np.inf
    assert Rounding(np.dtype(np.float64)).gamma(3) == pytest.approx(3 * 2.0**-52)
