"""The command ``vosref ablations``: the rows of a paper's table, run on a benchmark and printed beside its numbers."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from vosref.cli.choices import Settings, check_threads, is_of_a_file, settings_named, tried
from vosref.cli.console import bar, out_console, probe, stoppable
from vosref.cli.judging import open_data
from vosref.cli.many import executor, report_many, run_many

__all__ = ["ablations"]

SHOWN = {"J": "J-Mean", "F": "F-Mean", "J&F": "J&F-Mean"}


def ablations(
    method: Annotated[
        str, typer.Argument(help="tvos (Table 2, and soft labels and the paper's S) or feelvos (Table 6).")
    ],
    data: Annotated[
        Path | None, typer.Option(metavar="ROOT", help="A data set, a folder or archive; without it, rows are listed.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the masks: OUT/ROW/SEQUENCE.")] = None,
    kind: Annotated[
        str, typer.Option(help="davis2016, davis2017, youtube_vos, youtube_objects or folders.")
    ] = "davis2016",
    subset: Annotated[str | None, typer.Option(metavar="NAME", help="A set such as val, or a file of names.")] = None,
    only: Annotated[list[str] | None, typer.Option(metavar="ROW", help="Run only this row; may be repeated.")] = None,
    sequences: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Take only this sequence; may be repeated.")
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[ROW=]FILE",
            help="Weights of all rows, or of one, such as a head trained without a cue; may be repeated.",
        ),
    ] = None,
    settings: Settings = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes, each with a sequence of its own.")] = 1,
    threads: Annotated[int | None, typer.Option(min=1, show_default=False, help="Threads of each process.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Keep the masks of finished sequences, and go on.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write every row to this file.")] = None,
) -> None:
    """Run the ablations of a paper on a benchmark, and print the scores beside the paper's.

    The paper's numbers are of DAVIS 2017 val and of weights that were trained
    on more; what can be compared is the order of the rows, and where it is not
    the paper's is said. A row of FEELVOS needs a head that was trained without
    its missing cues; without such weights they are switched off at test.
    """
    from vosref.runs import ablations as running  # noqa: PLC0415 - loads NumPy, SciPy and the networks

    check_threads(threads, scheduler=None, workers=workers)
    table = _chosen_rows(method, only or [], weights or [], settings or [])
    if data is None:
        _print_table(table, {})
        return
    if out is None:
        raise typer.BadParameter("--data needs --out, the folder for the masks")
    limits = {"workers": workers, "threads": threads, "resume": resume}
    with stoppable("the finished masks are kept, and the same command with --resume goes on from them"):
        if json_file is not None:
            probe("--json", json_file)
        dataset = open_data(kind, data, subset=subset, resolution="480p", seen=None, option="--kind").only(
            sequences or []
        )
        reports = {row.name: _run(row, dataset, out, method, limits) for row in table}
        agreed = running.agreement(*_orders(table, reports, running.MEASURES[method]))
        if json_file is not None:
            _write(json_file, method, dataset, reports, agreed)
        _report(table, reports, agreed, method=method, dataset=dataset)


def _chosen_rows(method: str, only: list[str], weights: list[str], settings: list[str]) -> list[Any]:
    """Return rows whose configurations run, as `choices.chosen` does."""
    from vosref.runs import ablations as running  # noqa: PLC0415

    named = dict(map(_of_row, weights))
    try:
        table = running.chosen_rows(running.rows(method, weights=named, **settings_named(settings)), only)
        for row in table if weights or settings else ():
            tried(method, row.config)
    except ValueError as error:
        if any(is_of_a_file(error, file) for file in named.values()):
            raise
        raise typer.BadParameter(str(error)) from None
    return table


def _of_row(weights: str) -> tuple[str, str]:
    """Part a row from its file; without one, the file is of every row, whose name is empty."""
    row, found, file = weights.partition("=")
    return (row, file) if found else ("", weights)


def _run(row: Any, dataset: Any, out: Path, method: str, limits: dict[str, Any]) -> dict[str, Any]:
    """Segment and score a data set as a row says."""
    from vosref.runs import ablations as running  # noqa: PLC0415

    out_console.print(f"{row.name}: {row.title}", style="bold", soft_wrap=True)
    jobs = running.open_row(row, dataset, out, method=method)
    outcomes = run_many(jobs, scheduler=None, memory=None, then=None, **limits)
    if any(outcome.error is not None for outcome in outcomes):
        report_many(jobs, outcomes)
    total = sum(len(job.frames) for job in jobs)
    with executor(min(limits["workers"], len(jobs)), None) as pool, bar("scoring", total) as show:
        show(0)
        report = running.score(row, dataset, out, executor=pool, progress=show)
    return running.row_report(row, report)


def _orders(
    table: Sequence[Any], reports: dict[str, Any], measure: str
) -> tuple[dict[str, float | None], dict[str, float]]:
    ours = {name: report["global"].get(measure) for name, report in reports.items()}
    return ours, {row.name: row.paper[measure] for row in table if measure in row.paper}


def _report(table: Sequence[Any], reports: dict[str, Any], agreed: Any, *, method: str, dataset: Any) -> None:
    _print_table(table, reports)
    where = f"{dataset.kind} {dataset.subset or ''}".strip()
    n = len(dataset)
    out_console.print(f"ours: {where}, {n} sequence{'s' * (n != 1)}; the paper's: DAVIS 2017 val", soft_wrap=True)
    if agreed.tau is None:
        out_console.print("too few rows to compare their order with the paper's", soft_wrap=True)
        return
    measure = "J" if method == "tvos" else "J&F"
    as_in = (
        f"{agreed.pairs - len(agreed.swapped)} of {agreed.pairs} pairs of rows are in the paper's order by {measure}"
    )
    swapped = "; ".join(f"{worse} above {better}" for better, worse in agreed.swapped)
    tau = f"Kendall's τ {agreed.tau:.2f}"
    out_console.print(f"{as_in} ({tau})" + (f"; here, and not there: {swapped}" if swapped else ""), soft_wrap=True)


def _print_table(rows: Sequence[Any], reports: dict[str, Any]) -> None:
    """Print our scores, where there are any, beside the paper's, and what is not as in the paper."""
    shown = {name: key for name, key in SHOWN.items() if any(key in row.paper for row in rows)}
    table = Table()
    table.add_column("row", no_wrap=True)
    table.add_column("", overflow="fold")
    for heading in (*(SHOWN if reports else ()), *(f"paper {name}" for name in shown)):
        table.add_column(heading, justify="right")
    for row in rows:
        found = reports.get(row.name, {}).get("global", {})
        ours = [_cell(found.get(key)) for key in SHOWN.values()] if reports else []
        papers = (_cell(row.paper.get(key)) for key in shown.values())
        table.add_row(row.name, row.title + " *" * bool(row.note), *ours, *papers)
    out_console.print(table)
    for note in dict.fromkeys(row.note for row in rows if row.note):
        out_console.print(f"* {note}", soft_wrap=True)


def _write(path: Path, method: str, dataset: Any, reports: dict[str, Any], agreed: Any) -> None:
    from vosref import __version__  # noqa: PLC0415
    from vosref.io import write_text  # noqa: PLC0415

    report = {
        "method": method,
        "dataset": dataset.kind,
        "set": dataset.subset,
        "sequences": list(dataset),
        "rows": list(reports.values()),
        "order": {"pairs": agreed.pairs, "swapped": [list(pair) for pair in agreed.swapped], "tau": agreed.tau},
        "vosref": __version__,
    }
    write_text(path, json.dumps(report, indent=1) + "\n")


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
