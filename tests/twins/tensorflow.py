"""Layers that keep the TensorFlow scope they come from, and load variables under TensorFlow's names and layouts."""

import numpy as np
import torch
from torch import nn

NORM = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}


class Conv(nn.Module):
    """A convolution, depthwise where `c_out` is None; then batch norm, or a bias where `eps` is None; then maybe ReLU.

    Odd kernels are padded by `rate` · (size - 1) / 2 zeros on every side, with a stride too.
    """

    def __init__(self, scope, c_in, c_out=None, *, size=1, stride=1, rate=1, eps=None, relu=False):
        super().__init__()
        self.scope, self.relu, self.depthwise = scope, relu, c_out is None
        options = {"padding": rate * (size - 1) // 2, "dilation": rate, "groups": c_in if self.depthwise else 1}
        self.conv = nn.Conv2d(c_in, c_out or c_in, size, stride, bias=eps is None, **options)
        self.norm = nn.Identity() if eps is None else nn.BatchNorm2d(c_out or c_in, eps=eps)

    def forward(self, x):
        x = self.norm(self.conv(x))
        return x.relu() if self.relu else x

    def variables(self):
        """Yield each TensorFlow name, the torch tensor it fills, and the axes that turn theirs into ours."""
        if self.depthwise:
            yield f"{self.scope}/depthwise_weights", self.conv.weight, (2, 3, 0, 1)
        else:
            yield f"{self.scope}/weights", self.conv.weight, (3, 2, 0, 1)
        if self.conv.bias is not None:
            yield f"{self.scope}/biases", self.conv.bias, (0,)
        else:
            yield from ((f"{self.scope}/BatchNorm/{a}", getattr(self.norm, b), (0,)) for a, b in NORM.items())


def separable(scope, c_in, c_out, *, size=3, stride=1, rate=1, eps=None, relu=True):
    """A depthwise convolution, then a pointwise one; each with its own norm or bias and, if `relu`, its own ReLU."""
    return nn.Sequential(
        Conv(f"{scope}_depthwise", c_in, size=size, stride=stride, rate=rate, eps=eps, relu=relu),
        Conv(f"{scope}_pointwise", c_in, c_out, eps=eps, relu=relu),
    )


def variables(module):
    """Every TensorFlow name and its shape there, in the order of the module's definition."""
    found = (v for layer in module.modules() if isinstance(layer, Conv) for v in layer.variables())
    return [(name, tuple(tensor.shape[axes.index(i)] for i in range(len(axes)))) for name, tensor, axes in found]


def load_tf(module, arrays):
    """Give `module` every array of `arrays`, in their precision; none may be missing, left over or wrongly shaped."""
    rest = dict(arrays)
    module.to(torch.from_numpy(np.array(next(iter(rest.values())))).dtype)
    with torch.no_grad():
        for layer in (m for m in module.modules() if isinstance(m, Conv)):
            for name, tensor, axes in layer.variables():
                array = np.transpose(rest.pop(name), axes)
                assert array.shape == tuple(tensor.shape), f"{name}: {array.shape} for {tuple(tensor.shape)}"
                tensor.copy_(torch.from_numpy(np.array(array)))
    assert not rest, f"unused {sorted(rest)}"
    return module.eval().requires_grad_(False)
