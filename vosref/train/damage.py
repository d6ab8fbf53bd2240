"""A previous mask as inference has it, not quite right: moved, scaled and turned a little [specs FEELVOS §5.2].

Training shows the head the true mask of the previous frame. At inference it sees what it said itself, and a head that
never saw a mistake passes every mistake on. The released code can damage masks, and by default does not.
"""

import numpy as np
from scipy import ndimage

from vosref.train.footage import VOID

__all__ = ["damaged"]

SHIFT, SCALE, ANGLE = 0.05, 0.025, 3.0  # of sqrt(h w); of 1; degrees


def damaged(mask: np.ndarray, rng: np.random.Generator, /) -> np.ndarray:
    """Move, scale and turn a mask (H, W) about the middle of its objects; what comes in from outside is background."""
    shown = np.argwhere((mask > 0) & (mask != VOID))
    if not len(shown):
        return mask
    centre = shown.mean(0)
    shift = rng.uniform(-SHIFT, SHIFT, 2) * np.sqrt(mask.size)
    scale, angle = 1 + rng.uniform(-SCALE, SCALE), np.deg2rad(rng.uniform(-ANGLE, ANGLE))
    back = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) / scale
    return ndimage.affine_transform(mask, back, centre - back @ (centre + shift), order=0, mode="constant", cval=0)
