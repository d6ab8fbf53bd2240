"""Wrong label propagation over a video: which frames, which widths, and what is fed back [TVOS §3.3]."""

from collections.abc import Callable
from typing import Any

import numpy as np

from vosref.conformance.mutants import parts
from vosref.conformance.mutants.dense import with_parts as but
from vosref.conformance.mutants.dense_votes import Array, online, released
from vosref.conformance.mutants.mutant import table
from vosref.conformance.mutants.propagation import background_is_the_rest, first_anywhere
from vosref.sampling import motion_prior, reference_frames

__all__ = ["MUTANTS", "in_text_order", "video"]

CODE = "TVOS's released code, landscape §2"
SPECS = "specs TVOS §2"
WALK = "videowalk, landscape §2"
DINO = "DINO, landscape §2"
Rule = Callable[..., tuple[int, ...]]
FORMS: dict[str, Callable[..., Array]] = {"paper": online, "released": released}


def hard(votes: Array, _options: Any = None) -> Array:
    """One-hot labels of the largest votes."""
    return np.asarray(np.eye(votes.shape[1])[np.argmax(votes, axis=1)])


def soft(votes: Array, _options: Any = None) -> Array:
    """Votes scaled to sum to 1."""
    total = np.sum(votes, axis=1, keepdims=True)
    return np.asarray(votes / np.where(total > 0, total, 1.0))


def fed_back(votes: Array, options: dict[str, Any]) -> Array:
    """Return what the options say that later frames see."""
    return {"hard": hard, "soft": soft, "literal": lambda v: v}[options["feedback"]](votes)


def sampled(t: int, options: dict[str, Any]) -> tuple[int, ...]:
    """Frames that the options' rule takes."""
    sizes = {name: options[name] for name in ("n_recent", "n_sparse", "horizon")}
    return reference_frames(t, rule=options["sampling"], **sizes)


def widths(frames: tuple[int, ...], t: int, options: dict[str, Any]) -> tuple[float, ...]:
    """Widths of the options' rule."""
    sizes = {name: options[name] for name in ("n_recent", "sigma_recent", "sigma_distant")}
    return motion_prior(frames, t, rule=options["motion"], **sizes)


def video(
    embeddings: Array,
    labels: Array,
    /,
    *,
    look: Rule = sampled,
    width: Callable[..., tuple[float, ...]] = widths,
    step: Callable[..., Array] | None = None,
    feed: Callable[[Array, Any], Array] = fed_back,
    first: Callable[[Array], Array] = np.asarray,
    late: int = 0,
    **options: Any,
) -> Array:
    """Label a video, with parts to be replaced by wrong ones; labels are those of the frame `late` frames before."""
    propagate = step or FORMS[options["propagation"]]
    pixels = embeddings.reshape(len(embeddings), -1, embeddings.shape[3])
    known, out = [first(labels)], []
    for t in range(1, len(pixels)):
        frames = look(t, options)
        seen = np.stack([known[max(frame - late, 0)] for frame in frames])
        sigma = width(frames, t, options)
        settings = {"grid": embeddings.shape[1:3], "sigma": sigma, "temperature": options["temperature"]}
        out.append(propagate(pixels[t], pixels[list(frames)], seen, **settings))
        known.append(feed(out[-1], options))
    return np.stack(out)


def in_text_order(form: Callable[..., Array]) -> Callable[..., Array]:
    """Read frames in the order of their numbers as text: 10 before 2."""

    def run(embeddings: Array, labels: Array, /, **options: Any) -> Array:
        return form(embeddings[sorted(range(len(embeddings)), key=str)], labels, **options)

    return run


def _both(**replaced: Any) -> Callable[..., Array]:
    """Replace a part of either propagation."""

    def run(*arrays: Array, **options: Any) -> Array:
        changed = but(FORMS[options["propagation"]], **replaced)
        return video(*arrays, step=changed, **options)

    return run


def _stepping(change: Any) -> Callable[..., Array]:
    """Change either propagation as a whole."""

    def run(*arrays: Array, **options: Any) -> Array:
        changed: Callable[..., Array] = change(FORMS[options["propagation"]])
        return video(*arrays, step=changed, **options)

    return run


def _exchanged(*arrays: Array, **options: Any) -> Array:
    other = {"released": "paper", "paper": "released"}[options["propagation"]]
    return video(*arrays, step=FORMS[other], **options)


def _by(**changed: Any) -> Callable[..., Array]:
    """Have one rule, whatever is asked for."""
    return lambda *arrays, **options: video(*arrays, **options | changed)


def _switch_at(begin: int) -> Callable[..., tuple[float, ...]]:
    """Switch the released rule's widths at another frame than 16."""

    def rule(frames: tuple[int, ...], t: int, options: dict[str, Any]) -> tuple[float, ...]:
        if options["motion"] != "released":
            return widths(frames, t, options)
        return widths(frames, t, options | {"motion": "single" if t < begin else "paper"})

    return rule


def _one_recent_more(frames: tuple[int, ...], t: int, options: dict[str, Any]) -> tuple[float, ...]:
    return widths(frames, t, options | {"n_recent": options["n_recent"] + 1})


def _exchanged_widths(frames: tuple[int, ...], t: int, options: dict[str, Any]) -> tuple[float, ...]:
    turned = {"sigma_recent": options["sigma_distant"], "sigma_distant": options["sigma_recent"]}
    return widths(frames, t, options | turned)


def _keeping_first(t: int, options: dict[str, Any]) -> tuple[int, ...]:
    frames = sampled(t, options)
    return (0, *frames[1:]) if len(frames) > 1 else frames


