"""Wrong decisions by the nearest pixel over a video: which frames are matched, and what is made of two distances."""

from collections.abc import Callable
from typing import Any

import numpy as np

from vosref.conformance.mutants.dense import Array, globally, local, square
from vosref.conformance.mutants.dense import with_parts as but
from vosref.conformance.mutants.mutant import table
from vosref.conformance.mutants.tvos_video import in_text_order

__all__ = ["MUTANTS"]


def _nearest(distances: Array) -> Array:
    return np.argmin(distances, axis=1)


def video(
    embeddings: Array,
    labels: Array,
    /,
    *,
    first_frame: bool,
    previous_frame: str,
    window_radius: int,
    n_neighbours: int,
    join: Callable[..., Array] = np.minimum,
    decide: Callable[[Array], Array] = _nearest,
    late: int = 0,
    unlabelled: bool = False,
    inside: Callable[[tuple[int, int], int], Array] = square,
    swapped: bool = False,
    far: Callable[..., Array] = globally,
) -> Array:
    """Label a video, with parts to be replaced by wrong ones; the previous frame is `late` frames older."""
    grid = embeddings.shape[1], embeddings.shape[2]
    pixels = embeddings.reshape(len(embeddings), -1, embeddings.shape[3])
    known, out = [labels], []
    for t in range(1, len(pixels)):
        before, maps = max(t - 1 - late, 0), []
        anchor = before if swapped else 0
        if first_frame:
            maps.append(far(pixels[t], pixels[anchor], known[anchor], n_neighbours=n_neighbours))
        previous = labels if unlabelled else known[before]
        if previous_frame == "local":
            near = local(pixels[t], pixels[before], previous, grid=grid, window_radius=window_radius, inside=inside)
            maps.append(near)
        elif previous_frame == "global":
            maps.append(far(pixels[t], pixels[before], previous, n_neighbours=n_neighbours))
        chosen = decide(maps[0] if len(maps) == 1 else join(*maps))
        known.append(np.eye(labels.shape[1])[chosen])
        out.append(chosen)
    return np.stack(out)


def _by(**changed: Any) -> Callable[..., Array]:
    """Have one setting, whatever is asked for."""
    return lambda *arrays, **options: video(*arrays, **options | changed)


def _radius(by: int) -> Callable[..., Array]:
    return lambda *arrays, window_radius, **options: video(*arrays, window_radius=max(0, window_radius + by), **options)


def _without_background(distances: Array) -> Array:
    return np.argmin(distances[:, 1:], axis=1) + 1 if distances.shape[1] > 1 else np.argmin(distances, axis=1)


def _background_unless_near(distances: Array) -> Array:
    """Choose the first object unless another is nearer than 0.1."""
    return np.where(np.min(distances, axis=1) < 0.1, np.argmin(distances, axis=1), 0)


def _transposed(grid: tuple[int, int], radius: int) -> Array:
    return square((grid[1], grid[0]), radius)


def _to_the_left(grid: tuple[int, int], radius: int) -> Array:
    """Look at half of the window alone."""
    column = np.arange(grid[0] * grid[1]) % grid[1]
    return np.asarray(square(grid, radius) & (column[None, :] <= column[:, None]))


def _above(grid: tuple[int, int], radius: int) -> Array:
    row = np.arange(grid[0] * grid[1]) // grid[1]
    return np.asarray(square(grid, radius) & (row[None, :] < row[:, None]))


def _counted_from_1(*arrays: Array, **options: Any) -> Array:
    return np.asarray(video(*arrays, **options) + 1)


def _one_neighbour(*arrays: Array, n_neighbours: int) -> Array:  # noqa: ARG001 - what is ignored
    return globally(*arrays, n_neighbours=1)


MUTANTS = table(
    "feelvos_video",
    ("feelvos-late", "the frame before the previous one is matched", "classic", but(video, late=1)),
    ("feelvos-stale-labels", "the previous frame has the first one's labels", "classic", but(video, unlabelled=True)),
    (
        "feelvos-swapped",
        "the previous frame is matched globally too, instead of the first",
        "classic",
        but(video, swapped=True),
    ),
    (
        "feelvos-first-alone",
        "the previous frame is not matched",
        "FEELVOS's Table 6",
        _by(first_frame=True, previous_frame="none"),
    ),
    (
        "feelvos-previous-alone",
        "the first frame is not matched",
        "FEELVOS's Table 6",
        lambda *a, **o: video(*a, **o | {"first_frame": o["previous_frame"] == "none"}),
    ),
    ("feelvos-both", "the first frame is always matched", "classic", _by(first_frame=True)),
    ("feelvos-no-window", "the previous frame is matched without a window", "FEELVOS's Table 6", _radius(99)),
    ("feelvos-wide-window", "the window is larger by one", "classic", _radius(1)),
    ("feelvos-strict-window", "the window is smaller by one", "videowalk, landscape §2", _radius(-1)),
    (
        "feelvos-transposed",
        "height and width of the grid are exchanged",
        "DINO, landscape §2",
        but(video, inside=_transposed),
    ),
    ("feelvos-left", "the right half of the window is not looked at", "classic", but(video, inside=_to_the_left)),
    ("feelvos-above", "rows above the pixel alone are looked at", "classic", but(video, inside=_above)),
    ("feelvos-sum", "the two distances are added", "classic", but(video, join=np.add)),
    ("feelvos-larger", "the larger of the two distances counts", "classic", but(video, join=np.maximum)),
    ("feelvos-farthest", "the farthest object is chosen", "classic", but(video, decide=lambda d: np.argmax(d, axis=1))),
    ("feelvos-no-background", "the first object is never chosen", "classic", but(video, decide=_without_background)),
    (
        "feelvos-threshold",
        "the first object is chosen where no other is near",
        "classic",
        but(video, decide=_background_unless_near),
    ),
    ("feelvos-from-1", "labels are counted from 1", "classic", _counted_from_1),
    (
        "feelvos-one-neighbour",
        "the nearest pixel counts alone, where a mean is asked for",
        "FEELVOS's paper",
        but(video, far=_one_neighbour),
    ),
    (
        "feelvos-text-order",
        "frames come in the order of their numbers as text, 10 before 2",
        "classic",
        in_text_order(video),
    ),
)
