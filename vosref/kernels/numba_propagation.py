"""Twins of `vosref.propagation`'s online functions for the CPU: a tile of logits stays in cache until it has voted.

Rows of a tile are reference pixels and its columns target pixels, so that maxima, sums and votes over references are
elementwise operations on rows, of whole vector registers. A worker takes a band of target pixels through every
reference frame: one BLAS product a tile, then exponentials, the spatial term and the votes. That term is separable: a
table for the rows of the grid, which multiplies once a row of the grid, and one for its columns. Bands do not share
anything and do not depend on the threads, so the result is the same for any number of them.

Floor: 2 P R D operations (twice that for the paper's S, whose degrees come first), and all inputs once; what follows
the product costs a fifth of it. Were the votes of far references left out, whose spatial term is small, that would save
a twentieth at most, for the denominator needs their exponentials. So only what is exactly 0 is left out: rows of the
grid so far away that the spatial term underflows (82 rows at σ = 8 in float32).

Bound. Let u be the unit roundoff, γ_n = nu / (1 - nu), R the number of reference pixels, T the tiles they come in, D
the dimension; L = |τ| max|f_i| max|f_j| bounds every logit and E every d² / σ². A logit is off by δ = γ_{D+2} L. An
exponential (relative error below 8u, see `vosref.kernels.exponential`) of a difference of logits adds u·2L + 8u; the T
rescalings add 10u each and, since the maximum only rises, u·2L together; the spatial term 3uE + 2u, and its two factors
and the label 3u; a sum of R terms γ_R. So with

    released:  θ = δ + γ_n,     n = R + 10 (T + 2) + 4L + 3E
    paper:     θ = 2 (δ + γ_n), n = 2R + 10 (T + 2) + (2T + 12) B,   B = L + E + ln R, the largest logarithm,

numerator and denominator are each off by a factor within exp(±θ), and a result by at most (exp(2θ) - 1) times its value
for |labels|. Definition and twin both keep to it, so they differ by at most twice that. `tests/bounds.py` computes it.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from vosref.blocks import DEFAULT_MEMORY, rows_within, tapered
from vosref.kernels.exponential import exp
from vosref.kernels.threads import for_each_band, scratch
from vosref.shapes import check_pairs

__all__ = ["propagate_online", "propagate_released"]

BAND = 640  # target pixels a worker takes at most at a time
BLOCK = 768  # reference pixels a tile is at most as high as
EVEN = 64  # targets that a band is a multiple of: products of other widths are slower


def propagate_released(query, references, labels, /, *, grid, sigma, temperature=1.0, memory=DEFAULT_MEMORY):
    """Streaming softmax over all references, the spatial term applied to the votes alone."""
    query, references, labels = _arrays(query, references, labels, sigma, grid)
    out = np.empty((query.shape[0], labels[0].shape[1]), query.dtype)
    with np.errstate(under="ignore"):
        tables = np.exp(-_squares(sigma, grid, query.dtype))

    def band(begin, end):
        sums = _sums(end - begin, query.dtype)
        votes, of_row = np.zeros((2, out.shape[1], end - begin), query.dtype)
        for tile in _tiles(query, begin, end, references, temperature, tables, grid):
            _absorb(tile.logits, *sums)
            votes *= sums.shrink
            _vote(tile.logits, tile.first, labels[tile.frame], tile.across, tile.down, votes, of_row)
        np.divide(votes, sums.mass, out=out[begin:end].T)

    _for_each_band(band, query, out.shape[1], grid, memory)
    return out


def propagate_online(query, references, labels, /, *, grid, sigma, temperature=1.0, memory=DEFAULT_MEMORY):
    """Degrees of the references first, then degrees of the targets and their votes in one pass."""
    query, references, labels = _arrays(query, references, labels, sigma, grid)
    out = np.empty((query.shape[0], labels[0].shape[1]), query.dtype)
    squares = _squares(sigma, grid, query.dtype)
    half_degree = [
        _half_log_degrees(r, query, temperature, table, grid, memory)
        for r, table in zip(references, squares, strict=True)
    ]

    def band(begin, end):
        degree, vote = _sums(end - begin, query.dtype), _sums(end - begin, query.dtype)
        votes = np.zeros((out.shape[1], end - begin), query.dtype)
        for tile in _tiles(query, begin, end, references, temperature, squares, grid):
            pixels = slice(tile.first, tile.first + tile.logits.shape[0])
            _approach(tile.logits, tile.first, tile.across, tile.down)
            weights = scratch("propagation weights", tile.logits.shape, query.dtype)
            np.subtract(tile.logits, half_degree[tile.frame][pixels, None], out=weights)
            _absorb(tile.logits, *degree)
            _absorb(weights, *vote)
            votes *= vote.shrink
            votes += labels[tile.frame][pixels].T @ weights
        np.multiply(votes, np.exp(vote.top - (degree.top + np.log(degree.mass)) / 2), out=out[begin:end].T)

    _for_each_band(band, query, out.shape[1], grid, memory)
    return out


class _Tile(NamedTuple):
    logits: np.ndarray  # τ f_j · f_i, references × targets, in memory that the next tile takes over
    frame: int
    first: int  # the first row's pixel in its frame
    across: np.ndarray  # the table at every (column of the grid, target)
    down: np.ndarray  # the same at every (row of the grid, target)


class _Sums(NamedTuple):
    top: np.ndarray  # the largest logit of each target so far
    mass: np.ndarray  # Σ exp(logit - top)
    shrink: np.ndarray  # the factor by which the latest tile made what was before it smaller


def _sums(length, dtype):
    return _Sums(np.full(length, -np.inf, dtype), np.zeros(length, dtype), np.ones(length, dtype))


def _half_log_degrees(targets, sources, temperature, table, grid, memory):
    """½ log Σ_j w_ij for every target pixel i over the source pixels j of one frame."""
    out = np.empty(targets.shape[0], targets.dtype)

    def band(begin, end):
        sums = _sums(end - begin, targets.dtype)
        for tile in _tiles(targets, begin, end, (sources,), temperature, (table,), grid):
            _approach(tile.logits, tile.first, tile.across, tile.down)
            _absorb(tile.logits, *sums)
        out[begin:end] = (sums.top + np.log(sums.mass)) / 2

    _for_each_band(band, targets, 0, grid, memory)
    return out


def _for_each_band(band, targets, n_labels, grid, memory):
    """Choose the bands by sizes and memory alone and the workers by what is left, so that threads change no byte."""
    values = 2 * BLOCK + targets.shape[1] + sum(grid) + 3 * n_labels + 8
    per_pixel = values * targets.dtype.itemsize
    size = min(BAND, rows_within(memory, per_pixel))
    bands = list(tapered(targets.shape[0], size, multiple=EVEN))

    def some(begin, end):
        for pixels in bands[begin:end]:
            band(pixels.start, pixels.stop)

    for_each_band(some, len(bands), 1, most_workers=max(1, memory // (size * per_pixel)))


def _tiles(targets, begin, end, references, temperature, tables, grid):
    """Yield the tiles of a band, and with them each frame's table at its targets."""
    columns = np.multiply(targets[begin:end].T, targets.dtype.type(temperature), order="C")
    pixels = np.arange(begin, end)
    places = pixels // grid[1], pixels % grid[1]
    down, across = (np.empty((n, len(pixels)), targets.dtype) for n in grid)
    for frame, reference in enumerate(references):
        if frame == 0 or not np.array_equal(tables[frame], tables[frame - 1]):
            for place, out in zip(places, (down, across), strict=True):
                _look_up(tables[frame], place, out)
        for first in range(0, reference.shape[0], BLOCK):
            rows = reference[first : first + BLOCK]
            logits = scratch("propagation logits", (rows.shape[0], len(pixels)), targets.dtype)
            yield _Tile(np.matmul(rows, columns, out=logits), frame, first, across, down)


