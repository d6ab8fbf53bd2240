"""Gradients of the losses under contract (`vosref.gradients.losses`).

Bound. A probability is off by a factor within exp(±θ), as in the loss itself (`losses`), and a true label's p - 1 is a
sum of the others or a subtraction, which costs u more. Of the hardest pixels, one whose loss may be among the n largest
or not may have its share of the cotangent or none. The vote's gradient is a quotient: 4 u of itself, and what the sum
with ε is off by [Higham 2002, §2.2, 3.1].
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosref import gradients
from vosref import losses as definitions
from vosref.conformance.arithmetic import Arithmetic, grown
from vosref.conformance.draws import Draw
from vosref.conformance.operations import gradients_invariants as invariants
from vosref.conformance.operations import losses
from vosref.conformance.operations.operation import Argument, Inputs, Operation, Options, Outputs, Problem
from vosref.conformance.operations.pair_bounds import logarithm, smallest

__all__ = ["BOOTSTRAPPED_CROSS_ENTROPY_VJP", "CROSS_ENTROPY_VJP", "TRANSDUCTIVE_LOSS_VJP"]

Array = NDArray[Any]
MODEL = "a softmax: factors exp(±θ); a quotient: 4 u; among the hardest: every pixel whose loss may be one of them"


def _slope_error(logits: Array, labels: Array, a: Arithmetic) -> tuple[Array, Array]:
    """Sizes and errors of softmax(logits) less the one-hot labels, (P, K)."""
    k, u = logits.shape[1], logarithm(a.u_step)
    below = np.max(logits, axis=1, keepdims=True) - logits
    p = np.exp(-below) / np.sum(np.exp(-below), axis=1, keepdims=True)
    theta = u * below + logarithm(a.function) + logarithm(a.sum(k)) + u
    # A logarithm of the sum may be kept, with the largest logit added.
    theta = (
        theta + u * (np.abs(logits) + 2 * np.max(np.abs(logits), axis=1, keepdims=True) + np.log(k) + 2) + a.function
    )
    off = p * np.expm1(2 * np.max(theta, axis=1, keepdims=True)) + k * smallest(a)
    own = np.arange(k) == labels[:, None]
    size = np.abs(p - own)
    return size, off + own * (2 * a.u_step + np.sum(off, axis=1, keepdims=True))


def _pixels_bound(inputs: Inputs, _: Options, exact: Outputs, a: Arithmetic) -> Outputs:
    cotangent, logits, labels = inputs.values()
    size, off = _slope_error(logits, labels, a)
    each = np.abs(cotangent)[:, None] * (off + (size + off) * 2 * a.u_step) + smallest(a)
    return {"d_logits": a.returned(exact["d_logits"], each)}


def _hardest_bound(inputs: Inputs, options: Options, exact: Outputs, a: Arithmetic) -> Outputs:
    cotangent, logits, labels = inputs.values()
    n, every = options["n_hardest"], definitions.cross_entropy(logits, labels)
    error = losses.pixel_error(logits, labels, every, a)
    low, high = every - error, every + error
    # Sure: fewer than n others may be as hard. Excluded: n others are harder for certain.
    may_be_harder = np.sum(high[None, :] >= low[:, None], axis=1) - 1
    harder = np.sum(low[None, :] > high[:, None], axis=1)
    free = (may_be_harder >= n) & (harder < n)
    size, off = _slope_error(logits, labels, a)
    share = np.abs(float(cotangent)) / n
    each = share * (off + (size + off) * grown(*(a.u_step,) * 4)) * (harder < n)[:, None]
    each = each + share * (size + off) * free[:, None] + smallest(a)
    return {"d_logits": a.returned(exact["d_logits"], each)}


def _votes_bound(inputs: Inputs, options: Options, exact: Outputs, a: Arithmetic) -> Outputs:
    _, votes, labels = inputs.values()
    own = np.sum(votes * labels, axis=1, keepdims=True) + options["epsilon"]
    off = np.minimum(2 * a.u_step + 2 * smallest(a) / np.where(own > 0, own, 1.0), 1.0)
    with np.errstate(all="ignore"):
        relative = np.where(off < 1, (1 + grown(*(a.u_step,) * 4)) / (1 - off) - 1, np.inf)
    size = np.abs(exact["d_votes"])
    return {"d_votes": a.returned(exact["d_votes"], np.where(size > 0, relative * size, 0.0))}


def _scalar(make: Any) -> Any:
    """Give a problem of a loss that is a number its cotangent, one too."""

    def made(draw: Draw) -> Problem:
        inputs, options = make(draw)
        return Problem({"cotangent": draw.stream().normal(1)[0]} | inputs, options)

    return made


def _of_pixels(make: Any) -> Any:
    """Give a problem of a loss of every pixel their cotangents."""

    def made(draw: Draw) -> Problem:
        inputs, options = make(draw)
        return Problem({"cotangent": draw.stream().normal(len(inputs["logits"]))} | inputs, options)

    return made


def _vjp(primal: Operation, equation: str, result: Argument, bound: Any, with_cotangent: Any) -> Operation:
    function = getattr(gradients, f"{primal.name}_vjp")
    return Operation(
        f"{primal.name}_vjp",
        1,
        equation,
        (Argument("cotangent", primal.results[0].form.removesuffix(" >= 0"), "∂L/∂ of the loss"), *primal.inputs),
        primal.options,
        (result,),
        lambda *arrays, **options: {result.name: function(*arrays, **options)},
        bound,
        MODEL,
        with_cotangent(primal.random),
        tuple(sketch._replace(make=with_cotangent(sketch.make)) for sketch in primal.sketches),
        invariants.LINEAR if primal is losses.TRANSDUCTIVE_LOSS else invariants.ROWS,
    )


D_LOGITS = Argument("d_logits", "(P, K) float", "∂L/∂logits")
TRANSDUCTIVE_LOSS_VJP = _vjp(
    losses.TRANSDUCTIVE_LOSS,
    "∂L/∂ŷ_ik = -g y_ik / (n (ŷ_i[y_i] + ε))",
    Argument("d_votes", "(P, K) float", "∂L/∂votes"),
    _votes_bound,
    _scalar,
)._replace(dtypes=("float64", "float32", "bfloat16"))  # 1 / ε is more than float16 holds
CROSS_ENTROPY_VJP = _vjp(
    losses.CROSS_ENTROPY, "∂L/∂z = g (softmax(z) - one-hot label)", D_LOGITS, _pixels_bound, _of_pixels
)
BOOTSTRAPPED_CROSS_ENTROPY_VJP = _vjp(
    losses.BOOTSTRAPPED_CROSS_ENTROPY,
    "∂L/∂z = (g / n) (softmax(z) - one-hot label) of the n hardest pixels, 0 of the others",
    D_LOGITS,
    _hardest_bound,
    _scalar,
)
