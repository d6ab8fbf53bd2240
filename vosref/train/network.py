"""A network with parameters that can be trained, under the names of its arrays."""

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from vosref.nn import deeplab, efficientnet, heads, resnet
from vosref.train.layers import Tensor, TorchLayers, from_array, to_array

__all__ = ["Network"]

STATISTICS = ("/mean", "/variance")


class Network(torch.nn.Module):
    """The twin of TVOS's embedding, or of FEELVOS's networks, in PyTorch.

    Parameters
    ----------
    arrays : mapping of str to numpy.ndarray
        A model's weights (`vosref.weights.load`), which training starts from.
    frozen : str
        Regular expression: layers whose name it matches from its start on are not trained.
    adapting : str
        Likewise, layers whose batch norm takes the statistics of its batch while it is trained.
    momentum : float
        Share of a batch's statistics in the running ones.
    brief : bool
        See `TorchLayers`.
    """

    def __init__(
        self,
        arrays: Mapping[str, np.ndarray],
        /,
        *,
        frozen: str = r"(?!)",
        adapting: str = r"(?!)",
        momentum: float = 0.1,
        brief: bool = False,
    ) -> None:
        super().__init__()
        self.axes = {name: array.ndim for name, array in arrays.items()}
        self.adapting, self.momentum, self.brief = re.compile(adapting), momentum, brief
        for name, array in arrays.items():
            tensor = from_array(array)
            if name.endswith(STATISTICS):
                self.register_buffer(name, tensor)
            else:
                trained = re.match(frozen, name) is None
                self.register_parameter(name, torch.nn.Parameter(tensor, requires_grad=trained))

    @property
    def weights(self) -> dict[str, Tensor]:
        """Every tensor by its name."""
        return dict(self.named_parameters()) | dict(self.named_buffers())

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the weights as arrays, as they were given."""
        weights = self.weights
        return {name: to_array(weights[name], axes) for name, axes in self.axes.items()}

    def layers(self, **options: Any) -> Callable[..., TorchLayers]:
        """Return what networks take as their option `layers`; options are those of `TorchLayers`."""
        adapting = self.adapting.match if self.training else lambda _name: None
        return functools.partial(
            TorchLayers,
            adapting=lambda name: adapting(name) is not None,
            momentum=self.momentum,
            brief=self.brief and self.training,
            **(options if self.training else {}),
        )

    def embed(self, images: Tensor, /, *, scale: float = 1.0, normalise: bool = False, **options: Any) -> Tensor:
        """TVOS's embedding of a batch; the twin of `vosref.nn.transfer.embed`.

        Parameters
        ----------
        images : Tensor, shape (N, 3, H, W)
            RGB, 0 to 255, floating point.
        scale : float
            Images are enlarged so much before the network.
        normalise : bool
            Scale embeddings to length 1.
        **options
            Of `resnet.features` or `efficientnet.features`.

        Returns
        -------
        Tensor, shape (N, D, h, w)
        """
        weights = self.weights
        if scale != 1:
            size = tuple(max(1, round(n * scale)) for n in images.shape[2:])
            images = torch.nn.functional.interpolate(images, size, mode="bilinear", align_corners=False)
        images = images.contiguous(memory_format=torch.channels_last)
        run = resnet.features if "layer1/0/conv1/kernel" in weights else efficientnet.features
        x = run(weights, images, layers=self.layers(), **options).float()
        # The gradient of a length is infinite at 0, where the definition leaves the embedding as it is.
        return x * torch.rsqrt((x * x).sum(1, keepdim=True).clamp_min(1e-24)) if normalise else x

    def features(self, images: Tensor, /, *, output_stride: int, dropout: float = 0.0) -> Tensor:
        """FEELVOS's decoder on a batch (N, 3, H, W): features (N, 256, h, w)."""
        images = images.contiguous(memory_format=torch.channels_last)
        layers = self.layers(dropout={"aspp/projection": dropout})
        return deeplab.features(self.weights, images, output_stride=output_stride, layers=layers).float()

    def embedding(self, features: Tensor, /) -> Tensor:
        """FEELVOS's embedding (N, 100, h, w) of features."""
        return heads.embedding(self.weights, features, layers=self.layers()).float()

    def head(self, features: Tensor, cues: Tensor, /) -> Tensor:
        """FEELVOS's segmentation head: logits (K, h, w) of features (1, 256, h, w) and cues (K, n, h, w)."""
        between, cues = "relu", cues.contiguous(memory_format=torch.channels_last)
        net = self.layers()(_split_head(self.weights, features.shape[1]), heads.epsilon)
        shared = net.depthwise("head/0/shared/depthwise", features, activation=between)
        shared = net.conv("head/0/shared/pointwise", shared)
        return heads.object_logits(net, shared, cues, between)[:, 0].float()


def _split_head(weights: Mapping[str, Tensor], n_shared: int) -> dict[str, Tensor]:
    """Split the head's first layer as `heads.split_head` does, along the axes that PyTorch has."""
    split = {name: tensor for name, tensor in weights.items() if name.startswith("head/")}
    for part, channels in (("shared", slice(None, n_shared)), ("own", slice(n_shared, None))):
        for array in ("kernel", "bias"):
            split[f"head/0/{part}/depthwise/{array}"] = weights[f"head/0/depthwise/{array}"][channels]
        split[f"head/0/{part}/pointwise/kernel"] = weights["head/0/pointwise/kernel"][:, channels]
    split["head/0/shared/pointwise/bias"] = weights["head/0/pointwise/bias"]
    return split
