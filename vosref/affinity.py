"""Affinity between pixels, W, and its normalised form S = D^-1/2 W D^-1/2.

These are the matrices of the paper, whole: for graphs small enough to look at. At video resolution they never exist;
`propagation.propagate_online` applies S block by block.
"""

from vosref.backend import array_namespace, device

__all__ = [
    "affinity",
    "degrees",
    "grid_positions",
    "inverse_root",
    "normalised_affinity",
    "online_affinity",
    "spatial_term",
    "squared_distance",
]


def grid_positions(grid, /, *, like):
    """Row and column of every cell of a grid, row-major, shape (h * w, 2), in cells, as `like`'s kind of array.

    Examples
    --------
    >>> import numpy as np
    >>> import vosref
    >>> vosref.grid_positions((2, 2), like=np.zeros(1))
    array([[0., 0.],
           [0., 1.],
           [1., 0.],
           [1., 1.]])
    """
    xp, where = array_namespace(like), device(like)
    cell = xp.arange(grid[0] * grid[1], dtype=xp.int64, device=where)
    return xp.astype(xp.stack([cell // grid[1], cell % grid[1]], axis=1), like.dtype)


def spatial_term(query_position, reference_position, /, *, sigma):
    """Weight of a pair of pixels by their distance alone: exp(-distance² / σ²), no factor 2 [specs errata 8].

    Parameters
    ----------
    query_position, reference_position : array, shape (P, 2) and (R, 2)
        Row and column, in cells of the feature grid.
    sigma : float
        Width in cells, positive; infinity switches the term off.

    Returns
    -------
    array, shape (P, R)
        In (0, 1], up to underflow; 1 at distance 0.

    Examples
    --------
    One pixel, and three that are 0, 2 and 4 cells away: 1, 1/e and 1/e⁴.

    >>> import numpy as np
    >>> import vosref
    >>> query, reference = np.array([[0.0, 0.0]]), np.array([[0.0, 0.0], [0.0, 2.0], [4.0, 0.0]])
    >>> vosref.spatial_term(query, reference, sigma=2.0).round(3)
    array([[1.   , 0.368, 0.018]])
    """
    if not sigma > 0:
        raise ValueError(f"sigma must be a positive number of cells, got {sigma}")
    xp = array_namespace(query_position, reference_position)
    return xp.exp(-squared_distance(query_position, reference_position) / (sigma * sigma))


def squared_distance(query_position, reference_position, /):
    """Squared Euclidean distance of every pair of positions, (P, 2) and (R, 2) → (P, R), in cells²."""
    down = query_position[:, None, 0] - reference_position[None, :, 0]
    across = query_position[:, None, 1] - reference_position[None, :, 1]
    return down * down + across * across


def affinity(query, reference, query_position, reference_position, /, *, sigma, temperature=1.0):
    """Affinity w_ij = exp(f_i · f_j) exp(-|loc(i) - loc(j)|² / σ²) [TVOS 6].

    Parameters
    ----------
    query, reference : array, shape (P, D) and (R, D)
        Embeddings, without unit. Their product above 88 overflows in float32; the online functions do not.
    query_position, reference_position : array, shape (P, 2) and (R, 2)
        Row and column, in cells.
    sigma : float
        Width of the spatial term, in cells.
    temperature : float
        Multiplies the dot products (an inverse temperature); 1 in the paper.

    Returns
    -------
    array, shape (P, R)
        Not negative.

    Examples
    --------
    Two neighbours with nothing in common, in two frames: e for each with itself, and exp(-1/σ²) across.

    >>> import numpy as np
    >>> from vosref.affinity import affinity
    >>> pixels, positions = np.eye(2), np.array([[0.0, 0.0], [0.0, 1.0]])
    >>> affinity(pixels, pixels, positions, positions, sigma=1.0).round(3)
    array([[2.718, 0.368],
           [0.368, 2.718]])
    """
    xp = array_namespace(query, reference)
    if query.shape[1] != reference.shape[1]:
        raise ValueError(
            f"query and reference must have one dimension D, got {query.shape[1]} and {reference.shape[1]}"
        )
    appearance = xp.exp(temperature * (query @ reference.T))
    return appearance * spatial_term(query_position, reference_position, sigma=sigma)


def degrees(w, /):
    """Degrees of the bipartite graph between a matrix's rows and its columns: row sums (P,) and column sums (R,).

    Examples
    --------
    >>> import numpy as np
    >>> import vosref
    >>> vosref.degrees(np.array([[1.0, 2.0], [3.0, 4.0]]))
    (array([3., 7.]), array([4., 6.]))
    """
    xp = array_namespace(w)
    return xp.sum(w, axis=1), xp.sum(w, axis=0)


def normalised_affinity(w, /):
    """Normalise an affinity by the degrees of its pixels: S = D^-1/2 W D^-1/2 [TVOS S].

    Parameters
    ----------
    w : array, shape (P, R)
        Affinity, not negative. Symmetric and square: S of a whole graph, with spectrum in [-1, 1]. Rectangular: rows
        and columns are the two sides of a bipartite graph and the degrees run over that graph, d_i = Σ_j w_ij for a
        row and d_j = Σ_i w_ij for a column; the singular values of S are then in [0, 1].

    Returns
    -------
    array, shape (P, R)
        In [0, 1]. An isolated pixel (degree 0) has no neighbour to hear from: its row or column stays 0.

    Examples
    --------
    Two pixels of degree 4, and one that is isolated.

    >>> import numpy as np
    >>> import vosref
    >>> vosref.normalised_affinity(np.array([[3.0, 1.0, 0.0], [1.0, 3.0, 0.0], [0.0, 0.0, 0.0]]))
    array([[0.75, 0.25, 0.  ],
           [0.25, 0.75, 0.  ],
           [0.  , 0.  , 0.  ]])
    """
    row, column = degrees(w)
    return inverse_root(row)[:, None] * w * inverse_root(column)[None, :]


def online_affinity(w, n_target, /, *, over="bipartite"):
    """S_{1:t→t+1}, the rows of the newest frame and the columns of all frames before it.

    The paper does not say over which pixels a degree sums, so both readings have a name. "bipartite" is what the
    library uses: under it, and only under it, the online step is the exact minimiser of the online energy (Eq. 5),
    and it needs nothing but the rectangular block.

    Parameters
    ----------
    w : array, shape (N, N)
        Affinity of the whole graph on frames 1 … t+1, oldest first.
    n_target : int
        Pixels of frame t+1: the last rows and columns of `w`.
    over : {"bipartite", "graph"}
        Degrees over the pairs (frame t+1, frames 1 … t) alone, or over every pair of the whole graph.

    Returns
    -------
    array, shape (n_target, N - n_target)

    Examples
    --------
    Three pixels that are all alike, the last one in the newest frame. Over the bipartite graph its degree is 2, and
    that of each past pixel 1; over the whole graph all are 3.

    >>> import numpy as np
    >>> import vosref
    >>> vosref.online_affinity(np.ones((3, 3)), 1).round(3)
    array([[0.707, 0.707]])
    >>> vosref.online_affinity(np.ones((3, 3)), 1, over="graph").round(3)
    array([[0.333, 0.333]])
    """
    past = w.shape[0] - n_target
    if over == "bipartite":
        return normalised_affinity(w[past:, :past])
    if over == "graph":
        return normalised_affinity(w)[past:, :past]
    raise ValueError(f'over must be "bipartite" or "graph", got {over!r}')


def inverse_root(degree, /):
    """Return d^-1/2, and 0 for the degree 0 of an isolated pixel."""
    xp = array_namespace(degree)
    connected = degree > 0
    return xp.where(connected, 1.0 / xp.sqrt(xp.where(connected, degree, xp.ones_like(degree))), xp.zeros_like(degree))
