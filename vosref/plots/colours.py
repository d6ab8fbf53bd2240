"""One colour per object id, the same in overlays, videos and curves, chosen to be bright and colour-blind safe."""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["object_colours"]

# Okabe and Ito (2008), with yellow, which is faint on paper, moved to the end. Their black is not bright: violet, which
# keeps most distance from the other seven in normal, protan and deutan vision, stands in its place.
_EIGHT = (
    (230, 159, 0),  # orange
    (86, 180, 233),  # sky blue
    (0, 158, 115),  # bluish green
    (204, 121, 167),  # reddish purple
    (213, 94, 0),  # vermilion
    (0, 114, 178),  # blue
    (140, 60, 255),  # violet
    (240, 228, 66),  # yellow
)


def object_colours(ids: ArrayLike, /) -> NDArray[np.uint8]:
    """Colour of every object id: eight that the colour-blind can tell apart, then lighter and darker ones.

    Parameters
    ----------
    ids : array of any shape
        Whole numbers in [0, 255].

    Returns
    -------
    array, shape (..., 3), uint8
        Red, green and blue; black for the background, 0.

    Raises
    ------
    ValueError
        If an id is not a whole number in [0, 255].

    Examples
    --------
    >>> from vosref.plots import object_colours
    >>> object_colours([0, 1, 2])
    array([[  0,   0,   0],
           [230, 159,   0],
           [ 86, 180, 233]], dtype=uint8)
    """
    ids = np.asarray(ids)
    if ids.size and (ids.dtype.kind not in "biu" or not 0 <= ids.min() <= ids.max() <= 255):
        raise ValueError(f"ids must be whole numbers in [0, 255], got {ids.dtype} {ids.min()} to {ids.max()}")
    return _table()[ids.astype(np.uint8)]


@cache
def _table() -> NDArray[np.uint8]:
    """Colours of the ids 0 to 255, shape (256, 3): every eighth id has one hue, no two the same colour."""
    cycle, hue = np.divmod(np.arange(255), len(_EIGHT))
    # Multiples of the golden ratio never come near each other, so nor do the lighter and darker kinds of a hue.
    share = np.where(cycle == 0, 0.0, 0.2 + 0.4 * (cycle * 0.618034 % 1))[:, None]
    towards = np.where(cycle % 2 == 1, 255, 0)[:, None]
    colours = (1 - share) * np.asarray(_EIGHT)[hue] + share * towards
    return np.concatenate([np.zeros((1, 3)), np.rint(colours)]).astype(np.uint8)
