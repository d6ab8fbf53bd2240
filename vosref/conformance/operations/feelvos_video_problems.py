"""Videos for FEELVOS from end to end: objects on a small grid, whose labels are beyond doubt."""

from collections.abc import Callable
from typing import Any

import numpy as np

from vosref.conformance.draws import Draw
from vosref.conformance.operations.frames import clip
from vosref.conformance.operations.operation import Problem

__all__ = ["changing", "lookalike", "outlier", "random", "reappearing", "still", "video"]

BOTH = {"first_frame": True, "previous_frame": "local", "window_radius": 1, "n_neighbours": 1}


def video(
    n_frames: int, *, grid: tuple[int, int] = (4, 5), k: int = 3, size: float = 1.4, **options: Any
) -> Callable[[Draw], Problem]:
    """Return problems of so many frames, with some options that are not those of both frames."""

    def made(draw: Draw) -> Problem:
        embeddings, labels = clip(draw.stream(), n_frames, grid, k=k, size=size)
        return Problem({"embeddings": embeddings, "labels": labels[0]}, BOTH | options)

    return made


def random(draw: Draw) -> Problem:
    """Any frames to match to, on a few frames."""
    grid, first = (draw.integer(1, 3), draw.integer(2, 5)), draw.choice([True, False])
    previous = draw.choice(["local", "global", "none"] if first else ["local", "global"])
    options: dict[str, Any] = {"first_frame": first, "previous_frame": previous}
    options |= {"n_neighbours": draw.choice([1, 1, 2]), "window_radius": draw.integer(1, 5)}
    make = video(draw.integer(2, 6), grid=grid, k=draw.integer(1, 3), size=draw.real(0.8, 1.4), **options)
    return make(draw)


def changing(n_frames: int) -> Callable[[Draw], Problem]:
    """Let two objects turn by 36 degrees a frame: in two frames each looks more like the other one did."""

    def made(draw: Draw) -> Problem:
        problem = video(n_frames, grid=(3, 4), first_frame=False, window_radius=4)(draw)
        embeddings = problem.inputs["embeddings"].copy()
        for t in range(n_frames):
            angle = t * np.pi / 5
            turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
            embeddings[t, ..., :2] = embeddings[t, ..., :2] @ turn
        return problem._replace(inputs=problem.inputs | {"embeddings": embeddings})

    return made


def lookalike(n_frames: int) -> Callable[[Draw], Problem]:
    """Two objects that look the same, left and right of a background, and stay where they are."""

    def made(draw: Draw) -> Problem:
        where = np.array([[1, 1, 0, 0, 0, 2, 2]] * 3)
        look = 1.4 * np.eye(2, 5)[(where > 0).astype(int)]
        noise = 0.1 * draw.stream().normal(n_frames, *where.shape, 5)
        return Problem(
            {"embeddings": look + noise, "labels": np.eye(3)[where.reshape(-1)]}, BOTH | {"first_frame": False}
        )

    return made


def reappearing(draw: Draw) -> Problem:
    """Let the last object leave for two frames, and come back out of the window's reach."""
    stream, where = draw.stream(), np.zeros((5, 3, 8), int)
    where[:, :2, :2] = 1
    where[:2, :, 6], where[4, :, 4] = 2, 2
    look = 0.7 * np.eye(3, 6)[where] + 0.03 * stream.normal(*where.shape, 6)
    return Problem({"embeddings": look, "labels": np.eye(3)[where[0].reshape(-1)]}, dict(BOTH))


def outlier(draw: Draw) -> Problem:
    """Let one pixel of the first frame look as all of another object's do later: a mean of three is not fooled."""
    problem = video(4, previous_frame="none", n_neighbours=3)(draw)
    embeddings, labels = (a.copy() for a in problem.inputs.values())
    first, stream = labels.argmax(axis=1).reshape(embeddings.shape[1:3]), draw.stream()
    fooled = np.argwhere(first == 1)[0]
    look = embeddings[0, *fooled] * 0 + embeddings[0][first == 0].mean(axis=0)
    embeddings[0, *fooled] = look
    later = np.linalg.norm(embeddings[1:] - look, axis=-1) < 0.9
    embeddings[1:][later] = look + 0.01 * stream.normal(int(later.sum()), look.shape[0])
    return problem._replace(inputs={"embeddings": embeddings, "labels": labels})


def still(draw: Draw) -> Problem:
    """Five frames that are the same, matched both ways."""
    problem = video(5)(draw)
    first = problem.inputs["embeddings"][:1]
    return problem._replace(inputs=problem.inputs | {"embeddings": np.repeat(first, 5, axis=0)})
