"""Convolutions and FEELVOS's segmentation head under contract: every layer that the paper adds to its backbone.

Bound. A convolution's n products and its bias come out within γ_(n+1) Σ|x||y|, whatever the order of the sum, and are
kept at most twice, before and after the bias [Higham 2002, 3.1]. A product that is found by transforms, such as
Winograd's, is none of these: its error does not scale with Σ|x||y|. ReLU is 1-Lipschitz.

The head carries a value x and an error e through its layers [Higham 2002, §3.3]: a layer K makes |K| e of the error
that comes in, and adds its own rounding of |K| (|x| + e) + |b|. Its first layer may be one sum, or a part that all
objects share and a part of each object, added: a factor (1 + u) more, which every layer is given.
"""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vosref.backend import use_cpu
from vosref.conformance.arithmetic import ROUNDOFF, Arithmetic, gamma, grown
from vosref.conformance.operations import layers_invariants as invariants
from vosref.conformance.operations import layers_problems as problems
from vosref.conformance.operations.operation import Argument, Inputs, Operation, Options, Outputs, Sketch
from vosref.nn import heads, ops

__all__ = ["CONV2D", "DEPTHWISE_CONV2D", "SEGMENTATION_HEAD", "Running", "convolved", "layer", "windows"]

Array = NDArray[Any]
MODEL = "direct sums: γ_(n+1) (Σ|x||y| + |b|) in any order, kept twice [Higham 2002, 3.1]; ReLU: 1-Lipschitz"
HEAD_MODEL = (
    "running error analysis [Higham 2002, §3.3]: each layer makes |K| e of the error e, and adds its own rounding"
)
IMAGE = Argument("image", "(H, W, C) float", "channels last")
RESULT = Argument("result", "(h, w, C_out) float", "channels last")
WINDOWS = (
    Argument("stride", "int >= 1", "pixels between windows"),
    Argument("dilation", "int >= 1", "pixels between the taps of a window"),
    Argument(
        "padding", '"same", int or ((int, int), (int, int))', "zeros around; TensorFlow's rule: an odd zero after"
    ),
    Argument("activation", 'None or "relu"', "after the bias"),
)


class Running(NamedTuple):
    """A value, and how far off another's may be."""

    value: Array
    error: Array


def _convolution_bound(
    definition: Callable[..., Any], inputs: Inputs, options: Options, exact: Outputs, a: Arithmetic
) -> Outputs:
    """Bound of the sum of a window's products and the bias, from the sum of their absolute values."""
    n = math.prod(inputs["kernel"].shape[: 3 if inputs["kernel"].ndim == 4 else 2])
    with use_cpu("numpy"):
        magnitude = definition(*map(np.abs, inputs.values()), **options)
    error = grown(a.dot(n + 1), a.u_step) * magnitude + 2 * n * a.underflow
    return {"result": a.returned(exact["result"], error)}


def _head_bound(inputs: Inputs, options: Options, exact: Outputs, a: Arithmetic) -> Outputs:
    """Carry value and error of all objects at once, (K, h, w, C), through the layers."""
    weights, features, cues = inputs.values()
    everyone = np.broadcast_to(features, (cues.shape[2], *features.shape))
    x = np.concatenate([everyone, np.moveaxis(cues, 2, 0)], axis=3)
    running = Running(x, np.zeros_like(x))
    for i in range(heads.HEAD_LAYERS):
        running = layer(running, weights, f"head/{i}/depthwise", a, relu=options["relu"])
        running = layer(running, weights, f"head/{i}/pointwise", a, relu=True)
    error = layer(running, weights, "head/logits", a, relu=False).error[..., 0]
    return {"logits": a.returned(exact["logits"], np.moveaxis(error, 0, 2))}


def layer(x: Running, weights: dict[str, Array], name: str, a: Arithmetic, *, relu: bool) -> Running:
    """Convolve, add the bias and rectify, value and error."""
    kernel, bias = weights[f"{name}/kernel"], weights[f"{name}/bias"]
    n, size = math.prod(kernel.shape[:-1]), np.abs(kernel)
    factor = ROUNDOFF[a.product] if a.product and ROUNDOFF[a.product] > a.u_step else 0.0
    own = grown(factor, factor, gamma(n + 2, a.u_sum), a.u_step, a.u_step, a.u_step)
    value = convolved(x.value, kernel) + bias
    error = convolved(x.error + own * (np.abs(x.value) + x.error) + a.underflow, size)
    error += own * np.abs(bias) + 2 * n * a.underflow
    if not relu:
        return Running(value, error)
    return Running(np.maximum(value, 0), np.minimum(error, np.maximum(value + error, 0)))


def convolved(images: Array, kernel: Array) -> Array:
    """Convolve images (K, h, w, C), keeping their size: depthwise, or pixel by pixel."""
    if kernel.ndim == 4:
        return np.asarray(images @ kernel[0, 0])
    return np.asarray(np.einsum("khwcij,ijc->khwc", windows(images, kernel.shape[:2]), kernel))


def windows(images: Array, taps: tuple[int, ...], /) -> Array:
    """View the window around every pixel of images (K, h, w, C), zeros outside: (K, h, w, C, rows, columns)."""
    down, across = taps[0] // 2, taps[1] // 2
    padded = np.pad(images, ((0, 0), (down, down), (across, across), (0, 0)))
    return np.lib.stride_tricks.sliding_window_view(padded, taps, axis=(1, 2))


