"""Plain folders: JPEGImages and Annotations, or frames and masks, with videos at any depth in them or above them."""

from collections.abc import Iterator

from vosref.datasets.subsets import chosen, read_subset
from vosref.datasets.videos import Dataset, Source
from vosref.io.errors import MissingInputError
from vosref.io.frames import FRAME_SUFFIXES
from vosref.io.places import Place, images_in

__all__ = ["open_folders", "paired_sources"]

_PAIRS = (("JPEGImages", "Annotations"), ("frames", "masks"))


def open_folders(root: Place, /, *, subset: str | None) -> Dataset:
    """Open folders of frames and the folders of masks beside them; see `vosref.datasets.open_dataset`.

    A video is a folder that holds images; its name is its path below JPEGImages or frames, after the path of the
    folder that has these. A video whose frames lie in the root's own ``frames`` is called like the root.
    """
    sources = paired_sources(root)
    if not sources:
        held = ", ".join(root.folders()) or "no folder"
        raise MissingInputError(
            f"folders: {root} holds {held}, and below it there is no video in JPEGImages with Annotations, nor in "
            "frames with masks beside it; give the folder that holds these two"
        )
    wanted = None if subset is None else read_subset(subset, near=root)
    names = chosen(wanted, tuple(sources), where=root)
    return Dataset("folders", root, {name: sources[name] for name in names}, subset=subset)


def paired_sources(root: Place, /) -> dict[str, Source]:
    """Find the folders of frames that have a folder of masks, by the names of their videos."""
    return {"/".join(path) or root.name: source for path, source in _pairs(root, ())}


def _pairs(place: Place, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Source]]:
    inner = place.folders()
    paired = [pair for pair in _PAIRS if set(pair) <= set(inner)]
    for frames, masks in paired:
        yield from _videos(place.child(frames), place.child(masks), path)
    for name in () if paired else inner:
        yield from _pairs(place.child(name), (*path, name))


def _videos(frames: Place, masks: Place, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Source]]:
    if images_in(frames, suffixes=FRAME_SUFFIXES, argument="folders"):
        yield path, Source(frames, masks)
    for name in frames.folders():
        yield from _videos(frames.child(name), masks.child(name), (*path, name))
