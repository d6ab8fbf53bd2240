"""The layers, stated once: convolution, batch norm, pooling; beside them the ways to resize, which labels share.

Images are (H, W, C). Kernels are stored taps first, (kh, kw, C_in, C_out) and (kh, kw, C): a convolution is then the
sum over its taps of a shifted image times a matrix. Batch norm at inference is affine, so it can be folded into the
layer before it (`fold_batch_norm`).
"""

from vosref.backend import accelerated, array_namespace, device
from vosref.resize import resize_bilinear, resize_nearest
from vosref.shapes import check_activation, check_convolution, same_padding, window_geometry

__all__ = [
    "average_pool",
    "batch_norm",
    "conv2d",
    "depthwise_conv2d",
    "fold_batch_norm",
    "max_pool",
    "relu",
    "resize_bilinear",
    "resize_nearest",
    "same_padding",
]


@accelerated
def conv2d(image, kernel, bias=None, shortcut=None, /, *, stride=1, dilation=1, groups=1, padding=0, activation=None):
    """Two-dimensional convolution (cross-correlation), then bias, shortcut and activation.

    Parameters
    ----------
    image : array, shape (H, W, C_in)
    kernel : array, shape (kh, kw, C_in / groups, C_out)
    bias : array, shape (C_out,), or None
    shortcut : array of the result's shape, or None
        Added before the activation, as a residual block does.
    stride, dilation : int
        Pixels between windows, and between the taps of a window.
    groups : int
        The channels fall into so many runs; a run of outputs sees only its run of inputs.
    padding : "same", int, or ((top, bottom), (left, right))
        Zeros around the image, in pixels. "same" is TensorFlow's rule: ceil(H / stride) outputs, an odd zero after.
    activation : None, "relu" or "relu6"
        max(x, 0), or that and at most 6.

    Returns
    -------
    array, shape (h, w, C_out)
        With h = floor((H + top + bottom - dilation (kh - 1) - 1) / stride) + 1, and w alike.

    Raises
    ------
    ValueError
        If shapes do not belong together, an option is out of range, or the kernel does not fit the padded image.

    Examples
    --------
    A kernel of ones counts the pixels in a window:

    >>> import numpy as np
    >>> from vosref.nn.ops import conv2d
    >>> conv2d(np.ones((3, 4, 1)), np.ones((3, 3, 1, 1)), padding=1)[:, :, 0]
    array([[4., 6., 6., 4.],
           [6., 9., 9., 6.],
           [4., 6., 6., 4.]])
    """
    xp = array_namespace(*(a for a in (image, kernel, bias, shortcut) if a is not None))
    pads, size = _geometry(image, kernel.shape[:2], stride, dilation, padding)
    check_convolution("conv2d", image, kernel, bias, shortcut, groups=groups, size=size)
    pixels, out = size[0] * size[1], 0.0
    for tap, window in windows(image, kernel.shape[:2], pads, size, stride=stride, dilation=dilation):
        runs = xp.permute_dims(xp.reshape(window, (pixels, groups, -1)), (1, 0, 2))
        matrices = xp.permute_dims(xp.reshape(kernel[*tap, :, :], (kernel.shape[2], groups, -1)), (1, 0, 2))
        out = out + runs @ matrices  # (groups, pixels, C_out / groups)
    return finish(xp.reshape(xp.permute_dims(out, (1, 0, 2)), (*size, kernel.shape[3])), bias, shortcut, activation)


@accelerated
def depthwise_conv2d(image, kernel, bias=None, /, *, stride=1, dilation=1, padding=0, activation=None, rectify=False):
    """Convolve every channel with its own kernel, then bias and activation.

    Parameters
    ----------
    image : array, shape (H, W, C)
    kernel : array, shape (kh, kw, C)
    bias : array, shape (C,), or None
    stride, dilation, padding, activation
        As in `conv2d`.
    rectify : bool
        Take max(image, 0) first, as a block does whose shortcut carries the image as it is.

    Returns
    -------
    array, shape (h, w, C)

    Raises
    ------
    ValueError
        As in `conv2d`.
    """
    array_namespace(*(a for a in (image, kernel, bias) if a is not None))  # raises TypeError where they differ
    pads, size = _geometry(image, kernel.shape[:2], stride, dilation, padding)
    check_convolution("depthwise_conv2d", image, kernel, bias, None, groups=None, size=size)
    out, image = 0.0, relu(image) if rectify else image
    for tap, window in windows(image, kernel.shape[:2], pads, size, stride=stride, dilation=dilation):
        out = out + window * kernel[*tap, :]
    return finish(out, bias, None, activation)


