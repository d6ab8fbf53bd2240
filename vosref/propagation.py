"""Label propagation on the spatio-temporal graph: the energies, and the ways to their minimum [TVOS §3.1, §3.2].

The graph's functions take S or W whole. The online functions take embeddings and walk over tiles of pairs of pixels, so
that the (pixels × references) array never exists: their working memory is a byte budget, whatever the video's size.
"""

from typing import NamedTuple

from vosref.affinity import degrees, grid_positions, inverse_root
from vosref.backend import accelerated, array_namespace, device
from vosref.blocks import DEFAULT_MEMORY
from vosref.pairs import Pairs, as_frames, cover, log_sum, lowest, vote

__all__ = [
    "Convergence",
    "alpha_from_mu",
    "closed_form",
    "energy",
    "minimise_labelled",
    "online_energy",
    "propagate_iterative",
    "propagate_online",
    "propagate_released",
    "softmax_vote",
]


class Convergence(NamedTuple):
    """What an iteration did."""

    iterations: int
    converged: bool
    changes: tuple  # largest change of any label at each iteration


def energy(prediction, w, labels, labelled=None, /, *, mu):
    """Energy of a labelling: Σ_ij w_ij |ŷ_i/√d_i - ŷ_j/√d_j|² + μ Σ_i |ŷ_i - y_i|² [TVOS 1].

    Parameters
    ----------
    prediction, labels : array, shape (N, K)
        ŷ and y.
    w : array, shape (N, N)
        Affinity, symmetric; the sum runs over ordered pairs, as printed.
    labelled : array, shape (N,), optional
        1 where a point is labelled, else 0: the second sum then runs over those points, as printed. Without it, over
        all points, with y_i = 0 where there is no label: the sum that the iteration and the closed form belong to.
    mu : float
        Weight of the labels, positive.

    Returns
    -------
    array, shape ()

    Examples
    --------
    Two neighbours, of which the first is labelled. To keep the labels costs the difference of 1 for both ordered
    pairs; to label the pixels alike costs μ for the second.

    >>> import numpy as np
    >>> import vosref
    >>> w, labels = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[1.0], [0.0]])
    >>> float(vosref.energy(labels, w, labels, mu=0.5)), float(vosref.energy(np.ones((2, 1)), w, labels, mu=0.5))
    (2.0, 0.5)
    """
    xp = array_namespace(prediction, w, labels)
    row, column = degrees(w)
    misfit = xp.sum((prediction - labels) ** 2, axis=1)
    return _smoothness(prediction, prediction, w, row, column) + mu * xp.sum(
        misfit if labelled is None else misfit * labelled
    )


def alpha_from_mu(mu, /, *, convention="printed"):
    """Convert the energy's μ to the iteration's α [specs errata 5].

    "printed": 2 / (2 + μ), for the energy as the paper prints it (ordered pairs). "zhou": 1 / (1 + μ), for the energy
    with the factor ½ of Zhou et al. (2004). The paper's own μ / (μ + 1) belongs to neither.

    Examples
    --------
    >>> import vosref
    >>> vosref.alpha_from_mu(2.0), vosref.alpha_from_mu(1.0, convention="zhou")
    (0.5, 0.5)
    """
    if not mu > 0:
        raise ValueError(f"mu must be positive, got {mu}")
    if convention not in ("printed", "zhou"):
        raise ValueError(f'convention must be "printed" or "zhou", got {convention!r}')
    return 2.0 / (2.0 + mu) if convention == "printed" else 1.0 / (1.0 + mu)


def closed_form(s, labels, /, *, alpha):
    """Minimiser of the energy over all points: (1 - α) (I - αS)^-1 y [TVOS 2].

    Parameters
    ----------
    s : array, shape (N, N)
        Normalised affinity.
    labels : array, shape (N, K)
        y, 0 where there is no label.
    alpha : float
        In (0, 1); 0.99 in the paper.

    Returns
    -------
    array, shape (N, K)

    Examples
    --------
    Two neighbours, of which the first is labelled: it keeps twice as much as it gives away.

    >>> import numpy as np
    >>> import vosref
    >>> s, labels = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[1.0], [0.0]])
    >>> vosref.closed_form(s, labels, alpha=0.5).round(3)
    array([[0.667],
           [0.333]])
    """
    xp = array_namespace(s, labels)
    _check_alpha(alpha)
    return (1.0 - alpha) * xp.linalg.solve(_identity(s) - alpha * s, labels)


