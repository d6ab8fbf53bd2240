"""FEELVOS's training: three frames of a video, and the cross-entropy of the hardest pixels of one [specs FEELVOS §5].

The reference frame is any of the video, and is seen through a view of its own; the other two follow one another. Their
embeddings are matched, the head turns distances into logits, and gradients flow back through all of it.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional

from vosref.io import InputError
from vosref.labels import object_ids, to_grid
from vosref.losses import hardest_pixels
from vosref.train.damage import damaged
from vosref.train.footage import VOID, Source
from vosref.train.layers import Tensor
from vosref.train.matching import global_matching, local_matching
from vosref.train.network import Network
from vosref.train.recipes import FeelvosRecipe
from vosref.train.views import draw_view, look

__all__ = ["Triplet", "bootstrapped_cross_entropy", "draw_sample", "loss"]

TRIES = 100  # draws, before a source is given up
STRIDE = 4
JUDGED = 4  # of every so many pixels one is in the auxiliary loss: neighbours tell much the same
SHARPNESS = 5.0  # of the auxiliary vote: multiplies squared distances


class Triplet(NamedTuple):
    """A reference frame, the previous frame and the current one."""

    frames: np.ndarray  # (3, h, w, 3), float32, 0 to 255
    masks: np.ndarray  # (3, h, w), columns of the reference's objects; 255 is void
    kept: tuple[np.ndarray, np.ndarray]  # pixels (R,) of reference and previous frame that global matching sees
    n_objects: int  # and background


def draw_sample(source: Source, rng: np.random.Generator, recipe: FeelvosRecipe, /) -> Triplet:
    """Draw three frames whose reference shows enough of every object, through two views."""

    def three(n_frames: int, rng: np.random.Generator) -> tuple[int, int, int]:
        start = int(rng.integers(n_frames - 2))  # the last frame is never a query
        return int(rng.integers(n_frames)), start, start + 1

    for _ in range(TRIES):
        clip = source.draw(rng, three, at_least=3)
        own, shared = (
            draw_view(rng, crop=recipe.crop, scales=recipe.scales, flips=recipe.flips) for _ in ("own", "shared")
        )
        reference = look(clip.frames[:1], clip.masks[:1], own)
        if (ids := _objects(reference[1][0], recipe)) is None:
            continue
        others = look(clip.frames[1:], clip.masks[1:], shared)
        frames, masks = (np.concatenate(pair) for pair in zip(reference, others, strict=True))
        columns = np.zeros(256, np.uint8)  # what the reference does not show is background
        columns[list(ids)], columns[VOID] = range(len(ids)), VOID
        masks = columns[masks]
        if rng.random() < recipe.damage:
            masks[1] = damaged(masks[1], rng)
        kept = [_subsample(mask, rng, recipe, len(ids)) for mask in masks[:2]]
        return Triplet(frames, masks, (kept[0], kept[1]), len(ids))
    raise InputError(
        f"in {TRIES} draws no reference frame showed {recipe.least_pixels} pixels of each object on the stride-4 grid; "
        "the last was of " + clip.name
    )


def loss(network: Network, samples: list[Triplet], step: int, recipe: FeelvosRecipe, /) -> list[Tensor]:
    """Return the loss of each triplet."""
    device = next(network.parameters()).device
    frames = torch.from_numpy(np.concatenate([s.frames for s in samples])).to(device).permute(0, 3, 1, 2)
    features = network.features(frames, output_stride=recipe.output_stride, dropout=recipe.dropout)
    embeddings = network.embedding(features)
    return [
        _loss(network, sample, f, e, step, recipe)
        for sample, f, e in zip(samples, features.split(3), embeddings.split(3), strict=True)
    ]


def _loss(
    network: Network, sample: Triplet, features: Tensor, embeddings: Tensor, step: int, recipe: FeelvosRecipe
) -> Tensor:
    grid, k, device = tuple(features.shape[2:]), sample.n_objects, features.device
    pixels = embeddings.flatten(2).transpose(1, 2)
    labels = torch.stack(
        [torch.from_numpy(to_grid(mask, ids=range(k), grid=grid, nearest=True)).to(device) for mask in sample.masks]
    )
    kept = [torch.from_numpy(places).to(device) for places in sample.kept]
    cues = _cues(pixels, labels, kept, grid, recipe).permute(1, 2, 0).reshape(k, -1, *grid)
    logits = network.head(features[2:], cues)
    size = sample.masks.shape[1:]
    logits = functional.interpolate(logits[None], size, mode="bilinear", align_corners=True)[0]
    truth = torch.from_numpy(sample.masks[2].astype(np.int64)).to(device)
    n = hardest_pixels(step, size[0] * size[1], fraction=recipe.fraction, annealing_steps=recipe.annealing)
    total = bootstrapped_cross_entropy(logits.flatten(1).T, truth.flatten(), n_hardest=n)
    if recipe.auxiliary:
        judged = slice(None, None, JUDGED)
        vote = _vote_loss(pixels[2, judged], pixels[0, kept[0]], labels[0, kept[0]], labels[2, judged])
        total = total + recipe.auxiliary * vote
    return total


def _cues(pixels: Tensor, labels: Tensor, kept: list[Tensor], grid: tuple[int, int], recipe: FeelvosRecipe) -> Tensor:
    """Return the maps (P, K, n) that the head sees beside the features, in the order of the weights."""
    (reference, previous, query), cues, maps = pixels, recipe.cues.split(","), []
    if "global" in cues:
        maps.append(global_matching(query, reference[kept[0]], labels[0, kept[0]]))
    if "previous" in cues:
        maps.append(labels[1])
    if "local" in cues and recipe.previous_frame == "local":
        maps.append(local_matching(query, previous, labels[1], grid=grid, window_radius=recipe.window_radius))
    elif "local" in cues:
        maps.append(global_matching(query, previous[kept[1]], labels[1, kept[1]]))
    return torch.stack(maps, 2)


def bootstrapped_cross_entropy(logits: Tensor, labels: Tensor, /, *, n_hardest: int) -> Tensor:
    """Mean of the largest cross-entropies; the twin of `losses.bootstrapped_cross_entropy`.

    Void pixels, 255, count as pixels without loss.
    """
    losses = functional.cross_entropy(logits, labels, ignore_index=VOID, reduction="none")
    return losses.topk(n_hardest).values.mean()


def _vote_loss(query: Tensor, reference: Tensor, labels: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy of a soft nearest-neighbour vote: what the embedding alone would decide."""
    squared = torch.cdist(query, reference).square()
    votes = (torch.softmax(-SHARPNESS * squared, 1) @ labels * truth).sum(1)
    judged = truth.sum(1) > 0
    return -torch.log(votes[judged] + 1e-6).sum() / judged.sum().clamp_min(1)


def _objects(mask: np.ndarray, recipe: FeelvosRecipe) -> tuple[int, ...] | None:
    """List the ids of a reference, background first, or tell that it shows too little of one [specs FEELVOS §5.1]."""
    ids = tuple(k for k in object_ids(mask) if k != VOID)
    grid = tuple(-(-n // STRIDE) for n in mask.shape)
    counts = to_grid(mask, ids=ids, grid=grid, nearest=True).sum(0)
    return ids if len(ids) > 1 and counts.min() >= recipe.least_pixels else None


def _subsample(mask: np.ndarray, rng: np.random.Generator, recipe: FeelvosRecipe, k: int) -> np.ndarray:
    """Keep so many pixels of each object, and of background, at random."""
    grid = tuple(-(-n // STRIDE) for n in mask.shape)
    labels = to_grid(mask, ids=range(k), grid=grid, nearest=True)
    kept = [rng.permutation(np.flatnonzero(column))[: recipe.n_reference] for column in labels.T]
    return np.concatenate(kept)
