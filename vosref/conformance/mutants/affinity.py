"""Wrong affinities, and wrong normalisations of them [TVOS 6, S]."""

from typing import Any

import numpy as np

from vosref.conformance.mutants.dense_votes import Array, cosine, dot
from vosref.conformance.mutants.mutant import table
from vosref.conformance.mutants.parts import columns_alone, divided, no_root, rows_alone, twice

__all__ = ["MUTANTS"]


def _affinity(logits: Any = dot, term: Any = None, join: Any = np.multiply) -> Any:
    """Return an affinity with parts to be replaced; the term is of all pairs' squared distances and σ."""

    def w(query: Array, reference: Array, here: Array, there: Array, /, *, sigma: float, temperature: float) -> Array:
        apart = np.sum((here[:, None, :] - there[None, :, :]) ** 2, axis=2)
        spatial = np.exp(-apart / sigma**2) if term is None else term(apart, sigma)
        return np.asarray(join(np.exp(logits(query, reference, temperature)), spatial))

    return w


def _transposed(*arrays: Array, **options: Any) -> Array:
    return np.asarray(_affinity()(*arrays, **options).T)


def _relative(query: Array, reference: Array, here: Array, there: Array, /, **options: Any) -> Array:
    """Scale positions to [0, 1] by the largest, as vision transformers do."""
    largest = max(float(np.max(here)), float(np.max(there)), 1.0)
    return np.asarray(_affinity()(query, reference, 8 * here / largest, 8 * there / largest, **options))


def _by_distance(query: Array, reference: Array, temperature: float) -> Array:
    apart = query[:, None, :] - reference[None, :, :]
    return np.asarray(-temperature * np.sum(apart * apart, axis=2))


def _share(weights: Array, term: Array) -> Array:
    product = weights * term
    return np.asarray(product / np.maximum(np.sum(product, axis=1, keepdims=True), 1e-300))


def _row_degrees_twice(w: Array) -> Array:
    degree = np.sum(w, axis=1)
    return np.asarray(w / np.sqrt(degree[:, None] * np.resize(degree, w.shape[1])[None, :]))


def _no_guard(w: Array) -> Array:
    row, column = np.sum(w, axis=1, keepdims=True), np.sum(w, axis=0, keepdims=True)
    return np.asarray(w / np.sqrt(row * column))


def _guarded(divide: Any) -> Any:
    return lambda w: np.nan_to_num(divide(w, 1))


def _epsilon(w: Array) -> Array:
    row, column = np.sum(w, axis=1, keepdims=True), np.sum(w, axis=0, keepdims=True)
    return np.asarray(w / (np.sqrt(row + 1e-3) * np.sqrt(column + 1e-3)))


MUTANTS = (
    *table(
        "affinity",
        ("affinity-divided", "the temperature divides", "videowalk, landscape §2", _affinity(divided)),
        ("affinity-twice", "the temperature is applied twice", "videowalk, landscape §2", _affinity(twice)),
        ("affinity-cosine", "embeddings are scaled to length 1", "DINO, landscape §2", _affinity(cosine)),
        ("affinity-distance", "the logit is -|x - y|² instead of x·y", "classic", _affinity(_by_distance)),
        (
            "affinity-2-sigma",
            "the exponent is d² / 2σ²",
            "classic",
            _affinity(term=lambda d, s: np.exp(-d / (2 * s * s))),
        ),
        ("affinity-d", "the exponent is d / σ", "classic", _affinity(term=lambda d, s: np.exp(-np.sqrt(d) / s))),
        (
            "affinity-disc",
            "pixels beyond σ have none at all",
            "videowalk, landscape §2",
            _affinity(term=lambda d, s: d <= s * s),
        ),
        ("affinity-nowhere", "there is no spatial term", "classic", _affinity(term=lambda d, _: np.ones_like(d))),
        ("affinity-sum", "the spatial term is added", "classic", _affinity(join=np.add)),
        ("affinity-share", "rows are scaled to sum to 1", "classic", _affinity(join=_share)),
        ("affinity-transposed", "rows are reference pixels and columns target pixels", "classic", _transposed),
        ("affinity-relative", "positions are scaled by the largest of them", "classic", _relative),
    ),
    *table(
        "normalised_affinity",
        ("s-rows", "rows alone are scaled, D^-1 W", "classic", _guarded(rows_alone)),
        ("s-columns", "columns alone are scaled, W D^-1", "classic", _guarded(columns_alone)),
        ("s-no-root", "the root is missing, D^-1 W D^-1", "classic", _guarded(no_root)),
        ("s-row-degrees", "row sums serve for the columns too", "classic", _row_degrees_twice),
        ("s-no-guard", "0 is divided by 0 where a pixel is isolated", "classic", _no_guard),
        ("s-epsilon", "1e-3 is added to degrees", "classic", _epsilon),
        ("s-largest", "W is divided by its largest element", "classic", lambda w: w / np.maximum(np.max(w), 1e-300)),
    ),
)