def _arrays(query, references, labels, sigma, grid):
    """Check shapes; return the query and tuples of one array a frame, contiguous and of one dtype."""
    references, labels = tuple(references), tuple(labels)
    check_pairs(query, references, sigma, grid=grid)
    dtype = np.result_type(query, *references, *labels)
    frames = (tuple(np.ascontiguousarray(a, dtype) for a in arrays) for arrays in (references, labels))
    return np.ascontiguousarray(query, dtype), *frames


def _squares(sigma, grid, dtype):
    """n² / σ² for every frame and every offset n = -(N-1) … N-1, N the longer side of the grid."""
    offset = np.arange(1 - max(grid), max(grid), dtype=np.float64)
    return (offset**2)[None, :].astype(dtype) / (np.asarray(sigma, np.float64)[:, None] ** 2).astype(dtype)


@njit(cache=True, nogil=True)
def _look_up(table, places, out):
    """Table at the offset from every row of the grid, or column, to every target."""
    zero = (table.shape[0] - 1) // 2
    for n in range(out.shape[0]):
        for i in range(places.shape[0]):
            out[n, i] = table[zero + places[i] - n]


@njit(cache=True, nogil=True, fastmath={"contract"})
def _absorb(tile, top, mass, shrink):
    """Take a tile of logits into the running mass, and turn it into weights below the running maximum."""
    shrink[:] = top
    for j in range(tile.shape[0]):
        row = tile[j]
        for i in range(row.shape[0]):
            top[i] = max(top[i], row[i])
    for i in range(top.shape[0]):
        shrink[i] = exp(shrink[i] - top[i])
        mass[i] *= shrink[i]
    for j in range(tile.shape[0]):
        row = tile[j]
        for i in range(row.shape[0]):
            weight = exp(row[i] - top[i])
            row[i] = weight
            mass[i] += weight


@njit(cache=True, nogil=True)
def _vote(tile, first, labels, across, down, votes, of_row):
    """Add what a tile's weights, times the spatial term, say for each label; the grid's rows one by one."""
    width, begin = across.shape[0], 0
    while begin < tile.shape[0]:
        y = (first + begin) // width
        end, far = min(tile.shape[0], (y + 1) * width - first), down[y]
        if far.max() > 0:
            of_row[:] = 0
            for j in range(begin, end):
                _add_vote(tile[j], labels[first + j], across[(first + j) % width], of_row)
            for k in range(votes.shape[0]):
                total, part = votes[k], of_row[k]
                for i in range(total.shape[0]):
                    total[i] += part[i] * far[i]
        begin = end


@njit(cache=True, nogil=True, fastmath={"contract"})
def _add_vote(weights, label, across, of_row):
    for k in range(label.shape[0]):
        share, part = label[k], of_row[k]
        if share != 0:
            for i in range(part.shape[0]):
                part[i] += share * (weights[i] * across[i])


@njit(cache=True, nogil=True)
def _approach(tile, first, across, down):
    """Subtract |loc(i) - loc(j)|² / σ² from a tile of logits."""
    width = across.shape[0]
    for j in range(tile.shape[0]):
        row, near, far = tile[j], across[(first + j) % width], down[(first + j) // width]
        for i in range(row.shape[0]):
            row[i] -= near[i] + far[i]
