"""What every loss obeys, whatever its values."""

from collections.abc import Callable
from typing import Any

import numpy as np

from vosref.conformance.draws import Draw
from vosref.conformance.operations import losses_problems as problems
from vosref.conformance.operations.operation import Claim, Invariant, Probe, Problem

__all__ = ["HARDEST", "PIXELS", "TRANSDUCTIVE"]


def losses_are_not_negative(probe: Probe, problem: Problem) -> list[Claim]:
    """Losses are 0 or more, but for what ε adds to a vote of 1."""
    got, bound = probe.measured(problem)
    pixels = len(problem.inputs["labels"]) if problem.options.get("reduction") == "sum" else 1
    lowest = -pixels * np.log1p(problem.options.get("epsilon", 0.0))
    return [Claim(np.full_like(got, lowest), got, "<=", bound)]


def the_order_of_pixels_does_not_matter(probe: Probe, problem: Problem) -> list[Claim]:
    """Pixels in the opposite order have the same losses, in that order."""
    plain, bound = probe.measured(problem)
    turned, other = probe.measured(problem, **{name: a[::-1].copy() for name, a in problem.inputs.items()})
    bound = np.flip(bound)
    return [Claim(turned, np.flip(plain), "==", bound + other)]


def the_order_of_objects_does_not_matter(probe: Probe, problem: Problem) -> list[Claim]:
    """Objects in the opposite order, in votes or logits and labels alike, give the same loss."""
    scores, labels = problem.inputs.values()
    other_way = labels[:, ::-1].copy() if np.ndim(labels) > 1 else scores.shape[1] - 1 - labels
    name = next(iter(problem.inputs))
    plain, bound = probe.measured(problem)
    turned, other = probe.measured(problem, **{name: scores[:, ::-1].copy(), "labels": other_way})
    return [Claim(turned, plain, "==", bound + other)]


def the_sum_is_the_mean_times_the_judged_pixels(probe: Probe, problem: Problem) -> list[Claim]:
    """Of n pixels with a label, the sum is n times the mean."""
    n = np.count_nonzero(np.any(problem.inputs["labels"] > 0, axis=1))
    mean, bound = probe.measured(problem, reduction="mean")
    total, other = probe.measured(problem, reduction="sum")
    return [Claim(total, n * mean, "==", other + n * bound)]


def pixels_without_a_label_do_not_count(probe: Probe, problem: Problem) -> list[Claim]:
    """Three pixels more, without a label, change nothing."""
    votes, labels = problem.inputs.values()
    more = {"votes": np.concatenate([votes, votes[:1] * 0.5, votes[:1], votes[:1] * 0]), "labels": _padded(labels, 3)}
    plain, bound = probe.measured(problem)
    longer, other = probe.measured(problem, **more)
    return [Claim(longer, plain, "==", bound + other)]


def _padded(labels: Any, n: int) -> Any:
    return np.concatenate([labels, np.zeros((n, labels.shape[1]), labels.dtype)])


def adding_a_number_to_all_logits_changes_nothing(probe: Probe, problem: Problem) -> list[Claim]:
    """One number more on all logits of a pixel leaves its loss as it is."""
    # Multiples of 1/8 and below 16: in every data type the sum is exact.
    coarse = np.clip(np.round(8 * problem.inputs["logits"]) / 8, -15.0, 15.0)
    plain, bound = probe.measured(problem, logits=coarse)
    moved, other = probe.measured(problem, logits=coarse + 1.5)
    return [Claim(moved, plain, "==", bound + other)]


def fewer_of_the_hardest_lose_no_less(probe: Probe, problem: Problem) -> list[Claim]:
    """Fewer of the largest losses have no smaller a mean."""
    pixels = len(problem.inputs["labels"])
    half, bound = probe.measured(problem, n_hardest=max(1, pixels // 2))
    every, other = probe.measured(problem, n_hardest=pixels)
    return [Claim(every, half, "<=", bound + other)]


def _shared(make: Callable[[Draw], Problem]) -> tuple[Invariant, ...]:
    """Return what all losses obey, on a problem of several pixels and objects."""
    return (
        Invariant("not_negative", losses_are_not_negative, "0 or more", make),
        Invariant("pixel_order", the_order_of_pixels_does_not_matter, "pixels in any order", make),
        Invariant("object_order", the_order_of_objects_does_not_matter, "objects in any order", make),
    )


LOGITS, HARD = problems.logits(9, 3), problems.logits(9, 3, n=4)
VOTES = problems.votes(9, 3, known=0.7)
TRANSDUCTIVE = (
    *_shared(VOTES),
    Invariant("reductions", the_sum_is_the_mean_times_the_judged_pixels, "the sum is n times the mean", VOTES),
    Invariant("not_judged", pixels_without_a_label_do_not_count, "pixels without a label do not count", VOTES),
)
PIXELS = (
    *_shared(LOGITS),
    Invariant("shift", adding_a_number_to_all_logits_changes_nothing, "one number more on all logits", LOGITS),
)
HARDEST = (
    *_shared(HARD),
    Invariant("shift", adding_a_number_to_all_logits_changes_nothing, "one number more on all logits", HARD),
    Invariant("fewer", fewer_of_the_hardest_lose_no_less, "fewer of the hardest, no less loss", HARD),
)
