"""What gradients obey: they are linear in the cotangent, and know what the definition does not depend on."""

from typing import Any

import numpy as np

from vosref.conformance.operations.operation import Claim, Invariant, Probe, Problem

__all__ = ["LINEAR", "ROWS", "SHIFTS", "VOTES"]


def doubling_the_cotangent_doubles_the_gradients(probe: Probe, problem: Problem) -> list[Claim]:
    """Twice the cotangent gives twice the gradients."""
    twice = problem.inputs | {"cotangent": 2 * problem.inputs["cotangent"]}
    once, doubled = (probe.call(inputs, problem.options) for inputs in (problem.inputs, twice))
    bound, other = (probe.bound(inputs, problem.options) for inputs in (problem.inputs, twice))
    return [Claim(doubled[name], 2 * once[name], "==", 2 * bound[name] + other[name]) for name in once]


def shifting_all_embeddings_changes_nothing(probe: Probe, problem: Problem) -> list[Claim]:
    """Distances know differences alone, so the gradients of both frames sum to 0 together."""
    got, bound = probe.call(*problem), probe.bound(*problem)
    total, slack = (np.sum(np.concatenate(list(values.values())), axis=0) for values in (got, bound))
    return [Claim(total, np.zeros_like(total), "==", slack)]


def equal_labels_leave_the_embeddings_alone(probe: Probe, problem: Problem) -> list[Claim]:
    """Where every pixel votes for the same, no embedding changes the vote."""
    same = problem.inputs | {"labels": np.ones_like(problem.inputs["labels"])}
    got, bound = probe.call(same, problem.options), probe.bound(same, problem.options)
    names = [name for name in got if "labels" not in name]
    return [Claim(got[name], np.zeros_like(got[name]), "==", bound[name]) for name in names]


def gradients_of_a_pixel_sum_to_0(probe: Probe, problem: Problem) -> list[Claim]:
    """Adding a number to all of a pixel's logits changes no loss."""
    got, bound = probe.call(*problem)["d_logits"], probe.bound(*problem)["d_logits"]
    return [Claim(np.sum(got, axis=1), np.zeros(len(got)), "==", np.sum(bound, axis=1))]


def _linear(name: str = "linearity", **more: Any) -> Invariant:
    return Invariant(name, doubling_the_cotangent_doubles_the_gradients, "linear in the cotangent", **more)


LINEAR = (_linear(),)
SHIFTS = (*LINEAR, Invariant("shift", shifting_all_embeddings_changes_nothing, "a common shift changes nothing"))
ROWS = (*LINEAR, Invariant("row_sum", gradients_of_a_pixel_sum_to_0, "a pixel's gradients sum to 0"))
VOTES = (*LINEAR, Invariant("equal_labels", equal_labels_leave_the_embeddings_alone, "equal labels: no gradient"))
