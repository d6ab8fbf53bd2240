"""DAVIS 2016 and 2017: JPEGImages, Annotations and ImageSets, with a folder for each resolution."""

from vosref.datasets.subsets import chosen, read_subset
from vosref.datasets.videos import Dataset, Source
from vosref.io.errors import MissingInputError
from vosref.io.places import Place

__all__ = ["open_davis"]


def open_davis(root: Place, kind: str, /, *, subset: str | None, resolution: str) -> Dataset:
    """Open DAVIS as its archives unpack; see `vosref.datasets.open_dataset`.

    The root of DAVIS 2017 also serves DAVIS 2016, whose sets it lists in ``ImageSets/2016``. Without ImageSets, and
    with no set asked for, every sequence is taken.
    """
    place = _home(root, kind)
    frames, masks = (_resolved(place.child(name), resolution) for name in ("JPEGImages", "Annotations"))
    if subset is None and place.child("ImageSets").exists():
        subset = "val"
    prefer = ("2016" if kind == "davis2016" else "2017", resolution, "480p")
    wanted = None if subset is None else read_subset(subset, near=place, prefer=prefer)
    names = chosen(wanted, frames.folders(), where=frames)
    return Dataset(kind, place, {n: Source(frames.child(n), masks.child(n)) for n in names}, subset=subset)


def _home(root: Place, kind: str) -> Place:
    """Return the folder that has JPEGImages: the root, or the one folder in it that archives put around all."""
    for place in (root, *map(root.child, root.folders())):
        if place.child("JPEGImages").exists():
            return place
    held = ", ".join(root.folders()) or "no folder"
    raise MissingInputError(
        f"{kind}: {root} holds {held}, and no JPEGImages; give the folder or archive that has JPEGImages, Annotations "
        "and ImageSets"
    )


def _resolved(place: Place, resolution: str) -> Place:
    if (found := place.child(resolution)).exists():
        return found
    held = ", ".join(place.folders()) or "nothing"
    where = f"{place} holds {held}" if place.exists() else f"{place} does not exist"
    raise MissingInputError(f"{where}, where {resolution} is wanted; get that archive, or name another resolution")