CONV2D = Operation(
    "conv2d",
    1,
    "y[o] = b[o] + Σ over taps and channels of k[tap, c, o] x[stride · at + dilation · tap - before, c], zeros outside",
    (
        IMAGE,
        Argument("kernel", "(kh, kw, C / groups, C_out) float", "taps first; not flipped"),
        Argument("bias", "(C_out,) float", "of every output channel"),
    ),
    (*WINDOWS, Argument("groups", "int >= 1", "runs of channels; a run of outputs sees only its run of inputs")),
    (RESULT,),
    lambda *arrays, **options: {"result": ops.conv2d(*arrays, **options)},
    functools.partial(_convolution_bound, ops.conv2d),
    MODEL,
    functools.partial(problems.random_layer, depthwise=False),
    (
        Sketch(
            "same_even_stride_2",
            problems.convolution((6, 8), (3, 3), stride=2),
            "an odd zero comes after the image, not before",
        ),
        Sketch("even_kernel", problems.convolution((5, 6), (2, 4)), "a kernel without a centre"),
        Sketch("dilated", problems.convolution((7, 9), (3, 2), dilation=2, padding=1), "taps two pixels apart"),
        Sketch(
            "groups",
            problems.convolution((4, 4), (3, 3), (6, 9), groups=3),
            "three runs of channels, one after the other",
        ),
        Sketch(
            "uneven_padding",
            problems.convolution((4, 5), (3, 2), stride=2, padding=((2, 0), (1, 3))),
            "other zeros on every side, and lines that no window reaches",
        ),
        Sketch("kernel_larger", problems.convolution((2, 3), (5, 6), padding=3), "a kernel larger than the image"),
        Sketch("single_pixel", problems.convolution((1, 1), (3, 3)), "one pixel, and zeros all around"),
        Sketch("pointwise", problems.convolution((3, 4), (1, 1), (96, 5)), "a long sum of channels"),
        Sketch("rectified", problems.convolution((4, 5), (3, 3), activation="relu"), "bias first, then max(y, 0)"),
    ),
    invariants.CONVOLUTION,
)
DEPTHWISE_CONV2D = Operation(
    "depthwise_conv2d",
    1,
    "y[c] = b[c] + Σ over taps of k[tap, c] x[stride · at + dilation · tap - before, c], zeros outside",
    (
        IMAGE,
        Argument("kernel", "(kh, kw, C) float", "taps first; not flipped"),
        Argument("bias", "(C,) float", "of every channel"),
    ),
    WINDOWS,
    (RESULT._replace(form="(h, w, C) float"),),
    lambda *arrays, **options: {"result": ops.depthwise_conv2d(*arrays, **options)},
    functools.partial(_convolution_bound, ops.depthwise_conv2d),
    MODEL,
    functools.partial(problems.random_layer, depthwise=True),
    (
        Sketch("same_even_stride_2", problems.depthwise((6, 8), (3, 3), stride=2), "an odd zero comes after the image"),
        Sketch("even_kernel", problems.depthwise((5, 6), (2, 4)), "a kernel without a centre"),
        Sketch(
            "dilated",
            problems.depthwise((7, 9), (3, 2), dilation=2, stride=3, padding=1),
            "taps two pixels apart, and lines that no window reaches",
        ),
        Sketch("kernel_larger", problems.depthwise((3, 4), (7, 7), padding=3), "FEELVOS's 7 x 7 on a small grid"),
        Sketch("single_row", problems.depthwise((1, 9), (3, 3), n=5), "an image of one row"),
        Sketch("rectified", problems.depthwise((4, 5), (3, 3), activation="relu"), "bias first, then max(y, 0)"),
    ),
    invariants.DEPTHWISE,
)
SEGMENTATION_HEAD = Operation(
    "segmentation_head",
    1,
    "FEELVOS §3: four separable layers and a logit, run on [features, cues of the object] for every object",
    (
        Argument(
            "weights", "mapping of str to float", "head/0…3/depthwise and /pointwise, head/logits: /kernel, /bias"
        ),
        Argument("features", "(h, w, C) float", "of the decoder, the same for all objects"),
        Argument("cues", "(h, w, K, n) float", "global distance, previous mask, local distance of each object"),
    ),
    (Argument("relu", "bool", "rectify between depthwise and pointwise layers too"),),
    (Argument("logits", "(h, w, K) float", "of every pixel and object"),),
    lambda *arrays, **options: {"logits": heads.segmentation_head(*arrays, **options)},
    _head_bound,
    HEAD_MODEL,
    problems.random_head,
    (
        Sketch("three_objects", problems.head((4, 5), 3), "every object has its own cues"),
        Sketch(
            "one_relu", problems.head((4, 5), 2, relu=False), "no ReLU between a depthwise layer and its pointwise one"
        ),
        Sketch("one_cue", problems.head((3, 4), 2, cues=1), "an ablation: the other maps are left out"),
        Sketch("kernel_larger", problems.head((3, 4), 2, taps=7), "7 x 7 kernels on a small grid: zeros all around"),
        Sketch("single_pixel", problems.head((1, 1), 1), "one pixel of one object"),
        Sketch("equal_cues", problems.equal_cues, "two objects that cannot be told apart, and a third"),
    ),
    invariants.HEAD,
)
