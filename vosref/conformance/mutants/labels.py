"""Wrong ways of a label to the feature grid and back: grids transposed, ids mistaken for columns, scores rescaled."""

from collections.abc import Sequence

import numpy as np

from vosref.conformance.mutants.mutant import Mutant
from vosref.conformance.mutants.resizing import (
    Array,
    Positions,
    aligned,
    bilinear,
    centres,
    nearest,
    surrounded,
    tensorflow,
)

__all__ = ["MUTANTS"]

Size = tuple[int, int]
Ids = Sequence[int]


def _columns(mask: Array, ids: Ids) -> Array:
    """One-hot labels (H, W, K)."""
    return np.stack([mask == k for k in ids], axis=2).astype(np.float64)


def _grid(one_hot: Array, grid: Size, nearest_pixel: bool, rule: Positions = tensorflow) -> Array:
    """Labels (h w, K) of one-hot ones."""
    resized = nearest(one_hot, grid, rule) if nearest_pixel else bilinear(one_hot, grid, centres)
    return resized.reshape(grid[0] * grid[1], -1)


def _transposed_grid(mask: Array, /, *, ids: Ids, grid: Size, nearest: bool) -> Array:
    return _grid(_columns(mask, ids), grid[::-1], nearest)


def _column_major(mask: Array, /, *, ids: Ids, grid: Size, nearest: bool) -> Array:
    """List the grid's cells column by column."""
    rows = _grid(_columns(mask, ids), grid, nearest).reshape(*grid, -1)
    return np.swapaxes(rows, 0, 1).reshape(grid[0] * grid[1], -1)


def _always_nearest(mask: Array, /, *, ids: Ids, grid: Size, nearest: bool) -> Array:
    del nearest
    return _grid(_columns(mask, ids), grid, True, lambda n, new: np.floor(centres(n, new) + 0.5))


def _never_nearest(mask: Array, /, *, ids: Ids, grid: Size, nearest: bool) -> Array:
    del nearest
    return _grid(_columns(mask, ids), grid, False)


def _floor_nearest(mask: Array, /, *, ids: Ids, grid: Size, nearest: bool) -> Array:
    return _grid(_columns(mask, ids), grid, nearest, lambda n, new: np.floor(np.arange(new) * (n / new)))


def _ids_as_numbers(mask: Array, /, *, ids: Ids, grid: Size, nearest: bool) -> Array:
    """Compare the mask with the numbers of the columns."""
    return _grid(_columns(mask, range(len(ids))), grid, nearest)


def _sorted_ids(mask: Array, /, *, ids: Ids, grid: Size, nearest: bool) -> Array:
    return _grid(_columns(mask, sorted(ids)), grid, nearest)


def _signed_bytes(mask: Array, /, *, ids: Ids, grid: Size, nearest: bool) -> Array:
    return _grid(_columns(mask.astype(np.int8), ids), grid, nearest)


def _rest_is_background(mask: Array, /, *, ids: Ids, grid: Size, nearest: bool) -> Array:
    return _grid(_columns(np.where(np.isin(mask, ids), mask, 0), ids), grid, nearest)


def _hardened(mask: Array, /, *, ids: Ids, grid: Size, nearest: bool) -> Array:
    soft = _grid(_columns(mask, ids), grid, nearest)
    return np.eye(len(ids))[np.argmax(soft, axis=1)]


def _mean_id(mask: Array, /, *, ids: Ids, grid: Size, nearest: bool) -> Array:
    """Resize the ids themselves, and round: between the objects 0 and 2 lies a 1."""
    if nearest:
        return _grid(_columns(mask, ids), grid, nearest)
    mixed = np.round(bilinear(mask[:, :, None].astype(np.float64), grid, centres)[..., 0])
    return _columns(mixed, ids).reshape(-1, len(ids))


def _aligned_grid(mask: Array, /, *, ids: Ids, grid: Size, nearest: bool) -> Array:
    if nearest:
        return _grid(_columns(mask, ids), grid, nearest)
    return bilinear(_columns(mask, ids), grid, aligned).reshape(-1, len(ids))


def _dark_border(mask: Array, /, *, ids: Ids, grid: Size, nearest: bool) -> Array:
    """Mix with pixels outside the mask, which are of no object."""
    if nearest:
        return _grid(_columns(mask, ids), grid, nearest)
    around = surrounded(_columns(mask, ids))
    return bilinear(around, grid, lambda n, new: centres(n - 2, new) + 1).reshape(-1, len(ids))


def _up(labels: Array, grid: Size, size: Size, align_corners: bool) -> Array:
    return bilinear(labels.reshape(*grid, -1), size, aligned if align_corners else centres)


def _of_largest(scores: Array, ids: Ids) -> Array:
    return np.asarray(ids)[np.argmax(scores, axis=2)]


def _mask_transposed_grid(labels: Array, /, *, ids: Ids, grid: Size, size: Size, align_corners: bool) -> Array:
    return _of_largest(_up(labels, grid[::-1], size, align_corners), ids)


def _mask_exchanged(labels: Array, /, *, ids: Ids, grid: Size, size: Size, align_corners: bool) -> Array:
    return _of_largest(_up(labels, grid, size, not align_corners), ids)


