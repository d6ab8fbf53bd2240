"""ResNet as TVOS's embedding, as released, and as the plain ImageNet trunk with its strides removed [TVOS §3.5, §4].

Stem 7×7 and max pooling, then four groups of residual blocks. Past `output_stride` a group's stride is left out and
nothing dilates in its place. Depth and the kind of block (two 3×3 layers, or 1×1, 3×3, 1×1) are read off the weights.
Released TVOS narrows the last group to 256 planes, so that its first block's shortcut is the identity, and for
ResNet-50 and -101 ends in a 1×1 projection to 256 channels with a batch norm and no ReLU after it.
"""

from collections.abc import Mapping

from vosref.backend import Array
from vosref.nn.layers import Factory, Layers

__all__ = ["MEAN", "STD", "epsilon", "features", "strided"]

MEAN = (0.485, 0.456, 0.406)  # of ImageNet's RGB in 0 to 1
STD = (0.229, 0.224, 0.225)
GROUP_STRIDES = (1, 2, 2, 2)


def epsilon(_name: str, /) -> float:
    """Return the epsilon of every batch norm, PyTorch's."""
    return 1e-5


def strided(name: str, /) -> bool:
    """Tell whether a layer may stride: the stem's, and those of a group's first block."""
    return name == "stem" or "/0/" in name


def features(
    weights: Mapping[str, Array],
    image: Array,
    /,
    *,
    n_groups: int = 4,
    output_stride: int = 8,
    layers: Factory = Layers,
) -> Array:
    """Feature map of a frame: TVOS's embedding where the weights have a projection, else the last group's output.

    Parameters
    ----------
    weights : mapping of str to array
        ``stem``, ``layer1/0/conv1``, … as in a file, or from `layers.fold`.
    image : array, shape (H, W, 3)
        RGB, 0 to 255, floating point.
    n_groups : int
        Stop after so many of the four groups, before the projection if fewer than 4.
    output_stride : int
        4, 8, 16 or 32: the largest product of strides allowed. TVOS uses 8.
    layers : callable
        How layers run.

    Returns
    -------
    array, shape (ceil(H / s), ceil(W / s), C)
        Not normalised; non-negative unless projected.
    """
    if not 1 <= n_groups <= 4:
        raise ValueError(f"n_groups must be 1 to 4, got {n_groups}")
    if output_stride not in (4, 8, 16, 32):
        raise ValueError(f"output_stride must be 4, 8, 16 or 32, got {output_stride}")
    net = layers(weights, epsilon)
    gain, offset = [1 / (255 * s) for s in STD], [-m / s for m, s in zip(MEAN, STD, strict=True)]
    x = net.conv("stem", net.standardise(image, gain, offset), stride=2, activation="relu")
    x = net.max_pool("pool", x, size=3, stride=2, padding=1)
    reached = 4
    for group, nominal in enumerate(GROUP_STRIDES[:n_groups], 1):
        stride = nominal if reached * nominal <= output_stride else 1
        if stride > 1 and not net.has(f"layer{group}/0/shortcut"):
            raise ValueError(
                f"output_stride must be at most {reached} for these weights, whose layer{group} has no shortcut "
                f"convolution to stride with, got {output_stride}"
            )
        reached, block = reached * stride, 0
        while net.has(f"layer{group}/{block}/conv1"):
            x = _residual(net, f"layer{group}/{block}", x, stride if block == 0 else 1)
            block += 1
    return net.conv("projection", x) if n_groups == 4 and net.has("projection") else x


def _residual(net, name, x, stride):
    shortcut = net.conv(f"{name}/shortcut", x, stride=stride) if net.has(f"{name}/shortcut") else x
    if not net.has(f"{name}/conv3"):
        out = net.conv(f"{name}/conv1", x, stride=stride, activation="relu")
        return net.conv(f"{name}/conv2", out, shortcut, activation="relu")
    out = net.conv(f"{name}/conv1", x, activation="relu")
    out = net.conv(f"{name}/conv2", out, stride=stride, activation="relu")
    return net.conv(f"{name}/conv3", out, shortcut, activation="relu")
