"""Gradients of FEELVOS's distance and of its matching.

With the squared distance s = |x - y|² a distance is d = tanh(s / 2), so that

    ∂d/∂s = ½ (1 - tanh²(s / 2)) = 2 e⁻ˢ / (1 + e⁻ˢ)²,    ∂s/∂x = 2 (x - y) = -∂s/∂y.

A distance map looks at the nearest pixel alone, and so does its gradient.

Ties. A minimum, or the n smallest, pass their cotangent to the first pixel in row-major order among equal ones, and so
does the farthest that stands in for missing ones. An object without a pixel is at the constant distance 1: gradient 0.

Which pixel is nearest is decided by direct squares here, where the definitions expand them. Two equal embeddings have
exactly equal direct squares, whatever the tiles, so the rule for ties is one of exact equality; expanded squares of
equal embeddings differ with the order of their sums. For the gradient itself the difference x - y is taken directly:
it is all that is left of the nearest pixels, and an expansion would lose it. As in the definitions, no array over all
pairs of pixels exists.
"""

from vosref.backend import array_namespace, device
from vosref.blocks import DEFAULT_MEMORY, rows_within, slices, tiles
from vosref.distance import direct_squares, widened
from vosref.gradients.cotangents import check_cotangent
from vosref.gradients.nearest import BYTES_PER_PAIR, nearest, nearest_in_window
from vosref.matching import members
from vosref.shapes import check_embeddings, check_matching, check_neighbours, check_window

__all__ = ["embedding_distance_vjp", "global_matching_vjp", "local_matching_vjp"]


def embedding_distance_vjp(cotangent, query, reference, /):
    """Gradient of `distance.embedding_distance`.

    With g_pq the cotangent and h_pq = g_pq ∂d/∂s_pq, the cotangent of the squared distance, the chain rule gives

        ∂L/∂x_p = 2 Σ_q h_pq (x_p - y_q),    ∂L/∂y_q = -2 Σ_p h_pq (x_p - y_q).

    At equal embeddings, the minimum, the gradient is 0.

    Parameters
    ----------
    cotangent : array, shape (P, R)
        ∂L/∂d.
    query, reference : array, shape (P, D) and (R, D)
        As for the definition. The pairs are whole, as its result is.

    Returns
    -------
    d_query : array, shape (P, D)
    d_reference : array, shape (R, D)
        Each of its array's data type.

    Raises
    ------
    ValueError
        As the definition does, and if the cotangent has another shape than the result.

    Examples
    --------
    At x = 1 and y = 0 the slope of tanh(s / 2) is ½ (1 - tanh²(½)) = .393, and that of s is 2 by x and -2 by y.

    >>> import numpy as np
    >>> from vosref.gradients import embedding_distance_vjp
    >>> d_query, d_reference = embedding_distance_vjp(np.array([[1.0]]), np.array([[1.0]]), np.array([[0.0]]))
    >>> d_query.round(3), d_reference.round(3)
    (array([[0.786]]), array([[-0.786]]))
    """
    check_embeddings(query, reference)
    check_cotangent(cotangent, (query.shape[0], reference.shape[0]))
    xp = array_namespace(cotangent, query, reference)
    given, (query, reference) = (query, reference), widened(query, reference)
    pull = 2 * xp.astype(cotangent, query.dtype) * _slope(direct_squares(query, reference))
    d_query, d_reference = [], []
    for d in range(query.shape[1]):
        apart = pull * (query[:, None, d] - reference[None, :, d])
        d_query.append(xp.sum(apart, axis=1))
        d_reference.append(-xp.sum(apart, axis=0))
    return _as_given(given, xp.stack(d_query, axis=1), xp.stack(d_reference, axis=1))


