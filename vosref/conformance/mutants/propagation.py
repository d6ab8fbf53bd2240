"""Wrong propagations: TVOS's released code on newer libraries, what other trackers do, and the classic mistakes."""

from collections.abc import Callable
from typing import Any

import numpy as np

from vosref.conformance.capabilities import Capabilities
from vosref.conformance.mutants import parts
from vosref.conformance.mutants.dense import with_parts as but
from vosref.conformance.mutants.dense_votes import Array, cosine, dot, gaussian, online, released, roots, softmax, vote
from vosref.conformance.mutants.mutant import table

__all__ = ["MUTANTS", "background_is_the_rest", "first_anywhere", "hardened", "moved_by_a_frame"]

SINGLE = Capabilities(("float32",))
CODE = "TVOS's released code, landscape §2"
WALK = "videowalk, landscape §2"
DINO = "DINO, landscape §2"
Form = Callable[..., Array]


def moved_by_a_frame(form: Form) -> Form:
    """Give each frame the labels of the one before, and the first those of the last."""
    return lambda query, others, labels, /, **options: form(query, others, np.roll(labels, 1, axis=0), **options)


def hardened(form: Form, *, first_only: bool = False) -> Form:
    """Let labels be one-hot: all of them, or the first frame's."""

    def run(query: Array, others: Array, labels: Array, /, **options: Any) -> Array:
        hard = np.eye(labels.shape[-1])[np.argmax(labels, axis=-1)]
        if first_only:
            hard = np.concatenate([hard[:1], labels[1:]])
        return form(query, others, hard, **options)

    return run


def background_is_the_rest(form: Form) -> Form:
    """Give the first object what the others leave of 1."""

    def run(*arrays: Array, **options: Any) -> Array:
        out = form(*arrays, **options)
        return np.concatenate([1 - np.sum(out[:, 1:], axis=1, keepdims=True), out[:, 1:]], axis=1)

    return run


def first_anywhere(form: Form) -> Form:
    """Let the first reference frame have no spatial term."""
    return lambda *arrays, sigma, **options: form(*arrays, sigma=(1e9, *sigma[1:]), **options)


def _reversed_sigma(form: Form) -> Form:
    return lambda *arrays, sigma, **options: form(*arrays, sigma=sigma[::-1], **options)


def _one_sigma(form: Form) -> Form:
    return lambda *arrays, sigma, **options: form(*arrays, sigma=sigma[:1] * len(sigma), **options)


