"""A network's layers by name: what the layer `name` does with the arrays ``name/kernel``, ``name/scale`` and so on.

Networks are written against the methods of `Layers`, and take the class as their option `layers`. Another class with
the same methods makes another use of the same network: to compare every layer with someone else's, or to run it in
another library and be timed against that.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from vosref.backend import Array, array_namespace, device
from vosref.nn import ops
from vosref.nn.residual import inverted_residual
from vosref.nn.winograd import transform_kernel, winograd_conv2d

__all__ = ["NORM", "Factory", "FusedLayers", "Layers", "fold"]

NORM = ("scale", "offset", "mean", "variance")
RESIDUAL = tuple(f"{layer}/{part}" for layer in ("expand", "depthwise", "project") for part in ("kernel", "bias"))
Epsilon: TypeAlias = Callable[[str], float]
Factory: TypeAlias = Callable[[Mapping[str, Array], Epsilon], Any]  # makes layers, as the class itself does


class Layers:
    """The layers of one network, on arrays as a file has them (`vosref.weights`) or folded (`fold`).

    Parameters
    ----------
    weights : mapping of str to array
        A layer has ``name/kernel``, and a batch norm (``name/scale``, ``offset``, ``mean`` and ``variance``), a
        ``name/bias`` or neither.
    epsilon : callable, str to float
        The epsilon of a layer's batch norm.
    """

    def __init__(self, weights: Mapping[str, Array], epsilon: Epsilon, /) -> None:
        self.weights, self.epsilon = weights, epsilon

    def has(self, name: str) -> bool:
        """Tell whether the network has a layer of that name."""
        return f"{name}/kernel" in self.weights or f"{name}/winograd" in self.weights

    def standardise(self, image: Array, gain: list[float], offset: list[float]) -> Array:
        """Bring RGB values of 0 to 255 to the scale that the network was trained on: gain · image + offset."""
        if image.ndim != 3 or image.shape[2] != len(gain):
            raise ValueError(f"image must be (H, W, {len(gain)}), got {tuple(image.shape)}")
        xp, where, (height, width, _) = array_namespace(image), device(image), image.shape
        # Whole rows at a time: arithmetic along an axis of three is slow.
        gains, offsets = (xp.tile(xp.asarray(v, dtype=image.dtype, device=where), (width,)) for v in (gain, offset))
        return xp.reshape(xp.reshape(image, (height, -1)) * gains + offsets, image.shape)

    def conv(self, name: str, x: Array, shortcut: Array = None, **options: Any) -> Array:
        """`ops.conv2d`, with the layer's norm before shortcut and activation; padding keeps the size if not given."""
        bias, transformed = self.weights.get(f"{name}/bias"), self.weights.get(f"{name}/winograd")
        if transformed is not None and _is_plain(options):
            return winograd_conv2d(x, transformed, bias, shortcut, activation=options.get("activation"))
        kernel = self.weights[f"{name}/kernel"]
        options = _centred(options, kernel)
        if f"{name}/scale" not in self.weights:
            return ops.conv2d(x, kernel, bias, shortcut, **options)
        activation = options.pop("activation")
        return ops.finish(self._norm(name, ops.conv2d(x, kernel, **options)), None, shortcut, activation)

    def depthwise(self, name: str, x: Array, **options: Any) -> Array:
        """`ops.depthwise_conv2d`, with the layer's norm before the activation; padding as in `conv`."""
        kernel = self.weights[f"{name}/kernel"]
        options = _centred(options, kernel)
        if f"{name}/scale" not in self.weights:
            return ops.depthwise_conv2d(x, kernel, self.weights.get(f"{name}/bias"), **options)
        activation = options.pop("activation")
        return ops.finish(self._norm(name, ops.depthwise_conv2d(x, kernel, **options)), None, None, activation)

    def inverted_residual(self, name: str, x: Array, *, shortcut: bool, **sampling: Any) -> Array:
        """`residual.inverted_residual` by its layers: ``name/expand`` if there is one, ``depthwise``, ``project``."""
        wide = self.conv(f"{name}/expand", x, activation="relu6") if self.has(f"{name}/expand") else x
        wide = self.depthwise(f"{name}/depthwise", wide, **sampling, activation="relu6")
        return self.conv(f"{name}/project", wide, x if shortcut else None)

    def max_pool(self, name: str, x: Array, **options: Any) -> Array:  # noqa: ARG002 - named for those who compare
        """`ops.max_pool`."""
        return ops.max_pool(x, **options)

    def mean(self, name: str, x: Array) -> Array:  # noqa: ARG002
        """Mean over all pixels, shape (1, 1, C)."""
        return array_namespace(x).mean(x, axis=(0, 1), keepdims=True)

    def resize(self, name: str, x: Array, size: tuple[int, int]) -> Array:  # noqa: ARG002
        """`ops.resize_bilinear` with aligned corners."""
        return ops.resize_bilinear(x, size=size, align_corners=True)

    def concat(self, name: str, parts: list[Array]) -> Array:  # noqa: ARG002
        """Join channels."""
        return array_namespace(*parts).concat(parts, axis=2)

    def width(self, name: str) -> int:
        """Channels that a layer puts out."""
        array = self.weights.get(f"{name}/kernel")
        return int((self.weights[f"{name}/winograd"] if array is None else array).shape[-1])

    def channels(self, x: Array) -> int:
        """Channels of a feature map."""
        return int(x.shape[2])

    def size(self, x: Array) -> tuple[int, int]:
        """Rows and columns of a feature map."""
        return tuple(x.shape[:2])

    def _norm(self, name: str, x: Array) -> Array:
        return ops.batch_norm(x, *(self.weights[f"{name}/{p}"] for p in NORM), epsilon=self.epsilon(name))


