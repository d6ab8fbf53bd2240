"""``vosref evaluate``: how masks are found or made, scored under a progress bar, and written as reports."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import typer

from vosref.cli.choices import anywhere
from vosref.cli.console import bar, out_console, probe
from vosref.cli.many import executor, report_many, run_many

__all__ = ["Wanted", "named_protocol", "open_data", "results_judged", "run_judged"]


class Wanted(NamedTuple):
    """The reports that are wanted."""

    json: Path | None = None
    csv: Path | None = None
    html: Path | None = None
    frames: Path | None = None
    explain: bool = False

    def probe(self) -> None:
        """Refuse what cannot be written."""
        for option, path in (("--json", self.json), ("--csv", self.csv), ("--html", self.html)):
            if path is not None:
                probe(option, path)

    def write(self, judged: Any) -> None:
        """Write them."""
        from vosref.io import write_text  # noqa: PLC0415
        from vosref.runs.reports import to_csv  # noqa: PLC0415

        if self.json is not None:
            write_text(self.json, json.dumps(judged.report, indent=1) + "\n")
        if self.csv is not None:
            write_text(self.csv, to_csv(judged.report))
        if self.html is not None:
            from vosref.plots import clips, write_report  # noqa: PLC0415

            scored = {row["sequence"] for row in judged.report["sequences"]}
            write_report(self.html, judged.report, clips.clips_of(judged.evaluations, judged.frames, scored=scored))


def named_protocol(name: str) -> Any:
    """Return a protocol by its name."""
    from vosref.evaluation.protocols import protocol_named  # noqa: PLC0415

    try:
        return protocol_named(name)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def results_judged(
    paths: Sequence[Path],
    truth: Path,
    protocol: Any,
    wanted: Wanted,
    *,
    subset: str | None = None,
    seen: Path | None = None,
    workers: int = 1,
    scheduler: str | None = None,
) -> Any:
    """Score results on disk, and write the reports."""
    from vosref.evaluation.summary import UNKNOWN  # noqa: PLC0415
    from vosref.runs.judging import judge_results, listed_categories, open_results  # noqa: PLC0415

    wanted.probe()
    if scheduler is not None:  # the workers of a cluster stand in other folders
        paths, truth = [path.absolute() for path in paths], truth.absolute()
    evaluations = open_results(paths, truth, protocol, subset=subset)
    total = sum(len(pair.truth.files) for evaluation in evaluations for pair in evaluation.pairs)
    workers = min(workers, len(evaluations[0].pairs))
    with executor(workers, scheduler) as pool, bar("scoring", total) as show:
        show(0)
        judged = judge_results(
            evaluations,
            subset=subset,
            categories=listed_categories(evaluations[0], seen) if protocol.average == "seen_unseen" else UNKNOWN,
            frames=wanted.frames,
            executor=pool,
            explain=wanted.explain,
            progress=show,
        )
    wanted.write(judged)
    return judged


def run_judged(
    data: tuple[str, Path, str | None, str, Path | None],
    run: tuple[str, Any, Path],
    protocol: Any,
    wanted: Wanted,
    *,
    limits: Mapping[str, Any],
    workers: int,
    scheduler: str | None,
) -> Any:
    """Segment a data set, score what came of it, and write the reports; None where there is no truth to score by."""
    from vosref.io import MissingInputError  # noqa: PLC0415
    from vosref.runs.judging import is_scorable, judge_runs, open_runs  # noqa: PLC0415

    wanted.probe()
    (kind, root, subset, resolution, seen), (method, choice, out) = data, run
    if scheduler is not None:
        root, out, choice = root.absolute(), out.absolute(), anywhere(choice)
    opened = open_data(kind, root, subset=subset, resolution=resolution, seen=seen)
    protocol = named_protocol(opened.protocol) if protocol is None else protocol
    if not (scorable := is_scorable(opened)) and any(wanted):
        raise MissingInputError(
            f"{root} has no truth but what is given, so there can be no report; leave out --json, --csv, --html, "
            "--explain"
        )
    _segment(opened, out, method, choice, limits=limits, workers=workers, scheduler=scheduler)
    if not scorable:
        say = f"{root} has no truth but what was given; for its server: vosref submission {out} {out}.zip"
        out_console.print(f"{say} --dataset {kind} {root}{f' --set {subset}' if subset else ''}", soft_wrap=True)
        return None
    evaluation = open_runs(opened, out, protocol)
    total = sum(len(pair.truth.files) for pair in evaluation.pairs)
    with executor(min(workers, len(opened)), scheduler) as pool, bar("scoring", total) as show:
        show(0)
        judged = judge_runs(evaluation, opened, name=method, executor=pool, explain=wanted.explain, progress=show)
    wanted.write(judged)
    return judged


def open_data(kind: str, root: Path, *, option: str = "--dataset", **options: Any) -> Any:
    """Open a data set; `option` is what names its kind."""
    from vosref.datasets import open_dataset  # noqa: PLC0415

    try:
        return open_dataset(kind, root, **options)
    except ValueError as error:
        if isinstance(error, OSError):
            raise
        raise typer.BadParameter(f"{option}: {error}") from None


def _segment(
    opened: Any,
    out: Path,
    method: str,
    choice: Any,
    *,
    limits: Mapping[str, Any],
    workers: int,
    scheduler: str | None,
) -> None:
    from vosref.cli.console import err_console  # noqa: PLC0415
    from vosref.runs.benchmark import open_benchmark  # noqa: PLC0415

    with err_console.status("opening the data set") as status:

        def say(n: int, total: int) -> None:
            status.update(f"opened {n} of {total} videos")

        jobs = open_benchmark(opened, out, method=method, config=choice, opened=say)
    report_many(jobs, run_many(jobs, then=None, workers=workers, scheduler=scheduler, **limits))
