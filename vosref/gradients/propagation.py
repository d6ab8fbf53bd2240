"""Gradients of TVOS's propagation: the softmax vote, the online step and the released code's.

All walk over the tiles of pairs that the definitions walk over (`pairs.cover`), so no array over all pairs exists, and
all work with logarithms: a weight that the derivation divides by is an exponential of a difference, never a quotient of
two numbers that may have overflowed or vanished. Nothing here has a tie: these functions are smooth.
"""

from vosref.affinity import grid_positions
from vosref.backend import array_namespace
from vosref.blocks import DEFAULT_MEMORY
from vosref.gradients.cotangents import check_cotangent
from vosref.pairs import Pairs, as_frames, cover, log_sum, lowest, vote

__all__ = ["propagate_online_vjp", "propagate_released_vjp", "softmax_vote_vjp"]


def softmax_vote_vjp(cotangent, query, reference, labels, /, *, temperature=1.0, memory=DEFAULT_MEMORY):
    """Gradient of `propagation.softmax_vote` by both embeddings and the labels.

    As `propagate_released_vjp` with one frame of references and the spatial term m_ij = 1.

    Parameters
    ----------
    cotangent : array, shape (P, K)
        g = ∂L/∂ŷ.
    query, reference, labels, temperature, memory
        As for the definition; labels are floating point.

    Returns
    -------
    d_query : array, shape (P, D)
    d_reference : array, shape (R, D)
    d_labels : array, shape (R, K)
        Each of its array's data type.

    Raises
    ------
    ValueError
        If shapes do not fit, or labels are not floating point.

    Examples
    --------
    A label's gradient is the weight with which its pixel votes:

    >>> import numpy as np
    >>> from vosref.gradients import softmax_vote_vjp
    >>> _, _, d_labels = softmax_vote_vjp(np.array([[1.0, 0.0]]), np.array([[1.0, 0.0]]), np.eye(2), np.eye(2))
    >>> d_labels.round(3)
    array([[0.731, 0.   ],
           [0.269, 0.   ]])
    """
    pairs = Pairs(query, (reference,), None, (float("inf"),), temperature)
    d_query, d_references, d_labels = _vote_vjp(cotangent, pairs, (labels,), memory)
    return d_query, d_references[0], d_labels[0]


def propagate_released_vjp(
    cotangent, query, references, labels, /, *, grid, sigma, temperature=1.0, memory=DEFAULT_MEMORY
):
    """Gradient of `propagation.propagate_released` by all embeddings and labels.

    With logits l_ij = τ f_i · f_j, weights p_ij = exp(l_ij) / Σ_j exp(l_ij) and the spatial term m_ij the result is
    ŷ_i = Σ_j p_ij m_ij y_j. For e_ij = m_ij g_i · y_j the softmax's derivative, ∂p_ij/∂l_ik = p_ij ([j = k] - p_ik),
    gives

        h_ij = ∂L/∂l_ij = p_ij (e_ij - Σ_k p_ik e_ik) = p_ij (e_ij - g_i · ŷ_i),

        ∂L/∂f_i = τ Σ_j h_ij f_j,    ∂L/∂f_j = τ Σ_i h_ij f_i,    ∂L/∂y_j = Σ_i p_ij m_ij g_i.

    Two passes over a row's tiles: ŷ_i and log Σ_j exp(l_ij), then the sums.

    Parameters
    ----------
    cotangent : array, shape (P, K)
        g = ∂L/∂ŷ.
    query, references, labels, grid, sigma, temperature, memory
        As for the definition; labels are floating point.

    Returns
    -------
    d_query : array, shape (P, D)
    d_references : tuple of F arrays, shape (P, D)
    d_labels : tuple of F arrays, shape (P, K)
        Each of its array's data type.

    Raises
    ------
    ValueError
        If shapes do not fit, or labels are not floating point.

    Examples
    --------
    The first pixel's vote for itself, .731, and what 1/e leaves of its neighbour's .269:

    >>> import numpy as np
    >>> from vosref.gradients import propagate_released_vjp
    >>> pixels, cotangent = np.eye(2), np.array([[1.0, 0.0], [0.0, 0.0]])
    >>> _, _, d_labels = propagate_released_vjp(cotangent, pixels, [pixels], [np.eye(2)], grid=(1, 2), sigma=(1.0,))
    >>> d_labels[0].round(3)
    array([[0.731, 0.   ],
           [0.099, 0.   ]])
    """
    pairs = Pairs(query, as_frames(references), grid_positions(grid, like=query), sigma, temperature)
    return _vote_vjp(cotangent, pairs, as_frames(labels), memory, grid=grid)


