"""Xception-65, the aligned Xception of DeepLabv3+, which carries FEELVOS [specs FEELVOS §1.1-1.3].

Two convolutions, then units of three separable convolutions (depthwise 3×3, pointwise 1×1, a batch norm after each).
In every unit but the last a ReLU precedes each separable convolution, none stands between depthwise and pointwise, and
the shortcut carries the unit's input as it is, not rectified. In the last, a ReLU follows each of the two instead.
Strides beyond the output stride become dilation. Input is RGB brought to [-1, 1].
"""

from collections.abc import Mapping

from vosref.backend import Array
from vosref.nn.layers import Factory, Layers

__all__ = ["encode", "epsilon", "separable"]

MIDDLE_UNITS = 16


def epsilon(_name: str, /) -> float:
    """Return the epsilon of every batch norm of the trunk."""
    return 1e-3


def encode(
    weights: Mapping[str, Array], image: Array, /, *, output_stride: int = 8, layers: Factory = Layers
) -> tuple[Array, Array]:
    """Encode for DeepLabv3+: low-level features of stride 4, and the trunk's last ones [specs FEELVOS §1.3].

    Parameters
    ----------
    weights : mapping of str to array
        ``entry/conv1``, … ``middle/16/3/pointwise``, … as in a file, or from `layers.fold`.
    image : array, shape (H, W, 3)
        RGB, 0 to 255, floating point.
    output_stride : int
        16, as trained, or 8, as evaluated.
    layers : callable
        How layers run.

    Returns
    -------
    low_level : array, shape (ceil(H / 4), ceil(W / 4), 256)
        Before the ReLU, so that values may be negative.
    features : array, shape (ceil(H / s), ceil(W / s), 2048)
        Non-negative; s is `output_stride`.
    """
    if output_stride not in (8, 16):
        raise ValueError(f"output_stride must be 8 or 16, got {output_stride}")
    net, rate = layers(weights, epsilon), 16 // output_stride
    x = net.standardise(image, [2 / 255] * 3, [-1.0] * 3)
    x = net.conv("entry/conv1", x, stride=2, activation="relu")
    x = net.conv("entry/conv2", x, activation="relu")
    x = _unit(net, "entry/block1", x, stride=2)
    low_level = _convolve_twice(net, "entry/block2", x)
    x = _finish_unit(net, "entry/block2", x, low_level, stride=2)
    x = _unit(net, "entry/block3", x, stride=2 // rate)
    for unit in range(1, MIDDLE_UNITS + 1):
        x = _unit(net, f"middle/{unit}", x, dilation=rate)
    x = _unit(net, "exit/block1", x, dilation=rate)
    for part in (1, 2, 3):
        x = separable(net, f"exit/block2/{part}", x, dilation=2 * rate, activation="relu")
    return low_level, x


def separable(net, name, x, /, *, activation=None, **options):
    """Depthwise, then pointwise convolution, the `activation` after each."""
    x = net.depthwise(f"{name}/depthwise", x, activation=activation, **options)
    return net.conv(f"{name}/pointwise", x, activation=activation)


def _unit(net, name, x, *, stride=1, dilation=1):
    return _finish_unit(
        net, name, x, _convolve_twice(net, name, x, dilation=dilation), stride=stride, dilation=dilation
    )


def _convolve_twice(net, name, x, *, dilation=1):
    for part in (1, 2):
        x = separable(net, f"{name}/{part}", x, dilation=dilation, rectify=True)
    return x


def _finish_unit(net, name, x, inner, *, stride=1, dilation=1):
    """Apply the third separable convolution, which carries the stride, and add the shortcut."""
    shortcut = net.conv(f"{name}/shortcut", x, stride=stride) if net.has(f"{name}/shortcut") else x
    inner = net.depthwise(f"{name}/3/depthwise", inner, stride=stride, dilation=dilation, rectify=True)
    return net.conv(f"{name}/3/pointwise", inner, shortcut)
