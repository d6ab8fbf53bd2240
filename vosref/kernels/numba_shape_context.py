"""Twins of `vosref.evaluation.shape_context` for the CPU: point by point, without the bins that are empty.

Bound. Each counts, compares and rounds as its definition does, in the same order, and so agrees in every bit; bins
that are left out would add 0.
"""

import numpy as np
from numba import njit

__all__ = ["context_costs", "shape_contexts"]

SECTORS, ROOT_3 = 12, 3**0.5
RINGS = np.array([1 / 8, 1 / 4, 1 / 2, 1.0, 2.0])


def shape_contexts(points, /, *, scale):
    """Count point by point."""
    if not scale > 0:
        raise ValueError(f"scale must be above 0, got {scale}")
    down, right = (np.array(axis, dtype=np.float64) for axis in points.T)
    return _contexts(down, right, scale * RINGS)


def context_costs(first, second, /):
    """Add up what two contexts share, bin by bin, for all of the second outline at once."""
    ours, theirs = (np.ascontiguousarray(counts.T, dtype=np.float64) for counts in (first, second))
    return _costs(ours, theirs, ours.sum(axis=0), theirs.sum(axis=0))


@njit(cache=True, nogil=True)
def _contexts(down, right, radii):
    counts = np.zeros((down.size, SECTORS * radii.size), np.int64)
    for i in range(down.size):
        for j in range(down.size):
            v, u = down[j] - down[i], right[j] - right[i]
            distance, ring = np.sqrt(v * v + u * u), 0
            while ring < radii.size and distance >= radii[ring]:
                ring += 1
            if ring < radii.size:
                counts[i, SECTORS * ring + _sector(v, u)] += 1
    return counts


@njit(cache=True, nogil=True)
def _sector(v, u):
    """Return in which of 12 sectors a direction lies, v down and u to the right."""
    if u > 0 and v >= 0:
        quarter, ahead, aside = 0, u, v
    elif u <= 0 and v > 0:
        quarter, ahead, aside = 1, v, -u
    elif u < 0 and v <= 0:
        quarter, ahead, aside = 2, -u, -v
    elif v < 0:
        quarter, ahead, aside = 3, -v, u
    else:
        return 0
    return 3 * quarter + (aside * ROOT_3 >= ahead) + (aside >= ahead * ROOT_3)


@njit(cache=True, nogil=True, error_model="numpy")
def _costs(ours, theirs, sums, other_sums):
    costs = np.zeros((sums.size, other_sums.size))
    for i in range(sums.size):
        shared, own = costs[i], sums[i]
        for k in range(ours.shape[0]):
            if ours[k, i] > 0:
                _share(ours[k, i], own, theirs[k], other_sums, shared)
        for j in range(shared.size):
            shared[j] = 1 - 2 * (shared[j] / (own * other_sums[j]))
    return costs


@njit(cache=True, nogil=True, error_model="numpy")
def _share(count, own, others, sums, shared):
    # NumPy's error model: a division that might raise keeps the loop from being vectorised.
    for j in range(shared.size):
        x, y = count * sums[j], others[j] * own
        shared[j] += x * y / (x + y)
