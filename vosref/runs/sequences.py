"""Which folder of masks belongs to which: sequences of results and truth, at any depth, in folders or zip archives."""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from vosref.io import InputError, MissingInputError
from vosref.io.archives import File, files_below
from vosref.io.frames import FRAME_SUFFIXES
from vosref.io.images import by_stem, examples, kind_of, natural_key
from vosref.io.truth import MASK_SUFFIXES, PICTURES
from vosref.runs.jobs import RECORD

__all__ = ["PHOTO_SUFFIXES", "Masks", "Pair", "frames_below", "masks_below", "matching", "pair_sequences"]

RESOLUTIONS = ("480p", "1080p", "Full-Resolution")  # of DAVIS
_VIDEOS = ("JPEGImages", "frames")
PHOTO_SUFFIXES = (".jpg", ".jpeg", ".webp")


class Masks(NamedTuple):
    """The masks of one sequence."""

    where: str  # the folder, for people
    files: Mapping[str, File]  # name, without suffix, to file, in natural order
    photos: Mapping[str, File]  # what is named like a mask and has a photo's format
    record: File | None = None  # what a run of our own has left beside them

    def cost(self) -> dict[str, Any]:
        """Read what the run took: its frames, seconds a frame and peak bytes; nothing where that is not known."""
        try:
            found = json.loads(self.record.read_bytes()) if self.record is not None else {}
            result = found["result"]
            return {"frames": found["frames_done"]} | {k: result[k] for k in ("seconds_per_frame", "peak_bytes")}
        except (OSError, ValueError, KeyError, TypeError):
            return {}


class Pair(NamedTuple):
    """A sequence of the truth and its predictions."""

    name: str
    truth: Masks
    predictions: Masks

    @property
    def strangers(self) -> tuple[list[str], list[str]]:
        """Names of predicted masks that no true mask has: those of frames between true ones, and all others."""
        names = [name for name in self.predictions.files if name not in self.truth.files]
        taken = {n for name in self.truth.files if (n := _number(name)) is not None}

        def is_between(name: str) -> bool:
            return name.isdigit() and bool(taken) and min(taken) < int(name) < max(taken) and int(name) not in taken

        return [n for n in names if is_between(n)], [n for n in names if not is_between(n)]

    def missing(self, frame: str) -> str:
        """Say that the mask of a frame is missing, and what may be meant instead."""
        suffix = next(iter(self.predictions.files.values()), None)
        path = f"{self.predictions.where}{frame}{suffix.suffix if suffix is not None else '.png'}"
        if frame in self.predictions.photos:
            return f"{path} is missing; {self.predictions.photos[frame].name} has a photo's format: save it as PNG"
        same = [name for name in self.strangers[1] if _number(name) == _number(frame) is not None]
        if same:
            return f"{path} is missing; {self.predictions.files[same[0]].name} there may be it: rename it to {frame}"
        return f"{path} is missing"


def masks_below(root: str | Path, /, *, argument: str) -> dict[str, Masks]:
    """Find the folders that hold masks, by their path below the first folder that all of them are in.

    Parameters
    ----------
    root : path
        A folder or a zip archive; of a data set with ``Annotations``, or folders called ``masks``, what is below those.
    argument : str
        What the message of an error calls it.

    Returns
    -------
    dict of str to Masks
        By name, in natural order.

    Raises
    ------
    InputError
        If it cannot be read, or two masks of a sequence have the same name; MissingInputError if there is none.
    """
    root = Path(root)
    files = files_below(root, argument=argument)
    folders = _folders(files, (*MASK_SUFFIXES, *PHOTO_SUFFIXES), home=("Annotations", "masks"))
    found = {path: _masks(root, path, inside, argument, files.get(path / RECORD)) for path, inside in folders.items()}
    found = {path: masks for path, masks in found.items() if masks.files or masks.photos}
    if not found:
        raise MissingInputError(
            f"{argument}: {root} holds no masks ({' '.join(MASK_SUFFIXES)}); give a folder or zip archive of them"
        )
    named = {name: found[path] for path, name in _names(found, root)}
    if len(sizes := {name.split("/")[0] for name in named}) > 1 and sizes <= {*RESOLUTIONS}:
        raise InputError(f"{argument}: {root} holds {' and '.join(sorted(sizes))}; name the folder of one of them")
    return named


