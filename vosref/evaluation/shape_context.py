"""Shape contexts: where the points of an outline lie, seen from each of them, and how two such views differ."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

from vosref.backend import accelerated

__all__ = ["BINS", "context_costs", "mean_distance", "shape_contexts"]

SECTORS = 12  # of 30 degrees
RINGS = (1 / 8, 1 / 4, 1 / 2, 1.0, 2.0)  # outer radii, mean distances; what is farther is not counted
ROOT_3 = 3**0.5
BINS = SECTORS * len(RINGS)


def mean_distance(points: NDArray[np.float64], /) -> float:
    """Return the mean distance of all N² pairs of points (N, 2), each point's to itself included."""
    return 2 * float(pdist(points).sum()) / len(points) ** 2


@accelerated
def shape_contexts(points: NDArray[np.float64], /, *, scale: float) -> NDArray[np.int64]:
    """Count, for each point, the points in each sector and ring around it [DAVIS T].

    Parameters
    ----------
    points : array, shape (N, 2)
        Rows and columns.
    scale : float
        Length by which radii are measured, above 0: their `mean_distance`.

    Returns
    -------
    array, shape (N, 60)
        Counts, sector by sector in each ring from the innermost on. A point counts itself, in the first of all.

    Raises
    ------
    ValueError
        If the scale is not above 0.
    """
    if not scale > 0:
        raise ValueError(f"scale must be above 0, got {scale}")
    down, right = (axis[None, :] - axis[:, None] for axis in points.T)
    # Where a quarter turn begins is found by signs: an arc tangent may round there, and each library's in its own way.
    quarter = np.select([(right > 0) & (down >= 0), (right <= 0) & (down > 0), (right < 0) & (down <= 0)], [0, 1, 2], 3)
    ahead = np.where(quarter % 2 == 0, np.abs(right), np.abs(down))
    aside = np.where(quarter % 2 == 0, np.abs(down), np.abs(right))
    third = (aside * ROOT_3 >= ahead).astype(np.int64) + (aside >= ahead * ROOT_3)
    sector = np.where((down == 0) & (right == 0), 0, 3 * quarter + third)
    distance = np.sqrt(down * down + right * right)
    ring = np.sum(distance[..., None] >= scale * np.array(RINGS), axis=2)
    return np.stack(
        [np.bincount((SECTORS * r + s)[r < len(RINGS)], minlength=BINS) for r, s in zip(ring, sector, strict=True)]
    )


@accelerated
def context_costs(first: NDArray[np.int64], second: NDArray[np.int64], /) -> NDArray[np.float64]:
    """χ² distance of each context of one outline to each of another's [DAVIS T].

    Half the sum over bins of (g − h)² / (g + h), g and h being counts divided by their sums.

    Parameters
    ----------
    first, second : array, shape (N, B) and (M, B)
        Counts, none of whose rows is empty.

    Returns
    -------
    array, shape (N, M)
        In [0, 1]; exactly 0 where two contexts are proportional.
    """
    # With whole numbers x = counts of the one times the sum of the other, (x − y)² / (x + y) = x + y − 4xy / (x + y),
    # so that the sum of x and of y is taken out, and proportional counts cost nothing but what is exact.
    ours, theirs = (counts.astype(np.float64).sum(axis=1) for counts in (first, second))
    shared = np.zeros((len(first), len(second)))
    for one, other in zip(first.T.astype(np.float64), second.T.astype(np.float64), strict=True):
        x, y = one[:, None] * theirs[None, :], other[None, :] * ours[:, None]
        shared += x * y / np.maximum(x + y, 1.0)
    return 1 - 2 * (shared / (ours[:, None] * theirs[None, :]))
