"""`vosref.nn.winograd` against the loop oracle within its own bound, its matrices exactly, and its twin against it."""

import itertools
from fractions import Fraction

import bounds
import numba
import numpy as np
import oracles_layers as oracles
import pytest
from convolutions import DTYPES, awkward, random_layer
from hypothesis import given
from hypothesis import strategies as st
from strategies import SEEDS

from vosref.backend import use_cpu
from vosref.kernels import numba_winograd
from vosref.nn.ops import conv2d
from vosref.nn.winograd import INPUT, KERNEL, OUTPUT, transform_kernel, winograd_conv2d

SIDES = st.integers(1, 9)


def problem(seed, height, width, n_in=2, n_out=3, dtype=np.float64):
    """An image, a kernel, a bias and a shortcut."""
    image, kernel, bias = random_layer(seed, height=height, width=width, channels=n_in, out=n_out)
    shortcut = np.random.default_rng(seed + 1).standard_normal((height, width, n_out))
    return [a.astype(dtype) for a in (image, kernel, bias, shortcut)]


def exact_and_bound(image, kernel, bias=None, shortcut=None, activation=None):
    """The oracle's result, and the bound on Winograd's."""
    exact = oracles.convolution(*(None if a is None else a.tolist() for a in (image, kernel, bias)), padding=1)
    added = sum(np.abs(a) for a in (bias, shortcut) if a is not None)
    exact = exact if shortcut is None else oracles.add(exact, shortcut.tolist())
    return np.asarray(oracles.activate(exact, activation)), bounds.winograd_bound(image, kernel, added, image.dtype)


def test_the_matrices_compute_every_output_from_every_tap_and_input_exactly():
    b, g, a = ([[Fraction(x).limit_denominator(24) for x in row] for row in m] for m in (INPUT, KERNEL, OUTPUT))
    # One axis; both axes are its tensor square.
    for output, tap, pixel in itertools.product(range(4), range(3), range(6)):
        coefficient = sum(a[output][k] * g[k][tap] * b[k][pixel] for k in range(6))
        assert coefficient == (1 if pixel == output + tap else 0)
    for matrix, exact in ((INPUT, b), (KERNEL, g), (OUTPUT, a)):
        assert all(x == float(f) for row, fs in zip(matrix, exact, strict=True) for x, f in zip(row, fs, strict=True))


@DTYPES
@pytest.mark.parametrize("height", range(1, 10))
def test_images_of_every_size_equal_the_oracle(dtype, height):
    for width in range(1, 10):
        image, kernel, bias, shortcut = problem(10 * height + width, height, width, dtype=dtype)
        exact, bound = exact_and_bound(image, kernel, bias, shortcut, "relu")
        transformed = transform_kernel(kernel)
        for layer in (winograd_conv2d, winograd_conv2d.__wrapped__):
            got = layer(image, transformed, bias, shortcut, activation="relu")
            assert got.dtype == dtype
            assert got.shape == exact.shape
            assert (np.abs(got - exact) <= bound).all()


@DTYPES
@given(
    seed=SEEDS,
    height=SIDES,
    width=SIDES,
    n_in=st.integers(1, 3),
    n_out=st.integers(1, 3),
    activation=st.sampled_from([None, "relu", "relu6"]),
    given_terms=st.tuples(st.booleans(), st.booleans()),
)
def test_it_equals_the_oracle_in_every_namespace(xp, dtype, seed, height, width, n_in, n_out, activation, given_terms):
    image, kernel, *terms = problem(seed, height, width, n_in, n_out, dtype)
    terms = [term if there else None for term, there in zip(terms, given_terms, strict=True)]
    exact, bound = exact_and_bound(image, kernel, *terms, activation)
    transformed = transform_kernel(xp.asarray(kernel))
    arrays = (None if a is None else xp.asarray(a) for a in terms)
    got = xp.to_numpy(winograd_conv2d(xp.asarray(image), transformed, *arrays, activation=activation))
    assert got.dtype == dtype
    assert (np.abs(got - exact) <= bound).all()


