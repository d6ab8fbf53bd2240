"""Scale, crop and flip, drawn once for all frames that share a view."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vosref.train.footage import VOID, resized

__all__ = ["View", "draw_view", "look"]

PADDING = 127.5  # of frames: the middle of their range, which Xception's input maps to 0 [specs FEELVOS §1.1]


class View(NamedTuple):
    """What of a frame is seen, and how."""

    scale: float  # of the frame, before the crop
    place: tuple[float, float]  # of the crop in what room there is, 0 to 1, down and to the right
    size: tuple[int, int]  # of the crop
    flip: tuple[bool, bool]  # upside down; left and right exchanged


def draw_view(
    rng: np.random.Generator,
    /,
    *,
    crop: int,
    scales: tuple[float, float] = (1.0, 1.0),
    flips: tuple[float, float] = (0.0, 0.5),
) -> View:
    """Draw a view.

    Parameters
    ----------
    rng : numpy.random.Generator
    crop : int
        Side of the square crop, in pixels of the scaled frame.
    scales : (float, float)
        The factor is uniform between them.
    flips : (float, float)
        Probability of turning upside down, and of exchanging left and right.

    Returns
    -------
    View
    """
    scale, (down, right), flip = float(rng.uniform(*scales)), rng.random(2), rng.random(2)
    place = float(down), float(right)
    return View(scale, place, (crop, crop), (bool(flip[0] < flips[0]), bool(flip[1] < flips[1])))


def look(frames: Sequence[np.ndarray], masks: Sequence[np.ndarray], view: View, /) -> tuple[np.ndarray, np.ndarray]:
    """See frames (H, W, 3) and masks (H, W) through a view.

    A frame smaller than the crop is padded below and to the right, with grey and with void [specs FEELVOS §5.2].

    Returns
    -------
    frames, masks : array, shape (T, h, w, 3) and (T, h, w)
        float32, 0 to 255, and uint8.
    """
    images = np.full((len(frames), *view.size, 3), PADDING, np.float32)
    labels = np.full((len(masks), *view.size), VOID, np.uint8)
    for t, (image, ids) in enumerate(zip(frames, masks, strict=True)):
        height, width = (int(n * view.scale) for n in ids.shape)
        image, ids = resized(image, ids, (height, width))  # noqa: PLW2901
        room = (max(0, n - size) for n, size in zip(ids.shape, view.size, strict=True))
        top, left = (int(p * (r + 1)) for p, r in zip(view.place, room, strict=True))
        part = slice(top, top + view.size[0]), slice(left, left + view.size[1])
        height, width = ids[part].shape
        images[t, :height, :width], labels[t, :height, :width] = image[part], ids[part]
    for axis in (axis for axis, flipped in zip((1, 2), view.flip, strict=True) if flipped):
        images, labels = np.flip(images, axis), np.flip(labels, axis)
    return np.ascontiguousarray(images), np.ascontiguousarray(labels)
