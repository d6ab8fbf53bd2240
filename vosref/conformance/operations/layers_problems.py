"""Problems of convolutions and of the segmentation head: small images, kernels and weights."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosref.conformance.draws import Draw, Stream
from vosref.conformance.operations.operation import Problem
from vosref.nn.heads import HEAD_LAYERS

__all__ = ["convolution", "depthwise", "equal_cues", "head", "random_head", "random_layer"]


def random_layer(draw: Draw, *, depthwise: bool) -> Problem:
    """Any small convolution whose kernel fits the padded image."""
    image, taps = (draw.integer(1, 7), draw.integer(1, 7)), (draw.integer(1, 4), draw.integer(1, 4))
    stride, dilation = draw.choice([1, 1, 2, 3]), draw.choice([1, 1, 2])
    groups = 1 if depthwise else draw.choice([1, 1, 2, 3])
    pairs = [(draw.integer(0, 2), draw.integer(0, 2)) for _ in range(2)]
    # What the kernel lacks in room is added after the image.
    short = [max(0, dilation * (k - 1) + 1 - n - sum(p)) for n, k, p in zip(image, taps, pairs, strict=True)]
    fitted = tuple((before, after + more) for (before, after), more in zip(pairs, short, strict=True))
    padding = draw.choice(["same", "same", max(map(max, fitted)), fitted])
    windows = {"stride": stride, "dilation": dilation, "padding": padding}
    channels = draw.integer(1, 3) * groups, draw.integer(1, 3) * groups
    return _layer_of(draw, image, taps, channels, depthwise=depthwise, groups=groups, **windows)


def _layer_of(
    draw: Draw,
    image: tuple[int, int],
    taps: tuple[int, int],
    channels: tuple[int, int],
    *,
    depthwise: bool = False,
    groups: int = 1,
    **windows: Any,
) -> Problem:
    """Return an image, a kernel whose sums have variance 1, and a bias."""
    stream, (n_in, n_out) = draw.stream(), channels
    shape = (*taps, n_in) if depthwise else (*taps, n_in // groups, n_out)
    kernel = stream.normal(*shape) / math.sqrt(math.prod(shape[:-1]))
    inputs = {"image": stream.normal(*image, n_in), "kernel": kernel, "bias": stream.normal(shape[-1])}
    options = {"stride": 1, "dilation": 1, "padding": "same", "activation": None} | windows
    return Problem(inputs, options if depthwise else options | {"groups": groups})


def convolution(
    image: tuple[int, int], taps: tuple[int, int], channels: tuple[int, int] = (3, 4), **options: Any
) -> Callable[[Draw], Problem]:
    """Return problems of an image (rows, columns), a kernel (rows, columns) and channels (in, out)."""
    return lambda draw: _layer_of(draw, image, taps, channels, **options)


def depthwise(image: tuple[int, int], taps: tuple[int, int], n: int = 3, **options: Any) -> Callable[[Draw], Problem]:
    """Return problems of an image (rows, columns), a kernel (rows, columns) and n channels."""
    return lambda draw: _layer_of(draw, image, taps, (n, n), depthwise=True, **options)


def random_head(draw: Draw) -> Problem:
    """Any small grid, objects and cues."""
    grid, k = (draw.integer(1, 4), draw.integer(1, 4)), draw.choice([1, 1, 2, 3])
    return _head_of(draw, grid, k, cues=draw.integer(1, 3), relu=draw.choice([True, True, False]))


def _head_of(draw: Draw, grid: tuple[int, int], k: int, *, cues: int = 3, taps: int = 3, relu: bool = True) -> Problem:
    """Return weights of 4 features, so many cues and 5 channels between; features as a decoder's, cues in [0, 1]."""
    stream, n = draw.stream(), 4 + cues
    weights: dict[str, NDArray[Any]] = {}
    for i in range(HEAD_LAYERS):
        weights |= _weights(stream, f"head/{i}/depthwise", (taps, taps, n), taps)
        weights |= _weights(stream, f"head/{i}/pointwise", (1, 1, n, 5), math.sqrt(n))
        n = 5
    weights |= _weights(stream, "head/logits", (1, 1, n, 1), math.sqrt(n))
    # Channels weigh against each other, so that logits have both signs.
    kernel = weights["head/logits/kernel"]
    weights |= {"head/logits/kernel": kernel - np.mean(kernel), "head/logits/bias": stream.normal(1) / 8}
    inputs = {"weights": weights, "features": np.abs(stream.normal(*grid, 4)), "cues": stream.uniform(*grid, k, cues)}
    return Problem(inputs, {"relu": relu})


def _weights(stream: Stream, name: str, shape: tuple[int, ...], scale: float) -> dict[str, NDArray[Any]]:
    """Kernel and bias of a layer; positive on the whole, so that ReLUs leave something."""
    kernel = (stream.normal(*shape) + 0.5) / scale
    return {f"{name}/kernel": kernel, f"{name}/bias": stream.normal(shape[-1]) / 2 + 0.25}


def head(grid: tuple[int, int], k: int, **options: Any) -> Callable[[Draw], Problem]:
    """Return problems of a grid (rows, columns) and k objects."""
    return lambda draw: _head_of(draw, grid, k, **options)


def equal_cues(draw: Draw) -> Problem:
    """Two objects that cannot be told apart, and a third."""
    problem = _head_of(draw, (4, 5), 3)
    cues = problem.inputs["cues"][:, :, [0, 1, 0], :]
    return problem._replace(inputs=problem.inputs | {"cues": cues})
