"""Frames out of a video file, with PyAV (`pip install 'vosref[video]'`); what is damaged is refused, not concealed."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from vosref.io.errors import InputError
from vosref.io.images import spell_size
from vosref.io.sequence import Frame, Frames

__all__ = ["VIDEO_SUFFIXES", "VideoFrames"]

VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".gif", ".m4v", ".mpg", ".mpeg")

_MEND = "encode it again, for example with `ffmpeg -i broken.mp4 whole.mp4`, or give a folder of images"


class VideoFrames(Frames):
    """The frames of one video file, named 00000, 00001, ...; see `open_frames`.

    Opening decodes the file once, frame by frame: only so are its damage found before the work starts and its frames
    counted, since containers claim wrong numbers. A WebM, MKV or GIF file cut at its end merely has fewer frames.
    """

    def __init__(self, path: Path, /) -> None:
        self._path = path
        sizes = [_upright_size(frame) for frame in _decoded(path)]
        if not sizes:
            raise InputError(f"frames: {path} holds no frame; {_MEND}")
        for t, size in enumerate(sizes):
            if size != sizes[0]:
                raise InputError(
                    f"frames: {path} changes from {spell_size(sizes[0])} to {spell_size(size)} (width x height) "
                    f"at frame {t}; the frames of a video have one size, so scale or split it"
                )
        self.size = sizes[0]
        self.names = tuple(f"{t:05d}" for t in range(len(sizes)))

    def _read_from(self, start: int) -> Iterator[Frame]:
        for frame in islice(_decoded(self._path), start, None):
            yield np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), _quarter_turns(frame)))


def _decoded(path: Path) -> Iterator[Any]:
    av = _pyav(path)
    t = 0
    try:
        # A file object: a name with a colon or a percent sign means something else to FFmpeg.
        with path.open("rb") as file, av.open(file) as container:
            stream = container.streams.best("video")
            if stream is None:
                raise InputError(f"frames: {path} has no picture in it; {_MEND}")
            stream.thread_type = "AUTO"
            for packet in container.demux(stream):
                for frame in packet.decode():
                    if frame.is_corrupt:
                        raise InputError(f"frames: {path} is damaged at frame {t}; {_MEND}")
                    yield frame
                    t += 1
                if packet.is_corrupt:
                    raise InputError(f"frames: {path} is cut off or damaged after {t} frames; {_MEND}")
    except (av.error.FFmpegError, OSError) as error:
        reason = error.strerror or str(error)
        raise InputError(f"frames: {path} cannot be decoded after {t} frames ({reason}); {_MEND}") from error


def _pyav(path: Path) -> ModuleType:
    try:
        import av  # noqa: PLC0415 - an extra, and slow to load
    except ImportError as error:
        raise InputError(
            f"frames: {path} is a video file, which needs PyAV: pip install 'vosref[video]', or give a folder of images"
        ) from error
    return av


def _quarter_turns(frame: Any) -> int:
    """Quarter turns, counterclockwise, that bring a frame upright."""
    return round(getattr(frame, "rotation", 0) / 90) % 4  # PyAV 13 does not tell


def _upright_size(frame: Any) -> tuple[int, int]:
    return (frame.width, frame.height) if _quarter_turns(frame) % 2 else (frame.height, frame.width)
