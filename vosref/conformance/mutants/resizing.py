"""Wrong resizes of images: other positions, other borders, other rules of rounding."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosref.conformance.arithmetic import rounded
from vosref.conformance.capabilities import Capabilities
from vosref.conformance.mutants.mutant import Mutant

__all__ = ["MUTANTS", "aligned", "along", "bilinear", "centres", "nearest", "surrounded", "tensorflow"]

Array = NDArray[Any]
Positions = Callable[[int, int], Array]
SINGLE = Capabilities(("float32",))


def centres(n: int, new: int) -> Array:
    """Half-pixel centres."""
    return np.asarray((np.arange(new) + 0.5) * (n / new) - 0.5)


def aligned(n: int, new: int) -> Array:
    """Aligned corners."""
    return np.arange(new) * ((n - 1) / max(new - 1, 1))


def along(values: Array, axis: int, at: Array, *, clamp: bool = True) -> Array:
    """Mix the two samples around each position along an axis; unclamped, the border is extrapolated."""
    n = values.shape[axis]
    at = np.clip(at, 0, n - 1) if clamp or n == 1 else at
    below = np.clip(np.floor(at), 0, max(n - 2, 0)).astype(int)
    share = (at - below).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
    lower, upper = (values.take(np.clip(i, 0, n - 1), axis=axis) for i in (below, below + 1))
    return np.asarray(lower * (1 - share) + upper * share)


def bilinear(values: Array, size: tuple[int, int], positions: Positions, *, clamp: bool = True) -> Array:
    """Mix along rows, then along columns."""
    for axis in (0, 1):
        values = along(values, axis, positions(values.shape[axis], size[axis]), clamp=clamp)
    return values


def tensorflow(n: int, new: int) -> Array:
    """Take the row that TensorFlow shows: aligned corners in float32, halves rounded up."""
    step = np.float32(n - 1) / np.float32(max(new - 1, 1))
    return np.floor((np.arange(new, dtype=np.float32) * step).astype(np.float64) + 0.5)


def nearest(values: Array, size: tuple[int, int], rows: Positions = tensorflow) -> Array:
    """Take samples by a rule."""
    for axis in (0, 1):
        n = values.shape[axis]
        values = values.take(np.clip(rows(n, size[axis]), 0, n - 1).astype(int), axis=axis)
    return values


def surrounded(values: Array) -> Array:
    """Put a pixel of zeros around an image."""
    return np.pad(values, ((1, 1), (1, 1), (0, 0)))


def _of(align_corners: bool) -> Positions:
    return aligned if align_corners else centres


def _exchanged(values: Array, /, *, size: tuple[int, int], align_corners: bool) -> Array:
    return bilinear(values, size, _of(not align_corners))


def _legacy(values: Array, /, *, size: tuple[int, int], align_corners: bool) -> Array:
    """Take i N / n for the position, without half a pixel."""
    return bilinear(values, size, aligned if align_corners else lambda n, new: np.arange(new) * (n / new))


def _half_too_far(values: Array, /, *, size: tuple[int, int], align_corners: bool) -> Array:
    """Take (i + ½) N / n for the position."""
    return bilinear(values, size, lambda n, new: _of(align_corners)(n, new) + 0.5)


def _extrapolated(values: Array, /, *, size: tuple[int, int], align_corners: bool) -> Array:
    return bilinear(values, size, _of(align_corners), clamp=False)


def _dark_border(values: Array, /, *, size: tuple[int, int], align_corners: bool) -> Array:
    """Mix with zeros outside the image."""
    return bilinear(surrounded(values), size, lambda n, new: _of(align_corners)(n - 2, new) + 1)


def _columns_as_rows(values: Array, /, *, size: tuple[int, int], align_corners: bool) -> Array:
    """Use the rows' step along columns too."""
    rows = _of(align_corners)(values.shape[0], size[0])
    step = rows[1] - rows[0] if size[0] > 1 else 1.0
    return along(along(values, 0, rows), 1, rows[0] + step * np.arange(size[1]))


