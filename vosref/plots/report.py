"""The report of an evaluation as one page of HTML: scores, curves, masks over frames, speed against accuracy.

The page needs nothing but itself: its data are JSON, its pictures data URIs, and its policy forbids it the network.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any

from vosref.io import davis_palette, write_text
from vosref.plots.pages import assembled, embedded
from vosref.plots.published import PUBLISHED
from vosref.plots.report_pictures import Clip, Shelf

__all__ = ["Clip", "write_report"]

_SCRIPTS = ("data", "header", "table", "plot", "curves", "panes", "worst", "speed", "main")
_WORST = 24  # frames in the strip of the worst
_SAME_OBJECT = 3  # of them at most
_APART = 5  # frames: nearer ones show the same failure again


def write_report(
    path: str | PathLike[str], report: Mapping[str, Any], clips: Iterable[Clip], /, *, budget: int = 24_000_000
) -> None:
    """Write the report of an evaluation as one HTML file, the same bytes for the same input.

    Frames are read one at a time, each at most once. Pictures are as large as all of them fit into the budget; where
    the smallest do not, every second frame has one, or every fourth, and so on; the worst frames are the last to lose
    theirs.

    Parameters
    ----------
    path : path
        The file to write.
    report : mapping
        As `vosref evaluate --json` writes it; scores in [0, 1], those of frames in the order of the frames.
    clips : iterable of Clip
        Sequences of the report, to be seen; the others have scores alone.
    budget : int
        Bytes that the pictures may take in the file, 0 or more.

    Raises
    ------
    ValueError
        If a clip is of no sequence of the report, a number of the report is not finite, or the budget is negative.
    InputError
        If the file cannot be written.
    """
    worst = _worst_frames(report["objects"])
    methods = [report, *(report.get("compared") or ())]
    shelf = Shelf(budget)
    order = []
    for clip in clips:
        scored = _scored(methods, clip.sequence)
        order.append(clip.sequence)
        ranks = {w["frame"]: r for r, w in enumerate(worst) if w["sequence"] == clip.sequence}
        _fill(shelf, clip, [n for n in clip.names if n in scored], [m["name"] for m in methods], ranks)
    pictures = shelf.pictures()
    page = {"worst": worst, "published": _published(report), "colours": _colours(), "clips": order}
    shown = [f'<script type="application/json" class="clip">{embedded(pictures.get(s, []))}</script>' for s in order]
    parts = {"report": embedded(report), "page": embedded(page), "clips": "\n".join(shown)}
    write_text(path, assembled("report_page", _SCRIPTS, **parts))


def _scored(methods: Sequence[Mapping[str, Any]], sequence: str) -> set[str]:
    """Names of the frames of a sequence that have a score."""
    if not any(row["sequence"] == sequence for m in methods for row in (*m["sequences"], *m["objects"])):
        raise ValueError(f"clips must be of sequences of the report, got {sequence!r}")
    return {name for m in methods for o in m["objects"] if o["sequence"] == sequence for name in o["frames"]}


def _fill(shelf: Shelf, clip: Clip, names: Sequence[str], methods: Sequence[str], ranks: Mapping[str, int]) -> None:
    """Add the pictures of one sequence, the worst frames as the most important."""
    for n, name in enumerate(names):
        halvings = (n & -n).bit_length() - 1 if n else 32
        importance = 33 + _WORST - ranks[name] if name in ranks else halvings
        if shelf.wants(importance):
            read = [clip.predictions.get(method) for method in methods]
            predictions = [None if mask is None else mask(name) for mask in read]
            shelf.add(clip.sequence, name, importance, clip.frame(name), clip.truth(name), predictions)


def _worst_frames(objects: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Frames with the lowest scores, lowest first, a few of every object."""
    scores = [
        (score, n, t)
        for n, o in enumerate(objects)
        for t, _ in enumerate(o["frames"])
        if (score := _frame_score(o, t)) is not None
    ]
    heapq.heapify(scores)
    chosen: dict[int, list[int]] = {}
    worst: list[dict[str, Any]] = []
    while scores and len(worst) < _WORST:
        score, n, t = heapq.heappop(scores)
        others = chosen.setdefault(n, [])
        if len(others) < _SAME_OBJECT and all(abs(t - other) > _APART for other in others):
            others.append(t)
            o = objects[n]
            worst.append(
                {"sequence": o["sequence"], "object": o["object"], "frame": o["frames"][t], "index": t, "score": score}
            )
    return worst


def _frame_score(scored: Mapping[str, Any], t: int) -> float | None:
    """Mean of J and F of an object in a frame, J alone where the protocol has no F, None where one does not exist."""
    values = [scored[key][t] for key in ("J", "F") if scored.get(key) is not None]
    return sum(values) / len(values) if values and None not in values else None


def _published(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    data = "DAVIS 2016" if report["protocol"]["name"] == "davis2016" else "DAVIS 2017"
    return [point._asdict() for point in PUBLISHED if point.data == data]


def _colours() -> list[str]:
    """Colours of the ids, as the masks show them."""
    palette = davis_palette()
    return ["#" + palette[i : i + 3].hex() for i in range(0, len(palette), 3)]
