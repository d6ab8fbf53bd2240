"""Files below a folder or inside a zip archive, by the same names: what reads one reads the other."""

import functools
import lzma
import os
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from vosref.io.errors import InputError, MissingInputError
from vosref.io.images import kind_of

__all__ = ["File", "Member", "entries", "files_below", "is_hidden", "open_archive"]

_DAMAGE = (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, zlib.error, lzma.LZMAError)


class Member(NamedTuple):
    """A file in a zip archive, with what the readers ask of a path; it travels between processes."""

    archive: Path
    inside: str  # its name in the archive

    @property
    def name(self) -> str:
        """The last part of its name."""
        return PurePosixPath(self.inside).name

    @property
    def stem(self) -> str:
        """The last part of its name, without suffix."""
        return PurePosixPath(self.inside).stem

    @property
    def suffix(self) -> str:
        """The suffix of its name, with the dot."""
        return PurePosixPath(self.inside).suffix

    def read_bytes(self) -> bytes:
        """Read it.

        Raises
        ------
        FileNotFoundError
            If the archive has no such file.
        OSError
            If the archive cannot be read, or the file in it is damaged or encrypted.
        """
        try:
            return _archive(*_identity(self.archive)).read(self.inside)
        except KeyError:
            raise FileNotFoundError(2, "not in the archive", str(self)) from None
        except _DAMAGE as error:
            raise OSError(5, str(error), str(self)) from error

    def __str__(self) -> str:
        return f"{self.archive}{os.sep}{self.inside}"


File = Path | Member


def files_below(root: str | os.PathLike[str], /, *, argument: str) -> dict[PurePosixPath, File]:
    """List every file below a folder, or in a zip archive, by its path from there; nothing is read.

    Parameters
    ----------
    root : path
        A folder, or a zip archive. Hidden files and folders are left out, and so is the ``__MACOSX`` that macOS adds.
    argument : str
        What the message of an error calls it.

    Returns
    -------
    dict of PurePosixPath to File
        Sorted by path.

    Raises
    ------
    MissingInputError
        If it is not there.
    InputError
        If it is neither folder nor zip archive, or cannot be listed.
    """
    path = Path(root)
    if (kind := kind_of(path)) == "missing":
        raise MissingInputError(f"{argument}: {path} does not exist; check its spelling")
    found = dict(_in_folder(path, argument)) if kind == "folder" else entries(path, argument=argument)
    return {name: found[name] for name in sorted(found)}


def open_archive(path: Path, /, *, argument: str) -> zipfile.ZipFile:
    """Open a zip archive, once for all who read it.

    Raises
    ------
    InputError
        If it cannot be read as one.
    """
    try:
        return _archive(*_identity(path))
    except (OSError, *_DAMAGE) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{argument}: {path} is neither a folder nor a readable zip archive ({reason}); give one of them"
        ) from error


def entries(path: Path, /, *, argument: str) -> dict[PurePosixPath, File]:
    """List the files of a zip archive by their paths in it, without those that are hidden; see `open_archive`."""
    listed = open_archive(path, argument=argument).infolist()
    named = ((PurePosixPath(e.filename.lstrip("/")), e.filename) for e in listed if not e.is_dir())
    return {name: Member(path, inside) for name, inside in named if not any(map(is_hidden, name.parts))}


def is_hidden(name: str, /) -> bool:
    """Tell whether a file or folder of that name is not meant to be seen, or is what macOS adds to archives."""
    return name.startswith(".") or name == "__MACOSX"


def _in_folder(root: Path, argument: str) -> Iterator[tuple[PurePosixPath, File]]:
    def refuse(error: OSError) -> None:
        raise InputError(f"{argument}: {error.filename} cannot be listed ({error.strerror})") from error

    for folder, folders, names in os.walk(root, onerror=refuse, followlinks=True):
        folders[:] = [name for name in folders if not is_hidden(name)]
        here = Path(folder)
        inside = PurePosixPath(here.relative_to(root).as_posix())
        yield from ((inside / name, here / name) for name in names if not is_hidden(name))


@functools.lru_cache(maxsize=8)
def _archive(path: Path, _stamp: tuple[int, int], _process: int) -> zipfile.ZipFile:
    """Open an archive once; it reads from several threads, and is opened anew where it has changed."""
    return zipfile.ZipFile(path)


def _identity(path: Path) -> tuple[Path, tuple[int, int], int]:
    """Return what an open archive is kept by: a forked process must not share its parent's place in the file."""
    status = path.stat()
    return path, (status.st_mtime_ns, status.st_size), os.getpid()
