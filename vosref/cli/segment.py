"""The commands ``vosref segment`` and ``vosref demo``: a video, or many of them, from first masks to all masks."""

import functools
import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from vosref import __version__
from vosref.cli.choices import (
    Config,
    FirstMask,
    Frames,
    Method,
    Settings,
    Weights,
    anywhere,
    check_threads,
    chosen,
    size_in_bytes,
)
from vosref.cli.console import out_console, probe, run, stoppable
from vosref.cli.many import open_many, report_many, run_many

__all__ = ["demo", "segment"]

MANY, MACHINE = "Many videos", "Time and memory"


def segment(
    frames: Frames,
    mask: FirstMask,
    out: Annotated[Path, typer.Option(help="Folder for the masks, the overlay and the record of the run.")],
    method: Method = "tvos",
    config: Config = "released",
    weights: Weights = None,
    settings: Settings = None,
    truth: Annotated[
        Path | None, typer.Option(help="Folder of true masks named as the frames: prints J and F.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write scores, time and memory to this file.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a stopped run of the same job ended.")] = False,
    overlay: Annotated[bool, typer.Option(help="Write a video of the objects tinted over the frames.")] = True,
    threads: Annotated[
        int | None,
        typer.Option(
            min=1,
            show_default=False,
            rich_help_panel=MACHINE,
            help="Threads of each process; by default all cores, shared among the workers, and 1 with --scheduler.",
        ),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE", rich_help_panel=MACHINE, help="What each process may hold, such as 800M, 1.5GB or 2GiB."
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", rich_help_panel=MANY, help="Take only this video; may be repeated."),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, rich_help_panel=MANY, help="Processes, each with a video of its own.")
    ] = 1,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="tcp://HOST:PORT",
            rich_help_panel=MANY,
            help="Work on a dask cluster (extra [bold]cluster[/]), whose workers see the same folders.",
        ),
    ] = None,
) -> None:
    """Segment a video from its first frame's mask, or many videos.

    Many: FRAMES holds a folder of images, or a video file, for each of them;
    --mask is a folder of VIDEO/FIRST_FRAME.png, as in DAVIS, or of VIDEO.png;
    --truth holds a folder for each, and results go to OUT/VIDEO. A video that
    fails, or a worker that dies, keeps no other video from its end.
    """
    from vosref.runs import RECORD, layout, open_job  # noqa: PLC0415 - loads NumPy, SciPy and the networks

    many = layout.holds_many(frames)
    _check(many, only=only, threads=threads, workers=workers, scheduler=scheduler)
    options: dict[str, Any] = {
        "resume": resume,
        "memory": memory if memory is None else size_in_bytes(memory),
        "threads": threads,
    }
    choice = chosen(method, config, settings, weights)
    with stoppable("the finished masks are kept, and the same command with --resume goes on from them"):
        if scheduler is not None:  # the workers of a cluster stand in other folders
            frames, mask, out = (path.absolute() for path in (frames, mask, out))
            truth, choice = truth and truth.absolute(), anywhere(choice)
        if many:
            jobs = open_many(frames, mask, out, method=method, config=choice, truth=truth, only=only or ())
        else:
            jobs = [open_job(frames, mask, out, method=method, config=choice, truth=truth)]
        if json_file is not None:
            probe("--json", json_file, taken=[job.out / RECORD for job in jobs])
        if many or scheduler is not None:
            then = functools.partial(_pictures, overlay=overlay)
            outcomes = run_many(jobs, then=then, workers=workers, scheduler=scheduler, **options)
            results = {outcome.name: outcome.result for outcome in outcomes if outcome.error is None}
        else:
            results = {jobs[0].name: (result := run(jobs[0], **options))}
        if json_file is not None:
            _write_json(json_file, jobs[0], results)
        if many or scheduler is not None:
            report_many(jobs, outcomes)
        else:
            _report(jobs[0], result, _pictures(jobs[0], result, overlay=overlay))


