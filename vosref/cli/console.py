"""How the command line speaks: errors as one sentence, a bar of frames per second, two consoles."""

import sys
import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NoReturn, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

__all__ = ["bar", "err_console", "fail", "out_console", "probe", "run", "say_warning", "sentences", "stoppable"]

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
    say_warning(str(message))


def say_warning(sentence: str) -> None:
    """Print a warning as a sentence, in place of Python's lines of source."""
    err_console.print(Text.assemble(("warning: ", "bold yellow"), sentence), soft_wrap=True)


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


def probe(option: str, path: Path, *, taken: Collection[Path] = ()) -> None:
    """Refuse a report that cannot be written before its numbers are computed, not after.

    `taken` are files that the command writes itself.
    """
    from vosref.io import InputError, output_folder  # noqa: PLC0415

    if path.is_dir():
        raise InputError(f"{option}: {path} is a folder; name a file")
    if path.resolve() in (file.resolve() for file in taken):
        raise InputError(f"{option}: {path} is where the record of the run goes; name another file")
    if path.is_file() or not path.exists():  # else a pipe or a device, such as /dev/stdout
        output_folder(path.absolute().parent, argument=option)


class _Rate(ProgressColumn):
    """So many a second."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        super().__init__()

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.2f} {self.unit}/s" if task.speed else f"– {self.unit}/s")


@contextmanager
def bar(name: str, total: int, *, unit: str = "frames") -> Iterator[Callable[[int], None]]:
    """Show a progress bar with so many of a unit per second; yield what takes the number that is done."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), _Rate(unit))
    # What is printed to a pipe meanwhile must not be led to the terminal, where the bar is.
    redirect = out_console.is_terminal
    with Progress(*columns, TimeRemainingColumn(), console=err_console, redirect_stdout=redirect) as progress:
        task = progress.add_task(name, total=total)
        first: list[int] = []

        def show(done: int) -> None:
            if not first:  # frames of an earlier run have no speed
                first.append(done)
                progress.reset(task, completed=done, total=total, start=True)
            else:
                progress.update(task, completed=done)

        yield show


def run(job: Any, *, resume: bool, memory: int | None = None, threads: int | None = None) -> Any:
    """Segment a job under a progress bar with frames per second."""
    from vosref import backend, runs  # noqa: PLC0415

    limit = nullcontext() if threads is None else backend.use_threads(threads)
    with bar(job.name, len(job.frames)) as show, limit:
        return runs.segment(job, resume=resume, memory=memory, progress=show)
