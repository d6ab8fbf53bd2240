"""DAVIS's scores under contract: region similarity J and contour accuracy F of one object's mask.

Bound. What is counted is exact. J is a quotient of two counts: three roundings, where counts are brought to floating
point first, γ_3 J. Precision and recall are such quotients too; their harmonic mean 2 p r / (p + r) multiplies them,
adds them and divides: γ_10 F at most [Higham 2002, 3.1], and one more where a result is kept in another type.

Tolerances below 1 are a share of the diagonal, rounded up to whole pixels. Cases keep the product away from whole
numbers, where float32 may round up what float64 does not.
"""

from typing import Any

import numpy as np

from vosref import evaluation
from vosref.conformance.arithmetic import Arithmetic, gamma
from vosref.conformance.operations import scores_invariants as invariants
from vosref.conformance.operations import scores_problems as problems
from vosref.conformance.operations.operation import Argument, Inputs, Operation, Options, Outputs, Sketch

__all__ = ["CONTOUR_ACCURACY", "REGION_SIMILARITY"]

MASKS = (
    Argument("prediction", "(H, W) bool", "mask of one object"),
    Argument("truth", "(H, W) bool", "the annotated one"),
)


def _region(prediction: Any, truth: Any, /) -> Outputs:
    return {"J": np.asarray(evaluation.region_similarity(prediction, truth))}


def _contour(prediction: Any, truth: Any, /, **options: Any) -> Outputs:
    return {"F": np.asarray(evaluation.contour_accuracy(prediction, truth, **options))}


def _bound(_inputs: Inputs, _options: Options, exact: Outputs, a: Arithmetic) -> Outputs:
    roundings = {"J": 3, "F": 10}
    return {name: a.returned(v, gamma(roundings[name], a.u_step) * np.abs(v)) for name, v in exact.items()}


REGION_SIMILARITY = Operation(
    "region_similarity",
    1,
    "J = |prediction and truth| / |prediction or truth|; 1 where both are empty",
    MASKS,
    (),
    (Argument("J", "() float in [0, 1]", "region similarity"),),
    _region,
    _bound,
    "a quotient of two counts: γ_3 J [Higham 2002, 3.1]",
    problems.random_region,
    (
        Sketch("overlap", problems.blobs((9, 12)), "two masks that overlap"),
        Sketch("both_empty", problems.filled((4, 5), prediction=False, truth=False), "no object, and none seen: 1"),
        Sketch("only_predicted", problems.filled((4, 5), prediction=True, truth=False), "no object, but one seen: 0"),
        Sketch("disjoint", problems.squares((6, 9), 0, 6), "two masks that do not meet: 0"),
        Sketch("single_pixel", problems.filled((1, 1), prediction=True, truth=True), "a frame of one pixel"),
    ),
    invariants.REGION,
    dtypes=("float64", "float32"),
    numpy_only=True,
)
CONTOUR_ACCURACY = Operation(
    "contour_accuracy",
    1,
    "F = 2 p r / (p + r), p and r the shares of boundary pixels with one of the other mask in the disc around them",
    MASKS,
    (Argument("tolerance", "float >= 0", "below 1 a share of the diagonal, rounded up; from 1 on, pixels"),),
    (Argument("F", "() float in [0, 1]", "contour accuracy"),),
    _contour,
    _bound,
    "counts are exact; quotients and their harmonic mean: γ_10 F [Higham 2002, 3.1]",
    problems.random_contour,
    (
        Sketch("overlap", problems.blobs((9, 12), pixels=1.0), "two outlines that touch"),
        Sketch("two_pixels", problems.squares((9, 16), 2, 4, pixels=2.0), "outlines exactly two pixels apart count"),
        Sketch(
            "diagonal",
            problems.squares((12, 12), 2, 7, down=5, pixels=3.0),
            "a disc around pixels: no square, no diamond",
        ),
        Sketch("rounded_up", problems.squares((9, 12), 2, 4, share=1.2 / 15), "1.2 pixels of the diagonal's 15 are 2"),
        Sketch("whole_frame", problems.filled((5, 6), prediction=True, truth=False, tolerance=0.1), "no boundary: 1"),
        Sketch("one_empty", problems.squares((7, 8), 2, None, pixels=1.0), "only one mask has a boundary: 0"),
        Sketch("at_the_border", problems.squares((6, 7), 0, 1, pixels=1.0), "the frame's edge is no boundary"),
        Sketch("half_found", problems.half_found, "precision 1 and a low recall: the harmonic mean"),
    ),
    invariants.CONTOUR,
    dtypes=("float64", "float32"),
    numpy_only=True,
)
