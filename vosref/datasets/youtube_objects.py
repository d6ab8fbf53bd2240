"""YouTube-Objects: ten classes, and masks of about every tenth frame (Jain and Grauman)."""

from vosref.datasets.folders import paired_sources
from vosref.datasets.subsets import chosen, read_subset
from vosref.datasets.videos import Dataset, Object, Source
from vosref.io.errors import MissingInputError
from vosref.io.places import Place

__all__ = ["open_youtube_objects"]


def open_youtube_objects(root: Place, /, *, subset: str | None) -> Dataset:
    """Open YouTube-Objects; see `vosref.datasets.open_dataset`.

    Either JPEGImages and Annotations, both with ``CLASS/VIDEO`` or deeper, or as it was published:
    ``CLASS/data/VIDEO/shots/SHOT`` with images and labels, whose files are matched by their numbers. A video there is
    called ``CLASS/VIDEO``, and ``CLASS/VIDEO/SHOT`` if it has several shots.
    """
    sources = paired_sources(root)
    for place in (root, *map(root.child, root.folders())):
        sources = sources or _published(place)
    if not sources:
        held = ", ".join(root.folders()) or "no folder"
        raise MissingInputError(
            f"youtube_objects: {root} holds {held}, and neither JPEGImages/CLASS/VIDEO with Annotations/CLASS/VIDEO "
            "nor CLASS/data/VIDEO/shots/SHOT with images and labels"
        )
    wanted = None if subset is None else read_subset(subset, near=root)
    names = chosen(wanted, tuple(sources), where=root)
    classed = {name: sources[name]._replace(objects={1: Object(name.partition("/")[0])}) for name in names}
    return Dataset("youtube_objects", root, classed, subset=subset)


def _published(root: Place) -> dict[str, Source]:
    sources = {}
    for category in root.folders():
        data = root.child(f"{category}/data")
        for video in data.folders():
            shots = data.child(f"{video}/shots")
            found = [shot for shot in shots.folders() if shots.child(f"{shot}/labels").exists()]
            for shot in found:
                name = f"{category}/{video}" if len(found) == 1 else f"{category}/{video}/{shot}"
                place = shots.child(shot)
                sources[name] = Source(place.child("images"), place.child("labels"), by_number=True)
    return sources
