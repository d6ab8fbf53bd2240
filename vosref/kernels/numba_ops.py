"""Twins of `vosref.nn.ops` for the CPU: one BLAS product per band of pixels, direct depthwise taps, one pass to finish.

Bound. Both a twin and its definition compute bias + shortcut + Σ x w over n = kh kw C_in / groups products (kh kw for a
depthwise layer) in some order, so each differs from the exact value by at most γ_{n+2} (|bias| + |shortcut| + Σ|x||w|),
γ_m = mu / (1 - mu), u the unit roundoff; they differ from each other by at most twice that. Activations are
1-Lipschitz and add nothing. Pooling rounds nothing.
"""

import math

import numpy as np
from numba import njit

from vosref.kernels.buffers import empty
from vosref.kernels.threads import for_each_band, scratch
from vosref.shapes import check_activation, check_convolution, window_geometry

__all__ = ["conv2d", "depthwise_conv2d", "max_pool"]

PIXELS = 800  # output pixels that a worker takes at least: a narrower product packs more than it multiplies
PRODUCTS = 50_000_000  # multiplications that a worker takes at least, for the same reason
GATHERED = 8 * 2**20  # bytes of windows that a worker gathers at most; at least one pixel's
RUN = 512  # numbers of neighbouring pixels that are summed or finished at a time, where a pixel has fewer
ROWS = 4  # rows that a worker convolves channel by channel, or pools, at a time


