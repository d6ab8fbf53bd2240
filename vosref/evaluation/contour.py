"""Contour accuracy F: how closely the outline of a predicted mask follows the outline of the true one."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import KDTree

from vosref.evaluation.region import boolean_mask, mask_pair

__all__ = ["boundary_map", "contour_accuracy"]


def contour_accuracy(prediction: ArrayLike, truth: ArrayLike, /, *, tolerance: float = 0.008) -> float:
    """F-measure of a predicted mask's boundary against the true one's [DAVIS F].

    Parameters
    ----------
    prediction, truth : array, shape (H, W)
        Boolean masks of one object.
    tolerance : float
        How far apart two boundary pixels may lie and still match. Below 1, a share of the frame's diagonal, rounded
        up to whole pixels (0.008 of 480 x 854 is 8 pixels); from 1 on, pixels.

    Returns
    -------
    float
        Harmonic mean of precision (the share of predicted boundary pixels near a true one) and recall (the share of
        true ones near a predicted one), in [0, 1]; 1 where neither mask has a boundary, 0 where only one has.

    Raises
    ------
    ValueError
        If a mask is not boolean or not (H, W), if the two sizes differ, or if `tolerance` is negative or not finite.

    Examples
    --------
    A square of 4 by 4 pixels, found one pixel too far right: every boundary pixel is within a pixel of a true one.

    >>> import numpy as np
    >>> import vosref
    >>> truth = np.zeros((10, 10), dtype=bool)
    >>> truth[3:7, 3:7] = True
    >>> found = np.roll(truth, 1, axis=1)
    >>> vosref.contour_accuracy(found, truth, tolerance=1)
    1.0
    >>> vosref.contour_accuracy(found, truth, tolerance=0)
    0.5
    """
    predicted, true = mask_pair(prediction, truth)
    radius = _matching_radius(true.shape, tolerance)
    predicted_pixels, true_pixels = np.argwhere(boundary_map(predicted)), np.argwhere(boundary_map(true))
    if len(predicted_pixels) == 0 or len(true_pixels) == 0:
        return float(len(predicted_pixels) == len(true_pixels))
    precision = _share_within(radius, predicted_pixels, true_pixels)
    recall = _share_within(radius, true_pixels, predicted_pixels)
    if precision + recall == 0:
        return 0.0
    return 2 * precision * recall / (precision + recall)


def boundary_map(mask: ArrayLike, /) -> NDArray[np.bool_]:
    """Pixels that differ from their right, lower or lower-right neighbour [DAVIS F].

    The frame's edge is no boundary, so a mask that covers the whole frame has none.

    Parameters
    ----------
    mask : array, shape (H, W)
        Boolean mask of one object.

    Returns
    -------
    array, shape (H, W)
        True on the boundary, which is one pixel wide and lies towards the origin.

    Raises
    ------
    ValueError
        If the mask is not boolean or not (H, W).
    """
    inside = boolean_mask("mask", mask)
    boundary = np.zeros_like(inside)
    boundary[:, :-1] |= inside[:, :-1] ^ inside[:, 1:]
    boundary[:-1, :] |= inside[:-1, :] ^ inside[1:, :]
    boundary[:-1, :-1] |= inside[:-1, :-1] ^ inside[1:, 1:]
    return boundary


def _matching_radius(size: tuple[int, ...], tolerance: float) -> float:
    """Return the tolerance in pixels for a frame of `size` (H, W)."""
    if not (math.isfinite(tolerance) and tolerance >= 0):
        raise ValueError(f"tolerance must be finite and 0 or more, got {tolerance}")
    return tolerance if tolerance >= 1 else math.ceil(tolerance * math.hypot(*size))


def _share_within(radius: float, pixels: NDArray[np.intp], others: NDArray[np.intp]) -> float:
    """Return the share of `pixels`, (N, 2), that lie in the disk of `radius` around one of `others`, (M, 2)."""
    # A boundary is sparse: asking each pixel for its nearest match is the dilation by a disk without its canvas, and
    # as exact, for distances between pixels are square roots of integers. The upper bound only ends searches early.
    nearest, _ = KDTree(others).query(pixels, distance_upper_bound=radius + 1)
    return int(np.count_nonzero(nearest <= radius)) / len(pixels)
