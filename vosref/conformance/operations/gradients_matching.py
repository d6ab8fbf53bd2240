"""Gradients of FEELVOS's distances under contract (`vosref.gradients.matching`).

Bound. A pair's gradient is 2 h (x - y), h = g (1 - d²) / 2. With E the bound of d, 1 - d² is off by at most 2dE + E²,
and by 6u + f of itself, f the error of an exponential or a tanh; a product with x - y adds 4u and a sum over n of them
γ_n, to Σ |2h| |x - y|, or to Σ |2h| (|x| + |y|) where the sum is expanded too.

A pixel q is a candidate for a pair (p, k) when s_pq may be among the n smallest, so when s - e of it is not above the
n-th smallest s + e. Where there are more candidates than are chosen, each may have a share or none: a right
implementation may have chosen any of them. The shares of a row sum to 1, whoever is chosen, so that the row's gradient
moves by no more than the range of the candidates. Where embeddings are whole
numbers, and so few that every product and sum of them is exact, e is 0 and only exact ties are left; a subject that
declares the tie rule "first" must then choose the first.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vosref import gradients
from vosref.conformance.arithmetic import Arithmetic, gamma, grown
from vosref.conformance.draws import Draw
from vosref.conformance.operations import gradients_invariants as invariants
from vosref.conformance.operations import matching
from vosref.conformance.operations.operation import Argument, Inputs, Operation, Options, Outputs, Problem, Sketch
from vosref.conformance.operations.pair_bounds import check_pairs

__all__ = ["EMBEDDING_DISTANCE_VJP", "GLOBAL_MATCHING_VJP", "LOCAL_MATCHING_VJP"]

MODEL = (
    "running errors through the chain rule: the distance's own bound, 1 - d², x - y, and γ_n of the sums "
    "[Higham 2002, 3.3]; every candidate for a minimum may have been chosen"
)
EXACT = {"float64": 2.0**53, "float32": 2.0**24, "float16": 2.0**11, "bfloat16": 2.0**8}  # whole numbers up to here


def _pair_error(x: NDArray[Any], y: NDArray[Any], a: Arithmetic) -> NDArray[Any]:
    """Error of the squared distances, 0 where everything is a small whole number."""
    check_pairs(len(x), len(y))
    whole = all(np.array_equal(v, np.rint(v)) for v in (x, y))
    largest = 4 * max(np.max(np.sum(x * x, axis=1)), np.max(np.sum(y * y, axis=1)))
    if whole and largest < min(EXACT[a.accumulate], EXACT[a.intermediate]):
        return np.zeros((len(x), len(y)))
    return matching.pair_error(x, y, a)


def _slope_error(squares: NDArray[Any], error: NDArray[Any], a: Arithmetic) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return 1 - d² of a squared distance, and how far off it may be."""
    d = np.tanh(squares / 2)
    off = np.maximum(np.tanh((squares + error) / 2) - d, d - np.tanh(np.maximum(squares - error, 0) / 2))
    off += a.function + 4 * a.u_step
    value = 4 * np.exp(-squares) / (1 + np.exp(-squares)) ** 2
    return value, 2 * d * off + off * off + (a.function + 6 * a.u_step) * value


class _Pulls(NamedTuple):
    """Factors c of c (x - y), for every pair or 0: their size, their error, and what is not sure to be chosen."""

    size: NDArray[Any]  # of those that may be there
    error: NDArray[Any]
    doubtful: NDArray[Any]  # of those that may be there or not
    free: NDArray[Any]  # (P, 1): of a row's doubtful ones, how much there is in all


