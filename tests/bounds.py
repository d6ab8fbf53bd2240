"""Bounds on rounding, as derived in the docstrings of the kernels they belong to."""

import math

import numpy as np

from vosref.nn import winograd


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
    underflow = 4 * n_references * np.finfo(dtype).tiny  # an exponential is never below exp(-86)
    return np.expm1(2 * theta) * np.asarray(exact, np.float64) + underflow


def distance_bound(query, reference, dtype):
    """Largest error of the expanded squared norm of every pair, (P, R) (distance.expanded_squares)."""
    x, y = (np.linalg.norm(np.asarray(a, np.float64), axis=1) for a in (query, reference))
    return gamma(2 * query.shape[1] + 3, dtype) * (x[:, None] + y[None, :]) ** 2 + np.finfo(dtype).tiny


def matching_bound(query, reference, dtype, n_neighbours=1):
    """Largest error of each row of a distance map, (P, 1) (matching). Exact ones are within float64's own."""
    pairs = distance_bound(query, reference, dtype)
    return np.max(pairs, axis=1, keepdims=True) / 2 + (n_neighbours + 8) * np.finfo(dtype).eps / 2


def convolution_bound(magnitude, n_products, dtype):
    """Largest error of a convolution whose terms' absolute values sum to `magnitude` (kernels.numba_ops)."""
    return gamma(n_products + 2, dtype) * np.asarray(magnitude, np.float64) + np.finfo(dtype).tiny


def winograd_bound(image, kernel, added, dtype):
    """Largest error of F(4×4, 3×3) with `added` the absolute bias and shortcut (kernels.numba_winograd)."""
    (height, width, n_in), n_out = image.shape, kernel.shape[3]
    b, g, a = (np.abs(np.asarray(m, np.float64)) for m in (winograd.INPUT, winograd.KERNEL, winograd.OUTPUT))
    transformed = np.einsum("ik,klco,jl->ijco", g, np.abs(kernel).astype(np.float64), g)
    rows, columns = -(-height // 4), -(-width // 4)
    padded, out = np.zeros((4 * rows + 2, 4 * columns + 2, n_in)), np.empty((4 * rows, 4 * columns, n_out))
    padded[1 : height + 1, 1 : width + 1] = np.abs(image)
    for y in range(0, 4 * rows, 4):
        for x in range(0, 4 * columns, 4):
            tile = np.einsum("ik,klc,jl->ijc", b, padded[y : y + 6, x : x + 6], b)
            products = np.einsum("ijc,ijco->ijo", tile, transformed)
            out[y : y + 4, x : x + 4] = np.einsum("ik,klo,jl->ijo", a, products, a)
    return gamma(n_in + 54, dtype) * (out[:height, :width] + added) + np.finfo(dtype).tiny


def norm_bound(image, scale, offset, mean, variance, *, epsilon, dtype):
    """Largest error of a batch norm: 5 roundings in the gain at most, and 4 in what it multiplies and in the sum."""
    gain = np.abs(scale) / np.sqrt(variance + epsilon)
    return gamma(9, dtype) * ((np.abs(image) + np.abs(mean)) * gain + np.abs(offset))


def resize_bound(largest, dtype, *, offset=0.0):
    """Largest error of a bilinear mixture of samples up to `largest` (kernels.numba_resize).

    Positions off by up to `offset` samples add as much times the slope, 2 `largest`, along each of the two axes.
    """
    return (gamma(6, dtype) + 4 * offset) * largest
