"""YouTube-VOS 2018 and 2019: train, valid and test, every fifth frame of their videos, and a list of the objects."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from vosref.datasets.subsets import chosen, read_subset
from vosref.datasets.videos import Dataset, Object, Source
from vosref.io.archives import File
from vosref.io.errors import InputError, MissingInputError
from vosref.io.images import kind_of
from vosref.io.places import ArchiveFolder, Folder, Place, open_place

__all__ = ["listed_objects", "open_youtube_vos"]

_ALL_FRAMES = "_all_frames"  # what the splits with every frame, not every fifth, end in
_SPLITS = tuple(name + end for name in ("valid", "test", "train") for end in ("", _ALL_FRAMES))
_LIST = "meta.json"


def open_youtube_vos(root: Place, /, *, subset: str | None, seen: File | None) -> Dataset:
    """Open YouTube-VOS as its archives unpack, all or one of them; see `vosref.datasets.open_dataset`.

    The root holds folders called valid, test, train (or these with ``_all_frames``), or such archives, or is one of
    them. Of a split with all frames, masks and list are taken from the one beside it where it lacks them, and the
    frames that are asked for are those of the one beside it.
    """
    split = "valid" if subset == "val" else subset
    home, split = _home(root, split if split in _SPLITS or split is None else None)
    beside = _beside(home, split.removesuffix(_ALL_FRAMES)) if split.endswith(_ALL_FRAMES) else None
    homes = [place for place in (home, beside) if place is not None]
    frames = home.child("JPEGImages")
    masks = next((place for place in homes if place.child("Annotations").exists()), home).child("Annotations")
    lists = [place.files()[_LIST] for place in homes if _LIST in place.files()]
    objects = _objects(lists[0]) if lists else {}
    if subset is None or subset in _SPLITS or subset == "val":
        names, subset = chosen(objects or None, frames.folders(), where=frames), split
    else:
        names = chosen(read_subset(subset, near=home), frames.folders(), where=frames)
    if seen is None:
        seen = _training_list(home, split)
    sources = {
        name: Source(
            frames.child(name),
            masks.child(name),
            objects.get(name, {}),
            None if beside is None else beside.child(f"JPEGImages/{name}"),
            beside is not None or not split.endswith(_ALL_FRAMES),
        )
        for name in names
    }
    known = None if seen is None else _categories(seen)
    return Dataset("youtube_vos", home, sources, subset=subset, seen=known)


def listed_objects(
    near: Place, /, *, seen: File | None = None
) -> tuple[dict[str, dict[int, Object]], frozenset[str] | None]:
    """Read the list of objects that lies in a folder or archive of masks, or in the one around it.

    Parameters
    ----------
    near : Place
    seen : File, optional
        The training set's list, or a file of its categories; by default the list in ``train`` beside it.

    Returns
    -------
    dict of str to dict of int to Object
        By video and id; empty where there is no list.
    frozenset of str or None
        The categories of training; None where they are not known.
    """
    places = [place for place in (near, near.parent) if place is not None]
    home = next((place for place in places if _LIST in place.files()), None)
    if seen is None and home is not None:
        seen = _training_list(home, home.name)
    objects = {} if home is None else _objects(home.files()[_LIST])
    return objects, None if seen is None else _categories(seen)


def _home(root: Place, wanted: str | None) -> tuple[Place, str]:
    """Return the folder of a split, and the split's name."""
    own = root.name if root.name in _SPLITS else None
    if root.child("JPEGImages").exists() and (wanted is None or own in (None, wanted)):
        return root, own or wanted or "valid"
    splits = _SPLITS if wanted is None else (wanted,)
    for place in (root, *map(root.child, root.folders())):
        for split in splits:
            if (found := _named(place, split)) is not None:
                return found, split
    held = ", ".join((*root.folders(), *root.files())) or "nothing"
    raise MissingInputError(
        f"youtube_vos: {root} holds {held}, and no {wanted or 'valid'} with JPEGImages; give the folder that holds "
        f"{', '.join(_SPLITS[::2])}, or one of them"
    )


def _named(place: Place, split: str) -> Place | None:
    """Return the split of that name in a folder: a folder there, or an archive."""
    folder = place.child(split)
    if folder.child("JPEGImages").exists():
        return folder
    if isinstance(place, Folder) and kind_of(archive := place.path / f"{split}.zip") == "file":
        packed = open_place(archive, argument="youtube_vos")
        return next((p for p in (packed.child(split), packed) if p.child("JPEGImages").exists()), None)
    return None


def _around(home: Place) -> Iterator[Place]:
    """Folders in which the other splits lie: the one around it, and around its archive."""
    place: Place | None = home
    while isinstance(place, ArchiveFolder):
        place = place.parent
        if place is not None:
            yield place
    if isinstance(home, Folder) and home.parent is not None:
        yield home.parent


def _beside(home: Place, split: str) -> Place | None:
    return next((found for place in _around(home) if (found := _named(place, split)) is not None), None)


def _training_list(home: Place, split: str) -> File | None:
    """Return the list of the training set, which may be there without its frames."""
    if split == "train":
        return home.files().get(_LIST)
    for place in _around(home):
        if (found := place.child("train").files().get(_LIST)) is not None:
            return found
    train = _beside(home, "train")
    return None if train is None else train.files().get(_LIST)


def _categories(file: File) -> frozenset[str]:
    """Read the categories of a list of objects, or of a text file with one a line."""
    if file.suffix.lower() == ".json":
        found = {o.category for objects in _objects(file).values() for o in objects.values()}
        return frozenset(c for c in found if c is not None)
    return frozenset(line.strip() for line in _text(file).splitlines() if line.strip())


def _objects(file: File) -> dict[str, dict[int, Object]]:
    """Read the objects of each video from meta.json."""
    try:
        videos: Mapping[str, Any] = json.loads(_text(file))["videos"]
        return {name: {int(k): _object(o) for k, o in v["objects"].items()} for name, v in videos.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"youtube_vos: {file} is not YouTube-VOS's list of videos and their objects "
            f"({type(error).__name__}: {error}); unpack it again"
        ) from error


def _object(entry: Mapping[str, Any]) -> Object:
    frames = entry.get("frames")
    return Object(entry.get("category"), None if frames is None else tuple(map(str, frames)))


def _text(file: File) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        kind = MissingInputError if isinstance(error, FileNotFoundError) else InputError
        reason = getattr(error, "strerror", None) or error
        raise kind(f"youtube_vos: {file} cannot be read ({reason})") from error
