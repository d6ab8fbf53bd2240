"""Gradients of TVOS's propagation under contract (`vosref.gradients.propagation`).

Bound. A vote's weight v_ij and its softmax p_ij are off by factors within exp(±θ) (`pair_bounds`). The cotangent of a
logit is h_ij = v_ij g·y_j - p_ij g·ŷ_i, or, of S, G_ij less half its row's and its column's sum in their shares of the
degrees. Every term of it is off by a relative error κ: two weights, their sums, two products of K pairs and six
roundings. So h is off by κ times the sum H_ij of its terms' sizes, and a gradient Σ_j h_ij f_j by Σ_j H_ij |f_j|
(κ + γ_R) [Higham 2002, §3.1, 3.3]. What underflows is lost once for every pair.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosref import gradients
from vosref.backend import array_namespace
from vosref.conformance.arithmetic import Arithmetic, grown
from vosref.conformance.draws import Draw
from vosref.conformance.operations import gradients_invariants as invariants
from vosref.conformance.operations import propagation
from vosref.conformance.operations.operation import Argument, Inputs, Operation, Options, Outputs, Problem
from vosref.conformance.operations.pair_bounds import (
    Pairs,
    check_pairs,
    logit_error,
    lost,
    online_weights,
    vote_weights,
)

__all__ = ["PROPAGATE_ONLINE_VJP", "PROPAGATE_RELEASED_VJP", "SOFTMAX_VOTE_VJP"]

Array = NDArray[Any]
MODEL = (
    "running errors through the chain rule: weights as factors exp(±θ), every product and sum by γ_n of the sizes of "
    "its terms [Higham 2002, §3.1, 3.3]"
)
KEPT = (
    "several_frames",
    "single_pixel",
    "soft_labels",
    "large_logits",
    "negative_logits",
    "tiny_sigma",
    "unit_embeddings",
)
Terms = Callable[[Pairs, Array, Array, Arithmetic], tuple[Array, Array, Array]]


def _vote_terms(pairs: Pairs, size: Array, labels: Array, a: Arithmetic) -> tuple[Array, Array, Array]:
    """Weights, sizes H of the logits' cotangents, and θ: of a softmax, with the spatial term behind it or without."""
    log_weights, theta = vote_weights(pairs, a)
    weights = np.exp(log_weights)
    soft = np.exp(log_weights + pairs.exponent)
    whole = np.sum(size * (weights @ np.abs(labels)), axis=1, keepdims=True)
    return weights, weights * (size @ np.abs(labels).T) + soft * whole, theta


def _online_terms(pairs: Pairs, size: Array, labels: Array, a: Arithmetic) -> tuple[Array, Array, Array]:
    """Return the same of S: a weight's own part, and its shares of its row's and of its column's degree."""
    log_weights, theta = online_weights(pairs, a)
    weights = np.exp(log_weights)
    own, log_w = weights * (size @ np.abs(labels).T), pairs.logits - pairs.exponent
    sizes = own
    for axis in (1, 0):
        share = np.exp(log_w - np.max(log_w, axis=axis, keepdims=True))
        share /= np.sum(share, axis=axis, keepdims=True)
        sizes = sizes + share * np.sum(own, axis=axis, keepdims=True) / 2
    return weights, sizes, theta


def _bound(
    terms: Terms, pairs: Pairs, arrays: tuple[Array, ...], temperature: float, a: Arithmetic
) -> tuple[Array, Array, Array]:
    """Bound the gradients of the query, (P, D), of the references, (R, D), and of the labels, (R, K)."""
    cotangent, query, reference, labels = arrays
    (p, k), r, size = cotangent.shape, len(reference), np.abs(cotangent)
    weights, sizes, theta = terms(pairs, size, labels, a)
    u = a.u_step
    # Of an element, of its row's and of its column's sum: θ is of any of them.
    most = np.maximum(np.max(theta, axis=1, keepdims=True), np.max(theta, axis=0, keepdims=True))
    kappa = np.expm1(2 * most) + grown(a.dot(k), a.dot(k), a.sum(r), a.sum(p), u, u, u, u, u, u)
    kappa = kappa * (1 + grown(a.dot(r), a.dot(p)))
    gone = lost(pairs, labels, np.zeros_like(labels), a) * float(np.max(np.sum(size, axis=1)))
    off, tau = sizes * kappa + gone, abs(temperature)
    rounded = off + (sizes + off) * grown(a.dot(max(r, p)), u, u)
    of_labels = (weights * (kappa + grown(a.dot(p), u)) + gone).T @ size
    return tau * (rounded @ np.abs(reference)), tau * (rounded.T @ np.abs(query)), of_labels


