"""Convolutions of `vosref.nn.ops` against the loop oracle, and by their own algebra."""

import numpy as np
import oracles_layers as oracles
import pytest
from convolutions import DTYPES, LAYERS, exact_and_bound, random_layer, shortcut_for
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from strategies import SEEDS, layers

from vosref.backend import use_cpu
from vosref.nn.ops import conv2d, depthwise_conv2d, relu, same_padding

TIERS = pytest.mark.parametrize("tier", ["numpy", "numba"])
ACTIVATIONS = st.sampled_from([None, "relu", "relu6"])
# The largest sums below have 80 terms of size 100 at the most: 80 × 81 × 100 × 2^-53 stays under it.
TINY = 1e-10


def run(xp, layer, *arrays, **options):
    return xp.to_numpy(layer(*(None if a is None else xp.asarray(a) for a in arrays), **options))


@DTYPES
@LAYERS
@given(data=st.data(), activation=ACTIVATIONS)
def test_a_layer_equals_the_oracle(xp, layer, depthwise, dtype, data, activation):
    *arrays, options = data.draw(layers(depthwise=depthwise))
    arrays = [None if a is None else a.astype(dtype) for a in arrays]
    exact, bound = exact_and_bound(*arrays, activation=activation, **options)
    got = run(xp, layer, *arrays, activation=activation, **options)
    assert got.dtype == dtype
    assert got.shape == exact.shape
    assert (np.abs(got - exact) <= bound).all()


@given(data=st.data(), activation=ACTIVATIONS, seed=SEEDS)
def test_the_shortcut_is_added_before_the_activation(xp, data, activation, seed):
    *arrays, options = data.draw(layers())
    plain, _ = exact_and_bound(*arrays, **options)
    shortcut = shortcut_for(plain, seed)
    exact, bound = exact_and_bound(*arrays, shortcut, activation=activation, **options)
    assert (np.abs(run(xp, conv2d, *arrays, shortcut, activation=activation, **options) - exact) <= bound).all()
    expected = np.asarray(oracles.activate((plain + shortcut).tolist(), activation))
    assert_allclose(exact, expected, atol=TINY)


@given(data=st.data(), activation=ACTIVATIONS)
def test_rectify_takes_the_relu_of_the_image_first(xp, data, activation):
    image, kernel, bias, options = data.draw(layers(depthwise=True))
    got = run(xp, depthwise_conv2d, image, kernel, bias, activation=activation, rectify=True, **options)
    rectified = xp.to_numpy(relu(xp.asarray(image)))
    expected = run(xp, depthwise_conv2d, rectified, kernel, bias, activation=activation, **options)
    assert np.array_equal(got, expected)
    exact, bound = exact_and_bound(image, kernel, bias, activation=activation, rectify=True, **options)
    assert (np.abs(got - exact) <= bound).all()


@TIERS
@LAYERS
def test_activations_clip_and_hide_no_nan(layer, depthwise, tier):
    image = np.asarray([-1.0, 0.0, 2.5, 6.0, 7.0, np.nan]).reshape(2, 3, 1)
    kernel = np.ones((1, 1, 1) if depthwise else (1, 1, 1, 1))
    expected = {None: image, "relu": [0, 0, 2.5, 6, 7, np.nan], "relu6": [0, 0, 2.5, 6, 6, np.nan]}
    with use_cpu(tier):
        for activation, values in expected.items():
            got = layer(image, kernel, activation=activation)
            assert np.array_equal(got.ravel(), np.ravel(values), equal_nan=True)


@TIERS
@LAYERS
def test_a_nan_reaches_every_window_that_sees_it_and_no_other(layer, depthwise, tier):
    image, kernel, bias = random_layer(height=6, width=7, channels=1, out=1, depthwise=depthwise)
    image[2, 3] = np.nan
    options = {"rectify": True} if depthwise else {}
    with use_cpu(tier):
        got = np.isnan(layer(image, kernel, bias, padding=1, activation="relu6", **options)[:, :, 0])
    expected = np.zeros((6, 7), bool)
    expected[1:4, 2:5] = True
    assert np.array_equal(got, expected)


@LAYERS
@given(seed=SEEDS, stride=st.integers(1, 3), dilation=st.integers(1, 2), a=st.floats(-3, 3))
def test_a_layer_is_linear_in_its_image_and_kernel(xp, layer, depthwise, seed, stride, dilation, a):
    image, kernel, _ = random_layer(seed, height=5, width=4, depthwise=depthwise)
    other, second, _ = random_layer(seed + 1, height=5, width=4, depthwise=depthwise)

    def result(x, k):
        return run(xp, layer, x, k, stride=stride, dilation=dilation, padding=2)

    assert_allclose(result(image + a * other, kernel), result(image, kernel) + a * result(other, kernel), atol=TINY)
    assert_allclose(result(image, kernel + a * second), result(image, kernel) + a * result(image, second), atol=TINY)


