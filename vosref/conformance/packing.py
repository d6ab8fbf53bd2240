"""A folder of vectors as one .tar.gz file, equal for equal folders: in a zip, names alone would take a third of it."""

import gzip
import io
import os
import re
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vosref.io import InputError, MissingInputError, atomic_path

__all__ = ["PACKED", "opened", "pack", "unpack"]

PACKED = ".tar.gz"
MEMBER = re.compile(r"([a-z0-9_@+~=%-]+/){0,2}[A-Za-z0-9_@+~=%-][A-Za-z0-9_@+~=%.-]*")


def pack(folder: Path, target: Path, /) -> None:
    """Pack the files of a folder, without owners and times, whole or not at all."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    with (
        atomic_path(target) as temporary,
        temporary.open("wb") as file,
        gzip.GzipFile("", "wb", 9, file, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as packed,
    ):
        for name, path in sorted(files.items()):
            content = path.read_bytes()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))


def unpack(path: Path, folder: Path, /) -> None:
    """Unpack a file into a folder.

    Raises
    ------
    InputError
        If it is none of these files, is damaged, or has a member that is no file of vectors.
    """
    try:
        content = gzip.decompress(path.read_bytes())  # whole, for its check sum comes last
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as packed:
            for member in packed:
                if not member.isreg() or not MEMBER.fullmatch(member.name):
                    raise InputError(f"{path} has a member {member.name!r}, which no folder of vectors has")
                file, target = packed.extractfile(member), folder / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(b"" if file is None else file.read())
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path} is neither a folder of vectors nor one packed as {PACKED} ({error})") from error


@contextmanager
def opened(vectors: str | os.PathLike[str], /) -> Iterator[Path]:
    """Yield the folder of vectors, unpacked where they are in one file.

    Raises
    ------
    MissingInputError
        If there are none.
    InputError
        If the file cannot be unpacked.
    """
    path = Path(vectors)
    if not path.exists():
        raise MissingInputError(f"{path} does not exist; `vosref vectors export {path}` writes vectors there")
    if path.is_dir():
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="vosref-", ignore_cleanup_errors=True) as folder:
        unpack(path, Path(folder))
        yield Path(folder)
