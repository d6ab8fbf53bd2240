"""The sheet of TVOS: what one pixel looks at in the frames before, and how the frame has moved since the last."""

import math
from collections.abc import Sequence
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vosref.affinity import grid_positions
from vosref.backend import Array
from vosref.pairs import Pairs
from vosref.plots.flows import flow_colours, wheel
from vosref.plots.overlays import overlay
from vosref.plots.sheets import Sheet, brief, open_sheet, panel_size

__all__ = ["Reference", "central_pixel", "pixel_affinity", "plot_tvos"]

_FAINTEST = 1e-8  # of the largest affinity; what is below is left clear, and a whole frame of it is next to nothing
_LEFT, _TOP, _TITLE, _GAP = 0.25, 0.5, 0.28, 0.12  # inches


class Reference(NamedTuple):
    """A frame that was looked at."""

    frame: ArrayLike  # (H, W, 3) uint8
    labels: ArrayLike  # (H, W) uint8, the ids that the step saw there
    affinity: ArrayLike  # (h, w), as `pixel_affinity` gives it
    title: str  # such as "t-1, σ = 8"


def central_pixel(ids: ArrayLike, /) -> tuple[int, int]:
    """Return the pixel, row and column, of the largest object of a mask that is nearest to the object's centre.

    Raises
    ------
    ValueError
        If the mask (H, W) has no object.
    """
    mask = np.asarray(ids)
    if not mask.any():
        raise ValueError("ids must mark an object, got background alone")
    largest = np.bincount(mask[mask > 0]).argmax()
    pixels = np.argwhere(mask == largest)
    return tuple(pixels[((pixels - pixels.mean(axis=0)) ** 2).sum(axis=1).argmin()].tolist())


def pixel_affinity(
    query: Array,
    references: Sequence[Array],
    /,
    *,
    index: int,
    grid: tuple[int, int],
    sigma: Sequence[float],
    temperature: float,
) -> NDArray[np.floating]:
    """Affinity of one pixel of a frame to every pixel of the frames it looks at, relative to the largest of all.

    Parameters
    ----------
    query : array, shape (P, D)
        Embedding of the frame.
    references : sequence of F arrays, shape (P, D)
    index : int
        The pixel, in [0, P), row-major.
    grid : (int, int)
    sigma : sequence of F float
        Width of the spatial term for each frame, in cells.
    temperature : float

    Returns
    -------
    array, shape (F, h, w)
        In [0, 1]; only differences of logarithms are exponentiated, so nothing overflows.
    """
    pairs = Pairs(query, tuple(references), grid_positions(grid, like=query), sigma, temperature)
    row = slice(index, index + 1)
    log_w = np.stack([np.asarray(pairs.log_affinity(row, frame, slice(None))) for frame in range(len(references))])
    with np.errstate(under="ignore"):
        return np.exp(log_w - log_w.max()).reshape(-1, *grid)


def plot_tvos(
    path: str | PathLike[str],
    frame: ArrayLike,
    ids: ArrayLike,
    references: Sequence[Reference],
    flow: ArrayLike,
    /,
    *,
    pixel: tuple[int, int],
    names: Sequence[str],
    title: str = "",
) -> None:
    """Draw a frame with its result, its motion, and the affinity of one of its pixels to the frames before.

    Parameters
    ----------
    path : path
        Ends in `.png`.
    frame, ids : array, shape (H, W, 3) and (H, W), uint8
    references : sequence of Reference
        In the order in which they are drawn.
    flow : array, shape (h, w, 2)
        Down and to the right, in pixels, since the frame before.
    pixel : (int, int)
        Row and column, in pixels.
    names : sequence of two str
        Of the frame before and of this one.
    title : str

    Raises
    ------
    ValueError
        If there is no reference, or the path ends otherwise.
    """
    if not references:
        raise ValueError("references must hold at least one frame, got none")
    columns = max(3, math.isqrt(len(references) - 1) + 1)
    size = panel_size(np.asarray(ids).shape, area=8.0, least=3.1)
    step = size[0] + _GAP, size[1] + _TITLE + _GAP
    n_rows = 1 - -len(references) // columns
    with open_sheet(path, 2 * _LEFT + columns * step[0] - _GAP, _TOP + n_rows * step[1]) as sheet:
        sheet.text(_LEFT, 0.15, title, fontsize=14)
        cells = [(_LEFT + x * step[0], _TOP + _TITLE + y * step[1]) for y in range(n_rows) for x in range(columns)]
        axes = sheet.panel(*cells[0], *size, title=f"frame {brief(names[1])}, the pixel ringed")
        axes.imshow(overlay(frame, ids, alpha=0.3), aspect="auto")
        _ring(axes, pixel)
        axes = sheet.panel(*cells[1], *size, title=f"motion since frame {brief(names[0])}")
        largest = _draw_flow(axes, np.asarray(flow), np.asarray(ids))
        best = max(float(np.max(reference.affinity)) for reference in references)
        for cell, reference in zip(cells[columns:], references, strict=False):
            chosen = float(np.max(reference.affinity)) == best
            axes = sheet.panel(*cell, *size, title=reference.title + ": the best match" * chosen)
            image = _draw_affinity(axes, reference)
        _draw_legend(sheet, cells[2], size, largest, image)


