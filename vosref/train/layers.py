"""A network's layers in PyTorch, on batches, with gradients: the twin of `vosref.nn.layers.Layers`.

A network is one function of (weights, image, layers); given these layers it runs on tensors (N, C, H, W), and what its
array definition computes of each image by itself, it computes of a batch. Parameters carry the names of the arrays.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import torch
from torch.nn import functional

from vosref.nn.layers import NORM
from vosref.shapes import same_padding
from vosref.train.depthwise import depthwise_conv2d

__all__ = ["TorchLayers", "from_array", "to_array"]

Tensor: TypeAlias = torch.Tensor


class TorchLayers:
    """The layers of one network.

    Parameters
    ----------
    weights : mapping of str to Tensor
        As `from_array` lays them out.
    epsilon : callable, str to float
        The epsilon of a layer's batch norm.
    adapting : callable, str to bool
        Whether a layer's batch norm takes the statistics of its batch, and lets its running ones follow; where not, it
        is the affine map that it is at inference, whose scale and offset may still be trained.
    momentum : float
        Share of a batch's statistics in the running ones.
    brief : bool
        Compute in bfloat16 what gains by it on a processor: dense layers, and all layers through which no gradient
        flows. Weights, sums and statistics stay float32.
    dropout : mapping of str to float, optional
        Share of values that are dropped after a layer.
    """

    def __init__(
        self,
        weights: Mapping[str, Tensor],
        epsilon: Callable[[str], float],
        /,
        *,
        adapting: Callable[[str], bool] = lambda _name: False,
        momentum: float = 0.1,
        brief: bool = False,
        dropout: Mapping[str, float] | None = None,
    ) -> None:
        self.weights, self.epsilon, self.adapting = weights, epsilon, adapting
        self.momentum, self.brief, self.dropout = momentum, brief, dropout or {}

    def has(self, name: str) -> bool:
        """Tell whether the network has a layer of that name."""
        return f"{name}/kernel" in self.weights

    def standardise(self, image: Tensor, gain: list[float], offset: list[float]) -> Tensor:
        """Bring RGB values of 0 to 255 to the scale that the network was trained on: gain · image + offset."""
        gains, offsets = (image.new_tensor(v).reshape(1, -1, 1, 1) for v in (gain, offset))
        return image * gains + offsets

    def conv(self, name: str, x: Tensor, shortcut: Tensor | None = None, **options: Any) -> Tensor:
        """Convolution, norm, shortcut, activation."""
        return self._convolve(name, x, shortcut, options, groups=options.pop("groups", 1))

    def depthwise(self, name: str, x: Tensor, *, rectify: bool = False, **options: Any) -> Tensor:
        """Depthwise convolution, norm, activation."""
        x = functional.relu(x) if rectify else x
        return self._convolve(name, x, None, options, groups=x.shape[1])

    def inverted_residual(self, name: str, x: Tensor, *, shortcut: bool, **sampling: Any) -> Tensor:
        """Expansion, depthwise, projection."""
        wide = self.conv(f"{name}/expand", x, activation="relu6") if self.has(f"{name}/expand") else x
        wide = self.depthwise(f"{name}/depthwise", wide, **sampling, activation="relu6")
        return self.conv(f"{name}/project", wide, x if shortcut else None)

    def max_pool(self, name: str, x: Tensor, *, size: int, stride: int, padding: int = 0) -> Tensor:  # noqa: ARG002
        """Largest value of every window."""
        return functional.max_pool2d(x, size, stride, padding)

    def mean(self, name: str, x: Tensor) -> Tensor:  # noqa: ARG002
        """Mean over all pixels, shape (N, C, 1, 1)."""
        return x.mean((2, 3), keepdim=True)

    def resize(self, name: str, x: Tensor, size: tuple[int, int]) -> Tensor:  # noqa: ARG002
        """Bilinear, with aligned corners."""
        return functional.interpolate(x, size, mode="bilinear", align_corners=True)

    def concat(self, name: str, parts: list[Tensor]) -> Tensor:  # noqa: ARG002
        """Join channels."""
        return torch.cat(parts, 1)

    def width(self, name: str) -> int:
        """Channels that a layer puts out."""
        return self.weights[f"{name}/kernel"].shape[0]

    def channels(self, x: Tensor) -> int:
        """Channels of a feature map."""
        return x.shape[1]

    def size(self, x: Tensor) -> tuple[int, int]:
        """Rows and columns of a feature map."""
        return tuple(x.shape[2:])

    def _convolve(self, name: str, x: Tensor, shortcut: Tensor | None, options: dict[str, Any], groups: int) -> Tensor:
        kernel = self.weights[f"{name}/kernel"]
        stride, dilation = options.get("stride", 1), options.get("dilation", 1)
        x, pads = _padded(x, kernel.shape[2:], stride, dilation, options.get("padding"))
        bias = self.weights.get(f"{name}/bias")
        if f"{name}/scale" in self.weights and not self.adapting(name):
            kernel, bias = self._folded(name, kernel)
        still = not (torch.is_grad_enabled() and (x.requires_grad or kernel.requires_grad))
        if self.brief and (groups == 1 or still):
            with torch.autocast(x.device.type, torch.bfloat16):
                x = functional.conv2d(x, kernel, bias, stride, pads, dilation, groups)
        elif groups == x.shape[1] > 1 and not still:
            x = depthwise_conv2d(x.float(), kernel, bias, stride, pads, dilation)
        else:
            x = functional.conv2d(x.float(), kernel, bias, stride, pads, dilation, groups)
        if f"{name}/scale" in self.weights and self.adapting(name):
            x = self._norm(name, x)
        x = _activated(x if shortcut is None else x + shortcut, options.get("activation"))
        return functional.dropout(x, self.dropout[name]) if self.dropout.get(name) else x

    def _folded(self, name: str, kernel: Tensor) -> tuple[Tensor, Tensor]:
        scale, offset, mean, variance = (self.weights[f"{name}/{part}"] for part in NORM)
        gain = scale * torch.rsqrt(variance + self.epsilon(name))
        return kernel * gain.reshape(-1, 1, 1, 1), offset - mean * gain

    def _norm(self, name: str, x: Tensor) -> Tensor:
        scale, offset, mean, variance = (self.weights[f"{name}/{part}"] for part in NORM)
        epsilon = self.epsilon(name)
        return functional.batch_norm(
            x.float(), mean, variance, scale, offset, training=True, momentum=self.momentum, eps=epsilon
        )


def from_array(array: np.ndarray, /) -> Tensor:
    """Lay out an array as PyTorch does: (kh, kw, in, out) as (out, in, kh, kw), (kh, kw, C) as (C, 1, kh, kw)."""
    array = np.asarray(array)
    if array.ndim == 4:
        array = array.transpose(3, 2, 0, 1)
    elif array.ndim == 3:
        array = array.transpose(2, 0, 1)[:, None]
    return torch.from_numpy(np.array(array, np.float32, order="C"))


def to_array(tensor: Tensor, n_axes: int, /) -> np.ndarray:
    """Lay out a tensor as the array with so many axes that `from_array` would make it of."""
    array = tensor.detach().cpu().numpy()
    if n_axes == 4:
        array = array.transpose(2, 3, 1, 0)
    elif n_axes == 3:
        array = array[:, 0].transpose(1, 2, 0)
    return np.array(array, np.float32, order="C")


def _padded(x: Tensor, kernel: Any, stride: int, dilation: int, padding: Any) -> tuple[Tensor, tuple[int, int]]:
    """Pad where sides differ; else leave it to the convolution. Without `padding` the size is kept."""
    if padding is None:
        return x, tuple(dilation * (k - 1) // 2 for k in kernel)
    if padding == "same":
        size = zip(x.shape[2:], kernel, strict=True)
        padding = tuple(same_padding(n, k, stride, dilation=dilation) for n, k in size)
    elif isinstance(padding, int):
        padding = ((padding, padding), (padding, padding))
    (top, bottom), (left, right) = padding
    if top == bottom and left == right:
        return x, (top, left)
    return functional.pad(x, (left, right, top, bottom)), (0, 0)


def _activated(x: Tensor, activation: str | None) -> Tensor:
    if activation is None:
        return x
    return functional.relu6(x) if activation == "relu6" else functional.relu(x)
