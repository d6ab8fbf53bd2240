"""Gradients of the losses: TVOS's of a vote, FEELVOS's of the hardest pixels.

Ties. Among pixels of equal loss the first in row-major order is the hardest, so that exactly `n_hardest` of them pass
a gradient on.
"""

from vosref.backend import array_namespace, device
from vosref.gradients.cotangents import check_cotangent
from vosref.losses import bootstrapped_cross_entropy, cross_entropy, transductive_loss

__all__ = ["bootstrapped_cross_entropy_vjp", "cross_entropy_vjp", "transductive_loss_vjp"]


def transductive_loss_vjp(cotangent, votes, labels, /, *, epsilon=1e-14, reduction="mean"):
    """Gradient of `losses.transductive_loss` by the votes.

    The loss is L = -(1/n) Σ_i log(Σ_k y_ik ŷ_ik + ε) over the judged pixels, n their number or 1 for the sum, so

        ∂L/∂ŷ_ik = -y_ik / (n (ŷ_i[y_i] + ε)),

    and 0 for every other label and for a pixel that is not judged. A vote of 0 gets -1 / (n ε): infinite for ε = 0.

    Parameters
    ----------
    cotangent : array, shape (), or float
        Of the loss; it multiplies all of the result.
    votes, labels, epsilon, reduction
        As for the definition.

    Returns
    -------
    array, shape (P, K)
        Of the votes' data type.

    Raises
    ------
    ValueError
        As the definition does, and if the cotangent is no scalar.

    Examples
    --------
    -log ŷ has the slope -1 / ŷ:

    >>> import numpy as np
    >>> from vosref.gradients import transductive_loss_vjp
    >>> slope = transductive_loss_vjp(1.0, np.array([[0.5, 0.5]]), np.array([[1, 0]]))
    >>> slope.round(3) + 0.0
    array([[-2.,  0.]])
    """
    xp = array_namespace(votes, labels)
    transductive_loss(votes, labels, epsilon=epsilon, reduction=reduction)  # refuses what it refuses
    check_cotangent(cotangent, ())
    chosen, judged = xp.astype(labels, xp.bool), xp.any(xp.astype(labels, xp.bool), axis=1)
    n = max(1, int(xp.count_nonzero(judged))) if reduction == "mean" else 1
    slope = 1 / xp.where(chosen, votes + epsilon, xp.ones_like(votes))
    return xp.astype(-cotangent * xp.where(chosen, slope, xp.zeros_like(slope)) / n, votes.dtype)


def cross_entropy_vjp(cotangent, logits, labels, /):
    """Gradient of `losses.cross_entropy` by the logits.

    A pixel's loss is log Σ_k exp(z_k) - z_y, so, with p = softmax(z),

        ∂L/∂z_k = g p_k for k ≠ y,    ∂L/∂z_y = g (p_y - 1) = -g Σ_{k≠y} p_k.

    The last form keeps its digits where p_y is nearly 1.

    Parameters
    ----------
    cotangent : array, shape (P,)
        g, of each pixel's loss.
    logits, labels
        As for the definition.

    Returns
    -------
    array, shape (P, K)
        Of the logits' data type; each row sums to 0, but for rounding.

    Raises
    ------
    ValueError
        As the definition does, and if the cotangent has another shape than the result.

    Examples
    --------
    The softmax, less 1 at the true label:

    >>> import numpy as np
    >>> from vosref.gradients import cross_entropy_vjp
    >>> cross_entropy_vjp(np.array([1.0]), np.array([[0.0, 0.0]]), np.array([0]))
    array([[-0.5,  0.5]])
    """
    xp = array_namespace(cotangent, logits, labels)
    check_cotangent(cotangent, cross_entropy(logits, labels).shape)
    # As in the definition, no exponential overflows.
    weight = xp.exp(logits - xp.max(logits, axis=1, keepdims=True))
    columns = xp.arange(logits.shape[1], dtype=xp.int64, device=device(logits))
    own = xp.astype(labels, xp.int64)[:, None] == columns[None, :]
    total, zeros = xp.sum(weight, axis=1, keepdims=True), xp.zeros_like(weight)
    others = xp.where(own, zeros, weight / total)
    slope = others - xp.where(own, xp.sum(others, axis=1, keepdims=True), zeros)
    return xp.astype(cotangent[:, None] * slope, logits.dtype)


def bootstrapped_cross_entropy_vjp(cotangent, logits, labels, /, *, n_hardest):
    """Gradient of `losses.bootstrapped_cross_entropy` by the logits.

    The loss is the mean of the n largest of the pixels' losses: each of those n gets the n-th part of the cotangent,
    the others 0, and `cross_entropy_vjp` takes it from there. Among equal losses, as computed, the first pixels are
    taken.

    Parameters
    ----------
    cotangent : array, shape (), or float
        Of the loss.
    logits, labels, n_hardest
        As for the definition.

    Returns
    -------
    array, shape (P, K)
        Of the logits' data type.

    Raises
    ------
    ValueError
        As the definition does, and if the cotangent is no scalar.

    Examples
    --------
    The second pixel is easier, and has no gradient:

    >>> import numpy as np
    >>> from vosref.gradients import bootstrapped_cross_entropy_vjp
    >>> logits, labels = np.array([[0.0, 0.0], [9.0, 0.0]]), np.array([0, 0])
    >>> bootstrapped_cross_entropy_vjp(1.0, logits, labels, n_hardest=1) + 0.0
    array([[-0.5,  0.5],
           [ 0. ,  0. ]])
    """
    xp = array_namespace(logits, labels)
    bootstrapped_cross_entropy(logits, labels, n_hardest=n_hardest)  # refuses what it refuses
    check_cotangent(cotangent, ())
    losses = cross_entropy(logits, labels)
    rank = xp.argsort(xp.argsort(-losses, stable=True))
    share = xp.astype(rank < n_hardest, losses.dtype) / n_hardest
    return cross_entropy_vjp(xp.astype(cotangent * share, losses.dtype), logits, labels)
