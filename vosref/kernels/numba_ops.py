"""Twins of `vosref.nn.ops` for the CPU: one BLAS product per convolution, direct depthwise taps, one pass to finish.

Bound. Both a twin and its definition compute bias + Σ x w over n = k²C_in products (k² depthwise) in some order, so
each differs from the exact value by at most γ_{n+1} (|bias| + Σ|x||w|), γ_m = mu / (1 - mu), u the unit roundoff; they
differ from each other by at most twice that. ReLU6 is 1-Lipschitz and adds nothing.
"""

import numpy as np
from numba import njit

from vosref.kernels.threads import for_each_band
from vosref.shapes import check_convolution, same_padding

__all__ = ["conv2d", "depthwise_conv2d"]

PIXELS = 4096  # output pixels that a worker multiplies and finishes at a time
ROWS = 16  # rows that a worker convolves channel by channel at a time


def conv2d(image, kernel, bias, /, *, stride=1, relu6=False):
    """Gather the windows of a band of rows, multiply once, finish in place."""
    size, _, channels, out_channels = kernel.shape
    check_convolution("conv2d", image, kernel, bias, out_channels)
    height, width = (-(-n // stride) for n in image.shape[:2])
    dtype = np.result_type(image, kernel, bias)
    windows = np.lib.stride_tricks.sliding_window_view(_pad(image, size, stride), (size, size), axis=(0, 1))
    windows = windows[::stride, ::stride]
    taps = kernel.transpose(2, 0, 1, 3).reshape(-1, out_channels)  # the windows' axes are (C_in, k, k)
    bias, out = np.ascontiguousarray(bias, dtype), np.empty((height, width, out_channels), dtype)

    def band(begin, end):
        pixels = out[begin:end].reshape(-1, out_channels)
        np.matmul(windows[begin:end].reshape(-1, size * size * channels), taps, out=pixels)
        _finish(pixels, bias, relu6)

    for_each_band(band, height, max(1, PIXELS // width))
    return out


def depthwise_conv2d(image, kernel, bias, /, *, stride=1, relu6=False):
    """Sum the taps of each pixel into one row of channels that stays in cache."""
    check_convolution("depthwise_conv2d", image, kernel, bias, kernel.shape[2])
    height, width = (-(-n // stride) for n in image.shape[:2])
    top, left = (same_padding(n, kernel.shape[0], stride)[0] for n in image.shape[:2])
    dtype = np.result_type(image, kernel, bias)
    out = np.empty((height, width, image.shape[2]), dtype)
    image, kernel, bias = (np.ascontiguousarray(a, dtype) for a in (image, kernel, bias))
    for_each_band(
        lambda begin, end: _depthwise(image, kernel, bias, stride, top, left, relu6, out, begin, end), height, ROWS
    )
    return out


def _pad(image, size, stride):
    """Surround an image with the zeros of the 'same' rule."""
    rows, columns = (same_padding(n, size, stride) for n in image.shape[:2])
    if not any(rows + columns):
        return image
    padded = np.zeros((image.shape[0] + sum(rows), image.shape[1] + sum(columns), image.shape[2]), image.dtype)
    padded[rows[0] : rows[0] + image.shape[0], columns[0] : columns[0] + image.shape[1]] = image
    return padded


@njit(cache=True, nogil=True)
def _finish(values, bias, relu6):
    for i in range(values.shape[0]):
        row = values[i]
        for c in range(row.shape[0]):
            row[c] += bias[c]
        if relu6:
            for c in range(row.shape[0]):
                row[c] = min(max(row[c], 0), 6)


@njit(cache=True, nogil=True, fastmath={"contract"})
def _depthwise(image, kernel, bias, stride, top, left, relu6, out, begin, end):
    for y in range(begin, end):
        for x in range(out.shape[1]):
            total = out[y, x]
            for c in range(total.shape[0]):
                total[c] = bias[c]
            for dy in range(max(0, top - y * stride), min(kernel.shape[0], image.shape[0] + top - y * stride)):
                for dx in range(max(0, left - x * stride), min(kernel.shape[1], image.shape[1] + left - x * stride)):
                    pixel, tap = image[y * stride + dy - top, x * stride + dx - left], kernel[dy, dx]
                    for c in range(total.shape[0]):
                        total[c] += pixel[c] * tap[c]
            if relu6:
                for c in range(total.shape[0]):
                    total[c] = min(max(total[c], 0), 6)
