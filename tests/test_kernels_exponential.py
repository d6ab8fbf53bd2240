"""`vosref.kernels.exponential`: the polynomial within its stated error, compiled and as plain Python."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numba import njit
from strategies import SEEDS

from vosref.kernels.exponential import exp


@njit(cache=True)
def exponentials(values):
    out = np.empty_like(values)
    for i in range(values.shape[0]):
        out[i] = exp(values[i])
    return out


@given(seed=SEEDS, lowest=st.floats(-85.9, 0.0))
def test_the_polynomial_is_within_8_roundoffs(seed, lowest):
    values = np.random.default_rng(seed).uniform(lowest, 0, 200).astype(np.float32)
    exact = np.exp(values.astype(np.float64))
    for got in (exponentials(values), np.array([exp(v) for v in values])):
        assert got.dtype == np.float32
        assert np.all(np.abs(got - exact) <= 8 * 2.0**-24 * exact)


def test_the_ends_of_the_range():
    values = np.array([0, -np.inf, -100, -86], np.float32)
    floor = np.exp(-86.0)
    np.testing.assert_allclose(exponentials(values), [1, floor, floor, floor], rtol=1e-6)
    assert exponentials(values)[0] == 1


def test_float64_is_the_librarys_own():
    values = np.array([0.0, -1.0, -700.0, -np.inf])
    np.testing.assert_allclose(exponentials(values), np.exp(values), rtol=1e-15)
