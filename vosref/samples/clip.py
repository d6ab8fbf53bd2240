"""A clip in memory: frames and masks of a sample, or of the reader's own video."""

from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vosref.io import MissingInputError, open_frames, read_mask
from vosref.samples.painting import Bytes

__all__ = ["Clip", "open_clip"]


class Clip(NamedTuple):
    """Frames of a video, and the masks that are known of it."""

    name: str
    frames: Bytes  # (T, H, W, 3) uint8, RGB
    masks: Bytes  # (T, H, W) uint8 object ids, or (1, H, W) where the first frame's is the only one
    ids: tuple[int, ...]  # in the first mask, background 0 first

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.frames.shape[1:3]


def open_clip(
    video: str | PathLike[str], /, *, masks: str | PathLike[str] | None = None, n_frames: int | None = None
) -> Clip:
    """Load a sample clip, or a video of one's own, whole into memory.

    Parameters
    ----------
    video : str or path
        A name in `SAMPLES`, or a folder of images or a video file.
    masks : path, optional
        Of a video of one's own: the first frame's mask, or a folder of PNG files named as the frames.
    n_frames : int, optional
        Take only so many frames, from the first on.

    Returns
    -------
    Clip

    Raises
    ------
    ValueError
        If `masks` is missing for a video of one's own, or given for a sample, or `n_frames` is not positive.
    InputError
        If a file cannot be read.
    MissingInputError
        If some of the frames have a mask in the folder and others, within `n_frames`, have none.
    """
    from vosref.samples import SAMPLES, sample_path  # noqa: PLC0415 - which lists this file's names too

    if n_frames is not None and n_frames < 1:
        raise ValueError(f"n_frames must be 1 or more, got {n_frames}")
    sample = str(video) in SAMPLES
    if sample != (masks is None):
        known = ", ".join(SAMPLES)
        raise ValueError(f"masks must be given for a video, and not for a sample ({known}), got {masks!r} for {video}")
    folder = sample_path(str(video)) if sample else Path(video)
    opened = open_frames(folder / "frames" if sample else folder)
    given = folder / "masks" if sample or masks is None else Path(masks)
    names = opened.names[:n_frames]
    files = [given / f"{name}.png" for name in names] if given.is_dir() else [given]
    absent = [file.name for file in files if not file.is_file()]
    if absent:
        raise MissingInputError(f"masks: {given} lacks {', '.join(absent[:3])}; name the first mask alone, or add them")
    frames = np.stack([frame for frame, _ in zip(opened, names, strict=False)])
    first = read_mask(files[0], size=opened.size)
    others = [read_mask(file, size=opened.size, known=range(256), allow_empty=True).ids for file in files[1:]]
    ids = (0, *(int(k) for k in np.unique(first.ids) if k))
    return Clip(str(video) if sample else folder.name, frames, np.stack([first.ids, *others]), ids)
