"""The points of a network by the names that others give them: PyTorch's modules, TensorFlow's scopes and operations."""

from collections.abc import Iterator, Mapping

from vosref.weights import model
from vosref.weights.tables import Scheme

__all__ = ["strip", "their_names"]

# Modules without weights that run once. A ReLU that blocks share is called more than once, and has no one output.
WEIGHTLESS = {
    "TVOS's": {"backbone.2": "stem", "backbone.3": "pool"},
    "torchvision's": {"relu": "stem", "maxpool": "pool", "avgpool": "mean"},
}
# timm ends a block after the shortcut and the stack in it before, so that the last layer does not tell the output.
NESTED = ("timm's",)
CONVOLUTIONS = ("Conv2D", "depthwise", "BiasAdd")
NORMS = ("BatchNorm", "BatchNorm/FusedBatchNorm", "BatchNorm/FusedBatchNormV3")


def their_names(model_name: str, /) -> dict[str, str]:
    """Return our point by every name of theirs that is known to have it."""
    names: dict[str, str] = {}
    for scheme in model(model_name).schemes:
        if scheme.layout == "torch":
            names |= {} if scheme.title in NESTED else _containers(scheme.keys)
            names |= WEIGHTLESS.get(scheme.title, {}) | dict(_modules(scheme))
        elif scheme.layout == "tensorflow":
            names |= dict(_scopes(scheme))
    return names


def strip(key: str, /) -> str:
    """Take off what wraps a name: DataParallel's ``module.``, and the number of a TensorFlow output."""
    return key.removeprefix("module.").removesuffix(":0")


def _modules(scheme: Scheme) -> Iterator[tuple[str, str]]:
    for ours, key in scheme.keys.items():
        layer, _, part = ours.rpartition("/")
        if point := {"kernel": "/convolution", "scale": "/norm"}.get(part):
            yield key.removesuffix(".weight"), layer + point


def _containers(keys: Mapping[str, str]) -> dict[str, str]:
    """Find the last layer in each module, whose output it gives; a shortcut is last only where it is alone."""
    outputs: dict[str, str] = {}
    for ours, key in keys.items():
        layer, _, part = ours.rpartition("/")
        parent = key.removesuffix(".weight").rpartition(".")[0]
        while part == "kernel" and parent:
            if not layer.endswith("/shortcut") or parent not in outputs:
                outputs[parent] = layer
            parent = parent.rpartition(".")[0]
    return outputs


def _scopes(scheme: Scheme) -> Iterator[tuple[str, str]]:
    """Yield a slim layer's scope, which ends in the activation, and the operations in it."""
    for ours, key in scheme.keys.items():
        layer, _, part = ours.rpartition("/")
        if part != "kernel":
            continue
        scope, has_bias = key.rpartition("/")[0], f"{layer}/bias" in scheme.keys
        yield scope, layer
        yield f"{scope}/Relu", layer
        yield from ((f"{scope}/{op}", f"{layer}/convolution") for op in CONVOLUTIONS if has_bias == (op == "BiasAdd"))
        yield from ((f"{scope}/{op}", f"{layer}/norm") for op in NORMS if not has_bias)
