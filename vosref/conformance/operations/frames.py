"""Problems of propagation: frames of objects that look like themselves, on a grid, and the odd ones."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosref.conformance.draws import Draw, Stream
from vosref.conformance.operations.operation import Problem

__all__ = [
    "clip",
    "constant",
    "frames",
    "opposite",
    "propagation_problem",
    "softened",
    "vote_problem",
    "votes",
    "with_absent_object",
]

Array = NDArray[Any]
Make = Callable[[Draw], Problem]


def propagation_problem(draw: Draw) -> Problem:
    """Any reference frames, and a target frame."""
    grid = draw.integer(1, 4), draw.integer(1, 4)
    n_frames, d, k = draw.integer(1, 4), draw.integer(1, 12), draw.integer(1, 4)
    sigma = tuple(draw.choice([0.7, 1.5, 3.0, 8.0]) for _ in range(n_frames))
    unit, soft = draw.choice([False, True]), draw.choice([False, True])
    size, temperature = (1.0, draw.choice([10.0, 40.0])) if unit else (draw.real(0.3, 2.0), draw.real(0.3, 1.5))
    make = frames(grid, sigma, temperature=temperature, size=size, d=d, k=k, unit=unit)
    return (softened(make) if soft else make)(draw)


def frames(
    grid: tuple[int, int],
    sigma: tuple[float, ...],
    *,
    temperature: float = 1.0,
    size: float = 1.5,
    d: int = 8,
    k: int = 3,
    unit: bool = False,
) -> Make:
    """Return problems of a grid, and a width of the spatial term for each reference frame."""

    def made(draw: Draw) -> Problem:
        stream, pixels = draw.stream(), grid[0] * grid[1]
        seen, labels = _seen(stream, (len(sigma) + 1) * pixels, d, k, size, unit)
        seen, labels = seen.reshape(-1, pixels, d), labels.reshape(-1, pixels, k)
        inputs = {"query": seen[-1], "references": seen[:-1], "labels": labels[:-1]}
        return Problem(inputs, {"grid": grid, "sigma": sigma, "temperature": temperature})

    return made


def vote_problem(draw: Draw) -> Problem:
    """Any target and reference pixels."""
    p, r, d, k = draw.integer(1, 8), draw.integer(1, 16), draw.integer(1, 12), draw.integer(1, 4)
    make = votes(p, r, size=draw.real(0.3, 2.0), temperature=draw.real(0.3, 1.5), d=d, k=k)
    return (softened(make) if draw.choice([False, True]) else make)(draw)


def votes(
    p: int, r: int, *, temperature: float = 1.0, size: float = 1.5, d: int = 8, k: int = 3, unit: bool = False
) -> Make:
    """Return problems of so many target and reference pixels."""

    def made(draw: Draw) -> Problem:
        seen, labels = _seen(draw.stream(), p + r, d, k, size, unit)
        inputs = {"query": seen[:p], "reference": seen[p:], "labels": labels[p:]}
        return Problem(inputs, {"temperature": temperature})

    return made


def clip(
    stream: Stream, n_frames: int, grid: tuple[int, int], *, k: int = 3, extra: int = 3, size: float = 2.0
) -> tuple[Array, Array]:
    """Embeddings (T, h, w, D) and labels (T, P, K) of objects that drift right, a cell in two frames, round the border.

    Objects point along axes of their own, so that each pixel's label is beyond doubt.
    """
    first = stream.permutation(grid[0] * grid[1]).reshape(grid) % k
    where = np.stack([np.roll(first, t // 2, axis=1) for t in range(n_frames)])
    means = size * np.eye(k, k + extra) + size / 10 * stream.normal(k, k + extra)
    noise = size / 10 * stream.normal(*where.shape, k + extra)
    return means[where] + noise, np.eye(k)[where.reshape(n_frames, -1)]


def _seen(stream: Stream, pixels: int, d: int, k: int, size: float, unit: bool) -> tuple[Array, Array]:
    """Embeddings (pixels, D) and labels (pixels, K): a mean for each object, and half as much noise."""
    labels = stream.one_hot(pixels, k)
    seen = labels @ stream.normal(k, d) + stream.normal(pixels, d) / 2
    scale = np.linalg.norm(seen, axis=1, keepdims=True) if unit else math.sqrt(d)
    return size * seen / np.maximum(scale, 1e-3), labels


def _with_labels(make: Make, change: Callable[[Array, Draw], Array]) -> Make:
    def made(draw: Draw) -> Problem:
        problem = make(draw)
        return problem._replace(inputs=problem.inputs | {"labels": change(problem.inputs["labels"], draw)})

    return made


def softened(make: Make) -> Make:
    """Let labels be anything from 0 to 1 that sums to 1."""

    def soft(labels: Array, draw: Draw) -> Array:
        mixed = labels + 0.5 * draw.stream().uniform(*labels.shape)
        return mixed / np.sum(mixed, axis=-1, keepdims=True)

    return _with_labels(make, soft)


def with_absent_object(make: Make) -> Make:
    """Let the last object have no pixel, and its pixels no label."""
    return _with_labels(make, lambda labels, _: labels * (np.arange(labels.shape[-1]) < labels.shape[-1] - 1))


def constant(make: Make) -> Make:
    """Let all pixels look the same: every affinity is equal but for the distance."""

    def made(draw: Draw) -> Problem:
        problem = make(draw)
        alike = {n: np.ones_like(a) * a.reshape(-1, a.shape[-1])[0] for n, a in problem.inputs.items() if n != "labels"}
        return problem._replace(inputs=problem.inputs | alike)

    return made


def opposite(make: Make, far: float = 11.0) -> Make:
    """Let all logits be near -far², below what an exponential in single precision can hold."""

    def made(draw: Draw) -> Problem:
        problem, turned = make(draw), {}
        for name, a in problem.inputs.items():
            if name != "labels":
                turned[name] = 0.2 * a + np.eye(a.shape[-1])[0] * (-far if name == "query" else far)
        return problem._replace(inputs=problem.inputs | turned)

    return made
