"""Dense matchings with parts to be replaced: what wrong ones are made of. As they stand they are right."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "direct",
    "expanded",
    "globally",
    "local",
    "nearest",
    "normalise",
    "plain",
    "positions",
    "square",
    "with_parts",
]

Array = NDArray[Any]


def direct(query: Array, reference: Array) -> Array:
    """Squared norm of every pair, (P, R)."""
    apart = query[:, None, :] - reference[None, :, :]
    return np.asarray(np.sum(apart * apart, axis=2))


def expanded(query: Array, reference: Array) -> Array:
    """Return |x|² + |y|² - 2 x·y of every pair, negative where it cancels."""
    lengths = np.sum(query * query, axis=1)[:, None] + np.sum(reference * reference, axis=1)[None, :]
    return np.asarray(lengths - 2 * (query @ reference.T))


def normalise(squared: Array) -> Array:
    """Eq. 1 of a squared norm."""
    return np.tanh(squared / 2)


def positions(grid: tuple[int, int]) -> tuple[Array, Array]:
    """Row and column of every pixel."""
    return np.divmod(np.arange(grid[0] * grid[1]), grid[1])


def square(grid: tuple[int, int], radius: int) -> Array:
    """Mark the pairs that a square window allows."""
    row, column = positions(grid)
    return (np.abs(row[:, None] - row) <= radius) & (np.abs(column[:, None] - column) <= radius)


def local(
    query: Array,
    previous: Array,
    labels: Array,
    /,
    *,
    grid: tuple[int, int],
    window_radius: int,
    squares: Callable[[Array, Array], Array] = direct,
    distance: Callable[[Array], Array] = normalise,
    inside: Callable[[tuple[int, int], int], Array] = square,
    missing: float = np.inf,
) -> Array:
    """Local matching, dense, with parts to be replaced by wrong ones."""
    return nearest(squares(query, previous), labels, inside(grid, window_radius), distance, missing)


def globally(
    query: Array,
    reference: Array,
    labels: Array,
    /,
    *,
    n_neighbours: int,
    squares: Callable[[Array, Array], Array] = direct,
    distance: Callable[[Array], Array] = normalise,
    missing: float = np.inf,
) -> Array:
    """Global matching, dense, with parts to be replaced by wrong ones."""
    everywhere = np.ones((len(query), len(reference)), bool)
    return nearest(squares(query, reference), labels, everywhere, distance, missing, n_neighbours)


def nearest(
    squares: Array, labels: Array, inside: Array, distance: Callable[[Array], Array], missing: float, n: int = 1
) -> Array:
    """Distance to the n nearest pixels of each object, the farthest standing in for those that are missing."""
    out = []
    for y in labels.T:
        ordered = np.sort(np.where(inside & (y > 0)[None, :], squares, np.inf), axis=1)[:, :n]
        farthest = np.max(np.where(np.isinf(ordered), -np.inf, ordered), axis=1, keepdims=True)
        filled = np.where(np.isinf(ordered), farthest, ordered)
        mean = (np.sum(filled, axis=1) + (n - filled.shape[1]) * np.max(filled, axis=1)) / n
        out.append(np.where(np.isinf(ordered[:, 0]), missing, mean))
    return distance(np.stack(out, axis=1))


def plain(squared: Array) -> Array:
    """Eq. 1 of the plain norm: what FEELVOS's PDF seems to say."""
    return np.tanh(np.sqrt(np.maximum(squared, 0)) / 2)


def with_parts(form: Callable[..., Array], **parts: Any) -> Callable[..., Array]:
    """Return a matching with some parts replaced."""
    return lambda *arrays, **options: form(*arrays, **options, **parts)