def _tile_skipped(form: Form) -> Form:
    """Leave the last target pixels as they were allocated."""

    def run(*arrays: Array, **options: Any) -> Array:
        out = form(*arrays, **options)
        out[len(out) // 2 :] = 0.0
        return out

    return run


def _inside_logits(
    query: Array, references: Array, labels: Array, /, *, grid: Any, sigma: Any, **options: Any
) -> Array:
    """Multiply the logits by the spatial term instead of the weights."""
    term = np.concatenate([gaussian(grid, s) for s in sigma], axis=1)
    logits = dot(query, references.reshape(-1, query.shape[1]), options["temperature"])
    return np.asarray(softmax(logits * term, 1) @ labels.reshape(-1, labels.shape[2]))


def _mass_with_epsilon(logits: Array, _n_frames: int) -> Array:
    weights = np.exp(logits)
    return np.asarray(weights / (np.sum(weights, axis=1, keepdims=True) + 1e-6))


def _shared(form: Form) -> Form:
    """Scale what comes out so that rows sum to 1."""

    def run(*arrays: Array, **options: Any) -> Array:
        out = form(*arrays, **options)
        return np.asarray(out / np.sum(out, axis=1, keepdims=True))

    return run


def _of_each_frame(w: Array, n_frames: int) -> Array:
    """S of each reference frame by itself."""
    return np.concatenate([roots(part, 1) for part in np.split(w, n_frames, axis=1)], axis=1)


def _whole_graph(query: Array, references: Array, labels: Array, /, **options: Any) -> Array:
    """Let degrees run over all pairs of all frames."""
    grid, sigma, temperature = options["grid"], options["sigma"], options["temperature"]
    others = references.reshape(-1, query.shape[1])
    w = np.exp(dot(query, others, temperature)) * np.concatenate([gaussian(grid, s) for s in sigma], axis=1)
    within = np.exp(dot(query, query, temperature)) * gaussian(grid, sigma[0])
    among = np.exp(dot(others, others, temperature))
    among *= np.concatenate([np.tile(gaussian(grid, s), (1, len(sigma))) for s in sigma], axis=0)
    row = np.sum(w, axis=1, keepdims=True) + np.sum(within, axis=1, keepdims=True)
    column = np.sum(w, axis=0, keepdims=True) + np.sum(among, axis=0, keepdims=True)
    return np.asarray(w / np.sqrt(row * column) @ labels.reshape(-1, labels.shape[2]))


def _appearance_degrees(query: Array, references: Array, labels: Array, /, **options: Any) -> Array:
    """Let degrees be of appearance alone, without the spatial term."""
    term = np.concatenate([gaussian(options["grid"], s) for s in options["sigma"]], axis=1)
    w = np.exp(dot(query, references.reshape(-1, query.shape[1]), options["temperature"]))
    return np.asarray(roots(w, 1) * term @ labels.reshape(-1, labels.shape[2]))


def _spatial(name: str, form: Form) -> tuple[tuple[Any, ...], ...]:
    """Rows of wrong spatial terms, of a propagation."""
    return (
        (f"{name}-sheared", "the row is i / W by true division", CODE, but(form, term=parts.sheared)),
        (f"{name}-transposed", "height and width of the grid are exchanged", DINO, but(form, term=parts.transposed)),
        (f"{name}-2-sigma", "the exponent is d² / 2σ²", "classic", but(form, term=parts.double_variance)),
        (f"{name}-d", "the exponent is d / σ", "classic", but(form, term=parts.unsquared)),
        (f"{name}-disc", "pixels beyond σ are left out, those within count whole", WALK, but(form, term=parts.disc)),
        (
            f"{name}-window",
            "a hard square window stands for the spatial term",
            DINO,
            but(form, term=parts.square_window),
        ),
        (
            f"{name}-pixels",
            "distances are in pixels of the frame, not cells",
            "classic",
            but(form, term=parts.in_pixels),
        ),
        (f"{name}-nowhere", "there is no spatial term", "classic", but(form, term=parts.nowhere)),
        (f"{name}-first-anywhere", "the first frame has no spatial term", WALK, first_anywhere(form)),
        (
            f"{name}-reversed-sigma",
            "widths belong to the frames in the opposite order",
            "classic",
            _reversed_sigma(form),
        ),
        (f"{name}-one-sigma", "the first frame's width serves for all", "classic", _one_sigma(form)),
    )


def _common(name: str, form: Form) -> tuple[tuple[Any, ...], ...]:
    """Rows of wrong temperatures and labels, of a propagation or a vote."""
    return (
        (f"{name}-divided", "the temperature divides", WALK, but(form, logits=parts.divided)),
        (f"{name}-twice", "the temperature is applied twice", WALK, but(form, logits=parts.twice)),
        (f"{name}-cosine", "embeddings are scaled to length 1", DINO, but(form, logits=cosine)),
        (f"{name}-opposite", "the least alike have the largest weight", "classic", but(form, logits=parts.opposite)),
        (f"{name}-hardened", "soft labels are made one-hot", CODE, hardened(form)),
        (f"{name}-rest", "the first object gets what the others leave", "classic", background_is_the_rest(form)),
        (f"{name}-tile-skipped", "the last target pixels are left as allocated", "classic", _tile_skipped(form)),
    )


def _softmaxes(name: str, form: Form) -> tuple[tuple[Any, ...], ...]:
    """Rows of wrong softmaxes, of a propagation or a vote."""
    return (
        (f"{name}-over-targets", "the softmax is over target pixels", "classic", but(form, weigh=parts.over_targets)),
        (f"{name}-top", "only the 5 largest weights are kept", WALK, but(form, weigh=parts.top)),
        (f"{name}-top-ties", "weights below the 5th largest are dropped, ties kept", DINO, but(form, weigh=parts.kept)),
        (f"{name}-unstable", "no maximum is taken off", "classic", but(form, weigh=parts.unstable), SINGLE),
        (f"{name}-top-softmax", "the 5 largest weights do not sum to 1", WALK, but(form, weigh=parts.top_of_softmax)),
        (
            f"{name}-stale-votes",
            "votes are not rescaled as the maximum rises",
            "classic",
            but(form, weigh=parts.stale_votes),
        ),
        (f"{name}-stale-mass", "the running sum is not rescaled", "classic", but(form, weigh=parts.stale_mass)),
        (f"{name}-epsilon", "1e-6 is added to the sum of exponentials", "classic", but(form, weigh=_mass_with_epsilon)),
    )


MUTANTS = (
    *table(
        "propagate_online",
        *_common("online", online),
        *_spatial("online", online),
        ("online-rows", "rows alone are scaled, D^-1 W", "classic", but(online, normalise=parts.rows_alone)),
        ("online-columns", "columns alone are scaled, W D^-1", "classic", but(online, normalise=parts.columns_alone)),
        ("online-no-root", "the root is missing, D^-1 W D^-1", "classic", but(online, normalise=parts.no_root)),
        ("online-unscaled", "W stands for S", "classic", but(online, normalise=lambda w, _: w)),
        ("online-each-frame", "each frame has an S of its own", "classic", but(online, normalise=_of_each_frame)),
        ("online-whole-graph", "degrees run over all pairs of all frames", "specs TVOS §4", _whole_graph),
        ("online-appearance", "degrees leave the spatial term out", "classic", _appearance_degrees),
        ("online-released", "a softmax stands for S", CODE, released),
        ("online-shared", "rows are scaled to sum to 1", "classic", _shared(online)),
        ("online-unstable", "w itself is computed, and overflows", "classic", online, SINGLE),
        ("online-moved", "each frame has the labels of the one before", "classic", moved_by_a_frame(online)),
    ),
    *table(
        "propagate_released",
        *_common("released", released),
        *_spatial("released", released),
        *_softmaxes("released", released),
        (
            "released-renormalised",
            "weights are scaled to sum to 1 after the spatial term",
            DINO,
            but(released, join=parts.renormalised),
        ),
        ("released-paper", "S stands for the softmax", "TVOS's paper, landscape §2", online),
        ("released-inside", "the spatial term multiplies the logits", "classic", _inside_logits),
        (
            "released-each-frame",
            "each frame has a softmax of its own",
            "classic",
            but(released, weigh=parts.each_frame),
        ),
        ("released-moved", "each frame has the labels of the one before", "classic", moved_by_a_frame(released)),
        (
            "released-first-hard",
            "the first frame's labels are made one-hot",
            "specs TVOS §2.6",
            hardened(released, first_only=True),
        ),
    ),
    *table("softmax_vote", *_common("vote", vote), *_softmaxes("vote", vote)),
)
