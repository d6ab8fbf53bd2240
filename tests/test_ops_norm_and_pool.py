"""Batch norm and pooling of `vosref.nn.ops` against the loop oracle, and by their own algebra."""

import bounds
import numpy as np
import oracles_layers as oracles
import pytest
from convolutions import DTYPES, LAYERS, random_layer
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from strategies import SEEDS, images, pools

from vosref.nn.ops import average_pool, batch_norm, fold_batch_norm, max_pool

EPSILONS = st.sampled_from([1e-5, 1e-3])


def statistics(seed, channels, dtype=np.float64):
    """Scale, offset, mean and variance."""
    rng = np.random.default_rng(seed)
    values = [*rng.standard_normal((3, channels)), rng.uniform(0.1, 2, channels)]
    return [v.astype(dtype) for v in values]


@DTYPES
@given(image=images(), seed=SEEDS, epsilon=EPSILONS)
def test_batch_norm_equals_the_oracle(xp, dtype, image, seed, epsilon):
    arrays = image.astype(dtype), *statistics(seed, image.shape[2], dtype)
    got = xp.to_numpy(batch_norm(*map(xp.asarray, arrays), epsilon=epsilon))
    exact = oracles.batch_norm(*(a.tolist() for a in arrays), epsilon)
    assert got.dtype == dtype
    assert (np.abs(got - exact) <= 2 * bounds.norm_bound(*arrays, epsilon=epsilon, dtype=dtype)).all()


def test_batch_norm_by_the_images_own_statistics_gives_offset_and_scale(xp):
    image = random_layer(height=40, width=30)[0]
    mean, variance = image.mean(axis=(0, 1)), image.var(axis=(0, 1))
    scale, offset = np.asarray([0.5, 2, -3]), np.asarray([1.0, 0, -1])
    got = xp.to_numpy(batch_norm(*map(xp.asarray, (image, scale, offset, mean, variance)), epsilon=1e-12))
    assert_allclose(got.mean(axis=(0, 1)), offset, atol=1e-10)
    assert_allclose(got.std(axis=(0, 1)), np.abs(scale), rtol=1e-10)


@LAYERS
@given(seed=SEEDS, stride=st.integers(1, 2), epsilon=EPSILONS)
def test_a_folded_norm_is_the_convolution_followed_by_the_norm(xp, layer, depthwise, seed, stride, epsilon):
    image, kernel, _ = random_layer(seed, height=5, width=4, depthwise=depthwise)
    norm = statistics(seed, kernel.shape[-1])
    folded = fold_batch_norm(*map(xp.asarray, (kernel, *norm)), epsilon=epsilon)
    got = xp.to_numpy(layer(xp.asarray(image), *folded, stride=stride, padding="same"))
    convolve = oracles.depthwise_convolution if depthwise else oracles.convolution
    plain = convolve(image.tolist(), kernel.tolist(), stride=stride, padding="same")
    assert_allclose(got, oracles.batch_norm(plain, *(a.tolist() for a in norm), epsilon), atol=1e-11)


@DTYPES
@given(pool=pools(), missing=st.booleans())
def test_max_pool_equals_the_oracle_to_the_bit(xp, dtype, pool, missing):
    image, options = pool
    image = image.astype(dtype)
    if missing:
        image[-1, 0, 0] = np.nan
    got = xp.to_numpy(max_pool(xp.asarray(image), **options))
    assert got.dtype == dtype
    assert np.array_equal(got, oracles.max_pool(image.tolist(), **options), equal_nan=True)


def test_padding_never_wins(xp):
    image = np.full((3, 4, 2), -5.0)
    assert np.array_equal(xp.to_numpy(max_pool(xp.asarray(image), size=3, stride=1, padding=1)), image)


@DTYPES
@given(pool=pools(), count_padding=st.booleans())
def test_average_pool_equals_the_oracle(xp, dtype, pool, count_padding):
    image, options = pool
    image = image.astype(dtype)
    got = xp.to_numpy(average_pool(xp.asarray(image), **options, count_padding=count_padding))
    exact = oracles.average_pool(image.tolist(), **options, count_padding=count_padding)
    magnitude = oracles.average_pool(np.abs(image).tolist(), **options, count_padding=count_padding)
    assert got.dtype == dtype
    # size² - 1 sums and a quotient; the oracle rounds as often in double precision.
    assert (np.abs(got - exact) <= 2 * bounds.gamma(options["size"] ** 2, dtype) * np.asarray(magnitude)).all()


@pytest.mark.parametrize("count_padding", [False, True])
def test_the_average_of_a_constant_is_the_constant_only_where_padding_does_not_count(xp, count_padding):
    image = xp.asarray(np.full((4, 4, 1), 9.0))
    got = xp.to_numpy(average_pool(image, size=3, stride=3, padding=1, count_padding=count_padding))
    assert np.array_equal(got[:, :, 0], [[4.0, 4.0], [4.0, 4.0]] if count_padding else [[9.0, 9.0], [9.0, 9.0]])


@given(image=images(), size=st.integers(1, 4))
def test_the_largest_value_of_a_window_is_no_less_than_its_mean(xp, image, size):
    options = {"size": size, "stride": 1, "padding": "same"}
    largest, mean = max_pool(xp.asarray(image), **options), average_pool(xp.asarray(image), **options)
    assert (xp.to_numpy(largest) >= xp.to_numpy(mean) - 1e-12).all()
