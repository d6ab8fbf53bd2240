"""What gradients are held to: torch's own, and central differences along random directions."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: gradients are not compared with its own")

DIRECTIONS = 3


def torch_gradients(f, cotangent, *arrays):
    """Torch's gradients of Σ cotangent · f by each of the arrays."""
    tensors = [torch.from_numpy(np.array(a)).requires_grad_() for a in arrays]
    value = (f(*tensors) * torch.from_numpy(np.array(cotangent))).sum()
    if not value.requires_grad:  # nothing of it depends on them
        return [np.zeros_like(a) for a in arrays]
    found = torch.autograd.grad(value, tensors, allow_unused=True)
    return [np.zeros_like(a) if g is None else g.numpy() for a, g in zip(arrays, found, strict=True)]


def directions(seed, arrays):
    """Random directions in the space of all arrays together, each of length 1."""
    rng = np.random.default_rng(seed)
    for _ in range(DIRECTIONS):
        parts = [rng.standard_normal(a.shape) for a in arrays]
        length = np.sqrt(sum((p * p).sum() for p in parts))
        yield [p / length for p in parts]


def slopes(f, cotangent, arrays, direction, step):
    """Slope of Σ cotangent · f along a direction, by central differences: (F(h) - F(-h)) / 2h."""
    ahead, behind = (
        (cotangent * f(*(a + sign * step * v for a, v in zip(arrays, direction, strict=True)))).sum()
        for sign in (1, -1)
    )
    return (ahead - behind) / (2 * step)


def along(gradients, direction):
    """Slope along a direction that gradients claim."""
    return sum((g * v).sum() for g, v in zip(gradients, direction, strict=True))


def assert_slopes(f, cotangent, arrays, gradients, *, seed, size, rate, rounding=1e-9):
    """Assert that gradients are the slopes of a smooth function.

    Let F = Σ cotangent · f be some `size` C, and let its n-th derivative along a direction be up to C `rate`ⁿ. With the
    step h = 1e-5 / rate, differences are off by h² C rate³ / 6, 2e-11 C rate, and by what F rounds, over h: C rate
    times 1e5 ρ, for a relative error ρ of F. `rounding` bounds the sum of both, and a function's constants.
    """
    for direction in directions(seed, arrays):
        got = slopes(f, cotangent, arrays, direction, 1e-5 / rate)
        assert abs(got - along(gradients, direction)) <= rounding * size * rate
