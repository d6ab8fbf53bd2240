"""Problems of resizing: small images, masks and labels, and the sizes at which conventions differ."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosref.conformance.draws import Draw, Stream
from vosref.conformance.operations.operation import Problem

__all__ = [
    "filled",
    "hard",
    "image",
    "mask",
    "random_bilinear",
    "random_grid",
    "random_mask",
    "random_nearest",
    "scores",
    "tied",
]

Size = tuple[int, int]
IDS = (0, 1, 2)


def _side(draw: Draw) -> int:
    return draw.choice([1, 2, 3, 4, 5, 7, 9])


def _size(draw: Draw) -> Size:
    return _side(draw), _side(draw)


def image(old: Size, new: Size, *, aligned: bool | None = False) -> Callable[[Draw], Problem]:
    """Return problems of images of one size to be brought to another; `aligned` is no option of the nearest sample."""

    def made(draw: Draw) -> Problem:
        values = draw.stream().normal(*old, 2)
        return Problem({"values": values}, {"size": new} | ({} if aligned is None else {"align_corners": aligned}))

    return made


def random_bilinear(draw: Draw) -> Problem:
    """Any small image and size, by either convention."""
    return image(_size(draw), _size(draw), aligned=draw.choice([False, True]))(draw)


def random_nearest(draw: Draw) -> Problem:
    """Any image and size, with sides up to 40."""
    old, new = ((draw.integer(1, 40), draw.integer(1, 9)) for _ in range(2))
    return image(old, new, aligned=None)(draw)


def mask(
    old: Size, grid: Size, *, ids: tuple[int, ...] = IDS, seen: tuple[int, ...] = (), nearest: bool = False
) -> Callable[[Draw], Problem]:
    """Return problems of a mask that shows the ids that are `seen`, or all of them."""

    def made(draw: Draw) -> Problem:
        shown = _blobs(draw.stream(), old, np.asarray(seen or ids))
        return Problem({"mask": shown}, {"ids": ids, "grid": grid, "nearest": nearest})

    return made


def _blobs(stream: Stream, size: Size, ids: NDArray[Any]) -> NDArray[np.int64]:
    """Ids of as many regions: each pixel has the id of the nearest of some points."""
    points, owners = stream.uniform(2 * len(ids), 2) * size, np.concatenate([ids, ids])
    rows, columns = np.indices(size)
    far = (rows[..., None] - points[:, 0]) ** 2 + (columns[..., None] - points[:, 1]) ** 2
    return owners[np.argmin(far, axis=2)].astype(np.int64)


def random_grid(draw: Draw) -> Problem:
    """Any small mask and grid; now and then with an id that has no column."""
    k = draw.integer(1, 4)
    ids = (0, *(int(i) + 1 for i in draw.stream().permutation(254)[: k - 1]))
    seen = (*ids, 255) if draw.choice([True, False, False]) else ids
    return mask(_size(draw), _size(draw), ids=ids, seen=seen, nearest=draw.choice([False, False, True]))(draw)


def scores(grid: Size, size: Size, *, ids: tuple[int, ...] = IDS, aligned: bool = False) -> Callable[[Draw], Problem]:
    """Return problems of soft labels: of regions, and a third of noise, so that few pixels are in doubt."""

    def made(draw: Draw) -> Problem:
        stream = draw.stream()
        regions = _blobs(stream, grid, np.arange(len(ids))).reshape(-1)
        noise = stream.uniform(grid[0] * grid[1], len(ids))
        labels = 2 / 3 * np.eye(len(ids))[regions] + noise / np.sum(noise, axis=1, keepdims=True) / 3
        return Problem({"labels": labels}, {"ids": ids, "grid": grid, "size": size, "align_corners": aligned})

    return made


def random_mask(draw: Draw) -> Problem:
    """Any small grid, objects and size, by either convention."""
    k, grid = draw.integer(1, 4), _size(draw)
    ids = (0, *(int(i) + 1 for i in draw.stream().permutation(254)[: k - 1]))
    return scores(grid, _size(draw), ids=ids, aligned=draw.choice([False, True]))(draw)


def filled(draw: Draw) -> Problem:
    """One object's label is 1 everywhere, the others' are 0."""
    problem = scores((3, 4), (6, 8))(draw)
    return problem._replace(inputs={"labels": np.tile([0.0, 0.0, 1.0], (12, 1))})


def tied(draw: Draw) -> Problem:
    """Let the last two columns be equal and largest in the two cells of a corner."""
    problem = scores((4, 5), (8, 10))(draw)
    labels = problem.inputs["labels"].copy()
    labels[[0, 1]] = (0.2, 0.4, 0.4)
    return problem._replace(inputs={"labels": labels})


def hard(draw: Draw) -> Problem:
    """One-hot labels, tripled: no pixel lies half-way between two cells."""
    problem = scores((4, 5), (12, 15))(draw)
    labels = problem.inputs["labels"]
    return problem._replace(inputs={"labels": np.eye(3)[np.argmax(labels, axis=1)]})
