"""EfficientNet-Lite0, 1 and 2: light ImageNet trunks, as functions of (weights, image) [EfficientNet-Lite, Tan 2020].

An inverted-residual network: a stage repeats blocks of 1×1 expansion, k×k depthwise and 1×1 projection, each with batch
norm, ReLU6 after the first two. TensorFlow's 'same' padding, no squeeze-and-excitation. Input is (x - 127) / 128, RGB.
Which of the three it is, is read off the weights: their depth tells Lite0, and channels are the kernels' own.
"""

from collections.abc import Mapping
from typing import NamedTuple

from vosref.backend import Array
from vosref.nn.layers import Factory, FusedLayers, Layers

__all__ = ["STAGES", "Stage", "classify", "encode", "epsilon", "features", "sees_enlarged"]


class Stage(NamedTuple):
    """A run of inverted-residual blocks; only its first block strides."""

    repeats: tuple[int, int]  # blocks in Lite0, and in Lite1 and Lite2
    stride: int


STAGES = (
    Stage((1, 1), 1),
    Stage((2, 3), 2),
    Stage((2, 3), 2),
    Stage((3, 4), 2),
    Stage((3, 4), 1),
    Stage((4, 5), 2),
    Stage((1, 1), 1),
)
LOW_LEVEL_STAGES = 2  # up to stride 4, where a DeepLabv3+ decoder takes its fine features


def epsilon(_name: str, /) -> float:
    """Return the epsilon of every batch norm."""
    return 1e-3


def features(
    weights: Mapping[str, Array],
    image: Array,
    /,
    *,
    n_stages: int = 7,
    output_stride: int = 32,
    dilate: bool = False,
    layers: Factory = FusedLayers,
) -> Array:
    """Feature map after the first `n_stages` stages, with strides beyond `output_stride` set to 1 [TVOS §3.5].

    Parameters
    ----------
    weights : mapping of str to array
        ``stem``, ``blocks/0/depthwise``, … as in a file, or from `layers.fold`.
    image : array, shape (H, W, 3)
        RGB, 0 to 255, floating point.
    n_stages : int
        1 to 7; Lite0's channels are 16, 24, 40, 80, 112, 192, 320.
    output_stride : int
        Largest product of strides allowed: 2, 4, 8, 16 or 32.
    dilate : bool
        Let the blocks after a removed stride look as far as they did before, by dilated kernels, as DeepLab does.
    layers : callable
        How layers run.

    Returns
    -------
    array, shape (ceil(H / s), ceil(W / s), C)
        With s the smaller of `output_stride` and the stride of the last stage.
    """
    return _stages(layers(weights, epsilon), image, n_stages, output_stride, dilate)[-1]


def encode(
    weights: Mapping[str, Array], image: Array, /, *, output_stride: int = 16, layers: Factory = FusedLayers
) -> tuple[Array, Array]:
    """Encode for DeepLabv3+: features of stride 4 (24 channels), and those of `output_stride`, dilated.

    A trunk with all seven stages sees the frame as it is. One of five, TVOS's, sees it enlarged twice, as in TVOS, and
    its strides are removed from 16 on: 8 on the frame. What has stride 4 there is its third stage (40 channels).
    Parameters and shapes are those of `features`.
    """
    net = layers(weights, epsilon)
    enlarged = sees_enlarged(net)
    maps = _stages(net, image, _count_stages(net), 16 if enlarged else output_stride, True, enlarged=enlarged)
    return maps[LOW_LEVEL_STAGES - 1 + enlarged], maps[-1]


def sees_enlarged(net: Layers, /) -> bool:
    """Tell whether `encode` shows a trunk the frame enlarged twice: one that has not all seven stages."""
    return _count_stages(net) < len(STAGES)


def classify(weights: Mapping[str, Array], image: Array, /, *, layers: Factory = FusedLayers) -> Array:
    """ImageNet logits of a whole photograph, shape (1000,): the check that the trunk is the one that was trained."""
    net = layers(weights, epsilon)
    x = net.conv("head", features(weights, image, layers=layers), activation="relu6")
    return net.mean("pool", x)[0, 0, :] @ weights["classifier/kernel"] + weights["classifier/bias"]


def _stages(net, image, n_stages, output_stride, dilate, *, enlarged=False):
    if not 1 <= n_stages <= len(STAGES):
        raise ValueError(f"n_stages must be 1 to {len(STAGES)}, got {n_stages}")
    if output_stride not in (2, 4, 8, 16, 32):
        raise ValueError(f"output_stride must be 2, 4, 8, 16 or 32, got {output_stride}")
    x = net.standardise(image, [1 / 128] * 3, [-127 / 128] * 3)
    if enlarged:
        height, width = net.size(x)
        x = net.resize("enlarged", x, (2 * height, 2 * width))
    x = net.conv("stem", x, stride=2, padding="same", activation="relu6")
    block, reached, dilation, maps = 0, 2, 1, []
    deeper = _is_deeper(net)
    for stage in STAGES[:n_stages]:
        strided = reached * stage.stride <= output_stride
        for repeat in range(stage.repeats[deeper]):
            x = _inverted_residual(net, f"blocks/{block}", x, stage.stride if strided and repeat == 0 else 1, dilation)
            block += 1
            if repeat == 0 and not strided and dilate:  # from the next block on
                dilation *= stage.stride
        reached *= stage.stride if strided else 1
        maps.append(x)
    return maps


def _count_stages(net):
    """Count the stages that weights have."""
    first, count, deeper = 0, 0, _is_deeper(net)
    while count < len(STAGES) and net.has(f"blocks/{first}/project"):
        first, count = first + STAGES[count].repeats[deeper], count + 1
    return count


def _is_deeper(net):
    """Tell Lite1 and Lite2 from Lite0, whose third stage ends a block earlier, by that stage's width."""
    names = "blocks/4/project", "blocks/5/project"
    return all(map(net.has, names)) and len({net.width(name) for name in names}) == 1


def _inverted_residual(net, name, x, stride, dilation):
    # The shortcut joins equal shapes only. A stage's first block changes the channels, so it never takes one.
    same = stride == 1 and net.channels(x) == net.width(f"{name}/project")
    return net.inverted_residual(name, x, stride=stride, dilation=dilation, padding="same", shortcut=same)
