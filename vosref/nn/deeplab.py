"""DeepLabv3+ on any encoder: atrous spatial pyramid pooling and the decoder to stride 4 [specs FEELVOS §1.4, 1.5]."""

from collections.abc import Mapping
from typing import Any

from vosref.backend import Array
from vosref.nn import efficientnet, xception
from vosref.nn.layers import Factory, Layers

__all__ = ["RATES", "decode", "encode", "epsilon", "features", "pyramid"]

RATES = {16: (6, 12, 18), 8: (12, 24, 36)}  # dilation of the three atrous branches, by output stride


def epsilon(name: str, /) -> float:
    """Return the epsilon of a layer's batch norm: 1e-5 in pyramid and decoder, the encoder's 1e-3 elsewhere."""
    return 1e-5 if name.startswith(("aspp/", "decoder/")) else 1e-3


def features(
    weights: Mapping[str, Array], image: Array, /, *, output_stride: int = 8, layers: Factory = Layers
) -> Array:
    """Compute the decoder's output F of a frame, at stride 4.

    Parameters
    ----------
    weights : mapping of str to array
        An encoder's (Xception-65's ``entry/conv1``, … or an EfficientNet-Lite's ``stem``, …), ``aspp/…`` and
        ``decoder/…``, as in a file, or from `layers.fold`.
    image : array, shape (H, W, 3)
        RGB, 0 to 255, floating point.
    output_stride : int
        Of the encoder: 16, as FEELVOS trains, or 8, as it evaluates; the rates of the pyramid follow (`RATES`).
    layers : callable
        How layers run.

    Returns
    -------
    array, shape (ceil(H / 4), ceil(W / 4), 256)
        Non-negative.
    """
    low_level, encoded, rates = encode(weights, image, output_stride=output_stride, layers=layers)
    return decode(weights, low_level, pyramid(weights, encoded, rates=rates, layers=layers), layers=layers)


def encode(
    weights: Mapping[str, Array], image: Array, /, *, output_stride: int = 8, layers: Factory = Layers
) -> tuple[Array, Array, tuple[int, ...]]:
    """Run the encoder that the weights have: fine features, of stride 4; coarse ones; and the pyramid's rates for them.

    Parameters are those of `features`. TVOS's trunk (`efficientnet.encode`) has stride 8 on the frame whatever
    `output_stride`, and rates as for 16: it was trained on crops of which wider ones would see only the outside.
    """
    if output_stride not in RATES:
        raise ValueError(f"output_stride must be 8 or 16, got {output_stride}")
    options: dict[str, Any] = {"output_stride": output_stride, "layers": layers}
    if "entry/conv1/kernel" in weights:
        return *xception.encode(weights, image, **options), RATES[output_stride]
    enlarged = efficientnet.sees_enlarged(layers(weights, epsilon))
    return *efficientnet.encode(weights, image, **options), RATES[16 if enlarged else output_stride]


def pyramid(
    weights: Mapping[str, Array], encoded: Array, /, *, rates: tuple[int, ...], layers: Factory = Layers
) -> Array:
    """Atrous spatial pyramid pooling: one frame-wide mean, one 1×1 and three dilated 3×3 views, projected.

    Parameters
    ----------
    weights : mapping of str to array
        ``aspp/pooling``, ``aspp/0`` to ``aspp/3``, ``aspp/projection``.
    encoded : array, shape (h, w, C)
    rates : sequence of int
        Dilation of ``aspp/1`` to ``aspp/3``.
    layers : callable
        How layers run.

    Returns
    -------
    array, shape (h, w, 256)
    """
    net = layers(weights, epsilon)
    pooled = net.conv("aspp/pooling", net.mean("aspp/mean", encoded), activation="relu")
    views = [net.resize("aspp/broadcast", pooled, net.size(encoded)), net.conv("aspp/0", encoded, activation="relu")]
    for i, rate in enumerate(rates, 1):
        views.append(xception.separable(net, f"aspp/{i}", encoded, dilation=rate, activation="relu"))
    return net.conv("aspp/projection", net.concat("aspp/views", views), activation="relu")


def decode(weights: Mapping[str, Array], low_level: Array, context: Array, /, *, layers: Factory = Layers) -> Array:
    """Bring the pyramid's output to the encoder's stride-4 features, and convolve both together.

    Parameters
    ----------
    weights : mapping of str to array
        ``decoder/low_level``, ``decoder/0``, ``decoder/1``.
    low_level : array, shape (h, w, C)
    context : array, shape (h', w', 256)
    layers : callable
        How layers run.

    Returns
    -------
    array, shape (h, w, 256)
    """
    net = layers(weights, epsilon)
    fine = net.conv("decoder/low_level", low_level, activation="relu")
    coarse = net.resize("decoder/enlarged", context, net.size(low_level))
    x = net.concat("decoder/joined", [coarse, fine])
    for i in (0, 1):
        x = xception.separable(net, f"decoder/{i}", x, activation="relu")
    return x