def _antialiased(values: Array, /, *, size: tuple[int, int], align_corners: bool) -> Array:
    """Take the mean of each cell's samples where there are fewer cells, as image libraries do."""
    del align_corners
    for axis in (0, 1):
        n, new = values.shape[axis], size[axis]
        reach = max(n / new, 1.0)
        far = np.abs(np.arange(n)[None, :] - centres(n, new)[:, None]) / reach
        weights = np.maximum(1 - far, 0)
        weights = weights / np.sum(weights, axis=1, keepdims=True)
        values = np.moveaxis(np.tensordot(weights, values, axes=(1, axis)), 0, axis)
    return values


def _nearest_image(values: Array, /, *, size: tuple[int, int], align_corners: bool) -> Array:
    return nearest(values, size, lambda n, new: np.floor(_of(align_corners)(n, new) + 0.5))


def _short_shares(values: Array, /, *, size: tuple[int, int], align_corners: bool) -> Array:
    """Keep positions in half precision."""
    return bilinear(values, size, lambda n, new: rounded(_of(align_corners)(n, new), "bfloat16"))


def _rows(rule: Positions) -> Callable[..., Array]:
    return lambda values, *, size: nearest(values, size, rule)


def _nearest_columns_as_rows(values: Array, /, *, size: tuple[int, int]) -> Array:
    step = (values.shape[0] - 1) / max(size[0] - 1, 1)
    return nearest(values, size, lambda _, new: np.floor(step * np.arange(new) + 0.5))


def _nearest_mixed(values: Array, /, *, size: tuple[int, int]) -> Array:
    return bilinear(values, size, aligned)


BILINEAR = (
    ("exchanged", "aligned corners and half-pixel centres are exchanged", "TVOS and FEELVOS", _exchanged),
    ("legacy", "half a pixel is forgotten: cell i is at i N / n", "TensorFlow's old default", _legacy),
    ("half-too-far", "positions are half a pixel too far", "classic", _half_too_far),
    ("extrapolated", "the border is extrapolated instead of clamped", "classic", _extrapolated),
    ("dark-border", "the border is mixed with zeros outside the image", "grid_sample's default", _dark_border),
    ("columns-as-rows", "the rows' step is used along columns too", "classic", _columns_as_rows),
    ("antialiased", "fewer cells show means, as image libraries do", "PIL", _antialiased),
    ("nearest", "the nearest sample is taken instead of a mixture", "classic", _nearest_image),
)
NEAREST = (
    (
        "floor",
        "row i shows row ⌊i H / h⌋",
        "PyTorch's nearest",
        _rows(lambda n, new: np.floor(np.arange(new) * (n / new))),
    ),
    (
        "exact",
        "rows are nearest to half-pixel centres",
        "nearest-exact",
        _rows(lambda n, new: np.floor(centres(n, new) + 0.5)),
    ),
    ("truncated", "positions are rounded down", "classic", _rows(lambda n, new: np.floor(aligned(n, new)))),
    ("half-to-even", "halves are rounded to even: np.round", "NumPy", _rows(lambda n, new: np.round(aligned(n, new)))),
    (
        "long-step",
        "the step is H / (h - 1)",
        "classic",
        _rows(lambda n, new: np.round(np.arange(new) * (n / max(new - 1, 1)))),
    ),
    ("double", "positions are computed in float64", "classic", _rows(lambda n, new: np.floor(aligned(n, new) + 0.5))),
    ("columns-as-rows", "the rows' step is used along columns too", "classic", _nearest_columns_as_rows),
    ("mixed", "samples are mixed bilinearly", "classic", _nearest_mixed),
)
MUTANTS = (
    *(Mutant(f"bilinear-{name}", "resize_bilinear", wrong, source, f) for name, wrong, source, f in BILINEAR),
    Mutant(
        "bilinear-short", "resize_bilinear", "positions are kept in half precision", "classic", _short_shares, SINGLE
    ),
    *(Mutant(f"nearest-{name}", "resize_nearest", wrong, source, f) for name, wrong, source, f in NEAREST),
)
