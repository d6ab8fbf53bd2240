"""A folder on disk or in a zip archive, listed when it is asked: a data set has thousands of them."""

import functools
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vosref.io.archives import File, entries, is_hidden, open_archive
from vosref.io.errors import InputError, MissingInputError
from vosref.io.images import by_stem, kind_of, natural_key

__all__ = ["ArchiveFolder", "Folder", "Place", "images_in", "open_place"]


class Place(ABC):
    """A folder, wherever it is; hidden files are left out. `str` of it is a path for messages."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Its name; the root of an archive is called like the archive."""

    @property
    @abstractmethod
    def parent(self) -> "Place | None":
        """The folder that it lies in; for the root of an archive, the one that holds the archive."""

    @abstractmethod
    def folders(self) -> tuple[str, ...]:
        """Names of the folders in it, in natural order; none where it is not there."""

    @abstractmethod
    def files(self) -> dict[str, File]:
        """Return the files in it by their names, in natural order; none where it is not there."""

    @abstractmethod
    def child(self, inside: str, /) -> "Place":
        """Return the folder of that path below it, whether it is there or not."""

    @abstractmethod
    def exists(self) -> bool:
        """Tell whether it is there. An archive has the folders that its files lie in."""


@dataclass(frozen=True)
class Folder(Place):
    """A folder on disk."""

    path: Path

    @property
    def name(self) -> str:
        """Its name."""
        return self.path.resolve().name

    @property
    def parent(self) -> Place | None:
        """The folder around it."""
        path = self.path.resolve()
        return None if path.parent == path else Folder(path.parent)

    def folders(self) -> tuple[str, ...]:
        """Names of the folders in it."""
        return tuple(sorted((e.name for e in self._entries() if e.is_dir()), key=natural_key))

    def files(self) -> dict[str, File]:
        """Return the files in it."""
        # A broken link counts: it is a file that has gone.
        names = sorted((e.name for e in self._entries() if not e.is_dir()), key=natural_key)
        return {name: self.path / name for name in names}

    def child(self, inside: str, /) -> "Folder":
        """Return the folder of that path below it."""
        return Folder(self.path / inside)

    def exists(self) -> bool:
        """Tell whether it is there."""
        return kind_of(self.path) == "folder"

    def _entries(self) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.path) as found:
                return [e for e in found if not is_hidden(e.name)]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise InputError(f"{self.path} cannot be listed ({error.strerror})") from error

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True)
class ArchiveFolder(Place):
    """A folder in a zip archive."""

    archive: Path
    inside: str = ""  # its path in the archive, whose root is empty

    @property
    def name(self) -> str:
        """Its name."""
        return self.inside.rpartition("/")[2] or self.archive.stem

    @property
    def parent(self) -> Place:
        """The folder around it, or around its archive."""
        if self.inside:
            return ArchiveFolder(self.archive, self.inside.rpartition("/")[0])
        return Folder(self.archive.resolve().parent)

    def folders(self) -> tuple[str, ...]:
        """Names of the folders in it."""
        return self._tree().get(self.inside, _NOTHING)[0]

    def files(self) -> dict[str, File]:
        """Return the files in it."""
        return dict(self._tree().get(self.inside, _NOTHING)[1])

    def child(self, inside: str, /) -> "ArchiveFolder":
        """Return the folder of that path below it."""
        return ArchiveFolder(self.archive, f"{self.inside}/{inside}".strip("/"))

    def exists(self) -> bool:
        """Tell whether it is there."""
        return self.inside in self._tree()

    def _tree(self) -> "_Tree":
        try:
            status = self.archive.stat()
        except OSError as error:
            raise MissingInputError(f"{self.archive} is not there any more ({error.strerror})") from error
        return _tree(self.archive, (status.st_mtime_ns, status.st_size))

    def __str__(self) -> str:
        return f"{self.archive}{os.sep}{self.inside}" if self.inside else str(self.archive)


def open_place(root: str | os.PathLike[str], /, *, argument: str) -> Place:
    """Return a folder, or a zip archive as one.

    Raises
    ------
    MissingInputError
        If it is not there.
    InputError
        If it is neither.
    """
    path = Path(root)
    if (kind := kind_of(path)) == "missing":
        raise MissingInputError(f"{argument}: {path} does not exist; check its spelling")
    if kind == "folder":
        return Folder(path)
    open_archive(path, argument=argument)
    return ArchiveFolder(path)


def images_in(place: Place, /, *, suffixes: tuple[str, ...], argument: str) -> dict[str, File]:
    """Find the image files of a folder by their stems, in natural order.

    Raises
    ------
    InputError
        If the folder cannot be listed, or two files have the same stem.
    """
    return by_stem(place.files().values(), suffixes=suffixes, where=f"{argument}: {place}")


_Tree = dict[str, tuple[tuple[str, ...], dict[str, File]]]  # path of a folder: names of its folders, its files
_NOTHING: tuple[tuple[str, ...], dict[str, File]] = ((), {})


@functools.lru_cache(maxsize=8)
def _tree(path: Path, _stamp: tuple[int, int]) -> _Tree:
    """Return every folder of an archive."""
    folders: dict[str, set[str]] = {"": set()}
    files: dict[str, dict[str, File]] = {}
    for inside, member in entries(path, argument="archive").items():
        *above, name = inside.parts
        for depth, folder in enumerate(above):
            folders.setdefault("/".join(above[:depth]), set()).add(folder)
        folders.setdefault("/".join(above), set())
        files.setdefault("/".join(above), {})[name] = member
    return {
        folder: (tuple(_sorted(inner)), {f: files[folder][f] for f in _sorted(files.get(folder, ()))})
        for folder, inner in folders.items()
    }


def _sorted(names: Iterable[str]) -> list[str]:
    return sorted(names, key=natural_key)
