"""FEELVOS's matching: for every pixel and object, the distance to the object's nearest pixel in an earlier frame.

Global matching looks at all of a frame's pixels, the first frame's or the previous one's; local matching only at those
of the previous frame in a window around the pixel. The background is an object like any other. Both walk over tiles of
pairs, so that no array over all pairs of pixels exists, and both expand the squared norm (`distance.expanded_squares`).

Bound. With E_p = γ_{2D+3} (|e_p| + max_q |e_q|)² a pair's squared distance is off by at most E_p, and so is a minimum
or a mean over pairs, but for n u of itself where n are averaged. The slope of tanh(x / 2) is at most ½, its rounding
below 8u, and x tanh'(x) below 1: a distance map is off by at most E_p / 2 + (n + 8) u. Definition and twin keep to it.
"""

from vosref.backend import accelerated, array_namespace, device
from vosref.blocks import DEFAULT_MEMORY, rows_within, slices, tiles
from vosref.distance import expanded_squares, normalised, widened
from vosref.shapes import check_matching, check_matching_values, check_neighbours, check_window

__all__ = ["global_matching", "local_matching", "members", "subsample"]

ARRAYS_PER_PAIR = 6  # tiles alive at once below: lengths, product, squares, what belongs to an object, the tile before


@accelerated
def global_matching(query, reference, labels, /, *, n_neighbours=1, memory=DEFAULT_MEMORY):
    """Distance from every pixel to the nearest pixel of each object in another frame, wherever it is [FEELVOS 2, 3].

    Eq. 2 with the first frame as reference, Eq. 3 with the previous one.

    Parameters
    ----------
    query : array, shape (P, D)
        Embedding of the current frame: finite, floating point, without unit.
    reference : array, shape (R, D)
        Embedding of the frame that is looked at.
    labels : array, shape (R, K)
        One-hot, of any data type: which object each of its pixels belongs to. A row of zeros belongs to none.
    n_neighbours : int
        With more than 1, the mean of so many smallest squared distances, as the released code offers. Where an object
        has fewer pixels, the farthest of them stands in for the missing ones.
    memory : int
        Bytes of working memory beside inputs, outputs and copies of them, and the n smallest of each tile.

    Returns
    -------
    array, shape (P, K)
        In [0, 1]; exactly 1 for an object without a pixel in the reference frame.

    Raises
    ------
    ValueError
        If shapes do not fit, an embedding is not finite, or labels are not one-hot.

    Examples
    --------
    One object has pixels of the embeddings 0 and 1, another one of 4, and a third has none:

    >>> import numpy as np
    >>> import vosref
    >>> reference, labels = np.array([[0.0], [1.0], [4.0]]), np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0]])
    >>> vosref.global_matching(np.array([[1.0], [3.0]]), reference, labels).round(3)
    array([[0.   , 1.   , 1.   ],
           [0.964, 0.462, 1.   ]])
    """
    xp = array_namespace(query, reference, labels)
    check_matching(query, reference, labels)
    check_neighbours(n_neighbours)
    dtype, (query, reference) = query.dtype, widened(query, reference)
    member = members(query, reference, labels)
    columns = []
    for k in range(labels.shape[1]):
        pixels = xp.take(reference, xp.nonzero(member[:, k])[0], axis=0)
        columns.append(_nearest(query, pixels, n_neighbours, memory))
    return xp.astype(normalised(xp.stack(columns, axis=1)), dtype)


@accelerated
def local_matching(query, previous, labels, /, *, grid, window_radius=15, memory=DEFAULT_MEMORY):
    """Distance from every pixel to the nearest pixel of each object near it in the previous frame [FEELVOS 4].

    Parameters
    ----------
    query, previous : array, shape (P, D)
        Embeddings of the current and of the previous frame, P = h·w.
    labels : array, shape (P, K)
        One-hot labels of the previous frame, as for `global_matching`.
    grid : (int, int)
        Height h and width w of the grid of pixels.
    window_radius : int
        k: pixels at most k away in both directions are looked at, (2k + 1)² of them, fewer at the border.
    memory : int
        Bytes of working memory beside inputs, outputs and copies of them.

    Returns
    -------
    array, shape (P, K)
        In [0, 1]; exactly 1 for an object without a pixel in the window.

    Raises
    ------
    ValueError
        As `global_matching` does.

    Examples
    --------
    Nothing has moved in a row of four pixels. With a radius of 1 only its neighbour has the last object in sight.

    >>> import numpy as np
    >>> import vosref
    >>> row, labels = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([[1, 0], [1, 0], [1, 0], [0, 1]])
    >>> vosref.local_matching(row, row, labels, grid=(1, 4), window_radius=1).round(3)
    array([[0.   , 1.   ],
           [0.   , 1.   ],
           [0.   , 0.462],
           [0.462, 0.   ]])
    """
    xp = array_namespace(query, previous, labels)
    check_matching(query, previous, labels)
    check_window(query, previous, grid, window_radius)
    dtype, (query, previous) = query.dtype, widened(query, previous)
    member = xp.reshape(members(query, previous, labels), (*grid, labels.shape[1]))
    query, previous = (xp.reshape(a, (*grid, a.shape[1])) for a in (query, previous))
    window = 2 * window_radius + 1
    wide = min(window, rows_within(memory, _bytes_per_pair(query) * min(window, grid[0]) * min(2 * window, grid[1])))
    runs = [
        _nearest_in_window(query, previous, member, y, x, window_radius, memory)
        for y in range(grid[0])
        for x in slices(grid[1], wide)
    ]
    return xp.astype(normalised(xp.concat(runs, axis=0)), dtype)


