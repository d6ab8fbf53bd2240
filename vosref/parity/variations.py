"""The mistakes of a port that are worth trying when a layer differs: the one that makes ours agree is named."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from vosref.parity.rounding import Layer, Running

__all__ = ["image_variations", "variations"]

EPSILONS = (1e-3, 1e-5)  # TensorFlow's habit, and PyTorch's


def image_variations(image: Running, /) -> Iterator[tuple[str, Running]]:
    """Yield ways to misread an image, each with what it is called."""
    yield "with the channels in the order BGR", image._replace(value=image.value[:, :, ::-1])
    yield "if image were 0 to 1", image._replace(value=image.value * 255)


def variations(layer: Layer, /) -> Iterator[tuple[str, Layer]]:
    """Yield layers that differ from this one in one choice, each with what it is called."""
    if layer.activation is not None:
        yield "without its activation", layer._replace(activation=None)
    for other in ("relu", "relu6"):
        if other != layer.activation:
            yield f"with the activation {other}", layer._replace(activation=other)
    if layer.shortcut is not None:
        yield "without its shortcut", layer._replace(shortcut=None)
    yield f"{'without' if layer.rectify else 'with'} max(x, 0) first", layer._replace(rectify=not layer.rectify)
    if layer.norm:
        for epsilon in EPSILONS:
            if epsilon != layer.epsilon:
                what = f"with an epsilon of {epsilon:g} instead of {layer.epsilon:g}"
                yield what, layer._replace(epsilon=epsilon)
        yield "without its batch norm", layer._replace(norm=())
    if layer.bias is not None:
        yield "without its bias", layer._replace(bias=None)
    if max(layer.kernel.shape[:2]) > 1:
        yield from _kernels(layer)
        yield from _samplings(layer)


def _kernels(layer: Layer) -> Iterator[tuple[str, Layer]]:
    kernel = layer.kernel
    if kernel.shape[0] == kernel.shape[1]:
        exchanged = np.swapaxes(kernel, 0, 1)
        yield "with the kernel's rows and columns exchanged", layer._replace(kernel=exchanged)
    yield "with the kernel turned by 180 degrees", layer._replace(kernel=kernel[::-1, ::-1])


def _samplings(layer: Layer) -> Iterator[tuple[str, Layer]]:
    """Another dilation, and the padding of the other library."""

    def sampled(**options: Any) -> Layer:
        return layer._replace(sampling=layer.sampling | options)

    (rows, columns), dilation = layer.kernel.shape[:2], layer.sampling["dilation"]
    for other in (1, 2, 4):
        if other != dilation and layer.sampling["padding"] != "same":
            pads = tuple((other * (k - 1) // 2,) * 2 for k in (rows, columns))
            yield f"with dilation {other} instead of {dilation}", sampled(dilation=other, padding=pads)
    if layer.sampling["padding"] == "same":
        pads = tuple((dilation * (k - 1) // 2,) * 2 for k in (rows, columns))
        yield "with equal padding on both sides, as PyTorch pads", sampled(padding=pads)
    elif layer.sampling["stride"] > 1:
        yield "with TensorFlow's 'same' padding", sampled(padding="same")