def global_matching_vjp(cotangent, query, reference, labels, /, *, n_neighbours=1, memory=DEFAULT_MEMORY):
    """Gradient of `matching.global_matching` by both embeddings.

    For a pixel p and an object k let s_1 ≤ s_2 ≤ … be its squared distances to the object's pixels q_1, q_2, …, and
    m = (s_1 + … + s_n) / n, d = tanh(m / 2). With the cotangent g_pk the pixel q_i gets h_i = g_pk (∂d/∂m) / n, and

        ∂L/∂x_p = Σ 2 h_i (x_p - y_qi),    ∂L/∂y_qi = -Σ 2 h_i (x_p - y_qi),

    the first sum over objects and neighbours, the second over all p and k that chose the pixel. Where an object has
    a < n pixels, the farthest stands in for n - a missing ones and gets their share too: 1 + n - a of n.

    Parameters
    ----------
    cotangent : array, shape (P, K)
        ∂L/∂d.
    query, reference, labels, n_neighbours
        As for the definition. Among pixels at equal distance the first in row-major order is the nearer one, and of
        the equally far the first is the farthest.
    memory : int
        Bytes of working memory beside inputs, outputs and copies of them, and the n smallest of each tile.

    Returns
    -------
    d_query : array, shape (P, D)
    d_reference : array, shape (R, D)
        Each of its array's data type; 0 for what an object without a pixel would give.

    Raises
    ------
    ValueError
        As the definition does, and if the cotangent has another shape than the result.

    Examples
    --------
    Only the nearer of two pixels has a gradient:

    >>> import numpy as np
    >>> from vosref.gradients import global_matching_vjp
    >>> query, reference, labels = np.array([[1.0]]), np.array([[0.0], [4.0]]), np.array([[1], [1]])
    >>> d_query, d_reference = global_matching_vjp(np.array([[1.0]]), query, reference, labels)
    >>> d_query.round(3).tolist(), (d_reference + 0.0).round(3).tolist()
    ([[0.786]], [[-0.786], [0.0]])
    """
    xp = array_namespace(cotangent, query, reference, labels)
    check_matching(query, reference, labels)
    check_neighbours(n_neighbours)
    check_cotangent(cotangent, (query.shape[0], labels.shape[1]))
    given, (query, reference) = (query, reference), widened(query, reference)
    member, cotangent = members(query, reference, labels), xp.astype(cotangent, query.dtype)
    choices = []
    for k in range(labels.shape[1]):
        pixels = xp.nonzero(member[:, k])[0]
        if pixels.shape[0] == 0:
            continue
        squares, chosen = nearest(query, xp.take(reference, pixels, axis=0), n_neighbours, memory)
        share = _shares(squares, n_neighbours)
        pull = (cotangent[:, k] * _slope(xp.sum(share * squares, axis=1)))[:, None] * share
        choices += [(xp.take(pixels, chosen[:, i], axis=0), pull[:, i]) for i in range(chosen.shape[1])]
    return _as_given(given, *_pulled(query, reference, choices, memory))


