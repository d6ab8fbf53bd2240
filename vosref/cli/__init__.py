"""The command line: ``vosref segment``, ``vosref inspect``, ``vosref demo`` and more; parses, calls, prints.

Exit codes: 0 all went well, 1 something failed, 2 the call was wrong, 3 data is missing.
"""

import json
import os
import signal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from vosref import __version__
from vosref.cli import weights as weights_commands
from vosref.cli.bench import bench
from vosref.cli.choices import Config, FirstMask, Frames, Method, Settings, Weights, chosen
from vosref.cli.console import out_console, run, sentences, stoppable
from vosref.cli.inspect import inspect
from vosref.cli.parity import parity

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    help="Semi-supervised video object segmentation, as the papers define it: one mask in, every mask out.",
)


def main() -> None:
    """Run the command line; errors in the input end as one sentence and an exit code, never as a traceback."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with sentences():
        app()


def _version(asked: bool) -> None:
    if asked:
        out_console.print(f"vosref {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    pass


@app.command()
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
) -> None:
    """Segment a video from its first frame's mask."""
    from vosref import runs  # noqa: PLC0415 - loads NumPy, SciPy and the networks

    choice = chosen(method, config, settings, weights)
    with stoppable("the finished masks are kept, and the same command with --resume goes on from them"):
        job = runs.open_job(frames, mask, out, method=method, config=choice, truth=truth)
        if json_file is not None:
            _probe(json_file, job)
        result = run(job, resume=resume)
        if json_file is not None:
            _write_json(json_file, job, result)
        _report(job, result, _pictures(job, result, overlay=overlay))


@app.command()
def demo(
    clip: Annotated[
        str, typer.Option(help="Which clip of data_samples/: one-drifting, two-crossing or three-hiding.")
    ] = "two-crossing",
    config: Config = "released",
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("vosref-demo"),
) -> None:
    """Segment a small rendered clip that comes with vosref, and score it."""
    from vosref import runs, samples  # noqa: PLC0415

    if clip not in samples.SAMPLES:
        raise typer.BadParameter(f"--clip must be one of {', '.join(samples.SAMPLES)}, got {clip}")
    folder = samples.sample_path(clip)
    first, choice = folder / "masks" / "00000.png", chosen("tvos", config)
    with stoppable("the same command starts the demo over"):
        job = runs.open_job(folder / "frames", first, out, config=choice, truth=folder / "masks")._replace(name=clip)
        result = run(job, resume=False)
        _report(job, result, _pictures(job, result, overlay=True))


@app.command()
def protocols(method: Annotated[str, typer.Argument(help="tvos or feelvos.")]) -> None:
    """Print where a paper and its released code part, setting by setting."""
    from vosref import video  # noqa: PLC0415

    try:
        rows = video.differences(method)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    table = Table(title=f"{method}: where the paper and its released code part", title_justify="left", show_lines=True)
    for heading in ("setting", "--config paper", "--config released"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        cells = (
            Text.assemble((v, "bold"), f": {meaning}") for v, meaning in zip(row.values, row.meanings, strict=True)
        )
        table.add_row(row.field, *cells)
    out_console.print(table)
    if notes := video.method_named(method).NOTES:
        table = Table(title="where they part, and both configurations do the same", title_justify="left", box=None)
        for heading in ("setting", "what"):
            table.add_column(heading, overflow="fold")
        for row in notes.items():
            table.add_row(*row)
        out_console.print(table)


app.command()(inspect)
app.command()(weights_commands.convert)
app.add_typer(weights_commands.app, name="weights")
app.command()(parity)
app.command()(bench)


def _probe(path: Path, job: Any) -> None:
    """Refuse a report that cannot be written before the masks are computed, not after."""
    from vosref import runs  # noqa: PLC0415
    from vosref.io import InputError, output_folder  # noqa: PLC0415

    if path.is_dir():
        raise InputError(f"--json: {path} is a folder; name a file")
    if path.resolve() == (job.out / runs.RECORD).resolve():
        raise InputError(f"--json: {path} is where the record of the run goes; name another file")
    if path.is_file() or not path.exists():  # else a pipe or a device, such as /dev/stdout
        output_folder(path.absolute().parent, argument="--json")


def _write_json(path: Path, job: Any, result: Any) -> None:
    from vosref.io import write_text  # noqa: PLC0415

    report = {
        "sequences": [result.summary(job.name)],
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
