"""Wrong scores: other shares, other outlines, other tolerances."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosref.conformance.mutants.mutant import Mutant

__all__ = ["MUTANTS"]

Mask = NDArray[np.bool_]
Boundary = Callable[[Mask], Mask]


def _share(inside: Any, of: Any, empty: float = 1.0) -> float:
    total = int(np.count_nonzero(of))
    return int(np.count_nonzero(inside)) / total if total else empty


def _empty_is_0(prediction: Mask, truth: Mask, /) -> float:
    return _share(prediction & truth, prediction | truth, 0.0)


def _empty_truth_is_1(prediction: Mask, truth: Mask, /) -> float:
    """Give every frame without the object a 1."""
    return _share(prediction & truth, prediction | truth) if truth.any() else 1.0


def _recall(prediction: Mask, truth: Mask, /) -> float:
    return _share(prediction & truth, truth, float(not prediction.any()))


def _dice(prediction: Mask, truth: Mask, /) -> float:
    total = int(np.count_nonzero(prediction)) + int(np.count_nonzero(truth))
    return 2 * int(np.count_nonzero(prediction & truth)) / total if total else 1.0


def _accuracy(prediction: Mask, truth: Mask, /) -> float:
    return float(np.mean(prediction == truth))


def _percent(prediction: Mask, truth: Mask, /) -> float:
    return 100 * _share(prediction & truth, prediction | truth)


def _smoothed(prediction: Mask, truth: Mask, /) -> float:
    """Add 1 to both counts against division by 0."""
    return (int(np.count_nonzero(prediction & truth)) + 1) / (int(np.count_nonzero(prediction | truth)) + 1)


def _forward(mask: Mask) -> Mask:
    """Mark pixels that differ from their right, lower or lower-right neighbour."""
    wide = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
    return (mask ^ wide[:-1, 1:]) | (mask ^ wide[1:, :-1]) | _diagonal(mask)


def _diagonal(mask: Mask) -> Mask:
    out = np.zeros_like(mask)
    out[:-1, :-1] = mask[:-1, :-1] ^ mask[1:, 1:]
    return out


def _without_diagonal(mask: Mask) -> Mask:
    wide = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
    return (mask ^ wide[:-1, 1:]) | (mask ^ wide[1:, :-1])


def _to_the_right(mask: Mask) -> Mask:
    return mask ^ np.pad(mask, ((0, 0), (0, 1)), mode="edge")[:, 1:]


def _both_sides(mask: Mask) -> Mask:
    """Mark pixels on either side of the outline."""
    wide = np.pad(mask, 1, mode="edge")
    return (mask ^ wide[2:, 1:-1]) | (mask ^ wide[:-2, 1:-1]) | (mask ^ wide[1:-1, 2:]) | (mask ^ wide[1:-1, :-2])


def _eroded(mask: Mask, outside: bool = True) -> Mask:
    """Mark the mask's own pixels that have one of the others beside them."""
    wide = np.pad(mask, 1, constant_values=outside)
    return mask & ~(wide[2:, 1:-1] & wide[:-2, 1:-1] & wide[1:-1, 2:] & wide[1:-1, :-2])


def _eroded_at_the_edge(mask: Mask) -> Mask:
    return _eroded(mask, False)


def _euclid(down: Any, across: Any) -> Any:
    return np.hypot(down, across)


def _radius(tolerance: float, diagonal: float) -> float:
    return tolerance if tolerance >= 1 else math.ceil(tolerance * diagonal)


