"""From paths, or from runs over a data set, to a report: what `vosref evaluate` and Python call alike."""

import functools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, NamedTuple

from vosref.datasets import Dataset, Video, given, listed_objects, read_subset
from vosref.evaluation.explain import Move
from vosref.evaluation.protocols import Protocol
from vosref.evaluation.summary import UNKNOWN, Categories
from vosref.io import InputError, MissingInputError
from vosref.io.archives import File
from vosref.io.places import open_place
from vosref.runs.evaluations import Evaluation, Scored, evaluate, open_evaluation
from vosref.runs.reports import compare, make_report, plain
from vosref.runs.sequences import Masks, Pair, frames_below, masks_below, matching

__all__ = ["Judged", "is_scorable", "judge_results", "judge_runs", "listed_categories", "open_results", "open_runs"]


class Judged(NamedTuple):
    """A report and what it was made from."""

    report: dict[str, Any]
    evaluations: dict[str, Evaluation]  # by the method's name, the report's first
    moves: tuple[Move, ...]  # of the report's method, where asked
    frames: Callable[[str], Mapping[str, File]]  # the video of a sequence: frame name to file; empty where not at hand


def open_results(
    results: Sequence[str | Path], truth: str | Path, protocol: Protocol, /, *, subset: str | None = None
) -> list[Evaluation]:
    """Find the masks of several methods and the truth that they share.

    Raises
    ------
    InputError
        As `open_evaluation` does.
    """
    prefer = ("2016", "480p") if protocol.objects == "merged" else ("2017",)
    only = () if subset is None else read_subset(subset, near=truth, prefer=prefer)
    return [open_evaluation(path, truth, protocol=protocol, only=only) for path in results]


def judge_results(
    evaluations: Sequence[Evaluation],
    /,
    *,
    subset: str | None = None,
    categories: Categories = UNKNOWN,
    frames: str | Path | None = None,
    executor: Executor | None = None,
    explain: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> Judged:
    """Score what `open_results` found, and put the methods beside each other.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        The first is the report's, the others are compared with it.
    subset : str, optional
        What the report calls the set.
    categories : Categories
        Of YouTube-VOS.
    frames : path, optional
        Where the videos are; by default ``JPEGImages`` in place of, or beside, the ``Annotations`` of the truth.
    executor, explain, progress
        As for `evaluate`.
    """
    videos = functools.cache(lambda: frames_below(evaluations[0].truth, frames))
    if frames is not None:
        videos()  # what was named is looked for before anything is computed
    done, reports, scored = 0, [], []
    for n, evaluation in enumerate(evaluations):
        before = done
        scored.append(
            evaluate(evaluation, executor=executor, explain=explain and n == 0, progress=lambda k: progress(before + k))  # noqa: B023
        )
        done += sum(len(pair.truth.files) for pair in evaluation.pairs)
        costs = _recorded(evaluation)
        reports.append(make_report(evaluation, scored[-1], subset=subset, categories=categories, costs=costs))
    report = compare(reports[0], reports[1:]) if reports[1:] else reports[0]
    names = [report["name"], *(other["name"] for other in report.get("compared", ()))]
    if explain:
        report["moves"] = _move_rows(scored[0])
    named = dict(zip(names, evaluations, strict=True))
    return Judged(report, named, _moves(scored[0]), lambda name: matching(videos(), name))


def is_scorable(dataset: Dataset, /) -> bool:
    """Tell whether a data set has truth beside the masks that are given, as test sets have not."""

    def has_more(video: Video) -> bool:
        try:
            return set(video.masks) > set(given(video))
        except InputError:  # whoever opens the runs names it, with all others
            return True

    return any(has_more(dataset[name]) for name in dataset)


def open_runs(dataset: Dataset, out: str | Path, protocol: Protocol, /) -> Evaluation:
    """Find the masks that runs over a data set have written, and its truth."""
    pairs = []
    for name in dataset:
        video, where = dataset[name], Path(out) / name
        written = next(iter(masks_below(where, argument="--out").values())) if where.is_dir() else None
        predictions = Masks(f"{where}/", {}, {}) if written is None else written
        pairs.append(Pair(name, Masks(str(dataset.root), video.masks, {}), predictions))
    return Evaluation(Path(out), Path(str(dataset.root)), protocol, tuple(pairs), ())


def judge_runs(
    evaluation: Evaluation,
    dataset: Dataset,
    /,
    *,
    name: str,
    executor: Executor | None = None,
    explain: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> Judged:
    """Score what `open_runs` found, and tell what the runs took."""
    scored = evaluate(evaluation, executor=executor, explain=explain, progress=progress)
    categories, costs = categories_of(dataset), _recorded(evaluation)
    report = make_report(evaluation, scored, name=name, subset=dataset.subset, categories=categories, costs=costs)
    if explain:
        report["moves"] = _move_rows(scored)
    return Judged(report, {name: evaluation}, _moves(scored), lambda video: dataset[video].frames)


def categories_of(dataset: Dataset, /) -> Categories:
    """Bring together what a data set tells of its objects."""
    videos: list[Video] = [dataset[name] for name in dataset] if dataset.kind == "youtube_vos" else []
    of = {(v.name, k): o.category for v in videos for k, o in v.objects.items() if o.category is not None}
    return Categories(of, dataset.seen)


def listed_categories(evaluation: Evaluation, seen: Path | None = None, /) -> Categories:
    """Read YouTube-VOS's list of objects in or beside the folder or archive of a truth; nothing where there is none.

    `seen` is the training set's list, or a file of its categories; else the list is looked for as the data set has it.

    Raises
    ------
    InputError
        If a list cannot be read; MissingInputError if it names frames of an object that have no true mask.
    """
    objects, categories = listed_objects(open_place(evaluation.truth, argument="TRUTH"), seen=seen)
    for pair in evaluation.pairs:
        for k, listed in objects.get(pair.name, {}).items():
            if absent := [frame for frame in listed.frames or () if frame not in pair.truth.files]:
                raise MissingInputError(
                    f"TRUTH: {pair.truth.where} has no mask of frame {absent[0]}, in which meta.json lists object {k}; "
                    "masks that were only given are no truth"
                )
    of = {(name, k): o.category for name, found in objects.items() for k, o in found.items() if o.category is not None}
    return Categories(of, categories)


def _moves(scored: Sequence[Scored]) -> tuple[Move, ...]:
    return tuple(move for s in scored for move in s.moves)


def _move_rows(scored: Sequence[Scored]) -> list[dict[str, Any]]:
    """Spell moves for JSON."""
    return [plain(move._asdict()) for move in _moves(scored)]


def _recorded(evaluation: Evaluation) -> dict[str, dict[str, Any]]:
    """Read the costs that runs of our own have left beside their masks; there is none beside others'."""
    found = {pair.name: pair.predictions.cost() for pair in evaluation.pairs}
    return {name: cost for name, cost in found.items() if cost}
