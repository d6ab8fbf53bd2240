"""TVOS: label propagation on a spatio-temporal graph, one frame at a time [TVOS §3.2-3.5].

A frame's embedding looks at a sample of the frames before it and takes over their labels in proportion to the affinity.
Every place where the paper and its released code part is a field of `TvosConfig` with a small function behind it.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from vosref.backend import Array, array_namespace
from vosref.labels import harden, to_grid, to_mask
from vosref.nn import transfer
from vosref.options import named
from vosref.propagation import propagate_online, propagate_released
from vosref.sampling import motion_prior, reach, reference_frames
from vosref.tvos_config import CONFIGS, EXPLAINED, NOTES, TvosConfig
from vosref.weights import load

__all__ = [
    "CONFIGS",
    "EXPLAINED",
    "NOTES",
    "TvosConfig",
    "TvosInfo",
    "TvosState",
    "add_object",
    "annotate",
    "decide",
    "embedding",
    "frames_held",
    "init",
    "prepare",
    "step",
]


class TvosState(NamedTuple):
    """What later frames can still reach, and nothing else.

    Examples
    --------
    A frame of two pixels, background and an object, from which the method starts:

    >>> import numpy as np
    >>> import vosref
    >>> from vosref import tvos
    >>> state = tvos.init(np.eye(2)[None], np.eye(2), vosref.TvosConfig.paper())
    >>> state.t, len(state.embeddings), state.labels[0].shape
    (1, 1, (2, 2))
    """

    embeddings: tuple[Array, ...]  # of the newest frames, oldest first, each (P, D)
    labels: tuple[Array, ...]  # theirs, each (P, K)
    t: int  # number of the next frame; frame 0 is the annotated one


class TvosInfo(NamedTuple):
    """The paper's intermediates of one step.

    Examples
    --------
    Two pixels, background and an object, that change places:

    >>> import numpy as np
    >>> import vosref
    >>> from vosref import tvos
    >>> config = vosref.TvosConfig.released()
    >>> state = tvos.init(np.eye(2)[None], np.eye(2), config)
    >>> _, _, info = tvos.step(state, np.eye(2)[None, ::-1], config)
    >>> info.frames, info.sigma
    ((0,), (8.0,))
    >>> info.labels
    array([[0., 1.],
           [1., 0.]])
    """

    frames: tuple[int, ...]  # reference frames, ascending
    sigma: tuple[float, ...]  # width of the spatial term for each, in cells
    labels: Array  # what later frames will see of this one, (P, K)


def prepare(config: TvosConfig, /) -> dict[str, Array]:
    """Load the embedding network that a configuration names, ready for `embedding`."""
    weights = load(config.weights)
    if not transfer.is_encoder(weights):
        raise ValueError(f"weights must be of a ResNet or an EfficientNet-Lite for TVOS, got {config.weights!r}")
    return transfer.prepare(weights)


def embedding(weights: Mapping[str, Array], frame: Array, config: TvosConfig, /) -> Array:
    """Embed a frame on the stride-8 grid [TVOS §3.5].

    Parameters
    ----------
    weights : mapping of str to array
        From `prepare`, or any arrays of that form in the frame's namespace.
    frame : array of uint8, shape (H, W, 3)
        RGB.
    config : TvosConfig

    Returns
    -------
    array, shape (h, w, D)
        Of length 1 along the last axis where `config.normalise`.
    """
    return transfer.embed(
        weights,
        frame,
        working_scale=config.working_scale,
        n_stages=config.n_stages,
        output_stride=config.output_stride,
        normalise=config.normalise,
    )


def annotate(embedding: Array, mask: Array, ids: Sequence[int], /) -> Array:
    """Bring the annotated frame's mask (H, W) to the grid of its embedding: labels (P, K), soft along edges."""
    return to_grid(mask, ids=ids, grid=embedding.shape[:2], dtype=embedding.dtype)


def decide(embedding: Array, scores: Array, ids: Sequence[int], size: tuple[int, int], /) -> Array:
    """Bring a frame's votes (P, K) to video resolution and take the largest: a mask (H, W) of ids."""
    return to_mask(scores, ids=ids, grid=embedding.shape[:2], size=size)


def init(embedding: Array, labels: Array, config: TvosConfig, /) -> TvosState:
    """Start from the annotated frame.

    Parameters
    ----------
    embedding : array, shape (h, w, D)
    labels : array, shape (P, K)
        The annotation on the grid (`labels.to_grid`); it stays soft.
    config : TvosConfig

    Returns
    -------
    TvosState

    Raises
    ------
    ValueError
        If a setting that must be positive is not.
    """
    for field in ("sigma_recent", "sigma_distant", "working_scale", "memory"):
        if not getattr(config, field) > 0:
            raise ValueError(f"{field} must be positive, got {getattr(config, field)}")
    return TvosState((_pixels(embedding),), (labels,), 1)


