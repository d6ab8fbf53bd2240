"""A note in an output folder of who works there: by it an attempt learns whom it succeeds, and others how far it is.

Two workers may meet in a folder, where a cluster takes a slow one for dead and starts its task again. That is
harmless: masks, record and checkpoint depend on the job alone, and each is written whole.
"""

import json
import os
import re
import secrets
import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from vosref.io import InputError, write_text

__all__ = [
    "Lost",
    "Note",
    "StoppedError",
    "ask_no_more",
    "ask_to_stop",
    "asked_to_stop",
    "new_note",
    "new_run",
    "read_note",
    "sweep",
    "this_worker",
    "write_note",
]

NOTE = ".vosref-worker.json"
STOP = ".vosref-stop"
TEMPORARY = r"\.[0-9a-f]{16}(\.\w+)?"  # what `vosref.io.atomic_path` names a file that is being written


class StoppedError(Exception):
    """Whoever gave out the task wants it no more."""


class Lost(NamedTuple):
    """A worker that did not end what it had begun."""

    worker: str  # host:process
    frames: int  # whose masks it had written


class Note(NamedTuple):
    """Who works in a folder."""

    run: str  # of which this is a part: what one call gave out
    worker: str  # host:process
    since: str  # time, UTC
    frames: int = 0  # whose masks are written
    lost: tuple[Lost, ...] = ()  # who was here before, oldest first


def new_run() -> str:
    """Return a name that no other run has."""
    return secrets.token_hex(8)


def this_worker() -> str:
    """Return host:process of whoever calls."""
    return f"{socket.gethostname()}:{os.getpid()}"


def new_note(run: str, /, *, frames: int = 0, lost: tuple[Lost, ...] = ()) -> Note:
    """Return a note of whoever calls."""
    return Note(run, this_worker(), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), frames, lost)


def read_note(folder: Path, /) -> Note | None:
    """Read a folder's note; None without one, or if it is damaged."""
    try:
        found = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        note = Note(**found | {"lost": tuple(Lost(*lost) for lost in found["lost"])})
        return note._replace(frames=int(note.frames))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_note(folder: Path, note: Note | None, /) -> None:
    """Write a folder's note, or take it away."""
    if note is None:
        (folder / NOTE).unlink(missing_ok=True)
    else:
        write_text(folder / NOTE, json.dumps(note._asdict()) + "\n")


def sweep(folder: Path, /, *, before: float) -> None:
    """Remove what writers that were killed have left half-written, if it is older than `before`, a file's time.

    A worker that was only taken for dead may be writing too, and its file must stay: that one is new.
    """
    for path in folder.glob(".*"):
        with suppress(OSError):
            if re.fullmatch(TEMPORARY, path.name) and path.stat().st_mtime < before:
                path.unlink()


def asked_to_stop(folder: Path, run: str, /) -> bool:
    """Tell whether the worker in a folder is asked to stop."""
    try:
        return (folder / STOP).read_text(encoding="utf-8") == run
    except OSError:
        return False


def ask_to_stop(folders: Iterable[Path], run: str, /) -> None:
    """Ask the workers of a run to stop after the frame that they are at, or before their first.

    A file reaches a worker of any executor on any machine.
    """
    for folder in folders:
        with suppress(InputError):
            write_text(folder / STOP, run)


def ask_no_more(folders: Iterable[Path], run: str, /) -> None:
    """Take back the wish, except from workers who have not stopped yet: they find it later."""
    for folder in folders:
        if (note := read_note(folder)) is None or note.run != run:
            (folder / STOP).unlink(missing_ok=True)
