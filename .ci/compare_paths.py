"""Run FEELVOS on a real clip with seeded random weights, by definitions and by twins, and compare masks pixel by pixel.

    python .ci/compare_paths.py FRAMES FIRST_MASK.png WEIGHTS.safetensors --frames 5

writes WEIGHTS if there are none: drawn as before training, their norms' statistics taken from the first frame (without
them the signal grows until every distance is 1), the embedding scaled to a median squared distance of 2, the logits to
a deviation of 1. A frame is segmented by both paths, and by the definitions in float64, from the state that the twins
came to. A pixel whose masks differ is explained if its two largest logits in float64 are no farther apart than the two
paths' largest errors together, twice: a tie, as far as float32 can tell.
"""

import argparse
from pathlib import Path

import numpy as np

from vosref import feelvos, io, labels, video, weights
from vosref.backend import use_cpu
from vosref.nn import deeplab, heads
from vosref.nn.layers import Layers
from vosref.weights.conversion import FORMAT
from vosref.weights.safetensors_file import write_safetensors

MODEL = "feelvos-xception65"


def main():
    """Draw weights, run both paths, and print a line for each frame."""
    parser = argparse.ArgumentParser()
    parser.add_argument("frames", type=Path)
    parser.add_argument("mask", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--frames", type=int, default=5, dest="count")
    parser.add_argument("--config", default="released")
    arguments = parser.parse_args()
    frames = io.open_frames(arguments.frames)
    first = io.read_mask(arguments.mask, size=frames.size).ids
    if not arguments.weights.exists():
        drawn = calibrated(frames[0].astype(np.float32), first)
        write_safetensors(arguments.weights, drawn, {"format": FORMAT, "model": MODEL})
    config = video.configure("feelvos", arguments.config, weights=str(arguments.weights))
    clip = [frames[t] for t in range(min(arguments.count, len(frames)))]
    state = None
    for t, step in enumerate(walk("numba", clip, first, config)):
        if t > 0:
            (other,) = walk("numpy", [clip[t]], first, config, start=state)
            exact = in_double(state, clip[t], config)
            print(compare(step, other, exact, frames.size), flush=True)  # noqa: T201
        state = step.state


def walk(tier, clip, first, config, *, start=None):
    """Segment by definitions ("numpy") or twins ("numba")."""
    with use_cpu(tier):
        return list(video.walk(clip, first, method="feelvos", config=config, start=start))


def in_double(state, frame, config):
    """Take one step by the definitions in float64, norms unfolded."""
    double = {name: array.astype(np.float64) for name, array in weights.load(config.weights).items()}
    first, previous = (tuple(a.astype(np.float64) for a in part) for part in (state.first, state.previous))
    with use_cpu("numpy"):
        view = feelvos.embedding(double, frame, config)
        return feelvos.step(feelvos.FeelvosState(first, previous, state.t), view, config)[2]


def compare(step, other, exact, size):
    """Say how far two paths are from the exact step, and whether that explains the pixels whose masks differ."""
    maps = {"G": "global_distance", "L": "local_distance", "logits": "logits"}
    errors = {
        key: [np.abs(getattr(path, field) - getattr(exact, field)).max() for path in (step.info, other.info)]
        for key, field in maps.items()
    }
    grid = tuple(-(-n // 4) for n in size)
    ranked = np.sort(labels.upsample(exact.logits, grid=grid, size=size, align_corners=True), axis=2)
    differ = step.mask != other.mask
    unexplained = differ & (ranked[:, :, -1] - ranked[:, :, -2] > 2 * sum(errors["logits"]))
    told = "; ".join(f"{key} {twins:.1e} and {definitions:.1e}" for key, (twins, definitions) in errors.items())
    shares = np.bincount(step.mask.ravel()) / step.mask.size
    return (
        f"frame {step.t}: {differ.sum()} of {differ.size} pixels differ, {unexplained.sum()} unexplained; largest "
        f"errors of twins and definitions: {told} (logits' deviation {exact.logits.std():.2f}); shares of the objects "
        f"{', '.join(f'{share:.2f}' for share in shares)}"
    )


def calibrated(image, first):
    """Draw weights, and scale them layer by layer to what a frame gives."""
    table, rng = weights.model(MODEL), np.random.default_rng(0)
    drawn = {a.name: table.initial(rng, a.name, a.shape) for a in table.arrays}

    class Calibrating(Layers):
        def _norm(self, name, x):
            if x.shape[:2] != (1, 1):  # a pooled map has no variance
                drawn[f"{name}/mean"], drawn[f"{name}/variance"] = x.mean((0, 1)), x.var((0, 1))
            return super()._norm(name, x)

    features = deeplab.features(drawn, image, layers=Calibrating)
    embedding = heads.embedding(drawn, features)
    pairs = rng.permutation(embedding.reshape(-1, embedding.shape[2]))[:2000].reshape(2, 1000, -1)
    drawn["embedding/pointwise/kernel"] *= np.float32((2 / np.median(((pairs[0] - pairs[1]) ** 2).sum(1))) ** 0.5)
    ids = labels.object_ids(first)
    given = labels.to_grid(first, ids=ids, grid=features.shape[:2], nearest=True)
    cues = np.stack([1 - given, given, 1 - given], axis=2).reshape(*features.shape[:2], len(ids), 3)
    logits = heads.segmentation_head(drawn, features, cues)
    drawn["head/logits/kernel"] /= np.float32(logits.std())
    return drawn


if __name__ == "__main__":
    main()
