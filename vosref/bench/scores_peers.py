"""J and F of a frame's objects as other evaluators compute them, to be timed against; nothing else imports OpenCV.

Each function takes what `vosref.evaluation.measures.region_and_contour` takes, and returns a function without arguments
that runs it once, on one thread. They are written here from what those evaluators do, operation by operation.
"""

import importlib.util
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["PEERS", "available", "build"]

TOLERANCE = 0.008
Scores = tuple[NDArray[np.float64], NDArray[np.float64]]
Mask = NDArray[Any]


def available(peer: str, /) -> bool:
    """Tell whether the library that a peer needs, if any, is installed."""
    return peer not in PEERS or importlib.util.find_spec("cv2") is not None


def build(peer: str, prediction: Mask, truth: Mask, /, *, ids: Sequence[int]) -> Callable[[], Scores]:
    """Return a function that scores a frame once on a peer, one of `PEERS`."""
    import cv2  # noqa: PLC0415 - only to be timed against

    cv2.setNumThreads(1)
    return PEERS[peer](prediction, truth, ids)


def davis2017(prediction: Mask, truth: Mask, ids: Sequence[int], /) -> Callable[[], Scores]:
    """Take the objects that are asked for one by one, and make the disk for each anew, as davis2017-evaluation does."""

    def run() -> Scores:
        return _both([_scores(prediction == k, truth == k, _disk(truth.shape)) for k in ids])

    return run


def vos_benchmark(prediction: Mask, truth: Mask, ids: Sequence[int], /) -> Callable[[], Scores]:
    """Look for the ids of both masks in each frame, and make the disk once, as vos-benchmark does."""
    disk = _disk(truth.shape)

    def run() -> Scores:
        shown = set(np.unique(prediction).tolist()) | set(np.unique(truth).tolist())
        return _both([_scores(prediction == k, truth == k, disk) if k in shown else (1.0, 1.0) for k in ids])

    return run


PEERS: dict[str, Callable[..., Callable[[], Scores]]] = {"davis2017": davis2017, "vos-benchmark": vos_benchmark}


def _both(pairs: list[tuple[float, float]]) -> Scores:
    region, contour = np.array(pairs, dtype=np.float64).reshape(-1, 2).T
    return region, contour


def _scores(predicted: Mask, true: Mask, disk: Mask) -> tuple[float, float]:
    """J by sums over the frame; F by dilating both boundaries and summing what lies within the other's."""
    import cv2  # noqa: PLC0415

    union = int(np.sum(predicted | true))
    region = int(np.sum(predicted & true)) / union if union else 1.0
    ours, theirs = _boundary(predicted), _boundary(true)
    wide_ours, wide_theirs = (cv2.dilate(boundary.astype(np.uint8), disk) for boundary in (ours, theirs))
    near_ours, near_theirs = int(np.sum(ours * wide_theirs)), int(np.sum(theirs * wide_ours))
    n_ours, n_theirs = int(np.sum(ours)), int(np.sum(theirs))
    if n_ours == 0 or n_theirs == 0:
        return region, float(n_ours == n_theirs)
    precision, recall = near_ours / n_ours, near_theirs / n_theirs
    return region, 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _boundary(mask: Mask) -> Mask:
    """Compare the frame with three shifted copies of it."""
    right, below, across = (np.zeros_like(mask) for _ in range(3))
    right[:, :-1], below[:-1], across[:-1, :-1] = mask[:, 1:], mask[1:], mask[1:, 1:]
    boundary = (mask ^ right) | (mask ^ below) | (mask ^ across)
    boundary[-1], boundary[:, -1] = mask[-1] ^ right[-1], mask[:, -1] ^ below[:, -1]
    boundary[-1, -1] = False
    return boundary


def _disk(size: tuple[int, ...]) -> Mask:
    radius = math.ceil(TOLERANCE * math.hypot(*size))
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return (y * y + x * x <= radius * radius).astype(np.uint8)
