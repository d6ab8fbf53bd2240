"""The one loop: frames in, masks out, for any method with `embedding`, `init` and `step`.

The loop knows no paper. A method is a module of floor 2, found by its name, that offers `State`, `CONFIGS`,
`EXPLAINED`, `NOTES` and the functions `prepare`, `embedding`, `annotate`, `init`, `add_object`, `step`, `decide` and
`frames_held`; its configurations have fields `weights` and `memory`.
"""

import importlib
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from vosref.backend import Array, array_namespace, device
from vosref.labels import object_ids

__all__ = [
    "METHODS",
    "Difference",
    "Step",
    "VanishedObjectWarning",
    "configure",
    "differences",
    "method_named",
    "segment_video",
    "walk",
]

METHODS = ("tvos", "feelvos")


class VanishedObjectWarning(UserWarning):
    """An object of the first mask that no pixel of the feature grid shows, so that nothing can match it."""


class Step(NamedTuple):
    """What the loop knows after a frame."""

    t: int  # number of the frame, 0 the annotated one
    mask: Array  # (H, W) uint8 object ids
    state: Any  # the method's state, from which the next frame goes on
    info: Any  # the method's intermediates; None for the annotated frame


class Difference(NamedTuple):
    """A setting in which two configurations part, and what each value means."""

    field: str
    values: tuple[str, str]
    meanings: tuple[str, str]


def method_named(name: str, /) -> Any:
    """Return the module of a method."""
    if name not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {name!r}")
    return importlib.import_module(f"vosref.{name}")


def configure(method: str, name: str = "released", /, **fields: Any) -> Any:
    """Return a method's named configuration, with fields replaced.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    name : str
        "released", "paper", or another one of the method's `CONFIGS`.
    **fields
        Fields of the configuration. Text is read as the field's own type, so ``"40"`` will do for a number.

    Raises
    ------
    ValueError
        If a name is unknown, or a text is not of the field's type.

    Examples
    --------
    >>> import vosref
    >>> vosref.configure("tvos", "paper", horizon="20").horizon
    20
    >>> vosref.configure("feelvos", "paper", window_radius=8).feedback
    'soft'
    """
    configs = method_named(method).CONFIGS
    if name not in configs:
        raise ValueError(f"config must be one of {', '.join(configs)} for {method}, got {name!r}")
    config = configs[name]()
    for field, value in fields.items():
        if field not in config._fields:
            raise ValueError(f"{method} has no setting {field!r}; it has {', '.join(config._fields)}")
        config = config._replace(**{field: _read(field, value, type(getattr(config, field)))})
    return config


def differences(method: str, /, first: str = "paper", second: str = "released") -> list[Difference]:
    """List the settings in which two named configurations of a method part, in the order of the configuration.

    Examples
    --------
    >>> from vosref.video import differences
    >>> for part in differences("feelvos"):
    ...     part.field, part.values
    ('feedback', ('soft', 'hard'))
    ('previous_labels', ('grid', 'full'))
    """
    explained = method_named(method).EXPLAINED
    configs = configure(method, first), configure(method, second)
    pairs = ((field, *(getattr(c, field) for c in configs)) for field in configs[0]._fields)
    return [
        Difference(field, (str(a), str(b)), (explained.get((field, a), ""), explained.get((field, b), "")))
        for field, a, b in pairs
        if a != b
    ]


def segment_video(
    frames: Iterable[Array],
    first_mask: Array,
    /,
    *,
    method: str = "tvos",
    config: Any = None,
    later: Mapping[int, Array] | None = None,
) -> Iterator[Array]:
    """Segment a video, one frame at a time.

    Frames are drawn as they are needed, and only what the method can still reach is held.

    Parameters
    ----------
    frames : iterable of array of uint8, shape (H, W, 3)
        RGB, of one namespace; the first is the annotated one.
    first_mask : array of integers, shape (H, W)
        Object ids 0 to 254, 0 the background, gaps allowed.
    method : str
        One of `METHODS`.
    config : NamedTuple, optional
        The method's configuration; its released one if not given.
    later : mapping of int to array of integers, shape (H, W), optional
        Masks of objects that appear later, by the number of the frame in which each is given. Ids that are known by
        then are left alone, and 0 says nothing.

    Yields
    ------
    array of uint8, shape (H, W)
        Object ids; one mask a frame, the first one as it was given, and objects that appear later as they were.

    Raises
    ------
    TypeError
        If the configuration is another method's.

    Examples
    --------
    A small clip is rendered and segmented; the mask of its first frame is given.

    >>> import vosref
    >>> from vosref.samples import SAMPLES, render
    >>> frames, truth = render(SAMPLES["one-drifting"]._replace(n_frames=3, height=80, width=128))
    >>> masks = list(vosref.segment_video(frames, truth[0]))
    >>> len(masks), masks[2].shape, masks[2].dtype
    (3, (80, 128), dtype('uint8'))
    >>> vosref.region_similarity(masks[2] == 1, truth[2] == 1) > 0.8
    True
    """
    for step in walk(frames, first_mask, method=method, config=config, later=later):
        yield step.mask


