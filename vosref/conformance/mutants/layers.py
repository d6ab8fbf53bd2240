"""Wrong convolutions: what becomes of padding, dilation and groups between libraries, and of precision."""

from typing import Any

import numpy as np

from vosref.conformance.arithmetic import rounded
from vosref.conformance.capabilities import Capabilities
from vosref.conformance.mutants.convolutions import Array, convolve, swapped, symmetric
from vosref.conformance.mutants.mutant import Mutant

__all__ = ["MUTANTS"]

SINGLE, HALF = Capabilities(("float32",)), Capabilities(("float16",))
PORTS = "TensorFlow weights in PyTorch"


def _flipped(image: Array, kernel: Array, bias: Array, /, **options: Any) -> Array:
    return convolve(image, kernel[::-1, ::-1], bias, **options)


def _transposed(image: Array, kernel: Array, bias: Array, /, **options: Any) -> Array:
    """Read taps column by column: only a square kernel still fits."""
    return convolve(image, np.swapaxes(kernel, 0, 1).reshape(kernel.shape), bias, **options)


def _without_bias(image: Array, kernel: Array, bias: Array, /, **options: Any) -> Array:
    return convolve(image, kernel, 0 * bias, **options)


def _late_bias(image: Array, kernel: Array, bias: Array, /, **options: Any) -> Array:
    return convolve(image, kernel, 0 * bias, **options) + bias


def _always_rectified(image: Array, kernel: Array, bias: Array, /, **options: Any) -> Array:
    return convolve(image, kernel, bias, **options | {"activation": "relu"})


def _undilated(image: Array, kernel: Array, bias: Array, /, *, dilation: int, **options: Any) -> Array:
    """Keep the size of the result, but let the taps be neighbours."""
    far = np.zeros((*(dilation * (k - 1) + 1 for k in kernel.shape[:2]), *kernel.shape[2:]))
    far[: kernel.shape[0], : kernel.shape[1]] = kernel
    return convolve(image, far, bias, dilation=1, **options)


def _windows_from_the_end(image: Array, kernel: Array, bias: Array, /, *, stride: int, **options: Any) -> Array:
    """Let the last window, not the first, stand at the border."""
    every = convolve(image, kernel, bias, stride=1, **options)
    return every[::-1][::stride][::-1][:, ::-1][:, ::stride][:, ::-1]


def _wrapped(image: Array, kernel: Array, bias: Array, /, **options: Any) -> Array:
    return convolve(image, kernel, bias, mode="wrap", **options)


def _replicated(image: Array, kernel: Array, bias: Array, /, **options: Any) -> Array:
    return convolve(image, kernel, bias, mode="edge", **options)


def _zeros_before(image: Array, kernel: Array, bias: Array, /, **options: Any) -> Array:
    return convolve(image, kernel, bias, pads=swapped, **options)


def _pytorch_same(image: Array, kernel: Array, bias: Array, /, **options: Any) -> Array:
    return convolve(image, kernel, bias, pads=symmetric, **options)


def _tf32(image: Array, kernel: Array, bias: Array, /, **options: Any) -> Array:
    return convolve(rounded(image, "tf32"), rounded(kernel, "tf32"), bias, **options)


def _half_sums(image: Array, kernel: Array, bias: Array, /, **options: Any) -> Array:
    return convolve(image, kernel, bias, add=lambda a, b: (a + b).astype(np.float16), **options)


def _interleaved(image: Array, kernel: Array, bias: Array, /, *, groups: int, **options: Any) -> Array:
    order = np.arange(image.shape[2]).reshape(-1, groups).T.ravel()
    return convolve(image[..., order], kernel, bias, groups=groups, **options)


def _shuffled(image: Array, kernel: Array, bias: Array, /, *, groups: int, **options: Any) -> Array:
    out = convolve(image, kernel, bias, groups=groups, **options)
    return out[..., np.arange(out.shape[2]).reshape(groups, -1).T.ravel()]


def _first_kernel(image: Array, kernel: Array, bias: Array, /, **options: Any) -> Array:
    return convolve(image, np.repeat(kernel[..., :1], kernel.shape[-1], axis=-1), bias, **options)


def _reversed_channels(image: Array, kernel: Array, bias: Array, /, **options: Any) -> Array:
    return convolve(image, kernel[..., ::-1], bias, **options)


def _tile_skipped(image: Array, kernel: Array, bias: Array, /, **options: Any) -> Array:
    out = convolve(image, kernel, bias, **options)
    out[out.shape[0] // 4 * 4 :] = 0.0
    return out


COMMON = (
    ("flipped", "the kernel is flipped: a true convolution", "classic", _flipped),
    ("transposed", "the kernel's taps are read column by column", "classic", _transposed),
    ("no-bias", "the bias is left out", "classic", _without_bias),
    ("late-bias", "the bias is added after the activation", "classic", _late_bias),
    ("always-rectified", "a ReLU follows that was not asked for", "classic", _always_rectified),
    ("undilated", "dilation is ignored: the taps are neighbours", "classic", _undilated),
    ("from-the-end", "windows are counted from the end of the image", "classic", _windows_from_the_end),
    ("wrapped", "the image goes on round its border instead of zeros", "classic", _wrapped),
    ("replicated", "the border's pixels are repeated instead of zeros", "classic", _replicated),
    ("zeros-before", "zeros that belong after the image come before it", PORTS, _zeros_before),
    ("pytorch-same", "padding is symmetric whatever the stride, as PyTorch has it", PORTS, _pytorch_same),
    ("tile-skipped", "rows after the last whole tile of 4 are left as they were allocated", "classic", _tile_skipped),
)
ONLY = (
    Mutant("conv-interleaved", "conv2d", "groups take every g-th channel instead of a run", "classic", _interleaved),
    Mutant("conv-shuffled", "conv2d", "results of the groups are interleaved", "ShuffleNet", _shuffled),
    Mutant("conv-tf32", "conv2d", "products are of tf32, which is not declared", "allow_tf32", _tf32, SINGLE),
    Mutant("conv-half-sums", "conv2d", "sums are kept in half precision, not declared", "classic", _half_sums, HALF),
    Mutant(
        "depthwise-first-kernel", "depthwise_conv2d", "all channels take the first's kernel", "classic", _first_kernel
    ),
    Mutant("depthwise-reversed", "depthwise_conv2d", "kernels go to the wrong channels", "BGR", _reversed_channels),
)
MUTANTS = (
    *(Mutant(f"conv-{name}", "conv2d", wrong, source, f) for name, wrong, source, f in COMMON),
    *(Mutant(f"depthwise-{name}", "depthwise_conv2d", wrong, source, f) for name, wrong, source, f in COMMON),
    *ONLY,
)
