"""FEELVOS's distances under contract: of all pairs, to the nearest pixel anywhere, and in a window [FEELVOS 1-4].

Bound. A pair's squared distance s may come out anywhere in s ± e: e = ((1 + dot)(1 + u)² - 1) Σ(|x| + |y|)² expanded,
where dot is the relative error of a product of D pairs, and ((1 + u)³ (1 + γ_D) (1 + u) - 1) s directly. Where
expanded squares only find the nearest pixel, whose distance is then taken directly, e is twice the former and once the
latter. So a minimum, and a mean of the n smallest, lies between those of s - e and of s + e. tanh(s / 2) is increasing,
so the distance lies between theirs, and its own evaluation, as a tanh or as 1 - 2 / (1 + exp s), adds at most
(2 ulps + 4) u: the slope of the latter in s is at most ½, and three roundings of numbers up to 1 follow.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosref import distance, matching
from vosref.blocks import rows_within, slices
from vosref.conformance.arithmetic import Arithmetic, gamma, grown
from vosref.conformance.operations import matching_invariants as invariants
from vosref.conformance.operations import matching_problems as problems
from vosref.conformance.operations.operation import Argument, Inputs, Operation, Options, Outputs, Sketch

__all__ = ["EMBEDDING_DISTANCE", "GLOBAL_MATCHING", "LOCAL_MATCHING", "inside", "pair_error"]

MODEL = (
    "dot products: γ_D Σ|x||y| [Higham 2002, 3.5]; squares expanded or direct, as declared; minimum and mean: "
    "intervals; tanh(s / 2): increasing, and (2 ulps + 4) u for its evaluation"
)
BLOCK = 64 * 2**20  # bytes that an array over pairs of pixels may have
FEW = 2**22  # products of pairs and dimensions, from which on the direct form takes too long
DISTANCES = Argument("distance", "(P, K) float in [0, 1]", "to each object; 1 where there is none to match")
QUERY = Argument("query", "(P, D) float", "embedding of the current frame, finite")
LABELS = Argument("labels", "(R, K) float", "one-hot: 0 or 1, at most one 1 a row")


def pair_error(query: NDArray[Any], reference: NDArray[Any], arithmetic: Arithmetic, /) -> NDArray[Any]:
    """Largest error of the squared distance of every pair, (P, R)."""
    d, u = query.shape[1], arithmetic.u_step
    direct = np.zeros((len(query), len(reference)))
    if arithmetic.squares != "expanded":
        relative = grown(u, u, u, gamma(d, arithmetic.u_sum), u)
        direct = relative * distance.direct_squares(query, reference) + d * arithmetic.underflow
    if arithmetic.squares == "direct":
        return np.asarray(direct)
    x, y = np.abs(query), np.abs(reference)
    lengths = np.sum(x * x, axis=1)[:, None] + np.sum(y * y, axis=1)[None, :] + 2 * (x @ y.T)
    expanded = grown(arithmetic.dot(d), u, u) * lengths + 3 * d * arithmetic.underflow
    return np.asarray(2 * expanded + direct if arithmetic.squares == "searched" else expanded)


def _distance_bound(low: NDArray[Any], high: NDArray[Any], exact: NDArray[Any], a: Arithmetic) -> NDArray[Any]:
    """Bound of a distance whose squared norm lies between two others."""
    apart = np.maximum(np.tanh(high / 2) - exact, exact - np.tanh(np.maximum(low, 0) / 2))
    absent = np.isinf(low)  # an object without a pixel is at exactly 1
    return np.where(absent, 0.0, a.returned(exact, np.where(absent, 0.0, apart) + (a.function + 4 * a.u_step)))


def _pairs_bound(inputs: Inputs, _: Options, exact: Outputs, a: Arithmetic) -> Outputs:
    query, reference = inputs.values()
    squares, error = distance.direct_squares(query, reference), pair_error(query, reference, a)
    return {"distance": _distance_bound(squares - error, squares + error, exact["distance"], a)}


def _matching_bound(inputs: Inputs, options: Options, exact: Outputs, a: Arithmetic) -> Outputs:
    query, reference, labels = inputs.values()
    parts = []
    for rows, near, allowed in _blocks(len(query), len(reference), options):
        ends = _ends(query[rows], reference[near], labels[near], allowed, options.get("n_neighbours", 1), a)
        parts.append(_distance_bound(*ends, exact["distance"][rows], a))
    return {"distance": np.concatenate(parts)}


def _blocks(p: int, r: int, options: Options) -> Iterator[tuple[slice, slice, Any]]:
    """Cover the query's pixels by blocks: which they are, the references they may look at, and at which of these."""
    if "grid" not in options:
        for rows in slices(p, rows_within(BLOCK, 8 * r)):
            yield rows, slice(0, r), np.True_
        return
    (height, width), radius = options["grid"], options["window_radius"]
    for lines in slices(height, rows_within(BLOCK, 8 * width * width * min(height, 2 * radius + 1))):
        first, last = max(0, lines.start - radius), min(height, lines.stop + radius)
        rows, near = slice(lines.start * width, lines.stop * width), slice(first * width, last * width)
        yield rows, near, inside(options, rows, near)


