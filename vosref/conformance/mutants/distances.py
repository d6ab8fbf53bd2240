"""Wrong distances: what ports of FEELVOS do, and the classic mistakes with minima and means [FEELVOS 1-3]."""

from typing import Any

import numpy as np

from vosref.conformance.capabilities import Capabilities
from vosref.conformance.mutants.dense import (
    Array,
    direct,
    expanded,
    globally,
    local,
    nearest,
    normalise,
    plain,
    with_parts,
)
from vosref.conformance.mutants.mutant import Mutant

__all__ = ["MUTANTS", "biased", "no_background", "unlabelled_are_background"]

SINGLE = Capabilities(("float32",))
PDF = "FEELVOS's PDF, landscape §2"
FEELVOS = "FEELVOS, landscape §2"


def no_background(query: Array, other: Array, labels: Array, /, **options: Any) -> Array:
    """Leave the background out: its column is 1."""
    form = local if "grid" in options else globally
    out = form(query, other, labels, **options)
    out[:, 0] = 1.0
    return out


def unlabelled_are_background(query: Array, other: Array, labels: Array, /, **options: Any) -> Array:
    """Give pixels that belong to no object to the first one."""
    form, own = (local if "grid" in options else globally), labels.copy()
    own[np.sum(labels, axis=1) == 0, 0] = 1.0
    return form(query, other, own, **options)


def _mean_after_tanh(query: Array, reference: Array, labels: Array, /, *, n_neighbours: int) -> Array:
    """Average the distances of the n nearest pixels instead of their squares."""
    distances = normalise(direct(query, reference))
    everywhere = np.ones(distances.shape, bool)
    out = nearest(distances, labels, everywhere, lambda d: d, np.inf, n_neighbours)
    return np.where(np.isinf(out), 1.0, out)


def _absent_ones_missing(query: Array, reference: Array, labels: Array, /, *, n_neighbours: int) -> Array:
    """Average over the pixels that there are, where an object has fewer than n."""
    squares, out = direct(query, reference), []
    for y in labels.T:
        own = np.sort(squares[:, y > 0], axis=1)[:, :n_neighbours]
        out.append(np.mean(own, axis=1) if own.shape[1] else np.full(len(query), np.inf))
    return normalise(np.stack(out, axis=1))


def biased(squared: Array) -> Array:
    """Add a bias inside the sigmoid."""
    return np.asarray(1 - 2 / (1 + np.exp(np.minimum(squared, 700) + 0.1)))


def _farthest(query: Array, reference: Array, labels: Array, /, *, n_neighbours: int) -> Array:
    """Match each object to its farthest pixel."""
    out = -globally(query, reference, labels, n_neighbours=n_neighbours, squares=lambda q, r: -direct(q, r))
    return np.where(np.isnan(out), 1.0, np.abs(out))


MUTANTS = (
    Mutant(
        "distance-plain-norm",
        "embedding_distance",
        "the plain norm |x - y| stands for the squared one",
        PDF,
        lambda q, r: plain(direct(q, r)),
    ),
    Mutant(
        "distance-negative-squares",
        "embedding_distance",
        "expanded squares are not stopped at 0, and distances fall below 0",
        FEELVOS,
        lambda q, r: normalise(expanded(q, r)),
        SINGLE,
    ),
    Mutant(
        "distance-undeclared-expansion",
        "embedding_distance",
        "squares are expanded where the direct form is declared: near twins cancel",
        FEELVOS,
        lambda q, r: normalise(np.maximum(expanded(q, r), 0)),
        Capabilities(("float32",), squares="direct"),
    ),
    Mutant(
        "distance-overflow",
        "embedding_distance",
        "exp(s) overflows to infinity, and infinity by infinity is no number",
        "classic",
        lambda q, r: (np.exp(direct(q, r)) - 1) / (np.exp(direct(q, r)) + 1),
        SINGLE,
    ),
    Mutant(
        "distance-transposed",
        "embedding_distance",
        "rows are reference pixels and columns query pixels",
        "classic",
        lambda q, r: normalise(direct(q, r)).T,
    ),
    Mutant(
        "distance-one-sided",
        "embedding_distance",
        "the length of the reference is left out: |x|² - 2 x·y",
        "classic",
        lambda q, r: normalise(expanded(q, r) - np.sum(r * r, axis=1)[None, :]),
    ),
    Mutant(
        "global-plain-norm",
        "global_matching",
        "the plain norm |x - y| stands for the squared one",
        PDF,
        with_parts(globally, distance=plain),
    ),
    Mutant(
        "global-negative-squares",
        "global_matching",
        "expanded squares are not stopped at 0, and distances fall below 0",
        FEELVOS,
        with_parts(globally, squares=expanded),
        SINGLE,
    ),
    Mutant(
        "global-absent-is-0",
        "global_matching",
        "an object without a pixel is at distance 0 instead of 1",
        "classic",
        with_parts(globally, missing=0.0),
    ),
    Mutant(
        "global-bias",
        "global_matching",
        "a bias is added inside the sigmoid",
        "CFBI, landscape §2",
        with_parts(globally, distance=biased),
    ),
    Mutant(
        "global-mean-after-tanh",
        "global_matching",
        "the mean is of distances instead of their squares",
        "classic",
        _mean_after_tanh,
    ),
    Mutant(
        "global-short-mean",
        "global_matching",
        "the mean is over the pixels that there are, where an object has fewer than n",
        "classic",
        _absent_ones_missing,
    ),
    Mutant("global-no-background", "global_matching", "the background is not matched", "classic", no_background),
    Mutant(
        "global-unlabelled-background",
        "global_matching",
        "pixels of no object count as the first object's",
        "classic",
        unlabelled_are_background,
    ),
    Mutant("global-farthest", "global_matching", "each object is matched to its farthest pixel", "classic", _farthest),
)