def _harmonic(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _contour(
    prediction: Mask,
    truth: Mask,
    /,
    *,
    tolerance: float,
    boundary: Boundary = _forward,
    distance: Callable[[Any, Any], Any] = _euclid,
    radius: Callable[[float, float], float] = _radius,
    near: Callable[[Any, float], Any] = np.less_equal,
    mean: Callable[[float, float], float] = _harmonic,
    no_boundary: float = 1.0,
    one_boundary: float = 0.0,
) -> float:
    """F with parts to be replaced by wrong ones."""
    ours, theirs = np.argwhere(boundary(prediction)), np.argwhere(boundary(truth))
    if len(ours) == 0 or len(theirs) == 0:
        return no_boundary if len(ours) == len(theirs) else one_boundary
    reach = radius(tolerance, math.hypot(*truth.shape))
    apart = ours[:, None, :] - theirs[None, :, :]
    match = near(distance(np.abs(apart[..., 0]), np.abs(apart[..., 1])), reach)
    return mean(float(np.mean(match.any(axis=1))), float(np.mean(match.any(axis=0))))


def _with(**parts: Any) -> Callable[..., float]:
    return lambda prediction, truth, *, tolerance: _contour(prediction, truth, tolerance=tolerance, **parts)


def _rounded_radius(tolerance: float, diagonal: float) -> float:
    return tolerance if tolerance >= 1 else round(tolerance * diagonal)


def _share_of_longer_side(tolerance: float, diagonal: float) -> float:
    """Take the share of a side of a 4 : 3 frame."""
    return tolerance if tolerance >= 1 else math.ceil(tolerance * diagonal * 0.8)


def _always_a_share(tolerance: float, diagonal: float) -> float:
    return math.ceil(min(tolerance, 1.0) * 0.008 * diagonal)


def _always_pixels(tolerance: float, diagonal: float) -> float:
    """Take the tolerance for pixels from 0 on: 0.008 is less than one."""
    del diagonal
    return tolerance


def _shrunk(tolerance: float, diagonal: float) -> float:
    """Take tolerances of two pixels and more for one."""
    return 1.0 if tolerance >= 2 else _radius(tolerance, diagonal)


REGION = (
    ("empty-is-0", "two empty masks score 0", "0 / 0", _empty_is_0),
    ("absent-is-1", "a frame without the object scores 1, whatever is predicted", "classic", _empty_truth_is_1),
    ("recall", "the truth's pixels are counted instead of the union's", "classic", _recall),
    ("dice", "the Dice index stands for Jaccard's", "classic", _dice),
    ("accuracy", "pixels of the background count too", "classic", _accuracy),
    ("percent", "the score is in percent", "vos-benchmark", _percent),
    ("smoothed", "1 is added to both counts", "losses", _smoothed),
)
CONTOUR = (
    ("empty-is-0", "two masks without a boundary score 0", "0 / 0", _with(no_boundary=0.0)),
    ("one-empty-is-1", "a mask without a boundary scores 1 against any other", "classic", _with(one_boundary=1.0)),
    (
        "rounded",
        "the tolerance is rounded to the nearest pixel instead of up",
        "classic",
        _with(radius=_rounded_radius),
    ),
    ("side", "the tolerance is a share of the longer side", "classic", _with(radius=_share_of_longer_side)),
    ("default", "the tolerance is always 0.008 of the diagonal", "classic", _with(radius=_always_a_share)),
    ("pixels", "tolerances below 1 are taken for pixels too", "classic", _with(radius=_always_pixels)),
    ("shrunk", "large tolerances shrink to a pixel", "classic", _with(radius=_shrunk)),
    ("strict", "pixels exactly as far as the tolerance do not match: <", "classic", _with(near=np.less)),
    ("square", "pixels match in a square instead of a disc", "classic", _with(distance=np.maximum)),
    ("diamond", "pixels match in a diamond instead of a disc", "classic", _with(distance=np.add)),
    ("both-sides", "the boundary lies on both sides of the outline", "classic", _with(boundary=_both_sides)),
    ("eroded", "the boundary is the mask less its erosion", "classic", _with(boundary=_eroded)),
    ("edge", "the frame's edge is a boundary", "OpenCV's contours", _with(boundary=_eroded_at_the_edge)),
    ("no-diagonal", "diagonal neighbours do not count", "classic", _with(boundary=_without_diagonal)),
    ("right", "only right neighbours count", "classic", _with(boundary=_to_the_right)),
    ("precision", "only the prediction's pixels are looked at", "classic", _with(mean=lambda p, _: p)),
    ("arithmetic", "precision and recall are averaged", "classic", _with(mean=lambda p, r: (p + r) / 2)),
    ("percent", "the score is in percent", "vos-benchmark", _with(mean=lambda p, r: 100 * _harmonic(p, r))),
)
MUTANTS: tuple[Mutant, ...] = (
    *(Mutant(f"region-{name}", "region_similarity", wrong, source, f) for name, wrong, source, f in REGION),
    *(Mutant(f"contour-{name}", "contour_accuracy", wrong, source, f) for name, wrong, source, f in CONTOUR),
)
