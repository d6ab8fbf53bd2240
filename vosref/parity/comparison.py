"""Activations of another implementation, held against ours point by point."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np

from vosref.parity.rounding import Rounding, Running
from vosref.weights import WeightsError, shown

__all__ = ["DOUBTFUL", "INPUTS", "Comparison", "Row", "Verdicts"]

INPUTS = ("image", "input", "cues")  # arrays that the network begins with
# Most roundings cancel, which no bound may count on. In float32 a layer differs from float64 by some 6 unit roundoffs,
# by Winograd's algorithm 40, and the whole of Xception-65 by 40: a much larger difference is hardly one of rounding.
DOUBTFUL = 200

Others = Callable[[], Iterable[tuple[str, Running]]]


class Row(NamedTuple):
    """A point of the network at which both sides have a value."""

    name: str  # the point's, ours
    key: str  # the array's in the file
    ratio: float  # largest |ours - theirs| / bound
    difference: float  # largest |ours - theirs|
    where: tuple[int, ...]  # row, column and channel of the largest difference; empty without a difference
    relative: float  # root mean square of the difference, over that of the values
    width: float  # root mean square of the bound, over that of the values; above 1, the bound tells nothing
    verdict: str  # "agrees", "differs" (beyond the bound) or "doubtful" (within it, yet more than rounding makes)
    note: str = ""
    hint: str = ""  # what would make ours agree with theirs

    @property
    def agrees(self) -> bool:
        """Whether the point is within its bound, and not doubtful."""
        return self.verdict == "agrees"


class Verdicts(NamedTuple):
    """All that was compared, in the order of the network."""

    rows: tuple[Row, ...]
    absent: tuple[str, ...]  # points without an array in the file
    unused: tuple[str, ...]  # arrays that are no point

    @property
    def first(self) -> Row | None:
        """The first point that does not agree."""
        return next((row for row in self.rows if not row.agrees), None)


class Comparison:
    """What a network passes through is shown to `observe`, and goes on with the other's value where there is one.

    Parameters
    ----------
    arrays : mapping of str to array
        The other's activations, float32 or float64: (H, W, C), or channels first, with or without a batch axis of 1.
    names : mapping of str to str
        Our points by the other's names; a point's own name needs no entry.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], names: Mapping[str, str], /) -> None:
        self.arrays = arrays
        self.keys: dict[str, list[str]] = {}
        for key in arrays:
            self.keys.setdefault(names.get(key, key), []).append(key)
        _check_types(arrays)
        self.rounding = Rounding(np.dtype(_precision(arrays)))
        self.rows: list[Row] = []
        self.absent: list[str] = []
        self.channels_first = False  # of the last array whose shape told

    def observe(self, name: str, ours: Running, others: Others = tuple, note: str = "") -> Running:
        """Compare what a point has with the file's array; what `others` yields may explain a difference."""
        if name not in self.keys:
            self.absent.append(name)
        for key in self.keys.get(name, ()):  # a second array of the same point must equal the first
            ours = self._compare(name, key, ours, others, note)
        return ours

    def fits(self, name: str, ours: Running) -> bool | None:
        """Whether the file's array agrees with a value, without recording it; None if there is none."""
        if name not in self.keys:
            return None
        theirs, _ = self._arranged(self.arrays[self.keys[name][0]], ours.value.shape)
        return theirs is not None and self._judge(ours, theirs).agrees

    def take(self, key: str, like: Running) -> Running:
        """Return an array of the file, of the shape of `like`, without comparing it."""
        theirs = self._arranged(self.arrays[key], like.value.shape)[0]
        return like if theirs is None else Running(theirs, np.zeros_like(theirs))

    def verdicts(self) -> Verdicts:
        """Return what was compared; an error if nothing was."""
        used = {row.key for row in self.rows}
        unused = tuple(key for key in self.arrays if key not in used and key not in INPUTS)
        if not self.rows:
            some = ", ".join(shown(key) for key in unused[:4]) + (", …" if len(unused) > 4 else "")
            raise WeightsError(
                f"no array of the activations has the name of a point; they are {some or 'none but the frame'}, "
                f"and points are {', '.join(self.absent[1:4])}, …, or the names of PyTorch's modules"
            )
        return Verdicts(tuple(self.rows), tuple(self.absent), unused)

    def _compare(self, name: str, key: str, ours: Running, others: Others, note: str) -> Running:
        theirs, ambiguous = self._arranged(self.arrays[key], ours.value.shape)
        if theirs is None:
            note = f"shape {self.arrays[key].shape}, where ours is {ours.value.shape}"
            self.rows.append(Row(name, key, math.inf, math.inf, (), math.inf, 0.0, "differs", note))
            return ours
        row = self._judge(ours, theirs)._replace(name=name, key=key)
        if not row.agrees and all(earlier.agrees for earlier in self.rows):
            like = (pair for pair in others() if pair[1].value.shape == theirs.shape)
            row = row._replace(hint=next((text for text, other in like if self._judge(other, theirs).agrees), ""))
        layout = "first" if self.channels_first else "last"
        notes = (row.note, note, f"its shape fits both layouts; taken as channels {layout}" if ambiguous else "")
        self.rows.append(row._replace(note="; ".join(filter(None, notes))))
        return Running(theirs, np.zeros_like(theirs))

    def _judge(self, ours: Running, theirs: np.ndarray) -> Row:
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            difference = np.abs(ours.value - theirs)
            difference[(ours.value == theirs) | (np.isnan(ours.value) & np.isnan(theirs))] = 0
            difference[np.isnan(difference)] = math.inf
            ratios = np.where(difference > 0, difference / ours.error, 0)
            ratio = float(np.nanmax(ratios, initial=0)) if np.isfinite(difference).all() else math.inf
            size = max(_rms(ours.value), _rms(theirs))
            relative, width = (_rms(x) / size if size > 0 else 0.0 for x in (difference, ours.error))
        where = tuple(map(int, np.unravel_index(np.argmax(difference), difference.shape)))
        largest = float(difference[where])
        doubt = relative > DOUBTFUL * self.rounding.unit
        verdict = "differs" if ratio > 1 else "doubtful" if doubt else "agrees"
        odd = int(np.sum(~np.isfinite(theirs) & (difference > 0)))
        note = f"{odd:,} of {theirs.size:,} numbers not finite" if odd else ""
        return Row("", "", ratio, largest, where if largest > 0 else (), relative, width, verdict, note)

    def _arranged(self, array: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray | None, bool]:
        """Return an array as (H, W, C) float64, None if it is no such map, and whether both layouts fit it."""
        array = array[0] if array.ndim == 4 and array.shape[0] == 1 else array
        if shape[:2] == (1, 1) and array.size == shape[2] == max(array.shape, default=0):
            return array.reshape(shape).astype(np.float64), False
        last, first = array.shape == shape, array.shape == (shape[2], *shape[:2])
        if not (last or first):
            return None, False
        if last != first:
            self.channels_first = first
        array = array.transpose(1, 2, 0) if self.channels_first else array
        return np.ascontiguousarray(array, np.float64), last and first


def _rms(values: np.ndarray) -> float:
    finite = np.isfinite(values)
    return float(np.sqrt(np.mean(np.square(values, where=finite, out=np.zeros_like(values))))) if values.size else 0.0


def _check_types(arrays: Mapping[str, np.ndarray]) -> None:
    for key, array in arrays.items():
        if array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8):
            raise WeightsError(
                f"activations must be float32 or float64, {shown(key)} is {array.dtype}: "
                f"the bounds are of full precision; export without autocast"
            )


def _precision(arrays: Mapping[str, np.ndarray]) -> np.dtype:
    """Return the coarsest type of the activations."""
    types = [array.dtype for key, array in arrays.items() if key not in INPUTS and array.dtype.kind == "f"]
    return min(types, key=lambda dtype: dtype.itemsize, default=np.dtype(np.float32))
