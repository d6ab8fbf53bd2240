"""Names of the videos of a set: from a file of names, or from the lists that a data set comes with."""

from collections.abc import Collection, Iterable
from pathlib import Path, PurePosixPath

from vosref.io.archives import File
from vosref.io.errors import InputError, MissingInputError
from vosref.io.frames import FRAME_SUFFIXES
from vosref.io.images import examples, kind_of
from vosref.io.places import Place, open_place

__all__ = ["chosen", "read_subset"]

_SHOWN = 20  # names that a message spells out


def read_subset(
    text: str,
    /,
    *,
    near: str | Path | Place,
    prefer: Collection[str] = ("2017", "2016", "480p"),
    argument: str = "--set",
) -> tuple[str, ...]:
    """Read the names of the videos of a set.

    Parameters
    ----------
    text : str
        A file of names, one a line, with ``#`` before comments; lines may also be DAVIS 2016's own pairs of an image
        and its mask, which name the folder of the image. Or the name of a set, such as val, found as
        ``ImageSets/NAME.txt`` or ``ImageSets/*/NAME.txt``.
    near : path or Place
        Where ``ImageSets`` is looked for: there, in a folder of it, and in the folders above it.
    prefer : collection of str
        Folders of ``ImageSets``, the one first that is preferred where several have such a set.
    argument : str
        What the message of an error calls it.

    Returns
    -------
    tuple of str
        In the order of the list, each once.

    Raises
    ------
    MissingInputError
        If there is neither such a file nor such a set; the message lists the sets there are.
    InputError
        If the file cannot be read as text, or names nothing.
    """
    if kind_of(Path(text)) == "file":
        return _names(Path(text), argument)
    place = open_place(near, argument=argument) if isinstance(near, str | Path) else near
    lists = _lists(place)
    if not lists:
        raise MissingInputError(
            f"{argument}: {text} is no file, and there are no ImageSets in {place} or above it, where sets have their "
            "names; give a file of names, one a line"
        )
    found = [key for key in lists if PurePosixPath(key).name == text or key == text]
    if not found:
        there = ", ".join(lists)
        raise MissingInputError(
            f"{argument}: there is no set {text} near {place}, but {there}; give one of them, or a file of names"
        )
    order = {name: rank for rank, name in enumerate(prefer)}
    best = min(found, key=lambda key: order.get(PurePosixPath(key).parent.as_posix(), len(order)))
    return _names(lists[best], argument)


def chosen(wanted: Iterable[str] | None, there: Collection[str], /, *, where: Place) -> tuple[str, ...]:
    """Return the videos that are wanted, all if that is None, and check that they are there.

    Raises
    ------
    MissingInputError
        If one is not; the message names those that are not, or the first of very many.
    """
    if not there:
        raise MissingInputError(f"{where} holds no video; each has a folder of its own there")
    names = tuple(there if wanted is None else wanted)
    if absent := set(names) - set(there):
        missing = [name for name in names if name in absent]
        lacking = ", ".join(missing) if len(missing) <= _SHOWN else examples(missing)
        raise MissingInputError(
            f"{where} lacks {len(missing)} of the {len(names)} videos of the set ({lacking}); "
            f"there are {examples(there)}: get them, or give --set a file with the names of those you have"
        )
    return names


def _lists(place: Place) -> dict[str, File]:
    """Return the lists of the first ImageSets found, by the names ``2017/val`` and ``val``."""
    above: Place | None = place
    while above is not None:
        for root in (above, *(map(above.child, above.folders()) if above is place else ())):
            sets = root.child("ImageSets")
            if sets.exists():
                return {
                    f"{folder}/{file.stem}".lstrip("/"): file
                    for folder in ("", *sets.folders())
                    for file in sets.child(folder).files().values()
                    if file.suffix == ".txt"
                }
        above = above.parent
    return {}


def _names(file: File, argument: str) -> tuple[str, ...]:
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{argument}: {file} cannot be read as a list of names ({reason})") from error
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    names = tuple(dict.fromkeys(_name(line) for line in lines if line))
    if not names:
        raise InputError(f"{argument}: {file} names no video; write one name a line")
    return names


def _name(line: str) -> str:
    """Return the name of a video, or of the folder that the first of a pair of files lies in."""
    first = PurePosixPath(line.split(maxsplit=1)[0])
    return first.parent.name if first.suffix.lower() in FRAME_SUFFIXES else line.strip("/")
