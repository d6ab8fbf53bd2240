"""The layers, one number at a time: plain Python, importing nothing from vosref.

Images are nested lists (H, W, C), kernels (kh, kw, C_in / groups, C_out) or, depthwise, (kh, kw, C).
"""

import math


def same_padding(size, kernel, stride=1, dilation=1):  # TensorFlow's 'same': ceil(size / stride) outputs
    needed = (math.ceil(size / stride) - 1) * stride + dilation * (kernel - 1) + 1
    zeros = max(needed - size, 0)
    return zeros // 2, zeros - zeros // 2  # an odd zero comes after


def pads(padding, image, kernel, stride=1, dilation=1):  # what "same", an int or pairs of ints mean: ((t, b), (l, r))
    if padding == "same":
        sides = (len(image), len(kernel)), (len(image[0]), len(kernel[0]))
        return tuple(same_padding(size, k, stride, dilation) for size, k in sides)
    return ((padding, padding), (padding, padding)) if isinstance(padding, int) else padding


def convolution(image, kernel, bias=None, *, stride=1, dilation=1, groups=1, padding=0):
    n_in, n_out = len(kernel[0][0]), len(kernel[0][0][0])

    def output(window, o):
        first = o // (n_out // groups) * n_in  # of the inputs that output o sees
        total = 0.0 if bias is None else bias[o]
        for (dy, dx), pixel in window:
            for i in range(n_in):
                total += pixel[first + i] * kernel[dy][dx][i][o]
        return total

    windows = _windows(image, kernel, stride, dilation, padding)
    return [[[output(window, o) for o in range(n_out)] for window in row] for row in windows]


def depthwise_convolution(image, kernel, bias=None, *, stride=1, dilation=1, padding=0):
    def output(window, c):
        total = 0.0 if bias is None else bias[c]
        for (dy, dx), pixel in window:
            total += pixel[c] * kernel[dy][dx][c]
        return total

    windows = _windows(image, kernel, stride, dilation, padding)
    return [[[output(window, c) for c in range(len(image[0][0]))] for window in row] for row in windows]


def batch_norm(image, scale, offset, mean, variance, epsilon):
    return [
        [
            [(x - mean[c]) / math.sqrt(variance[c] + epsilon) * scale[c] + offset[c] for c, x in enumerate(pixel)]
            for pixel in row
        ]
        for row in image
    ]


def activate(image, activation):
    def value(x):
        if activation is None or math.isnan(x):
            return x
        return min(max(x, 0.0), 6.0) if activation == "relu6" else max(x, 0.0)

    return [[[value(x) for x in pixel] for pixel in row] for row in image]


def add(image, other):
    return [
        [[x + y for x, y in zip(*pixels, strict=True)] for pixels in zip(*rows, strict=True)]
        for rows in zip(image, other, strict=True)
    ]


def max_pool(image, *, size, stride, padding=0):  # a NaN wins, padding never does
    def largest(values):
        return math.nan if any(map(math.isnan, values)) else max(values)

    return _pool(image, size, stride, padding, largest)


def average_pool(image, *, size, stride, padding=0, count_padding=False):
    return _pool(image, size, stride, padding, lambda v: sum(v) / (size * size if count_padding else len(v)))


def _pool(image, size, stride, padding, of_values):
    windows = _windows(image, [[None] * size] * size, stride, 1, padding)
    channels = range(len(image[0][0]))
    return [[[of_values([pixel[c] for _, pixel in w]) for c in channels] for w in row] for row in windows]


def _windows(image, kernel, stride, dilation, padding):
    """For every output pixel, the taps (dy, dx) that lie in the image, each with the pixel it meets."""
    (top, bottom), (left, right) = pads(padding, image, kernel, stride, dilation)
    height, width, kh, kw = len(image), len(image[0]), len(kernel), len(kernel[0])
    rows = (height + top + bottom - dilation * (kh - 1) - 1) // stride + 1
    columns = (width + left + right - dilation * (kw - 1) - 1) // stride + 1

    def window(y, x):
        for dy in range(kh):
            for dx in range(kw):
                yy, xx = y * stride - top + dy * dilation, x * stride - left + dx * dilation
                if 0 <= yy < height and 0 <= xx < width:
                    yield (dy, dx), image[yy][xx]

    return [[list(window(y, x)) for x in range(columns)] for y in range(rows)]