def _sums(x: NDArray[Any], y: NDArray[Any], pulls: _Pulls, a: Arithmetic) -> Outputs:
    """Bound of Σ c (x - y) over rows and over columns."""
    u, out = a.u_step, {}
    for name, axis, n in (("d_query", 1, len(y)), ("d_reference", 0, len(x))):
        rounding = grown(gamma(n, a.u_sum), u, u, u, u) + (0 if a.squares == "direct" else a.dot(n))
        columns = []
        for d in range(x.shape[1]):
            apart = np.abs(x[:, None, d] - y[None, :, d])
            size = apart if a.squares == "direct" else np.abs(x[:, None, d]) + np.abs(y[None, :, d])
            total = np.sum(pulls.error * apart + (pulls.size + pulls.error) * rounding * size, axis=axis)
            doubt = (
                pulls.free[:, 0] * _range(y[:, d], pulls.doubtful > 0) if axis else np.sum(pulls.doubtful * apart, 0)
            )
            columns.append(total + doubt)
        out[name] = np.stack(columns, axis=1)
    return out


def _range(values: NDArray[Any], among: NDArray[Any]) -> NDArray[Any]:
    """Largest difference of a row's values, 0 where there are none: shares that sum to one move a mean by no more."""
    high = np.max(np.where(among, values, -np.inf), axis=1)
    low = np.min(np.where(among, values, np.inf), axis=1)
    return np.where(np.isfinite(high), high - low, 0.0)


def _returned(bound: Outputs, exact: Outputs, a: Arithmetic) -> Outputs:
    theirs = list(bound.values())
    return {name: a.returned(exact[name], theirs[i]) for i, name in enumerate(exact)}


def _distance_bound(inputs: Inputs, _: Options, exact: Outputs, a: Arithmetic) -> Outputs:
    cotangent, x, y = inputs.values()
    squares = matching.distance.direct_squares(x, y)
    value, off = _slope_error(squares, _pair_error(x, y, a), a)
    g = np.abs(cotangent)
    pulls = _Pulls(g * value, g * off, np.zeros_like(g), np.zeros((len(x), 1)))
    return _returned(_sums(x, y, pulls, a), exact, a)


def _matching_bound(inputs: Inputs, options: Options, exact: Outputs, a: Arithmetic) -> Outputs:
    cotangent, x, y, labels = inputs.values()
    squares, error = matching.distance.direct_squares(x, y), _pair_error(x, y, a)
    inside = np.broadcast_to(matching.inside(options), squares.shape)
    totals = [np.zeros_like(x), np.zeros_like(y)]
    for k, label in enumerate(labels.T):
        member = inside & (label > 0)[None, :]
        least, most, mean, spread = _shares(squares, error, member, options.get("n_neighbours", 1), a)
        value, off = _slope_error(mean, spread, a)
        g = np.abs(cotangent[:, k : k + 1])
        free = np.minimum(1, np.sum(most - least, axis=1, keepdims=True))
        pulls = _Pulls(g * value * most, g * off * most, g * value * (most - least), g * value * free)
        parts = _sums(x, y, pulls, a)
        totals = [total + part for total, part in zip(totals, parts.values(), strict=True)]
    return _returned(dict(zip(exact, totals, strict=True)), exact, a)


def _shares(
    squares: NDArray[Any], error: NDArray[Any], member: NDArray[Any], n: int, a: Arithmetic
) -> tuple[NDArray[Any], ...]:
    """Least and largest share that each pixel may have of the n smallest squares, their mean and its error (P, 1)."""
    low, high = (np.where(member, squares + side * error, np.inf) for side in (-1, 1))
    count = np.sum(member, axis=1, keepdims=True)
    taken = np.minimum(n, count)
    nth = np.take_along_axis(np.sort(high, axis=1), np.maximum(taken, 1) - 1, axis=1)
    candidate = member & (low <= nth)
    if a.tie_break == "first" and not error.any():
        first = np.argsort(np.argsort(np.where(member, squares, np.inf), axis=1, kind="stable"), axis=1)
        candidate = member & (first < taken)
    sure = candidate & (np.sum(candidate, axis=1, keepdims=True) <= taken)
    farthest = candidate & (high >= np.max(np.where(candidate, low, -np.inf), axis=1, keepdims=True))
    extra = np.maximum(n - count, 0)
    alone = np.sum(farthest, axis=1, keepdims=True) == 1
    least = (sure + extra * (farthest & alone)) / n
    most = (candidate + extra * farthest) / n
    ordered = np.sort(np.where(member, squares, np.inf), axis=1)[:, :n]
    filled = np.where(np.isinf(ordered), -np.inf, ordered)
    total = np.sum(np.where(np.isinf(ordered), 0, ordered), axis=1, keepdims=True)
    mean = (total + extra * np.max(filled, axis=1, keepdims=True)) / n
    empty = count == 0
    spread = np.max(np.where(candidate, error, 0), axis=1, keepdims=True) + gamma(n, a.u_sum) * np.abs(mean)
    return least, most, np.where(empty, np.inf, mean), np.where(empty, 0, spread)


