"""What a benchmark prints: the means over objects, sequences, categories or classes, under its own names."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from vosref.evaluation import statistics
from vosref.evaluation.objects import ObjectScores
from vosref.evaluation.protocols import UNSTABLE, Protocol

__all__ = ["UNKNOWN", "Categories", "class_of", "global_scores", "object_rows", "sequence_rows"]


class Categories(NamedTuple):
    """What YouTube-VOS's `meta.json` tells of objects."""

    of: Mapping[tuple[str, int], str] = {}  # sequence and id to category
    seen: Collection[str] | None = None  # the categories of training; None where they are not known


UNKNOWN = Categories()


def global_scores(
    objects: Sequence[ObjectScores],
    protocol: Protocol,
    /,
    *,
    stability: Mapping[str, Sequence[float]] | None = None,
    categories: Categories = UNKNOWN,
) -> dict[str, float]:
    """Means over everything, by the benchmark's names: ``J&F-Mean``, ``J-Recall``, ``G``, ``T-Mean``, ...

    Parameters
    ----------
    objects : sequence of ObjectScores
    protocol : Protocol
    stability : mapping of str to sequence of float, optional
        T of each sequence, from frame to frame; the mean leaves out those that DAVIS counts as unstable.
    categories : Categories

    Returns
    -------
    dict of str to float
        NaN where nothing counts. Objects without a score are in no mean.
    """
    rows = [o.row(protocol.measures) for o in objects]
    names = list(rows[0]) if rows else [f"{m}-{s}" for m in ("J", "F") for s in ("Mean", "Recall", "Decay")]
    found = {name: statistics.mean([row[name] for row in rows]) for name in names if name[0] in protocol.measures}
    if "F" in protocol.measures:
        found = {"J&F-Mean": (found["J-Mean"] + found["F-Mean"]) / 2} | found
    if protocol.average == "classes":
        found["J-Mean-Classes"] = _over_classes(objects)
    if protocol.average == "seen_unseen":
        found |= _seen_and_unseen(objects, categories)
    if "T" in protocol.measures and stability:
        stable = [statistics.mean(list(values)) for name, values in stability.items() if name not in UNSTABLE]
        found["T-Mean"] = statistics.mean(stable)
    return found


def sequence_rows(
    objects: Iterable[ObjectScores], protocol: Protocol, /, *, stability: Mapping[str, Sequence[float]] | None = None
) -> list[dict[str, Any]]:
    """Means over the objects of each sequence, in the order in which they come."""
    groups: dict[str, list[ObjectScores]] = {}
    for scores in objects:
        groups.setdefault(scores.sequence, []).append(scores)
    rows = []
    for name, group in groups.items():
        row: dict[str, Any] = {"sequence": name} | _means(group, protocol)
        if "T" in protocol.measures and stability and name in stability:
            row["T-Mean"] = statistics.mean(list(stability[name]))
        rows.append(row)
    return rows


def object_rows(objects: Iterable[ObjectScores], protocol: Protocol, /) -> list[dict[str, Any]]:
    """List every object with its frames, series and statistics."""
    rows = []
    for scores in objects:
        row: dict[str, Any] = {"sequence": scores.sequence, "object": scores.object, "frames": list(scores.frames)}
        if scores.extra:
            row["extra"] = True
        series = {"J": list(scores.region), "F": list(scores.contour)}
        row |= {letter: values for letter, values in series.items() if letter in protocol.measures}
        rows.append(row | scores.row(protocol.measures))
    return rows


def class_of(sequence: str, /) -> str:
    """Name the class of a YouTube-Objects video: its first folder, or its name without the number at the end."""
    first, slash, _ = sequence.partition("/")
    return first if slash else first.rstrip("0123456789").rstrip("-_ ") or first


def _means(objects: Sequence[ObjectScores], protocol: Protocol) -> dict[str, float]:
    j, f = statistics.mean([o.j for o in objects]), statistics.mean([o.f for o in objects])
    return {"J&F-Mean": (j + f) / 2, "J-Mean": j, "F-Mean": f} if "F" in protocol.measures else {"J-Mean": j}


def _over_classes(objects: Sequence[ObjectScores]) -> float:
    classes: dict[str, list[float]] = {}
    for scores in objects:
        classes.setdefault(class_of(scores.sequence), []).append(scores.j)
    return statistics.mean([statistics.mean(values) for values in classes.values()])


def _seen_and_unseen(objects: Sequence[ObjectScores], categories: Categories) -> dict[str, float]:
    """Nothing where the categories of training are not known, or an object has none."""
    if categories.seen is None or any((o.sequence, o.object) not in categories.of for o in objects):
        return {}
    seen = [categories.of[o.sequence, o.object] in categories.seen for o in objects]
    found = {
        f"{letter}-{name}": statistics.mean([value for value, s in zip(values, seen, strict=True) if s is wanted])
        for name, wanted in (("Seen", True), ("Unseen", False))
        for letter, values in (("J", [o.j for o in objects]), ("F", [o.f for o in objects]))
    }
    return found | {"G": math.fsum(found.values()) / len(found)}