@LAYERS
@given(seed=SEEDS, stride=st.integers(1, 3), size=st.sampled_from([1, 3, 5]), down=st.integers(0, 2))
def test_moving_the_image_by_strides_moves_the_result(xp, layer, depthwise, seed, stride, size, down):
    image, kernel, bias = random_layer(seed, height=6, width=6, channels=2, size=size, depthwise=depthwise)
    canvas, moved = np.zeros((2, 30, 30, 2))
    canvas[8:14, 8:14] = image
    moved[8 + down * stride : 14 + down * stride, 8 + stride : 14 + stride] = image
    options = {"stride": stride, "padding": "same", "activation": "relu6"}
    first, second = (run(xp, layer, x, kernel, bias, **options) for x in (canvas, moved))
    # The frame of zeros is wider than kernel and shift together, so that nothing meets the border.
    assert_allclose(np.roll(first, (down, 1), axis=(0, 1)), second, atol=TINY)


@pytest.mark.parametrize("size", [1, 3, 5])
@pytest.mark.parametrize("dilation", [1, 2])
def test_a_kernel_of_one_central_tap_returns_the_image(xp, size, dilation):
    image, kernel = random_layer()[0], np.zeros((size, size, 3))
    kernel[size // 2, size // 2] = 1
    options = {"dilation": dilation, "padding": dilation * (size // 2)}
    assert np.array_equal(run(xp, depthwise_conv2d, image, kernel, **options), image)
    assert np.array_equal(run(xp, conv2d, image, kernel[..., None] * np.eye(3), **options), image)


@given(seed=SEEDS, stride=st.integers(1, 2), groups=st.integers(1, 3))
def test_groups_are_a_kernel_of_blocks_on_the_diagonal(xp, seed, stride, groups):
    image, kernel, bias = random_layer(seed, height=5, width=4, channels=2 * groups, out=3 * groups)
    blocks = np.zeros_like(kernel)
    for g in range(groups):
        inputs, outputs = slice(2 * g, 2 * g + 2), slice(3 * g, 3 * g + 3)
        blocks[:, :, inputs, outputs] = kernel[:, :, :2, outputs]
    got = run(xp, conv2d, image, kernel[:, :, :2, :], bias, stride=stride, groups=groups, padding=1)
    assert_allclose(got, run(xp, conv2d, image, blocks, bias, stride=stride, padding=1), atol=TINY)


def test_a_depthwise_layer_is_a_convolution_with_a_diagonal_kernel_and_one_of_as_many_groups(xp):
    image, kernel, bias = random_layer(depthwise=True, size=5)
    one = run(xp, depthwise_conv2d, image, kernel, bias, stride=2, padding="same")
    diagonal = run(xp, conv2d, image, kernel[..., None] * np.eye(3), bias, stride=2, padding="same")
    grouped = run(xp, conv2d, image, kernel[:, :, None, :], bias, stride=2, padding="same", groups=3)
    assert_allclose(one, diagonal, atol=TINY)
    assert_allclose(one, grouped, atol=TINY)


@LAYERS
@given(seed=SEEDS, stride=st.integers(1, 2), dilation=st.integers(1, 4))
def test_dilation_is_a_kernel_with_zeros_between_its_taps(xp, layer, depthwise, seed, stride, dilation):
    image, kernel, bias = random_layer(seed, height=9, width=10, channels=2, out=2, depthwise=depthwise)
    spread = np.zeros((2 * dilation + 1, 2 * dilation + 1, *kernel.shape[2:]))
    spread[::dilation, ::dilation] = kernel
    got = run(xp, layer, image, kernel, bias, stride=stride, dilation=dilation, padding=1)
    assert_allclose(got, run(xp, layer, image, spread, bias, stride=stride, padding=1), atol=TINY)


@LAYERS
@given(data=st.data())
def test_padding_is_a_frame_of_zeros_in_the_image(xp, layer, depthwise, data):
    image, kernel, bias, options = data.draw(layers(depthwise=depthwise))
    rows, columns = oracles.pads(options["padding"], image, kernel, options["stride"], options["dilation"])
    framed = np.pad(image, (rows, columns, (0, 0)))
    got = run(xp, layer, image, kernel, bias, **options)
    assert_allclose(got, run(xp, layer, framed, kernel, bias, **{**options, "padding": 0}), atol=TINY)


@given(size=st.integers(1, 60), kernel=st.integers(1, 9), stride=st.integers(1, 4), dilation=st.integers(1, 3))
def test_same_padding_gives_ceil_of_size_over_stride_outputs_with_the_odd_zero_after(size, kernel, stride, dilation):
    before, after = same_padding(size, kernel, stride, dilation=dilation)
    assert (before, after) == oracles.same_padding(size, kernel, stride, dilation)
    assert 0 <= before <= after <= before + 1
    reach = dilation * (kernel - 1) + 1
    assert (size + before + after - reach) // stride + 1 == -(-size // stride)
    assert before + after < reach or before + after == 0  # a window of padding alone is never needed
