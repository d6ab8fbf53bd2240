"""What every label that is handed on to the nearest pixel obeys, whatever its values."""

import functools

import numpy as np

from vosref.conformance.operations.feelvos_video_problems import lookalike, still, video
from vosref.conformance.operations.operation import Claim, Invariant, Probe, Problem

__all__ = ["FEELVOS_VIDEO"]


def labels_are_columns(probe: Probe, problem: Problem) -> list[Claim]:
    """Every label is one of those given."""
    got, _ = probe.measured(problem)
    last = problem.inputs["labels"].shape[1] - 1
    return [Claim(np.zeros_like(got), got, "<=", 0.0), Claim(got, np.full_like(got, last), "<=", 0.0)]


def frames_that_are_the_same_keep_the_mask(probe: Probe, problem: Problem) -> list[Claim]:
    """Of a video in which nothing moves, every pixel keeps its label."""
    got, slack = probe.measured(problem)
    own = np.argmax(problem.inputs["labels"], axis=1)
    return [Claim(got, np.broadcast_to(own, got.shape), "==", slack)]


def later_frames_change_nothing(probe: Probe, problem: Problem) -> list[Claim]:
    """Cutting a video short leaves the same labels as far as it goes: frames are labelled one after another."""
    embeddings = problem.inputs["embeddings"]
    short = max(2, len(embeddings) - 2)
    plain, slack = probe.measured(problem)
    cut, other = probe.measured(problem, embeddings=embeddings[:short])
    return [Claim(cut, plain[: short - 1], "==", slack[: short - 1] + other)]


def permuting_objects_permutes_labels(probe: Probe, problem: Problem) -> list[Claim]:
    """Objects by other names give the same labels, so renamed."""
    labels = problem.inputs["labels"]
    order = np.roll(np.arange(labels.shape[1]), 1)
    plain, slack = probe.measured(problem)
    moved, other = probe.measured(problem, labels=labels[:, order])
    return [Claim(order[np.asarray(moved, int) % len(order)], plain, "==", slack + other)]


def mirroring_mirrors(probe: Probe, problem: Problem, *, axis: int) -> list[Claim]:
    """Frames upside down, or left for right, have the same labels, so turned."""
    embeddings, labels = problem.inputs.values()
    turned = np.flip(np.arange(len(labels)).reshape(embeddings.shape[1:3]), axis=axis).reshape(-1)
    plain, slack = probe.measured(problem)
    flipped = {"embeddings": np.flip(embeddings, axis=axis + 1).copy(), "labels": labels[turned]}
    moved, other = probe.measured(problem, **flipped)
    return [Claim(moved, plain[:, turned], "==", slack[:, turned] + other)]


LOCAL = video(6, first_frame=False)
FEELVOS_VIDEO = (
    Invariant("columns", labels_are_columns, "every label is one of those given"),
    Invariant("still", frames_that_are_the_same_keep_the_mask, "nothing moves, nothing changes", still),
    Invariant("causal", later_frames_change_nothing, "later frames change nothing", video(12, first_frame=False)),
    Invariant("object_permutation", permuting_objects_permutes_labels, "objects by any names", LOCAL),
    Invariant("upside_down", functools.partial(mirroring_mirrors, axis=0), "rows mirrored", LOCAL),
    Invariant("left_for_right", functools.partial(mirroring_mirrors, axis=1), "columns mirrored", lookalike(4)),
)
