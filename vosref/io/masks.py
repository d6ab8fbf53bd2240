"""Masks of object ids: reading one, with a reason and a remedy in each refusal."""

import functools
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from vosref.io.archives import File, Member
from vosref.io.errors import InputError
from vosref.io.images import decode_image, spell_size

__all__ = ["Mask", "davis_palette", "read_mask"]

_LOSSLESS = ("PNG", "BMP", "TIFF", "GIF")
_WIDE = ("I", "I;16", "I;16B", "I;16L")  # grey of more than 8 bits
_VOID = 255  # DAVIS: the pixel counts for nothing
_MEND = "save it as a palette PNG (mode P) where index 0 is background and 1, 2, ... are the objects"


class Mask(NamedTuple):
    """Which object each pixel belongs to."""

    ids: npt.NDArray[np.uint8]  # (H, W): 0 is background, 1 to 254 are objects
    objects: tuple[int, ...]  # the ids above 0 that occur, ascending
    palette: bytes  # 768: red, green, blue of ids 0 to 255
    binary: bool  # stored as 0 and 255 (or 1 bit), so object 1 is what was 255
    void: npt.NDArray[np.bool_] | None = None  # (H, W): what was 255 and is no object; None where nothing was


def read_mask(
    path: str | os.PathLike[str] | Member,
    /,
    *,
    size: tuple[int, int] | None = None,
    argument: str = "--mask",
    allow_empty: bool = False,
    allow_void: bool = False,
    void_alone: bool = False,
    known: Collection[int] = (),
) -> Mask:
    """Read a mask of object ids.

    Parameters
    ----------
    path : path or Member
        A PNG, BMP, TIFF or GIF file in palette or grey mode, in a folder or a zip archive. Values are object ids and
        may have gaps; where only 0 and 255 occur, 255 is object 1.
    size : tuple of int, optional
        (height, width) that the mask must have.
    argument : str
        What the message of an error calls the mask.
    allow_empty : bool
        Accept a mask that is all background: an object may have left.
    allow_void : bool
        Read 255 beside other ids as background, and 255 alone as object 1: ground truth has both.
    void_alone : bool
        Read 255 as background where it stands alone, too: the mask belongs to a video whose others have ids.
    known : collection of int
        Ids that are objects of the video, of which thin remnants raise no doubt.

    Returns
    -------
    Mask
        With the file's own palette in palette mode, otherwise that of DAVIS.

    Raises
    ------
    MissingInputError
        If the file is not there.
    InputError
        If it cannot be decoded, has another size, is in colour, lossy or anti-aliased, holds no object, or holds ids
        that are not 0 to 254. The message says how to mend it.

    Examples
    --------
    >>> import vosref
    >>> from vosref.samples import sample_path
    >>> mask = vosref.read_mask(sample_path("two-crossing") / "masks" / "00000.png")
    >>> mask.ids.shape, mask.objects, mask.binary
    ((160, 288), (1, 6), False)
    """
    image = _mask_image(path if isinstance(path, Member) else Path(path), argument)
    where = f"{argument}: {path}"
    if size is not None and (found := (image.height, image.width)) != tuple(size):
        raise InputError(
            f"{where} is {spell_size(found)} but the frames are {spell_size(size)} (width x height); "
            "give the mask of these frames, or resize it with nearest neighbour"
        )
    pixels = np.asarray(image)
    values = _values(pixels)
    _refuse_soft(pixels, np.setdiff1d(values, [*known]), grey=image.mode != "P", where=where)
    binary = not void_alone and _is_binary(values, allow_void=allow_void)
    if not binary:
        _refuse_ids(values, allow_void=allow_void or void_alone, where=where)
    ids = np.where(pixels == _VOID, np.uint8(binary), pixels.astype(np.uint8))
    objects = (1,) if binary else tuple(int(i) for i in values if 0 < i < _VOID)
    if not objects and not allow_empty:
        raise InputError(f"{where} is all background; paint at least one object with id 1 to 254")
    void = pixels == _VOID if int(values[-1]) == _VOID and not binary else None
    return Mask(ids, objects, _palette(image, binary=binary), binary, void)


