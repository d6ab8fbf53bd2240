"""Twins of `vosref.propagation`'s online functions for the GPU: a tile of logits stays in registers and shared memory.

A block takes 64 target pixels (32 in float64) through a part of one reference frame, 64 pixels at a time: the product,
the running maximum, the exponentials, the spatial term (separable: two numbers of a table), the votes of 16 labels. Its
maximum, mass and votes go to a slot of their own. Slots, one for each part of each frame, are combined in their order;
how many there are depends on sizes and memory alone, so that a result is the same bytes on every run.

Floor. For P targets and R references, 2PRD operations for each 16 labels, with the paper's S twice as many, and one
exponential a pair, with the paper's S three. Embeddings, labels and result move once, the slots' (2 + K) numbers a
target twice; a block fetches 2 · 64 D numbers for 64² pairs, 16 operations a byte in float32, mostly from the L2 cache.
A block takes 35 KiB of shared memory, 39 KiB with the paper's S; in float64 27 and 31.

Bound. That of `kernels.numba_propagation`, with one tile more than there are, for the combination of the slots: the
maxima of a pair's tiles, then of its slot, and of all slots only rise. Tables are rounded once from double precision.
"""

import numpy as np
from array_api_compat import array_namespace, device

from vosref.blocks import DEFAULT_MEMORY, rows_within, slices
from vosref.kernels import cuda
from vosref.shapes import check_pairs

__all__ = ["propagate_online", "propagate_released"]

BLOCKS = (
    512  # blocks that a launch is split into at least, where there are so many tiles: four for each of 128 processors
)


def propagate_released(query, references, labels, /, *, grid, sigma, temperature=1.0, memory=DEFAULT_MEMORY):
    """Streaming softmax over all references, the spatial term applied to the votes alone."""
    dtype, query, references, labels = _arrays(query, references, labels, sigma, grid)
    tables = _tables(sigma, grid, query, lambda squares: np.exp(-squares))
    return _vote("released", query, references, labels, [(t,) for t in tables], grid, temperature, memory, dtype)


def propagate_online(query, references, labels, /, *, grid, sigma, temperature=1.0, memory=DEFAULT_MEMORY):
    """Degrees of the references first, then degrees of the targets and their votes in one pass.

    The degrees, one number a reference pixel, come on top of `memory`.
    """
    dtype, query, references, labels = _arrays(query, references, labels, sigma, grid)
    tables = _tables(sigma, grid, query, lambda squares: squares)
    halves = [
        _half_log_degrees(r, query, t, grid, temperature, memory) for r, t in zip(references, tables, strict=True)
    ]
    spatial = list(zip(tables, halves, strict=True))
    return _vote("paper", query, references, labels, spatial, grid, temperature, memory, dtype)


def _vote(form, query, references, labels, spatial, grid, temperature, memory, dtype):
    """Let all pixels of all references vote; `spatial` are the kernel's arrays of each frame beside the embeddings."""
    xp, run = array_namespace(query), cuda.kernels("propagation", query.dtype)
    (n_pixels, depth), n_labels, n_frames = query.shape, labels[0].shape[1], len(references)
    out = xp.empty((n_pixels, n_labels), dtype=query.dtype, device=device(query))
    n_sums = {"released": 2, "paper": 3}[form]  # of each slot and target: maxima and mass
    for chosen in slices(n_labels, run.tile.side):
        columns = (chosen.start, chosen.stop - chosen.start, n_labels)
        for rows, parts in _bands(query, n_frames, n_sums + columns[1], run.tile, memory):
            n_rows, slots = rows.stop - rows.start, n_frames * parts
            sums = [_empty(query, slots * n_rows) for _ in range(n_sums)]
            sums.append(_empty(query, slots * n_rows * columns[1]))
            for frame, (reference, arrays, y) in enumerate(zip(references, spatial, labels, strict=True)):
                sizes = (rows.start, n_rows, reference.shape[0], depth, grid[1], *columns, frame)
                blocks = (-(-n_rows // run.tile.pixels), parts)
                run(form, blocks, query, reference, *arrays, y, *sums, *sizes, float(temperature))
            blocks = (-(-n_rows * columns[1] // run.tile.side**2), 1)
            run(f"combine_{form}", blocks, *sums, out, rows.start, n_rows, slots, *columns)
    return xp.astype(out, dtype, copy=False)


def _half_log_degrees(targets, sources, table, grid, temperature, memory):
    """½ log Σ_j w_ij for every target pixel i over the source pixels j of one frame."""
    run, (n_pixels, depth) = cuda.kernels("propagation", targets.dtype), targets.shape
    out = _empty(targets, n_pixels)
    for rows, parts in _bands(targets, 1, 2, run.tile, memory):
        n_rows = rows.stop - rows.start
        top, mass = (_empty(targets, parts * n_rows) for _ in range(2))
        sizes = (rows.start, n_rows, sources.shape[0], depth, grid[1])
        blocks = (-(-n_rows // run.tile.pixels), parts)
        run("degree", blocks, targets, sources, table, top, mass, *sizes, float(temperature))
        run("combine_degree", (-(-n_rows // run.tile.side**2), 1), top, mass, out, rows.start, n_rows, parts)
    return out


def _bands(query, n_frames, n_sums, tile, memory):
    """Yield bands of target pixels whose slots fit into memory, and the parts that each frame is split into."""
    n_tiles = -(-query.shape[0] // tile.pixels)
    parts = min(n_tiles, -(-BLOCKS // n_tiles))
    per_part = n_frames * n_sums * query.dtype.itemsize
    parts = min(parts, rows_within(memory, min(query.shape[0], tile.pixels) * per_part))
    for rows in slices(query.shape[0], rows_within(memory, parts * per_part)):
        yield rows, parts


def _empty(like, length):
    return array_namespace(like).empty((length,), dtype=like.dtype, device=device(like))


def _arrays(query, references, labels, sigma, grid):
    """Check shapes; return the result's dtype, and contiguous arrays of it, or of float32 where it holds less."""
    references, labels = tuple(references), tuple(labels)
    check_pairs(query, references, sigma, grid=grid)
    if not min(sigma) > 0:
        raise ValueError(f"sigma must be a positive number of cells, got {min(sigma)}")
    if len(labels) != len(references) or any(y.shape != (query.shape[0], labels[0].shape[-1]) for y in labels):
        raise ValueError(f"labels must be (pixels, K) for every reference, got {[tuple(y.shape) for y in labels]}")
    xp = array_namespace(query, *references, *labels)
    dtype = xp.result_type(query, *references, *labels)
    wide = xp.result_type(dtype, xp.float32)
    frames = (tuple(xp.ascontiguousarray(a, dtype=wide) for a in arrays) for arrays in (references, labels))
    return dtype, xp.ascontiguousarray(query, dtype=wide), *frames


def _tables(sigma, grid, like, term):
    """Spatial term along one axis for offsets of 0, 1, … cells: an array for each frame, of `like`'s kind."""
    squares = np.arange(max(grid), dtype=np.float64) ** 2
    with np.errstate(under="ignore"):
        tables = [term(squares / s**2).astype(like.dtype) for s in map(float, sigma)]
    return [array_namespace(like).asarray(t, device=device(like)) for t in tables]