def walk(
    frames: Iterable[Array],
    first_mask: Array,
    /,
    *,
    method: str = "tvos",
    config: Any = None,
    start: Any = None,
    later: Mapping[int, Array] | None = None,
) -> Iterator[Step]:
    """Segment a video as `segment_video` does, and yield the method's state and intermediates too.

    With `start`, a state that an earlier walk yielded, the first of `frames` is frame ``start.t``.

    Examples
    --------
    >>> from vosref.samples import SAMPLES, render
    >>> from vosref.video import walk
    >>> frames, truth = render(SAMPLES["one-drifting"]._replace(n_frames=3, height=40, width=64))
    >>> [(step.t, step.info.frames) for step in walk(frames, truth[0]) if step.info is not None]
    [(1, (0,)), (2, (0, 1))]
    """
    system = method_named(method)
    config = _checked_config(system.CONFIGS["released"](), config, method)
    entering = _entering(first_mask, later or {})
    ids = _ids_before(entering, 1 if start is None else start.t)
    weights, state = None, start
    for frame in frames:
        _check_frame(frame, first_mask)
        xp = array_namespace(frame, first_mask)
        if weights is None:
            weights = {k: xp.asarray(w, device=device(frame)) for k, w in system.prepare(config).items()}
        embedding = system.embedding(weights, frame, config)
        if state is None:
            mask, info = xp.astype(first_mask, xp.uint8), None
            labels = system.annotate(embedding, mask, ids)
            _report_vanished(labels, ids)
            state = system.init(embedding, labels, config)
        else:
            state, scores, info = system.step(state, embedding, config)
            mask = system.decide(embedding, scores, ids, first_mask.shape)
            if new := entering.get(state.t - 1):
                given, ids = (later or {})[state.t - 1], ids + new
                labels = system.annotate(embedding, given, new)
                _report_vanished(labels, new)
                state, mask = system.add_object(state, embedding, labels, config), _overwritten(mask, given, new)
        yield Step(state.t - 1, mask, state, info)


def _checked_config(usual: Any, config: Any, method: str) -> Any:
    """Return the configuration, or the usual one where none is given."""
    if not isinstance(config, type(usual) | None):
        raise TypeError(f"config must be a {type(usual).__name__} for method {method!r}, got {type(config).__name__}")
    return usual if config is None else config


def _entering(first_mask: Array, later: Mapping[int, Array]) -> dict[int, tuple[int, ...]]:
    """List the ids that enter at each frame, ascending; at frame 0, background in front."""
    entering = {0: _checked_ids("first_mask", first_mask)}
    known = set(entering[0])
    for t in sorted(later):
        if t < 1:
            raise ValueError(f"later must hold masks of frames 1 or later, got one of frame {t}")
        if later[t].shape != first_mask.shape:
            raise ValueError(f"later must hold masks of size {first_mask.shape}, got {later[t].shape} at frame {t}")
        if new := tuple(k for k in _checked_ids(f"later[{t}]", later[t]) if k not in known):
            entering[t] = new
            known |= set(new)
    return entering


def _ids_before(entering: Mapping[int, tuple[int, ...]], t: int) -> tuple[int, ...]:
    """List the ids of a state's columns, which are in the order in which they entered."""
    return tuple(k for at, ids in sorted(entering.items()) if at < t for k in ids)


def _overwritten(mask: Array, given: Array, ids: tuple[int, ...]) -> Array:
    """Put what is given over what was predicted."""
    xp = array_namespace(mask, given)
    for k in ids:
        mask = xp.where(given == k, xp.full_like(mask, k), mask)
    return mask


def _checked_ids(name: str, mask: Array) -> tuple[int, ...]:
    xp = array_namespace(mask)
    if mask.ndim != 2 or not (xp.isdtype(mask.dtype, "integral") or xp.isdtype(mask.dtype, "bool")):
        raise ValueError(f"{name} must be (H, W) integers, got {mask.shape} of {mask.dtype}")
    ids = object_ids(xp.astype(mask, xp.int64))
    if ids == (0,):
        raise ValueError(f"{name} must mark at least one object, got background alone")
    if ids[0] < 0 or ids[-1] > 254:
        raise ValueError(f"{name} must hold ids 0 to 254, got {ids[0]} to {ids[-1]}; write a 0/255 mask as (mask > 0)")
    return ids


def _report_vanished(labels: Array, ids: tuple[int, ...]) -> None:
    seen = array_namespace(labels).sum(labels, axis=0)
    for column, k in enumerate(ids):
        if k > 0 and not float(seen[column]) > 0:
            sentence = (
                f"object {k} is too small for the grid of features: no pixel of the grid shows it, so none can match"
            )
            warnings.warn(sentence, VanishedObjectWarning, stacklevel=3)


def _check_frame(frame: Array, mask: Array) -> None:
    if frame.ndim != 3 or frame.shape[2] != 3 or str(frame.dtype).rpartition(".")[2] != "uint8":
        raise ValueError(f"frames must be (H, W, 3) uint8, got {frame.shape} of {frame.dtype}")
    if frame.shape[:2] != mask.shape:
        raise ValueError(f"frames must have the size of first_mask, {mask.shape}, got {frame.shape[:2]}")


def _read(field: str, value: Any, kind: type) -> Any:
    if not isinstance(value, str):
        return value
    try:
        if kind is bool:
            return {"true": True, "false": False}[value.lower()]
        if kind is float and math.isnan(float(value)):
            raise ValueError
        return kind(value)
    except (ValueError, KeyError):
        raise ValueError(f"{field} must be of type {kind.__name__}, got {value!r}") from None
