"""Twins of `vosref.propagation`'s online functions for the CPU: a tile of logits stays in cache until it has voted.

A worker takes a band of target pixels through every reference frame, one block of grid rows at a time: one BLAS
product, then exponentials, the spatial term (separable: a table for the rows times a table for the columns) and the
votes. Bands do not share anything, so the result is the same for any number of threads.

Bound. Let u be the unit roundoff, γ_n = nu / (1 - nu), R the number of reference pixels, T the tiles they come in, D
the dimension; L = |τ| max|f_i| max|f_j| bounds every logit and E every d² / σ². A logit is off by δ = γ_{D+2} L. An
exponential (relative error below 8u) of a difference of logits adds u·2L + 8u; the T rescalings add 10u each and, since
the maximum only rises, u·2L together; the spatial term 3uE + 2u; a sum of R terms γ_R. So with

    released:  θ = δ + γ_n,     n = R + 10 (T + 2) + 4L + 3E
    paper:     θ = 2 (δ + γ_n), n = 2R + 10 (T + 2) + (2T + 12) B,   B = L + E + ln R, the largest logarithm,

numerator and denominator are each off by a factor within exp(±θ), and a result by at most (exp(2θ) - 1) times its value
for |labels|. Definition and twin both keep to it, so they differ by at most twice that. `tests/bounds.py` computes it.
"""

import math

import numpy as np
from numba import njit, types
from numba.extending import overload

from vosref.blocks import DEFAULT_MEMORY
from vosref.kernels.threads import for_each_band
from vosref.shapes import check_pairs

__all__ = ["propagate_online", "propagate_released"]

BAND = 128  # target pixels a worker takes at a time
BLOCK = 1024  # reference pixels a tile is about as wide as


def propagate_released(query, references, labels, /, *, grid, sigma, temperature=1.0, memory=DEFAULT_MEMORY):
    """Streaming softmax over all references, the spatial term applied to the votes alone."""
    query, references, labels = _arrays(query, references, labels, sigma, grid)
    out = np.empty((query.shape[0], labels[0].shape[1]), query.dtype)
    with np.errstate(under="ignore"):
        tables = np.exp(-_squares(sigma, grid, query.dtype))

    def band(begin, end):
        top, mass, shrink = _running(end - begin, query.dtype)
        votes = np.zeros((end - begin, out.shape[1]), query.dtype)
        for frame, first, weights in _logits(query[begin:end], references, temperature, grid):
            _absorb(weights, top, mass, shrink)
            _weigh(weights, tables[frame], begin, first, grid[1])
            votes *= shrink[:, None]
            votes += weights @ labels[frame][first : first + weights.shape[1]]
        np.divide(votes, mass[:, None], out=out[begin:end])

    _for_each_band(band, query.shape[0], memory, out.shape[1], query.dtype)
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
        top, mass, shrink = _running(end - begin, query.dtype)
        top_vote, mass_vote, _ = _running(end - begin, query.dtype)
        votes = np.zeros((end - begin, out.shape[1]), query.dtype)
        for frame, first, logits in _logits(query[begin:end], references, temperature, grid):
            last = first + logits.shape[1]
            _approach(logits, squares[frame], begin, first, grid[1])
            weights = logits - half_degree[frame][first:last]
            _absorb(logits, top, mass, shrink)
            _absorb(weights, top_vote, mass_vote, shrink)
            votes *= shrink[:, None]
            votes += weights @ labels[frame][first:last]
        np.multiply(votes, np.exp(top_vote - (top + np.log(mass)) / 2)[:, None], out=out[begin:end])

    _for_each_band(band, query.shape[0], memory, out.shape[1], query.dtype)
    return out


def _half_log_degrees(targets, sources, temperature, table, grid, memory):
    """½ log Σ_j w_ij for every target pixel i over the source pixels j of one frame."""
    out = np.empty(targets.shape[0], targets.dtype)

    def band(begin, end):
        top, mass, shrink = _running(end - begin, targets.dtype)
        for _, first, logits in _logits(targets[begin:end], (sources,), temperature, grid):
            _approach(logits, table, begin, first, grid[1])
            _absorb(logits, top, mass, shrink)
        out[begin:end] = (top + np.log(mass)) / 2

    _for_each_band(band, targets.shape[0], memory, 0, targets.dtype)
    return out


