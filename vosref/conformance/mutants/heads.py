"""Wrong segmentation heads: cues exchanged, ReLUs missing, objects mixed up."""

from typing import Any

import numpy as np

from vosref.conformance.mutants.convolutions import Array, head, object_head, own_logits
from vosref.conformance.mutants.mutant import Mutant

__all__ = ["MUTANTS"]

Weights = dict[str, Array]


def _cues_exchanged(weights: Weights, features: Array, cues: Array, /, *, relu: bool) -> Array:
    """Give the local distance where the previous mask belongs."""
    order = [0, 2, 1] if cues.shape[3] == 3 else slice(None)
    return head(weights, features, cues[..., order], relu=relu)


def _cues_first(weights: Weights, features: Array, cues: Array, /, *, relu: bool) -> Array:
    def one(x: Array) -> Array:
        return own_logits(weights, np.roll(x, cues.shape[3], axis=2), relu=relu)

    return object_head(one, features, cues)


def _first_object_for_all(weights: Weights, features: Array, cues: Array, /, *, relu: bool) -> Array:
    return head(weights, features, np.repeat(cues[:, :, :1], cues.shape[2], axis=2), relu=relu)


def _reversed_objects(weights: Weights, features: Array, cues: Array, /, *, relu: bool) -> Array:
    return head(weights, features, cues, relu=relu)[..., ::-1]


def _softmax(weights: Weights, features: Array, cues: Array, /, *, relu: bool) -> Array:
    logits = head(weights, features, cues, relu=relu)
    powers = np.exp(logits - np.max(logits, axis=2, keepdims=True))
    return np.asarray(powers / np.sum(powers, axis=2, keepdims=True))


def _numbered(weights: Weights, features: Array, cues: Array, /, *, relu: bool) -> Array:
    """Let an object's number slip in: its cues go up by a thousandth from object to object."""
    return head(weights, features, cues + np.arange(cues.shape[2])[:, None] / 1000, relu=relu)


def _summed(weights: Weights, features: Array, cues: Array, /, *, relu: bool) -> Array:
    """Add each object's part to a sum in place, which the next object starts from."""
    return head(weights, features, np.cumsum(cues, axis=2), relu=relu)


def _bias_twice(weights: Weights, features: Array, cues: Array, /, *, relu: bool) -> Array:
    """Split the first layer in two parts, and add its bias in both."""
    twice = weights | {"head/0/pointwise/bias": 2 * weights["head/0/pointwise/bias"]}
    return head(twice, features, cues, relu=relu)


def _no_logits_bias(weights: Weights, features: Array, cues: Array, /, *, relu: bool) -> Array:
    return head(weights | {"head/logits/bias": np.zeros(1)}, features, cues, relu=relu)


def _own_bias_missing(weights: Weights, features: Array, cues: Array, /, *, relu: bool) -> Array:
    """Leave the first depthwise layer's bias out of the part of each object."""
    bias = weights["head/0/depthwise/bias"].copy()
    bias[features.shape[2] :] = 0.0
    return head(weights | {"head/0/depthwise/bias": bias}, features, cues, relu=relu)


def _depthwise_transposed(weights: Weights, features: Array, cues: Array, /, *, relu: bool) -> Array:
    """Read the taps of every kernel column by column."""
    turned = {name: np.swapaxes(a, 0, 1) if name.endswith("kernel") else a for name, a in weights.items()}
    return head(turned, features, cues, relu=relu)


def _shifted(weights: Weights, features: Array, cues: Array, /, *, relu: bool) -> Array:
    """Place the first layer's windows one pixel to the left."""

    def one(x: Array) -> Array:
        return own_logits(weights, np.pad(x, ((0, 0), (1, 0), (0, 0)))[:, :-1], relu=relu)

    return object_head(one, features, cues)


def _with(**parts: Any) -> Any:
    """Replace parts of the head by wrong ones."""
    return lambda *arrays, relu: head(*arrays, **{"relu": relu} | parts)


def _only_features(weights: Weights, features: Array, cues: Array, /, *, relu: bool) -> Array:
    return head(weights, features, 0 * cues, relu=relu)


def _skipped_logits(weights: Weights, features: Array, cues: Array, /, *, relu: bool) -> Array:
    """Take the mean over channels where the last layer belongs."""
    name, mean = "head/logits", np.full_like(weights["head/logits/kernel"], 1 / weights["head/logits/kernel"].size)
    return head(
        weights | {f"{name}/kernel": mean, f"{name}/bias": 0 * weights[f"{name}/bias"]}, features, cues, relu=relu
    )


CASES = (
    ("cues-exchanged", "previous mask and local distance are exchanged", "FEELVOS's paper and code", _cues_exchanged),
    ("cues-first", "cues come before features", "classic", _cues_first),
    ("first-object", "the first object's cues are used for all", "classic", _first_object_for_all),
    ("reversed", "objects come out in reverse order", "classic", _reversed_objects),
    ("softmax", "probabilities over the objects are returned instead of logits", "classic", _softmax),
    ("numbered", "an object's number changes its cues", "classic", _numbered),
    ("summed", "an object's cues are added to those of the objects before it", "classic", _summed),
    ("bias-twice", "the shared and the own part of the first layer both add its bias", "classic", _bias_twice),
    ("no-logits-bias", "the last layer's bias is left out", "classic", _no_logits_bias),
    ("own-bias", "the cues' part of the first depthwise layer has no bias", "classic", _own_bias_missing),
    ("transposed", "kernels are read column by column", "classic", _depthwise_transposed),
    ("shifted", "windows of the first layer are a pixel to the left", "classic", _shifted),
    ("features-only", "the cues are left out", "classic", _only_features),
    ("mean-logits", "the last layer is a mean", "classic", _skipped_logits),
    ("no-relu-between", "no ReLU stands between a depthwise layer and its pointwise one", "paper", _with(relu=False)),
    ("relu-between", "a ReLU between depthwise and pointwise layers was not asked for", "code", _with(relu=True)),
    ("no-relu-after", "no ReLU follows the pointwise layers", "classic", _with(rectified=False)),
    ("rectified-logits", "a ReLU follows the logits", "classic", _with(last=True)),
    ("three-layers", "the fourth layer is left out", "classic", _with(n_layers=3)),
    ("replicated", "the border's pixels are repeated instead of zeros", "classic", _with(mode="edge")),
)
MUTANTS = tuple(Mutant(f"head-{name}", "segmentation_head", wrong, source, f) for name, wrong, source, f in CASES)
