"""What every resize obeys, of an image, a mask or labels, whatever it shows."""

import numpy as np

from vosref.conformance.operations import resizing_problems as problems
from vosref.conformance.operations.operation import Claim, Invariant, Probe, Problem

__all__ = ["BILINEAR", "GRID", "MASK", "NEAREST"]


def constants_stay_constant(probe: Probe, problem: Problem) -> list[Claim]:
    """Weights of a mixture sum to 1, at the border too."""
    got, bound = probe.measured(problem, values=np.full_like(problem.inputs["values"], 0.75))
    return [Claim(got, np.full_like(got, 0.75), "==", bound)]


def its_own_size_changes_nothing(probe: Probe, problem: Problem) -> list[Claim]:
    """Nothing changes in an image that has the size already, without a tolerance."""
    values = problem.inputs["values"]
    claims = []
    for options in [{"align_corners": a} for a in (False, True)] if "align_corners" in problem.options else [{}]:
        got = probe.call(problem.inputs, {"size": values.shape[:2]} | options)["resized"]
        claims.append(Claim(got, values, "==", 0.0))
    return claims


def mirroring_mirrors(probe: Probe, problem: Problem) -> list[Claim]:
    """Half a turn of the image is half a turn of the result, by either convention."""
    claims = []
    for aligned in (False, True):
        plain, bound = probe.measured(problem, align_corners=aligned)
        turned, other = probe.measured(problem, values=problem.inputs["values"][::-1, ::-1], align_corners=aligned)
        claims.append(Claim(turned[::-1, ::-1], plain, "==", bound + other[::-1, ::-1]))
    return claims


def transposing_transposes(probe: Probe, problem: Problem) -> list[Claim]:
    """Rows made columns, in image and size, give the same result, so turned."""
    plain, bound = probe.measured(problem)
    values, size = np.swapaxes(problem.inputs["values"], 0, 1), problem.options["size"][::-1]
    turned, other = probe.measured(problem, values=values, size=size)
    return [Claim(np.swapaxes(turned, 0, 1), plain, "==", bound + np.swapaxes(other, 0, 1))]


def a_mixture_lies_between_its_samples(probe: Probe, problem: Problem) -> list[Claim]:
    """No element is below the smallest sample or above the largest: there is no extrapolation."""
    values, (got, bound) = problem.inputs["values"], probe.measured(problem)
    low, high = (np.broadcast_to(f(values, axis=(0, 1)), got.shape) for f in (np.min, np.max))
    return [Claim(low, got, "<=", bound), Claim(got, high, "<=", bound)]


def aligned_corners_stay(probe: Probe, problem: Problem) -> list[Claim]:
    """All four corners of an image are those of its result, where corners are aligned."""
    corners, values = np.ix_((0, -1), (0, -1)), problem.inputs["values"]
    aligned = {"align_corners": True} if "align_corners" in problem.options else {}
    got, bound = probe.measured(problem, **aligned)
    return [Claim(got[corners], values[corners], "==", bound[corners])]


def every_element_is_a_sample(probe: Probe, problem: Problem) -> list[Claim]:
    """Nothing is mixed."""
    got, _ = probe.measured(problem)
    known = np.isin(got, problem.inputs["values"])
    return [Claim(known.astype(np.float64), np.ones(got.shape), "==", 0.0)]


def rows_are_whole_distributions(probe: Probe, problem: Problem) -> list[Claim]:
    """Labels of a cell sum to 1 where every pixel has one of the ids."""
    got, bound = probe.measured(problem)
    total = np.sum(bound, axis=1) + got.shape[1] * np.finfo(np.float64).eps
    return [Claim(np.sum(got, axis=1), np.ones(len(got)), "==", total)]


def columns_follow_the_ids(probe: Probe, problem: Problem) -> list[Claim]:
    """Columns are in the order of the ids, which has no other effect."""
    ids = problem.options["ids"]
    plain, bound = probe.measured(problem)
    turned, other = probe.measured(problem, ids=ids[1:] + ids[:1])
    return [Claim(np.roll(turned, 1, axis=1), plain, "==", bound + np.roll(other, 1, axis=1))]


def renaming_objects_changes_nothing(probe: Probe, problem: Problem) -> list[Claim]:
    """Ids are names: other numbers, in the mask and in the ids, give the same labels."""
    renamed = tuple(254 - k for k in problem.options["ids"])
    plain, bound = probe.measured(problem)
    got, other = probe.measured(problem, mask=254 - problem.inputs["mask"], ids=renamed)
    return [Claim(got, plain, "==", bound + other)]


