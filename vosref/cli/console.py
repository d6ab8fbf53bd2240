"""How the command line speaks: errors as one sentence, a bar of frames per second, two consoles."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

__all__ = ["err_console", "fail", "out_console", "run", "sentences", "stoppable"]

# What they print holds people's paths, in which brackets and colons mean nothing.
out_console, err_console = (Console(stderr=e, highlight=False, markup=False, emoji=False) for e in (False, True))


@contextmanager
def sentences() -> Iterator[None]:
    """End errors in the input as one sentence and an exit code: 3 where data is missing, else 1."""
    from vosref.io import InputError  # noqa: PLC0415 - `vosref --help` needs none of it
    from vosref.weights import WeightsError  # noqa: PLC0415

    try:
        with warnings.catch_warnings():
            warnings.showwarning = _say
            yield
    except (InputError, WeightsError) as error:
        fail(str(error), 3 if isinstance(error, FileNotFoundError) else 1)
    except OSError as error:
        sentence = f"{error.filename} cannot be used ({error.strerror})" if error.filename else str(error)
        fail(sentence, 3 if isinstance(error, FileNotFoundError) else 1)


def _say(
    message: Warning | str,
    category: type[Warning],  # noqa: ARG001 - the signature is Python's
    filename: str,  # noqa: ARG001
    lineno: int,  # noqa: ARG001
    file: TextIO | None = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    """Print a warning as a sentence, in place of Python's lines of source."""
    err_console.print(Text.assemble(("warning: ", "bold yellow"), str(message)), soft_wrap=True)


def fail(sentence: str, code: int) -> NoReturn:
    """Print what is wrong and end."""
    err_console.print(Text.assemble(("error: ", "bold red"), sentence), soft_wrap=True)
    sys.exit(code)


@contextmanager
def stoppable(remedy: str) -> Iterator[None]:
    """End Ctrl-C as a sentence that says how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        pass
    else:
        return
    fail(f"stopped; {remedy}", 1)


class _Rate(ProgressColumn):
    """Frames per second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.2f} frames/s" if task.speed else "– frames/s")


def run(job: Any, *, resume: bool) -> Any:
    """Segment a job under a progress bar with frames per second."""
    from vosref import runs  # noqa: PLC0415

    name = TextColumn("{task.description}", markup=False)
    columns = (name, BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=err_console) as bar:
        task = bar.add_task(job.name, total=len(job.frames))
        first: list[int] = []

        def show(done: int) -> None:
            if not first:  # frames of an earlier run have no speed
                first.append(done)
                bar.reset(task, completed=done, total=len(job.frames), start=True)
            else:
                bar.update(task, completed=done)

        return runs.segment(job, resume=resume, progress=show)
