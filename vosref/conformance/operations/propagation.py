"""TVOS's propagation under contract: the online step, what the released code does, and the vote of training.

Bound. See `pair_bounds`: errors of logits, exponentials, sums and rescalings as factors exp(±θ), for references in any
order and tiles, plus what is lost below the smallest number [Higham 2002, §3.1-3.5].
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosref import propagation
from vosref.blocks import slices
from vosref.conformance.arithmetic import Arithmetic
from vosref.conformance.operations import frames as problems
from vosref.conformance.operations import propagation_invariants as invariants
from vosref.conformance.operations.operation import Argument, Inputs, Operation, Options, Outputs, Sketch
from vosref.conformance.operations.pair_bounds import (
    PAIRS,
    Pairs,
    check_pairs,
    logit_error,
    online_error,
    spatial_exponents,
    vote_error,
)

__all__ = ["PROPAGATE_ONLINE", "PROPAGATE_RELEASED", "SOFTMAX_VOTE", "frame_pairs"]

MODEL = (
    "logits: γ_D |τ| Σ|x||y| [Higham 2002, 3.5]; spatial exponents, exponentials, logarithms, sums and rescalings: "
    "factors exp(±θ); numerator and denominator: intervals; what underflows: an absolute term"
)
QUERY = Argument("query", "(P, D) float", "embedding of the target frame, finite")
LABELS = Argument("labels", "(F, P, K) float in [0, 1]", "of the reference frames, hard or soft")
TEMPERATURE = Argument("temperature", "float", "multiplies the dot products")
OPTIONS = (
    Argument("grid", "(int, int) >= 1", "height and width of the grid of pixels, row by row"),
    Argument("sigma", "F floats > 0", "width of the spatial term of each reference frame, in cells"),
    TEMPERATURE,
)
INPUTS = (QUERY, Argument("references", "(F, P, D) float", "embeddings of the reference frames"), LABELS)
VOTES = Argument("votes", "(P, K) float >= 0", "for each object")


def frame_pairs(
    query: NDArray[Any], references: NDArray[Any], options: Options, a: Arithmetic, rows: slice = slice(None), /
) -> Pairs:
    """Pairs of some pixels of a target frame (P, D) and all of the reference frames (F, P, D)."""
    grid, temperature, width = options["grid"], options["temperature"], np.asarray(options["sigma"])
    (n_frames, frame, d), cells = references.shape, np.arange(grid[0] * grid[1])
    reference, query = references.reshape(-1, d), query[rows]
    check_pairs(len(query), len(reference))
    position = np.stack(np.divmod(cells, grid[1]), axis=1).astype(np.float64)
    exponent = spatial_exponents(position[rows], np.tile(position, (n_frames, 1)), np.repeat(width, frame)[None, :])
    error = logit_error(query, reference, temperature, a)
    return Pairs(temperature * (query @ reference.T), error, exponent, frame)


def _released_bound(inputs: Inputs, options: Options, exact: Outputs, a: Arithmetic) -> Outputs:
    """Bound the votes of one run of target pixels after another: they know nothing of each other."""
    query, references, labels = inputs.values()
    given = labels.reshape(-1, labels.shape[2])
    off = [
        vote_error(frame_pairs(query, references, options, a, rows), given, np.zeros_like(given), a)
        for rows in slices(len(query), max(1, PAIRS // len(given)))
    ]
    return {"votes": a.returned(exact["votes"], np.concatenate(off))}


def _online_bound(inputs: Inputs, options: Options, exact: Outputs, a: Arithmetic) -> Outputs:
    query, references, labels = inputs.values()
    given = labels.reshape(-1, labels.shape[2])
    off = online_error(frame_pairs(query, references, options, a), given, np.zeros_like(given), a)
    return {"votes": a.returned(exact["votes"], off)}


def _vote_bound(inputs: Inputs, options: Options, exact: Outputs, a: Arithmetic) -> Outputs:
    query, reference, labels = inputs.values()
    off, temperature = [], options["temperature"]
    for rows in slices(len(query), max(1, PAIRS // len(reference))):
        logits = temperature * (query[rows] @ reference.T)
        error = logit_error(query[rows], reference, temperature, a)
        pairs = Pairs(logits, error, np.zeros_like(logits), len(reference))
        off.append(vote_error(pairs, labels, np.zeros_like(labels), a))
    return {"votes": a.returned(exact["votes"], np.concatenate(off))}


CASES = (
    Sketch("several_frames", problems.frames((3, 4), (1.5, 4.0, 9.0)), "three frames, each with a width of its own"),
    Sketch("long_grid", problems.frames((3, 7), (1.2,)), "one frame on a grid that is not square"),
    Sketch("single_pixel", problems.frames((1, 1), (2.0,) * 3), "a grid of one pixel, three frames"),
    Sketch("soft_labels", problems.softened(problems.frames((4, 3), (2.0, 0.8))), "labels that are not 0 or 1"),
    Sketch(
        "object_absent", problems.with_absent_object(problems.frames((2, 5), (3.0, 1.0))), "an object without a pixel"
    ),
    Sketch(
        "constant_embeddings",
        problems.constant(problems.frames((4, 5), (1.5, 2.5))),
        "all pixels look the same: exact ties",
        ("ties",),
    ),
    Sketch(
        "large_logits",
        problems.frames((3, 3), (2.0, 3.0), size=12.0, unit=True),
        "logits up to 144: exponentials overflow in single precision",
        ("large",),
    ),
    Sketch(
        "negative_logits",
        problems.opposite(problems.frames((3, 3), (2.0, 3.0))),
        "all logits near -121: exponentials underflow in single precision",
    ),
    Sketch("tiny_sigma", problems.frames((3, 4), (0.05, 0.3)), "spatial terms underflow but for the pixel's own place"),
    Sketch(
        "unit_embeddings",
        problems.frames((3, 4), (2.0, 5.0), temperature=40.0, size=1.0, unit=True, d=16),
        "embeddings of length 1 at temperature 40",
    ),
)
PROPAGATE_ONLINE = Operation(
    "propagate_online",
    1,
    "[TVOS 4] ŷ(t+1) = S ŷ(t), S = D^-1/2 W D^-1/2 of the pairs of target and references",
    INPUTS,
    OPTIONS,
    (VOTES,),
    lambda *arrays, **options: {"votes": propagation.propagate_online(*arrays, **options)},
    _online_bound,
    MODEL,
    problems.propagation_problem,
    CASES,
    invariants.ONLINE,
)
PROPAGATE_RELEASED = Operation(
    "propagate_released",
    1,
    "p_i = Σ_j softmax_j(τ f_i · f_j) exp(-|loc(i) - loc(j)|² / σ²) y_j, the softmax over all pixels of all frames",
    INPUTS,
    OPTIONS,
    (VOTES,),
    lambda *arrays, **options: {"votes": propagation.propagate_released(*arrays, **options)},
    _released_bound,
    MODEL,
    problems.propagation_problem,
    CASES,
    invariants.RELEASED,
)
SOFTMAX_VOTE = Operation(
    "softmax_vote",
    1,
    "[TVOS 7] ŷ_i = Σ_j softmax_j(τ f_i · f_j) y_j",
    (
        QUERY,
        Argument("reference", "(R, D) float", "embeddings of the reference pixels"),
        Argument("labels", "(R, K) float in [0, 1]", "of the reference pixels, hard or soft"),
    ),
    (TEMPERATURE,),
    (VOTES,),
    lambda *arrays, **options: {"votes": propagation.softmax_vote(*arrays, **options)},
    _vote_bound,
    MODEL,
    problems.vote_problem,
    (
        Sketch("three_objects", problems.votes(9, 20), "as many pixels as objects need"),
        Sketch("soft_labels", problems.softened(problems.votes(6, 15)), "labels that are not 0 or 1"),
        Sketch("one_target", problems.votes(1, 12), "one target pixel"),
        Sketch(
            "large_logits",
            problems.votes(7, 11, size=12.0, unit=True),
            "logits up to 144: exponentials overflow in single precision",
            ("large",),
        ),
        Sketch(
            "negative_logits",
            problems.opposite(problems.votes(7, 11)),
            "all logits near -121: exponentials underflow in single precision",
        ),
        Sketch("constant_embeddings", problems.constant(problems.votes(5, 13)), "exact ties", ("ties",)),
        Sketch(
            "unit_embeddings",
            problems.votes(8, 24, temperature=40.0, size=1.0, unit=True, d=16),
            "embeddings of length 1 at temperature 40",
        ),
    ),
    invariants.VOTE,
)
