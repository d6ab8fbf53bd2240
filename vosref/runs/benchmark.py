"""A data set as a benchmark has it: a run for each video, from what is given of it, whenever that is."""

import functools
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vosref.datasets import Dataset, Video, given, given_mask, open_video_frames
from vosref.io import Frames, InputError
from vosref.io.frames import FileFrames
from vosref.runs.jobs import Job, Later, digest, make_job
from vosref.runs.layout import each

__all__ = ["open_benchmark"]


def open_benchmark(
    dataset: Dataset,
    out: str | Path,
    /,
    *,
    method: str = "tvos",
    config: Any = None,
    opened: Callable[[int, int], None] = lambda _, __: None,
) -> list[Job]:
    """Open a run for each video of a data set: its first masks, and those of objects that appear later.

    Parameters
    ----------
    dataset : Dataset
    out : path
        Results go to ``out/<video>``.
    method, config
        As for `vosref.runs.open_job`.
    opened : callable
        Called with the number of videos opened, and of all.

    Returns
    -------
    list of Job

    Raises
    ------
    InputError
        Once, with all that cannot be used; MissingInputError if any of it is not there.
    """
    count = itertools.count(1)

    def open_one(name: str, _: None) -> Job:
        try:
            return _open(dataset[name], Path(out) / name, method, config)
        finally:
            opened(next(count), len(dataset))

    return list(each(dict.fromkeys(dataset), open_one).values())


def _open(video: Video, out: Path, method: str, config: Any) -> Job:
    entering = given(video)
    names = list(video.frames)
    if absent := [frame for frame in entering if frame not in video.frames]:
        raise InputError(f"{video.name}: {video.masks[absent[0]]} is the mask of no frame; add the frame")
    start = names.index(next(iter(entering)))
    first, *rest = (functools.partial(given_mask, video, frame, ids) for frame, ids in entering.items())
    later = tuple(
        Later(names.index(frame) - start, read, digest(read().ids.tobytes()))
        for frame, read in zip([*entering][1:], rest, strict=True)
    )
    mask, frames = first(), _frames_from(video, start)
    if mask.ids.shape != frames.size:
        raise InputError(f"{video.name}: the mask of frame {names[start]} has not the size of the frames")
    leading = tuple(names[:start])
    return make_job(video.name, frames, mask, out, method=method, config=config, later=later, leading=leading)


def _frames_from(video: Video, start: int) -> Frames:
    if start == 0:
        return open_video_frames(video)
    return FileFrames({name: video.frames[name] for name in [*video.frames][start:]})
