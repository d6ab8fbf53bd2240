"""Dense convolutions and heads with parts to be replaced by wrong ones; mutants are made of them."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosref.shapes import window_geometry

__all__ = ["Array", "convolve", "head", "object_head", "own_logits", "swapped", "symmetric"]

Array = NDArray[Any]
Pads = tuple[tuple[int, int], tuple[int, int]]


def convolve(
    image: Array,
    kernel: Array,
    bias: Any,
    /,
    *,
    stride: int,
    dilation: int,
    padding: Any,
    activation: str | None,
    groups: int = 1,
    pads: Callable[..., Pads] | None = None,
    mode: str = "constant",
    add: Callable[[Array, Array], Array] = np.add,
) -> Array:
    """Convolve tap by tap, with other zeros around, values instead of zeros, or another sum."""
    room, size = window_geometry(image.shape[:2], kernel.shape[:2], stride=stride, dilation=dilation, padding=padding)
    room = room if pads is None else pads(room, image, kernel, padding, stride, dilation)
    padded = np.pad(image, (*room, (0, 0)), mode=mode)  # type: ignore[call-overload]
    total = np.zeros((*size, kernel.shape[-1]), image.dtype)
    for dy in range(kernel.shape[0]):
        for dx in range(kernel.shape[1]):
            seen = padded[dy * dilation :, dx * dilation :]
            seen = seen[: (size[0] - 1) * stride + 1 : stride, : (size[1] - 1) * stride + 1 : stride]
            total = add(total, _products(seen, kernel[dy, dx], groups))
    total = total + bias
    return np.maximum(total, 0) if activation == "relu" else total


def _products(seen: Array, tap: Array, groups: int) -> Array:
    if tap.ndim == 1:
        return np.asarray(seen * tap)
    runs = zip(np.split(seen, groups, axis=2), np.split(tap, groups, axis=1), strict=True)
    return np.concatenate([run @ part for run, part in runs], axis=2)


def swapped(room: Pads, *_: Any) -> Pads:
    """Zeros that belong after an axis come before it."""
    return (room[0][::-1], room[1][::-1])


def symmetric(room: Pads, _image: Array, kernel: Array, padding: Any, _stride: int, dilation: int) -> Pads:
    """PyTorch's rule stands for TensorFlow's: as many zeros on either side, whatever the stride."""
    if padding != "same":
        return room
    reach = [dilation * (k - 1) for k in kernel.shape[:2]]
    return ((reach[0] // 2, reach[0]), (reach[1] // 2, reach[1]))


def _centred(image: Array, kernel: Array, bias: Any, /, *, rectified: bool, mode: str = "constant") -> Array:
    """Run a layer of the head: stride 1, its size kept."""
    room = tuple((k // 2, k // 2) for k in kernel.shape[:2])
    activation = "relu" if rectified else None
    return convolve(image, kernel, bias, stride=1, dilation=1, padding=room, activation=activation, mode=mode)


def own_logits(
    weights: dict[str, Array],
    x: Array,
    /,
    *,
    relu: bool,
    rectified: bool = True,
    last: bool = False,
    n_layers: int = 4,
    mode: str = "constant",
) -> Array:
    """Run the head on one object's channels (h, w, C + n)."""
    run = functools.partial(_named, weights, mode=mode)
    for i in range(n_layers):
        x = run(f"head/{i}/depthwise", x, rectified=relu)
        x = run(f"head/{i}/pointwise", x, rectified=rectified)
    return run("head/logits", x, rectified=last)[..., 0]


def _named(weights: dict[str, Array], name: str, x: Array, /, *, rectified: bool, mode: str) -> Array:
    return _centred(x, weights[f"{name}/kernel"], weights[f"{name}/bias"], rectified=rectified, mode=mode)


def head(weights: dict[str, Array], features: Array, cues: Array, /, *, relu: bool, **parts: Any) -> Array:
    """Run the head on every object, with parts to be replaced by wrong ones."""
    return object_head(lambda x: own_logits(weights, x, relu=relu, **parts), features, cues)


def object_head(one: Callable[[Array], Array], features: Array, cues: Array) -> Array:
    """Stack what a function makes of each object's channels."""
    joined = [np.concatenate([features, cues[:, :, k]], axis=2) for k in range(cues.shape[2])]
    return np.stack([one(x) for x in joined], axis=2)