def subsample(labels, /, *, most, rng):
    """Keep at most so many pixels of each object, drawn uniformly without replacement [specs FEELVOS §3.2].

    Training matches to a sample of the reference frame, 1024 pixels of each object.

    Parameters
    ----------
    labels : array, shape (R, K)
        One-hot.
    most : int
        Pixels of each object to keep, 1 or more.
    rng : numpy.random.Generator

    Returns
    -------
    array, shape (R, K)
        The rows of the pixels that are left out are 0: they belong to no object, and matching passes over them.

    Examples
    --------
    >>> import numpy as np
    >>> import vosref
    >>> labels = np.array([[1, 0], [1, 0], [1, 0], [0, 1]])
    >>> vosref.subsample(labels, most=2, rng=np.random.default_rng(0)).sum(axis=0)
    array([2, 1])
    """
    if most < 1:
        raise ValueError(f"most must be 1 or more pixels an object, got {most}")
    xp, columns = array_namespace(labels), []
    for k in range(labels.shape[1]):
        member = xp.astype(labels[:, k], xp.bool)
        rank = xp.cumulative_sum(xp.astype(member, xp.int64))
        count = int(rank[-1])
        chosen = xp.asarray([False, *(rng.permutation(count) < most).tolist()], device=device(labels))
        columns.append(member & xp.take(chosen, rank * xp.astype(member, xp.int64), axis=0))
    return xp.where(xp.stack(columns, axis=1), labels, xp.zeros_like(labels))


def _nearest(query, reference, n_neighbours, memory):
    """Mean of the n smallest squared distances of every query pixel, (P,); infinity without references."""
    xp = array_namespace(query, reference)
    if reference.shape[0] == 0:
        return xp.full((query.shape[0],), float("inf"), dtype=query.dtype, device=device(query))
    high, wide = tiles(memory, query.shape[0], reference.shape[0], bytes_per_pair=_bytes_per_pair(query))
    out = []
    for rows in slices(query.shape[0], high):
        of_tiles = [
            _smallest(expanded_squares(query[rows, :], reference[columns, :]), n_neighbours)
            for columns in slices(reference.shape[0], wide)
        ]
        smallest = _smallest(xp.concat(of_tiles, axis=1), n_neighbours)
        missing = n_neighbours - smallest.shape[1]
        out.append((xp.sum(smallest, axis=1) + missing * smallest[:, -1]) / n_neighbours)
    return xp.concat(out, axis=0)


def _smallest(values, n):
    """Return the n smallest of each row, ascending, or all where there are fewer."""
    xp = array_namespace(values)
    if n == 1:
        return xp.min(values, axis=1, keepdims=True)
    # A view would keep the whole sorted tile.
    return xp.asarray(xp.sort(values, axis=1)[:, : min(n, values.shape[1])], copy=True)


def _nearest_in_window(query, previous, member, y, x, radius, memory):
    """Smallest squared distances of a run of pixels, columns x of row y, to each object in their windows, (n, K)."""
    xp, (height, width, n_objects) = array_namespace(query), member.shape
    run = query[y, x, :]
    near = slice(max(0, x.start - radius), min(width, x.stop + radius))
    here, there = (xp.arange(s.start, s.stop, dtype=xp.int64, device=device(query)) for s in (x, near))
    inside = xp.abs(here[:, None] - there[None, :]) <= radius
    infinity = xp.full((run.shape[0], 1, 1), float("inf"), dtype=query.dtype, device=device(query))
    nearest = [infinity[:, 0, 0]] * n_objects
    first, last = max(0, y - radius), min(height, y + radius + 1)
    bytes_per_row = _bytes_per_pair(query) * run.shape[0] * (near.stop - near.start)
    for part in slices(last - first, rows_within(memory, bytes_per_row)):
        rows = slice(first + part.start, first + part.stop)
        block = xp.reshape(previous[rows, near, :], (-1, previous.shape[2]))
        squares = xp.reshape(expanded_squares(run, block), (run.shape[0], -1, near.stop - near.start))
        for k in range(n_objects):
            allowed = inside[:, None, :] & member[rows, near, k][None, :, :]
            nearest[k] = xp.minimum(nearest[k], xp.min(xp.where(allowed, squares, infinity), axis=(1, 2)))
    return xp.stack(nearest, axis=1)


def _bytes_per_pair(query):
    return ARRAYS_PER_PAIR * array_namespace(query).finfo(query.dtype).bits // 8


def members(query, reference, labels, /):
    """Check values; return which pixel belongs to which object, (R, K) of bool."""
    xp = array_namespace(query, reference, labels)
    largest = [4 * xp.max(xp.sum(a * a, axis=1)) for a in (query, reference)]  # no square of a pair's is larger
    member = xp.astype(labels, xp.bool)
    one_hot = xp.all(labels == xp.astype(member, labels.dtype)) & xp.all(
        xp.sum(xp.astype(member, xp.int64), axis=1) <= 1
    )
    check_matching_values(finite=all(bool(xp.isfinite(n)) for n in largest), one_hot=bool(one_hot))
    return member