def _draw_flow(axes: Any, flow: NDArray[np.floating], ids: NDArray[np.uint8]) -> float:
    """Draw motion under the outlines of the objects; return the length in full colour.

    A tenth may exceed it: without matches, as in water or at the border, flow is long and says nothing.
    """
    largest = float(np.quantile(np.hypot(flow[..., 0], flow[..., 1]), 0.9)) or 1.0
    axes.imshow(flow_colours(flow, largest=largest), extent=_extent(ids), aspect="auto", interpolation="nearest")
    for k in np.unique(ids):
        if k and (ids != k).any():
            axes.contour(ids == k, levels=[0.5], colors="0.15", linewidths=0.8)
    return largest


def _draw_affinity(axes: Any, reference: Reference) -> Any:
    """Draw a frame in grey, its labels faint, with the affinity to its pixels over it; return the image of that."""
    from matplotlib.colors import LogNorm  # noqa: PLC0415 - heavy

    frame, labels, affinity = (np.asarray(x) for x in (reference.frame, reference.labels, reference.affinity))
    grey = np.rint(frame @ [0.299, 0.587, 0.114]).astype(np.uint8)
    grey = np.stack([grey] * 3, axis=2)
    axes.imshow((grey // 2 + overlay(grey, labels, alpha=0.25) // 2), aspect="auto")
    image = axes.imshow(
        np.maximum(affinity, _FAINTEST),
        norm=LogNorm(_FAINTEST, 1.0),
        cmap="plasma",
        alpha=np.where(affinity >= _FAINTEST, 0.85, 0.0),
        extent=_extent(labels),
        aspect="auto",
        interpolation="nearest",
    )
    cell = np.unravel_index(affinity.argmax(), affinity.shape)
    pixel = ((np.asarray(cell) + 0.5) * labels.shape / affinity.shape - 0.5).tolist()
    _ring(axes, pixel)
    return image


def _draw_legend(
    sheet: Sheet, cell: tuple[float, float], size: tuple[float, float], largest: float, image: Any
) -> None:
    """Draw the wheel and what its rim means, and the colour bar of the affinity."""
    (left, top), (width, height) = cell, size
    side = min(0.6 * height, width - 2.3)
    axes = sheet.panel(left + 0.15, top, side, side)
    axes.set_axis_off()
    axes.imshow(wheel(300))
    said = f"motion: hue by direction,\nwhite at rest,\nat the rim {largest:.2g} pixels"
    sheet.text(left + side + 0.3, top + side / 2, said, va="center")
    label = "affinity to the ringed pixel (largest: 1)"
    sheet.bar(image, left + 0.15, top + height - 0.65, width - 0.3, label, ticks=[1e-8, 1e-6, 1e-4, 1e-2, 1])


def _ring(axes: Any, pixel: Sequence[float]) -> None:
    """Mark a pixel by a ring that shows on light and on dark, and leaves the cells around the pixel in sight."""
    for colour, width in (("black", 2.6), ("white", 1.2)):
        style = {"markeredgecolor": colour, "markeredgewidth": width, "markerfacecolor": "none"}
        axes.plot(pixel[1], pixel[0], "o", markersize=15, scalex=False, scaley=False, **style)


def _extent(ids: NDArray[np.uint8]) -> tuple[float, float, float, float]:
    """Where a map lies on a frame, the corners of both the same."""
    return -0.5, ids.shape[1] - 0.5, ids.shape[0] - 0.5, -0.5
