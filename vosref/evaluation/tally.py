"""What a sequence's masks show, frame by frame and id by id, before any protocol decides what of it counts."""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vosref.evaluation.measures import region_and_contour
from vosref.evaluation.temporal import temporal_stability

__all__ = ["VOID", "Tally", "Truth", "tally_sequence"]

VOID = 255
Ids = NDArray[np.uint8]  # (H, W); 0 is background


class Truth(NamedTuple):
    """A true mask."""

    ids: Ids
    void: NDArray[np.bool_] | None = None  # (H, W): pixels that belong to nothing; None where there is none


class Tally(NamedTuple):
    """T frames and K ids, each of which the truth or a prediction shows somewhere."""

    names: tuple[str, ...]
    ids: tuple[int, ...]  # ascending
    region: NDArray[np.float64]  # (T, K); 1 where neither shows it
    contour: NDArray[np.float64]  # (T, K)
    in_truth: NDArray[np.bool_]  # (T, K)
    in_prediction: NDArray[np.bool_]  # (T, K)
    predicted: NDArray[np.bool_]  # (T,): there is a predicted mask; what there is not has scored as an empty one
    stability: NDArray[np.float64]  # (T,): from the prediction before to this one; NaN where it was not asked for
    has_void: bool


class _Frame(NamedTuple):
    region: dict[int, float]
    contour: dict[int, float]
    in_truth: frozenset[int]
    in_prediction: frozenset[int]
    predicted: bool = True
    stability: float = math.nan
    has_void: bool = False


def tally_sequence(
    frames: Iterable[tuple[str, Truth, Ids | None]],
    /,
    *,
    merged: bool = False,
    void: str = "background",
    stability: bool = False,
) -> Tally:
    """Compare predicted masks with true ones; two frames at a time are held, whatever the ids.

    Parameters
    ----------
    frames : iterable of (str, Truth, array or None)
        Name, truth, and the prediction's ids (H, W), which are None where there is no mask.
    merged : bool
        All ids above 0 are one object, 1.
    void : str
        What void pixels are: "background", an "object" of id 255, or "left_out".
    stability : bool
        Whether to measure the temporal stability of each prediction, all objects together.

    Returns
    -------
    Tally
    """
    names, rows = [], []
    before: NDArray[np.bool_] | None = None
    for name, truth, prediction in frames:
        true, predicted = _prepared(truth, prediction, merged=merged, void=void)
        now = None if prediction is None or not stability else predicted > 0
        moved = math.nan if before is None or now is None else temporal_stability(before, now)
        names.append(name)
        row = _compare(true, predicted)
        rows.append(row._replace(predicted=prediction is not None, stability=moved, has_void=truth.void is not None))
        before = now
    return _assembled(tuple(names), rows)


def _prepared(truth: Truth, prediction: Ids | None, *, merged: bool, void: str) -> tuple[Ids, Ids]:
    """Apply the rules that change pixels."""
    true = truth.ids
    predicted = np.zeros_like(true) if prediction is None else prediction
    if merged:
        true, predicted = ((mask > 0).astype(np.uint8) for mask in (true, predicted))
    if truth.void is not None and void == "object":
        true = np.where(truth.void, np.uint8(VOID), true)
    if truth.void is not None and void == "left_out":
        # Both are background there: neither J nor F can tell what was left out from what nobody claimed.
        true, predicted = (np.where(truth.void, np.uint8(0), mask) for mask in (true, predicted))
    return true, predicted


def _compare(true: Ids, predicted: Ids) -> _Frame:
    in_truth, in_prediction = (
        frozenset(np.flatnonzero(np.bincount(mask.ravel())).tolist()) - {0} for mask in (true, predicted)
    )
    ids = sorted(in_truth | in_prediction)
    region, contour = (dict(zip(ids, s.tolist(), strict=True)) for s in region_and_contour(predicted, true, ids=ids))
    return _Frame(region, contour, in_truth, in_prediction)


def _assembled(names: tuple[str, ...], rows: list[_Frame]) -> Tally:
    ids = tuple(sorted(set().union(*(row.in_truth | row.in_prediction for row in rows))))
    size = len(rows), len(ids)

    def scores(field: str) -> NDArray[np.float64]:
        values = [[getattr(row, field).get(k, 1.0) for k in ids] for row in rows]
        return np.array(values, dtype=np.float64).reshape(size)

    def shown(field: str) -> NDArray[np.bool_]:
        return np.array([[k in getattr(row, field) for k in ids] for row in rows], dtype=bool).reshape(size)

    return Tally(
        names,
        ids,
        scores("region"),
        scores("contour"),
        shown("in_truth"),
        shown("in_prediction"),
        np.array([row.predicted for row in rows], dtype=bool),
        np.array([row.stability for row in rows], dtype=np.float64),
        any(row.has_void for row in rows),
    )
