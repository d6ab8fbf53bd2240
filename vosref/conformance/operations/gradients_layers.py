"""Gradients of convolutions and of the segmentation head under contract (`vosref.gradients.layers`, `.head`).

Bound. Both gradients of a convolution are sums of products: γ_n of their absolute values' sum [Higham 2002, 3.1]. The
head's are found by a running error analysis there and back [Higham 2002, §3.3]. Forward, a layer's sum z is within e of
the reference's. Backward, a cotangent g with error ε passes a ReLU where z > 0: where |z| ≤ e a right implementation
may have passed it or not, so that |g| + ε is its error. A layer K then hands on Kᵀ g with |K|ᵀ ε and its own rounding,
and its kernel's gradient is off by |x| ε + e_x |g| + e_x ε and the sum's rounding.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vosref import gradients
from vosref.conformance.arithmetic import Arithmetic, grown
from vosref.conformance.draws import Draw
from vosref.conformance.operations import gradients_invariants as invariants
from vosref.conformance.operations import layers
from vosref.conformance.operations.operation import Argument, Inputs, Operation, Options, Outputs, Problem, Sketch
from vosref.nn.heads import HEAD_LAYERS, segmentation_head
from vosref.nn.ops import conv2d, depthwise_conv2d

__all__ = ["CONV2D_VJP", "DEPTHWISE_CONV2D_VJP", "SEGMENTATION_HEAD_VJP"]

Array = NDArray[Any]
MODEL = "sums of products: γ_n Σ|x||y| in any order [Higham 2002, 3.1]"
HEAD_MODEL = (
    "running error analysis there and back [Higham 2002, §3.3]; where a ReLU's argument is within its error of 0, both "
    "derivatives are allowed"
)
COTANGENT = Argument("cotangent", "(h, w, C_out) float", "∂L/∂ of the result")


class _Passed(NamedTuple):
    """What went through a layer of one object: its input and its sum, each with its error."""

    name: str
    image: Array
    image_error: Array
    total: Array
    total_error: Array
    rectified: bool


def _layer_bound(inputs: Inputs, options: Options, exact: Outputs, a: Arithmetic) -> Outputs:
    """Bound both gradients of a convolution by those of absolute values."""
    cotangent, image, kernel = map(np.abs, inputs.values())
    magnitudes = _vjp(cotangent, image, kernel, options)
    n = math.prod(inputs["cotangent"].shape) + math.prod(inputs["kernel"].shape)
    relative = grown(a.dot(n), a.u_step)
    return {
        name: a.returned(exact[name], relative * size + 2 * n * a.underflow)
        for name, size in zip(exact, magnitudes, strict=True)
    }


def _vjp(cotangent: Array, image: Array, kernel: Array, options: Options) -> tuple[Array, Array]:
    function = gradients.depthwise_conv2d_vjp if kernel.ndim == 3 else gradients.conv2d_vjp
    d_image, d_kernel = function(cotangent, image, kernel, **options)
    return d_image, d_kernel


def _head_bound(inputs: Inputs, options: Options, exact: Outputs, a: Arithmetic) -> Outputs:
    cotangent, weights, features, cues = inputs.values()
    everyone = np.broadcast_to(features, (cues.shape[2], *features.shape))
    steps = _forward(weights, np.concatenate([everyone, np.moveaxis(cues, 2, 0)], axis=3), options["relu"], a)
    parts, error = _backward(weights, steps, np.moveaxis(cotangent, 2, 0)[..., None], a)
    total = {f"d_weights/{name}": part for name, part in parts.items()}
    total["d_features"] = np.sum(error[..., : features.shape[2]], axis=0)
    total["d_cues"] = np.moveaxis(error[..., features.shape[2] :], 0, 2)
    return {name: a.returned(exact[name], total[name]) for name in exact}


def _forward(weights: dict[str, Array], x: Array, relu: bool, a: Arithmetic) -> list[_Passed]:
    """Carry value and error of all objects, (K, h, w, C), through the layers, and note them down."""
    names = [f"head/{i}/{part}" for i in range(HEAD_LAYERS) for part in ("depthwise", "pointwise")]
    steps, running = list[_Passed](), layers.Running(x, np.zeros_like(x))
    for name in (*names, "head/logits"):
        rectified = name != "head/logits" and (relu or name.endswith("pointwise"))
        z = layers.layer(running, weights, name, a, relu=False)
        steps.append(_Passed(name, *running, *z, rectified))
        if rectified:
            z = layers.Running(np.maximum(z.value, 0), np.minimum(z.error, np.maximum(z.value + z.error, 0)))
        running = z
    return steps


def _backward(
    weights: dict[str, Array], steps: list[_Passed], cotangent: Array, a: Arithmetic
) -> tuple[dict[str, Array], Array]:
    """Bound the gradients of the weights, and of the first layer's input, by the way back."""
    value, error, out = cotangent, np.zeros_like(cotangent), dict[str, Array]()
    for step in reversed(steps):
        if step.rectified:
            doubtful = np.abs(step.total) <= step.total_error
            error = np.where(doubtful, np.abs(value) + error, np.where(step.total > 0, error, 0.0))
            value = np.where(step.total > 0, value, 0.0)
        kernel, n = weights[f"{step.name}/kernel"], math.prod(value.shape[:3])
        reach, deep = np.abs(value) + error, math.prod(kernel.shape)
        seen, size = np.abs(step.image) + step.image_error, np.abs(kernel)
        # Sums over objects and the first layer's two parts round a few times more.
        rounded = grown(a.dot(n + deep), a.u_step, a.u_step, a.u_step, a.u_step)
        out[f"{step.name}/bias"] = np.sum(error + rounded * reach, axis=(0, 1, 2))
        (through, of_kernel), (most, largest) = (_pulled(g, seen, kernel, size) for g in (error, reach))
        of_kernel = of_kernel + _pulled(np.abs(value), step.image_error, kernel, size)[1]
        out[f"{step.name}/kernel"] = of_kernel + rounded * largest + 2 * n * a.underflow
        value = _pulled(value, step.image, kernel, kernel)[0]
        error = through + rounded * most + 2 * deep * a.underflow
    return out, error


