"""Which frames of which objects count under a protocol, and what they score."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vosref.evaluation import statistics
from vosref.evaluation.protocols import Protocol
from vosref.evaluation.tally import Tally

__all__ = ["ObjectScores", "Refusal", "counted_frames", "refusals", "score_objects", "scored_ids", "stability_scores"]


class ObjectScores(NamedTuple):
    """Scores of an object in the frames that count."""

    sequence: str
    object: int
    frames: tuple[str, ...]
    region: tuple[float, ...]  # J, in [0, 1]
    contour: tuple[float, ...]  # F, in [0, 1]
    extra: bool = False  # no true frame shows it

    @property
    def j(self) -> float:
        """Mean J; NaN where no frame counts."""
        return statistics.mean(self.region)

    @property
    def f(self) -> float:
        """Mean F; NaN where no frame counts."""
        return statistics.mean(self.contour)

    def row(self, measures: tuple[str, ...]) -> dict[str, float]:
        """Mean, recall and decay under the benchmark's names."""
        series = {"J": self.region, "F": self.contour}
        return {
            f"{letter}-{name}": of(values)
            for letter, values in series.items()
            if letter in measures
            for name, of in (("Mean", statistics.mean), ("Recall", statistics.recall), ("Decay", statistics.decay))
        }


class Refusal(NamedTuple):
    """What a protocol does not accept: a counted frame without a mask (no object), or an extra object."""

    frame: str
    object: int | None = None


def score_objects(tally: Tally, protocol: Protocol, /, *, sequence: str) -> list[ObjectScores]:
    """Score the objects of a sequence.

    Parameters
    ----------
    tally : Tally
        Made with the protocol's `merged` and `void`.
    protocol : Protocol
    sequence : str
        Its name.

    Returns
    -------
    list of ObjectScores
        Ascending by id; extra objects last.
    """
    found = [_object(tally, k, protocol, sequence) for k in scored_ids(tally, protocol)]
    if protocol.extra == "scored_0":
        names, zeros = tally.names[1:], (0.0,) * len(tally.names[1:])
        found += [ObjectScores(sequence, k, names, zeros, zeros, extra=True) for k in _extra_ids(tally, protocol)]
    return found


def scored_ids(tally: Tally, protocol: Protocol, /) -> tuple[int, ...]:
    """List the ids that are objects."""
    if protocol.objects == "merged":
        return (1,)
    if protocol.objects == "first_frame":
        return tuple(range(1, max(_shown(tally, tally.in_truth[:1]), default=0) + 1))
    return _shown(tally, tally.in_truth)


def counted_frames(tally: Tally, k: int, protocol: Protocol, /) -> NDArray[np.bool_]:
    """Tell which frames count for an object, (T,)."""
    true, predicted = (_column(tally, shown, k) for shown in (tally.in_truth, tally.in_prediction))
    counted = _not_given(true, protocol.given)
    if protocol.start == "in_truth":
        counted &= _from_first(true)
    elif protocol.start == "in_either":
        counted &= _from_first((true | predicted) & counted)
    elif protocol.start == "false_alarms":
        counted &= _from_first(true) | predicted
    if protocol.both_empty == "left_out":
        counted &= true | predicted
    return counted


def refusals(tally: Tally, protocol: Protocol, /) -> list[Refusal]:
    """List what the protocol does not accept, in the order of the frames."""
    ids = scored_ids(tally, protocol)
    found: dict[str, Refusal] = {}
    if protocol.missing == "refused":
        needed = np.any([counted_frames(tally, k, protocol) for k in ids], axis=0) if ids else _nobody(tally)
        found |= {tally.names[t]: Refusal(tally.names[t]) for t in np.flatnonzero(needed & ~tally.predicted)}
    if protocol.extra == "refused":
        inner = _not_given(_nobody(tally), protocol.given)
        for k in _extra_ids(tally, protocol):
            t = int(np.flatnonzero(_column(tally, tally.in_prediction, k) & inner)[0])
            found.setdefault(tally.names[t], Refusal(tally.names[t], k))
    return [found[name] for name in tally.names if name in found]


def stability_scores(tally: Tally, protocol: Protocol, /) -> tuple[float, ...]:
    """List T from each counted frame to the next [DAVIS T]; NaN where an outline is missing."""
    counted = _not_given(_nobody(tally), protocol.given)
    both = counted[1:] & counted[:-1]
    return tuple(tally.stability[1:][both].tolist())


def _object(tally: Tally, k: int, protocol: Protocol, sequence: str) -> ObjectScores:
    counted = counted_frames(tally, k, protocol)
    absent = ~tally.predicted if protocol.missing == "scored_0" else np.zeros_like(tally.predicted)

    def series(scores: NDArray[np.float64]) -> tuple[float, ...]:
        # What no frame shows is in no column: truth and prediction are both empty.
        values = scores[:, tally.ids.index(k)] if k in tally.ids else np.ones(len(tally.names))
        return tuple(np.where(absent, 0.0, values)[counted].tolist())

    names = tuple(name for name, counts in zip(tally.names, counted, strict=True) if counts)
    return ObjectScores(sequence, k, names, series(tally.region), series(tally.contour))


def _extra_ids(tally: Tally, protocol: Protocol) -> tuple[int, ...]:
    """List the ids that predictions show after the first frame and that are no objects."""
    if protocol.objects == "merged":
        return ()
    objects, counted = scored_ids(tally, protocol), _not_given(_nobody(tally), protocol.given)
    if protocol.given == "appearance":
        counted[:1] = False
    return tuple(k for k in _shown(tally, tally.in_prediction & counted[:, None]) if k not in objects)


def _shown(tally: Tally, where: NDArray[np.bool_]) -> tuple[int, ...]:
    """List the ids that any of the frames shows."""
    return tuple(tally.ids[i] for i in np.flatnonzero(np.any(where, axis=0)))


def _not_given(true: NDArray[np.bool_], given: str) -> NDArray[np.bool_]:
    """Leave out the frames whose masks were given; `true` tells where the truth shows the object."""
    counted = np.ones(len(true), dtype=bool)
    if given == "counted":
        return counted
    if given == "appearance":
        counted[np.flatnonzero(true)[:1]] = False
        return counted
    counted[:1] = False
    if given == "first_and_last" and len(true) > 2:
        counted[-1] = False
    return counted


def _nobody(tally: Tally) -> NDArray[np.bool_]:
    return np.zeros(len(tally.names), dtype=bool)


def _from_first(shown: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark all from the first True on."""
    return np.logical_or.accumulate(shown) if len(shown) else shown


def _column(tally: Tally, shown: NDArray[np.bool_], k: int) -> NDArray[np.bool_]:
    return shown[:, tally.ids.index(k)] if k in tally.ids else np.zeros(len(tally.names), dtype=bool)
