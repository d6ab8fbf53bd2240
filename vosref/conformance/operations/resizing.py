"""Resizing under contract: images, nearest labels, and the way of a mask to the feature grid and back.

Bound of a bilinear mixture. Along either axis it is a (1 - s) + b s, or a + (b - a) s: three roundings and a share s
that is kept [Higham 2002, 3.1], so γ_6 of the mixture of absolute values for both axes and two more for what is kept.
The second form, and an error in s, move the mixture by as much times |b - a|: the steepest step along the axis bounds
it. s is kept, and comes from a position of at most N samples by four roundings (γ_4 N), in float32 or better.

Which sample is the nearest is a rule in float32, and no tolerance applies. Labels are decided by upsampled scores: one
is allowed where no other's score is better by more than both bounds.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosref import labels, resize
from vosref.backend import array_namespace, use_cpu
from vosref.conformance.arithmetic import ROUNDOFF, Arithmetic, gamma, grown
from vosref.conformance.operations import resizing_invariants as invariants
from vosref.conformance.operations import resizing_problems as problems
from vosref.conformance.operations.operation import Argument, Inputs, Operation, Options, Outputs, Scored, Sketch

__all__ = ["RESIZE_BILINEAR", "RESIZE_NEAREST", "TO_GRID", "TO_MASK"]

Array = NDArray[Any]
FLOAT64 = Arithmetic("float64").checked()
MODEL = (
    "two mixtures of two samples: γ_6 of the mixture of absolute values; positions by four roundings in float32 or "
    "better, times the steepest step along each axis [Higham 2002, 3.1]"
)
VALUES = Argument("values", "(H, W, C) float", "channels last")
SIZE = Argument("size", "(int, int) >= 1", "new height and width")
ALIGNED = Argument("align_corners", "bool", "corner centres stay, or pixels are areas and centres at a half")
IDS = Argument("ids", "ints, 0 to 254", "of the K columns, background included")
GRID = Argument("grid", "(int, int) >= 1", "height and width of the feature grid, row by row")


def mixture_error(values: Array, a: Arithmetic, /, *, size: tuple[int, int], align_corners: bool = False) -> Array:
    """Largest error of every element of a bilinear mixture, (h, w, C), before its result is rounded."""
    with use_cpu("numpy"):
        mixed = resize.resize_bilinear(np.abs(values), size=size, align_corners=align_corners)
    own = grown(gamma(6, a.u_sum), a.u_step, a.u_step)
    place = min(a.u_sum, ROUNDOFF["float32"])
    error = own * mixed + 8 * a.underflow
    for axis in (0, 1):
        step = np.abs(np.diff(values, axis=axis))
        steepest = np.max(step, axis=(0, 1)) if step.size else np.zeros(values.shape[2])
        error = error + (1 + own) * (own + a.u_step + gamma(4, place) * values.shape[axis]) * steepest
    return np.asarray(error)


def _bilinear_bound(inputs: Inputs, options: Options, exact: Outputs, a: Arithmetic) -> Outputs:
    return {"resized": a.returned(exact["resized"], mixture_error(inputs["values"], a, **options))}


def _exact(_inputs: Inputs, _options: Options, exact: Outputs, _a: Arithmetic) -> Outputs:
    return {name: np.zeros(value.shape) for name, value in exact.items()}


def _grid_reference(mask: Any, /, **options: Any) -> Outputs:
    return {"labels": labels.to_grid(mask, dtype=array_namespace(mask).float64, **options)}


def _grid_bound(inputs: Inputs, options: Options, exact: Outputs, a: Arithmetic) -> Outputs:
    """Bound of a mixture of zeros and ones; the nearest pixel's label is exact."""
    if options["nearest"]:
        return {"labels": np.zeros(exact["labels"].shape)}
    one_hot = np.stack([inputs["mask"] == k for k in options["ids"]], axis=2).astype(np.float64)
    error = mixture_error(one_hot, a, size=options["grid"]).reshape(exact["labels"].shape)
    return {"labels": a.returned(exact["labels"], error)}


def _decide(inputs: Inputs, options: Options, a: Arithmetic) -> Scored:
    """Upsampled labels of every pixel, and how far off they may be, a float64 reference's own error included."""
    how = {"size": options["size"], "align_corners": options["align_corners"]}
    given, values = {"grid": options["grid"], **how}, inputs["labels"].reshape(*options["grid"], -1)
    with use_cpu("numpy"):
        scores = labels.upsample(inputs["labels"], **given)
    return Scored(
        scores, mixture_error(values, a, **how) + mixture_error(values, FLOAT64, **how), tuple(options["ids"])
    )


def _mask_bound(inputs: Inputs, options: Options, _exact: Outputs, a: Arithmetic) -> Outputs:
    """Bound of an id: how far apart the ids are that a pixel may have, 0 where there is one."""
    from vosref.conformance.judge import allowed  # noqa: PLC0415 - which imports this package

    scored = _decide(inputs, options, a)
    ids = np.where(allowed(scored), np.asarray(scored.ids, np.float64), np.nan)
    return {"mask": np.nanmax(ids, axis=2) - np.nanmin(ids, axis=2)}


