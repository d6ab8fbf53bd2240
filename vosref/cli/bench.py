"""``vosref bench``: timings of this library, as ratios to what the machine could do and to other libraries."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from vosref import __version__
from vosref.cli.choices import cores
from vosref.cli.console import err_console, out_console, stoppable

__all__ = ["bench"]


def bench(
    suite: Annotated[
        str | None,
        typer.Argument(help="What to time: kernels, networks, matching, segment, scores; all five if not given."),
    ] = None,
    peers: Annotated[
        bool, typer.Option("--peers", help="Time other libraries too (extra [bold]peers[/]), those that are installed.")
    ] = False,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads for each; by default 2, or 1 on one core.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write rows and exponents to this file.")] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw how seconds grow, a PNG file.")] = None,
) -> None:
    """Time propagation, networks, matching, whole frames or scores: medians, floors, memory, ratios to other libraries.

    Each implementation runs alone, in processes of its own, in turns.

    Kernels and matching are timed at other sizes too: how seconds grow with each.
    """
    from vosref import bench as timings  # noqa: PLC0415 - loads networks and kernels
    from vosref.bench import report  # noqa: PLC0415
    from vosref.io import write_text  # noqa: PLC0415

    threads = min(2, cores()) if threads is None else threads
    suites = _checked(suite, threads, timings.SUITES)
    _check_files(json_file, plot)
    with stoppable("nothing was written"):
        environment = timings.environment(threads)
        _introduce(report.describe(environment), environment["forced"])
        rows: list[dict[str, Any]] = []
        with err_console.status("measuring what this machine can do") as status:
            for name in suites:
                rows += timings.SUITES[name](threads=threads, with_peers=peers, progress=status.update)
    fitted = timings.scaling(rows)
    if json_file is not None:
        content = {"vosref": __version__, "environment": environment, "rows": rows, "scaling": fitted}
        write_text(json_file, json.dumps(content, indent=1))
    out_console.print(report.table(rows), soft_wrap=True)
    if fitted:
        out_console.print("\n" + report.scaling_lines(fitted), soft_wrap=True)
    if plot is not None:
        _draw(plot, fitted)


def _checked(suite: str | None, threads: int, known: dict[str, Any]) -> list[str]:
    if suite is not None and suite not in known:
        raise typer.BadParameter(f"SUITE must be one of {', '.join(known)}, got {suite}")
    if threads > cores():
        raise typer.BadParameter(f"--threads must be at most the {cores()} cores of this machine, got {threads}")
    return list(known) if suite is None else [suite]


def _check_files(json_file: Path | None, plot: Path | None) -> None:
    """Refuse now what could not be written after minutes of timing."""
    from vosref.io import output_folder  # noqa: PLC0415

    if plot is not None and plot.suffix.lower() != ".png":
        raise typer.BadParameter(f"--plot must end in .png, got {plot.name}")
    for option, file in (("--json", json_file), ("--plot", plot)):
        if file is not None and not file.exists():
            output_folder(file.absolute().parent, argument=option)


def _introduce(description: str, forced: dict[str, str]) -> None:
    out_console.print(description + "\n", soft_wrap=True)
    if forced:
        names = " and ".join(f"{name}={value}" for name, value in forced.items())
        sentence = f"warning: {names} in the environment force a BLAS kernel, perhaps a slow one; unset them to time."
        err_console.print(sentence, style="yellow", soft_wrap=True)


def _draw(plot: Path, fitted: list[dict[str, Any]]) -> None:
    from vosref.bench.sweeps import GROWS  # noqa: PLC0415
    from vosref.plots.scaling import plot_scaling  # noqa: PLC0415

    if not fitted:
        err_console.print("warning: these suites have no sweeps, so --plot draws nothing", style="yellow")
        return
    plot_scaling(plot, fitted, labels=GROWS)
