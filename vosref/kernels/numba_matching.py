"""Twins of `vosref.matching` for the CPU: a tile of squared distances stays in cache until its minima are taken.

One more coordinate does the additions inside the product: [y, |y|²] · [-2x, 1] = |y|² - 2 x·y, and |x|², the same for
all references of a pixel, is added to the minima alone. Rows of a tile are reference pixels and its columns query
pixels, so that a minimum over references is an elementwise minimum of rows, of whole vector registers. A reference
pixel's row goes to the minima of its own object: the work does not depend on the number of objects.

Bound: a product of D + 1 terms is off by γ_{D+1} (2|x||y| + |y|²), where |y|² comes with γ_D of itself, and the last
sum by u more; so the γ_{2D+3} (|x| + |y|)² of `distance.expanded_squares` holds here too, and a map is off by no more
than `vosref.matching` says. Definition and twin differ by at most twice that. Minima are exact in any order, and tiles
depend on sizes and memory alone: any number of threads gives the same bytes.
"""

import numpy as np
from numba import njit

from vosref.blocks import DEFAULT_MEMORY, check_memory, rows_within, slices
from vosref.kernels.buffers import empty
from vosref.kernels.threads import for_each_band, scratch
from vosref.shapes import check_matching, check_matching_values, check_neighbours, check_window

__all__ = ["global_matching", "local_matching"]

TILE = 512  # pixels of either frame a tile is at most as wide and high as
ROWS = 2048  # pixels a worker prepares at a time
SIDE = 16  # pixels of the square of query pixels that a tile of local matching belongs to