def _ends(
    query: NDArray[Any], reference: NDArray[Any], labels: NDArray[Any], near: Any, n: int, a: Arithmetic
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Least and largest mean of the n smallest squared distances, (P, K)."""
    squares, error = _squares(query, reference, a)
    ends = []
    for side in (-1, 1):
        one = [_mean_of_smallest(squares + side * error, near & (y > 0)[None, :], n) for y in labels.T]
        ends.append(np.stack(one, axis=1))
    absent = np.isinf(ends[1])
    slack = np.where(absent, 0.0, gamma(n, a.u_sum) * ends[1]) if n > 1 else 0.0
    return ends[0] - slack, ends[1] + slack


def _squares(query: NDArray[Any], reference: NDArray[Any], a: Arithmetic) -> tuple[NDArray[Any], NDArray[Any]]:
    """Squared distances in float64 and the subject's error; of many pairs by a matrix product, whose error is added."""
    error = pair_error(query, reference, a)
    if len(query) * reference.size <= FEW:
        return distance.direct_squares(query, reference), error
    ours = pair_error(query, reference, Arithmetic("float64").checked())
    return distance.expanded_squares(query, reference), error + ours


def inside(options: Options, rows: slice = slice(None), near: slice = slice(None), /) -> Any:
    """Mark the pairs of some pixels with some others that a window allows; all of them where there is no window."""
    if "grid" not in options:
        return np.True_
    (height, width), radius = options["grid"], options["window_radius"]
    row, column = np.divmod(np.arange(height * width), width)
    down, across = (np.abs(place[rows, None] - place[None, near]) for place in (row, column))
    return (down <= radius) & (across <= radius)


def _mean_of_smallest(squares: NDArray[Any], member: NDArray[Any], n: int) -> NDArray[Any]:
    """Mean of the n smallest of a row's members; the farthest stands in for those that are missing."""
    members = np.sort(np.where(member, squares, np.inf), axis=1)[:, :n]
    farthest = np.max(np.where(np.isinf(members), -np.inf, members), axis=1, keepdims=True)
    filled = np.where(np.isinf(members), farthest, members)
    short = n - filled.shape[1]
    total = np.sum(filled, axis=1) + short * np.max(filled, axis=1)
    return np.where(np.isinf(members[:, 0]), np.inf, total / n)


def _result(value: NDArray[Any]) -> Outputs:
    return {"distance": value}


EMBEDDING_DISTANCE = Operation(
    "embedding_distance",
    1,
    "[FEELVOS 1] d = 1 - 2 / (1 + exp |e_p - e_q|²)",
    (QUERY, Argument("reference", "(R, D) float", "embedding of another frame")),
    (),
    (Argument("distance", "(P, R) float in [0, 1]", "of every pair"),),
    lambda *arrays: _result(distance.embedding_distance(*arrays)),
    _pairs_bound,
    MODEL,
    problems.pair_problem,
    (
        Sketch("pairs", problems.pairs(6, 7, 5), "a few pixels of each frame"),
        Sketch("far_apart", problems.pairs(5, 6, 8, 9.0), "squares of some hundreds: the exponential's range"),
        Sketch("near_twins", problems.near_twins(problems.pairs(8, 8, 100), "reference"), "squares that cancel"),
    ),
    invariants.PAIRS,
)
GLOBAL_MATCHING = Operation(
    "global_matching",
    1,
    "[FEELVOS 2, 3] G(p, k) = min over q of object k of d(p, q)",
    (QUERY, Argument("reference", "(R, D) float", "embedding of the frame that is looked at"), LABELS),
    (
        Argument(
            "n_neighbours", "int >= 1", "mean of so many smallest squares; the farthest stands in for missing ones"
        ),
    ),
    (DISTANCES,),
    lambda *arrays, **options: _result(matching.global_matching(*arrays, **options)),
    _matching_bound,
    MODEL,
    problems.global_problem,
    (
        Sketch("three_objects", problems.everywhere(12, 20), "every object is there"),
        Sketch(
            "object_absent",
            problems.without_object(problems.everywhere(10, 15)),
            "an object without a pixel: exactly 1",
        ),
        Sketch(
            "unlabelled_pixels",
            problems.everywhere(10, 24, known=0.4),
            "pixels that belong to no object are passed over",
        ),
        Sketch("single_pixel", problems.everywhere(1, 1, k=1), "one pixel on either side"),
        Sketch("three_neighbours", problems.everywhere(8, 30, n=3), "the mean is of squares, before the tanh"),
        Sketch(
            "few_pixels", problems.everywhere(9, 4, k=2, n=4), "fewer pixels than neighbours: the farthest stands in"
        ),
        Sketch(
            "near_twins", problems.near_twins(problems.everywhere(16, 16, d=100), "reference"), "squares that cancel"
        ),
    ),
    invariants.GLOBAL,
)
LOCAL_MATCHING = Operation(
    "local_matching",
    1,
    "[FEELVOS 4] L(p, k) = min over q of object k, at most window_radius away in both directions, of d(p, q)",
    (
        QUERY,
        Argument("previous", "(P, D) float", "embedding of the previous frame"),
        LABELS._replace(form="(P, K) float"),
    ),
    (
        Argument("grid", "(int, int) >= 1", "height and width of the grid of pixels, row by row"),
        Argument("window_radius", "int >= 0", "pixels at most so far away, down and across, are looked at"),
    ),
    (DISTANCES,),
    lambda *arrays, **options: _result(matching.local_matching(*arrays, **options)),
    _matching_bound,
    MODEL,
    problems.local_problem,
    (
        Sketch("window_clipped", problems.windowed((6, 9), 2), "windows end at the border of the grid"),
        Sketch(
            "object_absent",
            problems.without_object(problems.windowed((4, 5), 2)),
            "an object without a pixel: exactly 1",
        ),
        Sketch(
            "object_outside",
            problems.windowed((9, 3), 1, k=4, known=0.25),
            "objects that the window does not reach: exactly 1",
        ),
        Sketch("radius_zero", problems.windowed((4, 6), 0), "the window is the pixel itself"),
        Sketch("radius_covers", problems.windowed((4, 5), 6), "the window is the grid: local is global matching"),
        Sketch("single_row", problems.windowed((1, 11), 3), "a grid of one row"),
        Sketch("single_pixel", problems.windowed((1, 1), 2, k=1), "a grid of one pixel"),
        Sketch(
            "near_twins", problems.near_twins(problems.windowed((4, 5), 1, d=100), "previous"), "squares that cancel"
        ),
    ),
    invariants.LOCAL,
)
