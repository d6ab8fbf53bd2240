"""The report of an evaluation: as a dict for JSON and the page, and as the benchmark's columns for CSV."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vosref import __version__
from vosref.evaluation.protocols import UNSTABLE, Protocol
from vosref.evaluation.summary import UNKNOWN, Categories, global_scores, object_rows, sequence_rows
from vosref.runs.evaluations import Evaluation, Scored

__all__ = ["compare", "make_report", "plain", "to_csv"]

_COLUMNS = ("J&F-Mean", "J-Mean", "J-Recall", "J-Decay", "F-Mean", "F-Recall", "F-Decay")


def make_report(
    evaluation: Evaluation,
    scored: Sequence[Scored],
    /,
    *,
    name: str | None = None,
    subset: str | None = None,
    categories: Categories = UNKNOWN,
    costs: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Put everything that is known of an evaluation into a dict of JSON's types, in which NaN is None.

    Parameters
    ----------
    evaluation : Evaluation
    scored : sequence of Scored
        From `evaluate`.
    name : str, optional
        Of the results; else that of their folder.
    subset : str, optional
        What the sequences were chosen by.
    categories : Categories
    costs : mapping of str to mapping, optional
        ``seconds_per_frame`` and ``peak_bytes`` of each sequence, where they are known.

    Returns
    -------
    dict
    """
    protocol, costs = evaluation.protocol, costs or {}
    objects = [o for s in scored for o in s.objects]
    stability = {s.name: s.stability for s in scored if s.stability}
    empty = [s.name for s in scored if not s.objects]
    rows = sequence_rows(objects, protocol, stability=stability)
    report = {
        "vosref": __version__,
        "name": name or _name(evaluation.results),
        "protocol": {"name": protocol.name, "rules": protocol.rules()},
        "results": str(evaluation.results),
        "truth": str(evaluation.truth),
        "set": subset,
        "global": global_scores(objects, protocol, stability=stability, categories=categories),
        "sequences": [row | dict(costs.get(row["sequence"], {})) for row in rows],
        "objects": object_rows(objects, protocol),
        **_cost(costs),
        "notes": [
            *evaluation.notes,
            *(note for s in scored for note in s.notes),
            *(f"{name}: nothing is an object under {protocol.name}, so it has no score" for name in empty),
            *_unknown(protocol, categories, objects),
        ],
    }
    return plain(report)


def compare(report: Mapping[str, Any], others: Sequence[Mapping[str, Any]], /) -> dict[str, Any]:
    """Put other results over the same truth beside a report's."""
    shared = ("vosref", "protocol", "truth", "set", "compared")
    taken, compared = {report["name"]}, []
    for other in others:
        name, n = other["name"], 2
        while name in taken:
            name, n = f"{other['name']} ({n})", n + 1
        taken.add(name)
        compared.append({"name": name} | {k: v for k, v in other.items() if k not in (*shared, "name")})
    return dict(report) | {"compared": compared}


def to_csv(report: Mapping[str, Any], /) -> str:
    """Spell a report as a table with the columns of davis2017-evaluation, at full precision.

    The first row, ``Global``, is what the benchmark writes into its file of global results; the others are its
    sequences, ``<sequence>_<object>`` each.
    """
    columns = [c for c in _COLUMNS if c in report["global"]]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["Sequence", *columns])
    writer.writerow(["Global", *(_cell(report["global"].get(c)) for c in columns)])
    for row in report["objects"]:
        known = row | {"J&F-Mean": _half(row.get("J-Mean"), row.get("F-Mean"))}
        writer.writerow([f"{row['sequence']}_{row['object']}", *(_cell(known.get(c)) for c in columns)])
    return text.getvalue()


def _cost(costs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Seconds a frame over all frames, and the largest peak."""
    timed = [c for c in costs.values() if c.get("seconds_per_frame") is not None]
    frames = sum(c["frames"] for c in timed)
    seconds = sum(c["seconds_per_frame"] * c["frames"] for c in timed) / frames if frames else None
    peaks = [c["peak_bytes"] for c in costs.values() if c.get("peak_bytes") is not None]
    return {"seconds_per_frame": seconds, "peak_bytes": max(peaks, default=None)}


def _unknown(protocol: Protocol, categories: Categories, objects: Sequence[Any]) -> list[str]:
    """Say which means leave something out, or cannot be taken."""
    if "T" in protocol.measures and (unstable := sorted({o.sequence for o in objects} & UNSTABLE)):
        return [f"T-Mean leaves out {', '.join(unstable)}, in which DAVIS does not measure stability"]
    if protocol.average != "seen_unseen":
        return []
    if categories.seen is None:
        return ["which categories were seen in training is not known, so there is no G (--seen FILE tells)"]
    nameless = sorted({f"{o.sequence} {o.object}" for o in objects if (o.sequence, o.object) not in categories.of})
    return [f"meta.json has no category for {', '.join(nameless[:3])}, so there is no G"] if nameless else []


def _name(path: Path) -> str:
    return path.stem if path.suffix == ".zip" else path.resolve().name


def _half(j: float | None, f: float | None) -> float | None:
    return None if j is None or f is None else (j + f) / 2


def _cell(value: float | None) -> str:
    return "" if value is None else repr(value)


def plain(value: Any, /) -> Any:
    """Turn what JSON has not into what it has: NaN into None, tuples into lists."""
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return None if isinstance(value, float) and math.isnan(value) else value
