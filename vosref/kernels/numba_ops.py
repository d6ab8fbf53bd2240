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

PIXELS = 400  # output pixels that a worker takes at least: a narrower product packs more than it multiplies
PRODUCTS = 25_000_000  # multiplications that a worker takes at least, for the same reason
BANDS = 8  # of equal size, into which a layer falls at most but for `GATHERED`
GATHERED = 8 * 2**20  # bytes of windows that a worker gathers at most; at least one pixel's
RUN = 256  # numbers of neighbouring pixels that are summed or finished at a time, where a pixel has fewer
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

    bands = min(BANDS, len(pixels) // max(PIXELS, PRODUCTS // max(taps.size, 1)))
    bands = max(bands, min(2, len(pixels) * 2 // PIXELS), 1)  # two smaller ones rather than an idle worker
    affordable = len(pixels) if plain else max(1, GATHERED // (taps.shape[0] * dtype.itemsize))
    for_each_band(band, len(pixels), min(-(-len(pixels) // bands), affordable))
    return out


def depthwise_conv2d(image, kernel, bias=None, /, *, stride=1, dilation=1, padding=0, activation=None, rectify=False):
    """Sum the taps of each pixel into one row of channels that stays in cache, three taps at a time."""
    check_activation(activation)
    pads, size = window_geometry(image.shape[:2], kernel.shape[:2], stride=stride, dilation=dilation, padding=padding)
    check_convolution("depthwise_conv2d", image, kernel, bias, None, groups=None, size=size)
    dtype, channels = np.result_type(*(a for a in (image, kernel, bias) if a is not None)), image.shape[2]
    image, out = np.ascontiguousarray(image, dtype), empty((*size, channels), dtype)
    taps = repeated(kernel, dtype)
    floor = dtype.type(0 if rectify else -math.inf)
    start = added(bias, None, channels, dtype)[0]

    def band(begin, end):
        geometry = stride, dilation, pads[0][0], pads[1][0]
        depthwise_rows(image, taps, *geometry, floor, start, *clipping(activation, dtype), out, begin, end)

    for_each_band(band, size[0], max(ROWS, -(-size[0] // BANDS)))
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


def repeated(kernel, dtype, /):
    """Return the taps of a depthwise kernel for a block of neighbouring pixels, as `depthwise_rows` takes them."""
    return np.tile(np.ascontiguousarray(kernel, dtype), max(1, RUN // kernel.shape[2]))


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
def depthwise_rows(image, taps, stride, dilation, top, left, floor, start, low, high, out, begin, end):
    """Sum a pixel at a time, or a block of neighbouring ones as if it were a pixel with more channels."""
    (height, width, channels), (rows, columns, run) = image.shape, taps.shape
    block, numbers, flat_taps, sums = run // channels, image.reshape(-1), taps.reshape(-1), out.reshape(-1)
    for y in range(begin, end):
        x = 0
        while x < out.shape[1]:
            at = x * stride - left
            # As one where every tap of each lies in the image.
            inside = stride == 1 and at >= 0 and at + block - 1 + (columns - 1) * dilation < width
            n = block if inside and x + block <= out.shape[1] else 1
            total, size = (y * out.shape[1] + x) * channels, n * channels
            sums[total : total + size] = start[:size]
            first, last = max(0, -(at // dilation)), min(columns, (width - at + dilation - 1) // dilation)
            for dy in range(rows):
                row = y * stride - top + dy * dilation
                if 0 <= row < height:
                    dx, step = first, dilation * channels
                    while dx + 3 <= last:
                        pixel = (row * width + at) * channels + dx * step
                        _add_three(
                            sums, total, size, numbers, pixel, step, flat_taps, (dy * columns + dx) * run, run, floor
                        )
                        dx += 3
                    while dx < last:
                        pixel = (row * width + at) * channels + dx * step
                        _add_one(sums, total, size, numbers, pixel, flat_taps, (dy * columns + dx) * run, floor)
                        dx += 1
            _clip(sums, total, size, low, high)
            x += n


# Unsigned places below: a signed one may be negative, which Python counts from the end, and that is not vectorised.


@njit(cache=True, nogil=True, fastmath={"contract"})
def _add_three(sums, total, size, numbers, pixel, step, taps, tap, run, floor):
    """Add three taps of a row; a loop over more inputs is not vectorised."""
    o, p, q, r = np.uint64(total), np.uint64(pixel), np.uint64(pixel + step), np.uint64(pixel + 2 * step)
    a, b, c = np.uint64(tap), np.uint64(tap + run), np.uint64(tap + 2 * run)
    for i in range(np.uint64(size)):
        sums[o + i] += (
            max(numbers[p + i], floor) * taps[a + i]
            + max(numbers[q + i], floor) * taps[b + i]
            + max(numbers[r + i], floor) * taps[c + i]
        )


@njit(cache=True, nogil=True, fastmath={"contract"})
def _add_one(sums, total, size, numbers, pixel, taps, tap, floor):
    o, p, a = np.uint64(total), np.uint64(pixel), np.uint64(tap)
    for i in range(np.uint64(size)):
        sums[o + i] += max(numbers[p + i], floor) * taps[a + i]


@njit(cache=True, nogil=True)
def _clip(sums, total, size, low, high):
    o = np.uint64(total)
    for i in range(np.uint64(size)):
        sums[o + i] = min(max(sums[o + i], low), high)


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