def propagate_online_vjp(
    cotangent, query, references, labels, /, *, grid, sigma, temperature=1.0, memory=DEFAULT_MEMORY
):
    """Gradient of `propagation.propagate_online` by all embeddings and labels.

    The result is ŷ_i = Σ_j S_ij y_j with S_ij = w_ij / √(d_i c_j), d_i = Σ_j w_ij, c_j = Σ_i w_ij: S depends on all of
    a row's and of a column's weights. In logarithms, log S_ij = log w_ij - ½ log d_i - ½ log c_j, and

        ∂ log d_i / ∂ log w_ij = w_ij / d_i,    ∂ log c_j / ∂ log w_ij = w_ij / c_j.

    Let G_ij = ∂L/∂ log S_ij = S_ij g_i · y_j. Its row sums are Σ_j G_ij = g_i · ŷ_i, its column sums
    Σ_i G_ij = y_j · Σ_i S_ij g_i. With log w_ij = τ f_i · f_j - |loc(i) - loc(j)|² / σ²,

        h_ij = ∂L/∂ log w_ij = G_ij - ½ (w_ij / d_i) Σ_k G_ik - ½ (w_ij / c_j) Σ_k G_kj,

        ∂L/∂f_i = τ Σ_j h_ij f_j,    ∂L/∂f_j = τ Σ_i h_ij f_i,    ∂L/∂y_j = Σ_i S_ij g_i.

    Three passes over the tiles: the degrees, the sums of G, the sums of h.

    Parameters
    ----------
    cotangent : array, shape (P, K)
        g = ∂L/∂ŷ.
    query, references, labels, grid, sigma, temperature, memory
        As for the definition; labels are floating point.

    Returns
    -------
    d_query : array, shape (P, D)
    d_references : tuple of F arrays, shape (P, D)
    d_labels : tuple of F arrays, shape (P, K)
        Each of its array's data type.

    Raises
    ------
    ValueError
        If shapes do not fit, or labels are not floating point.

    Examples
    --------
    A label's gradient is its pixel's row of S, turned:

    >>> import numpy as np
    >>> from vosref.gradients import propagate_online_vjp
    >>> pixels, cotangent = np.eye(2), np.array([[1.0, 0.0], [0.0, 0.0]])
    >>> _, _, d_labels = propagate_online_vjp(cotangent, pixels, [pixels], [np.eye(2)], grid=(1, 2), sigma=(1.0,))
    >>> d_labels[0].round(3)
    array([[0.881, 0.   ],
           [0.119, 0.   ]])
    """
    labels = as_frames(labels)
    pairs = Pairs(query, as_frames(references), grid_positions(grid, like=query), sigma, temperature)
    rows, columns = cover(query, pairs.references, sigma, memory, grid=grid)
    cotangent = _checked(cotangent, pairs, labels)
    log_rows, log_columns = _log_degrees(pairs, rows, columns)
    row_sums, d_labels = _sums_of_g(cotangent, pairs, labels, rows, columns, log_rows, log_columns)
    xp = array_namespace(query)
    column_sums = [xp.sum(d * labels[f][c, :], axis=1) for d, (f, c) in zip(d_labels, columns, strict=True)]
    d_query, d_references = [], [0.0] * len(columns)
    for i, r in enumerate(rows):
        d_rows = 0.0
        for j, (frame, c) in enumerate(columns):
            log_w = pairs.log_affinity(r, frame, c)
            s = xp.exp(log_w - log_rows[i][:, None] / 2 - log_columns[j][None, :] / 2)
            h = s * (cotangent[r, :] @ labels[frame][c, :].T)
            h = h - xp.exp(log_w - log_rows[i][:, None]) * row_sums[i][:, None] / 2
            h = h - xp.exp(log_w - log_columns[j][None, :]) * column_sums[j][None, :] / 2
            d_rows = d_rows + h @ pairs.references[frame][c, :]
            d_references[j] = d_references[j] + h.T @ query[r, :]
        d_query.append(d_rows)
    return _joined(pairs, labels, columns, d_query, d_references, d_labels)


