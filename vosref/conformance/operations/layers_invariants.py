"""What every convolution and every segmentation head obeys, whatever its weights."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosref.conformance.operations import layers_problems as problems
from vosref.conformance.operations.operation import Claim, Invariant, Probe, Problem
from vosref.shapes import window_geometry

__all__ = ["CONVOLUTION", "DEPTHWISE", "HEAD"]


def a_convolution_is_linear(probe: Probe, problem: Problem) -> list[Claim]:
    """Two parts of an image add up to it, and its negative has the negative result, the bias aside."""
    image, bias = problem.inputs["image"], problem.inputs["bias"]
    part = np.indices(image.shape).sum(axis=0) % 3 == 0
    whole, bound = probe.measured(problem)
    first, one = probe.measured(problem, image=np.where(part, image, 0.0))
    second, other = probe.measured(problem, image=np.where(part, 0.0, image), bias=0 * bias)
    negative, its = probe.measured(problem, image=-image, bias=-bias)
    return [Claim(first + second, whole, "==", bound + one + other), Claim(-negative, whole, "==", bound + its)]


def a_kernel_of_one_tap_shifts_the_image(probe: Probe, problem: Problem) -> list[Claim]:
    """Nothing but a shift is left of a kernel that is 1 at its last row and first column only, channel by channel."""
    image, kernel = problem.inputs["image"], problem.inputs["kernel"]
    options = {name: problem.options[name] for name in ("stride", "dilation", "padding")}
    pads, size = window_geometry(image.shape[:2], kernel.shape[:2], **options)
    padded, row = np.pad(image, (*pads, (0, 0))), options["dilation"] * (kernel.shape[0] - 1)
    stride, tap = options["stride"], np.zeros_like(kernel)
    tap[-1, 0] = np.eye(*kernel.shape[2:]) if kernel.ndim == 4 else 1.0
    got, bound = probe.measured(problem, kernel=tap, bias=0 * problem.inputs["bias"])
    kept = padded[row:, :, : got.shape[2]][: (size[0] - 1) * stride + 1 : stride, : (size[1] - 1) * stride + 1 : stride]
    return [Claim(got, kept, "==", bound)]


def zeros_around_the_image_are_padding(probe: Probe, problem: Problem) -> list[Claim]:
    """Zeros around an image, without padding, have the result of the image with padding."""
    image = problem.inputs["image"]
    padded, bound = probe.measured(problem)
    surrounded = np.pad(image, (*problem.options["padding"], (0, 0)))
    bare, other = probe.measured(problem, image=surrounded, padding=((0, 0), (0, 0)))
    return [Claim(padded, bare, "==", bound + other)]


def shifting_by_a_stride_shifts_by_one(probe: Probe, problem: Problem) -> list[Claim]:
    """As many zeros before an image as windows are apart move the result by one row and one column."""
    stride = problem.options["stride"]
    moved_image = np.pad(problem.inputs["image"], ((stride, 0), (stride, 0), (0, 0)))
    plain, bound = probe.measured(problem)
    moved, other = probe.measured(problem, image=moved_image)
    return [Claim(moved[1:, 1:], plain, "==", bound + other[1:, 1:])]


def groups_are_convolutions_side_by_side(probe: Probe, problem: Problem) -> list[Claim]:
    """Each run of channels gives what it gives by itself."""
    whole, bound = probe.measured(problem)
    groups, parts, slack = problem.options["groups"], [], []
    runs = zip(*(np.split(problem.inputs[name], groups, axis=-1) for name in problem.inputs), strict=True)
    for image, kernel, bias in runs:
        result, own = probe.measured(problem, image=image, kernel=kernel, bias=bias, groups=1)
        parts.append(result)
        slack.append(own)
    return [Claim(whole, np.concatenate(parts, axis=2), "==", bound + np.concatenate(slack, axis=2))]


def permuting_channels_permutes_the_result(probe: Probe, problem: Problem) -> list[Claim]:
    """Every channel is convolved with its own kernel and nothing else."""
    order = np.roll(np.arange(problem.inputs["bias"].size), 1)
    plain, bound = probe.measured(problem)
    turned = {name: value[..., order] for name, value in problem.inputs.items()}
    moved, other = probe.measured(problem, **turned)
    return [Claim(moved, plain[..., order], "==", bound[..., order] + other)]


def permuting_objects_permutes_the_logits(probe: Probe, problem: Problem) -> list[Claim]:
    """Columns are in the order of the objects, which has no other effect."""
    cues = problem.inputs["cues"]
    order = np.roll(np.arange(cues.shape[2]), 1)
    plain, bound = probe.measured(problem)
    moved, other = probe.measured(problem, cues=cues[:, :, order, :])
    return [Claim(moved, plain[..., order], "==", bound[..., order] + other)]


def an_object_alone_has_the_same_logits(probe: Probe, problem: Problem) -> list[Claim]:
    """No object sees another's cues, and one is as good as many."""
    cues = problem.inputs["cues"]
    whole, bound = probe.measured(problem)
    claims = []
    for k in range(cues.shape[2]):
        alone, other = probe.measured(problem, cues=cues[:, :, k : k + 1, :])
        claims.append(Claim(alone[..., 0], whole[..., k], "==", bound[..., k] + other[..., 0]))
    return claims


