"""What every network does first under contract: RGB from 0 … 255 to the scale of its training.

Bound. (x / 255 - mean) / std is an affine function, gain · x + offset. In whichever order it is divided, subtracted and
multiplied, at most 8 roundings are of numbers no larger than |gain x| + |offset|: γ_8 of that [Higham 2002, §2.2].
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosref.conformance.arithmetic import Arithmetic, gamma
from vosref.conformance.draws import Draw, Stream
from vosref.conformance.operations.operation import (
    Argument,
    Claim,
    Inputs,
    Invariant,
    Operation,
    Options,
    Outputs,
    Probe,
    Problem,
    Sketch,
)
from vosref.nn.layers import Layers
from vosref.nn.resnet import MEAN, STD

__all__ = ["STANDARDISE"]

HALF = (0.5, 0.5, 0.5)
ROUNDINGS = 8


def _standardised(image: Any, /, *, mean: tuple[float, ...], std: tuple[float, ...]) -> Outputs:
    gain, offset = _affine(mean, std)
    return {"result": Layers({}, lambda _: 0.0).standardise(image, gain, offset)}


def _affine(mean: tuple[float, ...], std: tuple[float, ...]) -> tuple[list[float], list[float]]:
    return [1 / (255 * s) for s in std], [-m / s for m, s in zip(mean, std, strict=True)]


def _bound(inputs: Inputs, options: Options, exact: Outputs, a: Arithmetic) -> Outputs:
    gain, offset = (np.abs(part) for part in _affine(**options))
    size = gain * np.abs(inputs["image"]) + offset
    return {"result": a.returned(exact["result"], gamma(ROUNDINGS, a.u_step) * size + a.underflow)}


def _image(stream: Stream, height: int, width: int) -> NDArray[np.float64]:
    return stream.integers(0, 256, height, width, 3).astype(np.float64)


def _random(draw: Draw) -> Problem:
    mean, std = draw.choice([(MEAN, STD), (MEAN, STD), (HALF, HALF)])
    return Problem({"image": _image(draw.stream(), draw.integer(1, 6), draw.integer(1, 7))}, {"mean": mean, "std": std})


def _imagenet(height: int, width: int) -> Any:
    return lambda draw: Problem({"image": _image(draw.stream(), height, width)}, {"mean": MEAN, "std": STD})


def _every_value(_: Draw) -> Problem:
    values = np.arange(256.0).reshape(16, 16, 1)
    image = np.concatenate([values, 255 - values, np.roll(values, 1, axis=0)], axis=2)
    return Problem({"image": image}, {"mean": MEAN, "std": STD})


def _tensorflow(draw: Draw) -> Problem:
    return Problem({"image": _image(draw.stream(), 5, 4)}, {"mean": HALF, "std": HALF})


def a_channel_knows_itself_alone(probe: Probe, problem: Problem) -> list[Claim]:
    """Exchange blue for its opposite: red and green stay as they are."""
    image = problem.inputs["image"]
    other = np.concatenate([image[:, :, :2], 255 - image[:, :, 2:]], axis=2)
    got, changed = (probe.call({"image": i}, problem.options)["result"] for i in (image, other))
    return [Claim(changed[:, :, :2], got[:, :, :2], "==", 0.0)]


def pixels_of_one_colour_are_of_one_value(probe: Probe, problem: Problem) -> list[Claim]:
    """Paint the frame in one colour: each channel has one value."""
    image = np.broadcast_to(problem.inputs["image"][:1, :1, :], problem.inputs["image"].shape).copy()
    got, bound = (part({"image": image}, problem.options)["result"] for part in (probe.call, probe.bound))
    return [Claim(got, np.broadcast_to(got[:1, :1, :], got.shape), "==", 2 * bound)]


STANDARDISE = Operation(
    "standardise",
    1,
    "y = (x / 255 - mean) / std, channel by channel",
    (Argument("image", "(H, W, 3) float", "RGB, whole numbers from 0 to 255"),),
    (
        Argument("mean", "3 floats", "of red, green and blue in 0 to 1: .485, .456, .406 for ImageNet's networks"),
        Argument("std", "3 floats > 0", "likewise: .229, .224, .225"),
    ),
    (Argument("result", "(H, W, 3) float", "without unit"),),
    _standardised,
    _bound,
    "an affine function in any order of its operations: γ_8 (|gain x| + |offset|) [Higham 2002, §2.2]",
    _random,
    (
        Sketch("every_value", _every_value, "every value of a byte, in every channel"),
        Sketch("long_frame", _imagenet(3, 7), "a frame that is not square"),
        Sketch("single_pixel", _imagenet(1, 1), "a frame of one pixel"),
        Sketch("tensorflow", _tensorflow, "mean and std ½: from -1 to 1"),
    ),
    (
        Invariant("channels", a_channel_knows_itself_alone, "a channel knows itself alone", _imagenet(4, 5)),
        Invariant("one_colour", pixels_of_one_colour_are_of_one_value, "a colour is a value", _imagenet(4, 5)),
    ),
)
