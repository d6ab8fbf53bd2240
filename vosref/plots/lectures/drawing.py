"""The drawing: panels and charts in rows, one colour bar for each scale."""

import io
from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from vosref.io import atomic_path
from vosref.plots.figures import LINES, styled_figure, write_png
from vosref.plots.lectures.charts import Chart
from vosref.plots.lectures.marks import colour_of
from vosref.plots.lectures.panels import Panel, Scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Drawing", "draw"]

_STYLE = LINES | {"font.size": 15.0, "axes.titlesize": 15.0, "axes.titlepad": 7.0, "legend.fontsize": 13.5}
_DOTS = 120  # an inch
_BAR = 0.95  # inches of height for the colour bars
# Of series that are no objects: Tol's muted scheme (2021), for the colour-blind, none of it an object's colour.
_NAMED = ("#332288", "#CC6677", "#44AA99", "#DDCC77", "#882255", "#88CCEE", "#999933", "#AA4499")
_SHAPES = ("o", "s", "^", "D", "v", "P", "X", "*")  # a curve is told by its shape as well as by its colour
_DASHES = ("-", "--", "-.", ":", "-", "--", "-.", ":")


class Drawing(NamedTuple):
    """A finished picture, which shows itself in a notebook."""

    png: bytes
    width: int  # pixels of the screen; the picture has more of its own

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        return self.png, {"width": self.width}

    def save(self, path: str | PathLike[str], /) -> None:
        """Write the picture as a PNG file: the same bytes on every run."""
        with atomic_path(path) as temporary:
            temporary.write_bytes(self.png)


def draw(
    items: Sequence[Panel | Chart],
    /,
    *,
    columns: int | None = None,
    title: str = "",
    width: float = 12.0,
    ratio: float | None = None,
) -> Drawing:
    """Lay panels and charts out in rows.

    Parameters
    ----------
    items : sequence of Panel or Chart
        From the upper left, row by row.
    columns : int, optional
        Items in a row; all in one row, or three of them, without it.
    title : str
        Over all of it.
    width : float
        Inches.
    ratio : float, optional
        Height of an item's place divided by its width; that of the first picture without it, and 0.62 of charts alone.

    Returns
    -------
    Drawing
    """
    if not items:
        raise ValueError("items must hold at least one panel or chart, got none")
    across = min(len(items), 3) if columns is None else columns
    if across < 1 or not width > 0:
        raise ValueError(f"columns and width must be positive, got {columns} and {width}")
    rows = -(-len(items) // across)
    scales = list(dict.fromkeys(item.scale for item in items if isinstance(item, Panel) and item.scale))
    height = _height(items, width / across, ratio) * rows + _BAR * bool(scales) + 0.55 * bool(title)
    with styled_figure((width, height), _STYLE, layout="constrained") as figure:
        if title:
            figure.suptitle(title, fontsize=17)
        ratios = [*([(height - _BAR * bool(scales)) / rows] * rows), *([_BAR] * bool(scales))]
        grid = figure.add_gridspec(len(ratios), across, height_ratios=ratios)
        images: dict[Scale, Any] = {}
        for n, item in enumerate(items):
            axes = figure.add_subplot(grid[divmod(n, across)])
            _draw_panel(axes, item, items, images) if isinstance(item, Panel) else _draw_chart(axes, item)
        if scales:
            _draw_bars(figure, grid[rows, :].subgridspec(1, len(scales)), images)
        return _finished(figure)


def _finished(figure: Any) -> Drawing:
    picture = io.BytesIO()
    write_png(figure, picture, dots_per_inch=_DOTS)
    return Drawing(picture.getvalue(), round(72 * figure.get_figwidth()))


def _height(items: Sequence[Panel | Chart], across: float, ratio: float | None) -> float:
    """Inches of a row: of the tallest picture as wide as its column, and its title."""
    shapes = [item.image.shape for item in items if isinstance(item, Panel) and not item.tall]
    if ratio is None:
        ratio = max((h / w for h, w, *_ in shapes), default=0.62)
    return max(across * ratio + 0.45, 2.2)


def _draw_panel(axes: "Axes", panel: Panel, items: Sequence[Panel | Chart], images: dict[Scale, Any]) -> None:
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)
    axes.spines[:].set_visible(True)
    axes.set_title(panel.title, loc="left")
    aspect: Literal["auto", "equal"] = "auto" if panel.tall else "equal"
    extent = (-0.5, panel.image.shape[1] - 0.5, panel.image.shape[0] - 0.5, -0.5)
    if panel.under is not None:
        axes.imshow(panel.under, extent=extent, aspect=aspect)
    if panel.scale is None:
        axes.imshow(panel.image, aspect=aspect, extent=extent, interpolation="antialiased")
    else:
        shown, options = _coloured(panel, [i for i in items if isinstance(i, Panel) and i.scale == panel.scale])
        images[panel.scale] = axes.imshow(shown, aspect=aspect, extent=extent, interpolation="nearest", **options)
    for mark in panel.marks:
        mark(axes)


