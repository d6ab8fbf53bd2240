"""Which pixels of an object are nearest, by direct squares and with a rule for ties: the search of `matching`.

Of pixels at equal distance the first in row-major order counts as the nearer, whatever the tiles.
"""

from vosref.backend import array_namespace, device
from vosref.blocks import rows_within, slices, tiles
from vosref.distance import direct_squares

__all__ = ["BYTES_PER_PAIR", "nearest", "nearest_in_window"]

BYTES_PER_PAIR = 64  # a tile's squares, their terms, what belongs to an object, places: eight arrays of 8 bytes at most


def nearest(query, pixels, n, memory):
    """Squared distances of every query pixel to its n nearest, and their places, (P, n) or fewer, nearest first."""
    xp = array_namespace(query, pixels)
    high, wide = tiles(memory, query.shape[0], pixels.shape[0], bytes_per_pair=BYTES_PER_PAIR)
    found = []
    for rows in slices(query.shape[0], high):
        of_tiles = []
        for columns in slices(pixels.shape[0], wide):
            squares, order = _first_smallest(direct_squares(query[rows, :], pixels[columns, :]), n)
            of_tiles.append((squares, order + columns.start))
        # Tiles are in row-major order, and so are equal values within each: the first among equals stays the first.
        squares, places = (xp.concat(part, axis=1) for part in zip(*of_tiles, strict=True))
        squares, order = _first_smallest(squares, n)
        found.append((squares, xp.take_along_axis(places, order, axis=1)))
    return tuple(xp.concat(part, axis=0) for part in zip(*found, strict=True))


def nearest_in_window(query, previous, member, y, x, radius, memory):
    """Smallest squared distances of columns x of row y to each object in their windows, and their places, (n, K)."""
    xp, where, (height, width, n_objects) = array_namespace(query), device(query), member.shape
    run = query[y, x, :]
    near = slice(max(0, x.start - radius), min(width, x.stop + radius))
    here, there = (xp.arange(s.start, s.stop, dtype=xp.int64, device=where) for s in (x, near))
    inside = xp.abs(here[:, None] - there[None, :]) <= radius
    infinity = xp.full((run.shape[0], 1), float("inf"), dtype=query.dtype, device=where)
    closest, places = [infinity[:, 0]] * n_objects, [xp.zeros_like(here)] * n_objects
    first, last = max(0, y - radius), min(height, y + radius + 1)
    bytes_per_row = BYTES_PER_PAIR * run.shape[0] * there.shape[0]
    for part in slices(last - first, rows_within(memory, bytes_per_row)):
        rows = slice(first + part.start, first + part.stop)
        squares = direct_squares(run, xp.reshape(previous[rows, near, :], (-1, previous.shape[2])))
        for k in range(n_objects):
            allowed = xp.reshape(inside[:, None, :] & member[rows, near, k][None, :, :], squares.shape)
            smallest, order = (a[:, 0] for a in _first_smallest(xp.where(allowed, squares, infinity), 1))
            place = (rows.start + order // there.shape[0]) * width + near.start + order % there.shape[0]
            # Strictly closer: among equal ones in two parts the first stays.
            places[k] = xp.where(smallest < closest[k], place, places[k])
            closest[k] = xp.minimum(closest[k], smallest)
    return xp.stack(closest, axis=1), xp.stack(places, axis=1)


def _first_smallest(values, n):
    """Return the n smallest of each row, ascending, and where they are; of equal ones the first."""
    xp = array_namespace(values)
    if n == 1:
        order = xp.argmin(values, axis=1, keepdims=True)
    else:
        order = xp.asarray(xp.argsort(values, axis=1, stable=True)[:, : min(n, values.shape[1])], copy=True)
    return xp.take_along_axis(values, order, axis=1), order
