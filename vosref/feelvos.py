"""FEELVOS: soft distance maps to the first and the previous frame, and a head that decides [FEELVOS §3].

A frame's embedding is matched globally to the first frame and locally to the previous one; for each object, a small
head turns the two distance maps, the previous prediction and the decoder's features into a logit. Where paper and
released code part, a field of `FeelvosConfig` has a small function behind it.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from vosref.backend import Array, array_namespace
from vosref.feelvos_config import CONFIGS, CUES, EXPLAINED, NOTES, FeelvosConfig
from vosref.feelvos_state import FeelvosState, add_pixels
from vosref.labels import harden, to_grid, to_mask
from vosref.matching import global_matching, local_matching
from vosref.nn import deeplab, heads, transfer
from vosref.nn.networks import network
from vosref.options import named
from vosref.weights import load

__all__ = [
    "CONFIGS",
    "EXPLAINED",
    "NOTES",
    "FeelvosConfig",
    "FeelvosInfo",
    "FeelvosState",
    "FeelvosView",
    "add_object",
    "annotate",
    "decide",
    "embedding",
    "frames_held",
    "init",
    "prepare",
    "step",
]


class FeelvosView(NamedTuple):
    """What the networks see in a frame.

    Examples
    --------
    A frame of 4 by 8 pixels, seen as a grid of 1 by 2 with an embedding of three components:

    >>> import numpy as np
    >>> import vosref
    >>> from vosref import feelvos
    >>> view = vosref.FeelvosView(np.zeros((1, 2, 3)), size=(4, 8))
    >>> mask = np.array([[0, 0, 0, 0, 6, 6, 6, 6]] * 4)
    >>> feelvos.annotate(view, mask, (0, 6)).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """

    embedding: Array  # (h, w, D)
    size: tuple[int, int]  # of the frame, in pixels
    head: Callable[[Array], Array] | None = None  # from cues (h, w, K, n) to logits (h, w, K), where there is a head


class FeelvosInfo(NamedTuple):
    """The paper's intermediates of one step, each (P, K).

    Examples
    --------
    Two pixels, background and an object, that change places:

    >>> import numpy as np
    >>> import vosref
    >>> from vosref import feelvos
    >>> config = vosref.FeelvosConfig.nearest()
    >>> view = vosref.FeelvosView(np.array([[[0.0], [1.0]]]), size=(4, 8))
    >>> state = feelvos.init(view, np.eye(2), config)
    >>> _, _, info = feelvos.step(state, view._replace(embedding=np.array([[[1.0], [0.0]]])), config)
    >>> info.global_distance.round(3)
    array([[0.462, 0.   ],
           [0.   , 0.462]])
    >>> info.probabilities
    array([[0., 1.],
           [1., 0.]])
    """

    global_distance: Array | None  # G; None where it is switched off
    local_distance: Array | None  # L, or Ĝ; None where it is switched off
    previous: Array  # the previous frame's probabilities, as the head sees them
    logits: Array | None  # None where there is no head
    probabilities: Array  # softmax of the logits on the grid, or the nearest neighbour's label, one-hot


def prepare(config: FeelvosConfig, /) -> dict[str, Array]:
    """Load the networks that a configuration names, ready for `embedding`."""
    weights = load(config.weights)
    if config.decision == "nearest" and not _has_embedding(weights) and transfer.is_encoder(weights):
        return transfer.prepare(weights)
    if not _has_embedding(weights) or "head/0/depthwise/kernel" not in weights:
        raise ValueError(f"weights must have FEELVOS's embedding and head, got {config.weights!r}, which has not")
    order = named(INPUT_ORDER, "input_order", config.input_order)
    if config.decision == "head":
        _check_cues(weights, config)
        parts = [part for part in order if part in ("features", *config.taken)]
        weights = heads.reorder(weights, parts, ("features", *config.taken))
    return network("feelvos-").fold(weights)


def embedding(weights: Mapping[str, Array], frame: Array, config: FeelvosConfig, /) -> FeelvosView:
    """Embed a frame on the stride-4 grid, and make the head ready for it [FEELVOS §3.1].

    Parameters
    ----------
    weights : mapping of str to array
        From `prepare`, or any arrays of that form in the frame's namespace.
    frame : array of uint8, shape (H, W, 3)
        RGB.
    config : FeelvosConfig

    Returns
    -------
    FeelvosView
    """
    size = frame.shape[:2]
    if not _has_embedding(weights):
        grid = -(-size[0] // 4), -(-size[1] // 4)
        options = {field: getattr(config, field) for field in ("working_scale", "n_stages", "normalise")}
        x = transfer.embed(weights, frame, output_stride=config.transfer_stride, grid=grid, **options)
        return FeelvosView(x, size)
    image = array_namespace(frame).astype(frame, weights["embedding/pointwise/kernel"].dtype)
    features = deeplab.features(weights, image, output_stride=config.output_stride)
    head = functools.partial(heads.segmentation_head, weights, features, relu=config.head_relu)
    return FeelvosView(heads.embedding(weights, features, relu=config.embedding_relu), size, head)


def annotate(view: FeelvosView, mask: Array, ids: Sequence[int], /) -> Array:
    """Bring the annotated frame's mask (H, W) to the grid: one-hot labels (P, K) of the nearest pixels."""
    return to_grid(mask, ids=ids, grid=view.embedding.shape[:2], dtype=view.embedding.dtype, nearest=True)