@functools.cache
def davis_palette() -> bytes:
    """Return the 768 bytes of the DAVIS palette, PASCAL VOC's: the id's bits shuffled into red, green and blue."""
    colours = bytearray(768)
    for index in range(256):
        for bit in range(8):
            # Bits 0, 3, 6 of the id go to red, 1, 4, 7 to green, 2, 5 to blue, the lowest to the most significant.
            colours[3 * index + bit % 3] |= (index >> bit & 1) << (7 - bit // 3)
    return bytes(colours)


def _mask_image(path: File, argument: str) -> Image.Image:
    """Decode a mask, and return it in a mode that holds ids: P, L or a wider grey."""
    image = decode_image(path, argument=argument)
    where = f"{argument}: {path}"
    if image.format not in _LOSSLESS:
        raise InputError(f"{where} is a {image.format} image, a photo's format; a mask must not be lossy: {_MEND}")
    if image.mode == "1":
        return image.convert("L")
    if image.mode not in ("P", "L", *_WIDE):
        colours = image.getcolors(maxcolors=256)
        count = len(colours) if colours else "more than 256"
        raise InputError(f"{where} is a {image.mode} image with {count} distinct colours, not object ids; {_MEND}")
    return image


def _values(pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """List the values that occur, ascending; of 8 bits they are counted, which takes a third of sorting's time."""
    return np.flatnonzero(np.bincount(pixels.ravel())) if pixels.dtype == np.uint8 else np.unique(pixels)


def _refuse_soft(pixels: npt.NDArray[Any], values: npt.NDArray[Any], *, grey: bool, where: str) -> None:
    """Refuse photos and anti-aliased masks: many values, or many of which most only occur along edges."""
    ids = values[values > 0]
    if grey and ids.size > 32:
        raise InputError(f"{where} holds {ids.size} grey levels: a photo or a soft mask, not object ids; {_MEND}")
    if ids.size <= 8:
        return
    thin = np.setdiff1d(ids, _solid_values(pixels)).size
    if 2 * thin > ids.size:
        raise InputError(
            f"{where} is anti-aliased or noise: of its {ids.size} ids, {thin} fill no block of 3x3 pixels; "
            "draw or resize it with hard edges (no smoothing, nearest neighbour)"
        )


def _solid_values(pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Values that fill at least one block of 3x3 pixels."""
    rows = (pixels[:, :-2] == pixels[:, 1:-1]) & (pixels[:, 1:-1] == pixels[:, 2:])
    middle = pixels[:, 1:-1]
    columns = (middle[:-2] == middle[1:-1]) & (middle[1:-1] == middle[2:])
    return np.unique(middle[1:-1][rows[:-2] & rows[1:-1] & rows[2:] & columns])


def _is_binary(values: npt.NDArray[Any], *, allow_void: bool) -> bool:
    return values.tolist() == [0, _VOID] or (allow_void and values.tolist() == [_VOID])


def _refuse_ids(values: npt.NDArray[Any], *, allow_void: bool, where: str) -> None:
    """Refuse ids that a palette PNG cannot hold, and void where the mask must say what each pixel is."""
    low, high = int(values[0]), int(values[-1])
    if low < 0 or high > _VOID:
        raise InputError(f"{where} holds id {low if low < 0 else high}; ids are 0 to 254, so number the objects from 1")
    if high < _VOID or allow_void:
        return
    if values.size == 1:
        raise InputError(f"{where} is 255 everywhere; in a binary mask the background is 0, and 255 is the object")
    raise InputError(
        f"{where} holds id 255 beside {values[values < _VOID].tolist()}: 255 is DAVIS's void label, and objects are "
        "1 to 254; paint those pixels with the id of their object, or 0 for background"
    )


def _palette(image: Image.Image, *, binary: bool) -> bytes:
    if image.mode != "P":
        return davis_palette()
    own = bytes(image.getpalette("RGB") or ())[:768]
    palette = own + davis_palette()[len(own) :]
    # What was 255 is object 1 now, and keeps its colour.
    return palette[:3] + palette[-3:] + palette[6:] if binary else palette
