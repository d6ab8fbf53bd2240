"""How images and labels change their grid: bilinear under both conventions of the field, and TensorFlow's nearest."""

from vosref.backend import accelerated, array_namespace, device
from vosref.shapes import check_resize

__all__ = ["resize_bilinear", "resize_nearest"]


@accelerated
def resize_bilinear(values, /, *, size, align_corners=False):
    """Resize the first two axes to `size`, bilinearly [specs TVOS §2.2, FEELVOS §1.1].

    With half-pixel centres, cell i of n has its centre at (i + 1/2) N / n - 1/2 input samples, clamped to the first and
    last sample; with aligned corners at i (N - 1) / (n - 1), and 0 where n is 1. The two samples around it are mixed in
    proportion. There is no anti-aliasing.

    Parameters
    ----------
    values : array, shape (H, W, C)
        Floating point.
    size : (int, int)
        New height and width, in pixels.
    align_corners : bool
        TVOS resizes with half-pixel centres (False), FEELVOS with aligned corners (True).

    Returns
    -------
    array, shape (h, w, C)
        A mean of inputs with non-negative weights that sum to 1.

    Examples
    --------
    >>> import numpy as np
    >>> import vosref
    >>> row = np.array([[[0.0], [1.0]]])
    >>> vosref.resize_bilinear(row, size=(1, 4))[0, :, 0]
    array([0.  , 0.25, 0.75, 1.  ])
    >>> vosref.resize_bilinear(row, size=(1, 5), align_corners=True)[0, :, 0]
    array([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    check_resize(values, size)
    for axis in (0, 1):
        values = _interpolate(values, size[axis], axis, align_corners)
    return values


def resize_nearest(values, /, *, size):
    """Resize the first two axes to `size` by the nearest sample, with aligned corners [specs FEELVOS §1.1].

    Row i of h shows row round(i (H - 1) / (h - 1)), halves rounded up, computed in float32 as TensorFlow does. It is
    not PyTorch's "nearest", floor(i H / h).

    Parameters
    ----------
    values : array, shape (H, W, C)
        Any data type.
    size : (int, int)
        New height and width, in pixels.

    Returns
    -------
    array, shape (h, w, C)
    """
    check_resize(values, size)
    xp, where = array_namespace(values), device(values)
    for axis in (0, 1):
        n_in, n_out = values.shape[axis], size[axis]
        numerator = xp.asarray(float(n_in - 1), dtype=xp.float32, device=where)
        step = numerator / xp.asarray(float(max(n_out - 1, 1)), dtype=xp.float32, device=where)
        position = xp.astype(xp.arange(n_out, dtype=xp.float32, device=where) * step, xp.float64)
        index = xp.astype(xp.clip(xp.floor(position + 0.5), 0.0, float(n_in - 1)), xp.int64)
        values = xp.take(values, index, axis=axis)
    return values


def _interpolate(values, n_out, axis, align_corners):
    xp, where, n_in = array_namespace(values), device(values), values.shape[axis]
    cell = xp.arange(n_out, dtype=xp.float64, device=where)
    # The quotient comes first, so that a size that does not change keeps every sample exactly.
    centre = cell * ((n_in - 1) / max(n_out - 1, 1)) if align_corners else (cell + 0.5) * (n_in / n_out) - 0.5
    centre = xp.clip(centre, 0.0, float(n_in - 1))
    below = xp.floor(centre)
    above = xp.clip(below + 1.0, 0.0, float(n_in - 1))
    share = xp.reshape(xp.astype(centre - below, values.dtype), (-1, 1, 1) if axis == 0 else (1, -1, 1))
    lower = xp.take(values, xp.astype(below, xp.int64), axis=axis)
    upper = xp.take(values, xp.astype(above, xp.int64), axis=axis)
    return lower * (1.0 - share) + upper * share
