"""Data sets, read from folders or zip archives as they were published: opening lists, nothing is decoded before use."""

from pathlib import Path

from vosref.datasets.davis import open_davis
from vosref.datasets.folders import open_folders
from vosref.datasets.given import annotation, cut_mask, given, given_mask, open_video_frames
from vosref.datasets.subsets import read_subset
from vosref.datasets.videos import PROTOCOLS, Dataset, Object, Video
from vosref.datasets.youtube_objects import open_youtube_objects
from vosref.datasets.youtube_vos import listed_objects, open_youtube_vos
from vosref.io.places import open_place

__all__ = [
    "KINDS",
    "Dataset",
    "Object",
    "Video",
    "annotation",
    "cut_mask",
    "given",
    "given_mask",
    "listed_objects",
    "open_dataset",
    "open_video_frames",
    "read_subset",
]

KINDS = tuple(PROTOCOLS)


def open_dataset(
    kind: str,
    root: str | Path,
    /,
    *,
    subset: str | None = None,
    resolution: str = "480p",
    seen: str | Path | None = None,
) -> Dataset:
    """Open a data set in a folder or a zip archive.

    Parameters
    ----------
    kind : str
        One of `KINDS`: davis2016, davis2017, youtube_vos, youtube_objects or folders.
    root : path
        What the data set's archive unpacks to, or the archive.
    subset : str, optional
        A set's name, or a file of names (see `read_subset`). By default val of DAVIS and valid of YouTube-VOS where
        there are such lists, else everything.
    resolution : str
        Of DAVIS: 480p, 1080p (2016) or Full-Resolution (2017).
    seen : path, optional
        Of YouTube-VOS: the training set's meta.json, or a text file of categories, where it is not beside the set.

    Returns
    -------
    Dataset
        Videos by name.

    Raises
    ------
    ValueError
        If `kind` is not one of them.
    MissingInputError
        If the root, the set or one of its videos is not there; the message says what there is instead.
    InputError
        If something cannot be listed or read.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    place = open_place(root, argument=kind)
    if kind == "youtube_vos":
        return open_youtube_vos(place, subset=subset, seen=None if seen is None else Path(seen))
    if kind == "youtube_objects":
        return open_youtube_objects(place, subset=subset)
    if kind == "folders":
        return open_folders(place, subset=subset)
    return open_davis(place, kind, subset=subset, resolution=resolution)