def _with_cotangent(make: Any, *, whole: bool = False) -> Any:
    """Give a problem of the definition the cotangent of its result, and round embeddings to whole numbers if asked."""

    def made(draw: Draw) -> Problem:
        inputs, options = make(draw)
        query, other, *labels = inputs.values()
        columns = labels[0].shape[1] if labels else len(other)
        cotangent = {"cotangent": draw.stream().normal(len(query), columns)}
        if whole:
            inputs = {k: v if k == "labels" else np.rint(v) for k, v in inputs.items()}
        return Problem(cotangent | inputs, options)

    return made


def _vjp(
    primal: Operation, equation: str, sketches: dict[str, str], second: str, extra: tuple[Sketch, ...]
) -> Operation:
    """Put the gradient of an operation under contract, with those of its cases that say something of it."""
    function, kept = getattr(gradients, f"{primal.name}_vjp"), {s.name: s for s in primal.sketches}
    inputs = (Argument("cotangent", primal.results[0].form, "∂L/∂ of the distances"), *primal.inputs)
    results = tuple(
        Argument(f"d_{name}", form, f"∂L/∂{name}")
        for name, form in (("query", "(P, D) float"), (second, "(R, D) float"))
    )
    names = [result.name for result in results]
    return Operation(
        f"{primal.name}_vjp",
        1,
        equation,
        inputs,
        primal.options,
        results,
        lambda *arrays, **options: dict(zip(names, function(*arrays, **options), strict=True)),
        _distance_bound if primal is matching.EMBEDDING_DISTANCE else _matching_bound,
        MODEL,
        _with_cotangent(primal.random),
        (*(Sketch(n, _with_cotangent(kept[n].make), comment) for n, comment in sketches.items()), *extra),
        invariants.SHIFTS,
    )


def _ties(make: Any) -> Sketch:
    comment = "whole numbers, many at equal distance: to any of them, or to the first where that is declared"
    return Sketch("ties", _with_cotangent(make, whole=True), comment, ("ties",))


EMBEDDING_DISTANCE_VJP = _vjp(
    matching.EMBEDDING_DISTANCE,
    "∂L/∂x_p = Σ_q g_pq (1 - d²) (x_p - y_q)",
    {"pairs": "a few pixels of each frame", "far_apart": "the slope vanishes without an overflow"},
    "reference",
    (),
)
GLOBAL_MATCHING_VJP = _vjp(
    matching.GLOBAL_MATCHING,
    "∂L/∂x_p = Σ_k g_pk (1 - d²) (x_p - y_q), q the nearest pixel of object k",
    {
        "three_objects": "every object is there",
        "object_absent": "an object without a pixel has no gradient",
        "three_neighbours": "each of the nearest has its share",
        "few_pixels": "the farthest has the share of those that are missing",
    },
    "reference",
    (_ties(matching.problems.everywhere(6, 12, k=2, d=2, size=1.0)),),
)
LOCAL_MATCHING_VJP = _vjp(
    matching.LOCAL_MATCHING,
    "∂L/∂x_p = Σ_k g_pk (1 - d²) (x_p - y_q), q the nearest pixel of object k in the window",
    {
        "window_clipped": "windows end at the border of the grid",
        "object_outside": "objects that the window does not reach have no gradient",
        "radius_zero": "the window is the pixel itself",
        "radius_covers": "the window is the grid",
    },
    "previous",
    (_ties(matching.problems.windowed((4, 5), 2, k=2, d=2, size=1.0)),),
)