@DTYPES
@given(seed=SEEDS, height=SIDES, width=SIDES, change=st.sampled_from([lambda a: a, awkward]))
def test_the_twin_equals_its_definition(dtype, seed, height, width, change):
    image, kernel, bias, shortcut = problem(seed, height, width, dtype=dtype)
    arrays = image, transform_kernel(kernel), bias, shortcut
    before = [a.copy() for a in arrays]
    with use_cpu("numba"):
        fast = winograd_conv2d(*map(change, arrays), activation="relu6")
    slow = winograd_conv2d.__wrapped__(*arrays, activation="relu6")
    assert fast.dtype == slow.dtype == dtype
    assert (np.abs(fast - slow) <= 2 * exact_and_bound(image, kernel, bias, shortcut)[1]).all()
    assert all(np.array_equal(a, b) for a, b in zip(arrays, before, strict=True))


def test_small_bands_and_any_number_of_threads_change_no_byte(monkeypatch):
    image, kernel, bias, shortcut = problem(0, 13, 11)
    arrays, threads, results = (image, transform_kernel(kernel), bias, shortcut), numba.get_num_threads(), []
    slow, bound = winograd_conv2d.__wrapped__(*arrays), exact_and_bound(image, kernel, bias, shortcut)[1]
    monkeypatch.setattr(numba_winograd, "TILES", 2)
    try:
        for n in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(n)
            results.append(winograd_conv2d(*arrays))
    finally:
        numba.set_num_threads(threads)
    assert results[0].tobytes() == results[1].tobytes()
    assert (np.abs(results[0] - slow) <= 2 * bound).all()


@pytest.mark.parametrize("tier", ["numpy", "numba"])
def test_a_nan_reaches_every_window_that_sees_it_and_no_tile_that_does_not(tier):
    image, kernel, bias, _ = problem(0, 12, 12, 1, 1)
    image[5, 5] = np.nan  # in the middle tile of 3 × 3, which alone sees it
    with use_cpu(tier):
        got = np.isnan(winograd_conv2d(image, transform_kernel(kernel), bias, activation="relu")[:, :, 0])
    assert got[4:7, 4:7].all()
    got[4:8, 4:8] = False
    assert not got.any()


def test_the_bound_is_ten_to_a_hundred_times_the_direct_sums():
    image, kernel, bias, _ = problem(0, 8, 8, 64, 4, np.float32)
    direct = oracles.convolution(*(np.abs(a).tolist() for a in (image, kernel, bias)), padding=1)
    ratio = bounds.winograd_bound(image, kernel, np.abs(bias), np.float32) / bounds.convolution_bound(
        direct, 9 * 64, np.float32
    )
    assert 10 < np.median(ratio) < 100
    exact, bound = exact_and_bound(image, kernel, bias)
    winograd, plain = winograd_conv2d(image, transform_kernel(kernel), bias), conv2d(image, kernel, bias, padding=1)
    assert np.abs(plain - exact).max() < np.abs(winograd - exact).max() < bound.max() / 10


def test_the_kernel_is_transformed_in_double_precision(xp):
    kernel = random_layer(channels=2, out=3)[1]
    exact = np.einsum("ik,klco,jl->ijco", KERNEL, kernel, KERNEL).reshape(36, 2, 3)
    for dtype in (np.float32, np.float64):
        got = xp.to_numpy(transform_kernel(xp.asarray(kernel.astype(dtype))))
        assert got.dtype == dtype
        # Half a unit in the last place of the largest, and the kernel's own rounding.
        assert np.abs(got - exact).max() <= 2 * np.finfo(dtype).eps * np.abs(kernel).max()


@pytest.mark.parametrize("shape", [(3, 3, 2), (3, 5, 2, 2), (1, 1, 2, 2)])
def test_a_kernel_that_is_not_3_by_3_is_refused(xp, shape):
    with pytest.raises(ValueError, match=r"transform_kernel takes a kernel \(3, 3, C_in, C_out\), got \(\d, \d, 2"):
        transform_kernel(xp.asarray(np.ones(shape)))
