"""`vosref.nn.ops` against the loop oracle and its own algebra, and its twins against both."""

import bounds
import numba
import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from strategies import SEEDS, layers

from vosref.backend import use_cpu
from vosref.kernels import numba_ops
from vosref.nn.ops import conv2d, depthwise_conv2d, fold_batch_norm, same_padding

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
LAYERS = pytest.mark.parametrize(("layer", "depthwise"), [(conv2d, False), (depthwise_conv2d, True)])


def exact_and_bound(arrays, stride, *, depthwise):
    """The oracle's result, and the bound on the rounding of arrays of their dtype."""
    exact = oracles.convolution(*(a.tolist() for a in arrays), stride, depthwise)
    magnitude = oracles.convolution(*(np.abs(a).tolist() for a in arrays), stride, depthwise)
    n_products = arrays[1].size // arrays[2].size
    return np.asarray(exact), bounds.convolution_bound(magnitude, n_products, arrays[0].dtype)


def random_layer(seed=0, *, height=13, width=11, channels=3, out=4, size=3, depthwise=False, dtype=np.float64):
    rng = np.random.default_rng(seed)
    shape = (size, size, channels) if depthwise else (size, size, channels, out)
    arrays = rng.standard_normal((height, width, channels)), rng.standard_normal(shape), rng.standard_normal(shape[-1])
    return tuple(a.astype(dtype) for a in arrays)


def awkward(arrays):
    """The same numbers, read-only, and with gaps or in another order in memory."""
    image = np.repeat(arrays[0], 2, axis=1)[:, ::2]
    kernel, bias = np.asfortranarray(arrays[1]), np.repeat(arrays[2], 3)[::3]
    for array in (image, kernel, bias):
        array.flags.writeable = False
    return image, kernel, bias


@DTYPES
@given(data=st.data())
@LAYERS
def test_a_layer_equals_the_oracle(xp, layer, depthwise, dtype, data):
    *arrays, stride = data.draw(layers(depthwise=depthwise))
    arrays = [a.astype(dtype) for a in arrays]
    exact, bound = exact_and_bound(arrays, stride, depthwise=depthwise)
    got = xp.to_numpy(layer(*map(xp.asarray, arrays), stride=stride))
    assert got.dtype == dtype
    assert got.shape == exact.shape
    # float64 arithmetic is the oracle's own, which may be off by as much.
    assert (np.abs(got - exact) <= (2 if dtype == np.float64 else 1.0001) * bound).all()


@DTYPES
@given(data=st.data(), relu6=st.booleans(), change=st.sampled_from([tuple, awkward]))
@LAYERS
def test_a_twin_equals_its_definition(layer, depthwise, dtype, data, relu6, change):
    *arrays, stride = data.draw(layers(depthwise=depthwise))
    arrays = [a.astype(dtype) for a in arrays]
    before = [a.copy() for a in arrays]
    bound = exact_and_bound(arrays, stride, depthwise=depthwise)[1]
    with use_cpu("numba"):
        fast = layer(*change(arrays), stride=stride, relu6=relu6)
    slow = layer.__wrapped__(*arrays, stride=stride, relu6=relu6)
    assert fast.dtype == slow.dtype == dtype
    assert fast.shape == slow.shape
    assert (np.abs(fast - slow) <= 2 * bound).all()
    assert all(np.array_equal(a, b) for a, b in zip(arrays, before, strict=True))


@LAYERS
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_a_twin_in_small_bands_equals_its_definition(monkeypatch, layer, depthwise, stride):
    arrays = random_layer(depthwise=depthwise)
    bound = exact_and_bound(arrays, stride, depthwise=depthwise)[1]
    for constant, small in (("PIXELS", 5), ("ROWS", 2)):
        monkeypatch.setattr(numba_ops, constant, small)
    fast, slow = layer(*arrays, stride=stride), layer.__wrapped__(*arrays, stride=stride)
    assert (np.abs(fast - slow) <= 2 * bound).all()


@DTYPES
@LAYERS
@pytest.mark.parametrize("size", [1, 3])
def test_the_number_of_threads_changes_no_byte(monkeypatch, layer, depthwise, size, dtype):
    arrays = random_layer(height=40, size=size, depthwise=depthwise, dtype=dtype)
    monkeypatch.setattr(numba_ops, "PIXELS", 16)
    threads, results = numba.get_num_threads(), []
    try:
        for n in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(n)
            results.append(layer(*arrays, stride=1, relu6=True).tobytes())
    finally:
        numba.set_num_threads(threads)
    assert results[0] == results[1]


@pytest.mark.parametrize("tier", ["numpy", "numba"])
@LAYERS
def test_relu6_clips_to_0_and_6_and_hides_no_nan(layer, depthwise, tier):
    image = np.asarray([-1.0, 0.0, 2.5, 6.0, 7.0, np.nan]).reshape(2, 3, 1)
    with use_cpu(tier):
        got = layer(image, np.ones((1, 1, 1) if depthwise else (1, 1, 1, 1)), np.zeros(1), relu6=True)
    assert np.array_equal(got.ravel(), [0, 0, 2.5, 6, 6, np.nan], equal_nan=True)


