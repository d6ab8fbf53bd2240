"""Gradient of FEELVOS's segmentation head, by its weights, the decoder's features and the cues of the objects.

The head is run once more and its layers are noted down; then the chain rule walks back over the notes, layer by layer
(`layers`). Ties: the derivative of a ReLU at 0 is 0, so its result tells where the cotangent passes, namely where it is
above 0.
"""

from typing import Any, NamedTuple

from vosref.backend import array_namespace
from vosref.gradients.cotangents import check_cotangent
from vosref.gradients.layers import conv2d_vjp, depthwise_conv2d_vjp
from vosref.nn.heads import segmentation_head
from vosref.nn.layers import Layers

__all__ = ["segmentation_head_vjp"]

SHARED, OWN = "head/0/shared", "head/0/own"


class _Step(NamedTuple):
    """What a layer did."""

    name: str
    image: Any
    kernel: Any
    result: Any
    rectified: bool


class _Noted(Layers):
    """Layers that note down what they do, in order."""

    def __init__(self, weights, epsilon, steps, /):
        super().__init__(weights, epsilon)
        self.steps = steps

    def conv(self, name, x, shortcut=None, **options):
        """As `Layers` does."""
        return self._noted(name, x, super().conv(name, x, shortcut, **options), options)

    def depthwise(self, name, x, **options):
        """As `Layers` does."""
        return self._noted(name, x, super().depthwise(name, x, **options), options)

    def _noted(self, name, x, result, options):
        kernel = self.weights[f"{name}/kernel"]
        self.steps.append(_Step(name, x, kernel, result, options.get("activation") == "relu"))
        return result


def segmentation_head_vjp(cotangent, weights, features, cues, /, *, relu=True):
    """Gradient of `nn.heads.segmentation_head` by weights, features and cues.

    An object's logit depends on the weights, the features and its own cues: for the first two the gradient is the sum
    over objects, and each object's is found by itself. A layer's result is z = layer(x) + bias, rectified or not. With
    the cotangent g of what comes out,

        ∂L/∂z = g where z > 0, else 0 (g itself where nothing rectifies),    ∂L/∂bias = Σ_pixels ∂L/∂z,

    and ∂L/∂x, the cotangent of the layer before, and ∂L/∂kernel are `layers.conv2d_vjp` and `depthwise_conv2d_vjp`. The
    head's first pointwise layer is a sum of two parts, one of the features, one of the cues (`nn.heads.split_head`):
    both are given its ∂L/∂z, and their kernels' gradients, side by side, are the layer's.

    Parameters
    ----------
    cotangent : array, shape (h, w, K)
        g = ∂L/∂logits.
    weights : mapping of str to array
        ``head/0/depthwise`` … ``head/3/pointwise`` and ``head/logits``; others are left out.
    features : array, shape (h, w, C)
    cues : array, shape (h, w, K, n)
    relu : bool
        As for the definition.

    Returns
    -------
    d_weights : dict of str to array
        For every name of `weights` that begins with ``head/``, an array of its shape and data type.
    d_features : array, shape (h, w, C)
    d_cues : array, shape (h, w, K, n)

    Raises
    ------
    ValueError
        As the definition does, and if the cotangent has another shape than the result.

    Examples
    --------
    The last bias is in every logit, of six pixels and two objects:

    >>> import numpy as np
    >>> from vosref.gradients import segmentation_head_vjp
    >>> from vosref.weights import load
    >>> features, cues = np.ones((2, 3, 256), np.float32), np.zeros((2, 3, 2, 3), np.float32)
    >>> cotangent, weights = np.ones((2, 3, 2), np.float32), load("feelvos-lite0")
    >>> d_weights, d_features, d_cues = segmentation_head_vjp(cotangent, weights, features, cues)
    >>> d_weights["head/logits/bias"], d_features.shape, d_cues.shape
    (array([12.], dtype=float32), (2, 3, 256), (2, 3, 2, 3))
    """
    xp = array_namespace(cotangent, features, cues)
    if cues.ndim != 4 or cues.shape[2] < 1:
        segmentation_head(weights, features, cues)  # refuses it
    check_cotangent(cotangent, (*features.shape[:2], cues.shape[2]))
    d_weights, d_features, d_cues = dict[str, Any](), xp.zeros_like(features), []
    for k in range(cues.shape[2]):
        steps = _run(weights, features, cues[:, :, k : k + 1, :], relu)
        d_split, d_shared, d_own = _walked_back(cotangent[:, :, k : k + 1], steps)
        for name, gradient in d_split.items():
            d_weights[name] = d_weights[name] + gradient if name in d_weights else gradient
        d_features = d_features + d_shared
        d_cues.append(d_own)
    whole = _merged(d_weights)
    d_weights = {n: xp.astype(whole[n], weights[n].dtype) for n in weights if n.startswith("head/")}
    return d_weights, xp.astype(d_features, features.dtype), xp.astype(xp.stack(d_cues, axis=2), cues.dtype)


def _run(weights, features, cues, relu):
    """Run the head on one object; return what its layers did, first to last."""
    steps = list[_Step]()

    def layers(weights, epsilon):
        return _Noted(weights, epsilon, steps)

    segmentation_head(weights, features, cues, relu=relu, layers=layers)
    return steps


def _walked_back(cotangent, steps):
    """Gradients by the split head's arrays, by the features and by the cues of one object, from its logits' cotangent.

    Features come first and cues second, so on the way back the cues' part ends before the features' begins.
    """
    g, gradients, met, d_cues = cotangent, dict[str, Any](), None, None
    for step in reversed(steps):
        xp = array_namespace(step.result)
        if step.name == f"{SHARED}/pointwise":
            g, d_cues = met, g
        if step.rectified:
            g = xp.where(step.result > 0, g, xp.zeros_like(g))
        if step.name == f"{OWN}/pointwise":
            met = g
        gradients[f"{step.name}/bias"] = xp.sum(g, axis=(0, 1))
        vjp = depthwise_conv2d_vjp if step.kernel.ndim == 3 else conv2d_vjp
        rows, columns = ((n - 1) // 2 for n in step.kernel.shape[:2])  # as `Layers` pads
        padding = ((rows, rows), (columns, columns))
        g, gradients[f"{step.name}/kernel"] = vjp(g, step.image, step.kernel, padding=padding)
    return gradients, g, d_cues


def _merged(split):
    """Gradients by the arrays of the whole head: put the two parts of the first layer side by side again."""
    merged = dict(split)
    for array, axis in (("depthwise/kernel", 2), ("depthwise/bias", 0), ("pointwise/kernel", 2)):
        parts = [split[f"{part}/{array}"] for part in (SHARED, OWN)]
        merged[f"head/0/{array}"] = array_namespace(*parts).concat(parts, axis=axis)
    merged["head/0/pointwise/bias"] = split[f"{SHARED}/pointwise/bias"]
    return merged
