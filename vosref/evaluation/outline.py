"""Outlines of a mask as polygons, as DAVIS 2016 takes them before it compares shapes."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vosref.evaluation.region import boolean_mask

__all__ = ["longest_outline", "outlines", "resampled", "simplified"]

Polygon = NDArray[np.float64]  # (N, 2): row and column of each corner, pixels; the last corner is the first again

TOLERANCE = 1.5  # pixels that a polygon may part from the outline: DAVIS's 3, in a grid of half pixels
SEGMENT = 3.0  # pixels between two points of a resampled polygon, at most


def longest_outline(mask: ArrayLike, /) -> Polygon | None:
    """Return the simplified outline with the most corners [DAVIS T].

    Parameters
    ----------
    mask : array, shape (H, W)
        Boolean mask of one object.

    Returns
    -------
    array, shape (N, 2), or None
        A closed polygon, clockwise; None where no outline leaves more than two corners, as those of specks do not.

    Raises
    ------
    ValueError
        If the mask is not boolean or not (H, W).
    """
    polygons = [polygon for outline in outlines(mask) if len(polygon := simplified(outline)) > 3]
    longest = max(polygons, key=len, default=None)
    return None if longest is None else longest[::-1]


def outlines(mask: ArrayLike, /) -> list[Polygon]:
    """List the closed lines between a mask and what is not in it, holes included.

    A line runs along pixels' edges, and passes no corner twice: pixels that touch at a corner only are apart. It begins
    at its first corner in reading order and runs down from there.

    Parameters
    ----------
    mask : array, shape (H, W)
        Boolean mask of one object. Outside the frame nothing is in it.

    Returns
    -------
    list of array, shape (N, 2)
        Corners at which the line turns; the pixel in row y and column x has its upper left corner at (y, x).

    Raises
    ------
    ValueError
        If the mask is not boolean or not (H, W).
    """
    return list(_lines(np.pad(boolean_mask("mask", mask), 1)))


def simplified(outline: Polygon, /, *, tolerance: float = TOLERANCE) -> Polygon:
    """Leave out corners from which a polygon parts by no more than the tolerance (Douglas and Peucker).

    Corners closer than the tolerance to the last one that was kept are left out first, as DAVIS's library does.

    Parameters
    ----------
    outline : array, shape (N, 2)
        A line; its first and its last corner stay.
    tolerance : float
        Pixels.

    Returns
    -------
    array, shape (M, 2)
    """
    corners = outline[_apart(outline, tolerance)]
    kept, parts = [0, len(corners) - 1], [(0, len(corners) - 1)]
    while parts:
        first, last = parts.pop()
        squared = _squared_distances(corners[first + 1 : last], corners[first], corners[last])
        if len(squared) and squared.max() > tolerance**2:
            farthest = last - 1 - int(np.argmax(squared[::-1]))
            kept.append(farthest)
            parts += [(first, farthest), (farthest, last)]
    return corners[sorted(kept)]


def resampled(polygon: Polygon, /, *, segment: float = SEGMENT) -> Polygon:
    """Divide each side of a polygon into equal parts no longer than `segment`, (N, 2) to (M, 2), relative to its start.

    Where in the frame it lies does not matter to what follows, not even to its rounding.
    """
    polygon = polygon - polygon[0]
    sides = np.diff(polygon, axis=0)
    parts = np.maximum(np.ceil(np.hypot(*sides.T) / segment), 1).astype(np.int64)
    place = np.arange(parts.sum()) - np.repeat(np.cumsum(parts) - parts, parts)
    points = np.repeat(polygon[:-1], parts, axis=0) + np.repeat(sides / parts[:, None], parts, axis=0) * place[:, None]
    return np.vstack([points, polygon[-1:]])


def _lines(inside: NDArray[np.bool_]) -> Iterator[Polygon]:
    """Follow edges until a corner is met again: what lies between is a line, the rest goes on from there."""
    starts, following = _edges(inside)
    corner, follow, free = starts.tolist(), following.tolist(), np.ones(len(starts), dtype=bool).tolist()
    for first in range(len(corner)):
        line: list[int] = []
        passed: dict[int, int] = {}
        edge = first
        while free[edge]:
            free[edge] = False
            passed[corner[edge]] = len(line)
            line.append(corner[edge])
            edge = follow[edge]
            if (begin := passed.get(corner[edge])) is not None:
                yield _from_first_corner(np.array(line[begin:]), inside.shape[1] - 1)
                for c in line[begin:]:
                    del passed[c]
                del line[begin:]


def _edges(inside: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where each pixel's edge towards the outside begins, and which edge follows; the inside is on its left."""
    columns = inside.shape[1] - 1  # of corners: the padded mask has one pixel more on each side
    beside, above = inside[1:-1], inside[:, 1:-1]
    starts, directions = [], []
    for heading, found, down, right in (
        (0, above[:-1] & ~above[1:], 0, 0),  # east, below a pixel
        (1, beside[:, 1:] & ~beside[:, :-1], 0, 0),  # south
        (2, above[1:] & ~above[:-1], 0, 1),  # west
        (3, beside[:, :-1] & ~beside[:, 1:], 1, 0),  # north
    ):
        y, x = np.nonzero(found)
        starts.append((y + down) * columns + x + right)
        directions.append(np.full(len(y), heading))
    start, direction = np.concatenate(starts), np.concatenate(directions)
    order = np.lexsort((direction, start))
    start, direction = start[order], direction[order]
    end = start + np.array([1, columns, -1, -columns])[direction]
    following = np.searchsorted(start, end)
    # Two edges begin where two pixels touch at a corner: the line turns left there, along the pixel it came along.
    second = np.minimum(following + 1, len(start) - 1)
    left = (start[second] == end) & (direction[second] == (direction - 1) % 4)
    return start, np.where(left, second, following)


def _from_first_corner(line: NDArray[np.int64], columns: int) -> Polygon:
    """Let a closed line begin at its first corner in reading order and run down from there; keep where it turns."""
    line = np.roll(line, -int(np.argmin(line)))
    if line[1] - line[0] != columns:
        line = np.roll(line[::-1], 1)
    steps = np.diff(line, append=line[0])
    turns = line[steps != np.roll(steps, 1)]
    return np.stack(np.divmod(np.append(turns, turns[0]), columns), axis=1).astype(np.float64)


def _apart(corners: Polygon, tolerance: float) -> list[int]:
    """List the first corner, the last one, and between them each that is far enough from the one listed before it."""
    kept, (y, x) = [0], corners[0]
    for i, (v, u) in enumerate(corners[1:-1].tolist(), 1):
        if (v - y) ** 2 + (u - x) ** 2 >= tolerance**2:
            kept.append(i)
            y, x = v, u
    return [*kept, len(corners) - 1]


def _squared_distances(points: Polygon, start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared distance from each point to the side from `start` to `end`."""
    side = end - start
    along = np.clip((points - start) @ side / (float(side @ side) or 1.0), 0, 1)
    return np.sum((points - start - along[:, None] * side) ** 2, axis=1)
