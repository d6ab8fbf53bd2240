"""``vosref bench``: timings of this library, as ratios to what the machine could do and to other libraries."""

import json
import os
import textwrap
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from vosref import __version__
from vosref.cli.console import err_console, out_console, stoppable

__all__ = ["bench"]

TITLE_WIDTH = 26  # characters: the table fits into 80


def bench(
    suite: Annotated[str, typer.Argument(help="What to time: networks, matching.")],
    peers: Annotated[
        bool, typer.Option("--peers", help="Time other libraries too (extra [bold]peers[/]), those that are installed.")
    ] = False,
    threads: Annotated[int, typer.Option(min=1, help="Threads for each.")] = 2,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the rows to this file.")] = None,
) -> None:
    """Time the networks, or FEELVOS's matching: medians, floors, memory, and ratios to other libraries.

    Each implementation runs alone in processes of its own, in turns.
    """
    from vosref import bench as timings  # noqa: PLC0415 - loads networks and kernels
    from vosref.io import output_folder, write_text  # noqa: PLC0415

    if suite not in timings.SUITES:
        raise typer.BadParameter(f"SUITE must be one of {', '.join(timings.SUITES)}, got {suite}")
    if threads > (cores := len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1):
        raise typer.BadParameter(f"--threads must be at most the {cores} cores of this machine, got {threads}")
    if json_file is not None and not json_file.exists():
        output_folder(json_file.absolute().parent, argument="--json")
    with stoppable("nothing was written"):
        environment = timings.environment(threads)
        _introduce(environment)
        with err_console.status("measuring what this machine can do") as status:
            rows = list(timings.SUITES[suite](threads=threads, with_peers=peers, progress=status.update))
    if json_file is not None:
        write_text(json_file, json.dumps({"vosref": __version__, "environment": environment, "rows": rows}, indent=1))
    out_console.print(_table(rows))


def _introduce(environment: dict[str, Any]) -> None:
    kernels = "; ".join(environment["blas"])
    out_console.print(
        f"NumPy {environment['numpy']}, BLAS: {kernels}; threads: {environment['threads']}", soft_wrap=True
    )
    if environment["forced"]:
        names = " and ".join(f"{name}={value}" for name, value in environment["forced"].items())
        sentence = f"warning: {names} in the environment force a BLAS kernel, perhaps a slow one; unset them to time."
        err_console.print(sentence, style="yellow", soft_wrap=True)


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(title="Median seconds a frame; floor: what the machine's peak rates allow", title_justify="left")
    table.add_column("case")
    table.add_column("by")
    for heading in ("seconds", "/ vosref", "peak MB"):
        table.add_column(heading, justify="right")
    for row in rows:
        times = {"vosref": row["seconds"], "floor": row["floor_seconds"], **row["peers"]}
        memory = {"vosref": row["peak_bytes"], **row["peer_peak_bytes"]}
        titles = [row["benchmark"], *textwrap.wrap(row["case"], TITLE_WIDTH)]
        for i, (name, seconds) in enumerate(times.items()):
            title = "\n".join(titles[i:]) if i == len(times) - 1 else "".join(titles[i : i + 1])
            held = f"{memory[name] / 1e6:.0f}" if name in memory else ""
            table.add_row(title, name, f"{seconds:.3f}", f"{seconds / row['seconds']:.2f}", held)
        table.add_section()
    return table
