"""What every affinity and every normalised affinity obeys, whatever its values."""

import numpy as np

from vosref.conformance.draws import Draw
from vosref.conformance.operations.operation import Claim, Invariant, Probe, Problem

__all__ = ["AFFINITY", "NORMALISED"]


def exchanging_the_frames_transposes(probe: Probe, problem: Problem) -> list[Claim]:
    """Exchanging target and reference transposes the affinity: it is symmetric."""
    query, reference, here, there = problem.inputs.values()
    turned = {"query": reference, "reference": query, "query_position": there, "reference_position": here}
    plain, bound = probe.measured(problem)
    back, other = probe.measured(problem, **turned)
    return [Claim(back.T, plain, "==", bound + other.T)]


def moving_both_frames_changes_nothing(probe: Probe, problem: Problem) -> list[Claim]:
    """Only how far apart two pixels are counts, not where they are."""
    moved = {name: problem.inputs[name] + np.array([5.0, 2.0]) for name in ("query_position", "reference_position")}
    plain, bound = probe.measured(problem)
    there, other = probe.measured(problem, **moved)
    return [Claim(there, plain, "==", bound + other)]


def nearer_pixels_have_no_less_affinity(probe: Probe, problem: Problem) -> list[Claim]:
    """Halving all distances makes no affinity smaller."""
    nearer = {name: problem.inputs[name] / 2 for name in ("query_position", "reference_position")}
    plain, bound = probe.measured(problem)
    near, other = probe.measured(problem, **nearer)
    return [Claim(plain, near, "<=", bound + other)]


def symmetric_stays_symmetric(probe: Probe, problem: Problem) -> list[Claim]:
    """S of a symmetric W is symmetric."""
    got, bound = probe.measured(problem)
    return [Claim(got, got.T, "==", bound + bound.T)]


def singular_values_are_at_most_1(probe: Probe, problem: Problem) -> list[Claim]:
    """S has no singular value above 1, so that propagation does not grow."""
    got, bound = probe.measured(problem)
    finite = np.where(np.isfinite(got), got, 1e9)
    # A perturbation moves singular values by at most its own largest one [Weyl]; 1e-12 is for the algorithm.
    slack = float(np.linalg.norm(bound)) + 1e-12
    return [Claim(np.linalg.svd(finite, compute_uv=False)[:1], np.ones(1), "<=", slack)]


def scaling_changes_nothing(probe: Probe, problem: Problem) -> list[Claim]:
    """Four times as much affinity everywhere gives the same S."""
    plain, bound = probe.measured(problem)
    scaled, other = probe.measured(problem, w=4 * problem.inputs["w"])
    return [Claim(scaled, plain, "==", bound + other)]


def transposing_transposes(probe: Probe, problem: Problem) -> list[Claim]:
    """Rows and columns have the same part."""
    plain, bound = probe.measured(problem)
    turned, other = probe.measured(problem, w=problem.inputs["w"].T.copy())
    return [Claim(turned.T, plain, "==", bound + other.T)]


def _symmetric(draw: Draw) -> Problem:
    n = draw.integer(3, 8)
    w = draw.stream().uniform(n, n)
    return Problem({"w": (w + w.T) / 2}, {})


AFFINITY = (
    Invariant("exchange", exchanging_the_frames_transposes, "target for reference gives the transpose"),
    Invariant("shift", moving_both_frames_changes_nothing, "all positions moved by the same"),
    Invariant("nearer", nearer_pixels_have_no_less_affinity, "half the distances, no less affinity"),
)
NORMALISED = (
    Invariant("symmetry", symmetric_stays_symmetric, "S of a symmetric W is symmetric", _symmetric),
    Invariant("spectrum", singular_values_are_at_most_1, "singular values are at most 1"),
    Invariant("scale", scaling_changes_nothing, "four times W gives the same S"),
    Invariant("transposition", transposing_transposes, "rows and columns exchanged"),
)