RESIZE_BILINEAR = Operation(
    "resize_bilinear",
    1,
    "cell i of n mixes the two samples around (i + ½) N / n - ½, clamped, or around i (N - 1) / (n - 1)",
    (VALUES,),
    (SIZE, ALIGNED),
    (Argument("resized", "(h, w, C) float", "without anti-aliasing"),),
    lambda *arrays, **options: {"resized": resize.resize_bilinear(*arrays, **options)},
    _bilinear_bound,
    MODEL,
    problems.random_bilinear,
    (
        Sketch("twice", problems.image((4, 5), (8, 10)), "half-pixel centres: shares of 1/4 and 3/4, edges clamped"),
        Sketch("twice_aligned", problems.image((4, 5), (8, 10), aligned=True), "corners stay where they are"),
        Sketch("stride_8", problems.image((16, 24), (2, 3)), "samples at 8 i + 3.5; no mean over the 8"),
        Sketch("uneven", problems.image((7, 4), (3, 9)), "fewer rows and more columns"),
        Sketch("uneven_aligned", problems.image((7, 4), (3, 9), aligned=True), "the same with aligned corners"),
        Sketch("one_row", problems.image((1, 6), (3, 4)), "an image of one row"),
        Sketch(
            "to_single_pixel", problems.image((4, 5), (1, 1), aligned=True), "aligned, one cell shows the first sample"
        ),
        Sketch("from_single_pixel", problems.image((1, 1), (3, 4)), "one pixel spreads over the frame"),
    ),
    invariants.BILINEAR,
)
RESIZE_NEAREST = Operation(
    "resize_nearest",
    1,
    "row i of h shows row ⌊fl(i fl((H - 1) / (h - 1))) + ½⌋ of H, fl in float32, and columns alike",
    (VALUES,),
    (SIZE,),
    (Argument("resized", "(h, w, C) float", "samples of the input, unchanged"),),
    lambda *arrays, **options: {"resized": resize.resize_nearest(*arrays, **options)},
    _exact,
    "none: samples are taken as they are, by a rule in float32",
    problems.random_nearest,
    (
        Sketch(
            "half_size", problems.image((8, 10), (4, 5), aligned=None), "corners are aligned: the last row is shown"
        ),
        Sketch("twice", problems.image((3, 4), (6, 8), aligned=None), "every sample is shown more than once"),
        Sketch("halves", problems.image((8, 12), (3, 5), aligned=None), "positions of exactly a half are rounded up"),
        Sketch("video", problems.image((480, 1), (120, 1), aligned=None), "a frame's rows by FEELVOS's stride of 4"),
        Sketch(
            "single_precision",
            problems.image((32, 14), (15, 23), aligned=None),
            "halves that are none, or are, in float32",
        ),
        Sketch("one_cell", problems.image((5, 4), (1, 1), aligned=None), "one cell shows the first sample"),
    ),
    invariants.NEAREST,
    exact=True,
)
TO_GRID = Operation(
    "to_grid",
    1,
    "y[p, k] = [mask = ids[k]] resized to the grid, bilinearly with half-pixel centres, or of the nearest pixel",
    (Argument("mask", "(H, W) int", "ids of objects; others than `ids` belong to no column"),),
    (IDS, GRID, Argument("nearest", "bool", "the nearest pixel's label, with aligned corners, instead of a mean")),
    (Argument("labels", "(h · w, K) float in [0, 1]", "in the data type under test, or a wider one"),),
    _grid_reference,
    _grid_bound,
    MODEL,
    problems.random_grid,
    (
        Sketch("soft", problems.mask((8, 12), (3, 5)), "labels that are neither 0 nor 1"),
        Sketch("nearest", problems.mask((8, 12), (3, 5), nearest=True), "one-hot labels of the nearest pixel"),
        Sketch("large_ids", problems.mask((6, 5), (3, 3), ids=(0, 200, 7, 254)), "ids above 127, in no order"),
        Sketch("object_absent", problems.mask((6, 8), (4, 3), ids=(0, 1, 9), seen=(0, 1)), "a column of zeros"),
        Sketch("unlisted_id", problems.mask((6, 8), (4, 3), ids=(0, 1), seen=(0, 1, 5)), "pixels of no column"),
        Sketch("object_everywhere", problems.mask((4, 6), (2, 3), ids=(0, 3), seen=(3,)), "one object fills the frame"),
        Sketch("own_size", problems.mask((3, 5), (3, 5)), "a grid of the mask's size: one-hot"),
    ),
    invariants.GRID,
)
TO_MASK = Operation(
    "to_mask",
    1,
    "mask = ids[argmax over k of y[p, k]], y brought to the size bilinearly; any of equal ones",
    (Argument("labels", "(h · w, K) float", "of every cell of the grid and every object"),),
    (IDS, GRID, SIZE, ALIGNED),
    (Argument("mask", "(H, W) int", "ids, one a pixel"),),
    lambda *arrays, **options: {"mask": labels.to_mask(*arrays, **options)},
    _mask_bound,
    MODEL + "; a label is allowed where none is better by more than both bounds",
    problems.random_mask,
    (
        Sketch("soft", problems.scores((3, 5), (9, 15)), "three objects with soft labels"),
        Sketch("aligned", problems.scores((3, 5), (8, 13), aligned=True), "corners stay where they are"),
        Sketch("large_ids", problems.scores((4, 3), (7, 9), ids=(0, 200, 7, 254)), "ids above 127, in no order"),
        Sketch("object_everywhere", problems.filled, "an object whose label is 1 in every cell fills the frame"),
        Sketch("tied_columns", problems.tied, "two objects with equal labels in some cells: either is right"),
        Sketch("hard", problems.hard, "one-hot labels: outlines run between cells"),
        Sketch("single_cell", problems.scores((1, 1), (4, 3)), "a grid of one cell"),
        Sketch("own_size", problems.scores((4, 5), (4, 5)), "the grid's own size: no mixing"),
    ),
    invariants.MASK,
    decide=_decide,
)
