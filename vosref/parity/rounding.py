"""Layers on values with a bound on the rounding error that another library may have made at each element.

A `Running` is a value x, computed in float64, and an error e ≥ 0: whoever computed the same in another precision, in
any order, from activations that both share, has a y with |y - x| ≤ e. Every layer carries this on, elementwise, by
γ_k = ku / (1 - ku) [Higham 2002, Lemma 3.1], u the sum of both sides' unit roundoffs, as γ_k(u) + γ_k(v) ≤ γ_k(u + v).
Roundings act on y, of which only |y| ≤ m = |x| + e is known.

* Convolution of n products and a bias: |K y - K x| ≤ |K| e, and γ_r (|K| m + |b|) more, r = n + 12. The sum alone needs
  n + 1; the rest lets a batch norm be folded into the kernel before it is summed.
* Batch norm (x - μ) g + β, g = s / sqrt(σ² + ε) of 4 roundings: |g| e + γ_12 |g| m + γ_r (|g μ| + |β|). Written as
  x g + (β - g μ) it takes 9 at most, so that 12 leave room for a reciprocal square root that is 3 units off. r is 12
  where the convolution's result was seen in memory; where not, g μ and β may have been folded into the convolution and
  have gone through its whole sum, and r = n + 12.
* Shortcut s: its own error, γ_r m_s (it may be what the sum began with), and γ_2 m for the last addition.
* ReLU and ReLU6 are 1-Lipschitz; where x < 0 the error is also at most max(x + e, 0), and past 6 alike.
* Max pooling: |max_i a_i - max_i b_i| ≤ max_i |a_i - b_i|, the maximum of the errors.
* Mean of n: mean(e) + γ_(n+2) mean(m). Concatenation adds nothing.
* Bilinear resize: resize(e) + γ_8 resize(m), as weights are non-negative and each axis rounds a weight, two products
  and their sum. Besides, a position of at most N - 1 is off by γ_3 (N - 1), and along either axis the interpolant's
  slope is at most twice the largest m near by.
* Standardising, gain · x + offset, in whichever order of division and subtraction: γ_8 (|gain · x| + |offset|).

Underflow adds the smallest normal number once for every product.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from vosref.nn import ops

__all__ = ["ROUNDINGS", "Layer", "Rounding", "Running"]

ROUNDINGS = 12  # of a batch norm at most, and more than standardising and resizing need


class Running(NamedTuple):
    """A value and the bound on another's error in it, both float64 of one shape."""

    value: np.ndarray
    error: np.ndarray

    @property
    def magnitude(self) -> np.ndarray:
        """Largest absolute value that the other may have."""
        return np.abs(self.value) + self.error


class Layer(NamedTuple):
    """What a convolutional layer does: convolve, normalise if it has a norm, add the shortcut, activate."""

    operation: Callable[..., Any]  # ops.conv2d or ops.depthwise_conv2d
    kernel: np.ndarray
    bias: np.ndarray | None
    norm: tuple[np.ndarray, ...]  # scale, offset, mean, variance; or empty
    epsilon: float
    shortcut: Running | None
    activation: str | None
    sampling: dict[str, Any]  # stride, dilation, padding
    rectify: bool  # take max(x, 0) first

    @property
    def n_products(self) -> int:
        """Products in one output."""
        return math.prod(self.kernel.shape[: 3 if self.kernel.ndim == 4 else 2])


