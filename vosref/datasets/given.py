"""What a method is given of a video: its frames, and each object's mask where it first appears."""

from collections.abc import Collection, Iterator

import numpy as np

from vosref.datasets.videos import Video
from vosref.io.archives import File
from vosref.io.errors import InputError
from vosref.io.frames import FileFrames
from vosref.io.images import decode_image, spell_size
from vosref.io.masks import Mask, davis_palette, read_mask

__all__ = ["annotation", "cut_mask", "given", "given_mask", "open_video_frames"]

_MERGED = ("davis2016", "youtube_objects")  # one object: whatever is not background
_NUMBERED = ("davis2017", "youtube_vos")  # ids everywhere, so that 255 is void even where it stands alone
_ALL_AT_ONCE = (*_MERGED, "davis2017")  # the first mask with an object has them all


def open_video_frames(video: Video, /) -> FileFrames:
    """Open the frames of a video; each is decoded, and checked, when it is read.

    Raises
    ------
    InputError
        If the first frame, which tells the size, cannot be read.
    """
    return FileFrames(video.frames)


def given(video: Video, /) -> dict[str, tuple[int, ...]]:
    """Tell which objects are given in which frame: where each appears for the first time.

    Returns
    -------
    dict of str to tuple of int
        Frame name to ids, ascending; only frames in which an object is given, in their order. Of DAVIS this is the
        first frame; of YouTube-VOS what its list says, and masks are decoded only for objects that it leaves open; else
        the masks tell, and are decoded.

    Raises
    ------
    InputError
        If a mask that is needed cannot be read, or no object is given at all.
    """
    listed = {k: o.frames[0] for k, o in video.objects.items() if o.frames and o.frames[0] in video.masks}
    if not listed or len(listed) < len(video.objects):
        for frame, ids in _shown(video):
            listed = dict.fromkeys(ids, frame) | listed
        # A list decides which objects there are, even where it does not say when they come.
        listed = {k: at for k, at in listed.items() if not video.objects or k in video.objects}
    if not listed:
        raise InputError(f"{video.name}: all its {len(video.masks)} masks are background, so no object is given")
    frames = (frame for frame in video.masks if frame in listed.values())
    return {frame: tuple(sorted(k for k, at in listed.items() if at == frame)) for frame in frames}


def given_mask(video: Video, frame: str, ids: Collection[int], /) -> Mask:
    """Read the mask of a frame in which objects are given, and leave only these in it.

    Parameters
    ----------
    video : Video
    frame : str
        Name of the frame.
    ids : collection of int
        The objects that are given there, as `given` tells.

    Returns
    -------
    Mask
        Ids in `ids`, and 0. Of DAVIS 2016 and YouTube-Objects all objects are one, with id 1.

    Raises
    ------
    InputError
        If the mask cannot be read, or lacks one of them.
    """
    mask = annotation(video, frame)
    if absent := sorted(set(ids) - set(mask.objects)):
        raise InputError(
            f"{video.name}: {video.masks[frame]} should give object {', '.join(map(str, absent))} and has no pixel of "
            f"it, but of {', '.join(map(str, mask.objects)) or 'none'}"
        )
    kept = np.where(np.isin(mask.ids, tuple(ids)), mask.ids, np.uint8(0))
    return mask._replace(ids=kept, objects=tuple(sorted(ids)), void=None)


def annotation(video: Video, frame: str, /, *, size: tuple[int, int] | None = None) -> Mask:
    """Read the mask of a frame, by what its data set means with it.

    Parameters
    ----------
    video : Video
    frame : str
        Name of a frame that has a mask.
    size : tuple of int, optional
        (height, width) that it must have.

    Returns
    -------
    Mask
        Of DAVIS 2016 and YouTube-Objects all that is no background is object 1; a JPEG of the latter, as it was
        published, is cut at half its range. Of DAVIS 2017 and YouTube-VOS 255 is void, elsewhere only beside other ids.

    Raises
    ------
    InputError
        If it cannot be used; see `vosref.io.read_mask`.
    """
    file = video.masks[frame]
    if video.kind == "youtube_objects" and file.suffix.lower() in (".jpg", ".jpeg"):
        return cut_mask(file, argument=video.name, size=size)
    void_alone = video.kind in _NUMBERED
    mask = read_mask(file, size=size, argument=video.name, allow_empty=True, allow_void=True, void_alone=void_alone)
    if video.kind not in _MERGED or not mask.objects:
        return mask
    return mask._replace(ids=(mask.ids > 0).astype(np.uint8), objects=(1,))


def cut_mask(file: File, /, *, argument: str, size: tuple[int, int] | None = None) -> Mask:
    """Read a mask that went through JPEG, whose edges are no longer 0 and 255: object 1 from 128 on.

    Raises
    ------
    InputError
        If it cannot be decoded, or has another size.
    """
    pixels = np.asarray(decode_image(file, argument=argument).convert("L"))
    if size is not None and pixels.shape != tuple(size):
        raise InputError(
            f"{argument}: {file} is {spell_size(pixels.shape)} but the frames are {spell_size(size)} (width x height); "
            "scale the frames to the size of their masks"
        )
    ids = (pixels >= 128).astype(np.uint8)
    return Mask(ids, (1,) if ids.any() else (), davis_palette(), binary=True)


def _shown(video: Video) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Name the objects of each mask that may be the first to show one."""
    for frame in video.masks:
        objects = annotation(video, frame).objects
        yield frame, objects
        if objects and video.kind in _ALL_AT_ONCE:
            return
