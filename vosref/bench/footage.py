"""What the suite `segment` works on: a rendered clip as JPEG files, drawn weights, and a run that is well under way."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vosref.bench.networks import initial
from vosref.io import davis_palette, open_frames, write_mask, write_text
from vosref.labels import harden
from vosref.nn.layers import NORM, Layers
from vosref.nn.networks import network
from vosref.runs import CHECKPOINT, RECORD, Job
from vosref.runs.checkpoints import load_state, save_state
from vosref.samples import SAMPLES, render
from vosref.video import method_named
from vosref.weights.conversion import FORMAT
from vosref.weights.safetensors_file import write_safetensors

__all__ = ["MASK", "WEIGHTS", "film", "settled", "start_of", "stop", "write_start", "write_weights"]

CLIP = "three-hiding"  # background and three objects
RENDERED = 8  # frames; the clip runs through them to and fro
ROWS = 240  # of an image that norms are fitted to
QUALITY = 95  # of the JPEG files, DAVIS's
SQUARED_LENGTH = 16.0  # of TVOS's embeddings: with temperature 1 a softmax that is neither flat nor one-hot
APART = 5.0  # mean squared distance of FEELVOS's, as in the suite `matching`: distances do not saturate
MASK, STATE, WEIGHTS = "mask.png", "state.safetensors", "weights.safetensors"


class _Settling(Layers):
    """Layers that set each norm to the mean and variance of what arrives, as training would leave it."""

    def _norm(self, name: str, x: Any) -> Any:
        variance = np.var(x, axis=(0, 1))
        # What hardly varies in this image, or has one pixel, may vary in others.
        statistics = np.mean(x, axis=(0, 1)), np.maximum(variance, np.mean(x * x) / 16)
        self.weights.update({f"{name}/{part}": a for part, a in zip(NORM[2:], statistics, strict=True)})  # type: ignore[attr-defined]
        return super()._norm(name, x)


def film(folder: Path, size: tuple[int, int], n_frames: int, /) -> np.ndarray:
    """Write a clip as ``frames/00000.jpg``, …, and its first mask; return the masks of its `RENDERED` frames."""
    scene = SAMPLES[CLIP]._replace(height=size[0], width=size[1], n_frames=RENDERED)
    frames, masks = render(scene)
    (folder / "frames").mkdir(parents=True)
    for t in range(n_frames):
        Image.fromarray(frames[_rendered(t)]).save(folder / "frames" / f"{t:05d}.jpg", quality=QUALITY)
    write_mask(folder / MASK, masks[0], palette=davis_palette())
    return masks


def settled(name: str, image: np.ndarray, /) -> dict[str, np.ndarray]:
    """Draw a model's weights, with norms that fit an image, so that activations neither explode nor vanish.

    Embeddings get a scale at which pixels are alike and different, as a trained network's are.
    """
    every = max(1, min(image.shape[:2]) // ROWS)
    weights, small = initial(name), np.ascontiguousarray(image[::every, ::every], np.float32)
    embedded = network(name).run(weights, small, layers=_Settling)
    pixels = embedded.reshape(-1, embedded.shape[2])
    if name.startswith("feelvos-"):
        apart = pixels - np.random.default_rng(0).permutation(pixels)
        scale = np.sqrt(APART / np.mean(np.sum(apart**2, axis=1)))
        names = ["embedding/pointwise/kernel", "embedding/pointwise/bias"]
    else:
        scale = np.sqrt(SQUARED_LENGTH / np.mean(np.sum(pixels**2, axis=1)))
        names = ["projection/scale", "projection/offset"]
    return weights | {key: (weights[key] * scale).astype(np.float32) for key in names}


def write_weights(name: str, folder: Path, /) -> None:
    """Write what `settled` draws for the clip of a folder."""
    frames = open_frames(folder / "frames")
    upper, lower = (np.concatenate([frames[i] for i in pair], axis=1) for pair in ((0, 2), (4, 6)))
    arrays = settled(name, np.concatenate([upper, lower]))
    write_safetensors(folder / WEIGHTS, arrays, {"format": FORMAT, "model": name})


def write_start(job: Job, folder: Path, masks: np.ndarray, t: int, /) -> None:
    """Write TVOS's state before frame `t`, full as it is in a long video: the clip's embeddings and true labels."""
    system, config = method_named(job.method), job.config
    weights, ids, seen = system.prepare(config), (0, *job.mask.objects), []
    for n in range(min(RENDERED, t)):
        embedding = system.embedding(weights, job.frames[n], config)
        labels = harden(system.annotate(embedding, masks[n], ids))
        seen.append((embedding.reshape(-1, embedding.shape[2]), labels))
    held = [seen[_rendered(n)] for n in range(max(0, t - system.frames_held(config)), t)]
    state = system.State(tuple(e for e, _ in held), tuple(y for _, y in held), t)
    save_state(folder / STATE, state, identity=json.dumps(job.identity()))


def start_of(job: Job, folder: Path, /) -> Any:
    """Read what `write_start` wrote; None without."""
    kind = method_named(job.method).State
    return load_state(folder / STATE, kind, identity=json.dumps(job.identity())) if (folder / STATE).exists() else None


def stop(job: Job, folder: Path, t: int, /) -> None:
    """Leave in a job's output folder what a run that was stopped before frame `t` leaves there."""
    for name in job.frames.names[:t]:
        shutil.copyfile(folder / MASK, job.mask_path(name))
    shutil.copyfile(folder / STATE, job.out / CHECKPOINT)
    write_text(job.out / RECORD, json.dumps({**job.identity(), "frames_done": t}))


def _rendered(t: int) -> int:
    """Which of the rendered frames frame `t` shows: to and fro."""
    place = t % (2 * RENDERED - 2)
    return min(place, 2 * RENDERED - 2 - place)
