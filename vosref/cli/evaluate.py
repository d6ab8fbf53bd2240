"""The command ``vosref evaluate``: scores of masks on disk, or of a method that is run over a data set first."""

from pathlib import Path
from typing import Annotated, Any

import typer

from vosref.cli.choices import check_threads, chosen, size_in_bytes
from vosref.cli.console import stoppable
from vosref.cli.judging import Wanted, named_protocol, results_judged, run_judged
from vosref.cli.scores import print_judged

__all__ = ["evaluate"]

RUN, REPORT, MACHINE = "Segment first", "Reports", "Time and memory"


def evaluate(
    results: Annotated[
        Path,
        typer.Argument(metavar="RESULTS", help="Predicted masks, a folder or zip archive; with --run, a data set."),
    ],
    truth: Annotated[
        Path | None, typer.Argument(metavar="TRUTH", show_default=False, help="True masks, a folder or zip archive.")
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            show_default=False,
            help="davis2016, davis2017, youtube_vos, youtube_objects, vos_benchmark or strict; see [bold]vosref "
            "protocols evaluation[/]. With --run, by default that of the data set.",
        ),
    ] = None,
    subset: Annotated[
        str | None, typer.Option("--set", metavar="NAME", help="A set such as val, or a file of sequences' names.")
    ] = None,
    seen: Annotated[
        Path | None, typer.Option(metavar="FILE", help="YouTube-VOS: the training set's meta.json, which G needs.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes, each with a sequence of its own.")] = 1,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="tcp://HOST:PORT", help="Work on a dask cluster (extra [bold]cluster[/])."),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", rich_help_panel=REPORT, help="Write every number to this file.")
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", rich_help_panel=REPORT, help="Write DAVIS's columns to this file.")
    ] = None,
    html_file: Annotated[
        Path | None, typer.Option("--html", rich_help_panel=REPORT, help="Write a page to look at, in one file.")
    ] = None,
    compare: Annotated[
        list[Path] | None,
        typer.Option(metavar="RESULTS", rich_help_panel=REPORT, help="Set other results beside; may be repeated."),
    ] = None,
    frames: Annotated[
        Path | None,
        typer.Option(rich_help_panel=REPORT, help="The videos, for --html; else JPEGImages beside Annotations."),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", rich_help_panel=REPORT, help="Say which rule would move which object's score.")
    ] = False,
    method: Annotated[
        str | None, typer.Option("--run", metavar="METHOD", rich_help_panel=RUN, help="tvos or feelvos.")
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(rich_help_panel=RUN, help="davis2016, davis2017, youtube_vos, youtube_objects or folders."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(rich_help_panel=RUN, help="Folder for the masks; else vosref-METHOD-DATASET.")
    ] = None,
    config: Annotated[
        str, typer.Option(rich_help_panel=RUN, help="released, paper, or another of [bold]vosref segment[/].")
    ] = "released",
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", rich_help_panel=RUN, help="Weights, instead of those that come with vosref."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--setting", metavar="NAME=VALUE", rich_help_panel=RUN, help="Replace a setting; may be repeated."
        ),
    ] = None,
    resolution: Annotated[
        str, typer.Option(rich_help_panel=RUN, help="Of DAVIS: 480p, 1080p or Full-Resolution.")
    ] = "480p",
    resume: Annotated[
        bool, typer.Option("--resume", rich_help_panel=RUN, help="Go on where a stopped run ended.")
    ] = False,
    threads: Annotated[
        int | None, typer.Option(min=1, show_default=False, rich_help_panel=MACHINE, help="Threads of each process.")
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(metavar="SIZE", rich_help_panel=MACHINE, help="What each process may hold, such as 2GB."),
    ] = None,
) -> None:
    """Score masks against the truth, under a named protocol.

    Sequences are found at any depth. A mask that is missing, has another size
    or is no mask is named, all of them at once, and then nothing is scored.
    With --run, RESULTS is a data set, which a method segments first.
    """
    wanted = Wanted(json_file, csv_file, html_file, frames, explain)
    where: dict[str, Any] = {"workers": workers, "scheduler": scheduler}
    check_threads(threads, **where)
    if method is None:
        _refuse(
            "--run, which names the method",
            {"--dataset": dataset, "--out": out, "--weights": weights, "--setting": settings, "--resume": resume},
        )
        if truth is None or protocol is None:
            raise typer.BadParameter(f"give {'TRUTH, the true masks' if truth is None else '--protocol NAME'}")
        with stoppable("nothing was written"):
            paths = [results, *(compare or ())]
            judged = results_judged(paths, truth, named_protocol(protocol), wanted, subset=subset, seen=seen, **where)
    else:
        _refuse("RESULTS and TRUTH, without --run", {"TRUTH": truth, "--compare": compare, "--frames": frames})
        if dataset is None:
            raise typer.BadParameter("--run segments a data set; say which kind with --dataset, such as davis2016")
        folder = Path(f"vosref-{method}-{dataset}") if out is None else out
        limits = {"threads": threads, "memory": memory if memory is None else size_in_bytes(memory), "resume": resume}
        with stoppable("the finished masks are kept, and the same command with --resume goes on from them"):
            judged = run_judged(
                (dataset, results, subset, resolution, seen),
                (method, chosen(method, config, settings, None if weights is None else str(weights)), folder),
                None if protocol is None else named_protocol(protocol),
                wanted,
                limits=limits,
                **where,
            )
    if judged is not None:
        print_judged(judged, explain=explain)


def _refuse(partner: str, given: dict[str, object]) -> None:
    """Refuse options that mean nothing without others."""
    if idle := [name for name, value in given.items() if value]:
        raise typer.BadParameter(f"{', '.join(idle)} goes with {partner}")