def _pulled(g: Array, images: Array, kernel: Array, size: Array) -> tuple[Array, Array]:
    """Gradients by images (K, h, w, C) and by the kernel, of a layer that keeps their size."""
    if kernel.ndim == 4:
        return g @ size[0, 0].T, np.einsum("khwi,khwo->io", images, g)[None, None]
    across = layers.windows(images, kernel.shape[:2])
    return layers.convolved(g, size[::-1, ::-1]), np.einsum("khwcij,khwc->ijc", across, g)


def _of_layer(primal: Operation) -> Any:
    """Problems of a convolution without bias and activation, with the cotangent of its result."""

    def with_cotangent(make: Any) -> Any:
        def made(draw: Draw) -> Problem:
            inputs, options = make(draw)
            image, kernel = inputs["image"], inputs["kernel"]
            options = {name: value for name, value in options.items() if name != "activation"}
            function = depthwise_conv2d if primal is layers.DEPTHWISE_CONV2D else conv2d
            cotangent = draw.stream().normal(*function(image, kernel, **options).shape)
            return Problem({"cotangent": cotangent, "image": image, "kernel": kernel}, options)

        return made

    return with_cotangent


def _of_head(make: Any) -> Any:
    """Problems of the head, with the cotangent of its logits."""

    def made(draw: Draw) -> Problem:
        inputs, options = make(draw)
        shape = segmentation_head(*inputs.values(), **options).shape
        return Problem({"cotangent": draw.stream().normal(*shape)} | inputs, options)

    return made


def _results(function: Any, names: tuple[str, ...]) -> Any:
    return lambda *arrays, **options: dict(zip(names, function(*arrays, **options), strict=True))


def _head_reference(*arrays: Any, **options: Any) -> Outputs:
    d_weights, d_features, d_cues = gradients.segmentation_head_vjp(*arrays, **options)
    return {f"d_weights/{n}": v for n, v in d_weights.items()} | {"d_features": d_features, "d_cues": d_cues}


def _layer_vjp(primal: Operation, equation: str, kept: tuple[str, ...]) -> Operation:
    with_cotangent = _of_layer(primal)
    return Operation(
        f"{primal.name}_vjp",
        1,
        equation,
        (COTANGENT, *primal.inputs[:2]),
        tuple(option for option in primal.options if option.name != "activation"),
        (Argument("d_image", "(H, W, C) float", "∂L/∂image"), primal.inputs[1]._replace(name="d_kernel")),
        _results(getattr(gradients, f"{primal.name}_vjp"), ("d_image", "d_kernel")),
        _layer_bound,
        MODEL,
        with_cotangent(primal.random),
        tuple(s._replace(make=with_cotangent(s.make)) for s in primal.sketches if s.name in kept),
        invariants.LINEAR,
    )


CONV2D_VJP = _layer_vjp(
    layers.CONV2D,
    "∂L/∂k[tap] = Σ xᵀ g, ∂L/∂x = Σ over taps of g k[tap]ᵀ, put back; the bias's is Σ g",
    ("same_even_stride_2", "even_kernel", "dilated", "groups", "uneven_padding", "kernel_larger"),
)
DEPTHWISE_CONV2D_VJP = _layer_vjp(
    layers.DEPTHWISE_CONV2D,
    "∂L/∂k[tap] = Σ x g, ∂L/∂x = Σ over taps of g k[tap], put back; the bias's is Σ g",
    ("same_even_stride_2", "even_kernel", "dilated", "kernel_larger"),
)
SEGMENTATION_HEAD_VJP = Operation(
    "segmentation_head_vjp",
    1,
    "FEELVOS §3, backwards: sums over objects for weights and features; a ReLU's derivative at 0 is 0",
    (COTANGENT._replace(form="(h, w, K) float"), *layers.SEGMENTATION_HEAD.inputs),
    layers.SEGMENTATION_HEAD.options,
    (
        Argument("d_weights", "mapping of str to float", "∂L/∂ of every weight, by its name"),
        Argument("d_features", "(h, w, C) float", "∂L/∂features"),
        Argument("d_cues", "(h, w, K, n) float", "∂L/∂cues"),
    ),
    _head_reference,
    _head_bound,
    HEAD_MODEL,
    _of_head(layers.SEGMENTATION_HEAD.random),
    tuple(
        Sketch(s.name, _of_head(s.make), s.comment)
        for s in layers.SEGMENTATION_HEAD.sketches
        if s.name in ("three_objects", "one_relu", "one_cue", "single_pixel")
    ),
    invariants.LINEAR,
)