def batch_norm(image, scale, offset, mean, variance, /, *, epsilon):
    """Normalise every channel by running statistics: (x - mean) / sqrt(variance + epsilon) · scale + offset.

    Parameters
    ----------
    image : array, shape (..., C)
    scale, offset, mean, variance : array, shape (C,)
        The norm's weight, bias and running statistics.
    epsilon : float
        Added to the variance: 1e-5 in PyTorch and in DeepLab's decoder, 1e-3 in Xception and EfficientNet.

    Returns
    -------
    array, shape (..., C)
    """
    xp = array_namespace(image, scale, offset, mean, variance)
    return (image - mean) * (scale / xp.sqrt(variance + epsilon)) + offset


def fold_batch_norm(kernel, scale, offset, mean, variance, /, *, epsilon):
    """Fold an inference-time batch norm into the bias-free convolution before it.

    Parameters
    ----------
    kernel : array, shape (..., C)
        Kernel whose last axis is the output channel.
    scale, offset, mean, variance : array, shape (C,)
    epsilon : float
        As in `batch_norm`.

    Returns
    -------
    kernel : array, shape (..., C)
    bias : array, shape (C,)
    """
    xp = array_namespace(kernel, scale, offset, mean, variance)
    gain = scale / xp.sqrt(variance + epsilon)
    return kernel * gain, offset - mean * gain


def relu(values, /):
    """Return max(x, 0), element by element; a NaN stays one."""
    return array_namespace(values).clip(values, 0.0, None)


@accelerated
def max_pool(image, /, *, size, stride, padding=0):
    """Largest value of every window, channel by channel; padding never wins.

    Parameters
    ----------
    image : array, shape (H, W, C)
        Floating point.
    size, stride : int
        Of the square windows, in pixels.
    padding : "same", int, or ((top, bottom), (left, right))
        As in `conv2d`; less than `size`, so that no window lies outside the image.

    Returns
    -------
    array, shape (h, w, C)
    """
    xp = array_namespace(image)
    pads, out_size = _geometry(image, (size, size), stride, 1, padding)
    views = windows(image, (size, size), pads, out_size, stride=stride, dilation=1, fill=-float("inf"))
    out = next(views)[1]
    for _, window in views:
        out = xp.maximum(out, window)
    return out


def average_pool(image, /, *, size, stride, padding=0, count_padding=False):
    """Mean of every window, channel by channel.

    Parameters
    ----------
    image : array, shape (H, W, C)
        Floating point.
    size, stride, padding
        As in `max_pool`.
    count_padding : bool
        Divide by the size of the window (PyTorch's default) instead of by how many of its pixels lie in the image.

    Returns
    -------
    array, shape (h, w, C)
    """
    xp = array_namespace(image)
    inside = xp.ones((*image.shape[:2], 1), dtype=image.dtype, device=device(image))
    total, count = (_window_sum(values, size, stride, padding) for values in (image, inside))
    return total / (float(size * size) if count_padding else count)


def _geometry(image, kernel_size, stride, dilation, padding):
    return window_geometry(image.shape[:2], tuple(kernel_size), stride=stride, dilation=dilation, padding=padding)


def windows(image, kernel_size, pads, size, /, *, stride, dilation, fill=0.0):
    """Yield each tap (dy, dx) of a kernel with the strided view of the padded image that it multiplies."""
    padded = _pad(_pad(image, pads[0], 0, fill), pads[1], 1, fill)
    for dy in range(kernel_size[0]):
        for dx in range(kernel_size[1]):
            rows, columns = (
                slice(d * dilation, d * dilation + (n - 1) * stride + 1, stride)
                for d, n in zip((dy, dx), size, strict=True)
            )
            yield (dy, dx), padded[rows, columns, :]


def _pad(image, pads, axis, fill):
    """Put (before, after) lines of `fill` around an axis; not in place, for namespaces of immutable arrays."""
    xp, shape = array_namespace(image), list(image.shape)

    def lines(n):
        shape[axis] = n
        return xp.full(tuple(shape), fill, dtype=image.dtype, device=device(image))

    return xp.concat([lines(pads[0]), image, lines(pads[1])], axis=axis) if any(pads) else image


def _window_sum(image, size, stride, padding):
    pads, out_size = _geometry(image, (size, size), stride, 1, padding)
    total = 0.0
    for _, window in windows(image, (size, size), pads, out_size, stride=stride, dilation=1):
        total = total + window
    return total


def finish(values, bias, shortcut, activation, /):
    """Add what a convolution adds, and take its activation."""
    check_activation(activation)
    for term in (bias, shortcut):
        values = values if term is None else values + term
    if activation is None:
        return values
    return array_namespace(values).clip(values, 0.0, 6.0 if activation == "relu6" else None)