def local_matching_vjp(cotangent, query, previous, labels, /, *, grid, window_radius=15, memory=DEFAULT_MEMORY):
    """Gradient of `matching.local_matching` by both embeddings.

    As for `global_matching_vjp` with one neighbour, q the nearest of the object's pixels in the window around p:

        ∂L/∂x_p = Σ_k 2 h_pk (x_p - y_q),    ∂L/∂y_q = -Σ 2 h_pk (x_p - y_q),    h_pk = g_pk ∂d/∂s.

    Parameters
    ----------
    cotangent : array, shape (P, K)
        ∂L/∂d.
    query, previous, labels, grid, window_radius
        As for the definition. Among pixels at equal distance the first in row-major order is the nearest.
    memory : int
        Bytes of working memory beside inputs, outputs and copies of them.

    Returns
    -------
    d_query, d_previous : array, shape (P, D)
        Each of its array's data type; 0 for what an object without a pixel in the window would give.

    Raises
    ------
    ValueError
        As the definition does, and if the cotangent has another shape than the result.

    Examples
    --------
    With a radius of 0 each pixel sees itself alone; the second is at its minimum.

    >>> import numpy as np
    >>> from vosref.gradients import local_matching_vjp
    >>> query, previous, labels = np.array([[1.0], [4.0]]), np.array([[0.0], [4.0]]), np.ones((2, 1))
    >>> d_query, _ = local_matching_vjp(np.ones((2, 1)), query, previous, labels, grid=(1, 2), window_radius=0)
    >>> d_query.round(3).tolist()
    [[0.786], [0.0]]
    """
    xp = array_namespace(cotangent, query, previous, labels)
    check_matching(query, previous, labels)
    check_window(query, previous, grid, window_radius)
    check_cotangent(cotangent, (query.shape[0], labels.shape[1]))
    given, (query, previous) = (query, previous), widened(query, previous)
    member = xp.reshape(members(query, previous, labels), (*grid, labels.shape[1]))
    now, before = (xp.reshape(a, (*grid, a.shape[1])) for a in (query, previous))
    window = 2 * window_radius + 1
    wide = min(window, rows_within(memory, BYTES_PER_PAIR * min(window, grid[0]) * min(2 * window, grid[1])))
    runs = [
        nearest_in_window(now, before, member, y, x, window_radius, memory)
        for y in range(grid[0])
        for x in slices(grid[1], wide)
    ]
    squares, chosen = (xp.concat(part, axis=0) for part in zip(*runs, strict=True))
    pull = xp.astype(cotangent, query.dtype) * _slope(squares)
    choices = [(chosen[:, k], pull[:, k]) for k in range(labels.shape[1])]
    return _as_given(given, *_pulled(query, previous, choices, memory))


def _slope(squared):
    """∂d/∂s of a squared distance: sech²(s / 2) / 2, without the cancellation in 1 - tanh²; 0 for infinity."""
    vanishing = array_namespace(squared).exp(-squared)
    return 2 * vanishing / (1 + vanishing) ** 2


def _shares(squares, n):
    """Share of the mean of n that each of a pixel's a ≤ n smallest squares has: 1 / n, and more for the farthest."""
    xp, available = array_namespace(squares), squares.shape[1]
    places = xp.arange(available, dtype=xp.int64, device=device(squares))
    farthest = places[None, :] == xp.argmax(squares, axis=1, keepdims=True)
    return (1 + (n - available) * xp.astype(farthest, squares.dtype)) / n


def _pulled(query, reference, choices, memory):
    """Gradients by both sides of Σ h_p |x_p - y_q(p)|² over the choices (q, h), each a pixel and a factor for all p."""
    xp = array_namespace(query, reference)
    d_query, d_reference = xp.zeros_like(query), xp.zeros_like(reference)
    for chosen, pull in choices:
        towards = 2 * pull[:, None] * (query - xp.take(reference, chosen, axis=0))
        d_query = d_query + towards
        d_reference = d_reference - _sum_at(towards, chosen, reference.shape[0], memory)
    return d_query, d_reference


def _sum_at(values, places, n, memory):
    """Sum the rows that have a place in common, (P, D) → (n, D)."""
    xp, where = array_namespace(values, places), device(values)
    high, wide = tiles(memory, values.shape[0], n, bytes_per_pair=BYTES_PER_PAIR)
    out = []
    for columns in slices(n, wide):
        place = xp.arange(columns.start, columns.stop, dtype=xp.int64, device=where)
        total = xp.zeros((place.shape[0], values.shape[1]), dtype=values.dtype, device=where)
        for rows in slices(values.shape[0], high):
            # The standard has no sum by index; a product with tiles of zeros and ones is one.
            hit = xp.astype(place[:, None] == places[rows][None, :], values.dtype)
            total = total + hit @ values[rows, :]
        out.append(total)
    return xp.concat(out, axis=0)


def _as_given(arrays, *gradients):
    xp = array_namespace(*arrays)
    return tuple(xp.astype(g, a.dtype) for a, g in zip(arrays, gradients, strict=True))
