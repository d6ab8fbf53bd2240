"""Problems of sampling: targets early and late, and other numbers of frames."""

from collections.abc import Callable
from typing import Any

import numpy as np

from vosref.conformance.draws import Draw
from vosref.conformance.operations.operation import Problem

__all__ = ["frames", "prior", "random_frames", "random_prior"]

FRAMES = {"rule": "paper", "n_recent": 4, "n_sparse": 5, "horizon": 40}
PRIOR = {"rule": "paper", "n_recent": 4, "sigma_recent": 8.0, "sigma_distant": 21.0}


def frames(t: int, **options: Any) -> Callable[[Draw], Problem]:
    """Return the problem of one target, with the paper's options but for some."""
    return lambda _: Problem({}, {"t": t} | FRAMES | options)


def random_frames(draw: Draw) -> Problem:
    """Any target, rule and numbers; often where the past is just long enough to choose from it."""
    recent, sparse = draw.integer(1, 6), draw.integer(0, 7)
    horizon, rule = recent + sparse + draw.integer(0, 40), draw.choice(["paper", "released", "uniform"])
    t = draw.choice([draw.integer(1, 120), max(recent + sparse + draw.integer(-1, 2), 1)])
    return frames(t, rule=rule, n_recent=recent, n_sparse=sparse, horizon=horizon)(draw)


def prior(t: int, **options: Any) -> Callable[[Draw], Problem]:
    """Return the problem of one target and nine frames before it, the last four and some at steps of up to five."""
    past = np.concatenate([np.linspace(max(t - 40, 0), t - 5, 5).astype(np.int64), np.arange(t - 4, t)])
    return lambda _: Problem({"frames": past}, {"t": t} | PRIOR | options)


def random_prior(draw: Draw) -> Problem:
    """Any target, frames and numbers; widths that half precision holds."""
    t, stream = draw.integer(1, 60), draw.stream()
    past = np.flatnonzero(stream.uniform(t) < 0.5)
    sigma = {name: draw.integer(1, 100) / 2 for name in ("sigma_recent", "sigma_distant")}
    rule = draw.choice(["paper", "released", "single"])
    options = {"t": t, "rule": rule, "n_recent": draw.integer(1, 6), **sigma}
    return Problem({"frames": past if past.size else np.array([t - 1])}, options)
