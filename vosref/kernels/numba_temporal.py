"""Twin of `vosref.evaluation.temporal` for the CPU: a row of sums at a time, and a byte for each step.

Bound. The same sums and comparisons as the definition's, and so the same path.
"""

import math

import numpy as np
from numba import njit

__all__ = ["cheapest_path"]


def cheapest_path(costs, /):
    """Go forward row by row, and back along the steps."""
    return _path(np.ascontiguousarray(costs, dtype=np.float64))


@njit(cache=True, nogil=True)
def _path(costs):
    height, width = costs.shape
    steps = np.empty((height, width), np.uint8)  # 1: down, 2: right, 3: both
    total = np.full(width + 1, math.inf)
    for y in range(height):
        across = 0.0 if y == 0 else total[0]
        total[0] = math.inf
        for x in range(width):
            above, left = total[x + 1], total[x]
            least, step = across, 3
            if above < least:
                least, step = above, 1
            if left < least:
                least, step = left, 2
            steps[y, x] = step
            across = above
            total[x + 1] = least + costs[y, x] if y or x else 0.0
    path = np.empty((height + width - 1, 2), np.int64)
    y, x, n = height - 1, width - 1, 0
    while True:
        path[n, 0], path[n, 1] = y, x
        n += 1
        if y == 0 and x == 0:
            return path[:n]
        step = steps[y, x]
        y, x = y - (step & 1), x - (step >> 1)
