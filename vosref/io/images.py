"""What frames and masks share: finding image files in a folder, and decoding one of them completely or not at all."""

import re
import stat
from collections.abc import Collection, Iterable
from io import BytesIO
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from PIL import Image, ImageOps, UnidentifiedImageError

from vosref.io.errors import InputError, MissingInputError

__all__ = ["by_stem", "decode_image", "examples", "kind_of", "list_images", "natural_key", "spell_size"]

_SIGNATURES = (b"\x89PNG", b"\xff\xd8", b"BM", b"GIF8", b"II*\0", b"MM\0*", b"RIFF")  # how the formats read here start


class Readable(Protocol):
    """What is decoded: a path, or a file in an archive."""

    def read_bytes(self) -> bytes:
        """Read all of it."""


class _File(Protocol):
    """What has a name: a path, or a file in an archive."""

    @property
    def name(self) -> str: ...
    @property
    def stem(self) -> str: ...
    @property
    def suffix(self) -> str: ...


Named = TypeVar("Named", bound=_File)


def natural_key(name: str, /) -> tuple[list[str | int], str]:
    """Sort key by which ``frame2`` comes before ``frame10``."""
    # The split alternates text and digits, so two keys never compare a string with a number.
    parts = re.split(r"(\d+)", name.casefold())
    return [int(part) if t % 2 else part for t, part in enumerate(parts)], name


def spell_size(size: tuple[int, int], /) -> str:
    """Spell a size (height, width) as people do, ``854x480``."""
    height, width = size
    return f"{width}x{height}"


def examples(names: Collection[str], /) -> str:
    """Name the first three of `names`, in natural order."""
    shown = sorted(names, key=natural_key)[:3]
    return ", ".join(map(repr, shown)) + (", ..." if len(names) > 3 else "")


def kind_of(path: Path, /) -> Literal["missing", "folder", "file"]:
    """Tell whether `path` is a folder, anything else that can be opened, or not there."""
    try:
        # Path.exists and its kin raise where a name is too long or a parent folder is closed.
        return "folder" if stat.S_ISDIR(path.stat().st_mode) else "file"
    except (OSError, ValueError):
        return "missing"


def list_images(folder: Path, /, *, suffixes: Collection[str], argument: str) -> dict[str, Path]:
    """Find the image files of a folder by their stems.

    Parameters
    ----------
    folder : Path
        An existing folder. Hidden files, folders and other types of file in it are ignored.
    suffixes : collection of str
        The types of file wanted, in lower case: ``.png``.
    argument : str
        What the message of an error calls the input.

    Returns
    -------
    dict of str to Path
        Stem to path, in natural order: ``frame2`` before ``frame10``.

    Raises
    ------
    InputError
        If the folder cannot be listed, or two files have the same stem.
    """
    try:
        found = [p for p in folder.iterdir() if not p.name.startswith(".")]
        found = [p for p in found if not p.is_dir()]  # a broken link counts: it is a frame that has gone
    except OSError as error:
        raise InputError(f"{argument}: {folder} cannot be listed ({error.strerror})") from error
    return by_stem(found, suffixes=suffixes, where=f"{argument}: {folder}")


def by_stem(files: Iterable[Named], /, *, suffixes: Collection[str], where: str) -> dict[str, Named]:
    """Order the files of one folder that have one of `suffixes` by their stems, in natural order.

    Raises
    ------
    InputError
        If two of them have the same stem; its message starts with `where`.
    """
    wanted = [file for file in files if file.suffix.lower() in suffixes]
    named: dict[str, Named] = {}
    for file in sorted(wanted, key=lambda f: (natural_key(f.stem), f.name)):
        if file.stem in named:
            raise InputError(
                f"{where} holds both {named[file.stem].name} and {file.name}; "
                "each name must occur once, so move one of them away"
            )
        named[file.stem] = file
    return named


def decode_image(path: Readable, /, *, argument: str, upright: bool = False) -> Image.Image:
    """Decode an image file completely; `upright` applies its EXIF orientation.

    Raises
    ------
    MissingInputError
        If the file is not there.
    InputError
        If it cannot be read, is no image, is truncated or corrupt, or holds colours of 16 bits a channel.
    """
    data = _read_bytes(path, argument)
    try:
        Image.open(BytesIO(data)).verify()  # the checksums of PNG, which decoding skips
        image = Image.open(BytesIO(data))
        # Pillow reads 16-bit colours as 8-bit ones; only the arguments of its decoder tell. Grey ("I;16") keeps them.
        deep = re.search(r"(?<!I);16[BLN]'", str(image.tile))
        image.load()
        if upright:
            ImageOps.exif_transpose(image, in_place=True)
    except Exception as error:  # a decoder that meets garbage raises anything: SyntaxError, struct.error, ...
        unknown = isinstance(error, UnidentifiedImageError)
        if unknown and not data.startswith(_SIGNATURES):
            raise InputError(f"{argument}: {path} is not an image ({_contents(data)}); replace it") from error
        reason = "its header is cut off or unreadable" if unknown else error
        raise InputError(f"{argument}: {path} is truncated or corrupt ({reason}); copy or export it again") from error
    if deep:
        raise InputError(f"{argument}: {path} has 16 bits a channel; convert it to 8 bits")
    return image


def _read_bytes(path: Readable, argument: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise MissingInputError(f"{argument}: {path} does not exist; check its spelling") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{argument}: {path} cannot be read ({reason}); give an image file") from error


def _contents(data: bytes) -> str:
    return f"{len(data)} bytes that start with {data[:8]!r}" if data else "the file is empty"
