"""How far what is computed of pairs of pixels may be off: logits, spatial terms, softmax votes, S and its products.

Bound. Everything is a sum of terms not negative, so errors are kept as factors exp(±θ). Let u be the roundoff of what
is kept between steps, f the relative error of an exponential, γ_n of a sum of n terms, and R the references.

A logit τ x·y is off by δ = |τ| ((1 + dot_D)(1 + u)² - 1) Σ|x||y| [Higham 2002, 3.5]; a spatial exponent e = d² / σ² by
9u of itself, two differences, squares, a sum, σ² and a quotient. An exponential of x costs f, and |Δx| where x is off:
the rounding of a difference to a maximum m adds u (m - x), all rescalings together included, for the maximum only
rises. A softmax weight is then off by θ = δ + u (m - x) + f, a vote's term by the spatial term's and by 3u more, and
both sums by γ_R and by T (f + 2u) for T rescalings, so that with shares a_j of the exact softmax a vote is off by

    Σ_j a_j exp(-e_j) |y_j| (exp(θ'_j) / D - 1),    D = Σ_j a_j exp(-θ_j).

S = exp(log w - ½ log d_i - ½ log d_j) likewise: logarithms cost u of their own size a rounding, and degrees are off by
log Σ_j s_j exp(θ_j), s_j the shares of a degree. Where one is summed tile by tile as a logarithm, T of them add
2f + u (|log d| + 3) each: a partial logarithm p below d counts by exp(p - log d), and |p| exp(p - log d) ≤ |log d| + 1.

T is not known: it is taken as ⌈P / 16⌉ a frame and 4 more, and never more than references. That holds for tiles of 16
pixels or more, and in practice for smaller ones, down to single pixels, whose maximum seldom rises more often.

An exponential too small to be kept may be 0, or up to 4 smallest numbers where it is stopped there
(`vosref.kernels.exponential`): at most (T + 8) 4R of these are lost in a sum whose largest weight is 1. Labels that are
uncertain themselves, by a doubt Δ, add Σ_j |weight_j| Δ_j.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vosref.conformance.arithmetic import ROUNDOFF, Arithmetic, gamma, grown

__all__ = [
    "PAIRS",
    "Pairs",
    "check_pairs",
    "logarithm",
    "logit_error",
    "lost",
    "online_error",
    "online_weights",
    "smallest",
    "spatial_exponents",
    "vote_error",
    "vote_weights",
]

Array = NDArray[Any]
SPATIAL = 9  # roundings of a spatial exponent
PAIRS = 2**23  # an array over so many pairs has 64 MiB
TILE = 16  # references that a tile holds at least
STOPPED = 4  # smallest numbers that an exponential may be stopped at


class Pairs(NamedTuple):
    """The pairs of a target pixel and a reference pixel, exactly, and how many of these make a frame."""

    logits: Array  # τ x·y, (P, R)
    error: Array  # of the logits, δ
    exponent: Array  # d² / σ², 0 without a spatial term
    frame: int  # pixels of a frame

    @property
    def rescalings(self) -> int:
        """T: how often a running maximum over all references may rise."""
        return min(self.logits.shape[1], self.logits.shape[1] // self.frame * math.ceil(self.frame / TILE) + 4)


def logarithm(relative: float, /) -> float:
    """Return θ of a relative error, such that 1 ± relative lies in exp(±θ)."""
    return -math.log1p(-relative) if relative < 1 else math.inf


def smallest(a: Arithmetic, /) -> float:
    """Absolute error of what is kept between steps, where it is too small."""
    return a._replace(dtype=a.intermediate).underflow


def check_pairs(p: int, r: int, /) -> None:
    """Raise ValueError for more pairs of pixels than arrays over all of them should be made for."""
    if p * r > PAIRS:
        raise ValueError(
            f"the bound of this operation is derived for all pairs of pixels at once, at most {PAIRS}, got {p} x {r}; "
            "judge a crop of the frames, or fewer references"
        )


def logit_error(query: Array, reference: Array, temperature: float, a: Arithmetic, /) -> Array:
    """Largest error δ of every logit τ x·y, (P, R)."""
    d, sizes = query.shape[1], np.abs(query) @ np.abs(reference).T
    relative = grown(a.dot(d), a.u_step, a.u_step)
    return np.asarray(abs(temperature) * (relative * sizes + (d + 1) * smallest(a)) + smallest(a))


def spatial_exponents(query: Array, reference: Array, sigma: Any, /) -> Array:
    """Return d² / σ² of positions (P, 2) and (R, 2), with one σ, or one a reference pixel."""
    apart = query[:, None, :] - reference[None, :, :]
    return np.asarray(np.sum(apart * apart, axis=2) / np.square(np.asarray(sigma, np.float64)))


def vote_error(pairs: Pairs, labels: Array, doubt: Array, a: Arithmetic, /) -> Array:
    """Largest error of softmax votes, times the spatial term, for labels (R, K) that are off by a doubt themselves."""
    return _of_sum(*vote_weights(pairs, a), labels, doubt) + lost(pairs, labels, doubt, a)


def vote_weights(pairs: Pairs, a: Arithmetic, /) -> tuple[Array, Array]:
    """Logarithms of softmax weights times the spatial term, and the θ of each, a sum over a row included."""
    n, u, f = pairs.logits.shape[1], logarithm(a.u_step), logarithm(a.function)
    top, reach = _top(pairs.logits, pairs.error, 1)
    log_share = pairs.logits - top - np.log(np.sum(np.exp(pairs.logits - top), axis=1, keepdims=True))
    summed = logarithm(gamma(n, a.u_sum)) + u + pairs.rescalings * (f + 2 * u)
    of_mass = pairs.error + u * (top - pairs.logits + pairs.error + reach) + f + summed
    # A logarithm of the mass, where one is taken, is kept; then come a quotient and two products.
    whole = u * (np.abs(top) + reach + 2 * math.log(n) + 3) + 2 * _factor(a)
    shrunk = np.log1p(np.sum(np.exp(log_share) * np.expm1(-of_mass), axis=1, keepdims=True))
    theta = of_mass + _spatial(pairs.exponent, a) + whole - shrunk
    return log_share - pairs.exponent, theta


def online_error(pairs: Pairs, labels: Array, doubt: Array, a: Arithmetic, /) -> Array:
    """Largest error of S @ labels, S normalised by the degrees of the bipartite graph."""
    return _of_sum(*online_weights(pairs, a), labels, doubt) + lost(pairs, labels, doubt, a)


def online_weights(pairs: Pairs, a: Arithmetic, /) -> tuple[Array, Array]:
    """Logarithms of S, and the θ of each element, a sum over a row included."""
    n, u, f = pairs.logits.shape[1], logarithm(a.u_step), logarithm(a.function)
    log_w = pairs.logits - pairs.exponent
    theta = pairs.error + _spatial(pairs.exponent, a) + u * (np.abs(pairs.logits) + pairs.exponent)
    (row, of_row), (column, of_column) = (_degree(log_w, theta, axis, pairs, a) for axis in (1, 0))
    before = log_w - column / 2
    top = np.max(before, axis=1, keepdims=True)
    sizes = 2 * np.abs(log_w) + np.abs(row) + np.abs(column) + 4 * np.abs(top) + np.abs(before) + 3
    kept = u * (sizes + 4 * (theta + of_row + of_column))
    summed = logarithm(gamma(n, a.u_sum)) + u + pairs.rescalings * (f + 2 * u)
    theta = theta + of_row / 2 + of_column / 2 + kept + 3 * f + summed + 2 * _factor(a)
    return before - row / 2, theta


def _top(logarithms: Array, theta: Array, axis: int) -> tuple[Array, Array]:
    """Largest logarithm along an axis, and how far it may be off where each is by θ."""
    top = np.max(logarithms, axis=axis, keepdims=True)
    above = np.max(logarithms + theta, axis=axis, keepdims=True) - top
    return top, np.maximum(above, top - np.max(logarithms - theta, axis=axis, keepdims=True))


def _degree(log_w: Array, theta: Array, axis: int, pairs: Pairs, a: Arithmetic) -> tuple[Array, Array]:
    """Logarithm of a degree, and its error: of weights that are off by exp(±θ), and of their sum."""
    n, u, f = log_w.shape[axis], logarithm(a.u_step), logarithm(a.function)
    top, reach = _top(log_w, theta, axis)
    value = top + np.log(np.sum(np.exp(log_w - top), axis=axis, keepdims=True))
    off = theta + u * (top - log_w + theta + reach) + f
    grows = np.log1p(np.sum(_grown(log_w - value, off), axis=axis, keepdims=True))
    tiles = pairs.rescalings if axis == 1 else min(n, math.ceil(n / TILE) + 4)
    steps = tiles * (2 * f + u * (np.abs(value) + 3)) + f * (math.log(n) + 1) + 2 * u * (np.abs(value) + 1)
    gone = logarithm(min(1.0, STOPPED * n * (tiles + 2) * smallest(a)))
    return value, grows + logarithm(gamma(n, a.u_sum)) + steps + gone


def _spatial(exponent: Array, a: Arithmetic) -> Array:
    """Return θ of a spatial term, one exponential or two that are multiplied."""
    u = logarithm(a.u_step)
    return np.asarray(SPATIAL * u * exponent + np.where(exponent > 0, 2 * logarithm(a.function) + u, 0.0))


def _factor(a: Arithmetic) -> float:
    """Return θ of a weight or a label that a matrix product rounds."""
    return logarithm(ROUNDOFF[a.product]) if a.product else 0.0


def _grown(log_weights: Array, theta: Array) -> Array:
    """Return weight (exp θ - 1): without loss for small θ, and for large ones where the weight is small."""
    weights = np.exp(log_weights)
    return np.where(theta < 1, weights * np.expm1(np.minimum(theta, 1.0)), np.exp(log_weights + theta) - weights)


def _of_sum(log_weights: Array, theta: Array, labels: Array, doubt: Array) -> Array:
    """Σ_j weight_j ((|y_j| + Δ_j) exp θ_j - |y_j|), infinite where no number can be given."""
    with np.errstate(all="ignore"):
        off = _grown(log_weights, theta) @ np.abs(labels) + np.exp(log_weights + theta) @ doubt
    return np.where(np.isnan(off), np.inf, off)


def lost(pairs: Pairs, labels: Array, doubt: Array, a: Arithmetic) -> float:
    """Absolute error by exponentials that are too small to be kept."""
    largest = float(np.max(np.abs(labels) + np.where(np.isfinite(doubt), doubt, 0.0), initial=1.0))
    return STOPPED * pairs.logits.shape[1] * (pairs.rescalings + 8) * smallest(a) * largest