def objects_with_equal_cues_have_equal_logits(probe: Probe, problem: Problem) -> list[Claim]:
    """Objects are told apart by their cues alone."""
    cues = problem.inputs["cues"]
    same = np.repeat(cues[:, :, :1, :], cues.shape[2], axis=2)
    got, bound = probe.measured(problem, cues=same)
    return [Claim(got, np.repeat(got[..., :1], cues.shape[2], axis=2), "==", 2 * bound)]


def mirroring_frame_and_kernels_mirrors_the_logits(probe: Probe, problem: Problem) -> list[Claim]:
    """Everything left for right, the kernels too, has the same logits, so turned."""
    weights = problem.inputs["weights"]
    turned: dict[str, NDArray[Any]] = {k: v[:, ::-1] if k.endswith("kernel") else v for k, v in weights.items()}
    plain, bound = probe.measured(problem)
    features, cues = (problem.inputs[name][:, ::-1] for name in ("features", "cues"))
    moved, other = probe.measured(problem, weights=turned, features=features, cues=cues)
    return [Claim(moved[:, ::-1], plain, "==", bound + other[:, ::-1])]


UNEVEN: dict[str, Any] = {"padding": ((2, 1), (0, 3)), "stride": 2}
LINEAR, TAP, PADDING, SHIFT = (
    ("linearity", a_convolution_is_linear, "linear in the image"),
    ("one_tap", a_kernel_of_one_tap_shifts_the_image, "a kernel of one tap shifts the image"),
    ("explicit_zeros", zeros_around_the_image_are_padding, "zeros around the image are padding"),
    ("shift", shifting_by_a_stride_shifts_by_one, "a shift by the stride is a shift by one"),
)
CONVOLUTION = (
    Invariant(*LINEAR, problems.convolution((5, 6), (3, 2), dilation=2)),
    Invariant(*TAP, problems.convolution((6, 7), (2, 3), (4, 3), dilation=2, stride=2)),
    Invariant(*PADDING, problems.convolution((4, 5), (3, 3), **UNEVEN)),
    Invariant(*SHIFT, problems.convolution((5, 4), (3, 2), stride=2, padding=2)),
    Invariant(
        "groups_apart",
        groups_are_convolutions_side_by_side,
        "a run of channels by itself",
        problems.convolution((4, 3), (2, 3), (6, 9), groups=3),
    ),
)
DEPTHWISE = (
    Invariant(*LINEAR, problems.depthwise((5, 6), (3, 2), dilation=2)),
    Invariant(*TAP, problems.depthwise((6, 7), (2, 3), dilation=2, stride=2)),
    Invariant(*PADDING, problems.depthwise((4, 5), (3, 3), **UNEVEN)),
    Invariant(*SHIFT, problems.depthwise((5, 4), (3, 2), stride=2, padding=2)),
    Invariant(
        "channels_apart",
        permuting_channels_permutes_the_result,
        "channels permute",
        problems.depthwise((4, 5), (3, 3), 4),
    ),
)
HEAD = (
    Invariant(
        "object_permutation",
        permuting_objects_permutes_the_logits,
        "objects permute as columns do",
        problems.head((3, 4), 3),
    ),
    Invariant("object_alone", an_object_alone_has_the_same_logits, "no object sees another", problems.head((3, 4), 3)),
    Invariant("equal_objects", objects_with_equal_cues_have_equal_logits, "equal cues", problems.head((3, 4), 3)),
    Invariant("left_for_right", mirroring_frame_and_kernels_mirrors_the_logits, "mirrored", problems.head((3, 4), 2)),
)
