"""The layers, stated once: convolution, depthwise convolution, batch norm folded into them, and their activation.

Images are (H, W, C). Kernels are stored taps first, (k, k, C_in, C_out) and (k, k, C): a convolution is then the sum
over its taps of a shifted image times a matrix. Batch norm at inference is affine, so it is folded (`fold_batch_norm`).
"""

from vosref.backend import accelerated, array_namespace, device
from vosref.shapes import check_convolution, same_padding

__all__ = ["conv2d", "depthwise_conv2d", "fold_batch_norm", "same_padding"]


def fold_batch_norm(kernel, scale, offset, mean, variance, /, *, epsilon):
    """Fold an inference-time batch norm into the bias-free convolution before it.

    Parameters
    ----------
    kernel : array, shape (..., C)
        Kernel whose last axis is the output channel.
    scale, offset, mean, variance : array, shape (C,)
        The norm's weight, bias and running statistics.
    epsilon : float
        Added to the variance.

    Returns
    -------
    kernel : array, shape (..., C)
    bias : array, shape (C,)
    """
    xp = array_namespace(kernel, scale, offset, mean, variance)
    gain = scale / xp.sqrt(variance + epsilon)
    return kernel * gain, offset - mean * gain


@accelerated
def conv2d(image, kernel, bias, /, *, stride=1, relu6=False):
    """Two-dimensional convolution (cross-correlation) with 'same' padding, bias and optional ReLU6.

    Parameters
    ----------
    image : array, shape (H, W, C_in)
    kernel : array, shape (k, k, C_in, C_out)
    bias : array, shape (C_out,)
    stride : int
        Step between output positions, in pixels.
    relu6 : bool
        Clip the result to [0, 6].

    Returns
    -------
    array, shape (ceil(H / stride), ceil(W / stride), C_out)
    """
    xp = array_namespace(image, kernel, bias)
    check_convolution("conv2d", image, kernel, bias, kernel.shape[3])
    height, width = _output_size(image, stride)
    out = bias
    for tap, window in _windows(image, kernel.shape[0], stride):
        out = out + xp.reshape(window, (height * width, image.shape[2])) @ kernel[*tap, :, :]
    return _activation(xp.reshape(out, (height, width, kernel.shape[3])), relu6)


@accelerated
def depthwise_conv2d(image, kernel, bias, /, *, stride=1, relu6=False):
    """Convolve every channel with its own kernel, with 'same' padding, bias and optional ReLU6.

    Parameters
    ----------
    image : array, shape (H, W, C)
    kernel : array, shape (k, k, C)
    bias : array, shape (C,)
    stride : int
        Step between output positions, in pixels.
    relu6 : bool
        Clip the result to [0, 6].

    Returns
    -------
    array, shape (ceil(H / stride), ceil(W / stride), C)
    """
    array_namespace(image, kernel, bias)  # raises TypeError where they differ
    check_convolution("depthwise_conv2d", image, kernel, bias, kernel.shape[2])
    out = bias
    for tap, window in _windows(image, kernel.shape[0], stride):
        out = out + window * kernel[*tap, :]
    return _activation(out, relu6)


def _output_size(image, stride):
    return -(-image.shape[0] // stride), -(-image.shape[1] // stride)


def _windows(image, kernel_size, stride):
    """Yield each tap (dy, dx) of a square kernel with the strided view of the padded image that it multiplies."""
    xp = array_namespace(image)
    (height, width), channels = _output_size(image, stride), image.shape[2]
    top, bottom = same_padding(image.shape[0], kernel_size, stride)
    left, right = same_padding(image.shape[1], kernel_size, stride)

    def zeros(*shape):
        return xp.zeros(shape, dtype=image.dtype, device=device(image))

    padded = xp.concat([zeros(top, image.shape[1], channels), image, zeros(bottom, image.shape[1], channels)], axis=0)
    padded = xp.concat(
        [zeros(padded.shape[0], left, channels), padded, zeros(padded.shape[0], right, channels)], axis=1
    )
    for dy in range(kernel_size):
        for dx in range(kernel_size):
            rows = slice(dy, dy + (height - 1) * stride + 1, stride)
            yield (dy, dx), padded[rows, dx : dx + (width - 1) * stride + 1 : stride, :]


def _activation(values, relu6):
    return array_namespace(values).clip(values, 0.0, 6.0) if relu6 else values
