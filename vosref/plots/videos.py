"""Overlays of a whole sequence as one small video, `.mp4` where PyAV is installed and `.gif` everywhere."""

import itertools
from collections.abc import Iterable, Iterator
from fractions import Fraction
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from vosref.io import InputError, atomic_path
from vosref.plots.overlays import overlay, paired

__all__ = ["overlay_suffix", "write_overlay_video"]

_GIF_WIDTH = 480  # pixels; a GIF predicts no motion, so it grows with its area


def overlay_suffix() -> str:
    """Suffix of the best overlay video that can be written here: ".mp4" with PyAV, else ".gif"."""
    try:
        import av  # noqa: F401, PLC0415 - optional, and looking for it would not notice a broken one
    except ImportError:
        return ".gif"
    return ".mp4"


def write_overlay_video(
    path: str | PathLike[str],
    frames: Iterable[ArrayLike],
    masks: Iterable[ArrayLike],
    /,
    *,
    frames_per_second: float = 24.0,
    max_height: int = 480,
) -> None:
    """Write the overlays of a sequence as a video; one frame is held at a time.

    Overlays above `max_height` are shrunk. An `.mp4` has even sizes, for its colours come in blocks of 2 × 2: an odd
    one grows by a pixel. A `.gif` is at most 480 pixels wide, rounds the time of a frame to 1/100 second, stores equal
    neighbours as one longer frame, and waits in memory, a byte a pixel, until the last frame has come.

    Parameters
    ----------
    path : path
        Ends in `.mp4`, which needs PyAV, or in `.gif`.
    frames, masks : iterables of arrays, shape (H, W, 3) and (H, W), uint8
    frames_per_second : float
        In [1, 100].
    max_height : int
        Rows of the video, 16 or more.

    Raises
    ------
    ValueError
        If an argument is out of range, the iterables differ in length or are empty, or the shape of a frame changes.
    InputError
        If the path ends in `.mp4` and there is no PyAV.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in {".mp4", ".gif"}:
        raise ValueError(f"path must end in .mp4 or .gif, got {path.name!r}")
    if not 1 <= frames_per_second <= 100:
        raise ValueError(f"frames_per_second must be in [1, 100], got {frames_per_second}")
    if max_height < 16:
        raise ValueError(f"max_height must be 16 or more pixels, got {max_height}")
    write, max_width = (_write_gif, _GIF_WIDTH) if suffix == ".gif" else (_write_mp4, None)
    pictures = _small_overlays(frames, masks, max_height, max_width)
    first = next(pictures, None)
    if first is None:
        raise ValueError("frames must hold at least one frame, got none")
    with atomic_path(path) as temporary:
        write(temporary, itertools.chain([first], pictures), frames_per_second)


def _small_overlays(
    frames: Iterable[ArrayLike], masks: Iterable[ArrayLike], max_height: int, max_width: int | None
) -> Iterator[NDArray[np.uint8]]:
    """Overlays one by one, shrunk to the limits; all of one shape."""
    shape = None
    for t, pair in enumerate(paired(frames, masks)):
        picture = overlay(*pair)
        shape = shape or picture.shape
        if picture.shape != shape:
            raise ValueError(f"frames must all have one shape, {shape}, got {picture.shape} for frame {t}")
        height, width, _ = shape
        share = min(1.0, max_height / height, (max_width or width) / width)
        if share < 1:
            size = (max(1, round(width * share)), max(1, round(height * share)))
            picture = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))
        yield picture


def _write_mp4(path: Path, pictures: Iterable[NDArray[np.uint8]], frames_per_second: float) -> None:
    """Encode as H.264, or as MPEG-4 where FFmpeg was built without it."""
    try:
        import av  # noqa: PLC0415 - optional
    except ImportError as error:
        raise InputError(f"{path.suffix} needs PyAV: pip install 'vosref[video]', or write a .gif") from error
    codec, options = "mpeg4", {"b": "4M"}
    if "libx264" in av.codecs_available:
        # Its trees of macroblocks read memory that nobody wrote, and its threads depend on the machine.
        same = {"threads": "1", "x264-params": "no-mbtree=1"}
        codec, options = "libx264", {"crf": "22", "preset": "veryfast", **same}
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = container.add_stream(codec, rate=Fraction(frames_per_second).limit_denominator(1001), options=options)
        stream.pix_fmt = "yuv420p"
        for t, picture in enumerate(pictures):
            height, width, _ = picture.shape
            even = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
            if t == 0:
                stream.height, stream.width = even.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
        container.mux(stream.encode(None))


def _write_gif(path: Path, pictures: Iterable[NDArray[np.uint8]], frames_per_second: float) -> None:
    """Encode with 256 colours of its own for every frame, which follow the light where one palette would not."""
    octree = Image.Quantize.FASTOCTREE  # a hundred times as fast as the median cut, and it keeps thin outlines
    images = (Image.fromarray(picture).quantize(256, method=octree) for picture in pictures)
    milliseconds = max(20, 10 * round(100 / frames_per_second))  # browsers slow down what is faster than 20
    next(images).save(path, format="GIF", save_all=True, append_images=images, duration=milliseconds, loop=0)
