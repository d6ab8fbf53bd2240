"""The ground truth of a video: a folder of masks named like its frames, of which there may be fewer."""

import os
from collections.abc import Iterable
from pathlib import Path

from vosref.io.errors import InputError, MissingInputError
from vosref.io.images import examples, kind_of, list_images
from vosref.io.masks import read_mask

__all__ = ["MASK_SUFFIXES", "PICTURES", "truth_masks"]

PICTURES = ("overlay", "scores")  # names of what `vosref segment` draws, beside masks
MASK_SUFFIXES = (".png", ".bmp", ".tif", ".tiff", ".gif")


def truth_masks(
    path: str | os.PathLike[str], names: Iterable[str], /, *, size: tuple[int, int], argument: str = "--truth"
) -> dict[str, Path]:
    """Find the ground-truth masks of a video, and check every one of them; `read_mask` reads them again.

    Parameters
    ----------
    path : path
        A folder of masks, named like the frames.
    names : iterable of str
        The names of the frames.
    size : tuple of int
        (height, width) of the frames, which each mask must have.
    argument : str
        What the message of an error calls the folder.

    Returns
    -------
    dict of str to Path
        Name to file, in the order of `names`, for the frames that have a mask.

    Raises
    ------
    MissingInputError
        If the folder is not there, or no file in it is named like a frame.
    InputError
        If it is no folder, or a mask cannot be used (see `read_mask`; all background and void are no reason).
    """
    path = Path(path)
    if (kind := kind_of(path)) != "folder":
        error = MissingInputError if kind == "missing" else InputError
        reason = "does not exist" if kind == "missing" else "is not a folder"
        raise error(f"{argument}: {path} {reason}; give the folder of ground-truth masks")
    names = tuple(names)
    files = list_images(path, suffixes=MASK_SUFFIXES, argument=argument)
    truth = {name: files[name] for name in names if name in files}
    if not truth:
        held = f"holds masks named {examples(files)}" if files else f"holds no mask ({' '.join(MASK_SUFFIXES)})"
        raise MissingInputError(
            f"{argument}: {path} {held}, none of them named like a frame ({examples(names)}); "
            "give the folder of masks whose names are those of the frames"
        )
    for file in truth.values():
        read_mask(file, size=size, argument=argument, allow_empty=True, allow_void=True)
    return truth