def _first_and_last(t: int, options: dict[str, Any]) -> tuple[int, ...]:
    return (0, *range(max(1, t - options["n_recent"] - options["n_sparse"]), t))


def _rounded(t: int, options: dict[str, Any]) -> tuple[int, ...]:
    """Round the sparse frames to the nearest instead of down."""
    frames, n_recent, n_sparse = sampled(t, options), options["n_recent"], options["n_sparse"]
    if options["sampling"] != "released" or t <= n_recent + n_sparse:
        return frames
    newest = t - n_recent
    points = np.linspace(max(newest - options["horizon"], 0), newest, n_sparse + 1)
    return (*(int(np.floor(point + 0.5)) for point in points[:-1]), *frames[n_sparse:])


def _newest_sparse_twice(t: int, options: dict[str, Any]) -> tuple[int, ...]:
    """Take the last sparse point, the oldest recent frame, a second time."""
    frames, n_recent = sampled(t, options), options["n_recent"]
    enough = t > n_recent + options["n_sparse"] and options["sampling"] == "released"
    return (*frames[:-n_recent], t - n_recent, *frames[-n_recent:]) if enough else frames


def _short_memory(t: int, options: dict[str, Any]) -> tuple[int, ...]:
    """Reach one frame less far back."""
    far = options["horizon"] + (options["n_recent"] if options["sampling"] == "released" else 0) - 1
    return tuple(max(frame, t - max(far, 1)) for frame in sampled(t, options))


def _shared(form: Any) -> Any:
    return lambda *arrays, **options: soft(form(*arrays, **options))


MUTANTS = table(
    "tvos_video",
    (
        "tvos-always-soft",
        "soft votes are fed back where labels should be",
        "the other trackers, landscape §2",
        _by(feedback="soft"),
    ),
    ("tvos-always-hard", "labels are fed back where soft votes should be", CODE, _by(feedback="hard")),
    (
        "tvos-literal",
        "soft votes are fed back without being scaled",
        "TVOS's paper, specs TVOS §4",
        but(video, feed=lambda v, o: v if o["feedback"] == "soft" else fed_back(v, o)),
    ),
    ("tvos-first-hard", "the first frame's labels are made one-hot", SPECS, but(video, first=hard)),
    ("tvos-late", "each frame is remembered with the labels of the one before", "classic", but(video, late=1)),
    ("tvos-switch-early", "widths are switched from t = 15 on", "classic", but(video, width=_switch_at(15))),
    ("tvos-switch-late", "widths are switched from t = 17 on", "classic", but(video, width=_switch_at(17))),
    (
        "tvos-no-switch",
        "widths are switched from the start",
        "TVOS's paper, landscape §2",
        but(video, width=_switch_at(0)),
    ),
    ("tvos-one-width", "one width serves for all frames", "specs TVOS §2.7", _by(motion="single")),
    ("tvos-recent-more", "one frame too many counts as recent", "classic", but(video, width=_one_recent_more)),
    (
        "tvos-widths-exchanged",
        "recent frames have the wide spatial term",
        "classic",
        but(video, width=_exchanged_widths),
    ),
    ("tvos-paper-frames", "frames are sampled by the paper's rule", "landscape §2", _by(sampling="paper")),
    ("tvos-released-frames", "frames are sampled by the released rule", CODE, _by(sampling="released")),
    ("tvos-uniform", "frames are sampled evenly", "TVOS's Table 2", _by(sampling="uniform")),
    ("tvos-keeps-first", "frame 0 is always looked at", SPECS, but(video, look=_keeping_first)),
    ("tvos-first-and-last", "the first frame and the last ones are looked at", DINO, but(video, look=_first_and_last)),
    ("tvos-all-frames", "every past frame is looked at", "classic", but(video, look=lambda t, _: tuple(range(t)))),
    ("tvos-rounded", "sparse frames are rounded to the nearest, not down", "classic", but(video, look=_rounded)),
    (
        "tvos-twice",
        "the newest sparse frame is a recent one, seen twice",
        "classic",
        but(video, look=_newest_sparse_twice),
    ),
    ("tvos-short-memory", "the oldest frame is forgotten too early", "classic", but(video, look=_short_memory)),
    ("tvos-exchanged", "the paper's S stands for the softmax, and the other way round", "landscape §2", _exchanged),
    ("tvos-sheared", "the row is i / W by true division", CODE, _both(term=parts.sheared)),
    ("tvos-transposed", "height and width of the grid are exchanged", DINO, _both(term=parts.transposed)),
    ("tvos-2-sigma", "the exponent is d² / 2σ²", SPECS, _both(term=parts.double_variance)),
    ("tvos-pixels", "distances are in pixels of the frame, not cells", "classic", _both(term=parts.in_pixels)),
    ("tvos-nowhere", "there is no spatial term", SPECS, _both(term=parts.nowhere)),
    ("tvos-first-anywhere", "the oldest frame has no spatial term", WALK, _stepping(first_anywhere)),
    ("tvos-renormalised", "votes are scaled to sum to 1", SPECS, _stepping(_shared)),
    ("tvos-divided", "the temperature divides", WALK, _both(logits=parts.divided)),
    ("tvos-opposite", "the least alike have the largest weight", "classic", _both(logits=parts.opposite)),
    ("tvos-rest", "the first object gets what the others leave", "classic", _stepping(background_is_the_rest)),
    (
        "tvos-text-order",
        "frames come in the order of their numbers as text, 10 before 2",
        "classic",
        in_text_order(video),
    ),
)
