"""What every propagation obeys, whatever its values: properties to test an implementation by, without a reference."""

import functools

import numpy as np

from vosref.conformance.operations import frames as problems
from vosref.conformance.operations.operation import Claim, Invariant, Probe, Problem

__all__ = ["ONLINE", "RELEASED", "VOTE"]


def permuting_objects_permutes_columns(probe: Probe, problem: Problem) -> list[Claim]:
    """Objects in another order give the same columns in that order."""
    labels = problem.inputs["labels"]
    order = np.roll(np.arange(labels.shape[-1]), 1)
    plain, bound = probe.measured(problem)
    moved, other = probe.measured(problem, labels=labels[..., order])
    return [Claim(moved, plain[:, order], "==", bound[:, order] + other)]


def the_order_of_references_does_not_matter(probe: Probe, problem: Problem) -> list[Claim]:
    """Frames, or pixels, of the reference in the opposite order, with all that is theirs, give the same votes."""
    turned = {name: a[::-1] for name, a in problem.inputs.items() if name != "query"}
    if "sigma" in problem.options:
        turned["sigma"] = problem.options["sigma"][::-1]
    plain, bound = probe.measured(problem)
    moved, other = probe.measured(problem, **turned)
    return [Claim(moved, plain, "==", bound + other)]


def votes_are_linear_in_labels(probe: Probe, problem: Problem) -> list[Claim]:
    """Quartering labels quarters votes; two parts of them get votes that sum to the whole's."""
    labels = problem.inputs["labels"]
    first = labels * (np.arange(labels.shape[-2]) % 2)[:, None]
    whole, bound = probe.measured(problem)
    quarter, less = probe.measured(problem, labels=labels / 4)
    one, of_one = probe.measured(problem, labels=first)
    two, of_two = probe.measured(problem, labels=labels - first)
    return [Claim(4 * quarter, whole, "==", bound + 4 * less), Claim(one + two, whole, "==", bound + of_one + of_two)]


def constant_labels_get_votes_of_1(probe: Probe, problem: Problem) -> list[Claim]:
    """Where every reference pixel is of every object, each gets the vote 1: weights of a softmax sum to 1."""
    got, bound = probe.measured(problem, labels=np.ones_like(problem.inputs["labels"]))
    return [Claim(got, np.ones_like(got), "==", bound)]


def rows_sum_to_at_most_1(probe: Probe, problem: Problem) -> list[Claim]:
    """Votes sum to 1 at most where labels do: the spatial term takes away and gives nothing."""
    got, bound = probe.measured(problem)
    total = np.sum(got, axis=1)
    return [Claim(total, np.ones_like(total), "<=", np.sum(bound, axis=1))]


def a_wider_spatial_term_takes_no_vote(probe: Probe, problem: Problem) -> list[Claim]:
    """Doubling every σ makes no vote smaller."""
    narrow, bound = probe.measured(problem)
    wide, other = probe.measured(problem, sigma=tuple(2 * s for s in problem.options["sigma"]))
    return [Claim(narrow, wide, "<=", bound + other)]


def adding_one_vector_to_all_references_changes_nothing(probe: Probe, problem: Problem) -> list[Claim]:
    """Adding a vector to all references adds a number to all logits of a target, which a softmax does not see."""
    reference = problem.inputs["reference"]
    # Multiples of 1/8, and small numbers of them: in every data type the sum is exact.
    coarse, shift = np.round(8 * reference) / 8, np.where(np.arange(reference.shape[1]) % 2, 0.5, -0.25)
    plain, bound = probe.measured(problem, reference=coarse)
    moved, other = probe.measured(problem, reference=coarse + shift)
    return [Claim(moved, plain, "==", bound + other)]


def seeing_every_frame_twice_scales_by_root_2(probe: Probe, problem: Problem) -> list[Claim]:
    """Every frame twice doubles the targets' degrees alone: S shrinks by √2, and there are twice as many pairs."""
    twice = {name: np.concatenate([a, a]) for name, a in problem.inputs.items() if name != "query"}
    once, bound = probe.measured(problem)
    both, other = probe.measured(problem, **twice, sigma=problem.options["sigma"] * 2)
    return [Claim(both, np.sqrt(2) * once, "==", 2 * bound + other)]


def votes_are_no_more_than_labels_in_sum_of_squares(probe: Probe, problem: Problem) -> list[Claim]:
    """S has no singular value above 1: votes are, in sum of squares, no more than labels."""
    got, bound = probe.measured(problem)
    votes, labels = np.sum(got * got, axis=0), np.sum(problem.inputs["labels"] ** 2, axis=(0, 1))
    return [Claim(votes, labels, "<=", np.sum(2 * np.abs(got) * bound + bound * bound, axis=0))]


def mirroring_mirrors(probe: Probe, problem: Problem, *, axis: int) -> list[Claim]:
    """Frames upside down, or left for right, have the same votes, so turned."""
    (height, width), count = problem.options["grid"], len(problem.inputs["query"])
    turned = np.flip(np.arange(count).reshape(height, width), axis=axis).reshape(-1)
    plain, bound = probe.measured(problem)
    flipped, other = probe.measured(problem, **{name: a[..., turned, :] for name, a in problem.inputs.items()})
    return [Claim(flipped, plain[turned], "==", bound[turned] + other)]


def transposing_transposes(probe: Probe, problem: Problem) -> list[Claim]:
    """Rows made columns in all frames, and the grid with them, give the same votes."""
    height, width = problem.options["grid"]
    across = np.arange(height * width).reshape(height, width).T.reshape(-1)
    plain, bound = probe.measured(problem)
    turned = {name: a[..., across, :] for name, a in problem.inputs.items()}
    moved, other = probe.measured(problem, **turned, grid=(width, height))
    return [Claim(moved, plain[across], "==", bound[across] + other)]


SEVERAL = problems.frames((3, 4), (1.2, 3.0, 6.0))
OBJECTS = Invariant("object_permutation", permuting_objects_permutes_columns, "objects permute as columns do")
LINEAR = Invariant("linear", votes_are_linear_in_labels, "linear in the labels")
ORDER = Invariant("reference_order", the_order_of_references_does_not_matter, "in any order", SEVERAL)
GRID = (
    Invariant("upside_down", functools.partial(mirroring_mirrors, axis=0), "rows mirrored", SEVERAL),
    Invariant("left_for_right", functools.partial(mirroring_mirrors, axis=1), "columns mirrored", SEVERAL),
    Invariant("transposition", transposing_transposes, "rows and columns exchanged", SEVERAL),
)
ONLINE = (
    OBJECTS,
    LINEAR,
    ORDER,
    *GRID,
    Invariant("twice", seeing_every_frame_twice_scales_by_root_2, "every frame twice: √2 times the votes"),
    Invariant("spectrum", votes_are_no_more_than_labels_in_sum_of_squares, "singular values are at most 1"),
)
RELEASED = (
    OBJECTS,
    LINEAR,
    ORDER,
    *GRID,
    Invariant("mass", rows_sum_to_at_most_1, "rows sum to 1 at most"),
    Invariant("sigma_growth", a_wider_spatial_term_takes_no_vote, "a larger σ takes no vote away"),
)
VOTE = (
    OBJECTS,
    LINEAR,
    ORDER._replace(make=problems.votes(6, 14)),
    Invariant("constant", constant_labels_get_votes_of_1, "constant labels get votes of 1"),
    Invariant("shift", adding_one_vector_to_all_references_changes_nothing, "one vector more on all references"),
)
