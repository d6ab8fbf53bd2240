"""Wrong choices of frames and widths: what other methods and ports of TVOS do instead."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosref.conformance.mutants.mutant import Mutant

__all__ = ["MUTANTS"]

Array = NDArray[Any]


def _spread(first: int, last: int, count: int) -> Array:
    """Return so many frames evenly from first to last, rounded down."""
    return np.asarray([first + i * (last - first) // max(count - 1, 1) for i in range(count)], np.int64)


def _frames(
    *,
    t: int,
    rule: str,
    n_recent: int,
    n_sparse: int,
    horizon: int,
    spread: Callable[[int, int, int], Array] = _spread,
    shift: int = 0,
    gap: int = 1,
) -> Array:
    """Return frames with another spread, a horizon that is shifted, or another gap before the recent ones."""
    if t <= n_recent + n_sparse:
        return np.arange(t)
    recent, oldest = np.arange(t - n_recent, t), max(t - horizon - shift, 0)
    if rule == "uniform":
        return np.concatenate([spread(oldest, t - 1, n_recent + n_sparse)[:-1], [t - 1]])
    if rule == "paper":
        return np.concatenate([spread(oldest, t - n_recent - gap, n_sparse), recent])
    oldest = max(t - n_recent - horizon - shift, 0)
    return np.concatenate([spread(oldest, t - n_recent + 1 - gap, n_sparse + 1)[:-1], recent])


def _rounded_spread(first: int, last: int, count: int) -> Array:
    return np.round(np.linspace(first, last, count)).astype(np.int64)


def _open_spread(first: int, last: int, count: int) -> Array:
    """Leave the last one out: range with a step."""
    return np.asarray([first + i * (last + 1 - first) // max(count, 1) for i in range(count)], np.int64)


def _with(**parts: Any) -> Callable[..., Array]:
    return lambda **options: _frames(**options, **parts)


def _three_recent(*, n_recent: int, **options: Any) -> Array:
    return _frames(n_recent=n_recent - 1 if n_recent > 1 else 1, **options)


def _exchanged_rules(*, rule: str, **options: Any) -> Array:
    return _frames(rule={"paper": "released", "released": "paper"}.get(rule, rule), **options)


def _first_always(**options: Any) -> Array:
    """Look at frame 0 from every target."""
    frames = _frames(**options)
    frames[0] = 0
    return frames


def _first_and_recent(*, t: int, n_recent: int, n_sparse: int, **_: Any) -> Array:
    """Look at frame 0 and the frames before the target, densely."""
    return np.unique(np.concatenate([[0], np.arange(max(t - n_recent - n_sparse + 1, 0), t)]))


def _replicated(*, t: int, n_recent: int, n_sparse: int, **options: Any) -> Array:
    """Fill a short past up with frame 0."""
    frames = _frames(t=t, n_recent=n_recent, n_sparse=n_sparse, **options)
    return np.concatenate([np.zeros(n_recent + n_sparse - len(frames), np.int64), frames])


def _newest_first(**options: Any) -> Array:
    return _frames(**options)[::-1]


def _with_target(*, t: int, **options: Any) -> Array:
    return _frames(t=t, **options) + 1 if t > 1 else np.zeros(1, np.int64)


def _endless(*, horizon: int, t: int, **options: Any) -> Array:
    return _frames(t=t, horizon=max(horizon, t), **options)


def _early_choice(*, t: int, n_recent: int, n_sparse: int, **options: Any) -> Array:
    """Choose as soon as there are as many frames as are taken."""
    if t != n_recent + n_sparse:
        return _frames(t=t, n_recent=n_recent, n_sparse=n_sparse, **options)
    return np.arange(1, t)


def _one_based(**options: Any) -> Array:
    """Start to count at 1."""
    return _frames(**options) + 1


def _prior(
    frames: Array,
    /,
    *,
    t: int,
    rule: str,
    n_recent: int,
    sigma_recent: float,
    sigma_distant: float,
    switch: int = 15,
    extra: int = 0,
    always: str = "",
) -> Array:
    """Return widths with another switch, another number of recent frames, or another rule."""
    rule = always or rule
    if rule == "single" or (rule == "released" and t <= switch):
        return np.full(len(frames), sigma_recent)
    return np.where(frames >= t - n_recent - extra, sigma_recent, sigma_distant)


def _prior_with(**parts: Any) -> Callable[..., Array]:
    return lambda frames, /, **options: _prior(frames, **options, **parts)


def _exchanged(frames: Array, /, *, sigma_recent: float, sigma_distant: float, **options: Any) -> Array:
    return _prior(frames, sigma_recent=sigma_distant, sigma_distant=sigma_recent, **options)


def _by_place(frames: Array, /, *, n_recent: int, sigma_recent: float, sigma_distant: float, **_: Any) -> Array:
    """Take the last n frames of the list for the recent ones, whichever they are."""
    sigma = np.full(len(frames), sigma_distant)
    sigma[-n_recent:] = sigma_recent
    return sigma


def _first_unrestricted(frames: Array, /, **options: Any) -> Array:
    """Trust the first frame everywhere."""
    return np.where(frames == 0, np.inf, _prior(frames, **options))


def _fixed(frames: Array, /, *, t: int, rule: str, n_recent: int, **_: Any) -> Array:
    return _prior(frames, t=t, rule=rule, n_recent=n_recent, sigma_recent=8.0, sigma_distant=21.0)


FRAMES = (
    (
        "rounded",
        "evenly spread frames are rounded to the nearest instead of down",
        "classic",
        _with(spread=_rounded_spread),
    ),
    ("open", "the newest of the spread frames is left out", "classic", _with(spread=_open_spread)),
    ("horizon", "the horizon is counted from another frame", "classic", _with(shift=1)),
    ("gap", "the spread frames end one too early", "classic", _with(gap=2)),
    ("overlap", "a recent frame is taken twice", "classic", _with(gap=0)),
    ("three-recent", "one recent frame fewer is taken", "TVOS's code", _three_recent),
    ("rules", "the paper's rule and the code's are exchanged", "TVOS's code", _exchanged_rules),
    ("first-always", "frame 0 is looked at from every target", "DINO", _first_always),
    ("first-and-recent", "frame 0 and the last frames are taken, none in between", "DINO", _first_and_recent),
    ("replicated", "a short past is filled up with frame 0", "videowalk", _replicated),
    ("newest-first", "the newest frame comes first", "classic", _newest_first),
    ("target", "the target itself is looked at", "classic", _with_target),
    ("endless", "there is no horizon", "classic", _endless),
    ("early", "frames are chosen one target too early", "classic", _early_choice),
    ("one-based", "frames are numbered from 1", "classic", _one_based),
)
PRIOR = (
    ("always-paper", "the code's single σ up to t = 15 is left out", "TVOS's paper", _prior_with(always="paper")),
    (
        "always-released",
        "one σ is used up to t = 15 where the paper has two",
        "TVOS's code",
        _prior_with(always="released"),
    ),
    ("switch-14", "the second σ starts at t = 15", "classic", _prior_with(switch=14)),
    ("switch-9", "the second σ starts with the sparse frames", "classic", _prior_with(switch=9)),
    ("three-recent", "one frame fewer counts as recent", "TVOS's code", _prior_with(extra=-1)),
    ("five-recent", "one frame more counts as recent", "classic", _prior_with(extra=1)),
    ("exchanged", "recent and distant widths are exchanged", "classic", _exchanged),
    ("by-place", "the last of the list count as recent, whichever frames they are", "classic", _by_place),
    ("first-unrestricted", "frame 0 is not restricted in space", "videowalk", _first_unrestricted),
    ("fixed", "the widths are always 8 and 21", "classic", _fixed),
)
MUTANTS: tuple[Mutant, ...] = (
    *(Mutant(f"frames-{name}", "reference_frames", wrong, source, f) for name, wrong, source, f in FRAMES),
    *(Mutant(f"prior-{name}", "motion_prior", wrong, source, f) for name, wrong, source, f in PRIOR),
)
