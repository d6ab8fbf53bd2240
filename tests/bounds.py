"""Bounds on rounding, as derived in the docstrings of the kernels they belong to."""

import math

import numpy as np


def gamma(n, dtype):
    """γ_n = nu / (1 - nu) [Higham 2002, Lemma 3.1]."""
    u = np.finfo(dtype).eps / 2
    return n * u / (1 - n * u)


def propagation_bound(exact, query, references, *, grid, sigma, temperature, form, n_tiles):
    """Largest error of each element of `exact`, the result for labels not negative (kernels.numba_propagation)."""
    dtype, n_references = query.dtype, references.shape[0] * references.shape[1]

    def longest(x):
        return float(np.sqrt(np.max(np.sum(np.asarray(x, np.float64) ** 2, axis=-1))))

    logit = abs(temperature) * longest(query) * longest(references)
    exponent = ((grid[0] - 1) ** 2 + (grid[1] - 1) ** 2) / min(sigma) ** 2
    delta = gamma(query.shape[1] + 2, dtype) * logit
    if form == "released":
        theta = delta + gamma(n_references + 10 * (n_tiles + 2) + 4 * logit + 3 * exponent, dtype)
    else:
        largest = logit + exponent + math.log(n_references)
        theta = 2 * (delta + gamma(2 * n_references + 10 * (n_tiles + 2) + (2 * n_tiles + 12) * largest, dtype))
    underflow = n_references * np.finfo(dtype).tiny
    return np.expm1(2 * theta) * np.asarray(exact, np.float64) + underflow


def convolution_bound(magnitude, n_products, dtype):
    """Largest error of a convolution whose terms' absolute values sum to `magnitude` (kernels.numba_ops)."""
    return gamma(n_products + 1, dtype) * np.asarray(magnitude, np.float64) + np.finfo(dtype).tiny
