"""Pairs of a target pixel and a reference pixel, walked over in tiles: the streaming half of `propagation`.

A softmax over all references, or a logarithm of a sum over them, is exact when it keeps a running maximum and a running
sum; so no array over all pairs is ever needed, and the size of the tiles moves the result by rounding alone.
"""

from typing import Any, NamedTuple

from vosref.affinity import spatial_term, squared_distance
from vosref.backend import array_namespace, device
from vosref.blocks import slices, tiles
from vosref.shapes import check_pairs

__all__ = ["Pairs", "as_frames", "cover", "log_sum", "lowest", "vote"]

ARRAYS_PER_PAIR = 10  # tiles alive at once below: logits, exponentials, the spatial term and its parts, the tile before


class Pairs(NamedTuple):
    """The pairs of a target pixel and a pixel of a reference frame, of which only tiles are ever computed."""

    query: Any
    references: tuple
    position: Any
    sigma: Any
    temperature: float

    def appearance(self, rows, frame, columns):
        """Logits τ f_i · f_j of a tile."""
        return self.temperature * (self.query[rows, :] @ self.references[frame][columns, :].T)

    def spatial(self, rows, frame, columns):
        """Spatial term of a tile; 1 where there are no positions."""
        if self.position is None:
            return 1.0
        return spatial_term(self.position[rows, :], self.position[columns, :], sigma=self.sigma[frame])

    def log_affinity(self, rows, frame, columns):
        """Log w_ij of a tile: finite where w itself would overflow or vanish."""
        squared = squared_distance(self.position[rows, :], self.position[columns, :])
        return self.appearance(rows, frame, columns) - squared / self.sigma[frame] ** 2


def vote(pairs, rows, columns, labels):
    """Softmax-weighted sum of labels over all tiles of some rows, times the spatial term, in one pass."""
    xp = array_namespace(*labels)
    largest = lowest(pairs.query, rows)
    denominator = xp.zeros_like(largest)
    votes = xp.zeros((largest.shape[0], labels[0].shape[1]), dtype=largest.dtype, device=device(largest))
    for frame, c in columns:
        logits = pairs.appearance(rows, frame, c)
        higher = xp.maximum(largest, xp.max(logits, axis=1))
        weight = xp.exp(logits - higher[:, None])
        shrink = xp.exp(largest - higher)
        denominator = denominator * shrink + xp.sum(weight, axis=1)
        votes = votes * shrink[:, None] + (weight * pairs.spatial(rows, frame, c)) @ labels[frame][c, :]
        largest = higher
    return votes / denominator[:, None]


def as_frames(arrays, /):
    """Take F arrays (P, C), or one (F, P, C), as a tuple of F arrays: none is copied to stand beside the others."""
    if isinstance(arrays, tuple | list):
        return tuple(arrays)
    return tuple(arrays[frame, ...] for frame in range(arrays.shape[0]))


def cover(query, references, sigma, memory, *, grid=None):
    """Cover all pairs with tiles within `memory`: slices of rows, and (frame, slice) of columns."""
    check_pairs(query, references, sigma, grid=grid)
    n_pixels = references[0].shape[0]
    pair = ARRAYS_PER_PAIR * array_namespace(query).finfo(query.dtype).bits // 8
    high, wide = tiles(memory, query.shape[0], n_pixels, bytes_per_pair=pair)
    columns = [(frame, c) for frame in range(len(references)) for c in slices(n_pixels, wide)]
    return list(slices(query.shape[0], high)), columns


def log_sum(values, *, axis):
    """Logarithm of the sum of exponentials along an axis, for finite values."""
    xp = array_namespace(values)
    largest = xp.max(values, axis=axis, keepdims=True)
    return xp.squeeze(largest, axis=axis) + xp.log(xp.sum(xp.exp(values - largest), axis=axis))


def lowest(like, part):
    """Return a running maximum before its first value: minus infinity for each element of the slice `part`."""
    xp = array_namespace(like)
    return xp.full((part.stop - part.start,), -float("inf"), dtype=like.dtype, device=device(like))
