"""Problems of scores: pairs of masks that overlap, touch or miss each other, and tolerances far from whole pixels."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosref.conformance.draws import Draw, Stream
from vosref.conformance.operations.operation import Problem

__all__ = ["blobs", "filled", "half_found", "random_contour", "random_region", "squares"]

Size = tuple[int, int]


def _pair(prediction: NDArray[np.bool_], truth: NDArray[np.bool_], **options: Any) -> Problem:
    return Problem({"prediction": prediction, "truth": truth}, options)


def _blob(stream: Stream, size: Size, at: NDArray[Any]) -> NDArray[np.bool_]:
    """Mark a disc around a point, with a few pixels exchanged."""
    rows, columns = np.indices(size)
    inside = (rows - at[0]) ** 2 + (columns - at[1]) ** 2 <= (0.35 * min(size)) ** 2
    return np.asarray(inside ^ (stream.uniform(*size) < 0.06))


def _blobs(draw: Draw, size: Size) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    stream = draw.stream()
    first = stream.uniform(2) * size
    second = first + 0.15 * min(size) * stream.normal(2)
    return _blob(stream, size, first), _blob(stream, size, second)


def blobs(size: Size, *, pixels: float | None = None) -> Callable[[Draw], Problem]:
    """Return problems of two ragged discs near each other, with a tolerance in pixels if given."""
    options: dict[str, Any] = {} if pixels is None else {"tolerance": pixels}
    return lambda draw: _pair(*_blobs(draw, size), **options)


def filled(size: Size, *, prediction: bool, truth: bool, **options: Any) -> Callable[[Draw], Problem]:
    """Return the problem of masks that are each full or empty."""
    return lambda _: _pair(np.full(size, prediction), np.full(size, truth), **options)


def squares(
    size: Size,
    first: int,
    second: int | None,
    *,
    down: int = 0,
    pixels: float | None = None,
    share: float | None = None,
) -> Callable[[Draw], Problem]:
    """Return the problem of two squares of 3 from given columns, the second lower by so much, or empty."""
    tolerance = share if pixels is None else pixels
    options: dict[str, Any] = {} if tolerance is None else {"tolerance": tolerance}

    def square(column: int | None, row: int) -> NDArray[np.bool_]:
        mask = np.zeros(size, bool)
        if column is not None:
            mask[row : row + 3, column : column + 3] = True
        return mask

    row = min(2, first)
    return lambda _: _pair(square(first, row), square(second, row + down), **options)


def half_found(_: Draw) -> Problem:
    """Two squares, of which one is predicted."""
    both, one = np.zeros((9, 14), bool), np.zeros((9, 14), bool)
    both[2:6, 1:4] = both[3:7, 8:12] = one[2:6, 1:4] = True
    return _pair(one, both, tolerance=1.0)


def random_region(draw: Draw) -> Problem:
    """Any small pair, now and then with an empty mask."""
    prediction, truth = _blobs(draw, (draw.integer(1, 9), draw.integer(1, 9)))
    empty = draw.choice(["none", "none", "none", "prediction", "truth"])
    return _pair(prediction & (empty != "prediction"), truth & (empty != "truth"))


def random_contour(draw: Draw) -> Problem:
    """Any small pair, and a tolerance in pixels or as a share of the diagonal."""
    size = draw.integer(4, 10), draw.integer(4, 10)
    pair = random_region(draw).inputs if draw.choice([False, False, True]) else None
    masks = _blobs(draw, size) if pair is None else tuple(pair.values())
    radius, diagonal = draw.integer(0, 3), math.hypot(*masks[0].shape)
    # Half a pixel below a whole number, so that rounding up leaves no doubt.
    share = max(radius - draw.real(0.2, 0.8), 0.0) / diagonal
    return _pair(*masks, tolerance=draw.choice([float(radius + 1), radius + 1.5, min(share, 0.9)]))
