"""Temporal stability T: how much the outline of a prediction changes its shape from one frame to the next."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vosref.backend import accelerated
from vosref.evaluation.outline import longest_outline, resampled
from vosref.evaluation.region import boolean_mask
from vosref.evaluation.shape_context import context_costs, mean_distance, shape_contexts

__all__ = ["bijective", "cheapest_path", "matched_pairs", "temporal_stability"]

SCALE = 5.0  # DAVIS multiplies by it, to bring T to the range of J and F

Pairs = NDArray[np.int64]  # (L, 2): places on one outline and on the other


def temporal_stability(mask: ArrayLike, following: ArrayLike, /) -> float:
    """Mean cost of matching the outline of a mask to that of the mask after it [DAVIS T].

    Of each mask the longest outline is taken, its corners `simplified`, its sides divided to 3 pixels at most. Each
    point is described by where the others lie (`shape_contexts`); points are matched in order, so that the sum of their
    costs is least.

    What DAVIS 2016's own code leaves open or does otherwise: it computes points in single precision and angles by an
    arc tangent (here double precision and signs, so that points on a bin's edge may fall in the next one); where
    pixels touch at a corner only, its outlines begin at that corner and turn there as the order of their pieces has
    it (here they stay along a pixel); it says nothing of two paths that cost the same (here both outlines advance).

    Parameters
    ----------
    mask, following : array, shape (H, W)
        Boolean masks that were predicted in a frame and in the next one.

    Returns
    -------
    float
        Five times the mean χ² distance of matched points, in [0, 5]; 0 for equal masks, NaN where one has no outline.

    Raises
    ------
    ValueError
        If a mask is not boolean or not (H, W).

    Examples
    --------
    A square that moves keeps its shape; one that loses its lower half does not.

    >>> import numpy as np
    >>> from vosref.evaluation import temporal_stability
    >>> square = np.zeros((20, 20), dtype=bool)
    >>> square[4:12, 4:12] = True
    >>> round(temporal_stability(square, np.roll(square, 3, axis=1)), 3)
    0.0
    >>> half = square & (np.arange(20) < 8)[:, None]
    >>> temporal_stability(square, half) > 0.1
    True
    """
    polygons = [longest_outline(boolean_mask(*named)) for named in (("mask", mask), ("following", following))]
    if any(polygon is None for polygon in polygons):
        return math.nan
    outlines = [resampled(polygon) for polygon in polygons if polygon is not None]
    first, second = (shape_contexts(points, scale=mean_distance(points)) for points in outlines)
    costs = context_costs(first, second)
    pairs = bijective(matched_pairs(costs), costs)
    return SCALE * float(np.mean(costs[pairs[:, 0], pairs[:, 1]]))


def matched_pairs(costs: NDArray[np.float64], /) -> Pairs:
    """Match two closed outlines in order.

    A first path begins at both outlines' first points. It passes some pair at the lowest cost; the path that counts
    begins after that pair and ends in it.

    Parameters
    ----------
    costs : array, shape (N, M)
        Of matching each point of one to each of the other.

    Returns
    -------
    array, shape (L, 2)
        Pairs, the last of the path first; a point may be in several.
    """
    path = cheapest_path(costs)
    passed = path[:-1] if len(path) > 1 else path  # the pair that it begins with costs it nothing
    best = passed[np.argmin(costs[passed[:, 0], passed[:, 1]])]
    rolled = np.roll(costs, tuple(-(best + 1)), axis=(0, 1))
    return (cheapest_path(rolled) + best + 1) % np.array(costs.shape)


@accelerated
def cheapest_path(costs: NDArray[np.float64], /) -> Pairs:
    """Find the path through a table from its first to its last cell whose cells' costs, but the first's, sum to least.

    Parameters
    ----------
    costs : array, shape (N, M)
        0 or more each.

    Returns
    -------
    array, shape (L, 2)
        Row and column of its cells, the last one first. A step goes down, right, or both; of steps that cost the same,
        it takes both before down, and down before right.
    """
    height, width = costs.shape
    total = np.full((height + 1, width + 1), math.inf)  # a border above and to the left that no path comes from
    total[1, 1] = 0.0
    for y in range(height):
        for x in range(width):
            if y or x:
                total[y + 1, x + 1] = min(total[y, x], total[y, x + 1], total[y + 1, x]) + costs[y, x]
    y, x = height - 1, width - 1
    path = [(y, x)]
    while y or x:
        down, right = min(((1, 1), (1, 0), (0, 1)), key=lambda step: total[y + 1 - step[0], x + 1 - step[1]])
        y, x = y - down, x - right
        path.append((y, x))
    return np.array(path, dtype=np.int64)


def bijective(pairs: Pairs, costs: NDArray[np.float64], /) -> Pairs:
    """Keep the cheapest pair of each point of the one outline, and of those the cheapest of each of the other's."""
    for side in (0, 1):
        cost = costs[pairs[:, 0], pairs[:, 1]]
        order = np.lexsort((cost, pairs[:, side]))
        _, cheapest = np.unique(pairs[order, side], return_index=True)
        pairs = pairs[order[cheapest]]
    return pairs