def add_object(state: TvosState, embedding: Array, labels: Array, config: TvosConfig, /) -> TvosState:
    """Let objects enter that are given in the frame labelled last; neither paper nor released code can.

    What is given replaces what was predicted there. Frames before it may show the objects too, as background, and
    would outvote the one that knows better: they are labelled from it as any frame is, and what is background in them
    becomes the objects as far as it votes for them.

    Parameters
    ----------
    state : TvosState
    embedding : array, shape (h, w, D)
        Of the frame ``state.t - 1``.
    labels : array, shape (P, n)
        The n new objects on its grid (`annotate`).
    config : TvosConfig

    Returns
    -------
    TvosState
        With n more columns in all labels, after those that it had.
    """
    xp = array_namespace(labels)
    newest, oldest = state.t - 1, state.t - len(state.embeddings)
    given = xp.concat([state.labels[-1] * (1 - xp.sum(labels, axis=1, keepdims=True)), labels], axis=1)
    earlier = []
    for t, (pixels, known) in enumerate(zip(state.embeddings[:-1], state.labels[:-1], strict=True), oldest):
        votes = _propagate(
            pixels, (state.embeddings[-1],), (given,), embedding.shape[:2], _sigma((t,), newest, config), config
        )
        new = soften(named(FEEDBACK, "feedback", config.feedback)(votes))[:, known.shape[1] :] * known[:, :1]
        background = known[:, :1] - xp.sum(new, axis=1, keepdims=True)
        earlier.append(xp.concat([background, known[:, 1:], new], axis=1))
    return state._replace(labels=(*earlier, given))


def frames_held(config: TvosConfig, /) -> int:
    """Count the frames that a state holds at most: it grows no further."""
    return reach(rule=config.sampling, n_recent=config.n_recent, horizon=config.horizon)


def step(state: TvosState, embedding: Array, config: TvosConfig, /) -> tuple[TvosState, Array, TvosInfo]:
    """Label the next frame.

    Parameters
    ----------
    state : TvosState
    embedding : array, shape (h, w, D)
        Of the frame `state.t`.
    config : TvosConfig

    Returns
    -------
    TvosState
        For the frame after.
    array, shape (P, K)
        Votes for each label; not normalised.
    TvosInfo
    """
    t, rule = state.t, config.sampling
    frames = reference_frames(t, rule=rule, n_recent=config.n_recent, n_sparse=config.n_sparse, horizon=config.horizon)
    oldest = t - len(state.embeddings)
    query = _pixels(embedding)
    references = tuple(state.embeddings[frame - oldest] for frame in frames)
    labels = tuple(state.labels[frame - oldest] for frame in frames)
    sigma = _sigma(frames, t, config)
    probabilities = _propagate(query, references, labels, embedding.shape[:2], sigma, config)
    seen = named(FEEDBACK, "feedback", config.feedback)(probabilities)
    keep = frames_held(config)
    following = TvosState((*state.embeddings, query)[-keep:], (*state.labels, seen)[-keep:], t + 1)
    return following, probabilities, TvosInfo(frames, sigma, seen)


def _sigma(frames: Sequence[int], t: int, config: TvosConfig) -> tuple[float, ...]:
    return motion_prior(
        frames,
        t,
        rule=config.motion,
        n_recent=config.n_recent,
        sigma_recent=config.sigma_recent,
        sigma_distant=config.sigma_distant,
    )


def _propagate(
    query: Array,
    references: Sequence[Array],
    labels: Sequence[Array],
    grid: tuple[int, int],
    sigma: Sequence[float],
    config: TvosConfig,
) -> Array:
    propagate = named(PROPAGATION, "propagation", config.propagation)
    return propagate(
        query,
        references,
        labels,
        grid=grid,
        sigma=sigma,
        temperature=config.temperature,
        memory=config.memory,
    )


def soften(probabilities: Array, /) -> Array:
    """Scale each pixel's votes to sum to 1, as labels do; a pixel without votes keeps none.

    Eq. 4 taken literally feeds back S ŷ itself. S maps the constant labelling of F frames to about √F on the next one,
    so literal soft labels grow without bound and the newest frames drown the annotated one.
    """
    xp = array_namespace(probabilities)
    total = xp.sum(probabilities, axis=1, keepdims=True)
    return probabilities / xp.where(total > 0, total, xp.ones_like(total))


def _literal(probabilities: Array, /) -> Array:
    return probabilities


PROPAGATION = {"paper": propagate_online, "released": propagate_released}
FEEDBACK = {"hard": harden, "soft": soften, "literal": _literal}


def _pixels(embedding: Array) -> Array:
    return array_namespace(embedding).reshape(embedding, (-1, embedding.shape[2]))


Config, State = TvosConfig, TvosState  # the names under which the loop finds every method's
