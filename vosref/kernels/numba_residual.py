"""The twin of `vosref.nn.residual`: a worker takes a band of rows through all three layers in memory of its own.

The widest map exists for the band alone, and stays in the cache. Rows of it that two bands look at are computed twice.
Where the map is small it stands whole, layer by layer, which computes nothing twice.

Bound. Each layer is off by no more than `vosref.kernels.numba_ops` says of it, given what it takes in.
"""

import math
from typing import NamedTuple

import numpy as np

from vosref.kernels.buffers import empty
from vosref.kernels.numba_ops import added, clipping, conv2d, depthwise_conv2d, depthwise_rows, finish, repeated
from vosref.kernels.threads import for_each_band, scratch
from vosref.shapes import check_residual, window_geometry

__all__ = ["inverted_residual"]

FUSED = 12 * 2**20  # bytes of the widest map from which on it pays to have no more than a band of it
BAND = 3 * 2**20  # bytes of it that a worker holds


def inverted_residual(
    image,
    expand,
    expand_bias,
    depthwise,
    depthwise_bias,
    project,
    project_bias,
    /,
    *,
    stride=1,
    dilation=1,
    padding="same",
    shortcut=False,
):
    """Bands of output rows."""
    arrays = (image, expand, expand_bias, depthwise, depthwise_bias, project, project_bias)
    sampling = {"stride": stride, "dilation": dilation, "padding": padding}
    dtype = np.result_type(*(a for a in arrays if a is not None))
    row, reach = image.shape[1] * depthwise.shape[-1] * dtype.itemsize, (depthwise.shape[0] - 1) * dilation
    if row * image.shape[0] < FUSED:
        return _by_layers(*arrays, shortcut=shortcut, **sampling)
    ((top, _), (left, _)), size = window_geometry(image.shape[:2], depthwise.shape[:2], **sampling)
    check_residual(*arrays, shortcut=shortcut, size=size)
    image, out = np.ascontiguousarray(image, dtype), empty((*size, project.shape[3]), dtype)
    widen = None if expand is None else _product(expand, expand_bias, None, dtype)
    look = _look(depthwise, depthwise_bias, stride, dilation, left, dtype)
    narrow = _product(project, project_bias, image if shortcut else None, dtype)

    def band(begin, end):
        first = max(0, begin * stride - top)
        wide = image[first : max(first, (end - 1) * stride - top + reach + 1)]
        if widen is not None:
            widest = scratch("wide", (*wide.shape[:2], expand.shape[3]), dtype)
            _multiply(wide, widen, "relu6", widest, 0, len(wide))
            wide = widest
        looked = scratch("looked", (end - begin, size[1], wide.shape[2]), dtype)
        look(wide, top + first - begin * stride, looked)
        _multiply(looked, narrow, None, out, begin, end)

    for_each_band(band, size[0], max(1, (BAND // row - reach) // stride))
    return out


class _Product(NamedTuple):
    taps: np.ndarray
    terms: tuple  # bias and shortcut, as `finish` takes them


def _product(kernel, bias, shortcut, dtype):
    return _Product(np.ascontiguousarray(kernel[0, 0], dtype), added(bias, shortcut, kernel.shape[3], dtype))


def _multiply(rows, product, activation, out, begin, end):
    """Multiply every pixel of some rows, and finish it in the rows `begin` to `end` of the result."""
    pixels, width = out.reshape(-1, out.shape[2]), out.shape[1]
    begin, end = begin * width, end * width
    np.matmul(rows.reshape(-1, rows.shape[2]), product.taps, out=pixels[begin:end])
    finish(pixels, begin, end, *product.terms, *clipping(activation, out.dtype))


def _look(kernel, bias, stride, dilation, left, dtype):
    """Return a function that convolves the channels of some rows, `top` of them above the first."""
    taps, start = repeated(kernel, dtype), added(bias, None, kernel.shape[2], dtype)[0]
    limits = clipping("relu6", dtype)

    def look(rows, top, out):
        floor = dtype.type(-math.inf)
        depthwise_rows(rows, taps, stride, dilation, top, left, floor, start, *limits, out, 0, len(out))

    return look


def _by_layers(
    image, expand, expand_bias, depthwise, depthwise_bias, project, project_bias, /, *, shortcut, **sampling
):
    wide = image if expand is None else conv2d(image, expand, expand_bias, activation="relu6")
    wide = depthwise_conv2d(wide, depthwise, depthwise_bias, **sampling, activation="relu6")
    return conv2d(wide, project, project_bias, image if shortcut else None)
