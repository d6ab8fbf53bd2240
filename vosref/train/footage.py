"""What training sees: snippets of video with their masks, drawn by a generator of random numbers.

A source is asked for the frames of one video at times that it is told to choose, and gives them whole; cropping and
flipping are the methods' own. Any number of sources is mixed with weights.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np

from vosref.datasets import Dataset, Video, annotation, open_video_frames
from vosref.io import InputError
from vosref.io.frames import FileFrames
from vosref.resize import resize_bilinear, resize_nearest

__all__ = ["VOID", "Clip", "Footage", "Mixture", "Source", "Times", "resized"]

VOID = 255
Times: TypeAlias = Callable[[int, np.random.Generator], Sequence[int]]
"""From the number of a video's frames, and a generator, to the frames that are wanted of it."""


class Clip(NamedTuple):
    """Some frames of one video."""

    frames: tuple[np.ndarray, ...]  # each (H, W, 3), uint8
    masks: tuple[np.ndarray, ...]  # each (H, W), uint8 ids; 255 is void
    name: str  # of the video


class Source(Protocol):
    """Where clips come from."""

    def draw(self, rng: np.random.Generator, times: Times, /, *, at_least: int) -> Clip:
        """Draw a video of so many frames at least, and the frames of it that `times` chooses."""


class Footage:
    """The annotated frames of a data set, decoded when they are first asked for, and held while they fit.

    Parameters
    ----------
    dataset : Dataset
        Only frames that have a mask count, so that of YouTube-VOS it is every fifth.
    memory : int
        Bytes that decoded frames and masks may take. What is beyond is decoded again each time.
    short_side : int, optional
        Frames are brought to this many pixels along their shorter side, masks by the nearest pixel, as TVOS trains on
        YouTube-VOS (384). By default they stay as they are.
    """

    def __init__(self, dataset: Dataset, /, *, memory: int = 4 << 30, short_side: int | None = None) -> None:
        self.videos: Mapping[str, Video] = {name: dataset[name] for name in dataset}
        self.frames = {name: [f for f in video.frames if f in video.masks] for name, video in self.videos.items()}
        self._room, self._short_side = memory, short_side
        self._held: dict[tuple[str, str], tuple[np.ndarray, np.ndarray]] = {}
        self._opened: dict[str, tuple[FileFrames, dict[str, int]]] = {}
        self._lock = threading.Lock()

    def draw(self, rng: np.random.Generator, times: Times, /, *, at_least: int) -> Clip:
        """Draw a video in proportion to how many snippets of `at_least` frames it has, and frames of it."""
        lengths = {name: len(frames) for name, frames in self.frames.items() if len(frames) >= at_least}
        if not lengths:
            longest = max(map(len, self.frames.values()), default=0)
            raise InputError(
                f"no video has {at_least} annotated frames, which a snippet needs; the longest of {len(self.frames)} "
                f"has {longest}"
            )
        starts = np.array([n - at_least + 1 for n in lengths.values()], float)
        name = list(lengths)[rng.choice(len(starts), p=starts / starts.sum())]
        chosen = [self._read(name, self.frames[name][t]) for t in times(lengths[name], rng)]
        return Clip(tuple(f for f, _ in chosen), tuple(m for _, m in chosen), name)

    def _read(self, name: str, frame: str) -> tuple[np.ndarray, np.ndarray]:
        held = self._held.get((name, frame))
        if held is not None:
            return held
        video = self.videos[name]
        if name not in self._opened:
            frames = open_video_frames(video)
            self._opened[name] = frames, {stem: i for i, stem in enumerate(frames.names)}
        frames, places = self._opened[name]
        image = np.asarray(frames[places[frame]])
        mask = annotation(video, frame, size=image.shape[:2])
        ids = mask.ids if mask.void is None else np.where(mask.void, np.uint8(VOID), mask.ids)
        both = self._resized(image, ids)
        with self._lock:
            size = both[0].nbytes + both[1].nbytes
            if size <= self._room and (name, frame) not in self._held:
                self._held[name, frame] = both
                self._room -= size
        return both

    def _resized(self, image: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self._short_side is None or min(ids.shape) == self._short_side:
            return image, ids
        height, width = (round(n * self._short_side / min(ids.shape)) for n in ids.shape)
        return resized(image, ids, (height, width))


def resized(image: np.ndarray, ids: np.ndarray, size: tuple[int, int], /) -> tuple[np.ndarray, np.ndarray]:
    """Bring a frame and its mask to a size: bilinearly, and by the nearest pixel, corners aligned."""
    if ids.shape == size:
        return image, ids
    smooth = resize_bilinear(image.astype(np.float32), size=size, align_corners=True)
    return np.rint(smooth).astype(np.uint8), resize_nearest(ids[:, :, None], size=size)[:, :, 0]


class Mixture:
    """Sources, each drawn from in proportion to its weight."""

    def __init__(self, sources: Sequence[tuple[float, Source]], /) -> None:
        weights = np.array([weight for weight, _ in sources], float)
        if not len(weights) or not np.all(weights >= 0) or not weights.sum() > 0 or not np.isfinite(weights.sum()):
            raise ValueError(f"weights of sources must be 0 or more, one above 0, got {[w for w, _ in sources]}")
        self._sources, self._shares = [source for _, source in sources], weights / weights.sum()

    def draw(self, rng: np.random.Generator, times: Times, /, *, at_least: int) -> Clip:
        """Draw a source, and a clip of it."""
        return self._sources[rng.choice(len(self._shares), p=self._shares)].draw(rng, times, at_least=at_least)
