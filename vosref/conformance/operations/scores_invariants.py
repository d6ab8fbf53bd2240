"""What J and F obey, whatever the masks."""

from itertools import pairwise

import numpy as np

from vosref.conformance.operations import scores_problems as problems
from vosref.conformance.operations.operation import Claim, Invariant, Probe, Problem

__all__ = ["CONTOUR", "REGION"]


def scores_lie_between_0_and_1(probe: Probe, problem: Problem) -> list[Claim]:
    """Scores are shares of something."""
    got, bound = probe.measured(problem)
    return [Claim(np.zeros(()), got, "<=", 0.0), Claim(got, np.ones(()), "<=", bound)]


def a_score_is_symmetric(probe: Probe, problem: Problem) -> list[Claim]:
    """Exchanging prediction and truth changes nothing."""
    prediction, truth = problem.inputs.values()
    there, bound = probe.measured(problem)
    back, other = probe.measured(problem, prediction=truth, truth=prediction)
    return [Claim(back, there, "==", bound + other)]


def equal_masks_score_1(probe: Probe, problem: Problem) -> list[Claim]:
    """Masks that are the truth score 1, be they empty, full or any other."""
    truth = problem.inputs["truth"]
    claims = []
    for mask in (truth, np.zeros_like(truth), np.ones_like(truth)):
        got, bound = probe.measured(problem, prediction=mask, truth=mask)
        claims.append(Claim(got, np.ones(()), "==", bound))
    return claims


def transposing_changes_nothing(probe: Probe, problem: Problem) -> list[Claim]:
    """Rows made columns in both masks have the same score."""
    plain, bound = probe.measured(problem)
    turned, other = probe.measured(problem, **{name: mask.T for name, mask in problem.inputs.items()})
    return [Claim(turned, plain, "==", bound + other)]


def shared_and_missed_pixels_add_to_1(probe: Probe, problem: Problem) -> list[Claim]:
    """J of a part of the union and J of the rest, against the union, add to 1."""
    prediction, truth = problem.inputs.values()
    union = prediction | truth
    part, bound = probe.measured(problem, truth=union)
    rest, other = probe.measured(problem, prediction=union & ~prediction, truth=union)
    return [Claim(part + rest, np.ones(()), "==", bound + other + np.finfo(np.float64).eps)]


def a_larger_tolerance_never_scores_less(probe: Probe, problem: Problem) -> list[Claim]:
    """Pixels that match do so at any larger tolerance."""
    found = [probe.measured(problem, tolerance=t) for t in (0.0, 0.5 / np.hypot(9, 12), 1.0, 1.5, 2.0, 3.0, 9.0)]
    return [Claim(low, high, "<=", a + b) for (low, a), (high, b) in pairwise(found)]


def a_tolerance_over_the_frame_scores_1(probe: Probe, problem: Problem) -> list[Claim]:
    """Where every pixel is near every other, all of the outlines match."""
    got, bound = probe.measured(problem, tolerance=float(sum(problem.inputs["truth"].shape)))
    return [Claim(got, np.ones(()), "==", bound)]


REGIONS, OUTLINES = problems.blobs((9, 12)), problems.blobs((9, 12), pixels=1.0)
RANGE = ("range", scores_lie_between_0_and_1, "in [0, 1]")
SYMMETRY = ("symmetry", a_score_is_symmetric, "prediction and truth exchanged")
EQUAL = ("equal_masks", equal_masks_score_1, "the truth scores 1")
REGION = (
    Invariant(*RANGE, REGIONS),
    Invariant(*SYMMETRY, REGIONS),
    Invariant(*EQUAL, REGIONS),
    Invariant("parts", shared_and_missed_pixels_add_to_1, "a part and the rest add to 1", REGIONS),
)
CONTOUR = (
    Invariant(*RANGE, OUTLINES),
    Invariant(*SYMMETRY, OUTLINES),
    Invariant(*EQUAL, OUTLINES),
    Invariant("transposition", transposing_changes_nothing, "rows and columns exchanged", OUTLINES),
    Invariant("tolerance_growth", a_larger_tolerance_never_scores_less, "a larger tolerance", OUTLINES),
    Invariant("whole_frame_near", a_tolerance_over_the_frame_scores_1, "a tolerance over the frame", OUTLINES),
)
