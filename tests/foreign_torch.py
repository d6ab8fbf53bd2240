"""Kernels as somebody else writes them in PyTorch: local matching by unfolding, and the released propagation, dense."""

import torch
import torch.nn.functional as F  # noqa: N812 - as everybody calls it

from vosref.conformance import Capabilities


class TorchKernels:
    """In float32, and in bfloat16 as PyTorch computes it: every step in bfloat16, sums inside a product in float32."""

    capabilities = Capabilities(
        ("float32", "bfloat16"),
        namespace="torch",
        accumulate={"bfloat16": "bfloat16"},
        intermediate={"bfloat16": "bfloat16"},
        squares="direct",
    )

    def local_matching(self, query, previous, labels, /, *, grid, window_radius):
        """Unfold the previous frame: every pixel's window beside it."""
        side = 2 * window_radius + 1

        def windows(values):
            planes = values.T.reshape(1, -1, *grid)
            return F.unfold(planes, side, padding=window_radius).reshape(values.shape[1], side * side, -1)

        apart = query.T[:, None, :] - windows(previous)
        squares = (apart * apart).sum(0)
        own = windows(labels) > 0
        nearest = squares.masked_fill(~own, torch.inf).amin(1)
        return torch.tanh(nearest / 2).T

    def propagate_released(self, query, references, labels, /, *, grid, sigma, temperature):
        """Softmax over all references at once, then the spatial term."""
        frames, pixels, _ = references.shape
        logits = temperature * (query @ references.reshape(frames * pixels, -1).T)
        weights = torch.softmax(logits, dim=1)
        row, column = torch.arange(pixels) // grid[1], torch.arange(pixels) % grid[1]
        squared = (row[:, None] - row) ** 2 + (column[:, None] - column) ** 2
        prior = torch.cat([torch.exp(-squared / s**2) for s in sigma], dim=1).to(weights.dtype)
        return (weights * prior) @ labels.reshape(frames * pixels, -1)


class Broken(TorchKernels):
    """Five mistakes, one a kernel, that somebody may make."""

    def __init__(self, mistake):
        self.name, self._mistake = mistake, getattr(self, f"_{mistake}")

    def local_matching(self, query, previous, labels, /, **options):
        """The window or the frame is not what it should be."""
        return self._mistake(super().local_matching, query, previous, labels, **options)

    def propagate_released(self, query, references, labels, /, **options):
        """The weights are not what they should be."""
        return self._mistake(super().propagate_released, query, references, labels, **options)

    @staticmethod
    def _radius(right, *arrays, grid, window_radius=None, **options):
        if window_radius is None:
            return right(*arrays, grid=grid, **options)
        return right(*arrays, grid=grid, window_radius=max(window_radius - 1, 0))

    @staticmethod
    def _transposed(right, query, other, labels, *, grid, **options):
        return right(query, other, labels, grid=(grid[1], grid[0]), **options)

    @staticmethod
    def _sigma(right, *arrays, sigma=None, **options):
        if sigma is None:
            return right(*arrays, **options)
        return right(*arrays, sigma=[2**0.5 * s for s in sigma], **options)

    @staticmethod
    def _temperature(right, *arrays, temperature=None, **options):
        if temperature is None:
            return right(*arrays, **options)
        return right(*arrays, temperature=temperature**2, **options)

    @staticmethod
    def _tile(right, *arrays, **options):
        result = right(*arrays, **options)
        result[8:16] = 0
        return result
