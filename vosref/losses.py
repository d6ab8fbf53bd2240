"""What training lowers, as values and not gradients: TVOS's cross-entropy of a vote, FEELVOS's of the hardest pixels.

TVOS's network has no classifier: its embedding is right when the pixels that it calls alike vote for the true label
(`propagation.softmax_vote`), and the loss is what that vote leaves to be desired. The paper sums it over the pixels of
the target frame, the released code takes their mean; a learning rate fits one of them only, so both have a name.

FEELVOS's is of its head's logits. Late in training most pixels are easy and would drown the few that are not; so the
mean is over the pixels with the largest losses alone. How many these are falls from all to a fraction during the first
steps, in the released code; the paper names the fraction and no annealing.
"""

from vosref.backend import array_namespace, device

__all__ = ["bootstrapped_cross_entropy", "cross_entropy", "hardest_pixels", "transductive_loss"]

REDUCTIONS = ("mean", "sum")


def transductive_loss(votes, labels, /, *, epsilon=1e-14, reduction="mean"):
    """Cross-entropy of the votes that pixels got for their true labels, L = -Σ_i log ŷ_i[y_i] [TVOS 8].

    Parameters
    ----------
    votes : array, shape (P, K)
        A pixel's vote for each label, 0 or more, floating point, as `propagation.softmax_vote` gives it.
    labels : array, shape (P, K)
        One-hot, of any data type: each pixel's true label. A row of zeros has none, and is not judged.
    epsilon : float
        Added to a vote before its logarithm, so that none at all costs a finite amount; 1e-14 as released, and
        nothing in the paper.
    reduction : str
        "mean" over the judged pixels, as released, or "sum", as in the paper [specs TVOS §4, 11].

    Returns
    -------
    array, shape ()
        In nats. No less than -log(1 + `epsilon`) a pixel, where votes are at most 1; 0 where no pixel is judged.

    Raises
    ------
    ValueError
        If shapes do not fit, votes are not floating point or below 0, labels are not one-hot, `epsilon` is below 0, or
        there is no such reduction.

    Examples
    --------
    Half a vote for the true label costs ln 2, a whole one nothing.

    >>> import numpy as np
    >>> import vosref
    >>> votes, labels = np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([[1, 0], [1, 0]])
    >>> round(float(vosref.transductive_loss(votes, labels, reduction="sum")), 3)
    0.693
    >>> round(float(vosref.transductive_loss(votes, labels)), 3)
    0.347
    """
    xp = array_namespace(votes, labels)
    _check_votes(votes, labels, epsilon, reduction)
    own = xp.sum(votes * xp.astype(labels, votes.dtype), axis=1)
    judged = xp.any(xp.astype(labels, xp.bool), axis=1)
    # A pixel that is not judged is given the vote 1, whose logarithm is 0 and exists.
    total = xp.sum(xp.log(xp.where(judged, own + epsilon, xp.ones_like(own))))
    n = max(1, int(xp.count_nonzero(judged))) if reduction == "mean" else 1
    return -total / n


def bootstrapped_cross_entropy(logits, labels, /, *, n_hardest):
    """Mean cross-entropy of the pixels with the largest one, one loss a video [specs FEELVOS §5.3].

    Parameters
    ----------
    logits : array, shape (P, K)
    labels : array, shape (P,)
        As for `cross_entropy`.
    n_hardest : int
        Pixels to average over, 1 to P: see `hardest_pixels`.

    Returns
    -------
    array, shape ()
        In nats, 0 or more.

    Raises
    ------
    ValueError
        As `cross_entropy` does, and if there are not so many pixels.

    Examples
    --------
    The pixels cost ln 2 and ln (4/3): the harder one, then the mean of both.

    >>> import numpy as np
    >>> import vosref
    >>> logits, labels = np.array([[0.0, 0.0], [np.log(3.0), 0.0]]), np.array([0, 0])
    >>> round(float(vosref.bootstrapped_cross_entropy(logits, labels, n_hardest=1)), 3)
    0.693
    >>> round(float(vosref.bootstrapped_cross_entropy(logits, labels, n_hardest=2)), 3)
    0.49
    """
    xp, losses = array_namespace(logits, labels), cross_entropy(logits, labels)
    if not 1 <= n_hardest <= losses.shape[0]:
        raise ValueError(f"n_hardest must be 1 to the {losses.shape[0]} pixels there are, got {n_hardest}")
    return xp.mean(xp.sort(losses, descending=True)[:n_hardest])


