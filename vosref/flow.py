"""Motion between two frames, read off the affinity of their pixels [TVOS §4.4].

TVOS never estimates motion; this shows how far its affinity finds it, as the paper's Figure 7 does.
"""

from vosref.affinity import grid_positions
from vosref.backend import array_namespace, device
from vosref.blocks import DEFAULT_MEMORY
from vosref.pairs import Pairs, cover, lowest

__all__ = ["affinity_flow"]


def affinity_flow(query, reference, /, *, grid, sigma, temperature=1.0, memory=DEFAULT_MEMORY):
    """Motion of every pixel since an older frame: Δd_i = Σ_j s_ij Δd_ij, with Δd_ij = loc(i) - loc(j) [TVOS §4.4].

    The paper calls s_ij "the normalised similarity". Here it is the affinity w_ij, spatial term included, divided by
    its row's sum, so Δd_i is a weighted mean of displacements. Rows of S = D^-1/2 W D^-1/2 do not sum to 1: a flow by
    them would be shorter wherever pixels have many matches.

    A running maximum and running sums over tiles normalise the rows without an array over all pairs. Only log w_ij less
    that maximum is exponentiated: nothing overflows, and no row vanishes because its best match is far away.
    Displacements are summed, not positions, so no large numbers cancel: with R pixels in T tiles, logits off by δ and
    B the largest |log w_ij|, Δd_i is off by at most (exp(2θ) - 1) Σ_j s_ij |Δd_ij| in each component, where
    θ = δ + γ_n, n = R + 10 (T + 2) + 8 B (`kernels.numba_propagation` has γ and δ).

    Parameters
    ----------
    query, reference : array, shape (P, D)
        Embeddings of the newer and of the older frame, P = h·w in row-major order.
    grid : (int, int)
        Height h and width w of the feature grid.
    sigma : float
        Width of the spatial term, in cells; infinity switches it off.
    temperature : float
        Multiplies the dot products.
    memory : int
        Bytes of working memory beside inputs and output.

    Returns
    -------
    array, shape (P, 2)
        Rows down and columns to the right, in cells of the grid, from the older frame to the newer one.

    Raises
    ------
    ValueError
        If `sigma` is not positive, or a frame has not the grid's pixels or the other's D.

    Examples
    --------
    A row of three pixels. The last one shows what was in the middle before: it moved one cell to the right.

    >>> import numpy as np
    >>> import vosref
    >>> flow = vosref.affinity_flow(np.eye(3)[[0, 0, 1]], np.eye(3), grid=(1, 3), sigma=np.inf, temperature=100.0)
    >>> flow.shape, flow[2].round(3)
    ((3, 2), array([0., 1.]))
    """
    if not sigma > 0:
        raise ValueError(f"sigma must be a positive number of cells, got {sigma}")
    pairs = Pairs(query, (reference,), grid_positions(grid, like=query), (sigma,), temperature)
    rows, columns = cover(query, (reference,), pairs.sigma, memory, grid=grid)
    return array_namespace(query, reference).concat([_mean_displacement(pairs, r, columns) for r in rows], axis=0)


def _mean_displacement(pairs, rows, columns):
    """Mean of loc(i) - loc(j) over all tiles of some rows, weighted by w_ij, in one pass."""
    xp, here = array_namespace(*pairs.references), pairs.position[rows, :]
    largest = lowest(pairs.query, rows)
    total = xp.zeros_like(largest)
    moved = xp.zeros(here.shape, dtype=largest.dtype, device=device(largest))
    for frame, c in columns:
        log_w = pairs.log_affinity(rows, frame, c)
        higher = xp.maximum(largest, xp.max(log_w, axis=1))
        weight, shrink = xp.exp(log_w - higher[:, None]), xp.exp(largest - higher)
        there = pairs.position[c, :]
        step = [xp.sum(weight * (here[:, None, axis] - there[None, :, axis]), axis=1) for axis in (0, 1)]
        total = total * shrink + xp.sum(weight, axis=1)
        moved = moved * shrink[:, None] + xp.stack(step, axis=1)
        largest = higher
    return moved / total[:, None]
