"""Dense propagations with parts to be replaced: what wrong ones are made of. As they stand they are right."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosref.conformance.mutants.dense import positions

__all__ = [
    "both",
    "cosine",
    "dot",
    "gaussian",
    "online",
    "released",
    "roots",
    "softmax",
    "vote",
]

Array = NDArray[Any]
Grid = tuple[int, int]


def dot(query: Array, reference: Array, temperature: float) -> Array:
    """Logits τ x·y of every pair, (P, R)."""
    return np.asarray(temperature * (query @ reference.T))


def cosine(query: Array, reference: Array, temperature: float) -> Array:
    """Logits of embeddings that are scaled to length 1 first."""
    query, reference = (x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12) for x in (query, reference))
    return dot(query, reference, temperature)


def softmax(logits: Array, _n_frames: int) -> Array:
    """Weights (P, R) of every target pixel's references."""
    weights = np.exp(logits - np.max(logits, axis=1, keepdims=True))
    return np.asarray(weights / np.sum(weights, axis=1, keepdims=True))


def squares(grid: Grid) -> Array:
    """Squared distance of all pairs of cells, (P, P)."""
    row, column = positions(grid)
    return np.asarray((row[:, None] - row) ** 2.0 + (column[:, None] - column) ** 2.0)


def gaussian(grid: Grid, sigma: float) -> Array:
    """Spatial term of all pairs of cells, (P, P)."""
    return np.exp(-squares(grid) / sigma**2)


def both(weights: Array, term: Array) -> Array:
    """Weights times the spatial term."""
    return weights * term


def roots(w: Array, _n_frames: int) -> Array:
    """S = D^-1/2 W D^-1/2."""
    return np.asarray(w / np.sqrt(np.sum(w, axis=1, keepdims=True) * np.sum(w, axis=0, keepdims=True)))


def terms(term: Callable[[Grid, float], Array], grid: Grid, sigma: tuple[float, ...]) -> Array:
    """Spatial terms of all reference frames side by side, (P, R)."""
    return np.concatenate([term(grid, s) for s in sigma], axis=1)


def released(
    query: Array,
    references: Array,
    labels: Array,
    /,
    *,
    grid: Grid,
    sigma: tuple[float, ...],
    temperature: float,
    logits: Callable[[Array, Array, float], Array] = dot,
    weigh: Callable[[Array, int], Array] = softmax,
    term: Callable[[Grid, float], Array] = gaussian,
    join: Callable[[Array, Array], Array] = both,
) -> Array:
    """Propagate as the released code does, dense, with parts to be replaced by wrong ones."""
    weights = weigh(logits(query, references.reshape(-1, query.shape[1]), temperature), len(references))
    return np.asarray(join(weights, terms(term, grid, sigma)) @ labels.reshape(-1, labels.shape[2]))


def online(
    query: Array,
    references: Array,
    labels: Array,
    /,
    *,
    grid: Grid,
    sigma: tuple[float, ...],
    temperature: float,
    logits: Callable[[Array, Array, float], Array] = dot,
    term: Callable[[Grid, float], Array] = gaussian,
    normalise: Callable[[Array, int], Array] = roots,
) -> Array:
    """Take the online step, dense, with parts to be replaced by wrong ones."""
    exponents = logits(query, references.reshape(-1, query.shape[1]), temperature)
    w = np.exp(exponents) * terms(term, grid, sigma)
    return np.asarray(normalise(w, len(references)) @ labels.reshape(-1, labels.shape[2]))


def vote(
    query: Array,
    reference: Array,
    labels: Array,
    /,
    *,
    temperature: float,
    logits: Callable[[Array, Array, float], Array] = dot,
    weigh: Callable[[Array, int], Array] = softmax,
) -> Array:
    """Vote by a softmax, dense, with parts to be replaced by wrong ones."""
    return np.asarray(weigh(logits(query, reference, temperature), 1) @ labels)