class FusedLayers(Layers):
    """Layers of which runs are one operation, for those who need not see what lies between."""

    def inverted_residual(self, name: str, x: Array, *, shortcut: bool, **sampling: Any) -> Array:
        """As `Layers` does, at once where the norms are folded."""
        if f"{name}/depthwise/scale" in self.weights:
            return super().inverted_residual(name, x, shortcut=shortcut, **sampling)
        arrays = (self.weights.get(f"{name}/{p}") for p in RESIDUAL)
        return inverted_residual(x, *arrays, shortcut=shortcut, **sampling)


def fold(
    weights: Mapping[str, Array],
    /,
    *,
    epsilon: Epsilon,
    winograd: bool = True,
    strided: Callable[[str], bool] = lambda _name: True,
) -> dict[str, Array]:
    """Fold every batch norm into the convolution before it, and transform 3×3 kernels, once, before the frames.

    Parameters
    ----------
    weights : mapping of str to array
        Named arrays, taps first (`vosref.weights.load`).
    epsilon : callable, str to float
        The network's (`resnet.epsilon`, `xception.epsilon`, …).
    winograd : bool
        Add ``name/winograd`` for every 3×3 kernel that is not depthwise; layers of stride 1 then run by Winograd's
        F(4×4, 3×3), faster and with a larger rounding error (`nn.winograd`). False: the exact path.
    strided : callable, str to bool
        Whether a layer may stride or dilate (`resnet.strided`). What may not keeps its transformed kernel alone, which
        saves memory.

    Returns
    -------
    dict of str to array
        ``name/kernel``, ``name/bias`` and ``name/winograd`` only.
    """
    folded = {}
    for name in (key.removesuffix("/kernel") for key in weights if key.endswith("/kernel")):
        kernel, bias = weights[f"{name}/kernel"], weights.get(f"{name}/bias")
        if f"{name}/scale" in weights:
            norm = (weights[f"{name}/{part}"] for part in NORM)
            kernel, bias = ops.fold_batch_norm(kernel, *norm, epsilon=epsilon(name))
        if bias is not None:
            folded[f"{name}/bias"] = bias
        # Below 16 channels the transforms cost more than the products that they save.
        fast = winograd and kernel.ndim == 4 and tuple(kernel.shape[:2]) == (3, 3) and min(kernel.shape[2:]) >= 16
        if fast:
            folded[f"{name}/winograd"] = transform_kernel(kernel)
        if not fast or strided(name):
            folded[f"{name}/kernel"] = kernel
    return folded


def _is_plain(options: dict[str, Any]) -> bool:
    """Whether Winograd's form, which knows stride 1 and one zero around the image, is what options ask for."""
    plain = {"stride": 1, "dilation": 1, "groups": 1, "padding": ((1, 1), (1, 1))}
    return all(options.get(name, value) == value for name, value in plain.items())


def _centred(options: dict[str, Any], kernel: Array) -> dict[str, Any]:
    options = {"stride": 1, "dilation": 1, "activation": None, **options}
    rows, columns = (options["dilation"] * (k - 1) // 2 for k in kernel.shape[:2])
    return {"padding": ((rows, rows), (columns, columns)), **options}