@LAYERS
@given(seed=SEEDS, stride=st.integers(1, 3), a=st.floats(-3, 3))
def test_a_layer_is_linear_in_its_image_and_kernel(xp, layer, depthwise, seed, stride, a):
    image, kernel, _ = random_layer(seed, height=5, width=4, depthwise=depthwise)
    other, second, _ = random_layer(seed + 1, height=5, width=4, depthwise=depthwise)
    zero = xp.asarray(np.zeros(kernel.shape[-1]))

    def run(x, k):
        return xp.to_numpy(layer(xp.asarray(x), xp.asarray(k), zero, stride=stride))

    # At most 28 rounded terms of size 100 at the most: 28 × 100 × 27 × 2^-53 stays below the tolerance.
    assert_allclose(run(image + a * other, kernel), run(image, kernel) + a * run(other, kernel), atol=1e-11)
    assert_allclose(run(image, kernel + a * second), run(image, kernel) + a * run(image, second), atol=1e-11)


@LAYERS
@given(seed=SEEDS, stride=st.integers(1, 3), size=st.sampled_from([1, 3, 5]), down=st.integers(0, 2))
def test_moving_the_image_by_strides_moves_the_result(xp, layer, depthwise, seed, stride, size, down):
    image, kernel, bias = random_layer(seed, height=6, width=6, channels=2, size=size, depthwise=depthwise)
    canvas, moved = np.zeros((2, 30, 30, 2))
    canvas[8:14, 8:14] = image
    moved[8 + down * stride : 14 + down * stride, 8 + stride : 14 + stride] = image
    first, second = (
        xp.to_numpy(layer(*map(xp.asarray, (x, kernel, bias)), stride=stride, relu6=True)) for x in (canvas, moved)
    )
    # The frame of zeros is wider than kernel and shift together, so that nothing meets the border.
    assert_allclose(np.roll(first, (down, 1), axis=(0, 1)), second, atol=1e-13)


@pytest.mark.parametrize("size", [1, 3, 5])
def test_a_kernel_of_one_central_tap_returns_the_image(xp, size):
    image, kernel = random_layer()[0], np.zeros((size, size, 3))
    kernel[size // 2, size // 2] = 1
    zero = np.zeros(3)
    assert np.array_equal(xp.to_numpy(depthwise_conv2d(*map(xp.asarray, (image, kernel, zero)))), image)
    full = kernel[..., None] * np.eye(3)
    assert np.array_equal(xp.to_numpy(conv2d(*map(xp.asarray, (image, full, zero)))), image)


def test_a_depthwise_layer_is_a_convolution_with_a_diagonal_kernel(xp):
    image, kernel, bias = random_layer(depthwise=True, size=5)
    one = xp.to_numpy(depthwise_conv2d(*map(xp.asarray, (image, kernel, bias)), stride=2))
    other = xp.to_numpy(conv2d(*map(xp.asarray, (image, kernel[..., None] * np.eye(3), bias)), stride=2))
    assert_allclose(one, other, atol=1e-13)


@given(size=st.integers(1, 60), kernel=st.integers(1, 9), stride=st.integers(1, 4))
def test_same_padding_gives_ceil_of_size_over_stride_outputs_with_the_odd_zero_after(size, kernel, stride):
    before, after = same_padding(size, kernel, stride)
    assert 0 <= before <= after <= before + 1
    assert (size + before + after - kernel) // stride + 1 == -(-size // stride)
    assert before + after < kernel or before + after == 0  # a window of padding alone is never needed


@LAYERS
@given(seed=SEEDS, stride=st.integers(1, 2))
def test_a_folded_norm_is_the_convolution_followed_by_the_norm(xp, layer, depthwise, seed, stride):
    image, kernel, _ = random_layer(seed, height=5, width=4, depthwise=depthwise)
    rng, channels = np.random.default_rng(seed), kernel.shape[-1]
    scale, offset, mean = rng.standard_normal((3, channels))
    variance, epsilon = rng.uniform(0.1, 2, channels), 1e-3
    folded = fold_batch_norm(*map(xp.asarray, (kernel, scale, offset, mean, variance)), epsilon=epsilon)
    got = xp.to_numpy(layer(xp.asarray(image), *folded, stride=stride))
    plain = oracles.convolution(image.tolist(), kernel.tolist(), [0.0] * channels, stride, depthwise)
    normed = [
        [
            [
                s * (v - m) / (w + epsilon) ** 0.5 + o
                for v, s, o, m, w in zip(pixel, scale, offset, mean, variance, strict=True)
            ]
            for pixel in row
        ]
        for row in plain
    ]
    assert_allclose(got, normed, atol=1e-11)


@pytest.mark.parametrize("tier", ["numpy", "numba"])
@LAYERS
def test_shapes_that_do_not_fit_are_refused(xp, layer, depthwise, tier):
    image, kernel, bias = map(xp.asarray, random_layer(depthwise=depthwise, out=2))
    n_out = 3 if depthwise else 2
    message = rf"an image \(H, W, 3\) and a bias \({n_out},\).*, got "
    with use_cpu(tier):
        for wrong in ((image[:, :, :2], kernel, bias), (image[:, :, 0], kernel, bias), (image, kernel, bias[:1])):
            with pytest.raises(ValueError, match=message):
                layer(*wrong)
        with pytest.raises(ValueError, match=r"square .*\(k, k, ...\), got \(3, 2"):
            layer(image, kernel[:, :2, ...], bias)
