"""FEELVOS's distance maps with gradients: the twins of `vosref.matching` in PyTorch.

A minimum hands its gradient to the pair that attains it. So the pair is searched without gradients, and its distance
alone is computed with them: nothing of the size of all pairs is kept for the way back.
"""

import torch

from vosref.train.layers import Tensor

__all__ = ["global_matching", "local_matching"]

ROWS = 8  # of the grid, searched together


def global_matching(query: Tensor, reference: Tensor, labels: Tensor, /) -> Tensor:
    """Distance of every query pixel to the nearest reference pixel of each object.

    Parameters
    ----------
    query, reference : Tensor, shape (P, D) and (R, D)
    labels : Tensor, shape (R, K)
        One-hot.

    Returns
    -------
    Tensor, shape (P, K)
        In [0, 1]; 1 where the reference has no pixel of the object.
    """
    maps = []
    for column in labels.T:
        own = reference[column > 0]
        if len(own):
            nearest = _squared(query.detach(), own.detach()).argmin(1)
            maps.append(_distance(query, own[nearest]))
        else:
            maps.append(torch.ones_like(query[:, 0]))
    return torch.stack(maps, 1)


def local_matching(
    query: Tensor, previous: Tensor, labels: Tensor, /, *, grid: tuple[int, int], window_radius: int
) -> Tensor:
    """Distance of every query pixel to the nearest pixel of each object in a window of the previous frame.

    Parameters
    ----------
    query, previous : Tensor, shape (P, D)
    labels : Tensor, shape (P, K)
        One-hot.
    grid : (int, int)
        Height and width, in pixels.
    window_radius : int
        The window reaches so many pixels to each side.

    Returns
    -------
    Tensor, shape (P, K)
        In [0, 1]; 1 where the window has no pixel of the object.
    """
    height, width = grid
    strips = []
    for top in range(0, height, ROWS):
        first, last = max(0, top - window_radius), min(height, top + ROWS + window_radius)
        rows = slice(top * width, min(top + ROWS, height) * width)
        seen = slice(first * width, last * width)
        near = _near(query[rows], range(top, min(top + ROWS, height)), range(first, last), width, window_radius)
        strips.append(_strip(query[rows], previous[seen], labels[seen], near))
    return torch.cat(strips)


def _strip(query: Tensor, previous: Tensor, labels: Tensor, near: Tensor) -> Tensor:
    with torch.no_grad():
        squared = _squared(query, previous).masked_fill(~near, torch.inf)
    maps = []
    for column in labels.T:
        least, nearest = squared.masked_fill(column[None] == 0, torch.inf).min(1)
        maps.append(torch.where(least < torch.inf, _distance(query, previous[nearest]), 1.0))
    return torch.stack(maps, 1)


def _near(like: Tensor, rows: range, seen: range, width: int, window_radius: int) -> Tensor:
    """Whether a pixel of one strip is within the window of a pixel of the other, (p, q)."""
    y, z = (torch.arange(r.start, r.stop, device=like.device) for r in (rows, seen))
    x = torch.arange(width, device=like.device)
    tall = (y[:, None] - z[None]).abs() <= window_radius
    wide = (x[:, None] - x[None]).abs() <= window_radius
    return (tall[:, None, :, None] & wide[None, :, None, :]).reshape(len(y) * width, len(z) * width)


def _squared(query: Tensor, reference: Tensor) -> Tensor:
    return query.square().sum(1)[:, None] + reference.square().sum(1)[None] - 2 * (query @ reference.T)


def _distance(query: Tensor, nearest: Tensor) -> Tensor:
    return torch.tanh((query - nearest).square().sum(1) / 2)
