"""Wrong gradients of votes and losses: what a derivation forgets of a softmax, a degree, a mean."""

from collections.abc import Callable
from typing import Any

import numpy as np

from vosref import gradients
from vosref.conformance.capabilities import Capabilities
from vosref.conformance.mutants.dense import Array
from vosref.conformance.mutants.mutant import Mutant

__all__ = ["MUTANTS"]

V, R, O = "softmax_vote_vjp", "propagate_released_vjp", "propagate_online_vjp"  # noqa: E741
T, X, B = "transductive_loss_vjp", "cross_entropy_vjp", "bootstrapped_cross_entropy_vjp"
VJPS: dict[str, Callable[..., Any]] = {name: getattr(gradients, name) for name in (V, R, O, T, X, B)}


def _squashed(name: str) -> Callable[..., Any]:
    return lambda g, *arrays, **options: VJPS[name](np.tanh(g), *arrays, **options)


def _temperature_forgotten(name: str) -> Callable[..., Any]:
    """Leave the temperature out of the embeddings' gradients."""

    def vjp(*arrays: Array, temperature: float, **options: Any) -> Any:
        d_query, d_reference, d_labels = VJPS[name](*arrays, temperature=temperature, **options)
        whole = np.stack(d_reference) if isinstance(d_reference, tuple) else d_reference
        return d_query / temperature, whole / temperature, d_labels

    return vjp


def _one_sided(name: str) -> Callable[..., Any]:
    def vjp(*arrays: Array, **options: Any) -> Any:
        d_query, d_reference, d_labels = VJPS[name](*arrays, **options)
        return d_query, np.zeros_like(np.asarray(d_reference)), d_labels

    return vjp


def _softmax(logits: Array) -> Array:
    weights = np.exp(logits - np.max(logits, axis=1, keepdims=True))
    return np.asarray(weights / np.sum(weights, axis=1, keepdims=True))


def _mean_forgotten(g: Array, query: Array, reference: Array, labels: Array, /, *, temperature: float) -> Any:
    """Differentiate the weights as if each stood alone: p g·y, without the mean that a softmax takes off."""
    p = _softmax(temperature * (query @ reference.T))
    h = temperature * p * (g @ labels.T)
    return h @ reference, h.T @ query, p.T @ g


def _sigmoid_slope(g: Array, query: Array, reference: Array, labels: Array, /, *, temperature: float) -> Any:
    """Take p (1 - p) for the derivative, as of a sigmoid."""
    p = _softmax(temperature * (query @ reference.T))
    h = temperature * p * (1 - p) * (g @ labels.T)
    return h @ reference, h.T @ query, p.T @ g


def _pairs(query: Array, references: Array, grid: Any, sigma: Any, temperature: float) -> tuple[Array, Array, Array]:
    """Logits, exponents of the spatial term and embeddings of all references."""
    flat, cell = references.reshape(-1, references.shape[2]), np.arange(grid[0] * grid[1])
    row, column = np.divmod(cell, grid[1])
    squared = (row[:, None] - row) ** 2 + (column[:, None] - column) ** 2
    exponent = np.concatenate([squared / s**2 for s in sigma], axis=1)
    return temperature * (query @ flat.T), exponent, flat


def _constant_degrees(
    g: Array, query: Array, references: Array, labels: Array, /, *, temperature: float, **o: Any
) -> Any:
    """Take the degrees for constants: G alone, without its row's and column's shares."""
    logits, exponent, flat = _pairs(query, references, o["grid"], o["sigma"], temperature)
    log_w = logits - exponent
    top = np.max(log_w)
    w = np.exp(log_w - top)
    s = w / np.sqrt(np.sum(w, axis=1, keepdims=True) * np.sum(w, axis=0, keepdims=True))
    own = labels.reshape(-1, labels.shape[2])
    h = temperature * s * (g @ own.T)
    return h @ flat, (h.T @ query).reshape(references.shape), (s.T @ g).reshape(labels.shape)


def _prior_forgotten(
    g: Array, query: Array, references: Array, labels: Array, /, *, temperature: float, **o: Any
) -> Any:
    """Leave the spatial term out of the way back."""
    wide = [1e9] * len(references)
    return gradients.propagate_released_vjp(
        g, query, references, labels, grid=o["grid"], sigma=wide, temperature=temperature
    )


def _frames_reversed(name: str) -> Callable[..., Any]:
    def vjp(*arrays: Array, **options: Any) -> Any:
        d_query, d_references, d_labels = VJPS[name](*arrays, **options)
        return d_query, np.stack(d_references[::-1]), np.stack(d_labels[::-1])

    return vjp


def _summed(g: Any, votes: Array, labels: Array, /, *, epsilon: float, reduction: str) -> Any:
    other = {"mean": "sum", "sum": "mean"}[reduction]
    return gradients.transductive_loss_vjp(g, votes, labels, epsilon=epsilon, reduction=other)


