"""Region similarity J: the share of two masks' union that both of them cover."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["region_similarity"]


def region_similarity(prediction: ArrayLike, truth: ArrayLike, /) -> float:
    """Jaccard index of a predicted mask and the true one [DAVIS J].

    Parameters
    ----------
    prediction, truth : array, shape (H, W)
        Boolean masks of one object.

    Returns
    -------
    float
        Pixels in both masks over pixels in either, in [0, 1]; 1 where both masks are empty.

    Raises
    ------
    ValueError
        If a mask is not boolean or not (H, W), or if the two sizes differ.

    Examples
    --------
    Of three pixels in either mask, one is in both.

    >>> import numpy as np
    >>> import vosref
    >>> round(vosref.region_similarity(np.array([[True, True, False]]), np.array([[False, True, True]])), 3)
    0.333
    """
    predicted, true = mask_pair(prediction, truth)
    union = int(np.count_nonzero(predicted | true))
    if union == 0:
        return 1.0
    return int(np.count_nonzero(predicted & true)) / union


def mask_pair(prediction: ArrayLike, truth: ArrayLike, /) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return both masks as boolean arrays of one size, or say which rule they break."""
    predicted, true = boolean_mask("prediction", prediction), boolean_mask("truth", truth)
    refuse_other_size(predicted, true)
    return predicted, true


def refuse_other_size(predicted: NDArray[Any], true: NDArray[Any], /) -> None:
    """Raise ValueError where a prediction has another size than the truth."""
    if predicted.shape != true.shape:
        raise ValueError(f"prediction and truth must have the same size, got {predicted.shape} and {true.shape}")


def boolean_mask(name: str, mask: ArrayLike, /) -> NDArray[np.bool_]:
    """Return a mask as a boolean array (H, W); numbers are refused, for 255 and 1 would be different objects."""
    array = np.asarray(mask)
    if array.dtype != np.bool_ or array.ndim != 2:
        raise ValueError(f"{name} must be a boolean mask (H, W), got {array.dtype} of shape {array.shape}")
    return array


def id_mask(name: str, mask: ArrayLike, /) -> NDArray[np.integer] | NDArray[np.bool_]:
    """Return a mask as an array of ids (H, W), integer or boolean."""
    array = np.asarray(mask)
    if array.dtype.kind not in "biu" or array.ndim != 2:
        raise ValueError(f"{name} must be integer ids (H, W), got {array.dtype} of shape {array.shape}")
    return array