def decide(view: FeelvosView, scores: Array, ids: Sequence[int], size: tuple[int, int], /) -> Array:
    """Bring a frame's logits (P, K) to video resolution and take the largest: a mask (H, W) of ids."""
    return to_mask(scores, ids=ids, grid=view.embedding.shape[:2], size=size, align_corners=True)


def init(view: FeelvosView, labels: Array, config: FeelvosConfig, /) -> FeelvosState:
    """Start from the annotated frame.

    Parameters
    ----------
    view : FeelvosView
    labels : array, shape (P, K)
        Its one-hot labels on the grid (`annotate`).
    config : FeelvosConfig

    Returns
    -------
    FeelvosState

    Raises
    ------
    ValueError
        If a setting is out of its range, or nothing is matched.
    """
    for field in ("working_scale", "memory"):
        if not getattr(config, field) > 0:
            raise ValueError(f"{field} must be positive, got {getattr(config, field)}")
    if not config.first_frame and config.previous_frame == "none":
        raise ValueError("first_frame and previous_frame must not both be off: nothing would be matched")
    named(INPUT_ORDER, "input_order", config.input_order)
    pixels = _pixels(view.embedding)
    return FeelvosState((pixels, labels), (pixels, labels, labels), 1)


def frames_held(_config: FeelvosConfig, /) -> int:
    """Count the frames after which a state grows no further: it has places for the first and the previous one."""
    return 1


def add_object(state: FeelvosState, _view: FeelvosView, labels: Array, config: FeelvosConfig, /) -> FeelvosState:
    """Let objects enter that are given in the frame labelled last; see `feelvos_state.add_pixels`."""
    return add_pixels(state, labels, config)


def step(state: FeelvosState, view: FeelvosView, config: FeelvosConfig, /) -> tuple[FeelvosState, Array, FeelvosInfo]:
    """Label the next frame.

    Parameters
    ----------
    state : FeelvosState
    view : FeelvosView
        Of the frame `state.t`.
    config : FeelvosConfig

    Returns
    -------
    FeelvosState
        For the frame after.
    array, shape (P, K)
        Logits, or the nearest neighbour's one-hot labels: the largest wins, once at video resolution (`decide`).
    FeelvosInfo
    """
    query, seen = _pixels(view.embedding), state.previous[2]
    far = None
    if config.first_frame:
        far = global_matching(query, *state.first, n_neighbours=config.n_neighbours, memory=config.memory)
    near = named(PREVIOUS_FRAME, "previous_frame", config.previous_frame)(query, state, view, config)
    scores, probabilities = named(DECISION, "decision", config.decision)(view, far, near, seen, config)
    labels = named(PREVIOUS_LABELS, "previous_labels", config.previous_labels)(view, scores)
    feedback = named(FEEDBACK, "feedback", config.feedback)(probabilities, labels)
    logits = scores if config.decision == "head" else None
    info = FeelvosInfo(far, near, seen, logits, probabilities)
    return FeelvosState(state.first, (query, labels, feedback), state.t + 1), scores, info