def _frames_bound(terms: Terms) -> Any:
    def bound(inputs: Inputs, options: Options, exact: Outputs, a: Arithmetic) -> Outputs:
        cotangent, query, references, labels = inputs.values()
        pairs = propagation.frame_pairs(query, references, options, a)
        flat = (cotangent, query, references.reshape(-1, query.shape[1]), labels.reshape(-1, cotangent.shape[1]))
        found = _bound(terms, pairs, flat, options["temperature"], a)
        return _returned(found, exact, a)

    return bound


def _softmax_bound(inputs: Inputs, options: Options, exact: Outputs, a: Arithmetic) -> Outputs:
    cotangent, query, reference, labels = inputs.values()
    temperature = options["temperature"]
    check_pairs(len(query), len(reference))
    error = logit_error(query, reference, temperature, a)
    pairs = Pairs(temperature * (query @ reference.T), error, np.zeros_like(error), len(reference))
    found = _bound(_vote_terms, pairs, (cotangent, query, reference, labels), temperature, a)
    return _returned(found, exact, a)


def _returned(found: tuple[Array, ...], exact: Outputs, a: Arithmetic) -> Outputs:
    return {
        name: a.returned(value, np.where(np.isnan(off), np.inf, off).reshape(value.shape))
        for (name, value), off in zip(exact.items(), found, strict=True)
    }


def _with_cotangent(make: Callable[[Draw], Problem]) -> Callable[[Draw], Problem]:
    """Give a problem of the definition the cotangent of its votes."""

    def made(draw: Draw) -> Problem:
        inputs, options = make(draw)
        shape = len(inputs["query"]), inputs["labels"].shape[-1]
        return Problem({"cotangent": draw.stream().normal(*shape)} | inputs, options)

    return made


def _vjp(primal: Operation, equation: str, bound: Any) -> Operation:
    """Put the gradient of a propagation under contract, with those of its cases that say something of it."""
    function, names = getattr(gradients, f"{primal.name}_vjp"), [f"d_{argument.name}" for argument in primal.inputs]

    def reference(*arrays: Any, **options: Any) -> Outputs:
        found = function(*arrays, **options)
        return {name: _whole(value) for name, value in zip(names, found, strict=True)}

    return Operation(
        f"{primal.name}_vjp",
        1,
        equation,
        (Argument("cotangent", "(P, K) float", "∂L/∂ of the votes"), *primal.inputs),
        primal.options,
        tuple(
            Argument(name, argument.form.partition(" in ")[0], f"∂L/∂{argument.name}")
            for name, argument in zip(names, primal.inputs, strict=True)
        ),
        reference,
        bound,
        MODEL,
        _with_cotangent(primal.random),
        tuple(s._replace(make=_with_cotangent(s.make)) for s in primal.sketches if s.name in KEPT),
        invariants.VOTES if primal is propagation.SOFTMAX_VOTE else invariants.LINEAR,
    )


def _whole(value: Any) -> Any:
    """Stack the gradients of frames, which come one by one."""
    if not isinstance(value, tuple):
        return value
    return array_namespace(*value).stack(list(value))


PROPAGATE_ONLINE_VJP = _vjp(
    propagation.PROPAGATE_ONLINE,
    "h_ij = G_ij - ½ (w_ij / d_i) Σ_k G_ik - ½ (w_ij / c_j) Σ_k G_kj, G_ij = S_ij g_i · y_j; ∂L/∂f_i = τ Σ_j h_ij f_j",
    _frames_bound(_online_terms),
)
PROPAGATE_RELEASED_VJP = _vjp(
    propagation.PROPAGATE_RELEASED,
    "h_ij = p_ij (m_ij g_i · y_j - g_i · ŷ_i); ∂L/∂f_i = τ Σ_j h_ij f_j, ∂L/∂y_j = Σ_i p_ij m_ij g_i",
    _frames_bound(_vote_terms),
)
SOFTMAX_VOTE_VJP = _vjp(
    propagation.SOFTMAX_VOTE,
    "h_ij = p_ij (g_i · y_j - g_i · ŷ_i); ∂L/∂f_i = τ Σ_j h_ij f_j, ∂L/∂y_j = Σ_i p_ij g_i",
    _softmax_bound,
)
