"""``vosref segment`` over many videos: where they are computed, and what is said as they end."""

import logging
import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor
from contextlib import contextmanager
from typing import Any

from rich.table import Table
from rich.text import Text

from vosref.cli.choices import cores
from vosref.cli.console import bar, err_console, fail, out_console, say_warning

__all__ = ["executor", "open_many", "report_many", "run_many"]


def open_many(*paths: Any, **options: Any) -> Any:
    """Open jobs as `vosref.runs.layout.open_jobs` does, and show how far it is: every frame is decoded."""
    from vosref.runs.layout import open_jobs  # noqa: PLC0415 - loads NumPy, SciPy and the networks

    with err_console.status("checking the videos") as status:
        return open_jobs(*paths, opened=lambda n, total: status.update(f"checked {n} of {total} videos"), **options)


def run_many(
    jobs: Sequence[Any],
    *,
    workers: int,
    scheduler: str | None,
    threads: int | None,
    resume: bool,
    memory: int | None,
    then: Callable[[Any, Any], Any] | None,
) -> Any:
    """Segment jobs under one progress bar of all frames, with a line for each video that ends."""
    from vosref.runs.many import segment_many  # noqa: PLC0415

    workers = min(workers, len(jobs))
    if threads is None and (workers > 1 or scheduler is not None):
        threads = 1 if scheduler is not None else max(1, cores() // workers)
    name, total = f"{len(jobs)} video{'s' * (len(jobs) != 1)}", sum(len(job.frames) for job in jobs)
    out = {job.name: job.out for job in jobs}
    with executor(workers, scheduler) as pool, bar(name, total) as show:
        show(0)
        return segment_many(
            jobs,
            executor=pool,
            resume=resume,
            memory=memory,
            threads=threads,
            then=then,
            progress=show,
            ended=lambda outcome: _say(outcome, out[outcome.name]),
        )


def report_many(jobs: Sequence[Any], outcomes: Sequence[Any]) -> None:
    """Print the scores of all videos, and end with exit code 1 if one has failed."""
    ended = [outcome for outcome in outcomes if outcome.error is None]
    if any(outcome.result.scores is not None for outcome in ended):
        out_console.print(_table(ended))
    if failed := [outcome.name for outcome in outcomes if outcome.error is not None]:
        how = "the same command with --resume goes on with what is unfinished"
        fail(f"{len(failed)} of {len(jobs)} videos failed: {', '.join(failed)}; {how}", 1)


@contextmanager
def executor(workers: int, scheduler: str | None) -> Iterator[Executor | None]:
    """Open what works on many videos: processes, a cluster, or, as None, this thread."""
    if scheduler is not None:
        from vosref.runs.cluster import cluster  # noqa: PLC0415

        nobody = f"{scheduler} has no worker yet; waiting for one"
        with cluster(scheduler, waiting=lambda: say_warning(nobody)) as pool:
            # When a scheduler goes, its client logs tracebacks beside what is said here; importing it set its level.
            logging.getLogger("distributed").setLevel(logging.CRITICAL)
            yield pool
    elif workers > 1:
        from vosref.runs.processes import Processes  # noqa: PLC0415

        with Processes(workers) as processes:
            yield processes
    else:
        yield None


def _say(outcome: Any, out: Any) -> None:
    for warning in (*outcome.warnings, outcome.succession()):
        if warning:
            say_warning(f"{outcome.name}: {warning}")
    if outcome.error is not None:
        sentence = f"{outcome.name}: {_sentence(outcome.error)}"
        err_console.print(Text.assemble(("failed: ", "bold red"), sentence), soft_wrap=True)
        return
    result = outcome.result
    score = "" if result.scores is None else f", J&F {result.scores.j_and_f:.3f}"
    speed = "" if result.seconds_per_frame is None else f", {result.seconds_per_frame:.2f} s a frame"
    out_console.print(f"{outcome.name}: masks in {out}{os.sep}{score}{speed}", soft_wrap=True)


def _sentence(error: Exception) -> str:
    """Tell an error; one that is no refusal of an input says little without its kind."""
    from vosref.io import InputError  # noqa: PLC0415

    if isinstance(error, CancelledError):
        return "cancelled before its end; its scheduler may be gone"
    return str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}".removesuffix(": ")


def _table(outcomes: Sequence[Any]) -> Table:
    """Scores, a row for each video that has truth, and their mean, in which each video counts once."""
    table = Table()
    table.add_column("video")
    for heading in ("J", "F", "J&F"):
        table.add_column(heading, justify="right")
    scored = [(o.name, o.result.scores) for o in outcomes if o.result.scores is not None]
    rows = [(name, (s.mean_region, s.mean_contour, s.j_and_f)) for name, s in scored]
    for name, values in rows:
        table.add_row(Text(name), *(f"{value:.3f}" for value in values))
    # A video of one frame has no score, for its mask was given.
    known = [values for _, values in rows if not any(map(math.isnan, values))]
    if known:
        table.add_section()
        means = (sum(column) / len(known) for column in zip(*known, strict=True))
        table.add_row("mean of the videos", *(f"{mean:.3f}" for mean in means), style="bold")
    return table
