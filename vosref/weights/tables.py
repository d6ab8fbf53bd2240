"""What a network's weights are called and shaped, here and where they come from."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

__all__ = ["LAYOUTS", "NORM", "Array", "Layout", "Model", "Scheme", "layer", "layers", "tensorflow_keys", "torch_keys"]

NORM = ("scale", "offset", "mean", "variance")
Shape = tuple[int | None, ...]  # None: any width


class Array(NamedTuple):
    """An array under our name: a kernel with its taps first, or a vector with a number a channel.

    The number of axes says what it is: (kh, kw, C_in / groups, C_out) of a convolution, (kh, kw, C) of a depthwise one,
    (C_in, C_out) of a dense layer, (C,) of a norm or a bias.
    """

    name: str
    shape: Shape

    @property
    def trained(self) -> bool:
        """Whether gradients change it; a norm's statistics only follow the data."""
        return self.name.rpartition("/")[2] not in ("mean", "variance")

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return math.prod(n or 0 for n in self.shape)


class Layout(NamedTuple):
    """How another library lays out an array: its shape from ours, and ours from its array, by our number of axes."""

    shape: Callable[[Shape], Shape]
    to_ours: Callable[[np.ndarray, int], np.ndarray]


class Scheme(NamedTuple):
    """One way to name the arrays of a model."""

    title: str
    layout: str
    keys: Mapping[str, str]  # ours: theirs
    ignored: str = r"(?!)"  # what a whole name matches that has no place in the model, as a regular expression

    def ignores(self, key: str, /) -> bool:
        """Whether an array is none of the network's."""
        return re.fullmatch(self.ignored, key) is not None


class Model(NamedTuple):
    """A network whose weights are known by name."""

    name: str
    title: str
    origin: str  # where its weights come from
    arrays: tuple[Array, ...]
    optional: tuple[Array, ...]  # all or none of them, of any width
    schemes: tuple[Scheme, ...]
    initial: Callable[[np.random.Generator, str, tuple[int, ...]], np.ndarray]

    @property
    def n_parameters(self) -> int:
        """How many numbers are trained, what is optional apart."""
        return sum(array.size for array in self.arrays if array.trained)


def layer(name: str, *shape: int, bias: bool = False) -> Iterator[Array]:
    """Yield a kernel of this shape, with its bias or its norm."""
    yield Array(f"{name}/kernel", shape)
    for part in ("bias",) if bias else NORM:
        yield Array(f"{name}/{part}", shape[-1:])


def layers(arrays: tuple[Array, ...], /) -> list[str]:
    """Return the names of the layers that arrays belong to."""
    return [array.name.removesuffix("/kernel") for array in arrays if array.name.endswith("/kernel")]


_TORCH = dict(zip(NORM, ("weight", "bias", "running_mean", "running_var"), strict=True))
_TENSORFLOW = dict(zip(NORM, ("gamma", "beta", "moving_mean", "moving_variance"), strict=True))


def torch_keys(layer_name: str, convolution: str, norm: str = "", /) -> dict[str, str]:
    """PyTorch's keys of a layer by our names: a convolution with its norm, or with its bias."""
    parts = {part: f"{norm}.{key}" for part, key in _TORCH.items()} if norm else {"bias": f"{convolution}.bias"}
    return {f"{layer_name}/{part}": key for part, key in ({"kernel": f"{convolution}.weight"} | parts).items()}


def tensorflow_keys(layer_name: str, scope: str, *, depthwise: bool, bias: bool) -> dict[str, str]:
    """TensorFlow slim's variables of a layer by our names."""
    kernel = {"kernel": f"{scope}/depthwise_weights" if depthwise else f"{scope}/weights"}
    parts = {"bias": f"{scope}/biases"} if bias else {p: f"{scope}/BatchNorm/{v}" for p, v in _TENSORFLOW.items()}
    return {f"{layer_name}/{part}": key for part, key in (kernel | parts).items()}


def _torch_shape(shape: Shape) -> Shape:
    match shape:
        case (kh, kw, c_in, c_out):
            return c_out, c_in, kh, kw
        case (kh, kw, c):
            return c, 1, kh, kw
        case _:
            return shape[::-1]


def _from_torch(array: np.ndarray, n_axes: int) -> np.ndarray:
    if n_axes == 4:
        return array.transpose(2, 3, 1, 0)
    return array[:, 0].transpose(1, 2, 0) if n_axes == 3 else array.T


def _tensorflow_shape(shape: Shape) -> Shape:
    return (*shape, 1) if len(shape) == 3 else shape


def _from_tensorflow(array: np.ndarray, n_axes: int) -> np.ndarray:
    return array[..., 0] if n_axes == 3 else array


LAYOUTS = {
    "torch": Layout(_torch_shape, _from_torch),
    "tensorflow": Layout(_tensorflow_shape, _from_tensorflow),
    "ours": Layout(lambda shape: shape, lambda array, _: array),
}
