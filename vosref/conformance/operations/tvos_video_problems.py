"""Videos for TVOS from end to end: objects that drift over a small grid, and whose labels are beyond doubt."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from vosref.conformance.draws import Draw
from vosref.conformance.operations.frames import clip
from vosref.conformance.operations.operation import Problem

__all__ = ["PAPER", "random", "still", "video"]

RELEASED: dict[str, Any] = {
    "sampling": "released",
    "motion": "released",
    "propagation": "released",
    "feedback": "hard",
    "n_recent": 2,
    "n_sparse": 2,
    "horizon": 6,
    "sigma_recent": 1.5,
    "sigma_distant": 4.0,
    "temperature": 1.0,
}
PAPER: dict[str, Any] = {"sampling": "paper", "motion": "paper", "propagation": "paper", "feedback": "soft"}


def video(
    n_frames: int,
    rules: Mapping[str, Any] = RELEASED,
    /,
    *,
    grid: tuple[int, int] = (3, 4),
    k: int = 3,
    softened: bool = False,
    **options: Any,
) -> Callable[[Draw], Problem]:
    """Return problems of so many frames, by some rules, with sizes made small and some options of their own."""

    def made(draw: Draw) -> Problem:
        stream = draw.stream()
        embeddings, labels = clip(stream, n_frames, grid, k=k)
        first = labels[0]
        if softened:
            mixed = first + 0.4 * stream.uniform(*first.shape)
            first = mixed / np.sum(mixed, axis=1, keepdims=True)
        return Problem({"embeddings": embeddings, "labels": first}, RELEASED | dict(rules) | options)

    return made


def random(draw: Draw) -> Problem:
    """Any choice of rules, on a few frames."""
    grid = draw.integer(1, 3), draw.integer(2, 4)
    options: dict[str, Any] = {
        "sampling": draw.choice(["paper", "released", "uniform"]),
        "motion": draw.choice(["paper", "released", "single"]),
        "propagation": draw.choice(["paper", "released"]),
        "feedback": draw.choice(["hard", "soft"]),
        "n_recent": draw.integer(1, 2),
        "n_sparse": draw.integer(0, 2),
    }
    options |= {"horizon": draw.integer(options["n_recent"] + options["n_sparse"], 5)}
    options |= {"sigma_recent": draw.choice([0.8, 1.5, 8.0]), "sigma_distant": draw.choice([2.0, 21.0])}
    options |= {"temperature": draw.choice([0.5, 1.0, 2.0])}
    return video(draw.integer(2, 7), grid=grid, k=draw.integer(1, 3), softened=draw.choice([False, True]), **options)(
        draw
    )


def still(draw: Draw) -> Problem:
    """Six frames that are the same."""
    problem = video(6, sigma_recent=0.6, sigma_distant=0.6)(draw)
    first = problem.inputs["embeddings"][:1]
    return problem._replace(inputs=problem.inputs | {"embeddings": np.repeat(first, 6, axis=0)})
