"""What a data set is: videos by name, each listed when it is asked for and decoded when it is read."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from vosref.io.archives import File
from vosref.io.errors import InputError, MissingInputError
from vosref.io.frames import FRAME_SUFFIXES
from vosref.io.images import examples, natural_key
from vosref.io.places import Place, images_in
from vosref.io.truth import MASK_SUFFIXES

__all__ = ["PROTOCOLS", "Dataset", "Object", "Source", "Video"]

PROTOCOLS = {  # kind of data set: the protocol it is scored by
    "davis2016": "davis2016",
    "davis2017": "davis2017",
    "youtube_vos": "youtube_vos",
    "youtube_objects": "youtube_objects",
    "folders": "strict",
}


class Object(NamedTuple):
    """What a data set's lists tell of an object."""

    category: str | None = None
    frames: tuple[str, ...] | None = None  # where it is seen, the first of them where it is given


class Video(NamedTuple):
    """One video: its files, found but not read."""

    name: str
    kind: str  # of its data set
    frames: Mapping[str, File]  # by frame name, in natural order
    masks: Mapping[str, File]  # annotations at hand, for some of the frames or all
    objects: Mapping[int, Object]  # by id; empty where the data set has no list, and its masks tell
    asked: tuple[str, ...] | None  # frames whose masks the benchmark asks for; None where that cannot be told


class Source(NamedTuple):
    """Where a video's files are."""

    frames: Place
    masks: Place
    objects: Mapping[int, Object] = {}
    asked: Place | None = None  # what holds the frames that are asked for; None: `frames` itself
    any_asked: bool = True  # False where that folder should be there and is not
    by_number: bool = False  # masks are named by the frame's number, not by its whole name


class Dataset(Mapping[str, Video]):
    """Videos by name, in natural order. Each look-up lists the video's folders and decodes nothing.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    root : Place
        The folder or archive, where it starts.
    subset : str or None
        As it was asked for, or what is usual; None where all videos are taken.
    protocol : str
        Name of the protocol it is scored by.
    seen : frozenset of str or None
        YouTube-VOS: categories of the training set; None where they are not known.
    """

    def __init__(
        self,
        kind: str,
        root: Place,
        sources: Mapping[str, Source],
        /,
        *,
        subset: str | None = None,
        seen: frozenset[str] | None = None,
    ) -> None:
        self.kind, self.root, self.subset, self.seen = kind, root, subset, seen
        self.protocol = PROTOCOLS[kind]
        self._sources = {name: sources[name] for name in sorted(sources, key=natural_key)}

    def __getitem__(self, name: str) -> Video:
        """List a video's files.

        Raises
        ------
        KeyError
            If the data set has no such video.
        InputError
            If it holds no frame, no mask of a frame, or two files of one name.
        """
        return list_video(name, self.kind, self._sources[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)

    def __contains__(self, name: object) -> bool:
        return name in self._sources

    def only(self, names: Collection[str], /) -> "Dataset":
        """Return these videos alone; all without any.

        Raises
        ------
        MissingInputError
            If one of them is not there.
        """
        if absent := [name for name in names if name not in self]:
            raise MissingInputError(f"{self.root} has no video {', '.join(absent)} in its set; it has {examples(self)}")
        sources = {name: source for name, source in self._sources.items() if not names or name in names}
        return Dataset(self.kind, self.root, sources, subset=self.subset, seen=self.seen)

    def __repr__(self) -> str:
        return f"<Dataset {self.kind} at {self.root}, set {self.subset}, {len(self)} videos>"


def list_video(name: str, kind: str, source: Source, /) -> Video:
    """Find the frames and masks of one video; see `Dataset`."""
    frames = images_in(source.frames, suffixes=FRAME_SUFFIXES, argument=name)
    if not frames:
        error = InputError if source.frames.exists() else MissingInputError
        raise error(f"{name}: {source.frames} holds no image ({' '.join(FRAME_SUFFIXES)}); its frames belong there")
    asked: tuple[str, ...] | None = tuple(frames) if source.any_asked else None
    if source.asked is not None:
        wanted = images_in(source.asked, suffixes=FRAME_SUFFIXES, argument=name)
        asked = tuple(frame for frame in frames if frame in wanted)
    return Video(name, kind, frames, _masks(name, frames, source), source.objects, asked)


def _masks(name: str, frames: Mapping[str, File], source: Source) -> dict[str, File]:
    """Find the masks that are named like a frame."""
    key = _number if source.by_number else str
    suffixes = (*MASK_SUFFIXES, ".jpg", ".jpeg")  # a lossy mask is refused when it is read, with its remedy
    found = images_in(source.masks, suffixes=suffixes, argument=name)
    keyed = {key(stem): file for stem, file in found.items()}
    masks = {frame: keyed[key(frame)] for frame in frames if key(frame) in keyed}
    if masks:
        return masks
    held = "holds no mask" if source.masks.exists() else "is not there"
    held = f"holds masks named {examples(found)}, none named like a frame ({examples(frames)})" if found else held
    raise MissingInputError(f"{name}: {source.masks} {held}; the masks of {name} belong there")


def _number(stem: str) -> str:
    """Return the number that a name ends in, or the name where it ends in none."""
    digits = re.search(r"\d+$", stem)
    return str(int(digits[0])) if digits else stem
