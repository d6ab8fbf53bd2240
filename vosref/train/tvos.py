"""TVOS's training: nine frames vote for the tenth, and the cross-entropy of the vote is the loss [specs TVOS §3].

Where the released code errs this does not: labels are object ids, never colours that blend where an object ends; every
full snippet of a video is as likely as another; no two steps draw the same numbers.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional

from vosref.train.footage import VOID, Source
from vosref.train.layers import Tensor
from vosref.train.network import Network
from vosref.train.recipes import TvosRecipe
from vosref.train.views import draw_view, look

__all__ = ["Snippet", "draw_sample", "loss", "transductive_loss"]

TRIES = 20  # views of a snippet, before it is taken as it is
EPSILON = 1e-14  # added to a vote before its logarithm, as released


class Snippet(NamedTuple):
    """Frames of one video through one view."""

    frames: np.ndarray  # (T, h, w, 3), float32, 0 to 255
    masks: np.ndarray  # (T, h, w), uint8 ids


def draw_sample(source: Source, rng: np.random.Generator, recipe: TvosRecipe, /) -> Snippet:
    """Draw a snippet of frames that are equally far apart, and a view of them."""

    def evenly(n_frames: int, rng: np.random.Generator) -> range:
        steps = recipe.n_frames - 1
        apart = int(rng.integers(1, min(recipe.most_apart, (n_frames - 1) // steps) + 1))
        start = int(rng.integers(n_frames - apart * steps))
        return range(start, start + apart * steps + 1, apart)

    clip = source.draw(rng, evenly, at_least=recipe.n_frames)
    for _ in range(TRIES):
        view = draw_view(rng, crop=recipe.crop, scales=recipe.scales, flips=recipe.flips)
        _, first = look(clip.frames[:1], clip.masks[:1], view)
        if np.mean((first > 0) & (first != VOID)) >= recipe.least_object:
            break
    return Snippet(*look(clip.frames, clip.masks, view))


def loss(network: Network, samples: list[Snippet], _step: int, recipe: TvosRecipe, /) -> list[Tensor]:
    """Return the loss of each snippet."""
    device = next(network.parameters()).device
    frames = torch.from_numpy(np.concatenate([s.frames for s in samples])).to(device)
    options = {"output_stride": recipe.output_stride}
    if "blocks/0/project/kernel" in network.axes:
        options["n_stages"] = recipe.n_stages
    embeddings = network.embed(
        frames.permute(0, 3, 1, 2), scale=recipe.working_scale, normalise=recipe.normalise, **options
    )
    losses = []
    for sample, x in zip(samples, embeddings.split(recipe.n_frames), strict=True):
        labels = _labels(torch.from_numpy(sample.masks).to(device), tuple(x.shape[2:]))
        losses.append(transductive_loss(x.flatten(2).transpose(1, 2), labels, temperature=recipe.temperature))
    return losses


def transductive_loss(embeddings: Tensor, labels: Tensor, /, *, temperature: float = 1.0) -> Tensor:
    """Cross-entropy of the last frame under the vote of the others; `softmax_vote` and `losses.transductive_loss`.

    Parameters
    ----------
    embeddings : Tensor, shape (T, P, D)
    labels : Tensor, shape (T, P, K)
        One-hot; a pixel without a label votes for none, and is not judged.
    temperature : float
        Multiplies dot products.

    Returns
    -------
    Tensor, shape ()
        Mean over the pixels of the last frame that have a label which any reference has; 0 where there is none.
    """
    query, reference = embeddings[-1], embeddings[:-1].flatten(0, 1)
    weights = torch.softmax(temperature * (query @ reference.T), 1)
    votes = (weights @ labels[:-1].flatten(0, 1) * labels[-1]).sum(1)
    judged = (labels[-1] * labels[:-1].amax((0, 1))).sum(1) > 0
    return -torch.log(votes[judged] + EPSILON).sum() / judged.sum().clamp_min(1)


def _labels(masks: Tensor, grid: tuple[int, int]) -> Tensor:
    """One-hot labels (T, P, K) on the grid: the id that the bilinear mean of the one-hot masks has most of."""
    ids = [k for k in torch.unique(masks).tolist() if k != VOID]
    one_hot = torch.stack([(masks == k).float() for k in ids], 1)
    small = functional.interpolate(one_hot, grid, mode="bilinear", align_corners=False).flatten(2).transpose(1, 2)
    known = small.amax(2, keepdim=True) > 0
    return functional.one_hot(small.argmax(2), len(ids)).to(small.dtype) * known
