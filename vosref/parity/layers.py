"""The layers of a network, as `vosref.nn.layers.Layers`, that show every value they pass to a `Comparison`."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from vosref.nn import ops
from vosref.nn.layers import NORM, Epsilon, Layers
from vosref.parity.comparison import Comparison
from vosref.parity.rounding import ROUNDINGS, Layer, Rounding, Running
from vosref.parity.variations import image_variations, variations

__all__ = ["ComparedLayers"]

STAGES = (("/convolution", Rounding.convolve), ("/norm", Rounding.normalise), ("", Rounding.finish))
OVERWRITTEN = "overwritten in place by what follows the norm, and compared as that; export a copy, output.clone()"


class ComparedLayers(Layers):
    """Layers on `Running` values; where the file has a value of the other's, the network goes on with that.

    A layer has the points ``name/convolution`` (with its bias), ``name/norm``, if it has one (before shortcut and
    activation), and ``name`` (after them). Pooling, means, resizes and concatenations are points under their names.

    Parameters
    ----------
    comparison : Comparison
        Shown every value.
    weights, epsilon
        As `Layers` takes them.
    """

    prefix = ""  # of the names of points: the head runs once for each object

    def __init__(self, comparison: Comparison, weights: Mapping[str, np.ndarray], epsilon: Epsilon, /) -> None:
        super().__init__(weights, epsilon)
        self.comparison, self.rounding = comparison, comparison.rounding

    def observe(self, name: str, x: Running) -> Running:
        """Show a value to the comparison."""
        return self.comparison.observe(self.prefix + name, x)

    def standardise(self, image: Running, gain: list[float], offset: list[float]) -> Running:
        """Bring RGB to the network's scale; the point is ``input``, taken as it is where there is no ``image``."""
        if "image" not in self.comparison.arrays:
            return self.comparison.take("input", image)
        to_input = self.rounding.standardise
        gains, offsets = np.array(gain), np.array(offset)

        def others() -> Iterator[tuple[str, Running]]:
            for what, other in image_variations(image):
                yield what, to_input(other, gains, offsets)

        return self.comparison.observe("input", to_input(image, gains, offsets), others)

    def conv(self, name: str, x: Running, shortcut: Running | None = None, **options: Any) -> Running:
        """Convolution, norm, shortcut, activation."""
        return self._layer(name, self._described(name, ops.conv2d, shortcut, options), x)

    def depthwise(self, name: str, x: Running, **options: Any) -> Running:
        """Depthwise convolution, norm, activation."""
        return self._layer(name, self._described(name, ops.depthwise_conv2d, None, options), x)

    def max_pool(self, name: str, x: Running, **options: Any) -> Running:
        """Largest value of every window."""
        return self.observe(name, self.rounding.max_pool(x, **options))

    def mean(self, name: str, x: Running) -> Running:
        """Mean over all pixels."""
        return self.observe(name, self.rounding.mean(x))

    def resize(self, name: str, x: Running, size: tuple[int, int]) -> Running:
        """Bilinear, with aligned corners."""

        def others() -> Iterator[tuple[str, Running]]:
            yield "with half-pixel centres (align_corners=False)", self.rounding.resize(x, size, align_corners=False)

        return self.comparison.observe(self.prefix + name, self.rounding.resize(x, size), others)

    def concat(self, name: str, parts: list[Running]) -> Running:
        """Join channels."""

        def others() -> Iterator[tuple[str, Running]]:
            yield "with its parts in the opposite order", self.rounding.concat(parts[::-1])

        return self.comparison.observe(self.prefix + name, self.rounding.concat(parts), others)

    def channels(self, x: Running) -> int:
        """Channels of a feature map."""
        return int(x.value.shape[2])

    def size(self, x: Running) -> tuple[int, int]:
        """Rows and columns of a feature map."""
        return int(x.value.shape[0]), int(x.value.shape[1])

    def _described(self, name: str, operation: Any, shortcut: Running | None, options: dict[str, Any]) -> Layer:
        kernel, sampling = self.weights[f"{name}/kernel"], {"stride": 1, "dilation": 1, **options}
        kernel = kernel[None, None] if kernel.ndim == 2 else kernel  # a dense layer, on one pixel
        activation, rectify = sampling.pop("activation", None), sampling.pop("rectify", False)
        rows, columns = (sampling["dilation"] * (k - 1) // 2 for k in kernel.shape[:2])
        has_norm = f"{name}/scale" in self.weights
        return Layer(
            operation=operation,
            kernel=kernel,
            bias=self.weights.get(f"{name}/bias"),
            norm=tuple(self.weights[f"{name}/{part}"] for part in NORM) if has_norm else (),
            epsilon=self.epsilon(name) if has_norm else 0.0,
            shortcut=shortcut,
            activation=activation,
            sampling={"padding": ((rows, rows), (columns, columns)), **sampling},
            rectify=rectify,
        )

    def _layer(self, name: str, layer: Layer, x: Running) -> Running:
        """Take the stages in turn; `begin` and `base` are where the other's value last came in, and that value."""
        roundings, begin, base, name = layer.n_products + ROUNDINGS, 0, x, self.prefix + name
        for stop, (point, stage) in enumerate(STAGES, 1):
            if point == "/norm" and not layer.norm:
                continue
            x = stage(self.rounding, layer, x, roundings)
            if point == "/norm" and self.comparison.fits(name + point, x) is False:
                finished = self.rounding.finish(layer, x, roundings)
                if self.comparison.fits(name + point, finished):
                    finished = self.comparison.observe(name + point, finished, note=OVERWRITTEN)
                    return self.comparison.observe(name, finished)

            def others(begin: int = begin, base: Running = base, stop: int = stop) -> Iterator[tuple[str, Running]]:
                for what, other in variations(layer):
                    yield what, self._stages(other, base, begin, stop)

            shown = self.comparison.observe(name + point, x, others)
            if shown is not x:
                roundings, begin, base = ROUNDINGS, stop, shown
            x = shown
        return x

    def _stages(self, layer: Layer, x: Running, begin: int, stop: int) -> Running:
        for _, stage in STAGES[begin:stop]:
            x = stage(self.rounding, layer, x, layer.n_products + ROUNDINGS)
        return x
