"""The arrays of FEELVOS on any encoder: DeepLabv3+'s pyramid and decoder, the embedding and the head."""

from collections.abc import Iterator

import numpy as np

from vosref.weights.initial import he_normal, truncated_normal, vector
from vosref.weights.tables import Array, layer

__all__ = ["CUES", "FEATURES", "deeplab", "feelvos", "initial", "near_identity", "separable"]

FEATURES, LOW_LEVEL, EMBEDDING = 256, 48, 100
CUES = 3  # channels that the head takes beside the features: global, previous mask, local

# Of `near_identity`: noise beside what is passed on, the scale of an encoder's features, the length of a direction of
# the embedding, what the logits weigh the cues by, and the layers that pass nothing on.
NOISE, GAIN, LENGTH, WEIGHTS = 0.1, 0.1, 0.3, (-2.0, 1.0, -4.0)
DRAWN = ("aspp/pooling", "aspp/1/pointwise", "aspp/2/pointwise", "aspp/3/pointwise", "decoder/low_level")


def deeplab(features: int, low_level: int, /) -> Iterator[Array]:
    """Yield pyramid and decoder on an encoder of so many channels, `low_level` at stride 4."""
    yield from layer("aspp/pooling", 1, 1, features, FEATURES)
    yield from layer("aspp/0", 1, 1, features, FEATURES)
    for i in (1, 2, 3):
        yield from separable(f"aspp/{i}", 3, features, FEATURES)
    yield from layer("aspp/projection", 1, 1, 5 * FEATURES, FEATURES)
    yield from layer("decoder/low_level", 1, 1, low_level, LOW_LEVEL)
    yield from separable("decoder/0", 3, FEATURES + LOW_LEVEL, FEATURES)
    yield from separable("decoder/1", 3, FEATURES, FEATURES)


def feelvos(n_cues: int = CUES, /) -> Iterator[Array]:
    """Yield embedding and head."""
    yield from separable("embedding", 3, FEATURES, EMBEDDING, bias=True)
    for i in range(4):
        yield from separable(f"head/{i}", 7, FEATURES + n_cues if i == 0 else FEATURES, FEATURES, bias=True)
    yield from layer("head/logits", 1, 1, FEATURES, 1, bias=True)


def separable(name: str, k: int, c_in: int, c_out: int, *, bias: bool = False) -> Iterator[Array]:
    """Yield a depthwise and a pointwise layer."""
    yield from layer(f"{name}/depthwise", k, k, c_in, bias=bias)
    yield from layer(f"{name}/pointwise", 1, 1, c_in, c_out, bias=bias)


def initial(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """As the release draws its embedding and head; He by fan-out before them."""
    place, _, part = name.rpartition("/")
    if part != "kernel":
        return vector(name, shape)
    if place.startswith("embedding/"):
        kernel = truncated_normal(rng, shape, 0.03)
        # The release means to add an identity, and for the depthwise kernel reaches only the first channel.
        if place == "embedding/depthwise":
            kernel[1, 1, 0] += 1
        else:
            kernel[0, 0, :EMBEDDING] += np.eye(EMBEDDING, dtype=np.float32)
        return kernel
    if place.startswith("head/"):
        deviation = {"depthwise": 0.33, "pointwise": 0.06, "logits": 0.01}[place.rpartition("/")[2]]
        return truncated_normal(rng, shape, deviation)
    return he_normal(rng, shape)


def near_identity(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Draw what begins as nearest-neighbour matching of an encoder's features x, for training to improve on.

    Decoder and embedding rectify, so x travels as max(x, 0) and max(-x, 0), and the embedding is a random projection of
    both. The head hands the three cues on, each in a channel of its own, to logits that weigh them.
    """
    place, _, part = name.rpartition("/")
    if part != "kernel":
        return initial(rng, name, shape)
    if place == "head/logits":
        kernel = initial(rng, name, shape)
        kernel[0, 0, -CUES:, 0] += WEIGHTS
        return kernel
    kernel = he_normal(rng, shape)
    if len(shape) == 3:
        kernel *= NOISE
        kernel[shape[0] // 2, shape[1] // 2] += 1
        return kernel
    kernel[0, 0] *= 1 if place in DRAWN else NOISE
    kernel[0, 0] += _passed_on(rng, place, shape[2], shape[3])
    return kernel * np.float32(GAIN if place in DRAWN or place == "aspp/0" else 1)


def _passed_on(rng: np.random.Generator, place: str, n_in: int, n_out: int) -> np.ndarray:
    """Return the part of a dense layer, (in, out), that passes on what comes in."""
    matrix, half = np.zeros((n_in, n_out), np.float32), FEATURES // 2
    if place == "aspp/0":
        np.fill_diagonal(matrix[:, :half], 1)
        np.fill_diagonal(matrix[:, half:], -1)
    elif place == "aspp/projection":
        np.fill_diagonal(matrix[FEATURES:], 1)  # the frame's mean comes before
    elif place == "embedding/pointwise":
        directions = rng.standard_normal((half, n_out // 2)) * LENGTH / np.sqrt(n_out // 2)
        matrix += np.kron([[1, -1], [-1, 1]], directions).astype(np.float32)
    elif place == "head/0/pointwise":
        np.fill_diagonal(matrix[: FEATURES - CUES], 1)
        np.fill_diagonal(matrix[FEATURES:, -CUES:], 1)
    elif place not in DRAWN:
        np.fill_diagonal(matrix, 1)
    return matrix
