"""How each family of networks is run for a comparison: to its last layer, with its results as points of their own."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from vosref.nn import deeplab, efficientnet, heads, resnet, xception
from vosref.nn.networks import TVOS_STAGES
from vosref.parity.layers import ComparedLayers
from vosref.parity.rounding import Running

__all__ = ["output_strides", "runner"]

Weights = Mapping[str, np.ndarray]
NewLayers = Any  # (weights, epsilon) -> ComparedLayers, which networks call as a class


def output_strides(model: str, /) -> tuple[int, ...]:
    """Return the output strides that a model can run with."""
    strides: dict[Any, tuple[int, ...]] = {
        _resnet: (4, 8, 16, 32),
        _tvos_lite: (2, 4, 8, 16),
        _feelvos: (8, 16),
        _efficientnet: (2, 4, 8, 16, 32),
    }
    return strides[runner(model)]


def runner(model: str, /) -> Callable[..., Any]:
    """Return what runs a model: (weights, image, layers=…, cues=…, output_stride=…)."""
    return next(run for family, run in _FAMILIES.items() if model.startswith(family))


def _resnet(weights: Weights, image: Running, *, layers: NewLayers, cues: Any = None, **options: Any) -> None:  # noqa: ARG001
    x = resnet.features(weights, image, layers=layers, **options)
    net = layers(weights, resnet.epsilon)
    _classify(net, "mean", net.observe("features", x))


def _efficientnet(weights: Weights, image: Running, *, layers: NewLayers, cues: Any = None, **options: Any) -> None:  # noqa: ARG001
    x = efficientnet.features(weights, image, layers=layers, **options)
    net = layers(weights, efficientnet.epsilon)
    x = net.observe("features", x)
    if net.has("head"):
        _classify(net, "pool", net.conv("head", x, activation="relu6"))


def _tvos_lite(weights: Weights, image: Running, **options: Any) -> None:
    _efficientnet(weights, image, n_stages=TVOS_STAGES, **options)


def _classify(net: ComparedLayers, pool: str, x: Running) -> None:
    if net.has("classifier"):
        net.observe("logits", net.conv("classifier", net.mean(pool, x)))


def _feelvos(
    weights: Weights, image: Running, *, layers: NewLayers, cues: np.ndarray | None = None, output_stride: int = 8
) -> None:
    net = layers(weights, deeplab.epsilon)
    low_level, encoded, rates = deeplab.encode(weights, image, output_stride=output_stride, layers=layers)
    low_level, encoded = net.observe("low_level", low_level), net.observe("encoded", encoded)
    context = deeplab.pyramid(weights, encoded, rates=rates, layers=layers)
    features = deeplab.decode(weights, low_level, net.observe("context", context), layers=layers)
    features = net.observe("features", features)
    net.observe("embedding", heads.embedding(weights, features, layers=layers))
    if cues is not None:
        net.observe("logits", _head(weights, features, np.asarray(cues, np.float64), layers=layers))


def _head(weights: Weights, features: Running, cues: np.ndarray, *, layers: NewLayers) -> Running:
    """Run the head for each object by itself, so that its points are the layers of the weights."""
    net, logits, n_objects = layers(weights, heads.epsilon), [], cues.shape[2]
    for k in range(n_objects):
        net.prefix = f"object{k + 1}/" if n_objects > 1 else ""
        own = Running(cues[:, :, k], np.zeros_like(cues[:, :, k]))
        x = net.concat("head/input", [features, own])
        for i in range(heads.HEAD_LAYERS):
            x = xception.separable(net, f"head/{i}", x, activation="relu")
        logits.append(net.conv("head/logits", x))
    return Running(*(np.concatenate(arrays, axis=2) for arrays in zip(*logits, strict=True)))


_FAMILIES: dict[str, Callable[..., None]] = {
    "tvos-resnet": _resnet,
    "tvos-lite": _tvos_lite,
    "resnet": _resnet,
    "feelvos-": _feelvos,
    "lite": _efficientnet,
}
