"""Twins of `vosref.matching` for the GPU: a tile of squared distances stays on chip until its minima are taken.

Global matching: a block takes 64 query pixels (32 in float64) through the reference pixels of one object, found by
their sorted order. Local matching: it takes a rectangle of them, 8×8 (4×8), through what any of them may look at, and a
reference pixel goes to the minima of its own object; more than 16 objects are looked for in several goes. So the work
does not grow with the number of objects but for each one's last tile and each 16 of local matching.

Floor. For P query and R reference pixels 2PRD operations, in local matching about (8 + 2k)² for R, k the radius.
Embeddings, labels and result move once, and a block fetches 2 · 64 D numbers for 64² pairs, 16 operations a byte in
float32, mostly from the L2 cache. A block takes 14 KiB of shared memory in global matching, 26 KiB for several
neighbours, and 42 KiB in local matching; in float64 no more.

Bound: a product is off by γ_D |x||y|, |x|² and |y|² by γ_D of themselves, and the two sums by at most 2u (|x| + |y|)²;
so the γ_{2D+3} (|x| + |y|)² of `distance.expanded_squares` holds, and a map is off by no more than `vosref.matching`
says. Minima are exact in any order, and the n smallest are summed in ascending order: every run gives the same bytes.
"""

import numpy as np
from array_api_compat import array_namespace, device

from vosref.blocks import DEFAULT_MEMORY, check_memory, rows_within, slices
from vosref.kernels import cuda
from vosref.shapes import check_matching, check_matching_values, check_neighbours, check_window

__all__ = ["global_matching", "local_matching"]


def global_matching(query, reference, labels, /, *, n_neighbours=1, memory=DEFAULT_MEMORY):
    """Tiles of query pixels against each object's reference pixels."""
    check_matching(query, reference, labels)
    check_neighbours(n_neighbours)
    check_memory(memory)
    xp, dtype, (n_queries, depth), n_objects = array_namespace(query), query.dtype, query.shape, labels.shape[1]
    owner, *arrays = _prepared(query, reference, labels)
    run = cuda.kernels("matching", arrays[0].dtype)
    order = xp.argsort(owner, stable=True)
    bounds = xp.arange(n_objects + 1, dtype=owner.dtype, device=device(query))
    arrays += [xp.astype(a, xp.int32) for a in (order, xp.searchsorted(xp.take(owner, order), bounds))]
    out = xp.empty((n_queries, n_objects), dtype=arrays[0].dtype, device=device(query))
    if n_neighbours == 1:
        run("nearest", (-(-n_queries // run.tile.pixels), n_objects), *arrays, out, n_queries, depth)
        return xp.astype(out, dtype, copy=False)
    per_row = n_objects * n_neighbours
    for rows in slices(n_queries, rows_within(memory, per_row * out.dtype.itemsize)):
        n_rows = rows.stop - rows.start
        smallest = xp.empty((per_row * n_rows,), dtype=out.dtype, device=device(query))
        blocks = (-(-n_rows // run.tile.pixels), n_objects)
        run("nearest_few", blocks, *arrays, smallest, out, rows.start, n_rows, depth, n_neighbours)
    return xp.astype(out, dtype, copy=False)


def local_matching(query, previous, labels, /, *, grid, window_radius=15, memory=DEFAULT_MEMORY):
    """Rectangles of query pixels against the pixels that any of them may look at; nothing beside the copies is kept."""
    check_matching(query, previous, labels)
    check_window(query, previous, grid, window_radius)
    check_memory(memory)
    xp, dtype, n_objects = array_namespace(query), query.dtype, labels.shape[1]
    owner, *arrays = _prepared(query, previous, labels)
    run = cuda.kernels("matching", arrays[0].dtype)
    out = xp.empty((query.shape[0], n_objects), dtype=arrays[0].dtype, device=device(query))
    rectangles = -(-grid[0] // run.tile.high) * -(-grid[1] // (run.tile.pixels // run.tile.high))
    sizes = (*grid, query.shape[1], n_objects, min(window_radius, max(grid)))
    run("nearest_near", (rectangles, -(-n_objects // run.tile.objects)), *arrays, owner, out, *sizes)
    return xp.astype(out, dtype, copy=False)


def _prepared(query, reference, labels):
    """Check values; return the object of each reference pixel, K for none, the embeddings, and |x|² and |y|²."""
    xp = array_namespace(query, reference, labels)
    wide = xp.result_type(query, reference, xp.float32)
    query, reference = (xp.ascontiguousarray(a, dtype=wide) for a in (query, reference))
    with np.errstate(over="ignore", invalid="ignore"):
        lengths, squares = (xp.sum(a * a, axis=1) for a in (query, reference))
        finite = bool(xp.all(xp.isfinite(4 * xp.max(lengths)))) and bool(xp.isfinite(4 * xp.max(squares)))
    member = xp.astype(labels, xp.bool)
    one_hot = xp.all(labels == xp.astype(member, labels.dtype)) & xp.all(xp.sum(member, axis=1) <= 1)
    check_matching_values(finite=finite, one_hot=bool(one_hot))
    none = xp.full((member.shape[0],), member.shape[1], dtype=xp.int32, device=device(query))
    owner = xp.where(xp.any(member, axis=1), xp.astype(xp.argmax(member, axis=1), xp.int32), none)
    return owner, query, reference, lengths, squares