def a_grid_of_the_masks_size_is_one_hot(probe: Probe, problem: Problem) -> list[Claim]:
    """Where nothing is resized, a pixel's label is 1 in the column of its id, without a tolerance."""
    mask = problem.inputs["mask"]
    one_hot = (mask.reshape(-1, 1) == np.asarray(problem.options["ids"])).astype(np.float64)
    claims = []
    for nearest in (False, True):
        got = probe.call(problem.inputs, problem.options | {"grid": mask.shape, "nearest": nearest})["labels"]
        claims.append(Claim(got, one_hot, "==", 0.0))
    return claims


def columns_and_ids_permute_together(probe: Probe, problem: Problem) -> list[Claim]:
    """Objects in another order make the same mask, but where labels are tied."""
    labels, ids = problem.inputs["labels"], problem.options["ids"]
    plain, bound = probe.measured(problem)
    turned, other = probe.measured(problem, labels=np.roll(labels, -1, axis=1), ids=ids[1:] + ids[:1])
    return [Claim(turned, plain, "==", np.maximum(bound, other))]


def the_scale_of_labels_decides_nothing(probe: Probe, problem: Problem) -> list[Claim]:
    """Labels that are all a quarter, or four times as large make the same mask: only their order counts."""
    labels, (plain, bound) = problem.inputs["labels"], probe.measured(problem)
    scaled = [probe.measured(problem, labels=factor * labels) for factor in (0.25, 4.0)]
    return [Claim(got, plain, "==", np.maximum(bound, other)) for got, other in scaled]


def its_own_size_takes_the_largest_label(probe: Probe, problem: Problem) -> list[Claim]:
    """Where nothing is resized, a pixel has the id of its largest label."""
    labels, ids = problem.inputs["labels"], np.asarray(problem.options["ids"])
    largest = ids[np.argmax(labels, axis=1)].reshape(problem.options["grid"])
    got, bound = probe.measured(problem, size=problem.options["grid"])
    return [Claim(got, largest, "==", bound)]


def turning_the_grid_turns_the_mask(probe: Probe, problem: Problem) -> list[Claim]:
    """Rows made columns, in labels, grid and size, make the same mask, so turned."""
    grid, k = problem.options["grid"], len(problem.options["ids"])
    across = np.swapaxes(problem.inputs["labels"].reshape(*grid, k), 0, 1).reshape(-1, k)
    plain, bound = probe.measured(problem)
    turned, other = probe.measured(problem, labels=across, grid=grid[::-1], size=problem.options["size"][::-1])
    return [Claim(turned.T, plain, "==", np.maximum(bound, other.T))]


UP, NEAREST_UP = problems.image((5, 4), (8, 7)), problems.image((9, 5), (4, 7), aligned=None)
MASK_OF_3, SCORES = problems.mask((6, 9), (8, 5), ids=(0, 200, 7)), problems.scores((4, 5), (9, 7), ids=(3, 0, 200))
OWN_SIZE = ("own_size", its_own_size_changes_nothing, "its own size changes nothing")
TURNED = ("transposition", transposing_transposes, "rows and columns exchanged")
CORNERS = ("corners", aligned_corners_stay, "aligned corners stay where they are")
BILINEAR = (
    Invariant("constants", constants_stay_constant, "weights sum to 1", UP),
    Invariant(*OWN_SIZE, UP),
    Invariant("half_turn", mirroring_mirrors, "mirrored both ways", UP),
    Invariant(*TURNED, problems.image((7, 4), (3, 9))),
    Invariant("range", a_mixture_lies_between_its_samples, "no extrapolation", UP),
    Invariant(*CORNERS, UP),
)
NEAREST = (
    Invariant(*OWN_SIZE, NEAREST_UP),
    Invariant("samples", every_element_is_a_sample, "nothing is mixed", NEAREST_UP),
    Invariant(*TURNED, NEAREST_UP),
    Invariant(*CORNERS, NEAREST_UP),
)
GRID = (
    Invariant("row_sums", rows_are_whole_distributions, "labels sum to 1", MASK_OF_3),
    Invariant("column_order", columns_follow_the_ids, "ids order columns", MASK_OF_3),
    Invariant("renaming", renaming_objects_changes_nothing, "ids are names", MASK_OF_3),
    Invariant("one_hot", a_grid_of_the_masks_size_is_one_hot, "its own size is one-hot", MASK_OF_3),
)
MASK = (
    Invariant("object_permutation", columns_and_ids_permute_together, "columns and ids permute together", SCORES),
    Invariant("scale", the_scale_of_labels_decides_nothing, "only the order of labels counts", SCORES),
    Invariant("largest", its_own_size_takes_the_largest_label, "its own size takes the largest", SCORES),
    Invariant("transposition", turning_the_grid_turns_the_mask, "rows and columns exchanged", SCORES),
)
