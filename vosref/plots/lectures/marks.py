"""Marks on a panel, which show on light and on dark: rings, boxes, arrows, links, outlines, words.

A colour is one of matplotlib's, or an object's id. Places are (row, column), in pixels or cells of the panel's image.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from vosref.plots.colours import object_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Colour", "Mark", "arrows", "box", "colour_of", "links", "outline", "ring", "words"]

Mark = Callable[["Axes"], Any]
Colour = str | int


def ring(*places: ArrayLike, colour: Colour = "white", label: str = "", size: float = 14.0) -> Mark:
    """Ring pixels, (row, column) each, and write a label beside the first."""
    rows, columns = _coordinates(np.atleast_2d(np.asarray(places, dtype=float).reshape(-1, 2)))

    def draw(axes: "Axes") -> None:
        for ink, width in (("black", 4.0), (colour_of(colour), 2.0)):
            style: dict[str, Any] = {
                "markeredgecolor": ink,
                "markeredgewidth": width,
                "markerfacecolor": "none",
                "markersize": size,
            }
            axes.plot(columns, rows, "o", scalex=False, scaley=False, clip_on=False, **style)
        if label:
            _write(axes, (rows[0], columns[0]), label, colour, offset=(size * 0.7, size * 0.5))

    return draw


def box(top: float, left: float, bottom: float, right: float, /, *, colour: Colour = "white", label: str = "") -> Mark:
    """Frame the pixels from (top, left) to (bottom, right), both included."""

    def draw(axes: "Axes") -> None:
        down, across = [top - 0.5, bottom + 0.5], [left - 0.5, right + 0.5]
        for ink, width in (("black", 4.0), (colour_of(colour), 2.0)):
            corners = np.take(across, [0, 1, 1, 0, 0]), np.take(down, [0, 0, 1, 1, 0])
            axes.plot(*corners, color=ink, linewidth=width, scalex=False, scaley=False, solid_joinstyle="miter")
        if label:
            _write(axes, (top, left), label, colour, offset=(4, -6), va="top")

    return draw


def arrows(places: ArrayLike, moves: ArrayLike, /, *, colour: Colour = "white", width: float = 0.004) -> Mark:
    """Draw an arrow from each place, (n, 2), by its move, (n, 2): down and to the right."""
    start, move = np.asarray(places, dtype=float), np.asarray(moves, dtype=float)

    def draw(axes: "Axes") -> None:
        tail = start[:, 1], start[:, 0], move[:, 1], move[:, 0]
        style: dict[str, Any] = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": width}
        axes.quiver(*tail, color=colour_of(colour), edgecolor="black", linewidth=0.6, **style)

    return draw


def links(place: ArrayLike, others: ArrayLike, weights: ArrayLike, /, *, colour: Colour = "white") -> Mark:
    """Join a place with others, (n, 2), the wider the greater the weight (n,), in [0, 1]."""
    here, there, width = (np.asarray(x, dtype=float) for x in (place, others, weights))

    def draw(axes: "Axes") -> None:
        for (row, column), share in zip(there, width, strict=True):
            ends = [here[1], column], [here[0], row]
            axes.plot(
                *ends, color="black", linewidth=1.4 + 4 * share, alpha=0.5 * share + 0.1, scalex=False, scaley=False
            )
            ink = {"color": colour_of(colour), "linewidth": 0.4 + 4 * share, "alpha": 0.2 + 0.8 * share}
            axes.plot(*ends, scalex=False, scaley=False, **ink)

    return draw


def outline(ids: ArrayLike, /, *, colour: Colour | None = None, width: float = 2.0) -> Mark:
    """Draw the outlines of objects, (H, W), stretched over the panel; in their colours without `colour`."""
    objects = np.asarray(ids)

    def draw(axes: "Axes") -> None:
        right, left = sorted(axes.get_xlim(), reverse=True)
        bottom, top = sorted(axes.get_ylim(), reverse=True)
        down, across = ((np.arange(n) + 0.5) / n for n in objects.shape)
        for k in np.unique(objects[objects > 0]).tolist():
            where = left + across * (right - left), top + down * (bottom - top), objects == k
            if where[2].all():
                continue
            for ink, line in (("black", 2 * width), (colour_of(k if colour is None else colour), width)):
                axes.contour(*where, levels=[0.5], colors=[ink], linewidths=line)
        axes.set(xlim=(left, right), ylim=(bottom, top))

    return draw


def words(row: float, column: float, text: str, /, *, colour: Colour = "white", **style: Any) -> Mark:
    """Write words at a place; `ha` and `va` say which of their corners lies there."""
    return lambda axes: _write(axes, (row, column), text, colour, offset=(0, 0), **style)


def colour_of(colour: Colour, /) -> Any:
    """Return a colour of matplotlib: the object's where an id is given, grey for background."""
    if isinstance(colour, str):
        return colour
    return "0.55" if colour == 0 else tuple((object_colours(colour) / 255).tolist())


def _coordinates(places: Any) -> tuple[list[float], list[float]]:
    return places[:, 0].tolist(), places[:, 1].tolist()


def _write(
    axes: "Axes", place: tuple[float, float], text: str, colour: Colour, *, offset: tuple[float, float], **style: Any
) -> None:
    from matplotlib.patheffects import withStroke  # noqa: PLC0415 - heavy

    at: dict[str, Any] = {"xy": place[::-1], "xytext": offset, "textcoords": "offset points", "annotation_clip": False}
    halo = [withStroke(linewidth=3, foreground="black" if colour != "black" else "white")]
    axes.annotate(text, **at, color=colour_of(colour), fontweight="bold", path_effects=halo, **style)
