"""The networks by name: what runs a model's weights on a frame, and the epsilon of its batch norms."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from vosref.backend import Array
from vosref.nn import deeplab, efficientnet, heads, resnet
from vosref.nn.layers import Factory, Layers, fold

__all__ = ["TVOS_STAGES", "Network", "network"]

TVOS_STAGES = 5  # of EfficientNet-Lite, which TVOS stands on: up to stride 16


class Network(NamedTuple):
    """How a model runs."""

    run: Callable[..., Array]  # (weights, image, /, *, layers, …) -> feature map or embedding (h, w, C)
    epsilon: Callable[[str], float]  # of a layer's batch norm
    strided: Callable[[str], bool] = lambda _name: True  # whether a layer may stride or dilate

    def fold(self, weights: Mapping[str, Array], /, *, winograd: bool = True) -> dict[str, Array]:
        """Prepare a model's weights for its frames, as `layers.fold` does."""
        return fold(weights, epsilon=self.epsilon, winograd=winograd, strided=self.strided)


def network(model: str, /) -> Network:
    """Return the network that a model's weights belong to (`vosref weights list` names the models).

    Raises
    ------
    ValueError
        If no network has this name.

    Examples
    --------
    A frame in, at stride 16 features out:

    >>> import numpy as np
    >>> from vosref.nn.networks import network
    >>> from vosref.weights import load
    >>> net = network("tvos-lite0")
    >>> net.run(net.fold(load("tvos-lite0")), np.zeros((32, 64, 3), np.float32)).shape
    (2, 4, 112)
    """
    for family, found in _FAMILIES.items():
        if model.startswith(family):
            return found
    raise ValueError(f"model must begin with one of {', '.join(_FAMILIES)}, got {model!r}")


def _feelvos(weights: Mapping[str, Array], image: Array, /, *, layers: Factory = Layers, **options: Any) -> Array:
    return heads.embedding(weights, deeplab.features(weights, image, layers=layers, **options), layers=layers)


_FAMILIES = {
    "tvos-resnet": Network(resnet.features, resnet.epsilon, resnet.strided),
    "resnet": Network(resnet.features, resnet.epsilon, resnet.strided),
    "tvos-lite": Network(functools.partial(efficientnet.features, n_stages=TVOS_STAGES), efficientnet.epsilon),
    "feelvos-": Network(_feelvos, deeplab.epsilon),
    "lite": Network(efficientnet.features, efficientnet.epsilon),
}