def _without_epsilon(g: Any, votes: Array, labels: Array, /, *, epsilon: float, reduction: str) -> Any:
    del epsilon
    with np.errstate(all="ignore"):
        return gradients.transductive_loss_vjp(g, votes, labels, epsilon=0.0, reduction=reduction)


def _all_pixels(g: Any, votes: Array, labels: Array, /, *, epsilon: float, reduction: str) -> Any:
    """Divide by all pixels, those that are not judged included."""
    whole = gradients.transductive_loss_vjp(g, votes, labels, epsilon=epsilon, reduction="sum")
    return whole / len(votes) if reduction == "mean" else whole


def _judged_or_not(g: Any, votes: Array, labels: Array, /, *, epsilon: float, reduction: str) -> Any:
    """Divide by the number of judged pixels, be it 0."""
    whole = gradients.transductive_loss_vjp(g, votes, labels, epsilon=epsilon, reduction="sum")
    count = np.float64(np.count_nonzero(np.any(labels > 0, axis=1)))
    with np.errstate(all="ignore"):
        return whole / count if reduction == "mean" else whole


def _not_one_hot(g: Array, logits: Array, _labels: Array) -> Array:
    return np.asarray(g[:, None] * _softmax(logits))


def _overflowing(g: Array, logits: Array, labels: Array) -> Array:
    weights = np.exp(logits)
    own = np.arange(logits.shape[1]) == labels[:, None]
    return np.asarray(g[:, None] * (weights / np.sum(weights, axis=1, keepdims=True) - own))


def _true_label_alone(g: Array, logits: Array, labels: Array) -> Array:
    own = np.arange(logits.shape[1]) == labels[:, None]
    return np.asarray(g[:, None] * (_softmax(logits) - 1) * own)


def _hardest_of_all(g: Any, logits: Array, labels: Array, /, *, n_hardest: int) -> Array:
    """Share the cotangent among all pixels."""
    del n_hardest
    return gradients.cross_entropy_vjp(np.full(len(logits), g / len(logits)), logits, labels)


def _not_divided(g: Any, logits: Array, labels: Array, /, *, n_hardest: int) -> Array:
    return np.asarray(n_hardest * gradients.bootstrapped_cross_entropy_vjp(g, logits, labels, n_hardest=n_hardest))


def _not_centred(g: Any, logits: Array, labels: Array, /, *, n_hardest: int) -> Array:
    slope = gradients.bootstrapped_cross_entropy_vjp(g, logits, labels, n_hardest=n_hardest)
    return np.where(slope * np.sign(g) < 0, 0.0, slope)


MUTANTS = (
    Mutant("vote-vjp-mean", V, "the mean that a softmax takes off is forgotten", "classic", _mean_forgotten),
    Mutant("vote-vjp-sigmoid", V, "p (1 - p) stands for the softmax's derivative", "classic", _sigmoid_slope),
    Mutant("online-vjp-degrees", O, "the degrees are taken for constants", "classic", _constant_degrees),
    Mutant("released-vjp-prior", R, "the spatial term is left out on the way back", "classic", _prior_forgotten),
    Mutant("votes-vjp-sum", T, "the mean is taken for the sum", "TVOS §4, 11", _summed),
    Mutant("votes-vjp-epsilon", T, "ε is left out of the slope", "classic", _without_epsilon),
    Mutant("votes-vjp-all-pixels", T, "pixels that are not judged count in the mean", "classic", _all_pixels),
    Mutant("votes-vjp-0-by-0", T, "0 / 0 where no pixel is judged", "classic", _judged_or_not),
    Mutant("entropy-vjp-one-hot", X, "the true label is not taken off", "classic", _not_one_hot),
    Mutant("entropy-vjp-overflow", X, "exp(z) overflows", "classic", _overflowing, Capabilities(("float32",))),
    Mutant("entropy-vjp-own", X, "only the true label has a gradient", "classic", _true_label_alone),
    Mutant("hardest-vjp-all", B, "the cotangent is shared among all pixels", "classic", _hardest_of_all),
    Mutant("hardest-vjp-sum", B, "the n hardest are summed, not averaged", "classic", _not_divided),
    Mutant("hardest-vjp-own", B, "the true label's gradient is forgotten", "classic", _not_centred),
    *(Mutant(f"{name}-squashed", name, "the cotangent is squashed", "classic", _squashed(name)) for name in VJPS),
    *(
        Mutant(f"{name}-temperature", name, "the temperature is left out", "classic", _temperature_forgotten(name))
        for name in (V, R, O)
    ),
    *(
        Mutant(f"{name}-one-sided", name, "references have no gradient", "classic", _one_sided(name))
        for name in (V, R, O)
    ),
    *(
        Mutant(f"{name}-reversed", name, "frames come in the opposite order", "classic", _frames_reversed(name))
        for name in (R, O)
    ),
)