def demo(
    clip: Annotated[
        str, typer.Option(help="Which clip of data_samples/: one-drifting, two-crossing or three-hiding.")
    ] = "two-crossing",
    method: Method = "tvos",
    config: Config = "released",
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("vosref-demo"),
) -> None:
    """Segment a small rendered clip that comes with vosref, and score it."""
    from vosref import runs, samples  # noqa: PLC0415

    if clip not in samples.SAMPLES:
        raise typer.BadParameter(f"--clip must be one of {', '.join(samples.SAMPLES)}, got {clip}")
    folder = samples.sample_path(clip)
    first, choice = folder / "masks" / "00000.png", chosen(method, config)
    with stoppable("the same command starts the demo over"):
        truth = folder / "masks"
        job = runs.open_job(folder / "frames", first, out, method=method, config=choice, truth=truth)
        job = job._replace(name=clip)
        result = run(job, resume=False)
        _report(job, result, _pictures(job, result, overlay=True))


def _check(many: bool, *, only: list[str] | None, threads: int | None, workers: int, scheduler: str | None) -> None:
    """Refuse options that do not go together."""
    if not many and (only or workers > 1):
        raise typer.BadParameter(f"{'--only' if only else '--workers'} is for many videos, and FRAMES is one")
    check_threads(threads, scheduler=scheduler, workers=workers)


def _write_json(path: Path, job: Any, results: dict[str, Any]) -> None:
    """Write the rows of all videos, which have one method and configuration, that of `job`."""
    from vosref.io import write_text  # noqa: PLC0415

    report = {
        "sequences": [result.summary(name) for name, result in results.items()],
        "config": job.config._asdict(),
        "method": job.method,
        "vosref": __version__,
    }
    write_text(path, json.dumps(report, indent=1) + "\n")


def _pictures(job: Any, result: Any, *, overlay: bool) -> list[Path]:
    from vosref import plots, runs  # noqa: PLC0415

    drawn = []
    if overlay:
        masks = (runs.written_mask(job.mask_path(name)) for name in job.frames.names)
        drawn.append(job.out / f"overlay{plots.overlay_suffix()}")
        plots.write_overlay_video(drawn[-1], job.frames, masks)
    if result.scores is not None and (names := result.scored_names[result.scores.scored_frames]):
        s = result.scores
        # Frames that are left out of the means are left out of the curves.
        part = s.scored_frames
        curves = {k: (s.region[part, i], s.contour[part, i]) for i, k in enumerate(s.ids)}
        drawn.append(job.out / "scores.png")
        plots.plot_scores(drawn[-1], names, curves, title=job.name)
    return drawn


def _report(job: Any, result: Any, pictures: list[Path]) -> None:
    if result.scores is not None:
        s = result.scores
        means = "the means leave out the first and the last" if s.exclude_ends else "all are in the means"
        say = f"{job.name}: {len(s.region)} of {len(job.frames)} frames have truth; {means}"
        out_console.print(say, soft_wrap=True)
        table = Table()
        for heading in ("object", "J", "F", "J&F"):
            table.add_column(heading, justify="right")
        for k, j, f in zip(s.ids, s.object_region, s.object_contour, strict=True):
            table.add_row(str(k), f"{j:.3f}", f"{f:.3f}", f"{(j + f) / 2:.3f}")
        if len(s.ids) > 1:
            table.add_section()
        table.add_row("mean", f"{s.mean_region:.3f}", f"{s.mean_contour:.3f}", f"{s.j_and_f:.3f}", style="bold")
        out_console.print(table)
    if getattr(job.config, "decision", "") == "nearest":
        say = "decided by the nearest neighbour's label (PML), without FEELVOS's segmentation head"
        out_console.print(say, soft_wrap=True)
    speed = "" if result.seconds_per_frame is None else f", {result.seconds_per_frame:.2f} s a frame"
    out_console.print(f"{len(job.frames)} masks in {job.out}{os.sep}{speed}", soft_wrap=True)
    for path in pictures:
        out_console.print(f"  look at {path}", soft_wrap=True)
