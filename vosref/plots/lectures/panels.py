"""Panels of a drawing: a frame with its objects, a map of values on a grid, a matrix."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vosref.plots.lectures.marks import Mark
from vosref.plots.overlays import overlay

__all__ = ["SCALES", "Panel", "Scale", "field", "matrix", "picture"]


class Scale(NamedTuple):
    """How values become colours: panels of one scale share one range and one colour bar."""

    label: str  # under the colour bar
    colours: str  # colour map of matplotlib
    low: float | None = None  # values at both ends; None: the smallest and the largest of all panels
    high: float | None = None
    log: bool = False  # equal ratios are equally far apart; what is below `low` is left clear
    symmetric: bool = False  # as far to both sides of 0


SCALES = {
    "distance": Scale("distance (dark is near)", "magma", 0.0, 1.0),
    "probability": Scale("probability", "viridis", 0.0, 1.0),
    "affinity": Scale("affinity (the largest is 1)", "plasma", 1e-8, 1.0, log=True),
    "prior": Scale("spatial term", "plasma", 0.0, 1.0),
    "signed": Scale("", "RdBu_r", symmetric=True),
    "value": Scale("", "cividis"),
}
"""Scales by name, one for each kind of value, so that a colour means the same in all figures."""


class Panel(NamedTuple):
    """An image with marks on it."""

    image: NDArray[Any]  # (H, W, 3) uint8, or values (h, w)
    title: str
    scale: Scale | None  # of values; None for a picture
    marks: tuple[Mark, ...]
    under: NDArray[np.uint8] | None = None  # (H, W, 3), seen where values are clear
    tall: bool = False  # cells need not be square: a matrix fills its place


def picture(frame: ArrayLike, title: str = "", /, *marks: Mark, ids: ArrayLike | None = None) -> Panel:
    """Show a frame, its objects tinted in their colours.

    Parameters
    ----------
    frame : array, shape (H, W, 3), uint8
    title : str
    *marks : Mark
        In pixels.
    ids : array, shape (H, W), optional
        Object ids.

    Returns
    -------
    Panel
    """
    image = np.asarray(frame) if ids is None else overlay(frame, ids, alpha=0.4)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"frame must be uint8 of shape (H, W, 3), got {image.dtype} of shape {image.shape}")
    return Panel(image, title, None, marks)


def field(
    values: ArrayLike,
    title: str = "",
    /,
    *marks: Mark,
    scale: str | Scale = "value",
    grid: tuple[int, int] | None = None,
    over: ArrayLike | None = None,
) -> Panel:
    """Show a value for every cell of a grid.

    Parameters
    ----------
    values : array, shape (h, w) or (h * w,)
        NaN is left clear.
    title : str
    *marks : Mark
        In cells.
    scale : str or Scale
        One of `SCALES`, or another.
    grid : (int, int), optional
        Height and width, for values in one row.
    over : array, shape (H, W, 3), uint8, optional
        A frame of the same view, seen in grey where values are clear.

    Returns
    -------
    Panel
    """
    array = np.asarray(values, dtype=np.float64)
    array = array if grid is None else array.reshape(grid)
    if array.ndim != 2:
        raise ValueError(f"values must be (h, w), or (h * w,) with a grid, got shape {array.shape}")
    under = None if over is None else _grey(np.asarray(over))
    return Panel(array, title, _named(scale), marks, under)


def matrix(values: ArrayLike, title: str = "", /, *marks: Mark, scale: str | Scale = "value") -> Panel:
    """Show a matrix: rows down, columns to the right; a small one is enlarged, a long one fills its place.

    Parameters
    ----------
    values : array, shape (n, m)
    title : str
    *marks : Mark
        In rows and columns.
    scale : str or Scale

    Returns
    -------
    Panel
    """
    return field(values, title, *marks, scale=scale)._replace(tall=True)


def _named(scale: str | Scale) -> Scale:
    if isinstance(scale, Scale):
        return scale
    if scale not in SCALES:
        raise ValueError(f"scale must be one of {', '.join(SCALES)}, or a Scale, got {scale!r}")
    return SCALES[scale]


def _grey(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a frame in light grey, on which colours stand out."""
    luma = 127 + (frame @ [0.299, 0.587, 0.114]) / 2  # white is 254: 256 would wrap to black
    return np.repeat(np.rint(luma).astype(np.uint8)[:, :, None], 3, axis=2)