def _for_each_band(band, length, memory, n_labels, dtype):
    """Choose the bands by the memory alone and the workers by what is left, so that threads change no byte."""
    per_pixel = (3 * BLOCK + 4 * n_labels) * dtype.itemsize
    size = max(1, min(BAND, memory // per_pixel))
    for_each_band(band, length, size, most_workers=max(1, memory // (size * per_pixel)))


def _logits(query, references, temperature, grid):
    """Yield (frame, first pixel, τ f_i · f_j) for blocks of whole grid rows, in a buffer that is used again."""
    scaled = query * query.dtype.type(temperature)
    block = max(1, BLOCK // grid[1]) * grid[1]
    buffer = np.empty(query.shape[0] * block, query.dtype)
    for frame, reference in enumerate(references):
        for first in range(0, reference.shape[0], block):
            columns = reference[first : first + block]
            logits = buffer[: query.shape[0] * columns.shape[0]].reshape(query.shape[0], columns.shape[0])
            yield frame, first, np.matmul(scaled, columns.T, out=logits)


def _running(rows, dtype):
    """Start the running maximum, its mass, and the factor by which the latest tile shrank what was before it."""
    return np.full(rows, -np.inf, dtype), np.zeros(rows, dtype), np.ones(rows, dtype)


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


def _exp(row, shift, whole):  # noqa: ARG001 - the compiled form below needs it
    """Replace a row by exp(row - shift); `whole` is an int32 scratch row."""
    row[:] = np.exp(row - shift)


@overload(_exp)
def _exp_compiled(row, shift, whole):  # noqa: ARG001 - types, of which only the row's decides
    return _exp_float32 if row.dtype == types.float32 else _exp_float64


def _exp_float64(row, shift, whole):  # noqa: ARG001 - the signature of both forms
    for j in range(row.shape[0]):
        row[j] = math.exp(row[j] - shift)


def _exp_float32(row, shift, whole):
    # exp(x) = 2^n exp(r) with n the integer nearest to x / ln 2 and |r| ≤ ln 2 / 2; ln 2 is split in two, so that
    # n ln 2 is subtracted without loss, and exp(r) is the Taylor polynomial of degree 7, whose remainder there is
    # below r^8 / 8! exp(r) = 8e-9, 0.14 u. Below -87 the answer is exp(-87) = 1.6e-38, not 0.
    for j in range(row.shape[0]):
        x = max(row[j] - shift, np.float32(-87.0))
        n = np.floor(x * np.float32(1.4426950408889634) + np.float32(0.5))
        r = x - n * np.float32(0.693359375) + n * np.float32(2.12194440e-4)
        p = np.float32(1 / 5040)
        p = p * r + np.float32(1 / 720)
        p = p * r + np.float32(1 / 120)
        p = p * r + np.float32(1 / 24)
        p = p * r + np.float32(1 / 6)
        p = p * r + np.float32(1 / 2)
        p = p * r + np.float32(1)
        row[j] = p * r + np.float32(1)
        whole[j] = (np.int32(n) + np.int32(127)) << np.int32(23)  # the bits of 2^n
    power = whole.view(np.float32)
    for j in range(row.shape[0]):
        row[j] *= power[j]


@njit(cache=True, nogil=True)
def _raise_top(row, top, i):
    """Raise top_i to the row's largest; return by how much the sums so far must shrink."""
    before, highest = top[i], top[i]
    for j in range(row.shape[0]):
        highest = max(highest, row[j])
    top[i] = highest
    return math.exp(before - highest)


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _sum(row):
    total = row.dtype.type(0)
    for j in range(row.shape[0]):
        total += row[j]
    return total


@njit(cache=True, nogil=True)
def _absorb(tile, top, mass, shrink):
    """Take a tile of logits into the running mass, and turn it into weights below the running maximum."""
    whole = np.empty(tile.shape[1], np.int32)
    for i in range(tile.shape[0]):
        shrink[i] = _raise_top(tile[i], top, i)
        _exp(tile[i], top[i], whole)
        mass[i] = mass[i] * shrink[i] + _sum(tile[i])


@njit(cache=True, nogil=True)
def _weigh(tile, table, begin, first, width):
    """Multiply a tile of whole grid rows by the spatial term."""
    zero = (table.shape[0] - 1) // 2
    for i in range(tile.shape[0]):
        x, y = (begin + i) % width, (begin + i) // width
        across = table[zero - x : zero - x + width]
        for r in range(tile.shape[1] // width):
            here, down = tile[i, r * width : (r + 1) * width], table[zero + first // width + r - y]
            for c in range(width):
                here[c] *= across[c] * down


@njit(cache=True, nogil=True)
def _approach(tile, table, begin, first, width):
    """Subtract |loc(i) - loc(j)|² / σ² from a tile of logits of whole grid rows."""
    zero = (table.shape[0] - 1) // 2
    for i in range(tile.shape[0]):
        x, y = (begin + i) % width, (begin + i) // width
        across = table[zero - x : zero - x + width]
        for r in range(tile.shape[1] // width):
            here, down = tile[i, r * width : (r + 1) * width], table[zero + first // width + r - y]
            for c in range(width):
                here[c] -= across[c] + down
