"""TVOS's matrices under contract: the affinity W, and S = D^-1/2 W D^-1/2 [TVOS 6, S].

Bound. Of W: the logit's δ, the spatial exponent's 9u of itself, u of both where they are subtracted, three exponentials
and as many products, all as a factor exp(θ); and 4 smallest numbers where one of two factors is too small to be kept.
Of S: a degree of n terms not negative is off by γ_n and a rounding, half of it once its root is taken, and by what its
terms lose below the smallest number; two roots, two quotients and two products follow [Higham 2002, §3.1], of which a
product too small to be kept is multiplied by 1 / √d yet.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosref import affinity
from vosref.conformance.arithmetic import Arithmetic
from vosref.conformance.draws import Draw
from vosref.conformance.operations import affinity_invariants as invariants
from vosref.conformance.operations.operation import Argument, Inputs, Operation, Options, Outputs, Problem, Sketch
from vosref.conformance.operations.pair_bounds import (
    SPATIAL,
    STOPPED,
    logarithm,
    logit_error,
    smallest,
    spatial_exponents,
)

__all__ = ["AFFINITY", "NORMALISED_AFFINITY"]

Array = NDArray[Any]


def _affinity_bound(inputs: Inputs, options: Options, exact: Outputs, a: Arithmetic) -> Outputs:
    query, reference, here, there = inputs.values()
    u, f = logarithm(a.u_step), logarithm(a.function)
    logits = options["temperature"] * (query @ reference.T)
    exponent = spatial_exponents(here, there, options["sigma"])
    theta = logit_error(query, reference, options["temperature"], a) + SPATIAL * u * exponent
    theta += u * (np.abs(logits) + exponent) + 3 * (f + u)
    lost = STOPPED * smallest(a) * (1 + np.exp(logits))
    grown = np.exp(logits - exponent + theta) - exact["w"]
    off = np.where(theta < 1, exact["w"] * np.expm1(np.minimum(theta, 1)), grown)
    return {"w": a.returned(exact["w"], off + lost)}


def _normalised_bound(inputs: Inputs, _: Options, exact: Outputs, a: Arithmetic) -> Outputs:
    (w,), least = inputs.values(), smallest(a)
    degrees = [np.sum(w, axis=axis, keepdims=True) for axis in (0, 1)]
    row, column = (np.where(degree > 0, degree, 1.0) for degree in degrees)
    theta = 4 * logarithm(a.u_step) + 2 * logarithm(a.function)
    for axis, degree in enumerate((row, column)):
        theta = theta - np.log1p(-np.minimum(a.sum(w.shape[axis]) + w.shape[axis] * least / degree, 1.0)) / 2
    # The product of two degrees, or of a root and an affinity, may be too small to be kept.
    theta = theta - np.log1p(-np.minimum(least / np.minimum(row * column, 1.0), 1.0)) / 2
    off = np.where(exact["s"] > 0, exact["s"] * np.expm1(theta), 0.0)
    return {"s": a.returned(exact["s"], off + least * (1 + w + row**-0.5 + column**-0.5))}


def _affinity_problem(draw: Draw) -> Problem:
    p, r, d = draw.integer(1, 8), draw.integer(1, 9), draw.integer(1, 12)
    sigma, temperature = draw.choice([0.7, 1.5, 8.0, 21.0]), draw.choice([0.5, 1.0, 1.5])
    return _pairs(draw, p, r, d, size=draw.real(0.3, 1.4), sigma=sigma, temperature=temperature)


def _pairs(
    draw: Draw, p: int, r: int, d: int, *, size: float = 1.2, sigma: float = 2.0, temperature: float = 1.0
) -> Problem:
    """Pixels anywhere on a grid of 8 by 8, and their embeddings, logits of at most a few."""
    stream = draw.stream()
    query, reference = (size * stream.normal(n, d) / np.sqrt(d) for n in (p, r))
    long = [np.maximum(np.linalg.norm(x, axis=1, keepdims=True) / (2 * size), 1.0) for x in (query, reference)]
    positions = [stream.integers(0, 8, n, 2).astype(np.float64) for n in (p, r)]
    inputs = {"query": query / long[0], "reference": reference / long[1]}
    inputs |= {"query_position": positions[0], "reference_position": positions[1]}
    return Problem(inputs, {"sigma": sigma, "temperature": temperature})


def _opposite(draw: Draw) -> Problem:
    """All logits near -9: affinities are small."""
    problem = _pairs(draw, 5, 6, 4, size=0.3)
    there = {"query": problem.inputs["query"] + 3.0 * np.eye(4)[0]}
    there["reference"] = problem.inputs["reference"] - 3.0 * np.eye(4)[0]
    return problem._replace(inputs=problem.inputs | there)


def _same_place(draw: Draw) -> Problem:
    problem = _pairs(draw, 5, 6, 4)
    alike = {name: np.full_like(problem.inputs[name], 3.0) for name in ("query_position", "reference_position")}
    return problem._replace(inputs=problem.inputs | alike)


def _matrix_problem(draw: Draw) -> Problem:
    return _matrix(draw, draw.integer(1, 9), draw.integer(1, 9), share=draw.choice([0.4, 1.0]))


def _matrix(
    draw: Draw, p: int, r: int, *, share: float = 1.0, isolated: bool = False, symmetric: bool = False
) -> Problem:
    """Affinities from 0 to 4, of which a share is not 0; isolated: the first row and the last column are."""
    stream = draw.stream()
    w = 4 * stream.uniform(p, r) ** 3 * (stream.uniform(p, r) < share)
    if symmetric:
        w = (w + w.T) / 2
    if isolated:
        w[0], w[:, -1] = 0.0, 0.0
    return Problem({"w": w}, {})


AFFINITY = Operation(
    "affinity",
    1,
    "[TVOS 6] w_ij = exp(τ f_i · f_j) exp(-|loc(i) - loc(j)|² / σ²)",
    (
        Argument(
            "query", "(P, D) float", "embeddings of the target pixels, finite; no logit above 88 in single precision"
        ),
        Argument("reference", "(R, D) float", "embeddings of the reference pixels"),
        Argument("query_position", "(P, 2) float", "row and column, in cells"),
        Argument("reference_position", "(R, 2) float", "row and column, in cells"),
    ),
    (
        Argument("sigma", "float > 0", "width of the spatial term, in cells"),
        Argument("temperature", "float", "multiplies the dot products"),
    ),
    (Argument("w", "(P, R) float >= 0", "affinity of every pair"),),
    lambda *arrays, **options: {"w": affinity.affinity(*arrays, **options)},
    _affinity_bound,
    "logits: γ_D |τ| Σ|x||y| [Higham 2002, 3.5]; exponent: 9u d² / σ²; exponentials and products: factors exp(±θ)",
    _affinity_problem,
    (
        Sketch("pairs", lambda draw: _pairs(draw, 6, 8, 8), "a few pixels of each frame"),
        Sketch("warm", lambda draw: _pairs(draw, 5, 5, 6, temperature=1.5), "a temperature that is not 1"),
        Sketch("negative_logits", _opposite, "all logits near -9"),
        Sketch("same_place", _same_place, "all pixels in one place: the spatial term is 1"),
        Sketch("tiny_sigma", lambda draw: _pairs(draw, 7, 9, 5, sigma=0.05), "spatial terms underflow"),
    ),
    invariants.AFFINITY,
)
NORMALISED_AFFINITY = Operation(
    "normalised_affinity",
    1,
    "[TVOS S] S = D^-1/2 W D^-1/2, with row sums for the rows and column sums for the columns",
    (Argument("w", "(P, R) float >= 0", "affinity; square and symmetric, or of two sides of a bipartite graph"),),
    (),
    (Argument("s", "(P, R) float in [0, 1]", "0 in rows and columns without affinity"),),
    lambda w: {"s": affinity.normalised_affinity(w)},
    _normalised_bound,
    "degrees: γ_n of sums without cancellation [Higham 2002, §3.1], half of it in a root; roots, quotients, products",
    _matrix_problem,
    (
        Sketch("symmetric", lambda draw: _matrix(draw, 7, 7, symmetric=True), "a whole graph"),
        Sketch("two_sides", lambda draw: _matrix(draw, 5, 9), "rows and columns are different pixels"),
        Sketch(
            "isolated_pixels", lambda draw: _matrix(draw, 6, 7, isolated=True), "a row and a column of zeros stay 0"
        ),
        Sketch("single_pair", lambda draw: _matrix(draw, 1, 1), "one pixel on either side: S is 1"),
    ),
    invariants.NORMALISED,
)
