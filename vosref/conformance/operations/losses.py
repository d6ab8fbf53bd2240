"""The papers' losses under contract: TVOS's of votes, and FEELVOS's of logits and of its hardest pixels.

Bound. A logarithm is off by f of itself, f the relative error of a function, and by -log(1 - r) where its argument is
off by the factor 1 ± r. A vote plus ε is rounded once; where what is kept cannot hold ε, r is 1 and nothing is said.
A cross-entropy log Σ exp(l - m) - (l_y - m) has r from exponentials of rounded differences and from γ_K of their sum;
the number m itself may be added before it is subtracted, which costs u |m|. The n-th largest loss lies between those of
the pixels' lower and upper ends, and so does the mean of the n largest; a mean of n adds γ_n and two roundings
[Higham 2002, §3.1].
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosref import losses
from vosref.conformance.arithmetic import Arithmetic, grown
from vosref.conformance.operations import losses_invariants as invariants
from vosref.conformance.operations import losses_problems as problems
from vosref.conformance.operations.operation import Argument, Inputs, Operation, Options, Outputs, Sketch
from vosref.conformance.operations.pair_bounds import logarithm, smallest

__all__ = ["BOOTSTRAPPED_CROSS_ENTROPY", "CROSS_ENTROPY", "TRANSDUCTIVE_LOSS", "pixel_error"]

Array = NDArray[Any]


def _transductive_bound(inputs: Inputs, options: Options, exact: Outputs, a: Arithmetic) -> Outputs:
    votes, labels = inputs.values()
    judged = np.any(labels > 0, axis=1)
    own = np.sum(votes * labels, axis=1)[judged] + options["epsilon"]
    off = np.minimum(2 * a.u_step + 2 * smallest(a) / np.where(own > 0, own, 1.0), 1.0)
    size = np.abs(np.log(own))
    each = -np.log1p(-off) + a.function * size
    n = max(1, np.count_nonzero(judged)) if options["reduction"] == "mean" else 1
    summed = grown(a.sum(max(1, len(own))), a.u_step) * np.sum(size + each)
    return {"loss": a.returned(exact["loss"], (np.sum(each) + summed) / n + smallest(a))}


def pixel_error(logits: Array, labels: Array, exact: Array, a: Arithmetic) -> Array:
    """Largest error of the cross-entropy of every pixel, (P,)."""
    k, u = logits.shape[1], logarithm(a.u_step)
    top = np.max(logits, axis=1, keepdims=True)
    below = top - logits
    theta = u * below + logarithm(a.function) + logarithm(a.sum(k))
    share = np.exp(-below) / np.sum(np.exp(-below), axis=1, keepdims=True)
    argument = np.log1p(np.sum(share * np.expm1(theta), axis=1)) + k * smallest(a)
    own = np.take_along_axis(below, labels[:, None], axis=1)[:, 0]
    sizes = np.abs(top[:, 0]) + 2 * (math.log(k) + argument) + 2 * own + exact
    return np.asarray(argument + a.function * math.log(k) + 2 * u * sizes + 2 * smallest(a))


def _pixels_bound(inputs: Inputs, _: Options, exact: Outputs, a: Arithmetic) -> Outputs:
    logits, labels = inputs.values()
    return {"loss": a.returned(exact["loss"], pixel_error(logits, labels, exact["loss"], a))}


def _hardest_bound(inputs: Inputs, options: Options, exact: Outputs, a: Arithmetic) -> Outputs:
    logits, labels = inputs.values()
    n, every = options["n_hardest"], losses.cross_entropy(logits, labels)
    error = pixel_error(logits, labels, every, a)
    ends = [np.mean(np.sort(every + side * error)[-n:]) for side in (-1, 1)]
    apart = np.maximum(ends[1] - exact["loss"], exact["loss"] - ends[0])
    return {"loss": a.returned(exact["loss"], apart + grown(a.sum(n), a.u_step) * np.abs(ends[1]))}


LOGITS = Argument("logits", "(P, K) float", "of each object, finite")
IDS = Argument("labels", "(P,) int", "true object of each pixel, 0 to K - 1")
TRANSDUCTIVE_LOSS = Operation(
    "transductive_loss",
    1,
    "[TVOS 8] L = -Σ_i log(ŷ_i[y_i] + ε), over the pixels that have a label, or its mean",
    (
        Argument("votes", "(P, K) float in [0, 1]", "of each pixel for each label"),
        Argument("labels", "(P, K) float", "one-hot; a row of zeros is not judged"),
    ),
    (
        Argument("epsilon", "float >= 0", "added to a vote before its logarithm"),
        Argument("reduction", '"mean" or "sum"', "over the pixels that are judged"),
    ),
    (Argument("loss", "() float", "in nats; 0 where no pixel is judged"),),
    lambda *arrays, **options: {"loss": losses.transductive_loss(*arrays, **options)},
    _transductive_bound,
    "logarithms: f of themselves, and the rounding of their argument; sums: γ_n [Higham 2002, §3.1]",
    problems.votes_problem,
    (
        Sketch("mean", problems.votes(12, 3), "the mean, as released"),
        Sketch("sum", problems.votes(9, 3, reduction="sum"), "the sum, as in the paper"),
        Sketch("unlabelled_pixels", problems.votes(14, 3, known=0.5), "pixels without a label are not judged"),
        Sketch("no_vote", problems.votes(10, 3, lowest=0.3), "votes of 0 for the true label: ε decides"),
        Sketch("large_epsilon", problems.votes(8, 3, epsilon=0.25), "ε is added before the logarithm, not after"),
        Sketch("nothing_judged", problems.votes(5, 2, known=0.0), "no pixel has a label: 0, and no division by 0"),
    ),
    invariants.TRANSDUCTIVE,
)
CROSS_ENTROPY = Operation(
    "cross_entropy",
    1,
    "-log softmax(logits)[label] of every pixel",
    (LOGITS, IDS),
    (),
    (Argument("loss", "(P,) float >= 0", "in nats"),),
    lambda *arrays: {"loss": losses.cross_entropy(*arrays)},
    _pixels_bound,
    "exponentials and their sum: factors exp(±θ) on the logarithm's argument; u of every number that is kept",
    problems.logits_problem,
    (
        Sketch("pixels", problems.logits(10, 4), "a few pixels and objects"),
        Sketch("one_object", problems.logits(4, 1), "a single object: 0"),
        Sketch(
            "far_apart",
            problems.logits(8, 3, size=60.0),
            "logits of some hundreds: a probability underflows, its logarithm not",
        ),
        Sketch("all_large", problems.logits(8, 3, offset=300.0), "logits near 300: exponentials overflow"),
        Sketch(
            "many_objects", problems.logits(128, 300), "300 objects: more than a byte holds, and 38400 logits than 2 do"
        ),
    ),
    invariants.PIXELS,
)
BOOTSTRAPPED_CROSS_ENTROPY = Operation(
    "bootstrapped_cross_entropy",
    1,
    "mean of the n largest of -log softmax(logits)[label]",
    (LOGITS, IDS),
    (Argument("n_hardest", "int, 1 to P", "pixels to average over"),),
    (Argument("loss", "() float >= 0", "in nats"),),
    lambda *arrays, **options: {"loss": losses.bootstrapped_cross_entropy(*arrays, **options)},
    _hardest_bound,
    "each pixel as cross_entropy; the n largest: intervals; mean: γ_n [Higham 2002, §3.1]",
    problems.hardest_problem,
    (
        Sketch("hardest_five", problems.logits(20, 3, n=5), "the largest losses of twenty"),
        Sketch("hardest_one", problems.logits(12, 3, n=1), "the largest loss alone"),
        Sketch("all_pixels", problems.logits(9, 3, n=9), "the mean over all pixels"),
        Sketch("far_apart", problems.logits(8, 3, size=60.0, n=3), "a probability underflows, its logarithm does not"),
    ),
    invariants.HARDEST,
)