def _vote_vjp(cotangent, pairs, labels, memory, *, grid=None):
    rows, columns = cover(pairs.query, pairs.references, pairs.sigma, memory, grid=grid)
    xp, cotangent = array_namespace(pairs.query), _checked(cotangent, pairs, labels)
    d_query, d_references, d_labels = [], [0.0] * len(columns), [0.0] * len(columns)
    for r in rows:
        g, d_rows = cotangent[r, :], 0.0
        log_total = lowest(pairs.query, r)
        for frame, c in columns:
            log_total = xp.logaddexp(log_total, log_sum(pairs.appearance(r, frame, c), axis=1))
        mean = xp.sum(g * vote(pairs, r, columns, labels), axis=1)
        for j, (frame, c) in enumerate(columns):
            p = xp.exp(pairs.appearance(r, frame, c) - log_total[:, None])
            spatial = pairs.spatial(r, frame, c)
            h = p * (spatial * (g @ labels[frame][c, :].T) - mean[:, None])
            d_rows = d_rows + h @ pairs.references[frame][c, :]
            d_references[j] = d_references[j] + h.T @ pairs.query[r, :]
            d_labels[j] = d_labels[j] + (p * spatial).T @ g
        d_query.append(d_rows)
    return _joined(pairs, labels, columns, d_query, d_references, d_labels)


def _log_degrees(pairs, rows, columns):
    """Logarithms of the degrees d and c, by tiles of rows and by tiles of columns."""
    xp = array_namespace(pairs.query)
    log_rows = [lowest(pairs.query, r) for r in rows]
    log_columns = [lowest(pairs.query, c) for _, c in columns]
    for i, r in enumerate(rows):
        for j, (frame, c) in enumerate(columns):
            log_w = pairs.log_affinity(r, frame, c)
            log_rows[i] = xp.logaddexp(log_rows[i], log_sum(log_w, axis=1))
            log_columns[j] = xp.logaddexp(log_columns[j], log_sum(log_w, axis=0))
    return log_rows, log_columns


def _sums_of_g(cotangent, pairs, labels, rows, columns, log_rows, log_columns):
    """Row sums of G, by tiles of rows, and Σ_i S_ij g_i, by tiles of columns."""
    xp = array_namespace(pairs.query)
    row_sums, d_labels = [0.0] * len(rows), [0.0] * len(columns)
    for i, r in enumerate(rows):
        for j, (frame, c) in enumerate(columns):
            log_s = pairs.log_affinity(r, frame, c) - log_rows[i][:, None] / 2 - log_columns[j][None, :] / 2
            s = xp.exp(log_s)
            row_sums[i] = row_sums[i] + xp.sum(cotangent[r, :] * (s @ labels[frame][c, :]), axis=1)
            d_labels[j] = d_labels[j] + s.T @ cotangent[r, :]
    return row_sums, d_labels


def _checked(cotangent, pairs, labels):
    """Check labels and cotangent; return the latter in the labels' data type."""
    xp = array_namespace(cotangent, pairs.query, *pairs.references, *labels)
    if any(not xp.isdtype(y.dtype, "real floating") for y in labels):
        raise ValueError(f"labels must be floating point to have a gradient, got {[str(y.dtype) for y in labels]}")
    check_cotangent(cotangent, (pairs.query.shape[0], labels[0].shape[1]))
    return xp.astype(cotangent, labels[0].dtype)


def _joined(pairs, labels, columns, d_query, d_references, d_labels):
    """Put tiles together, frame by frame, each in its array's data type; embeddings' still lack the factor τ."""
    xp = array_namespace(pairs.query)

    def frames(parts, like, factor):
        of_frames = [[p for p, (f, _) in zip(parts, columns, strict=True) if f == frame] for frame in range(len(like))]
        return tuple(xp.astype(factor * xp.concat(p, axis=0), a.dtype) for p, a in zip(of_frames, like, strict=True))

    tau = pairs.temperature
    d_query = xp.astype(tau * xp.concat(d_query, axis=0), pairs.query.dtype)
    return d_query, frames(d_references, pairs.references, tau), frames(d_labels, labels, 1.0)
