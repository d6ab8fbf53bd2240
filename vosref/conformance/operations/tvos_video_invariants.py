"""What every label propagation over a video obeys, whatever its values."""

import functools

import numpy as np

from vosref.conformance.operations.operation import Claim, Invariant, Probe, Problem
from vosref.conformance.operations.tvos_video_problems import still, video

__all__ = ["TVOS_VIDEO"]


def frames_that_are_the_same_keep_the_mask(probe: Probe, problem: Problem) -> list[Claim]:
    """Of a video in which nothing moves, every pixel's own label has the largest vote in every frame."""
    got, bound = probe.measured(problem)
    own = np.argmax(problem.inputs["labels"], axis=1)[None, :, None]
    its, slack = (np.take_along_axis(a, np.broadcast_to(own, (*a.shape[:2], 1)), axis=2) for a in (got, bound))
    return [Claim(got, np.broadcast_to(its, got.shape), "<=", bound + slack)]


def later_frames_change_nothing(probe: Probe, problem: Problem) -> list[Claim]:
    """Cutting a video short leaves the same votes as far as it goes: frames are labelled one after another."""
    embeddings = problem.inputs["embeddings"]
    short = max(2, len(embeddings) - 2)
    plain, bound = probe.measured(problem)
    cut, other = probe.measured(problem, embeddings=embeddings[:short])
    return [Claim(cut, plain[: short - 1], "==", bound[: short - 1] + other)]


def permuting_objects_permutes_columns(probe: Probe, problem: Problem) -> list[Claim]:
    """Objects in another order give the same columns in that order."""
    labels = problem.inputs["labels"]
    order = np.roll(np.arange(labels.shape[1]), 1)
    plain, bound = probe.measured(problem)
    moved, other = probe.measured(problem, labels=labels[:, order])
    return [Claim(moved, plain[..., order], "==", bound[..., order] + other)]


def mirroring_mirrors(probe: Probe, problem: Problem, *, axis: int) -> list[Claim]:
    """Frames upside down, or left for right, have the same votes, so turned."""
    embeddings, labels = problem.inputs.values()
    cells = np.arange(len(labels)).reshape(embeddings.shape[1:3])
    turned = np.flip(cells, axis=axis).reshape(-1)
    plain, bound = probe.measured(problem)
    flipped = {"embeddings": np.flip(embeddings, axis=axis + 1).copy(), "labels": labels[turned]}
    moved, other = probe.measured(problem, **flipped)
    return [Claim(moved, plain[:, turned], "==", bound[:, turned] + other)]


def first_votes_sum_to_1_at_most(probe: Probe, problem: Problem) -> list[Claim]:
    """Votes of the first step sum to 1 at most: the softmax shares labels out, and the spatial term takes away."""
    got, bound = probe.measured(problem)
    total = np.sum(got[:1], axis=2)
    return [Claim(total, np.ones_like(total), "<=", np.sum(bound[:1], axis=2))]


SHORT = video(7)
TVOS_VIDEO = (
    Invariant("still", frames_that_are_the_same_keep_the_mask, "nothing moves, nothing changes", still),
    Invariant("causal", later_frames_change_nothing, "later frames change nothing", video(12)),
    Invariant("object_permutation", permuting_objects_permutes_columns, "objects permute as columns do", SHORT),
    Invariant("upside_down", functools.partial(mirroring_mirrors, axis=0), "rows mirrored", SHORT),
    Invariant("left_for_right", functools.partial(mirroring_mirrors, axis=1), "columns mirrored", SHORT),
    Invariant("mass", first_votes_sum_to_1_at_most, "votes sum to 1 at most", SHORT),
)