def global_matching(query, reference, labels, /, *, n_neighbours=1, memory=DEFAULT_MEMORY):
    """Bands of query pixels against all reference pixels."""
    check_matching(query, reference, labels)
    check_neighbours(n_neighbours)
    lengths, queries, references, owner = _augmented(query, reference, labels)
    known = np.flatnonzero(owner >= 0)
    references, owner, n_objects = references[known], owner[known], labels.shape[1]
    columns, out = np.ascontiguousarray(queries.T), np.empty((len(queries), n_objects), query.dtype)
    missing = n_neighbours - np.minimum(np.bincount(owner, minlength=n_objects), n_neighbours)

    def band(begin, end):
        smallest = np.full((n_objects, n_neighbours, end - begin), np.inf, queries.dtype)
        for rows in slices(len(references), high):
            tile = scratch("matching", (rows.stop - rows.start, end - begin), queries.dtype)
            _product(references[rows], columns[:, begin:end], tile)
            _absorb(tile, owner[rows], smallest)
        out[begin:end] = _normalised(_mean(smallest, missing, lengths[begin:end])).T

    itemsize = queries.itemsize
    high = min(TILE, rows_within(memory, 2 * itemsize * TILE))
    per_query = itemsize * (high + 3 * n_objects * (n_neighbours + 1))
    wide = min(TILE, rows_within(memory, per_query))
    for_each_band(band, len(queries), wide, most_workers=max(1, memory // (wide * per_query)))
    return out


def local_matching(query, previous, labels, /, *, grid, window_radius=15, memory=DEFAULT_MEMORY):
    """Squares of query pixels against the pixels that any of them may look at."""
    check_matching(query, previous, labels)
    check_window(query, previous, grid, window_radius)
    check_memory(memory)
    lengths, queries, references, owner = _augmented(query, previous, labels)
    n_objects, depth = labels.shape[1], queries.shape[1]
    out = np.empty((*grid, n_objects), query.dtype)
    lengths, owner = lengths.reshape(grid), owner.reshape(grid)
    queries, references = queries.reshape(*grid, depth), references.reshape(*grid, depth)
    side, high, per_worker = _square(depth, n_objects, queries.itemsize, memory)
    squares = [(y, x) for y in slices(grid[0], side) for x in slices(grid[1], side)]

    def square(begin, end):
        for y, x in squares[begin:end]:
            smallest = np.full((n_objects, y.stop - y.start, x.stop - x.start), np.inf, queries.dtype)
            for v, u in _seen(y, x, grid, window_radius, high):
                # The rows of the square that may look at any of the block's.
                seeing = slice(max(y.start, v.start - window_radius), min(y.stop, v.stop + window_radius))
                columns = queries[seeing, x].reshape(-1, depth).T
                tile = scratch("matching", ((v.stop - v.start) * (u.stop - u.start), columns.shape[1]), queries.dtype)
                _product(references[v, u].reshape(-1, depth), columns, tile)
                part = smallest[:, seeing.start - y.start : seeing.stop - y.start]
                _absorb_near(tile, owner[v, u], part, v.start - seeing.start, u.start - x.start, window_radius)
            squared = np.maximum(smallest + lengths[y, x], 0)
            out[y, x] = _normalised(squared).transpose(1, 2, 0)

    for_each_band(square, len(squares), 1, most_workers=max(1, memory // per_worker))
    return out.reshape(-1, n_objects)


def _augmented(query, reference, labels):
    """Check values; return |x|², [-2x, 1], [y, |y|²], and the object of each reference pixel, -1 for none."""
    dtype = np.result_type(query, reference, np.float32)
    lengths, queries = _with_one_more(query.astype(dtype, copy=False), -2)
    squares, references = _with_one_more(reference.astype(dtype, copy=False), 1)
    queries[:, -1], references[:, -1] = 1, squares
    with np.errstate(over="ignore"):
        finite = bool(np.isfinite(4 * lengths).all() and np.isfinite(4 * squares).all())
    member = labels.astype(bool)
    one_hot = np.array_equal(labels, member.astype(labels.dtype)) and member.sum(axis=1).max() <= 1
    check_matching_values(finite=finite, one_hot=one_hot)
    return lengths, queries, references, np.where(member.any(axis=1), member.argmax(axis=1), -1)


def _with_one_more(embedding, factor):
    """Return |x|² of every row, and the rows times a factor, with room for one more coordinate."""
    lengths, out = (
        np.empty(len(embedding), embedding.dtype),
        empty((len(embedding), embedding.shape[1] + 1), embedding.dtype),
    )

    def band(begin, end):
        with np.errstate(over="ignore", invalid="ignore"):
            _scale(embedding[begin:end], embedding.dtype.type(factor), out[begin:end], lengths[begin:end])

    for_each_band(band, len(embedding), ROWS)
    return lengths, out


def _product(references, columns, out):
    """Multiply what `_augmented` returned; its check keeps every partial sum below 3/4 of the largest number.

    An invalid operation can therefore only be one on padding of the BLAS's own, whose flag NumPy would report.
    """
    with np.errstate(invalid="ignore"):
        np.matmul(references, columns, out=out)


def _mean(smallest, missing, lengths):
    """Mean of the n smallest squared distances, (K, n, P) → (K, P); the farthest stands in for missing ones."""
    squared = np.maximum(smallest + lengths, 0)
    if smallest.shape[1] == 1:
        return squared[:, 0]
    for k, n in enumerate(missing):
        if 0 < n < smallest.shape[1]:
            squared[k, -n:] = squared[k, -n - 1]
    return squared.mean(axis=1)


def _normalised(squared):
    return np.tanh(squared / 2)


def _square(depth, n_objects, itemsize, memory):
    """Side of the squares, pixels of the previous frame that a tile takes at once, and bytes a worker needs."""
    for side in (SIDE, 8, 4, 2, 1):
        fixed = itemsize * side * side * (3 * n_objects + depth)
        per_row = itemsize * (side * side + depth)
        if fixed + per_row * side <= memory:
            break
    high = min(TILE, max(1, (memory - fixed) // per_row))
    return side, high, fixed + high * per_row


def _seen(y, x, grid, radius, high):
    """Cover what the pixels of a square may look at with blocks of about `high` pixels."""
    top, left = max(0, y.start - radius), max(0, x.start - radius)
    bottom, right = min(grid[0], y.stop + radius), min(grid[1], x.stop + radius)
    wide = min(high, right - left)
    for v in slices(bottom - top, max(1, high // wide)):
        for u in slices(right - left, wide):
            yield slice(top + v.start, top + v.stop), slice(left + u.start, left + u.stop)


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _scale(rows, factor, out, lengths):
    for p in range(rows.shape[0]):
        total = lengths.dtype.type(0)
        for d in range(rows.shape[1]):
            value = rows[p, d]
            total += value * value
            out[p, d] = factor * value
        lengths[p] = total


@njit(cache=True, nogil=True)
def _absorb(tile, owner, smallest):
    """Take a tile, references × queries, into the n smallest of each object and query, ascending."""
    for j in range(tile.shape[0]):
        row, kept = tile[j], smallest[owner[j]]
        for n in range(kept.shape[0] - 1):
            best = kept[n]
            for i in range(row.shape[0]):
                value = row[i]
                row[i] = max(value, best[i])
                best[i] = min(value, best[i])
        last = kept[kept.shape[0] - 1]
        for i in range(row.shape[0]):
            last[i] = min(row[i], last[i])


@njit(cache=True, nogil=True)
def _absorb_near(tile, owner, smallest, down, across, radius):
    """Take a tile, a block of the previous frame × a square of queries, into the smallest within the radius.

    `down` and `across` lead from the square's first pixel to the block's.
    """
    height, width = smallest.shape[1:]
    for v in range(owner.shape[0]):
        first, last = max(0, down + v - radius), min(height, down + v + radius + 1)
        for u in range(owner.shape[1]):
            k = owner[v, u]
            if k < 0:
                continue
            left, right = max(0, across + u - radius), min(width, across + u + radius + 1)
            row = tile[v * owner.shape[1] + u]
            for y in range(first, last):
                here, best = row[y * width + left : y * width + right], smallest[k, y, left:right]
                for i in range(here.shape[0]):
                    best[i] = min(here[i], best[i])
