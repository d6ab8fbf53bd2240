"""Opening the frames of a video: of a folder or a video file all are checked first, of a data set as they are read."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from vosref.io.archives import File
from vosref.io.errors import InputError, MissingInputError
from vosref.io.images import decode_image, examples, kind_of, list_images, spell_size
from vosref.io.sequence import Frame, Frames
from vosref.io.video import VIDEO_SUFFIXES, VideoFrames

__all__ = ["FRAME_SUFFIXES", "FileFrames", "FolderFrames", "open_frames"]

FRAME_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")

_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX")  # 8 bits a channel or fewer, each with one meaning in RGB
_CHECKERS = 4  # threads; Pillow's decoders let each other run


def open_frames(path: str | os.PathLike[str], /) -> Frames:
    """Open a folder of images or a video file, and check every frame of it.

    Parameters
    ----------
    path : path
        A folder: its images (jpg, jpeg, png, bmp, tif, tiff, webp) are the frames, in natural order of their names.
        Or a video file (mp4, mov, avi, mkv, webm, gif, m4v, mpg, mpeg; needs PyAV), which is decoded once to check it.

    Returns
    -------
    Frames
        `names`, `size` and the frames, read when asked for and the right way up.

    Raises
    ------
    MissingInputError
        If nothing is there.
    InputError
        If it is neither, holds no frame, a frame cannot be decoded or is no 8-bit image, or the sizes differ.

    Examples
    --------
    >>> import vosref
    >>> from vosref.samples import sample_path
    >>> frames = vosref.open_frames(sample_path("two-crossing") / "frames")
    >>> frames.count, frames.size, frames.names[:2]
    (24, (160, 288), ('00000', '00001'))
    >>> frames[0].shape, frames[0].dtype
    ((160, 288, 3), dtype('uint8'))
    """
    path = Path(path)
    kind = kind_of(path)
    if kind == "missing":
        raise MissingInputError(f"frames: {path} does not exist; give a folder of images or a video file")
    if kind == "folder":
        return FolderFrames(path)
    if path.suffix.lower() in VIDEO_SUFFIXES:
        return VideoFrames(path)
    what = "one image" if path.suffix.lower() in FRAME_SUFFIXES else "neither a folder nor a video"
    raise InputError(
        f"frames: {path} is {what}; give the folder that holds the images of the video, "
        f"or a video file ({' '.join(VIDEO_SUFFIXES)})"
    )


class FileFrames(Frames):
    """Image files in the order given, in a folder or a zip archive; each is checked when it is read.

    Parameters
    ----------
    files : mapping of str to File
        Frame name to file.
    size : tuple of int, optional
        (height, width) of every frame; by default the first one tells, and is decoded for it.

    Raises
    ------
    InputError
        If there is no file, or the first one cannot be read.
    """

    def __init__(self, files: Mapping[str, File], /, *, size: tuple[int, int] | None = None) -> None:
        if not files:
            raise InputError("frames: there are none; a video has at least one")
        self._files = tuple(files.values())
        self.names = tuple(files)
        self.size = _size(_decode_frame(self._files[0])) if size is None else size

    def _read_from(self, start: int) -> Iterator[Frame]:
        for file in self._files[start:]:
            image = _decode_frame(file)
            if _size(image) != self.size:
                raise _differs(file, _size(image), self._files[0], self.size)
            # Colours are wanted, not opacity; Pillow warns when it must choose by itself.
            image.info.pop("transparency", None)
            yield np.array(image.convert("RGB"))


class FolderFrames(FileFrames):
    """The images of one folder, all of them checked; see `open_frames`."""

    def __init__(self, folder: Path, /) -> None:
        files = list_images(folder, suffixes=FRAME_SUFFIXES, argument="frames")
        if not files:
            raise InputError(
                f"frames: {folder} holds no image ({' '.join(FRAME_SUFFIXES)}){_inside(folder)}; "
                "give the folder that holds the frames themselves"
            )
        super().__init__(files, size=_checked_size(tuple(files.values())))


def _inside(folder: Path) -> str:
    folders = [p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")]
    return f", but the folder{'s' if len(folders) > 1 else ''} {examples(folders)}" if folders else ""


def _decode_frame(path: File) -> Image.Image:
    image = decode_image(path, argument="frames", upright=True)
    if image.mode not in _MODES:
        raise InputError(f"frames: {path} has mode {image.mode!r}; convert it to 8-bit RGB or grey")
    return image


def _checked_size(files: Sequence[Path]) -> tuple[int, int]:
    """Decode every file, and return the one size (height, width) that they all have."""
    with ThreadPoolExecutor(_CHECKERS) as pool:
        found = list(pool.map(_size_or_error, files))
    broken = [f for f in found if isinstance(f, InputError)]
    if broken:
        more = f" ({len(broken)} of the {len(files)} frames cannot be used)" if len(broken) > 1 else ""
        raise type(broken[0])(f"{broken[0]}{more}") from broken[0]
    sizes = [f for f in found if not isinstance(f, InputError)]
    for path, size in zip(files, sizes, strict=True):
        if size != sizes[0]:
            raise _differs(path, size, files[0], sizes[0])
    return sizes[0]


def _size_or_error(path: Path) -> tuple[int, int] | InputError:
    try:
        return _size(_decode_frame(path))
    except InputError as error:
        return error


def _size(image: Image.Image) -> tuple[int, int]:
    return image.height, image.width


def _differs(file: File, size: tuple[int, int], first: File, expected: tuple[int, int]) -> InputError:
    return InputError(
        f"frames: {file} is {spell_size(size)} but {first.name} is {spell_size(expected)} (width x height); "
        "the frames of a video have one size, so resize it or move it away"
    )
