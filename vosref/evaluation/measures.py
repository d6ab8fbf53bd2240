"""J and F of all objects in a frame at once."""

import operator
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosref.backend import accelerated
from vosref.evaluation.contour import contour_accuracy
from vosref.evaluation.region import id_mask, refuse_other_size, region_similarity

__all__ = ["region_and_contour"]


@accelerated
def region_and_contour(
    prediction: NDArray[Any], truth: NDArray[Any], /, *, ids: Iterable[int], tolerance: float = 0.008
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Region similarity and contour accuracy of every object in a frame [DAVIS J, F].

    Parameters
    ----------
    prediction, truth : array, shape (H, W)
        Object ids, integer or boolean. Each object is scored against everything else: what `ids` does not name is
        background.
    ids : iterable of int
        The K objects to score.
    tolerance : float
        As for `contour_accuracy`.

    Returns
    -------
    array, shape (K,)
        J of every object in the order of `ids`, in [0, 1]; 1 where neither mask shows it.
    array, shape (K,)
        F of every object, in [0, 1].

    Raises
    ------
    ValueError
        If a mask is not integer or not (H, W), if the two sizes differ, or if `tolerance` is negative or not finite.
    """
    predicted, true = id_mask("prediction", prediction), id_mask("truth", truth)
    refuse_other_size(predicted, true)
    objects = [operator.index(k) for k in ids]
    region = [region_similarity(predicted == k, true == k) for k in objects]
    contour = [contour_accuracy(predicted == k, true == k, tolerance=tolerance) for k in objects]
    return np.array(region, dtype=np.float64), np.array(contour, dtype=np.float64)