def _mask_columns(labels: Array, /, *, ids: Ids, grid: Size, size: Size, align_corners: bool) -> Array:
    """Return numbers of columns instead of ids."""
    return _of_largest(_up(labels, grid, size, align_corners), range(len(ids)))


def _mask_sorted(labels: Array, /, *, ids: Ids, grid: Size, size: Size, align_corners: bool) -> Array:
    return _of_largest(_up(labels, grid, size, align_corners), sorted(ids))


def _mask_signed(labels: Array, /, *, ids: Ids, grid: Size, size: Size, align_corners: bool) -> Array:
    return _of_largest(_up(labels, grid, size, align_corners), ids).astype(np.int8)


def _mask_min_max(labels: Array, /, *, ids: Ids, grid: Size, size: Size, align_corners: bool) -> Array:
    """Stretch each object's scores to [0, 1], which are 0 / 0 where they are constant."""
    scores = _up(labels, grid, size, align_corners)
    low, high = np.min(scores, axis=(0, 1)), np.max(scores, axis=(0, 1))
    return _of_largest(np.nan_to_num((scores - low) / (high - low)), ids)


def _mask_nearest(labels: Array, /, *, ids: Ids, grid: Size, size: Size, align_corners: bool) -> Array:
    del align_corners
    scores = nearest(labels.reshape(*grid, -1), size, lambda n, new: np.floor(centres(n, new) + 0.5))
    return _of_largest(scores, ids)


def _mask_hardened(labels: Array, /, *, ids: Ids, grid: Size, size: Size, align_corners: bool) -> Array:
    one_hot = np.eye(len(ids))[np.argmax(labels, axis=1)]
    return _of_largest(_up(one_hot, grid, size, align_corners), ids)


def _mask_threshold(labels: Array, /, *, ids: Ids, grid: Size, size: Size, align_corners: bool) -> Array:
    """Take an object only where its score is more than a half."""
    scores = _up(labels, grid, size, align_corners)
    return np.where(np.max(scores, axis=2) > 0.5, _of_largest(scores, ids), ids[0])


def _mask_smallest(labels: Array, /, *, ids: Ids, grid: Size, size: Size, align_corners: bool) -> Array:
    return _of_largest(-_up(labels, grid, size, align_corners), ids)


def _mask_last_dropped(labels: Array, /, *, ids: Ids, grid: Size, size: Size, align_corners: bool) -> Array:
    scores = _up(labels, grid, size, align_corners)
    return _of_largest(scores[..., : max(len(ids) - 1, 1)], ids)


GRID = (
    ("transposed", "height and width of the grid are exchanged: the frame is scrambled", "DINO", _transposed_grid),
    ("column-major", "cells are listed column by column", "classic", _column_major),
    ("nearest", "the mask is brought down by the nearest pixel instead of bilinearly", "DINO", _always_nearest),
    ("never-nearest", "the nearest pixel is asked for, and labels are soft", "classic", _never_nearest),
    ("floor", "the nearest pixel is ⌊i H / h⌋", "PyTorch's nearest", _floor_nearest),
    ("columns", "ids are mistaken for numbers of columns", "classic", _ids_as_numbers),
    ("sorted", "columns are in ascending order of ids", "classic", _sorted_ids),
    ("int8", "ids above 127 overflow a signed byte", "classic", _signed_bytes),
    ("rest-background", "pixels of other ids count as background", "classic", _rest_is_background),
    ("hardened", "labels are hardened on the grid", "classic", _hardened),
    ("mean-id", "ids are mixed instead of labels: an object appears between two others", "classic", _mean_id),
    ("aligned", "corners are aligned where pixels are areas", "TVOS and FEELVOS", _aligned_grid),
    ("dark-border", "the border is mixed with pixels of no object", "grid_sample's default", _dark_border),
)
MASK = (
    ("transposed", "height and width of the grid are exchanged: the frame is scrambled", "DINO", _mask_transposed_grid),
    ("exchanged", "aligned corners and half-pixel centres are exchanged", "TVOS and FEELVOS", _mask_exchanged),
    ("columns", "numbers of columns are returned instead of ids", "classic", _mask_columns),
    ("sorted", "columns are taken for the ids in ascending order", "classic", _mask_sorted),
    ("int8", "ids above 127 overflow a signed byte", "classic", _mask_signed),
    (
        "min-max",
        "each object's scores are stretched to [0, 1]: 0 / 0 where it fills the frame",
        "DINOv3",
        _mask_min_max,
    ),
    ("nearest", "scores are brought up by the nearest cell", "DINOv3's notebook", _mask_nearest),
    ("hardened", "labels are hardened before they are brought up", "TVOS's stored labels", _mask_hardened),
    ("threshold", "an object needs a score of more than a half", "classic", _mask_threshold),
    ("smallest", "the smallest score wins", "classic", _mask_smallest),
    ("last-dropped", "the last object is left out", "classic", _mask_last_dropped),
)
MUTANTS: tuple[Mutant, ...] = (
    *(Mutant(f"grid-{name}", "to_grid", wrong, source, f) for name, wrong, source, f in GRID),
    *(Mutant(f"mask-{name}", "to_mask", wrong, source, f) for name, wrong, source, f in MASK),
)
