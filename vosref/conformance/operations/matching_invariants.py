"""What every distance map obeys, whatever its values: properties to test an implementation by, without a reference."""

import functools
from typing import Any

import numpy as np

from vosref.conformance.operations import matching_problems as problems
from vosref.conformance.operations.operation import Claim, Inputs, Invariant, Probe, Problem

__all__ = ["GLOBAL", "LOCAL", "PAIRS"]


def _results(probe: Probe, problem: Problem, **replaced: Any) -> tuple[Any, Any]:
    """Distance to the nearest pixel, and its bound, with some inputs or options replaced."""
    nearest = {"n_neighbours": 1} if "n_neighbours" in problem.options else {}
    return probe.measured(problem, **replaced | nearest)


def distances_lie_between_0_and_1(probe: Probe, problem: Problem) -> list[Claim]:
    """Every distance is in [0, 1], in every data type, without a tolerance."""
    got = probe.call(*problem)["distance"]
    return [Claim(np.zeros_like(got), got, "<=", 0.0), Claim(got, np.ones_like(got), "<=", 0.0)]


def distance_is_symmetric(probe: Probe, problem: Problem) -> list[Claim]:
    """Exchanging query and reference transposes the distances."""
    query, reference = problem.inputs.values()
    there, bound = _results(probe, problem)
    back, other = _results(probe, problem, query=reference, reference=query)
    return [Claim(there, back.T, "==", bound + other.T)]


def a_pixel_is_at_0_from_itself(probe: Probe, problem: Problem) -> list[Claim]:
    """Pixels of a frame that is matched to itself are at distance 0 from their own objects."""
    other = next(name for name in problem.inputs if name not in ("query", "labels"))
    same = problem.inputs[other]
    got, bound = _results(probe, problem, query=same)
    own = problem.inputs["labels"] > 0 if "labels" in problem.inputs else np.eye(len(same), dtype=bool)
    return [Claim(np.where(own, got, 0.0), np.zeros_like(got), "==", bound)]


def permuting_objects_permutes_columns(probe: Probe, problem: Problem) -> list[Claim]:
    """Objects in another order give the same columns in that order."""
    labels = problem.inputs["labels"]
    order = np.roll(np.arange(labels.shape[1]), 1)
    plain, bound = _results(probe, problem)
    moved, other = _results(probe, problem, labels=labels[:, order])
    return [Claim(moved, plain[:, order], "==", bound[:, order] + other)]


def a_union_is_at_the_smaller_distance(probe: Probe, problem: Problem) -> list[Claim]:
    """Two objects taken for one are at the smaller of their distances."""
    labels = problem.inputs["labels"]
    apart, bound = _results(probe, problem)
    joined, other = _results(probe, problem, labels=np.sum(labels, axis=1, keepdims=True))
    smallest = np.min(apart, axis=1, keepdims=True)
    return [Claim(joined, smallest, "==", other + np.max(bound, axis=1, keepdims=True))]


def more_pixels_are_never_farther(probe: Probe, problem: Problem) -> list[Claim]:
    """Pixels that are added to a reference frame increase no distance."""
    every, bound = _results(probe, problem)
    claims, count = [], len(problem.inputs["reference"])
    for keep in range(1, count, max(1, count // 4)):
        fewer = {name: value[:keep] for name, value in problem.inputs.items() if name != "query"}
        some, other = _results(probe, problem, **fewer)
        claims.append(Claim(every, some, "<=", bound + other))
    return claims


def a_wider_window_is_never_farther(probe: Probe, problem: Problem) -> list[Claim]:
    """Enlarging the radius by one increases no distance."""
    narrow, bound = _results(probe, problem)
    wide, other = _results(probe, problem, window_radius=problem.options["window_radius"] + 1)
    return [Claim(wide, narrow, "<=", bound + other)]


def mirroring_mirrors(probe: Probe, problem: Problem, *, axis: int) -> list[Claim]:
    """Frames upside down, or left for right, have the same distances, so turned."""
    (height, width), count = problem.options["grid"], len(problem.inputs["query"])
    turned = np.flip(np.arange(count).reshape(height, width), axis=axis).reshape(-1)
    plain, bound = _results(probe, problem)
    flipped, other = _results(probe, problem, **{name: value[turned] for name, value in problem.inputs.items()})
    return [Claim(flipped, plain[turned], "==", bound[turned] + other)]


def transposing_transposes(probe: Probe, problem: Problem) -> list[Claim]:
    """Rows made columns in all frames, and the grid with them, give the same distances."""
    height, width = problem.options["grid"]
    across = np.arange(height * width).reshape(height, width).T.reshape(-1)
    turned: Inputs = {name: value[across] for name, value in problem.inputs.items()}
    plain, bound = _results(probe, problem)
    moved, other = _results(probe, problem, **turned, grid=(width, height))
    return [Claim(moved, plain[across], "==", bound[across] + other)]


CANCELLING = {
    "pairs": problems.near_twins(problems.pairs(24, 24, 100), "reference"),
    "global": problems.near_twins(problems.everywhere(24, 24, d=100), "reference"),
    "local": problems.near_twins(problems.windowed((4, 6), 1, d=100), "previous"),
}
SEVERAL = problems.everywhere(8, 16, k=2)
SMALL = problems.windowed((5, 7), 1, k=4)
IN_RANGE = functools.partial(Invariant, "range", distances_lie_between_0_and_1, "in [0, 1] without a tolerance")
IDENTITY = Invariant("identity", a_pixel_is_at_0_from_itself, "0 to itself")
PERMUTATION = Invariant("object_permutation", permuting_objects_permutes_columns, "objects permute as columns do")
UNION = Invariant("union", a_union_is_at_the_smaller_distance, "a union is at the smaller distance")

PAIRS = (
    IN_RANGE(CANCELLING["pairs"]),
    IDENTITY,
    Invariant("symmetry", distance_is_symmetric, "d(p, q) = d(q, p)"),
)
GLOBAL = (
    IN_RANGE(CANCELLING["global"]),
    IDENTITY,
    PERMUTATION,
    UNION,
    Invariant("more_pixels", more_pixels_are_never_farther, "pixels that are added increase no distance", SEVERAL),
)
LOCAL = (
    IN_RANGE(CANCELLING["local"]),
    IDENTITY._replace(make=SMALL),
    PERMUTATION._replace(make=SMALL),
    UNION._replace(make=SMALL),
    Invariant("window_growth", a_wider_window_is_never_farther, "a wider window is never farther", SMALL),
    Invariant("upside_down", functools.partial(mirroring_mirrors, axis=0), "rows mirrored", SMALL),
    Invariant("left_for_right", functools.partial(mirroring_mirrors, axis=1), "columns mirrored", SMALL),
    Invariant("transposition", transposing_transposes, "rows and columns exchanged", SMALL),
)