def cross_entropy(logits, labels, /):
    """Cross-entropy of every pixel, -log softmax(logits)[label] [specs FEELVOS §5.3].

    Parameters
    ----------
    logits : array, shape (P, K)
        One for each object: finite, floating point.
    labels : array, shape (P,)
        Integers, each pixel's true object as a column of the logits, 0 to K - 1.

    Returns
    -------
    array, shape (P,)
        In nats, 0 or more.

    Raises
    ------
    ValueError
        If shapes do not fit, logits are not floating point, or labels not integers from 0 to K - 1.

    Examples
    --------
    The true label has half of the first pixel's softmax and three quarters of the second's: ln 2 and ln (4/3).

    >>> import numpy as np
    >>> import vosref
    >>> logits, labels = np.array([[0.0, 0.0], [np.log(3.0), 0.0]]), np.array([0, 0])
    >>> vosref.cross_entropy(logits, labels).round(3)
    array([0.693, 0.288])
    """
    xp = array_namespace(logits, labels)
    _check(logits, labels)
    # With the largest logit taken off, no exponential overflows, and the logarithm is of a sum that is 1 or more.
    logits = logits - xp.max(logits, axis=1, keepdims=True)
    columns = xp.arange(logits.shape[1], dtype=xp.int64, device=device(logits))
    own = xp.where(xp.astype(labels, xp.int64)[:, None] == columns[None, :], logits, xp.zeros_like(logits))
    return xp.log(xp.sum(xp.exp(logits), axis=1)) - xp.sum(own, axis=1)


def hardest_pixels(step, n_pixels, /, *, fraction=0.15, annealing_steps=100_000):
    """Count the pixels that the loss is averaged over at a step of training [specs FEELVOS §5.3].

    Parameters
    ----------
    step : int
        Steps of training done, 0 or more.
    n_pixels : int
        Pixels of the image, N.
    fraction : float
        Share of the pixels in the end, above 0 and at most 1; 0.15 in paper and released code.
    annealing_steps : int
        Steps over which the share falls from 1 to the fraction, linearly. 0: it is the fraction from the start.

    Returns
    -------
    int
        K = trunc((r · fraction + 1 - r) · N) with r = min(1, step / annealing_steps), and 1 at the least.

    Examples
    --------
    >>> import vosref
    >>> [vosref.hardest_pixels(step, 1000) for step in (0, 20_000, 100_000, 200_000)]
    [1000, 830, 150, 150]
    """
    if step < 0 or n_pixels < 1 or annealing_steps < 0:
        raise ValueError(
            "step and annealing_steps must be 0 or more and n_pixels 1 or more, "
            f"got step={step}, annealing_steps={annealing_steps}, n_pixels={n_pixels}"
        )
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction must be above 0 and at most 1, got {fraction}")
    progress = min(1.0, step / annealing_steps) if annealing_steps else 1.0
    return max(1, int((progress * fraction + (1 - progress)) * n_pixels))


def _check_votes(votes, labels, epsilon, reduction):
    xp = array_namespace(votes, labels)
    if votes.ndim != 2 or min(votes.shape) < 1 or labels.shape != votes.shape:
        raise ValueError(
            f"votes and labels must both be (P, K), P and K 1 or more, got {tuple(votes.shape)} and "
            f"{tuple(labels.shape)}"
        )
    if not xp.isdtype(votes.dtype, "real floating"):
        raise ValueError(f"votes must be floating point, got {votes.dtype}")
    if not bool(xp.all(votes >= 0)):
        raise ValueError("votes must be 0 or more, got others; logits become votes by a softmax")
    labels = xp.astype(labels, votes.dtype)  # booleans can be compared with nothing else
    if not bool(xp.all((labels == 0) | (labels == 1)) & xp.all(xp.count_nonzero(labels, axis=1) <= 1)):
        raise ValueError("labels must be one-hot, 0 or 1 and at most one 1 a row, got others; see labels.harden")
    if not epsilon >= 0:
        raise ValueError(f"epsilon must be 0 or more, got {epsilon}")
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be one of {', '.join(REDUCTIONS)}, got {reduction!r}")


def _check(logits, labels):
    xp = array_namespace(logits, labels)
    if logits.ndim != 2 or min(logits.shape) < 1:
        raise ValueError(f"logits must be (P, K), P and K 1 or more, got {tuple(logits.shape)}")
    if not xp.isdtype(logits.dtype, "real floating"):
        raise ValueError(f"logits must be floating point, got {logits.dtype}")
    if labels.shape != (logits.shape[0],):
        raise ValueError(f"labels must be ({logits.shape[0]},), one for each pixel, got {tuple(labels.shape)}")
    if not xp.isdtype(labels.dtype, "integral"):
        raise ValueError(f"labels must be integers, got {labels.dtype}; take the column of a one-hot row (argmax)")
    least, most = int(xp.min(labels)), int(xp.max(labels))
    if least < 0 or most >= logits.shape[1]:
        raise ValueError(f"labels must be 0 to {logits.shape[1] - 1}, columns of the logits, got {least} to {most}")
