"""EfficientNet-Lite0: the light ImageNet trunk, as a function of (weights, image) [EfficientNet-Lite, Tan 2020].

An inverted-residual network: a stage repeats blocks of 1×1 expansion, k×k depthwise and 1×1 projection, each with batch
norm, ReLU6 after the first two. TensorFlow's 'same' padding, no squeeze-and-excitation. Input is (x - 127) / 128, RGB.
"""

from typing import NamedTuple

from vosref.backend import array_namespace
from vosref.nn.ops import conv2d, depthwise_conv2d, fold_batch_norm

__all__ = ["LITE0", "Stage", "classify", "features", "fold"]

BATCH_NORM_EPSILON = 1e-3


class Stage(NamedTuple):
    """A run of inverted-residual blocks; only its first block strides."""

    repeats: int
    kernel: int  # pixels
    stride: int
    expansion: int
    channels: int


LITE0 = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)


def fold(weights, /):
    """Fold every batch norm of the checkpoint's arrays into its convolution, once, before the frames.

    Parameters
    ----------
    weights : mapping of str to array
        Named arrays with taps first (`weights.load`): ``stem/kernel``, ``stem/scale``, … ``blocks/3/depthwise/mean``.

    Returns
    -------
    dict of str to array
        ``<layer>/kernel`` and ``<layer>/bias`` only.
    """
    folded = {}
    for layer in (name.removesuffix("/kernel") for name in weights if name.endswith("/kernel")):
        kernel = weights[f"{layer}/kernel"]
        if f"{layer}/scale" in weights:
            norm = (weights[f"{layer}/{part}"] for part in ("scale", "offset", "mean", "variance"))
            kernel, bias = fold_batch_norm(kernel, *norm, epsilon=BATCH_NORM_EPSILON)
        else:
            bias = weights[f"{layer}/bias"]
        folded[f"{layer}/kernel"], folded[f"{layer}/bias"] = kernel, bias
    return folded


def features(weights, image, /, *, n_stages=7, output_stride=32):
    """Feature map after the first `n_stages` stages, with strides beyond `output_stride` set to 1 [TVOS §3.5].

    Parameters
    ----------
    weights : mapping of str to array
        From `fold`.
    image : array, shape (H, W, 3)
        RGB, 0 to 255, floating point.
    n_stages : int
        1 to 7; the channels are 16, 24, 40, 80, 112, 192, 320.
    output_stride : int
        Largest product of strides allowed: 2, 4, 8, 16 or 32. No dilation takes a removed stride's place.

    Returns
    -------
    array, shape (ceil(H / s), ceil(W / s), C)
        With s the smaller of `output_stride` and the stride of the last stage.
    """
    if not 1 <= n_stages <= len(LITE0):
        raise ValueError(f"n_stages must be 1 to {len(LITE0)}, got {n_stages}")
    if output_stride not in (2, 4, 8, 16, 32):
        raise ValueError(f"output_stride must be 2, 4, 8, 16 or 32, got {output_stride}")
    x = conv2d((image - 127.0) / 128.0, weights["stem/kernel"], weights["stem/bias"], stride=2, relu6=True)
    block, reached = 0, 2
    for stage in LITE0[:n_stages]:
        for repeat in range(stage.repeats):
            stride = stage.stride if repeat == 0 and reached * stage.stride <= output_stride else 1
            reached *= stride
            x = _inverted_residual(weights, f"blocks/{block}", x, stride)
            block += 1
    return x


def classify(weights, image, /):
    """ImageNet logits of a whole photograph, shape (1000,): the check that the trunk is the one that was trained."""
    xp = array_namespace(image)
    x = features(weights, image)
    x = conv2d(x, weights["head/kernel"], weights["head/bias"], relu6=True)
    return xp.mean(x, axis=(0, 1)) @ weights["classifier/kernel"] + weights["classifier/bias"]


def _inverted_residual(weights, name, x, stride):
    def arrays(layer):
        return weights[f"{name}/{layer}/kernel"], weights[f"{name}/{layer}/bias"]

    out = x
    if f"{name}/expand/kernel" in weights:
        out = conv2d(out, *arrays("expand"), relu6=True)
    out = depthwise_conv2d(out, *arrays("depthwise"), stride=stride, relu6=True)
    out = conv2d(out, *arrays("project"))
    # The shortcut joins equal shapes only. A stage's first block changes the channels, so it never takes one.
    return out + x if out.shape == x.shape and stride == 1 else out
