"""Motion as colour: the wheel of Baker et al. (2011), in which the Middlebury benchmark shows optical flow."""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["flow_colours", "wheel"]

# From each corner of the colour cube to the next around it, red to red, in this many hues: more where the eye tells
# more apart. 55 in all.
_CORNERS = (
    ((255, 0, 0), 15),
    ((255, 255, 0), 6),
    ((0, 255, 0), 4),
    ((0, 255, 255), 11),
    ((0, 0, 255), 13),
    ((255, 0, 255), 6),
)


def flow_colours(flow: ArrayLike, /, *, largest: float | None = None) -> NDArray[np.uint8]:
    """Colour every motion: hue by its direction, white at rest, more saturated the longer it is.

    To the right is red, down yellow, to the left cyan, up violet.

    Parameters
    ----------
    flow : array, shape (..., 2)
        Down and to the right.
    largest : float, optional
        Length in full colour; a longer motion is darkened to 3/4 of it. The longest of `flow` without it.

    Returns
    -------
    array, shape (..., 3), uint8
        Red, green and blue.

    Raises
    ------
    ValueError
        If `flow` has another shape or is not finite, or `largest` is not positive.
    """
    motion = np.asarray(flow, dtype=np.float64)
    if motion.ndim < 1 or motion.shape[-1] != 2 or not np.isfinite(motion).all():
        raise ValueError(f"flow must be finite of shape (..., 2), got shape {motion.shape}")
    down, right = motion[..., 0], motion[..., 1]
    length = np.hypot(down, right)
    if largest is None:
        largest = float(length.max(initial=0.0)) or 1.0
    if not largest > 0:
        raise ValueError(f"largest must be positive, got {largest}")
    share = (length / largest)[..., None]
    hue = np.arctan2(down, right) / (2 * np.pi) % 1.0 * (len(_hues()) - 1)
    below = hue.astype(np.int64)
    above = (below + 1) % len(_hues())
    between = (hue - below)[..., None]
    full = (1 - between) * _hues()[below] + between * _hues()[above]
    return np.where(share <= 1, 255 - share * (255 - full), 0.75 * full).astype(np.uint8)


def wheel(size: int, /) -> NDArray[np.uint8]:
    """Legend of `flow_colours`: each point of a disk in the colour of the motion from the centre to it.

    Parameters
    ----------
    size : int
        Pixels across, 2 or more; the rim is in full colour, and around it is white.

    Returns
    -------
    array, shape (size, size, 3), uint8
    """
    if size < 2:
        raise ValueError(f"size must be 2 or more pixels, got {size}")
    along = (np.arange(size) - (size - 1) / 2) / ((size - 1) / 2)
    motion = np.stack(np.meshgrid(along, along, indexing="ij"), axis=-1)
    inside = (motion**2).sum(axis=-1, keepdims=True) <= 1
    return np.where(inside, flow_colours(motion, largest=1.0), np.uint8(255))


@cache
def _hues() -> NDArray[np.int64]:
    """Return the hues of the wheel, shape (55, 3), red, green and blue."""
    following = (*(corner for corner, _ in _CORNERS[1:]), _CORNERS[0][0])
    parts = []
    for (corner, n), after in zip(_CORNERS, following, strict=True):
        rise = 255 * np.arange(n)[:, None] // n
        parts.append(np.asarray(corner) + np.sign(np.asarray(after) - corner) * rise)
    return np.concatenate(parts)
