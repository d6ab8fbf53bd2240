"""Sheets: pictures and maps in rows under their titles, and the sheet of FEELVOS's cues.

A sheet is laid out in inches, so that pictures of any shape fill it without gaps or overlaps.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vosref.plots.colours import object_colours
from vosref.plots.figures import open_figure
from vosref.plots.overlays import overlay

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Sheet", "brief", "open_sheet", "panel_size", "plot_feelvos"]

_STYLE = {
    "font.family": "DejaVu Sans",  # travels with matplotlib: the same letters on every machine
    "font.size": 11.0,
    "axes.titlesize": 11.0,
    "axes.titlepad": 4.0,
    "axes.edgecolor": "0.5",
    "axes.linewidth": 0.6,
    "xtick.labelsize": 10.0,
}
_LONGEST = 12  # letters of a frame's name in a title
_MOST = 6  # objects on a sheet; more would not be legible
_LEFT, _RIGHT, _TOP, _TITLE, _GAP, _BAR = 1.15, 0.2, 0.55, 0.32, 0.12, 0.75  # inches
_DIVERGING = "RdBu_r"
_COLUMNS = (  # field of the info, title, colour map, in the order in which they are drawn
    ("global_distance", "distance to the first, G", "magma"),
    ("local_distance", "distance to the one before, L", "magma"),
    ("logits", "logit now", _DIVERGING),
    ("previous", "probability before", "viridis"),
    ("probabilities", "probability now", "viridis"),
)
_BARS = {"magma": "distance (dark is near)", _DIVERGING: "logit", "viridis": "probability"}


class Sheet(NamedTuple):
    """A white page on which things are placed by inches from its left and top."""

    figure: "Figure"
    width: float
    height: float

    def panel(self, left: float, top: float, width: float, height: float, /, *, title: str = "") -> "Axes":
        """Axes without ticks, their title above them."""
        place = (left / self.width, 1 - (top + height) / self.height, width / self.width, height / self.height)
        axes = self.figure.add_axes(place)
        axes.set(xticks=[], yticks=[])
        axes.set_title(title, loc="left")
        return axes

    def text(self, left: float, top: float, words: str, /, **style: Any) -> None:
        """Words whose upper left corner, or whatever `ha` and `va` say, is there."""
        self.figure.text(left / self.width, 1 - top / self.height, words, **{"va": "top", **style})

    def stripe(self, left: float, top: float, width: float, height: float, colour: Any, /) -> None:
        """Paint a rectangle."""
        from matplotlib.patches import Rectangle  # noqa: PLC0415 - heavy

        place, size = (left / self.width, 1 - (top + height) / self.height), (width / self.width, height / self.height)
        self.figure.add_artist(Rectangle(place, *size, color=colour, linewidth=0))

    def bar(self, image: Any, left: float, top: float, width: float, label: str, /, **options: Any) -> None:
        """Colour bar of an image, lying."""
        bar = self.figure.colorbar(image, cax=self.panel(left, top, width, 0.14), orientation="horizontal", **options)
        bar.outline.set_visible(False)
        bar.set_label(label, labelpad=2)


@contextmanager
def open_sheet(path: str | PathLike[str], width: float, height: float, /) -> Iterator[Sheet]:
    """Open a sheet of so many inches, which the end of the block saves as a PNG file, the same bytes on every run.

    Raises
    ------
    ValueError
        If the path ends otherwise.
    """
    with open_figure(path, (width, height), _STYLE) as figure:
        yield Sheet(figure, width, height)


def panel_size(size: tuple[int, int], /, *, area: float, least: float) -> tuple[float, float]:
    """Width and height in inches of a panel of about this area, wide enough for its title, for a frame of `size`."""
    ratio = min(max(size[1] / size[0], 0.5), 3.0)
    width = max((area * ratio) ** 0.5, least)
    return width, width / ratio


def brief(name: str, /) -> str:
    """End of a name that is too long for a title."""
    return name if len(name) <= _LONGEST else "…" + name[1 - _LONGEST :]


def plot_feelvos(
    path: str | PathLike[str],
    frames: Sequence[ArrayLike],
    masks: Sequence[ArrayLike],
    info: Any,
    /,
    *,
    ids: Sequence[int],
    grid: tuple[int, int],
    names: Sequence[str],
    title: str = "",
) -> None:
    """Draw what FEELVOS's head sees of a frame and what it says: distance maps and probabilities, a row an object.

    Parameters
    ----------
    path : path
        Ends in `.png`.
    frames, masks : two arrays each, shape (H, W, 3) and (H, W), uint8
        Of the previous frame and of this one.
    info : FeelvosInfo
        Of this frame: arrays (P, K), of which those that are None are left out.
    ids : sequence of K int
        Background and objects; at most six objects are drawn.
    grid : (int, int)
        Height h and width w of the feature grid, h·w = P.
    names : sequence of two str
        Of the frames.
    title : str

    Raises
    ------
    ValueError
        If a map has another shape, or the path ends otherwise.
    """
    drawn = [(c, _maps(info, c[0], (grid, len(ids)))) for c in _COLUMNS if getattr(info, c[0]) is not None]
    width, height = panel_size(np.asarray(masks[1]).shape, area=4.4, least=2.5)
    rows = ids[: _MOST + 1]
    across = len(drawn) * (width + _GAP) - _GAP
    large = (across - _GAP) / 2, (across - _GAP) / 2 * height / width
    top = _TOP + large[1] + 2 * _TITLE + _GAP
    bottom = top + len(rows) * (height + _GAP)
    with open_sheet(path, _LEFT + across + _RIGHT, bottom + _BAR) as sheet:
        sheet.text(_LEFT, 0.15, title, fontsize=14)
        said = [f"{when}: frame {brief(name)}" for when, name in zip(("before", "now"), names, strict=True)]
        for n, (frame, mask) in enumerate(zip(frames, masks, strict=True)):
            axes = sheet.panel(_LEFT + n * (large[0] + _GAP), _TOP + _TITLE, *large, title=said[n])
            axes.imshow(overlay(frame, mask, alpha=0.3), aspect="auto")
        for row, k in enumerate(rows):
            _name_row(sheet, k, top + row * (height + _GAP) + height / 2)
        if len(ids) > len(rows):
            sheet.text(_LEFT - 0.1, bottom, f"{len(ids) - len(rows)} more\nleft out", ha="right")
        bars: dict[str, tuple[Any, float, float]] = {}  # colour map: an image in it, and from where to where it is used
        for n, ((_, heading, colours), maps) in enumerate(drawn):
            left = _LEFT + n * (width + _GAP)
            image = _draw_column(sheet, maps[: len(rows)], (left, top, width, height), colours, heading)
            bars[colours] = (image, bars.get(colours, (None, left))[1], left + width)
        for colours, (image, left, right) in bars.items():
            sheet.bar(image, left + 0.15, bottom + 0.05, right - left - 0.3, _BARS[colours])


def _maps(info: Any, field: str, shape: tuple[tuple[int, int], int]) -> NDArray[np.floating]:
    """Return a field (P, K) of the info as K maps (h, w)."""
    values, (grid, n_objects) = np.asarray(getattr(info, field)), shape
    if values.shape != (grid[0] * grid[1], n_objects):
        raise ValueError(f"{field} must be (P, K) = {(grid[0] * grid[1], n_objects)}, got {values.shape}")
    return values.T.reshape(n_objects, *grid)


def _name_row(sheet: Sheet, k: int, middle: float) -> None:
    """Write whose row it is, beside a stripe in the object's colour."""
    sheet.text(_LEFT - 0.15, middle, f"object {k}" if k else "background", ha="right", va="center")
    if k:
        sheet.stripe(_LEFT - 0.09, middle - 0.3, 0.04, 0.6, object_colours(k) / 255)


def _draw_column(
    sheet: Sheet, maps: NDArray[np.floating], place: tuple[float, float, float, float], colours: str, title: str
) -> Any:
    """Draw maps one below the other on one scale, [0, 1] or, of logits, as far to both sides; return one image."""
    left, top, width, height = place
    low, high = 0.0, 1.0
    if colours == _DIVERGING:
        high = float(np.abs(maps).max()) or 1.0
        low = -high
    for row, values in enumerate(maps):
        axes = sheet.panel(left, top + row * (height + _GAP), width, height, title="" if row else title)
        image = axes.imshow(values, cmap=colours, vmin=low, vmax=high, aspect="auto", interpolation="nearest")
    return image