def minimise_labelled(s, labels, labelled, /, *, mu):
    """Minimiser of the energy whose second sum runs over the labelled points: (2 (I - S) + μP) ŷ = μPy.

    P is the indicator of `labelled`, shape (N,); each connected part of the graph needs a labelled point.

    Examples
    --------
    The neighbour of a labelled pixel, being free, takes over all of its label:

    >>> import numpy as np
    >>> import vosref
    >>> s, labels = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[1.0], [0.0]])
    >>> vosref.minimise_labelled(s, labels, np.array([1.0, 0.0]), mu=0.5).round(3)
    array([[1.],
           [1.]])
    """
    xp = array_namespace(s, labels, labelled)
    weighted = mu * labelled[:, None]
    return xp.linalg.solve(2.0 * (_identity(s) - s) + weighted * _identity(s), weighted * labels)


def propagate_iterative(s, labels, /, *, alpha=0.99, max_iterations=1000, tolerance=1e-6):
    """Iterate ŷ(k+1) = α S ŷ(k) + (1 - α) y(0) from ŷ(0) = y(0) until it rests [TVOS 3].

    Parameters
    ----------
    s : array, shape (N, N)
        Normalised affinity.
    labels : array, shape (N, K)
        y(0), 0 where there is no label.
    alpha : float
        In (0, 1). The error shrinks by this factor an iteration.
    max_iterations : int
    tolerance : float
        Rest means that no label changes by more than this.

    Returns
    -------
    array, shape (N, K)
    Convergence
        Iterations made, whether it came to rest, and each iteration's largest change.

    Examples
    --------
    It comes to rest at `closed_form`:

    >>> import numpy as np
    >>> import vosref
    >>> s, labels = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[1.0], [0.0]])
    >>> prediction, how = vosref.propagate_iterative(s, labels, alpha=0.5)
    >>> prediction.round(3), how.converged
    (array([[0.667],
           [0.333]]), True)
    >>> how.changes[:3]
    (0.5, 0.25, 0.125)
    """
    xp = array_namespace(s, labels)
    _check_alpha(alpha)
    current, changes = labels, list[float]()
    while len(changes) < max_iterations:
        following = alpha * (s @ current) + (1.0 - alpha) * labels
        changes.append(float(xp.max(xp.abs(following - current))))
        current = following
        if changes[-1] <= tolerance:
            return current, Convergence(len(changes), converged=True, changes=tuple(changes))
    return current, Convergence(len(changes), converged=False, changes=tuple(changes))


@accelerated
def propagate_online(query, references, labels, /, *, grid, sigma, temperature=1.0, memory=DEFAULT_MEMORY):
    """Propagate the reference frames' labels to the next frame: ŷ(t+1) = S_{1:t→t+1} ŷ(t) [TVOS 4].

    S is normalised by the degrees of the bipartite graph (see `affinity.online_affinity`). Two passes over the tiles:
    the degrees, then the product. Both work with log w_ij, so no scale of the embeddings can overflow.

    Parameters
    ----------
    query : array, shape (P, D)
        Embedding of the target frame, P = h·w.
    references : sequence of F arrays, shape (P, D), or one array (F, P, D)
        Embeddings of the reference frames.
    labels : sequence of F arrays, shape (P, K), or one array (F, P, K)
        Their labels.
    grid : (int, int)
        Height h and width w of the feature grid.
    sigma : sequence of float
        Width of the spatial term for each reference frame, in cells.
    temperature : float
        Multiplies the dot products.
    memory : int
        Bytes of working memory beside inputs and output.

    Returns
    -------
    array, shape (P, K)
        Not normalised: the rows sum to Σ_j S_ij.

    Examples
    --------
    Two pixels that have not moved. Each has the affinity e to itself and, over one cell, 1/e to the other.

    >>> import numpy as np
    >>> import vosref
    >>> vosref.propagate_online(np.eye(2), [np.eye(2)], [np.eye(2)], grid=(1, 2), sigma=(1.0,)).round(3)
    array([[0.881, 0.119],
           [0.119, 0.881]])
    """
    references, labels = as_frames(references), as_frames(labels)
    xp = array_namespace(query, *references, *labels)
    pairs = Pairs(query, references, grid_positions(grid, like=query), sigma, temperature)
    rows, columns = cover(query, references, sigma, memory, grid=grid)
    row_degree = [lowest(query, r) for r in rows]
    column_degree = [lowest(query, c) for _, c in columns]
    for i, r in enumerate(rows):
        for j, (frame, c) in enumerate(columns):
            log_w = pairs.log_affinity(r, frame, c)
            row_degree[i] = xp.logaddexp(row_degree[i], log_sum(log_w, axis=1))
            column_degree[j] = xp.logaddexp(column_degree[j], log_sum(log_w, axis=0))
    out = []
    for i, r in enumerate(rows):
        total = xp.zeros((r.stop - r.start, labels[0].shape[1]), dtype=query.dtype, device=device(query))
        for j, (frame, c) in enumerate(columns):
            log_s = pairs.log_affinity(r, frame, c) - row_degree[i][:, None] / 2 - column_degree[j][None, :] / 2
            total = total + xp.exp(log_s) @ labels[frame][c, :]
        out.append(total)
    return xp.concat(out, axis=0)


