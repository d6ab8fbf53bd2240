"""What a network must do at least: multiplications and additions, and bytes, counted without computing anything."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from vosref.nn.layers import Layers
from vosref.shapes import window_geometry

__all__ = ["Cost", "count"]

FLOAT = 4  # bytes
WINOGRAD_SAVES = 4  # F(4×4, 3×3): 36 products for 16 outputs instead of 144


class Cost(NamedTuple):
    """Of one frame."""

    operations: int  # 2 × multiply-adds of the layers as the papers define them
    products: int  # the same with Winograd's products for the layers that run by it: what has to be computed at least
    moved_bytes: int  # every layer's inputs, weights and outputs once


class _Map(NamedTuple):
    """A feature map's shape; what a network asks of an image is its shape as well."""

    shape: tuple[int, int, int]


def count(network: Callable[..., Any], kernels: Mapping[str, Any], size: tuple[int, int], /, **options: Any) -> Cost:
    """Count a network's cost at a size of frame.

    Parameters
    ----------
    network : callable
        A function of (weights, image) with the option `layers`.
    kernels : mapping of str to array
        Its weights, folded; only shapes are read.
    size : (int, int)
        Of the frame, in pixels.
    **options
        Of the network.
    """
    total = [0, 0, 0]

    class Counting(_Counting):
        cost = total

    network(kernels, _Map((*size, 3)), layers=Counting, **options)
    return Cost(*total)


class _Counting(Layers):
    cost: list[int]

    def standardise(self, image: Any, *_: Any) -> Any:
        return image

    def conv(self, name: str, x: Any, shortcut: Any = None, **options: Any) -> _Map:
        kernel = self.weights[f"{name}/kernel"].shape if f"{name}/kernel" in self.weights else None
        kernel = kernel or (3, 3, *self.weights[f"{name}/winograd"].shape[1:])
        out = self._out(x, kernel, kernel[3], options)
        winograd = f"{name}/winograd" in self.weights and options.get("stride", 1) == options.get("dilation", 1) == 1
        self._add(
            kernel[0] * kernel[1] * kernel[2], out, x, *([] if shortcut is None else [shortcut]), winograd=winograd
        )
        self.cost[2] += FLOAT * kernel[0] * kernel[1] * kernel[2] * kernel[3]
        return out

    def depthwise(self, name: str, x: Any, *, rectify: bool = False, **options: Any) -> _Map:  # noqa: ARG002
        kernel = self.weights[f"{name}/kernel"].shape
        out = self._out(x, kernel, kernel[2], options)
        self._add(kernel[0] * kernel[1], out, x)
        return out

    def max_pool(self, name: str, x: Any, **options: Any) -> _Map:  # noqa: ARG002
        size, windows = (options.pop("size"),) * 2, {"dilation": 1, **options}
        _, out_size = window_geometry(x.shape[:2], size, **windows)
        return self._moved(_Map((*out_size, x.shape[2])), x)

    def mean(self, name: str, x: Any) -> _Map:  # noqa: ARG002
        return self._moved(_Map((1, 1, x.shape[2])), x)

    def resize(self, name: str, x: Any, size: tuple[int, int]) -> _Map:  # noqa: ARG002
        return self._moved(_Map((*size, x.shape[2])), x)

    def concat(self, name: str, parts: list[Any]) -> _Map:  # noqa: ARG002
        return self._moved(_Map((*parts[0].shape[:2], sum(p.shape[2] for p in parts))), *parts)

    def _out(self, x: Any, kernel: tuple[int, ...], channels: int, options: dict[str, Any]) -> _Map:
        stride, dilation = options.get("stride", 1), options.get("dilation", 1)
        padding = options.get("padding", dilation * (kernel[0] - 1) // 2)
        _, size = window_geometry(x.shape[:2], kernel[:2], stride=stride, dilation=dilation, padding=padding)
        return _Map((*size, channels))

    def _add(self, products: int, out: _Map, *inputs: Any, winograd: bool = False) -> None:
        height, width, channels = out.shape
        operations = 2 * products * height * width * channels
        self.cost[0] += operations
        self.cost[1] += operations // WINOGRAD_SAVES if winograd else operations
        self._moved(out, *inputs)

    def _moved(self, out: _Map, *inputs: Any) -> _Map:
        for height, width, channels in (x.shape for x in (out, *inputs)):
            self.cost[2] += FLOAT * height * width * channels
        return out
