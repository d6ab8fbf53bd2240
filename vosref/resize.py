"""Bilinear interpolation with half-pixel centres: the one rule by which images and labels change their grid."""

from vosref.backend import array_namespace, device

__all__ = ["resize_bilinear"]


def resize_bilinear(values, /, *, size):
    """Resize the first two axes to `size`, bilinearly with half-pixel centres [specs TVOS §2.2].

    Cell i of n has its centre at (i + 1/2) N / n - 1/2 input samples, clamped to the first and last sample; the two
    samples around it are mixed in proportion. There is no anti-aliasing (PyTorch's `align_corners=False`).

    Parameters
    ----------
    values : array, shape (H, W, C)
        Floating point.
    size : (int, int)
        New height and width, in pixels.

    Returns
    -------
    array, shape (h, w, C)
        A mean of inputs with non-negative weights that sum to 1.
    """
    if values.ndim != 3 or min(values.shape) < 1 or min(size) < 1:
        raise ValueError(f"values (H, W, C) and size (h, w) must be 1 or more, got {values.shape} and {tuple(size)}")
    return _interpolate(_interpolate(values, size[0], axis=0), size[1], axis=1)


def _interpolate(values, n_out, *, axis):
    xp, where, n_in = array_namespace(values), device(values), values.shape[axis]
    centre = (xp.arange(n_out, dtype=xp.float64, device=where) + 0.5) * (n_in / n_out) - 0.5
    centre = xp.clip(centre, 0.0, float(n_in - 1))
    below = xp.floor(centre)
    above = xp.clip(below + 1.0, 0.0, float(n_in - 1))
    share = xp.reshape(xp.astype(centre - below, values.dtype), (-1, 1, 1) if axis == 0 else (1, -1, 1))
    lower = xp.take(values, xp.astype(below, xp.int64), axis=axis)
    upper = xp.take(values, xp.astype(above, xp.int64), axis=axis)
    return lower * (1.0 - share) + upper * share
