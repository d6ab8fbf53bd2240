"""Wrong windows: what they take in and leave out, at their own border and at the frame's [FEELVOS 4]."""

from typing import Any

import numpy as np

from vosref.conformance.capabilities import Capabilities
from vosref.conformance.mutants.dense import (
    Array,
    direct,
    expanded,
    local,
    normalise,
    plain,
    positions,
    square,
    with_parts,
)
from vosref.conformance.mutants.distances import biased, no_background, unlabelled_are_background
from vosref.conformance.mutants.mutant import Mutant

__all__ = ["MUTANTS"]


def _smaller_window(grid: tuple[int, int], radius: int) -> Array:
    return square(grid, radius - 1)


def _larger_window(grid: tuple[int, int], radius: int) -> Array:
    return square(grid, radius + 1)


def _half_open_window(grid: tuple[int, int], radius: int) -> Array:
    row, column = positions(grid)
    down, across = row - row[:, None], column - column[:, None]
    return (down >= -radius) & (down < radius) & (across >= -radius) & (across < radius) | (down == 0) & (across == 0)


def _disc(grid: tuple[int, int], radius: int) -> Array:
    row, column = positions(grid)
    return (row[:, None] - row) ** 2 + (column[:, None] - column) ** 2 <= radius**2


def _wrapped(grid: tuple[int, int], radius: int) -> Array:
    row, column = positions(grid)
    along = [np.abs(a[:, None] - a) for a in (row, column)]
    down, across = (np.minimum(a, n - a) for a, n in zip(along, grid, strict=True))
    return (down <= radius) & (across <= radius)


def _transposed(grid: tuple[int, int], radius: int) -> Array:
    return square((grid[1], grid[0]), radius)


def _flat_window(grid: tuple[int, int], radius: int) -> Array:
    flat = np.arange(grid[0] * grid[1])
    offsets = {v * grid[1] + u for v in range(-radius, radius + 1) for u in range(-radius, radius + 1)}
    return np.isin(flat[None, :] - flat[:, None], list(offsets))


def _right_edge_dropped(grid: tuple[int, int], radius: int) -> Array:
    return square(grid, radius) & (positions(grid)[1] < max(grid[1] - 1, 1))


def _zero_padded_local(query: Array, previous: Array, labels: Array, /, *, grid: Any, window_radius: int) -> Array:
    """Match pixels outside the frame too, whose embeddings are zeros and whose object is the first."""
    out = local(query, previous, labels, grid=grid, window_radius=window_radius)
    row, column = positions(grid)
    near = (row < window_radius) | (column < window_radius) | (row >= grid[0] - window_radius)
    near |= column >= grid[1] - window_radius
    outside = normalise(np.sum(query * query, axis=1))
    out[near, 0] = np.minimum(out[near, 0], outside[near])
    return out


def _own_index_only(query: Array, previous: Array, labels: Array, /, *, grid: Any, window_radius: int) -> Array:
    """Take embeddings transposed: rows and columns of the previous frame exchanged."""
    across = np.arange(len(previous)).reshape(grid).T.reshape(-1)
    return local(query, previous[across], labels, grid=grid, window_radius=window_radius)


def _tile_skipped(query: Array, previous: Array, labels: Array, /, *, grid: Any, window_radius: int) -> Array:
    """Leave the last tile of 8 pixels as it was allocated."""
    out = local(query, previous, labels, grid=grid, window_radius=window_radius)
    out[-8:] = 0.0
    return out


def _bottom_edge_dropped(grid: tuple[int, int], radius: int) -> Array:
    return square(grid, radius) & (positions(grid)[0] < max(grid[0] - 1, 1))


def _mean_of_window(query: Array, previous: Array, labels: Array, /, *, grid: Any, window_radius: int) -> Array:
    """Average an object's distances in the window instead of taking the smallest."""
    distances, inside = normalise(direct(query, previous)), square(grid, window_radius)
    out = []
    for y in labels.T:
        own = inside & (y > 0)[None, :]
        count = np.count_nonzero(own, axis=1)
        out.append(np.where(count > 0, np.sum(distances * own, axis=1) / np.maximum(count, 1), 1.0))
    return np.stack(out, axis=1)


