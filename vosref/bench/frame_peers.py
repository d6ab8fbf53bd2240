"""Both released pipelines in PyTorch, from JPEG to PNG, to be timed against; nothing else imports PyTorch for it.

Networks run eagerly, as `peers` runs them. What the released code prepares once for a video is prepared once.
"""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vosref.bench import matching_peers, propagation_peers
from vosref.bench.peers import TorchLayers, tensors
from vosref.blocks import slices
from vosref.labels import to_grid
from vosref.nn import deeplab, heads, resnet
from vosref.resize import resize_nearest
from vosref.runs import Job
from vosref.sampling import motion_prior, reference_frames
from vosref.weights import load

__all__ = ["available", "feelvos", "segment", "tvos"]

CHUNKS = 20  # that FEELVOS's query pixels are matched globally in [specs FEELVOS §3.2]

Weights = Mapping[str, np.ndarray]
Step = Callable[[np.ndarray], np.ndarray]  # from a frame (H, W, 3) to the place of each pixel's label in `ids`


def available(_peer: str, /) -> bool:
    """Tell whether PyTorch is installed."""
    return importlib.util.find_spec("torch") is not None


def segment(job: Job, folder: Path, state: Any, threads: int, progress: Callable[[int], None], /) -> None:
    """Segment the JPEG files of a folder, frame by frame, from TVOS's state on, or from the first frame."""
    import torch  # noqa: PLC0415 - only to be timed against

    torch.set_num_threads(threads)
    weights, ids = load(job.config.weights), np.array((0, *job.mask.objects), np.uint8)
    if job.method == "tvos":
        step, start = tvos(weights, state), state.t
    else:
        step, start = feelvos(weights, job.frames[0], job.mask.ids, tuple(ids)), 1
    step = torch.inference_mode()(step)

    def run() -> None:
        progress(start)
        for t, name in enumerate(job.frames.names[start:], start + 1):
            with Image.open(folder / f"{name}.jpg") as image:
                frame = np.array(image.convert("RGB"))
            mask = Image.fromarray(ids[step(frame)])
            mask.putpalette(job.mask.palette)
            mask.save(job.mask_path(name))
            progress(t)

    matching_peers.limited(run, threads)()


def tvos(weights: Weights, state: Any, /) -> Step:
    """Return TVOS's step: histories that grow by a frame each time, references picked out of them [specs TVOS §2]."""
    import torch  # noqa: PLC0415
    from torch.nn import functional  # noqa: PLC0415

    layers, t, spatial = tensors(weights), state.t, dict[float, Any]()
    features, labels = (torch.from_numpy(np.stack(arrays)) for arrays in (state.embeddings, state.labels))
    features, labels = features.mT.contiguous(), labels.permute(2, 0, 1).contiguous()  # (T, D, N) and (K, T, N)
    oldest = t - len(features)

    def step(frame: np.ndarray) -> np.ndarray:
        nonlocal t, features, labels
        image = torch.from_numpy(frame).float()
        x = resnet.features(layers, image, layers=TorchLayers)
        grid, target = tuple(x.shape[2:]), x.flatten(2)
        frames = reference_frames(t, rule="released")
        sigma = motion_prior(frames, t, rule="released")
        if not spatial:
            spatial.update({width: propagation_peers.priors(grid, (width,))[0] for width in (8.0, 21.0)})
        chosen = torch.tensor(frames) - oldest
        history = features.index_select(0, chosen).mT.flatten(0, 1)
        seen = labels.index_select(1, chosen).flatten(1).T
        votes = propagation_peers.released(target[0].T, history, seen, [spatial[width] for width in sigma])
        features = torch.cat([features, target])
        labels = torch.cat([labels, functional.one_hot(votes.argmax(1), votes.shape[1]).float().T[:, None]], 1)
        t += 1
        return _enlarged(votes.T.reshape(1, -1, *grid), frame.shape[:2], align_corners=False)

    return step


def feelvos(weights: Weights, first: np.ndarray, mask: np.ndarray, ids: Sequence[int], /) -> Step:
    """Return FEELVOS's step after its first frame [specs FEELVOS §6]."""
    import torch  # noqa: PLC0415

    layers, radius = tensors(weights), 15

    def embed(frame: np.ndarray) -> tuple[Any, Any]:
        features = deeplab.features(layers, torch.from_numpy(frame).float(), layers=TorchLayers)
        return features, heads.embedding(layers, features, layers=TorchLayers)

    with torch.inference_mode():
        reference = embed(first)[1]
    grid = tuple(reference.shape[2:])
    pixels = reference[0].flatten(1).T.contiguous()
    annotated = to_grid(mask, ids=ids, grid=grid, nearest=True)
    previous, labels = pixels, annotated

    def step(frame: np.ndarray) -> np.ndarray:
        nonlocal previous, labels
        features, embedded = embed(frame)
        query = embedded[0].flatten(1).T.contiguous()
        far = _globally(query, pixels, torch.from_numpy(annotated))
        arrays = (query.numpy(), previous.numpy(), labels)
        near = torch.from_numpy(matching_peers.torch_filled(*arrays, grid=grid, window_radius=radius)())
        cues = torch.stack([far, torch.from_numpy(labels), near]).reshape(3, *grid, -1)
        logits = torch.cat([_head(layers, features, cues[..., k]) for k in range(len(ids))], 1)
        decided = _enlarged(logits, frame.shape[:2], align_corners=True)
        nearest = resize_nearest(decided[:, :, None], size=grid)
        previous, labels = query, (nearest.reshape(-1, 1) == np.arange(len(ids))).astype(np.float32)
        return decided

    return step


def _globally(query: Any, reference: Any, labels: Any) -> Any:
    """Distances to the nearest pixel of each object: whole rows of the matrix of all pairs [specs FEELVOS §3.2]."""
    import torch  # noqa: PLC0415

    lengths = (reference**2).sum(1)
    rows = []
    for part in slices(len(query), -(-len(query) // CHUNKS)):
        x = query[part]
        squares = (x**2).sum(1, keepdim=True) + lengths - 2 * (x @ reference.T)
        nearest = [(squares + matching_peers.FAR * (1 - column)).amin(1) for column in labels.T]
        rows.append(torch.stack(nearest, 1))
    return torch.tanh(torch.cat(rows) / 2)


def _head(layers: Mapping[str, Any], features: Any, cues: Any) -> Any:
    """Logits (1, 1, h, w) of one object from the features and its three cues (3, h, w)."""
    import torch  # noqa: PLC0415

    net, x = TorchLayers(layers, heads.epsilon), torch.cat([features, cues[None]], 1)
    for i in range(heads.HEAD_LAYERS):
        x = net.depthwise(f"head/{i}/depthwise", x, activation="relu")
        x = net.conv(f"head/{i}/pointwise", x, activation="relu")
    return net.conv("head/logits", x)


def _enlarged(scores: Any, size: tuple[int, ...], *, align_corners: bool) -> np.ndarray:
    """Which of the scores (1, K, h, w) is largest at each pixel of the video."""
    from torch.nn import functional  # noqa: PLC0415

    return functional.interpolate(scores, size, mode="bilinear", align_corners=align_corners)[0].argmax(0).numpy()
