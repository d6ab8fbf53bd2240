"""How arrays are drawn that no file gives."""

import numpy as np

__all__ = ["he_normal", "torch_uniform", "truncated_normal", "vector"]


def vector(name: str, shape: tuple[int, ...], /) -> np.ndarray:
    """Return a part of a norm that changes nothing, or a bias of zeros."""
    return np.full(shape, 1.0 if name.endswith(("/scale", "/variance")) else 0.0, np.float32)


def he_normal(rng: np.random.Generator, shape: tuple[int, ...], /) -> np.ndarray:
    """Draw from a normal of variance 2 / (kh kw C_out); a depthwise channel has one output."""
    fan_out = np.prod(shape[:2]) * (shape[3] if len(shape) == 4 else 1)
    return (rng.standard_normal(shape) * np.sqrt(2 / fan_out)).astype(np.float32)


def torch_uniform(rng: np.random.Generator, shape: tuple[int, ...], /) -> np.ndarray:
    """Draw uniformly within 1 / sqrt(fan-in), as PyTorch draws by default."""
    bound = 1 / np.sqrt(np.prod(shape[:-1]))
    return rng.uniform(-bound, bound, shape).astype(np.float32)


def truncated_normal(rng: np.random.Generator, shape: tuple[int, ...], deviation: float, /) -> np.ndarray:
    """Draw from a normal, and again where it is beyond two deviations."""
    drawn = rng.standard_normal(shape)
    while np.any(outside := np.abs(drawn) > 2):
        drawn[outside] = rng.standard_normal(np.count_nonzero(outside))
    return (deviation * drawn).astype(np.float32)