def conv2d(image, kernel, bias=None, shortcut=None, /, *, stride=1, dilation=1, groups=1, padding=0, activation=None):
    """Gather the windows of a band of pixels, multiply once for each group, finish in place."""
    check_activation(activation)
    kernel_size = kernel.shape[:2]
    pads, size = window_geometry(image.shape[:2], kernel_size, stride=stride, dilation=dilation, padding=padding)
    check_convolution("conv2d", image, kernel, bias, shortcut, groups=groups, size=size)
    dtype, n_out = np.result_type(*(a for a in (image, kernel, bias, shortcut) if a is not None)), kernel.shape[3]
    out, runs = empty((*size, n_out), dtype), np.split(image, groups, axis=2)
    runs = [np.ascontiguousarray(run, dtype) for run in runs]
    pixels, taps = out.reshape(-1, n_out), np.ascontiguousarray(kernel, dtype).reshape(-1, n_out)
    terms = added(bias, shortcut, n_out, dtype)
    plain = kernel_size == (1, 1) and stride == 1 and groups == 1 and not any(map(any, pads))
    geometry = (*kernel_size, stride, dilation, pads[0][0], pads[1][0], size[1])

    def band(begin, end):
        for g, run in enumerate(runs):
            outputs = slice(g * n_out // groups, (g + 1) * n_out // groups)
            if plain:
                columns = run.reshape(-1, run.shape[2])[begin:end]
            else:
                columns = scratch("columns", (end - begin, taps.shape[0]), dtype)
                _gather(run, columns, begin, *geometry)
            np.matmul(columns, taps[:, outputs], out=pixels[begin:end, outputs])
        finish(pixels, begin, end, *terms, *clipping(activation, dtype))

    wanted = max(PIXELS, PRODUCTS // max(taps.size, 1))
    affordable = len(pixels) if plain else GATHERED // (taps.shape[0] * dtype.itemsize)
    for_each_band(band, len(pixels), max(1, min(wanted, affordable)))
    return out


def depthwise_conv2d(image, kernel, bias=None, /, *, stride=1, dilation=1, padding=0, activation=None, rectify=False):
    """Sum the taps of each pixel into one row of channels that stays in cache, three taps at a time."""
    check_activation(activation)
    pads, size = window_geometry(image.shape[:2], kernel.shape[:2], stride=stride, dilation=dilation, padding=padding)
    check_convolution("depthwise_conv2d", image, kernel, bias, None, groups=None, size=size)
    dtype, channels = np.result_type(*(a for a in (image, kernel, bias) if a is not None)), image.shape[2]
    image, out = np.ascontiguousarray(image, dtype), empty((*size, channels), dtype)
    floor, block = dtype.type(0 if rectify else -math.inf), max(1, RUN // channels)
    taps = np.tile(np.asarray(kernel, dtype), block)  # of a block of neighbouring pixels
    start = added(bias, None, channels, dtype)[0]

    def band(begin, end):
        geometry = stride, dilation, pads[0][0], pads[1][0]
        _depthwise(image, taps, *geometry, floor, start, *clipping(activation, dtype), out, begin, end)

    for_each_band(band, size[0], ROWS)
    return out


def max_pool(image, /, *, size, stride, padding=0):
    """Keep each pixel's maxima in one row of channels that stays in cache."""
    pads, out_size = window_geometry(image.shape[:2], (size, size), stride=stride, dilation=1, padding=padding)
    image, out = np.ascontiguousarray(image), empty((*out_size, image.shape[2]), image.dtype)
    for_each_band(
        lambda begin, end: _max_pool(image, size, stride, pads[0][0], pads[1][0], out, begin, end), out_size[0], ROWS
    )
    return out


def clipping(activation, dtype, /):
    """Return the least and the largest value after an activation."""
    low = -math.inf if activation is None else 0
    return dtype.type(low), dtype.type(6 if activation == "relu6" else math.inf)


@njit(cache=True, nogil=True)
def finish(pixels, begin, end, bias, shortcut, low, high):
    """Add the bias and, if it has any numbers, the shortcut to the pixels `begin` to `end`; clip."""
    values, channels = pixels.reshape(-1), pixels.shape[1]
    for at in range(begin * channels, end * channels, len(bias)):
        run = values[at : min(at + len(bias), end * channels)]
        if len(shortcut):
            more = shortcut[at : at + len(run)]
            for i in range(len(run)):
                run[i] = min(max(run[i] + bias[i] + more[i], low), high)
        else:
            for i in range(len(run)):
                run[i] = min(max(run[i] + bias[i], low), high)


def added(bias, shortcut, n_out, dtype, /):
    """Return bias and shortcut as `finish` takes them: the former repeated to a run, the latter flat, or empty."""
    bias = np.zeros(n_out, dtype) if bias is None else np.asarray(bias, dtype)
    numbers = np.empty(0, dtype) if shortcut is None else np.ascontiguousarray(shortcut, dtype).reshape(-1)
    return np.tile(bias, max(1, RUN // n_out)), numbers


@njit(cache=True, nogil=True)
def _gather(image, columns, begin, rows, width, stride, dilation, top, left, out_width):
    """Copy the windows of the output pixels from `begin` on into rows (kh, kw, C) of `columns`, zeros outside."""
    channels, lines = image.shape[2], image.reshape(image.shape[0], -1)
    # Neighbouring taps lie side by side in memory: without dilation a row of the window is one run to copy.
    run, runs = (width, 1) if dilation == 1 else (1, width)
    for i in range(columns.shape[0]):
        y, x = (begin + i) // out_width * stride - top, (begin + i) % out_width * stride - left
        for dy in range(rows):
            row = y + dy * dilation
            for dx in range(runs):
                first, start = x + dx * dilation, (dy * width + dx) * channels
                skipped, after = max(-first, 0), max(min(run, image.shape[1] - first), 0)
                if skipped >= after or not 0 <= row < image.shape[0]:
                    skipped, after = 0, 0
                for k in range(start, start + skipped * channels):
                    columns[i, k] = 0
                shift = first * channels - start
                for k in range(start + skipped * channels, start + after * channels):
                    columns[i, k] = lines[row, k + shift]
                for k in range(start + after * channels, start + run * channels):
                    columns[i, k] = 0


@njit(cache=True, nogil=True, fastmath={"contract"})
def _depthwise(image, taps, stride, dilation, top, left, floor, start, low, high, out, begin, end):
    (height, width, channels), (rows, columns) = image.shape, taps.shape[:2]
    block = taps.shape[2] // channels
    for y in range(begin, end):
        line, x = out[y].reshape(-1), 0
        while x < out.shape[1]:
            at = x * stride - left
            # A block of pixels is summed as one where every tap of each lies in the image.
            inside = stride == 1 and at >= 0 and at + block - 1 + (columns - 1) * dilation < width
            n = block if inside and x + block <= out.shape[1] else 1
            total = line[x * channels : (x + n) * channels]
            total[:] = start[: len(total)]
            first, last = max(0, -(at // dilation)), min(columns, (width - at + dilation - 1) // dilation)
            for dy in range(rows):
                row = y * stride - top + dy * dilation
                if 0 <= row < height:
                    _add_row(
                        total, image[row].reshape(-1), at * channels, dilation * channels, taps[dy], first, last, floor
                    )
            for i in range(len(total)):
                total[i] = min(max(total[i], low), high)
            x += n


@njit(cache=True, nogil=True, fastmath={"contract"})
def _add_row(total, line, at, step, taps, first, last, floor):
    """Add the taps `first` to `last` of a row, three at a time: a loop over more inputs is not vectorised."""
    n, dx = len(total), first
    while dx + 3 <= last:
        start = at + dx * step
        p, q, r = (
            line[start : start + n],
            line[start + step : start + step + n],
            line[start + 2 * step : start + 2 * step + n],
        )
        a, b, c = taps[dx], taps[dx + 1], taps[dx + 2]
        for i in range(n):
            total[i] += max(p[i], floor) * a[i] + max(q[i], floor) * b[i] + max(r[i], floor) * c[i]
        dx += 3
    while dx < last:
        p, a = line[at + dx * step : at + dx * step + n], taps[dx]
        for i in range(n):
            total[i] += max(p[i], floor) * a[i]
        dx += 1


@njit(cache=True, nogil=True)
def _max_pool(image, size, stride, top, left, out, begin, end):
    for y in range(begin, end):
        for x in range(out.shape[1]):
            best = out[y, x]
            best[:] = -np.inf
            for row in range(max(0, y * stride - top), min(image.shape[0], y * stride - top + size)):
                for column in range(max(0, x * stride - left), min(image.shape[1], x * stride - left + size)):
                    pixel = image[row, column]
                    for c in range(best.shape[0]):
                        # A NaN is not larger than anything, yet it must win.
                        best[c] = pixel[c] if pixel[c] > best[c] or pixel[c] != pixel[c] else best[c]
