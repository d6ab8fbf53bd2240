"""How far two pixels are apart in FEELVOS's embedding space: Eq. 1, and the two ways to its squared norm.

The direct form subtracts, squares and sums. The expanded form, |x|² + |y|² - 2 x·y, is one matrix product and many
times as fast, and numerically bad: where two embeddings nearly agree it cancels, and may come out negative. Its error
is bounded by the lengths, not by the distance (`expanded_squares`); so it stops at 0, and matching uses it.
"""

from vosref.backend import array_namespace, device
from vosref.shapes import check_embeddings

__all__ = ["direct_squares", "embedding_distance", "expanded_squares", "normalised", "widened"]


def embedding_distance(query, reference, /):
    """Distance from every query pixel to every reference pixel: d = 1 - 2 / (1 + exp(|e_p - e_q|²)) [FEELVOS 1].

    Parameters
    ----------
    query, reference : array, shape (P, D) and (R, D)
        Embeddings, floating point, without unit. The result is whole: for few pixels; `matching` is for many.

    Returns
    -------
    array, shape (P, R)
        In [0, 1] in every data type; 0 where two embeddings are equal.

    Raises
    ------
    ValueError
        If the embedding dimensions D differ.

    Examples
    --------
    At squared distances 0, 1 and 4: 1 - 2 / (1 + e⁰) = 0, then tanh(1/2) and tanh(2).

    >>> import numpy as np
    >>> import vosref
    >>> query, reference = np.array([[0.0, 0.0]]), np.array([[0.0, 0.0], [0.0, 1.0], [2.0, 0.0]])
    >>> vosref.embedding_distance(query, reference).round(3)
    array([[0.   , 0.462, 0.964]])
    """
    xp = array_namespace(query, reference)
    check_embeddings(query, reference)
    return xp.astype(normalised(direct_squares(*widened(query, reference))), query.dtype)


def normalised(squared, /):
    """Squared embedding distance, 0 or more, as a distance in [0, 1]: tanh(squared / 2).

    It is Eq. 1 rearranged; unlike exp(x) it cannot overflow. It is 1 for infinity, and in float32 from about 18 on,
    where the released code's sigmoid is from 16.6 on.
    """
    return array_namespace(squared).tanh(squared / 2)


def direct_squares(query, reference, /):
    """Squared norm |x - y|² of every pair, term by term: never negative, with a relative error below (D + 2) u.

    Parameters
    ----------
    query, reference : array, shape (P, D) and (R, D)

    Returns
    -------
    array, shape (P, R)
        u is the unit roundoff of its data type.
    """
    xp = array_namespace(query, reference)
    check_embeddings(query, reference)
    squared = xp.zeros((query.shape[0], reference.shape[0]), dtype=query.dtype, device=device(query))
    for d in range(query.shape[1]):
        apart = query[:, None, d] - reference[None, :, d]
        squared = squared + apart * apart
    return squared


def expanded_squares(query, reference, /):
    """Squared norm |x|² + |y|² - 2 x·y of every pair, not below 0.

    Let u be the unit roundoff and γ_n = nu / (1 - nu). The lengths |x|² and |y|² are off by γ_D of themselves, the
    product by γ_D |x||y|, and the two sums by at most 2u (|x| + |y|)². So the result is off by at most

        γ_{2D+3} (|x| + |y|)²

    whatever the order of the sums, underflow apart. It does not shrink with the distance: for two equal embeddings
    of length 10, in float32 at D = 100, the bound is 5e-3; of some thousands that were drawn the worst came out 1e-4
    apart, and two in five would have come out below 0.

    Parameters
    ----------
    query, reference : array, shape (P, D) and (R, D)
        Finite, with squared lengths that do not overflow.

    Returns
    -------
    array, shape (P, R)
    """
    xp = array_namespace(query, reference)
    check_embeddings(query, reference)
    lengths = xp.sum(query * query, axis=1)[:, None] + xp.sum(reference * reference, axis=1)[None, :]
    squared = lengths - 2 * (query @ reference.T)
    # Rounding can push the expanded square below 0, where d would turn negative.
    return xp.where(squared > 0, squared, xp.zeros_like(squared))


def widened(*arrays):
    """Arrays of half precision, which cannot hold a squared length, as float32; others as they are."""
    xp = array_namespace(*arrays)
    return tuple(xp.astype(a, xp.float32) if xp.finfo(a.dtype).bits < 32 else a for a in arrays)
