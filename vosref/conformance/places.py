"""Where a result is wrong: an edge of the grid, one object, a tile; and what stands around the worst element."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosref.conformance.judge import Verdict

__all__ = ["neighbourhood", "places"]

Array = NDArray[Any]


def places(verdict: Verdict, grid: tuple[int, int] | None, /) -> list[str]:
    """Say in sentences what the failing elements have in common.

    Parameters
    ----------
    verdict : Verdict
    grid : (int, int), optional
        Rows and columns of the grid, where the first axis is its pixels, row by row.

    Returns
    -------
    list of str
        Empty where they have nothing in common.
    """
    failing = verdict.failing
    if failing is None or not failing.any() or failing.size == 1:
        return []
    count = f"{int(np.count_nonzero(failing))} of {failing.size} elements fail"
    if failing.all():
        return ["every element fails"]
    if np.count_nonzero(failing) == 1:
        return [f"1 of {failing.size} elements fails"]
    runs = list(_runs(failing))
    found = [*_columns(failing), *_edges(failing, grid, alone=not runs), *runs]
    return [f"{count}{': ' if found else ''}{'; '.join(found)}"]


def neighbourhood(verdict: Verdict, grid: tuple[int, int] | None, /) -> list[str]:
    """Show what stands around the worst element, in the result and in the reference."""
    got, exact, at = verdict.got, verdict.reference, verdict.worst
    if got is None or exact is None or at is None or not at:
        return []
    place: tuple[int, ...]
    if grid is not None and got.shape[0] == grid[0] * grid[1]:
        place, column = divmod(at[0], grid[1]), at[1:]
        planes = [np.moveaxis(a, 0, -1)[column].reshape(grid) for a in (got, exact)]
        named = f"row {place[0]}, column {place[1]} of the grid"
    elif len(at) == 1:
        planes, place, named = [a[None, :] for a in (got, exact)], (0, at[0]), f"element {at[0]}"
    else:
        planes, place = [a[at[:-2]] for a in (got, exact)], at[-2:]
        named = f"element {', '.join(map(str, at))}"
    window = tuple(slice(max(0, p - 1), p + 2) for p in place)
    shown = [_matrix(plane[window]) for plane in planes]
    return [f"around {named}: {shown[0]} instead of {shown[1]}"]


def _matrix(values: Array) -> str:
    return "[" + "; ".join(" ".join(f"{v:.4g}" for v in row) for row in np.atleast_2d(values)) + "]"


def _columns(failing: Array) -> Iterator[str]:
    """Failures of some objects alone: the last axis."""
    if failing.ndim < 2 or failing.shape[-1] < 2:
        return
    some = np.flatnonzero(failing.reshape(-1, failing.shape[-1]).any(axis=0))
    if len(some) < failing.shape[-1]:
        yield f"all in column{'s' * (len(some) > 1)} {', '.join(map(str, some))} of {failing.shape[-1]}"


def _edges(failing: Array, grid: tuple[int, int] | None, *, alone: bool) -> Iterator[str]:
    """Failures near an edge of the grid alone, or near its border, where nothing else is known of them."""
    if grid is None or failing.shape[0] != grid[0] * grid[1]:
        return
    plane = failing.reshape(*grid, -1).any(axis=2)
    rows, columns = np.nonzero(plane)
    (height, width), least = grid, {}
    for name, reach, extent in (
        ("top", rows, height),
        ("bottom", height - 1 - rows, height),
        ("left", columns, width),
        ("right", width - 1 - columns, width),
    ):
        deep = int(np.max(reach)) + 1
        if 3 * deep <= extent and 2 * len(rows) >= deep * (plane.size // extent):
            least[name] = deep
    if least:
        name = min(least, key=lambda edge: least[edge])
        deep, kind = least[name], "row" if name in ("top", "bottom") else "column"
        which = f"{deep} {kind}s" if deep > 1 else kind
        yield f"all in the {which} at the {name} edge: a window or tile is clipped wrongly there"
        return
    band = int(np.max(np.minimum.reduce([rows, height - 1 - rows, columns, width - 1 - columns]))) + 1
    if alone and 2 * band < min(height, width) and len(rows) < plane.size:
        yield f"all at most {band} pixel{'s' * (band > 1)} from the border: windows are clipped wrongly"


def _runs(failing: Array) -> Iterator[str]:
    """Failures in one run of rows alone: a tile."""
    rows = np.flatnonzero(failing.reshape(failing.shape[0], -1).any(axis=1))
    first, last = int(rows[0]), int(rows[-1])
    length, whole = last - first + 1, failing.shape[0]
    if len(rows) == length < whole and length * 2 <= whole:
        tile = f", {length} of them" + (": the size of a tile" if length > 1 and length & (length - 1) == 0 else "")
        yield f"all in the rows {first} to {last}{tile}" if length > 1 else f"all in row {first}"
