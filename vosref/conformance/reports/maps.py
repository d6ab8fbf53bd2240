"""Pictures of a failure: where in the result its elements are, and what stands around the worst."""

from html import escape
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vosref.conformance.judge import Verdict
from vosref.conformance.reports.numbers import shown

__all__ = ["figures"]

REACH = 2  # elements to each side of the worst
CELLS = 96  # of a map, at most, in either direction
MAPS = 6
SIDE = 150  # pixels of the longer side of a map, at most
CELL = 12  # pixels of an element of a small one


class Plane(NamedTuple):
    """Two dimensions of a result that hold its worst element."""

    got: NDArray[Any]
    reference: NDArray[Any]
    failing: NDArray[np.bool_]
    worst: tuple[int, int]
    named: str


def figures(verdict: Verdict | None, grid: tuple[int, int] | None, /) -> str:
    """Return the pictures of a verdict as HTML; none where nothing could be compared.

    Parameters
    ----------
    verdict : Verdict, optional
    grid : (int, int), optional
        Height and width, where pixels are the rows of the result.
    """
    if verdict is None or (plane := _plane(verdict, grid)) is None:
        return ""
    maps = [_map(elements, at) for elements, at in _whole(verdict, plane, grid)]
    failing = np.asarray(verdict.failing)
    count = f"{int(np.count_nonzero(failing))} of {failing.size} elements beyond the bound"
    parts = [
        _figure(f"got, around {plane.named}", _matrix(plane.got, plane)),
        _figure("at most" if verdict.relation == "<=" else "reference", _matrix(plane.reference, plane)),
        _figure(count, f'<div class="maps">{"".join(maps)}</div>'),
    ]
    return f'<div class="pictures">{"".join(parts)}</div>'


def _plane(verdict: Verdict, grid: tuple[int, int] | None) -> Plane | None:
    """Cut out the plane of the worst element: of the grid where there is one, else the last two axes."""
    got, exact, failing, at = verdict.got, verdict.reference, verdict.failing, verdict.worst
    if got is None or exact is None or failing is None or at is None or not at:
        return None
    on_grid = grid is not None and got.shape[0] == grid[0] * grid[1]
    if grid is not None and on_grid:
        row, column = divmod(at[0], grid[1])
        other = f", column {', '.join(map(str, at[1:]))} of the result" if at[1:] else ""
        worst, named = (row, column), f"row {row}, column {column} of the grid{other}"
    else:
        worst, named = (at[-2] if len(at) > 1 else 0, at[-1]), f"element {', '.join(map(str, at))}"

    def cut(values: NDArray[Any]) -> NDArray[Any]:
        if grid is not None and on_grid:
            frame = np.moveaxis(values.reshape(*grid, *values.shape[1:]), (0, 1), (-2, -1))
            return np.asarray(frame[at[1:]])
        return np.atleast_2d(values[at[:-2]])

    return Plane(cut(got), cut(exact), cut(failing), worst, named)


def _whole(
    verdict: Verdict, plane: Plane, grid: tuple[int, int] | None
) -> list[tuple[NDArray[np.bool_], tuple[int, int] | None]]:
    """Return what maps are drawn of: the grid once for every column of the result, or the plane."""
    failing, at = np.asarray(verdict.failing), verdict.worst or ()
    if grid is None or failing.ndim != 2 or failing.shape[0] != grid[0] * grid[1]:
        return [(plane.failing, plane.worst)]
    frames = failing.reshape(*grid, -1)
    return [(frames[:, :, k], plane.worst if k == at[1] else None) for k in range(min(MAPS, frames.shape[2]))]


def _matrix(values: NDArray[Any], plane: Plane) -> str:
    rows, columns = (
        range(max(0, at - REACH), min(size, at + REACH + 1)) for at, size in zip(plane.worst, values.shape, strict=True)
    )
    lines = []
    for i in rows:
        cells = (f"<td{_class(plane, i, j)}>{escape(_digits(values[i, j]))}</td>" for j in columns)
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return f'<table class="matrix"><tbody>{"".join(lines)}</tbody></table>'


def _class(plane: Plane, i: int, j: int) -> str:
    names = [name for name, holds in (("off", plane.failing[i, j]), ("worst", (i, j) == plane.worst)) if holds]
    return f' class="{" ".join(names)}"' if names else ""


def _digits(value: Any) -> str:
    number = value.item()
    return shown(number) if isinstance(number, float) and not np.isfinite(number) else f"{number:.5g}"


def _map(failing: NDArray[np.bool_], worst: tuple[int, int] | None) -> str:
    """Draw the elements as squares, some for many where there are too many."""
    step = max(1, -(-max(failing.shape) // CELLS))
    tall, wide = (-(-size // step) for size in failing.shape)
    padded = np.zeros((tall * step, wide * step), bool)
    padded[: failing.shape[0], : failing.shape[1]] = failing
    cells = padded.reshape(tall, step, wide, step).any(axis=(1, 3))
    path = "".join(f"M{x} {y}h1v1h-1z" for y, x in np.argwhere(cells))
    mark = "" if worst is None else f'<rect x="{worst[1] // step}" y="{worst[0] // step}" width="1" height="1"/>'
    scale = min(CELL, SIDE / max(tall, wide))
    size = f'width="{round(wide * scale)}" height="{round(tall * scale)}" viewBox="0 0 {wide} {tall}"'
    return f'<svg class="map" {size} role="img" aria-label="where elements fail"><path d="{path}"/>{mark}</svg>'


def _figure(caption: str, body: str) -> str:
    return f"<figure><figcaption>{escape(caption)}</figcaption>{body}</figure>"
