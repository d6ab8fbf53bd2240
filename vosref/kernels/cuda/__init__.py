"""The CUDA kernels' machinery: their source with its sizes, and how a kernel is compiled and launched through CuPy.

A kernel's source includes nothing, so that a compiler needs no headers, and uses neither atomics nor warps: what it
computes does not depend on the order in which its blocks run, and is the same bytes on every run. Results depend on the
sizes of a `Tile` by rounding alone.
"""

import functools
import numbers
from importlib.resources import files
from typing import Any, NamedTuple, Protocol

import numpy as np

__all__ = ["OPTIONS", "TILES", "Kernels", "Tile", "kernels", "scalars", "source"]

OPTIONS = ("-std=c++17",)


class Tile(NamedTuple):
    """The shape of a tile of pairs of pixels and of the block of threads that works on it."""

    side: int  # threads along each side of a block
    each: int  # pairs of a thread along each side, at most `side`
    depth: int  # coordinates of the embeddings in shared memory at once
    high: int  # rows of the rectangle of query pixels that a tile of local matching has; divides side · each
    objects: int  # whose minima a block of local matching keeps

    @property
    def pixels(self) -> int:
        """Pixels along each side of a tile."""
        return self.side * self.each


TILES = {  # by bytes of a number; what a block takes of shared memory stays below the 48 KiB that every GPU gives
    4: Tile(side=16, each=4, depth=16, high=8, objects=16),
    8: Tile(side=16, each=2, depth=16, high=4, objects=16),
}


class Kernels(Protocol):
    """The kernels of one source for one floating-point type."""

    tile: Tile

    def __call__(self, kernel: str, blocks: tuple[int, int], /, *arguments: Any) -> None:
        """Launch a kernel on so many blocks of `side` × `side` threads; integers become int32, floats its type."""


def kernels(idea: str, dtype: np.dtype, /) -> Kernels:
    """Return the kernels in ``<idea>.cu``, for float32 or float64; tests put a stand-in for a GPU in its place."""
    return _OnDevice(idea, np.dtype(dtype), TILES[np.dtype(dtype).itemsize])


class _OnDevice:
    def __init__(self, idea: str, dtype: np.dtype, tile: Tile) -> None:
        self.tile, self._dtype, self._module = tile, dtype, _module(idea, dtype, tile)

    def __call__(self, kernel: str, blocks: tuple[int, int], /, *arguments: Any) -> None:
        with arguments[0].device:
            threads = (self.tile.side, self.tile.side)
            self._module.get_function(kernel)(blocks, threads, scalars(arguments, self._dtype))


@functools.cache
def _module(idea: str, dtype: np.dtype, tile: Tile) -> Any:
    import cupy  # noqa: PLC0415 - only where there is a GPU

    return cupy.RawModule(code=source(idea, dtype, tile), options=OPTIONS)


def source(idea: str, dtype: np.dtype, tile: Tile, /) -> str:
    """Source of ``<idea>.cu``, whole, for a floating-point type and a tile."""
    real = {4: "float", 8: "double"}[np.dtype(dtype).itemsize]
    sizes = (f"constexpr int {name.upper()} = {size};" for name, size in tile._asdict().items())
    parts = (files(__package__).joinpath(name).read_text(encoding="utf-8") for name in ("pairs.cuh", f"{idea}.cu"))
    return "\n".join((f"typedef {real} REAL;", *sizes, *parts))


def scalars(arguments: tuple[Any, ...], dtype: np.dtype, /) -> tuple[Any, ...]:
    """Arguments as a kernel takes them: Python's integers as int32, its floats as `dtype`, arrays as they are."""
    real = np.dtype(dtype).type
    return tuple(
        np.int32(a) if isinstance(a, numbers.Integral) else real(a) if isinstance(a, float) else a for a in arguments
    )
