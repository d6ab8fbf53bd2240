"""Charts of a drawing: named curves, steps, points and bars."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from vosref.plots.lectures.marks import Mark

__all__ = ["Chart", "bars", "lines", "points", "steps"]


class Chart(NamedTuple):
    """Named series over one axis."""

    kind: str  # lines, steps, points or bars
    x: Any  # (n,), or the names of bars
    series: dict[str | int, Any]  # by name, or by object id, (n,)
    x_label: str
    y_label: str
    title: str
    marks: tuple[Mark, ...]
    axes: dict[str, Any]  # what else is set: limits, scales, ticks


def lines(
    x: ArrayLike,
    series: Mapping[str, ArrayLike] | Mapping[int, ArrayLike],
    title: str = "",
    /,
    *marks: Mark,
    x_label: str,
    y_label: str,
    **axes: Any,
) -> Chart:
    """Draw curves over x.

    Parameters
    ----------
    x : array, shape (n,)
    series : mapping of str or int to array, shape (n,)
        By the name in the legend, or by object id, which gives name and colour. NaN leaves a gap.
    title : str
    *marks : Mark
        In values of y and x.
    x_label, y_label : str
        With units.
    **axes
        What `matplotlib.axes.Axes.set` takes, such as ``yscale="log"`` or ``ylim=(0, 1)``.

    Returns
    -------
    Chart
    """
    return _chart("lines", x, series, title, marks, x_label, y_label, axes)


def steps(
    x: ArrayLike,
    series: Mapping[Any, ArrayLike],
    title: str = "",
    /,
    *marks: Mark,
    x_label: str,
    y_label: str,
    **axes: Any,
) -> Chart:
    """Draw curves that keep each value until the next x, as `lines` otherwise."""
    return _chart("steps", x, series, title, marks, x_label, y_label, axes)


def points(
    x: ArrayLike,
    series: Mapping[Any, ArrayLike],
    title: str = "",
    /,
    *marks: Mark,
    x_label: str,
    y_label: str,
    **axes: Any,
) -> Chart:
    """Draw points without lines between them, as `lines` otherwise."""
    return _chart("points", x, series, title, marks, x_label, y_label, axes)


def bars(
    names: ArrayLike,
    series: Mapping[Any, ArrayLike],
    title: str = "",
    /,
    *marks: Mark,
    y_label: str,
    x_label: str = "",
    **axes: Any,
) -> Chart:
    """Draw bars in groups: a group for each name, in it a bar for each series, as `lines` otherwise."""
    return _chart("bars", names, series, title, marks, x_label, y_label, axes)


def _chart(
    kind: str,
    x: Any,
    series: Mapping[Any, Any],
    title: str,
    marks: tuple[Mark, ...],
    x_label: str,
    y_label: str,
    axes: Any,
) -> Chart:
    places = np.asarray(x)
    if not series:
        raise ValueError("series must hold at least one, got none")
    checked = {name: np.asarray(values, dtype=np.float64) for name, values in series.items()}
    for name, values in checked.items():
        if places.ndim != 1 or values.shape != places.shape:
            raise ValueError(f"series {name!r} must have the shape (n,) of x, got {values.shape} and {places.shape}")
    return Chart(kind, places, checked, x_label, y_label, title, marks, axes)