def _locally(query: Array, state: FeelvosState, view: FeelvosView, config: FeelvosConfig) -> Array:
    return local_matching(
        query,
        *state.previous[:2],
        grid=view.embedding.shape[:2],
        window_radius=config.window_radius,
        memory=config.memory,
    )


def _globally(query: Array, state: FeelvosState, _view: FeelvosView, config: FeelvosConfig) -> Array:
    return global_matching(query, *state.previous[:2], n_neighbours=config.n_neighbours, memory=config.memory)


def _by_head(
    view: FeelvosView, far: Array | None, near: Array | None, seen: Array, config: FeelvosConfig
) -> tuple[Array, Array]:
    """Run the head on what is not switched off, in the released order: global, previous prediction, local."""
    xp, (height, width, _) = array_namespace(seen), view.embedding.shape
    cues = far, seen if config.previous_mask else None, near
    maps = named(MISSING_CUES, "missing_cues", config.missing_cues)(cues, seen)
    if view.head is None:
        raise ValueError('decision must be "nearest" for weights without a head, got "head"')
    logits = view.head(xp.stack([xp.reshape(m, (height, width, -1)) for m in maps], axis=3))
    logits = xp.reshape(logits, (height * width, -1))
    weight = xp.exp(logits - xp.max(logits, axis=1, keepdims=True))
    return logits, weight / xp.sum(weight, axis=1, keepdims=True)


def _by_nearest(
    _view: FeelvosView, far: Array | None, near: Array | None, seen: Array, _config: FeelvosConfig
) -> tuple[Array, Array]:
    """Give each pixel the label of its nearest reference pixel, as PML does; the first object wins a tie."""
    distances = [m for m in (far, near) if m is not None]
    label = harden(-functools.reduce(array_namespace(seen).minimum, distances))
    return label, label


def _at_full_resolution(view: FeelvosView, scores: Array) -> Array:
    ids = range(scores.shape[1])
    return annotate(view, decide(view, scores, ids, view.size), ids)


def _with_neutral(cues: Sequence[Array | None], like: Array) -> list[Array]:
    """Put 1, the largest distance, for a missing distance map, and 0, no object's pixel, for a missing prediction."""
    xp = array_namespace(like)
    return [xp.full_like(like, v) if m is None else m for m, v in zip(cues, (1.0, 0.0, 1.0), strict=True)]


PREVIOUS_FRAME = {"local": _locally, "global": _globally, "none": lambda *_: None}
DECISION = {"head": _by_head, "nearest": _by_nearest}
PREVIOUS_LABELS = {"full": _at_full_resolution, "grid": lambda _view, scores: harden(scores)}
FEEDBACK = {"hard": lambda _probabilities, labels: labels, "soft": lambda probabilities, _labels: probabilities}
MISSING_CUES = {"refuse": lambda cues, _: [m for m in cues if m is not None], "neutral": _with_neutral}
INPUT_ORDER = {
    "released": ("features", "global", "previous", "local"),
    "paper": ("global", "local", "previous", "features"),
}


def _has_embedding(weights: Mapping[str, Array]) -> bool:
    return "embedding/pointwise/kernel" in weights


def _check_cues(weights: Mapping[str, Array], config: FeelvosConfig) -> None:
    channels = weights["head/0/depthwise/kernel"].shape[2]
    features = weights["embedding/depthwise/kernel"].shape[2]
    if channels != (needed := features + len(config.taken)):
        remedy = "; with missing_cues=neutral it runs without" if channels == features + len(CUES) else ""
        raise ValueError(
            f"weights must have a head of {needed} channels for the features and {', '.join(config.taken)}, "
            f"got {channels} in {config.weights!r}{remedy}"
        )


def _pixels(embedding: Array) -> Array:
    return array_namespace(embedding).reshape(embedding, (-1, embedding.shape[2]))


Config, State = FeelvosConfig, FeelvosState  # the names under which the loop finds every method's