def _coloured(panel: Panel, alike: Sequence[Panel]) -> tuple[Any, dict[str, Any]]:
    """Return values to show, what is clear masked, and their colours: one range for all panels of a scale."""
    from matplotlib.colors import LogNorm, Normalize  # noqa: PLC0415 - heavy

    scale = panel.scale
    assert scale is not None  # noqa: S101 - the caller's branch
    every = np.concatenate([other.image[np.isfinite(other.image)] for other in alike])
    low = every.min() if scale.low is None else scale.low
    high = every.max() if scale.high is None else scale.high
    if scale.symmetric:
        high = max(abs(low), abs(high)) or 1.0
        low = -high
    clear = ~np.isfinite(panel.image) | ((panel.image < low) if scale.log else False)
    norm = LogNorm(low, high) if scale.log else Normalize(low, high if high > low else low + 1.0)
    return np.ma.masked_where(clear, panel.image), {"cmap": scale.colours, "norm": norm}


def _draw_bars(figure: Any, places: Any, images: dict[Scale, Any]) -> None:
    """Draw the colour bars under all of it, side by side."""
    for n, (scale, image) in enumerate(images.items()):
        axes = figure.add_subplot(places[0, n])
        axes.set_axis_off()
        inner = axes.inset_axes((0.1, 0.62, 0.8, 0.22))
        bar = figure.colorbar(image, cax=inner, orientation="horizontal")
        bar.outline.set_visible(False)
        bar.set_label(scale.label, labelpad=1)


def _draw_chart(axes: "Axes", chart: Chart) -> None:
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - heavy

    x = np.arange(len(chart.x)) if chart.kind == "bars" else chart.x
    for n, (name, values) in enumerate(chart.series.items()):
        label = str(name) if isinstance(name, str) else f"object {name}" if name else "background"
        colour = _NAMED[n % len(_NAMED)] if isinstance(name, str) else colour_of(int(name))
        if chart.kind == "bars":
            each = 0.8 / len(chart.series)
            axes.bar(x - 0.4 + (n + 0.5) * each, values, each * 0.92, color=colour, label=label)
        else:
            axes.plot(x, values, color=colour, label=label, **_pen(chart.kind, n, len(x)))
    if chart.kind == "bars":
        axes.set_xticks(x, [str(name) for name in chart.x])
        axes.grid(visible=False, axis="x")
    elif chart.x.dtype.kind in "iu":
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    axes.set_title(chart.title, loc="left")
    axes.set(xlabel=chart.x_label, ylabel=chart.y_label, **chart.axes)
    if len(chart.series) > 1 or not isinstance(next(iter(chart.series)), str):
        axes.legend()
    for mark in chart.marks:
        mark(axes)


def _pen(kind: str, n: int, n_points: int) -> dict[str, Any]:
    """Return how a curve is drawn: its points are marked where they are few."""
    marker = _SHAPES[n % len(_SHAPES)]
    if kind == "points":
        return {"marker": marker, "linestyle": "none", "markersize": 7}
    pen = {"linewidth": 2.6, "linestyle": _DASHES[n % len(_DASHES)]}
    if kind == "steps":
        return pen | {"drawstyle": "steps-post"}
    return pen | ({"marker": marker, "markersize": 8} if n_points <= 30 else {})
