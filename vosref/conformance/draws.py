"""Where random problems come from: one way to write them down, drawn from a seed or by Hypothesis.

A problem is a function of a `Draw`. From a seed it is the same bits on every machine and with every version of NumPy:
raw bits of PCG64 are stable, and numbers are made of them by exact arithmetic alone.
"""

import zlib
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Draw", "Seeded", "Stream"]

T = TypeVar("T")


class Stream:
    """Random arrays, bit for bit the same for one seed."""

    def __init__(self, *seed: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(seed))

    def uniform(self, *shape: int) -> NDArray[np.float64]:
        """Multiples of 2^-32 in [0, 1)."""
        raw = np.asarray(self._bits.random_raw(int(np.prod(shape, dtype=int))), np.uint64)
        return ((raw >> np.uint64(32)).astype(np.float64) * 2.0**-32).reshape(shape)

    def normal(self, *shape: int) -> NDArray[np.float64]:
        """Nearly normal, of mean 0 and variance 1, in [-6, 6]: a sum of 12 uniform numbers."""
        return np.asarray(sum(self.uniform(*shape) for _ in range(12)) - 6.0)

    def integers(self, low: int, high: int, *shape: int) -> NDArray[np.int64]:
        """Integers from `low` up to and not including `high`."""
        return low + np.floor(self.uniform(*shape) * (high - low)).astype(np.int64)

    def permutation(self, n: int) -> NDArray[np.int64]:
        """Return the numbers 0 to n - 1 in random order."""
        return np.argsort(self.uniform(n), kind="stable").astype(np.int64)

    def one_hot(self, pixels: int, n_objects: int, *, known: float = 1.0) -> NDArray[np.float64]:
        """Labels (pixels, n_objects), of which a share belongs to no object."""
        rows = np.eye(n_objects)[self.integers(0, n_objects, pixels)]
        return rows * (self.uniform(pixels) < known)[:, None]


class Draw(Protocol):
    """What a problem draws its sizes and settings from."""

    def integer(self, low: int, high: int) -> int:
        """Return an integer from low to high, both included."""
        ...

    def choice(self, options: Sequence[T]) -> T:
        """Return one of the options."""
        ...

    def real(self, low: float, high: float) -> float:
        """Return a number between low and high."""
        ...

    def stream(self) -> Stream:
        """Return a source of arrays."""
        ...


class Seeded:
    """Draw from a seed and a name: each named problem has its own numbers."""

    def __init__(self, seed: int, name: str) -> None:
        self._stream = Stream(seed, zlib.crc32(name.encode()))

    def integer(self, low: int, high: int) -> int:
        """Return an integer from low to high, both included."""
        return int(self._stream.integers(low, high + 1, 1)[0])

    def choice(self, options: Sequence[Any]) -> Any:
        """Return one of the options."""
        return options[self.integer(0, len(options) - 1)]

    def real(self, low: float, high: float) -> float:
        """Return a number between low and high."""
        return low + (high - low) * float(self._stream.uniform(1)[0])

    def stream(self) -> Stream:
        """Return a source of arrays."""
        return Stream(self.integer(0, 2**31), 1)