class Rounding:
    """The layers, against someone who computes in `dtype`, float32 or float64."""

    def __init__(self, dtype: np.dtype) -> None:
        self.unit = float(np.finfo(dtype).eps + np.finfo(np.float64).eps) / 2
        self.tiny = float(np.finfo(dtype).tiny)

    def gamma(self, n: int) -> float:
        """γ_n, infinite where n roundings can take everything."""
        return n * self.unit / (1 - n * self.unit) if n * self.unit < 1 else math.inf

    def convolve(self, layer: Layer, x: Running, roundings: int, /) -> Running:
        """Convolve and add the bias."""
        if layer.rectify:
            x = self.activate(x, "relu")
        bias = None if layer.bias is None else layer.bias.astype(np.float64)
        gamma, kernel = self.gamma(roundings), layer.kernel.astype(np.float64)
        value = layer.operation(x.value, kernel, bias, **layer.sampling)
        error = layer.operation(x.error + gamma * x.magnitude + self.tiny, np.abs(kernel), **layer.sampling)
        error += 2 * layer.n_products * self.tiny + (0 if bias is None else gamma * np.abs(bias))
        return Running(value, error)

    def normalise(self, layer: Layer, x: Running, roundings: int, /) -> Running:
        """Apply the batch norm, if there is one."""
        if not layer.norm:
            return x
        scale, offset, mean, variance = (a.astype(np.float64) for a in layer.norm)
        gain = np.abs(scale / np.sqrt(variance + layer.epsilon))
        value = ops.batch_norm(x.value, scale, offset, mean, variance, epsilon=layer.epsilon)
        constant = self.gamma(roundings) * (gain * np.abs(mean) + np.abs(offset)) + 4 * self.tiny
        return Running(value, gain * (x.error + self.gamma(ROUNDINGS) * x.magnitude) + constant)

    def finish(self, layer: Layer, x: Running, roundings: int, /) -> Running:
        """Add the shortcut, if there is one, and activate."""
        if (shortcut := layer.shortcut) is not None:
            error = x.error + shortcut.error + self.gamma(roundings) * shortcut.magnitude
            x = Running(x.value + shortcut.value, error + self.gamma(2) * x.magnitude + self.tiny)
        return self.activate(x, layer.activation)

    def activate(self, x: Running, activation: str | None, /) -> Running:
        """ReLU, ReLU6 or nothing."""
        if activation is None:
            return x
        error = np.minimum(x.error, np.maximum(x.value + x.error, 0))
        if activation == "relu6":
            error = np.minimum(error, np.maximum(6 - x.value + x.error, 0))
        return Running(ops.finish(x.value, None, None, activation), error)

    def standardise(self, image: Running, gain: np.ndarray, offset: np.ndarray, /) -> Running:
        """Bring RGB to the network's scale."""
        error = np.abs(gain) * image.error + self.gamma(8) * (np.abs(gain) * image.magnitude + np.abs(offset))
        return Running(image.value * gain + offset, error + self.tiny)

    def max_pool(self, x: Running, /, **options: Any) -> Running:
        """Largest value of every window."""
        return Running(ops.max_pool(x.value, **options), ops.max_pool(x.error, **options))

    def mean(self, x: Running, /) -> Running:
        """Mean over all pixels, shape (1, 1, C)."""
        n, axes = x.value.shape[0] * x.value.shape[1], (0, 1)
        error = np.mean(x.error + self.gamma(n + 2) * x.magnitude, axis=axes, keepdims=True)
        return Running(np.mean(x.value, axis=axes, keepdims=True), error + n * self.tiny)

    def resize(self, x: Running, size: tuple[int, int], /, *, align_corners: bool = True) -> Running:
        """Resize bilinearly."""
        options = {"size": size, "align_corners": align_corners}
        farthest = max(x.value.shape[:2]) - align_corners
        near = ops.resize_bilinear(ops.max_pool(x.magnitude, size=5, stride=1, padding=2), **options)
        error = ops.resize_bilinear(x.error + self.gamma(8) * x.magnitude, **options)
        error += 2 * 2 * self.gamma(3) * farthest * near + 4 * self.tiny  # a slope in each of two axes
        return Running(ops.resize_bilinear(x.value, **options), error)

    def concat(self, parts: list[Running], /) -> Running:
        """Join channels."""
        return Running(*(np.concatenate(arrays, axis=2) for arrays in zip(*parts, strict=True)))
