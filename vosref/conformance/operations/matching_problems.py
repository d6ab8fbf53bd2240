"""Problems of matching: two frames of objects that look like themselves, and the odd ones."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosref.conformance.draws import Draw, Stream
from vosref.conformance.operations.operation import Problem

__all__ = [
    "everywhere",
    "global_problem",
    "local_problem",
    "near_twins",
    "pair_problem",
    "pairs",
    "windowed",
    "without_object",
]


def pair_problem(draw: Draw) -> Problem:
    """Any two frames."""
    p, r, d = draw.integer(1, 8), draw.integer(1, 9), draw.integer(1, 12)
    stream, size = draw.stream(), draw.real(0.1, 1.0)
    return Problem({"query": size * stream.normal(p, d), "reference": size * stream.normal(r, d)}, {})


def _scene(
    stream: Stream, pixels: int, references: int, d: int, k: int, *, size: float = 0.3, known: float = 0.9
) -> dict[str, NDArray[Any]]:
    """Two frames of k objects that look like themselves: a mean for each, and as much noise."""
    means, labels = size * stream.normal(k, d), stream.one_hot(references, k, known=known)
    seen = stream.one_hot(pixels, k) @ means + size * stream.normal(pixels, d) / 2
    return {"query": seen, "reference": labels @ means + size * stream.normal(references, d) / 2, "labels": labels}


def global_problem(draw: Draw) -> Problem:
    """Any two frames with objects in the second."""
    p, r, d, k = draw.integer(1, 9), draw.integer(1, 12), draw.integer(1, 12), draw.integer(1, 4)
    known, n = draw.choice([0.6, 1.0]), draw.choice([1, 1, 2, 3])
    return Problem(_scene(draw.stream(), p, r, d, k, size=draw.real(0.1, 0.5), known=known), {"n_neighbours": n})


def local_problem(draw: Draw) -> Problem:
    """Any grid and window."""
    grid = draw.integer(1, 6), draw.integer(1, 7)
    d, k, radius = draw.integer(1, 12), draw.integer(1, 4), draw.integer(0, 7)
    known, size = draw.choice([0.6, 1.0]), draw.real(0.1, 0.5)
    return _window(draw, grid, radius, d=d, k=k, known=known, size=size)


def _window(draw: Draw, grid: tuple[int, int], radius: int, *, d: int = 8, k: int = 3, **scene: float) -> Problem:
    pixels = grid[0] * grid[1]
    made = _scene(draw.stream(), pixels, pixels, d, k, **scene)
    inputs = {"query": made["query"], "previous": made["reference"], "labels": made["labels"]}
    return Problem(inputs, {"grid": grid, "window_radius": radius})


def everywhere(p: int, r: int, k: int = 3, d: int = 8, n: int = 1, **scene: float) -> Callable[[Draw], Problem]:
    """Frames of so many pixels, objects and dimensions."""
    return lambda draw: Problem(_scene(draw.stream(), p, r, d, k, **scene), {"n_neighbours": n})


def windowed(grid: tuple[int, int], radius: int, **scene: Any) -> Callable[[Draw], Problem]:
    """Return problems of a grid (rows, columns) and a window's radius."""
    return lambda draw: _window(draw, grid, radius, **scene)


def without_object(make: Callable[[Draw], Problem]) -> Callable[[Draw], Problem]:
    """Let the last object have no pixel."""

    def made(draw: Draw) -> Problem:
        problem = make(draw)
        labels = problem.inputs["labels"] * np.array([1.0] * (problem.inputs["labels"].shape[1] - 1) + [0.0])
        return problem._replace(inputs=problem.inputs | {"labels": labels})

    return made


def near_twins(make: Callable[[Draw], Problem], other: str) -> Callable[[Draw], Problem]:
    """Let every query pixel be a reference pixel but for its last bits, far from the origin: squares cancel."""

    def made(draw: Draw) -> Problem:
        problem = make(draw)
        far = problem.inputs[other] + 3.0
        nudge = 1 + 2.0**-12 * draw.stream().uniform(*far.shape)
        return problem._replace(
            inputs=problem.inputs | {other: far, "query": far[: len(problem.inputs["query"])] * nudge}
        )

    return made


def pairs(p: int, r: int, d: int, size: float = 0.5) -> Callable[[Draw], Problem]:
    """Two frames without objects."""

    def made(draw: Draw) -> Problem:
        stream = draw.stream()
        return Problem({"query": size * stream.normal(p, d), "reference": size * stream.normal(r, d)}, {})

    return made
