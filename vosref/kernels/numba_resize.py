"""Twin of `vosref.resize` for the CPU: rows are mixed first, then columns, one output row at a time.

Bound. Both mix two samples along rows, and two of the results along columns, by the same rounded shares: 3 roundings
each time, so that each differs from the exact mixture by at most γ_6 times the largest absolute sample of the four.
"""

import numpy as np
from numba import njit

from vosref.kernels.buffers import empty
from vosref.kernels.threads import for_each_band
from vosref.shapes import check_resize

__all__ = ["resize_bilinear"]

ROWS = 8  # output rows that a worker mixes at a time


def resize_bilinear(values, /, *, size, align_corners=False):
    """Mix the two rows around each output row, then the two columns around each of its pixels."""
    check_resize(values, size)
    values = np.ascontiguousarray(values)
    rows, columns = (_around(n, m, align_corners, values.dtype) for n, m in zip(values.shape, size, strict=False))
    out = empty((*size, values.shape[2]), values.dtype)
    for_each_band(lambda begin, end: _mix(values, *rows, *columns, out, begin, end), size[0], ROWS)
    return out


def _around(n_in, n_out, align_corners, dtype):
    """Return the sample below each output sample, the one above, and the share of the latter."""
    cell = np.arange(n_out, dtype=np.float64)
    centre = cell * ((n_in - 1) / max(n_out - 1, 1)) if align_corners else (cell + 0.5) * (n_in / n_out) - 0.5
    centre = np.clip(centre, 0, n_in - 1)
    below = np.floor(centre)
    return below.astype(np.int64), np.minimum(below + 1, n_in - 1).astype(np.int64), (centre - below).astype(dtype)


@njit(cache=True, nogil=True, fastmath={"contract"})
def _mix(values, below, above, share, left, right, part, out, begin, end):
    line, one = np.empty((values.shape[1], values.shape[2]), values.dtype), values.dtype.type(1)
    for y in range(begin, end):
        for x in range(values.shape[1]):
            mixed, lower, upper = line[x], values[below[y], x], values[above[y], x]
            for c in range(mixed.shape[0]):
                mixed[c] = lower[c] * (one - share[y]) + upper[c] * share[y]
        for x in range(out.shape[1]):
            mixed, lower, upper = out[y, x], line[left[x]], line[right[x]]
            for c in range(mixed.shape[0]):
                mixed[c] = lower[c] * (one - part[x]) + upper[c] * part[x]