def online_energy(prediction, w, labels, /):
    """Energy of the newest frame's labels given the past ones: Σ_ij w_ij |ŷ_i/√d_i - y_j/√d_j|² [TVOS 5].

    Parameters
    ----------
    prediction : array, shape (P, K)
        ŷ of the frame t+1.
    w : array, shape (P, R)
        Affinity between that frame's pixels and all before; the degrees are its row and column sums.
    labels : array, shape (R, K)
        Labels of the frames 1 … t.

    Returns
    -------
    array, shape ()
        Smallest, over `prediction`, at `normalised_affinity(w) @ labels`: the online step.

    Examples
    --------
    One pixel, and two before it that it resembles as much: the online step's √2 costs nothing.

    >>> import numpy as np
    >>> import vosref
    >>> w, labels = np.ones((1, 2)), np.ones((2, 1))
    >>> step = vosref.normalised_affinity(w) @ labels
    >>> round(float(vosref.online_energy(step, w, labels)), 3)
    0.0
    >>> round(float(vosref.online_energy(np.array([[1.0]]), w, labels)), 3)
    0.172
    """
    return _smoothness(prediction, labels, w, *degrees(w))


def softmax_vote(query, reference, labels, /, *, temperature=1.0, memory=DEFAULT_MEMORY):
    """Let every reference pixel vote with its softmax weight: ŷ_i = Σ_j softmax_j(f_i · f_j) y_j [TVOS 7].

    Parameters
    ----------
    query : array, shape (P, D)
    reference : array, shape (R, D)
    labels : array, shape (R, K)
    temperature : float
        Multiplies the dot products.
    memory : int
        Bytes of working memory beside inputs and output.

    Returns
    -------
    array, shape (P, K)
        A weighted mean of the rows of `labels`.

    Examples
    --------
    The weights are e and 1, over their sum:

    >>> import numpy as np
    >>> import vosref
    >>> vosref.softmax_vote(np.array([[1.0, 0.0]]), np.eye(2), np.eye(2)).round(3)
    array([[0.731, 0.269]])
    """
    xp = array_namespace(query, reference, labels)
    pairs = Pairs(query, (reference,), None, (float("inf"),), temperature)
    rows, columns = cover(query, (reference,), pairs.sigma, memory)
    return xp.concat([vote(pairs, r, columns, (labels,)) for r in rows], axis=0)


@accelerated
def propagate_released(query, references, labels, /, *, grid, sigma, temperature=1.0, memory=DEFAULT_MEMORY):
    """Propagate as the released code does: softmax of appearance, then the spatial term, not renormalised.

    p_i = Σ_j softmax_j(f_i · f_j) exp(-|loc(i) - loc(j)|² / σ²) y_j, the softmax over all pixels of all reference
    frames [specs TVOS §2.4]. Its denominator is exact: a running maximum and a running sum over the tiles.

    Parameters
    ----------
    query, references, labels, grid, sigma, temperature, memory
        As for `propagate_online`.

    Returns
    -------
    array, shape (P, K)
        Rows sum to at most 1 where the labels' rows do.

    Examples
    --------
    Two pixels that have not moved. The softmax gives .731 and .269, and the spatial term takes 1/e of the latter:

    >>> import numpy as np
    >>> import vosref
    >>> vosref.propagate_released(np.eye(2), [np.eye(2)], [np.eye(2)], grid=(1, 2), sigma=(1.0,)).round(3)
    array([[0.731, 0.099],
           [0.099, 0.731]])
    """
    references, labels = as_frames(references), as_frames(labels)
    xp = array_namespace(query, *references, *labels)
    pairs = Pairs(query, references, grid_positions(grid, like=query), sigma, temperature)
    rows, columns = cover(query, references, sigma, memory, grid=grid)
    return xp.concat([vote(pairs, r, columns, labels) for r in rows], axis=0)


def _smoothness(prediction, labels, w, row, column):
    xp = array_namespace(prediction, labels, w)
    apart = (prediction * inverse_root(row)[:, None])[:, None, :] - (labels * inverse_root(column)[:, None])[None, :, :]
    return xp.sum(w * xp.sum(apart * apart, axis=2))


def _identity(s):
    return array_namespace(s).eye(s.shape[0], dtype=s.dtype, device=device(s))


def _check_alpha(alpha):
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, got {alpha}")
