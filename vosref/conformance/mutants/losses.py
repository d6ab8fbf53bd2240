"""Wrong losses: sums for means, logarithms of 0, and the wrong pixels [TVOS 8; specs FEELVOS §5.3]."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosref.conformance.capabilities import Capabilities
from vosref.conformance.mutants.mutant import table

__all__ = ["MUTANTS"]

Array = NDArray[Any]
SINGLE = Capabilities(("float32",))


def _of_votes(
    logarithm: Callable[[Array, float], Array] = lambda own, epsilon: np.log(own + epsilon),
    divisor: Callable[[Array], float] = lambda judged: max(1, int(np.count_nonzero(judged))),
    sign: float = -1.0,
    known: Callable[[Array], Array] = lambda labels: np.any(labels > 0, axis=1),
) -> Callable[..., Array]:
    """Return a loss of votes with parts to be replaced."""

    def loss(votes: Array, labels: Array, /, *, epsilon: float, reduction: str) -> Array:
        judged = known(labels)
        own = np.sum(votes * labels, axis=1)[judged]
        n = divisor(judged) if reduction == "mean" else 1
        return np.asarray(sign * np.sum(logarithm(own, epsilon)) / n)

    return loss


def _reduced(reduction: str) -> Callable[..., Array]:
    return lambda votes, labels, /, *, epsilon, reduction_=reduction, **_: _of_votes()(
        votes, labels, epsilon=epsilon, reduction=reduction_
    )


def _running(votes: Array, labels: Array, /, *, epsilon: float, reduction: str) -> Array:
    """Take a running mean, (mean + new) / 2."""
    own = np.sum(votes * labels, axis=1)[np.any(labels > 0, axis=1)]
    mean = 0.0
    for loss in -np.log(own + epsilon):
        mean = (mean + loss) / 2
    return np.asarray(mean * (len(own) if reduction == "sum" else 1))


def _softmax_again(votes: Array, labels: Array, /, **options: Any) -> Array:
    weights = np.exp(votes)
    return _of_votes()(weights / np.sum(weights, axis=1, keepdims=True), labels, **options)


def _without_first(votes: Array, labels: Array, /, **options: Any) -> Array:
    return _of_votes()(votes, labels * (np.arange(labels.shape[1]) > 0), **options)


def _entropy(logits: Array, labels: Array, /) -> Array:
    """Cross-entropy of every pixel; as it stands it is right."""
    below = logits - np.max(logits, axis=1, keepdims=True)
    own = np.take_along_axis(below, labels[:, None].astype(np.int64), axis=1)[:, 0]
    return np.asarray(np.log(np.sum(np.exp(below), axis=1)) - own)


def _no_maximum(logits: Array, labels: Array, /) -> Array:
    own = np.take_along_axis(logits, labels[:, None], axis=1)[:, 0]
    return np.asarray(np.log(np.sum(np.exp(logits), axis=1)) - own)


def _logarithm_of_share(logits: Array, labels: Array, /) -> Array:
    weights = np.exp(logits - np.max(logits, axis=1, keepdims=True))
    share = weights / np.sum(weights, axis=1, keepdims=True)
    return np.asarray(-np.log(np.take_along_axis(share, labels[:, None], axis=1)[:, 0]))


def _over_pixels(logits: Array, labels: Array, /) -> Array:
    below = logits - np.max(logits, axis=0, keepdims=True)
    log_share = below - np.log(np.sum(np.exp(below), axis=0, keepdims=True))
    return np.asarray(-np.take_along_axis(log_share, labels[:, None], axis=1)[:, 0])


def _two_classes(logits: Array, labels: Array, /) -> Array:
    """Cross-entropy of a sigmoid for each object."""
    truth = np.eye(logits.shape[1])[labels]
    return np.asarray(np.sum(np.logaddexp(0, logits) - truth * logits, axis=1))


def _in_bytes(logits: Array, labels: Array, /) -> Array:
    return _entropy(logits, labels.astype(np.uint8))


def _in_short_indices(logits: Array, labels: Array, /) -> Array:
    """Index the flat logits by 16-bit integers."""
    below = logits - np.max(logits, axis=1, keepdims=True)
    flat = (np.arange(len(labels)) * logits.shape[1] + labels).astype(np.int16)
    return np.asarray(np.log(np.sum(np.exp(below), axis=1)) - below.reshape(-1)[flat])


def _first_ignored(logits: Array, labels: Array, /) -> Array:
    return np.where(labels == 0, 0.0, _entropy(logits, labels))


def _hardest(
    losses: Callable[[Array, Array], Array] = _entropy,
    chosen: Callable[[Array, int], Array] = lambda loss, n: np.sort(loss)[::-1][:n],
    mean: Callable[[Array, int], float] = lambda kept, _: float(np.mean(kept)),
) -> Callable[..., Array]:
    """Return a loss of the hardest pixels with parts to be replaced."""

    def loss(logits: Array, labels: Array, /, *, n_hardest: int) -> Array:
        return np.asarray(mean(chosen(losses(logits, labels), n_hardest), len(labels)))

    return loss


def _above_threshold(loss: Array, n: int) -> Array:
    """Keep what is above the n-th largest loss, which itself is left out."""
    kept = loss[loss > np.sort(loss)[::-1][n - 1]]
    return kept if len(kept) else np.zeros(1)


MUTANTS = (
    *table(
        "transductive_loss",
        ("loss-sum", "the sum stands for the mean", "TVOS's paper, specs TVOS §4", _reduced("sum")),
        ("loss-mean", "the mean stands for the sum", "TVOS's released code, specs TVOS §4", _reduced("mean")),
        (
            "loss-all-pixels",
            "the mean is over all pixels, those without a label too",
            "classic",
            _of_votes(divisor=len),
        ),
        (
            "loss-no-guard",
            "a mean over no pixel divides by 0",
            "classic",
            _of_votes(divisor=lambda j: np.float64(np.sum(j))),
        ),
        ("loss-late-epsilon", "ε is added after the logarithm", "classic", _of_votes(lambda own, e: np.log(own) + e)),
        (
            "loss-clipped",
            "ε is a lower limit instead of added",
            "classic",
            _of_votes(lambda own, e: np.log(np.maximum(own, e))),
        ),
        ("loss-no-epsilon", "ε is left out", "TVOS's paper, specs TVOS §4", _of_votes(lambda own, _: np.log(own))),
        ("loss-bits", "the logarithm is to base 2", "classic", _of_votes(lambda own, e: np.log2(own + e))),
        ("loss-sign", "the minus sign is left out", "classic", _of_votes(sign=1.0)),
        (
            "loss-all-judged",
            "pixels without a label count as votes of 0",
            "classic",
            _of_votes(known=lambda y: y[:, 0] >= 0),
        ),
        ("loss-running", "the mean is updated as (mean + new) / 2", "classic", _running),
        ("loss-softmax-again", "votes go through a softmax again", "classic", _softmax_again),
        ("loss-no-background", "pixels of the first object are not judged", "classic", _without_first),
    ),
    *table(
        "cross_entropy",
        ("entropy-overflow", "no maximum is taken off", "classic", _no_maximum, SINGLE),
        (
            "entropy-of-share",
            "the logarithm is of a probability that underflows",
            "classic",
            _logarithm_of_share,
            SINGLE,
        ),
        ("entropy-over-pixels", "the softmax is over pixels", "classic", _over_pixels),
        ("entropy-sigmoid", "each object has a sigmoid of its own", "classic", _two_classes),
        ("entropy-bytes", "labels are kept in bytes: 256 is 0", "classic", _in_bytes),
        ("entropy-short", "indices into the logits are kept in 16 bits", "classic", _in_short_indices),
        ("entropy-first-ignored", "pixels of the first object are not judged", "classic", _first_ignored),
        ("entropy-bits", "the logarithm is to base 2", "classic", lambda x, y, /: _entropy(x, y) / np.log(2)),
        ("entropy-sign", "the minus sign is left out", "classic", lambda x, y, /: -_entropy(x, y)),
        ("entropy-sorted", "losses come out sorted", "classic", lambda x, y, /: np.sort(_entropy(x, y))),
    ),
    *table(
        "bootstrapped_cross_entropy",
        ("hardest-smallest", "the smallest losses are kept", "classic", _hardest(chosen=lambda x, n: np.sort(x)[:n])),
        ("hardest-first", "the first pixels are kept, not the hardest", "classic", _hardest(chosen=lambda x, n: x[:n])),
        (
            "hardest-fewer",
            "one pixel too few is kept",
            "classic",
            _hardest(chosen=lambda x, n: np.sort(x)[::-1][: max(1, n - 1)]),
        ),
        (
            "hardest-more",
            "one pixel too many is kept",
            "classic",
            _hardest(chosen=lambda x, n: np.sort(x)[::-1][: n + 1]),
        ),
        (
            "hardest-threshold",
            "what is above the n-th largest is kept, without it",
            "classic",
            _hardest(chosen=_above_threshold),
        ),
        ("hardest-sum", "the sum stands for the mean", "classic", _hardest(mean=lambda kept, _: float(np.sum(kept)))),
        (
            "hardest-all-pixels",
            "the sum of the hardest is divided by all pixels",
            "classic",
            _hardest(mean=lambda kept, n: float(np.sum(kept)) / n),
        ),
        ("hardest-sign", "the minus sign is left out", "classic", _hardest(mean=lambda kept, _: -float(np.mean(kept)))),
        (
            "hardest-of-share",
            "the logarithm is of a probability that underflows",
            "classic",
            _hardest(_logarithm_of_share),
            SINGLE,
        ),
        ("hardest-sigmoid", "each object has a sigmoid of its own", "classic", _hardest(_two_classes)),
        ("hardest-first-ignored", "pixels of the first object are not judged", "classic", _hardest(_first_ignored)),
    ),
)