def _masked_by_1e20(query: Array, previous: Array, labels: Array, /, *, grid: Any, window_radius: int) -> Array:
    """Add 1e20 to what is not to be matched, in half precision: it is infinite there, and 0 times it no number."""
    squares, inside = direct(query, previous).astype(np.float16), square(grid, window_radius)
    out = []
    with np.errstate(all="ignore"):
        for y in labels.T:
            free = (~(inside & (y > 0)[None, :])).astype(np.float16)
            out.append(np.min(squares + free * np.float16(1e20), axis=1))
    return normalise(np.stack(out, axis=1))


MUTANTS = (
    Mutant(
        "local-plain-norm",
        "local_matching",
        "the plain norm |x - y| stands for the squared one",
        "FEELVOS's PDF, landscape §2",
        with_parts(local, distance=plain),
    ),
    Mutant(
        "local-negative-squares",
        "local_matching",
        "expanded squares are not stopped at 0, and distances fall below 0",
        "FEELVOS, landscape §2",
        with_parts(local, squares=expanded),
        Capabilities(("float32",)),
    ),
    Mutant(
        "local-padding-5e4",
        "local_matching",
        "a bias is added inside the sigmoid, and an absent object's square is 5e4",
        "CFBI, landscape §2",
        with_parts(local, distance=biased, missing=5e4),
    ),
    Mutant(
        "local-strict-window",
        "local_matching",
        "the window is smaller by one: < instead of ≤",
        "videowalk, landscape §2",
        with_parts(local, inside=_smaller_window),
    ),
    Mutant(
        "local-wide-window",
        "local_matching",
        "the window is larger by one",
        "classic",
        with_parts(local, inside=_larger_window),
    ),
    Mutant(
        "local-half-open-window",
        "local_matching",
        "the window leaves out its last row and column: range(-k, k)",
        "classic",
        with_parts(local, inside=_half_open_window),
    ),
    Mutant(
        "local-disc-window",
        "local_matching",
        "the window is a disc instead of a square",
        "DINOv3's notebook, landscape §2",
        with_parts(local, inside=_disc),
    ),
    Mutant(
        "local-wrapped-window",
        "local_matching",
        "the window goes round the border: np.roll",
        "classic",
        with_parts(local, inside=_wrapped),
    ),
    Mutant(
        "local-transposed-grid",
        "local_matching",
        "height and width of the grid are exchanged",
        "DINO, landscape §2",
        with_parts(local, inside=_transposed),
    ),
    Mutant(
        "local-flat-window",
        "local_matching",
        "the window runs over the end of a row into the next one",
        "classic",
        with_parts(local, inside=_flat_window),
    ),
    Mutant(
        "local-right-edge",
        "local_matching",
        "the last column of the previous frame is not looked at",
        "classic",
        with_parts(local, inside=_right_edge_dropped),
    ),
    Mutant(
        "local-zero-padding",
        "local_matching",
        "pixels outside the frame are matched as zeros",
        "classic",
        _zero_padded_local,
    ),
    Mutant(
        "local-absent-is-0",
        "local_matching",
        "an object without a pixel in the window is at distance 0 instead of 1",
        "classic",
        with_parts(local, missing=0.0),
    ),
    Mutant("local-no-background", "local_matching", "the background is not matched", "classic", no_background),
    Mutant(
        "local-unlabelled-background",
        "local_matching",
        "pixels of no object count as the first object's",
        "classic",
        unlabelled_are_background,
    ),
    Mutant(
        "local-transposed-previous",
        "local_matching",
        "the previous frame is read column by column",
        "classic",
        _own_index_only,
    ),
    Mutant(
        "local-tile-skipped", "local_matching", "the last tile is left as it was allocated", "classic", _tile_skipped
    ),
    Mutant(
        "local-bottom-edge",
        "local_matching",
        "the last row of the previous frame is not looked at",
        "classic",
        with_parts(local, inside=_bottom_edge_dropped),
    ),
    Mutant(
        "local-mean", "local_matching", "the mean over the window stands for the minimum", "classic", _mean_of_window
    ),
    Mutant(
        "local-padding-1e20",
        "local_matching",
        "1e20 masks what is not matched, and overflows in half precision: 0 times infinity is no number",
        "CFBI's reason for 5e4, landscape §2",
        _masked_by_1e20,
        Capabilities(("float16",)),
    ),
)