def frames_below(truth: Path, frames: str | Path | None = None, /) -> dict[str, dict[str, File]]:
    """Find the videos of a truth by their names: below `frames`, or where the truth's data set has ``JPEGImages``.

    Raises
    ------
    InputError
        If `frames` is given and cannot be read; MissingInputError if it holds no image.
    """
    parts = ["JPEGImages" if part == "Annotations" else part for part in truth.resolve().parts]
    root = Path(frames) if frames is not None else Path(*parts)
    if frames is None and kind_of(root) == "missing":
        return {}
    folders = _folders(files_below(root, argument="--frames"), FRAME_SUFFIXES, home=_VIDEOS)
    if frames is None and "JPEGImages" not in parts:
        folders = {path: inside for path, inside in folders.items() if {*_VIDEOS} & {*path.parts}}
    if frames is not None and not folders:
        raise MissingInputError(f"--frames: {root} holds no image ({' '.join(FRAME_SUFFIXES)})")
    return {
        (root.resolve().name / _bare(path)).as_posix(): {file.stem: file for file in inside}
        for path, inside in folders.items()
    }


def matching(folders: Mapping[str, Mapping[str, File]], name: str, /) -> Mapping[str, File]:
    """Return the folder whose path ends as `name` does; an empty one where none or several do."""
    found = [inside for path, inside in folders.items() if _ends_with(path, name)]
    return found[0] if len(found) == 1 else {}


def pair_sequences(
    results: Mapping[str, Masks], truth: Mapping[str, Masks], /, *, only: Sequence[str] = ()
) -> tuple[list[Pair], list[str], list[str]]:
    """Find the predictions of each true sequence by the last parts of its path.

    Parameters
    ----------
    results, truth : mapping of str to Masks
        From `masks_below`.
    only : sequence of str
        Names of the sequences wanted; all of the truth without one.

    Returns
    -------
    list of Pair
        Of every sequence wanted; without predictions where there are none.
    list of str
        Names of the results that are no sequence of the truth.
    list of str
        What is wrong: two results for a sequence.

    Raises
    ------
    MissingInputError
        If one of `only` is not in the truth.
    """
    if absent := [name for name in only if name not in truth]:
        raise MissingInputError(
            f"--set: the truth has no sequence {', '.join(map(repr, absent))}; it has {examples(truth)}"
        )
    pairs, wrong, used = [], [], set()
    for name in only or truth:
        found = [other for other in results if _ends_with(other, name)]
        if not found and len(truth) == 1 and len(results) == 1:
            found = list(results)  # one folder each, whatever they are called
        if len(found) > 1:
            wrong.append(f"{name} is there {len(found)} times: {', '.join(results[other].where for other in found)}")
        used |= set(found)
        nothing = Masks(_expected(results, name), {}, {})
        pairs.append(Pair(name, truth[name], results[found[0]] if found else nothing))
    strangers = [name for name in results if name not in used and not any(_ends_with(name, t) for t in truth)]
    return pairs, strangers, wrong


def _folders(
    files: Mapping[PurePosixPath, File], suffixes: Collection[str], *, home: Collection[str]
) -> dict[PurePosixPath, list[File]]:
    """Group files of a kind by their folder; where any of them are below one of the `home` folders, only those."""
    folders: dict[PurePosixPath, list[File]] = {}
    for path, file in files.items():
        if path.suffix.lower() in suffixes:
            folders.setdefault(path.parent, []).append(file)
    return {path: inside for path, inside in folders.items() if {*home} & {*path.parts}} or folders


def _masks(root: Path, folder: PurePosixPath, files: Collection[File], argument: str, record: File | None) -> Masks:
    where = _spell(root, folder)
    theirs = [file for file in files if record is None or file.stem not in PICTURES]
    named, photos = (
        by_stem(theirs, suffixes=suffixes, where=f"{argument}: {where}") for suffixes in (MASK_SUFFIXES, PHOTO_SUFFIXES)
    )
    return Masks(where, named, photos, record)


def _names(folders: Mapping[PurePosixPath, Masks], root: Path) -> Iterator[tuple[PurePosixPath, str]]:
    """Name each folder by its path below the one that holds them all; a single one by its last part."""
    paths = sorted(folders, key=lambda path: natural_key(path.as_posix()))
    bare = [_bare(path).parts for path in paths]
    common = 0
    while len({parts[: common + 1] for parts in bare}) == 1 and common < len(bare[0]) - 1:
        common += 1
    for path, parts in zip(paths, bare, strict=True):
        yield path, "/".join(parts[common:]) or root.resolve().stem


def _bare(path: PurePosixPath) -> PurePosixPath:
    """Leave out the folders in which a video keeps its frames and masks apart."""
    return PurePosixPath(*(part for part in path.parts if part not in ("frames", "masks")))


def _spell(root: Path, folder: PurePosixPath) -> str:
    return f"{root / folder}/".replace("//", "/")


def _expected(results: Mapping[str, Masks], name: str) -> str:
    """Spell where the masks of a sequence without any would be."""
    beside = next(iter(results.values())).where
    return f"{Path(beside).parent / name}/"


def _ends_with(name: str, end: str) -> bool:
    parts = end.split("/")
    return name.split("/")[-len(parts) :] == parts


def _number(name: str) -> int | None:
    found = re.findall(r"\d+", name)
    return int(found[-1]) if found else None
