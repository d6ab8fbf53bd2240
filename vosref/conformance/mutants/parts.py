"""Wrong parts of propagations: temperatures, softmaxes, spatial terms, normalisations, as published code has them."""

from typing import Any

import numpy as np

from vosref.conformance.mutants.dense import positions
from vosref.conformance.mutants.dense_votes import Array, Grid, dot, gaussian, softmax, squares

__all__ = [
    "columns_alone",
    "disc",
    "divided",
    "double_variance",
    "each_frame",
    "in_pixels",
    "kept",
    "no_root",
    "nowhere",
    "opposite",
    "over_targets",
    "renormalised",
    "rows_alone",
    "sheared",
    "square_window",
    "stale_mass",
    "stale_votes",
    "top",
    "top_of_softmax",
    "transposed",
    "twice",
    "unsquared",
    "unstable",
]

K = 5  # of the top-k


def divided(query: Array, reference: Array, temperature: float) -> Array:
    """Divide by the temperature."""
    return dot(query, reference, 1 / temperature)


def twice(query: Array, reference: Array, temperature: float) -> Array:
    """Apply the temperature in two places."""
    return dot(query, reference, temperature**2)


def opposite(query: Array, reference: Array, temperature: float) -> Array:
    """Take a distance for a similarity."""
    return dot(query, reference, -temperature)


def over_targets(logits: Array, n_frames: int) -> Array:
    """Let the weights of each reference sum to 1 over the targets."""
    return softmax(logits.T, n_frames).T


def each_frame(logits: Array, n_frames: int) -> Array:
    """Take a softmax of its own for each frame."""
    return np.concatenate([softmax(part, 1) for part in np.split(logits, n_frames, axis=1)], axis=1)


def top(logits: Array, n_frames: int) -> Array:
    """Keep exactly the k largest."""
    order = np.argsort(-logits, axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    return softmax(np.where(rank < K, logits, -np.inf), n_frames)


def top_of_softmax(logits: Array, n_frames: int) -> Array:
    """Keep exactly the k largest weights as they are: they sum to less than 1."""
    return np.where(top(logits, n_frames) > 0, softmax(logits, n_frames), 0.0)


def kept(logits: Array, n_frames: int) -> Array:
    """Keep all that are not below the k-th."""
    threshold = np.sort(logits, axis=1)[:, ::-1][:, : min(K, logits.shape[1])][:, -1:]
    return softmax(np.where(logits >= threshold, logits, -np.inf), n_frames)


def unstable(logits: Array, _n_frames: int) -> Array:
    """Take no maximum off."""
    weights = np.exp(logits)
    return np.asarray(weights / np.sum(weights, axis=1, keepdims=True))


def stale_mass(logits: Array, _n_frames: int) -> Array:
    """Stream over tiles of 4 references, and forget to rescale the running sum as the maximum rises."""
    highest, mass = np.full(len(logits), -np.inf), np.zeros(len(logits))
    for first in range(0, logits.shape[1], 4):
        tile = logits[:, first : first + 4]
        highest = np.maximum(highest, np.max(tile, axis=1))
        mass += np.sum(np.exp(tile - highest[:, None]), axis=1)
    return np.asarray(np.exp(logits - highest[:, None]) / mass[:, None])


def stale_votes(logits: Array, _n_frames: int) -> Array:
    """Stream over tiles of 4 references, and forget to rescale the votes as the maximum rises."""
    tiles = [logits[:, first : first + 4] for first in range(0, logits.shape[1], 4)]
    highest = np.maximum.accumulate(np.stack([np.max(tile, axis=1) for tile in tiles]), axis=0)
    weights = [np.exp(tile - top[:, None]) for tile, top in zip(tiles, highest, strict=True)]
    mass = np.sum(np.exp(logits - highest[-1][:, None]), axis=1, keepdims=True)
    return np.asarray(np.concatenate(weights, axis=1) / mass)


def double_variance(grid: Grid, sigma: float) -> Array:
    """Take σ for a standard deviation."""
    return np.exp(-squares(grid) / (2 * sigma**2))


def unsquared(grid: Grid, sigma: float) -> Array:
    """Take the distance without its square."""
    return np.exp(-np.sqrt(squares(grid)) / sigma)


def disc(grid: Grid, sigma: float) -> Array:
    """Cut hard at σ."""
    return np.asarray(1.0 * (squares(grid) <= sigma**2))


def square_window(grid: Grid, sigma: float) -> Array:
    """Cut hard at σ, along rows and columns."""
    apart = [np.abs(a[:, None] - a) for a in positions(grid)]
    return np.asarray(1.0 * (np.maximum(*apart) <= sigma))


def sheared(grid: Grid, sigma: float) -> Array:
    """Let the row be i / W, which is no integer any more."""
    cell = np.arange(grid[0] * grid[1])
    row, column = cell / grid[1], cell % grid[1]
    return np.exp(-((row[:, None] - row) ** 2 + (column[:, None] - column) ** 2) / sigma**2)


def transposed(grid: Grid, sigma: float) -> Array:
    """Exchange height and width."""
    return gaussian((grid[1], grid[0]), sigma)


def in_pixels(grid: Grid, sigma: float) -> Array:
    """Measure in pixels of the frame, 8 a cell."""
    return gaussian(grid, sigma / 8)


def nowhere(grid: Grid, _sigma: float) -> Array:
    """Have no spatial term."""
    return np.ones_like(squares(grid))


def renormalised(weights: Array, term: Array) -> Array:
    """Let the weights sum to 1 again once the spatial term has taken away."""
    return np.asarray(weights * term / np.sum(weights * term, axis=1, keepdims=True))


def rows_alone(w: Array, _n_frames: int) -> Array:
    """D^-1 W, of the targets' degrees."""
    return np.asarray(w / np.sum(w, axis=1, keepdims=True))


def columns_alone(w: Array, _n_frames: int) -> Array:
    """W D^-1, of the references' degrees."""
    return np.asarray(w / np.sum(w, axis=0, keepdims=True))


def no_root(w: Array, _n_frames: Any = None) -> Array:
    """D^-1 W D^-1."""
    return np.asarray(w / (np.sum(w, axis=1, keepdims=True) * np.sum(w, axis=0, keepdims=True)))
