"""What the CUDA kernels run on in the tests: a GPU where one answers, and where g++ is there a stand-in on the CPU.

The stand-in compiles the kernels' own source against `cuda/device.h`. What no one has written yet reads as NaN or -1,
in new arrays as in a block's shared memory, and so do the guards around arrays, which must be left as they were.
"""

import atexit
import ctypes
import functools
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import array_api_compat.numpy
import numpy as np
import pytest
from conftest import CUPY

from vosref.kernels import cuda

HEADER = Path(__file__).parent / "cuda" / "device.h"
# 16 threads, and several tiles in the problems of the strategies.
SMALL = cuda.Tile(side=4, each=2, depth=4, high=2, objects=2)
GUARD = 512  # bytes
ENTRY = """
extern "C" const char* launch_{0}(const unsigned* size, const Argument* given, int count)
{{
    return launch({0}, size, given, count);
}}
"""


class Argument(ctypes.Structure):
    _fields_ = (("value", ctypes.c_void_p), ("kind", ctypes.c_int), ("bytes", ctypes.c_int))


class StandIn:
    """The kernels of one source, as `cuda.kernels` returns them, for NumPy arrays."""

    def __init__(self, idea, dtype):
        self.tile, self._dtype = cuda.TILES[np.dtype(dtype).itemsize], np.dtype(dtype)
        self._library = _library(idea, self._dtype, self.tile)

    def __call__(self, kernel, blocks, /, *arguments):
        arguments = cuda.scalars(arguments, self._dtype)
        arrays = [a for a in arguments if isinstance(a, np.ndarray)]
        assert all(a.flags.c_contiguous for a in arrays)
        guarded = [b"\xff" * GUARD + a.tobytes() + b"\xff" * GUARD for a in arrays]
        places = [ctypes.create_string_buffer(g, len(g)) for g in guarded]
        given, kept, pointers = (Argument * len(arguments))(), [], iter(places)
        for slot, a in zip(given, arguments, strict=True):
            whole = isinstance(a, np.ndarray)
            value = ctypes.c_void_p(ctypes.addressof(next(pointers)) + GUARD) if whole else np.asarray(a).ctypes
            kept.append(value)
            slot.value = ctypes.addressof(value) if whole else value.data
            slot.bytes = a.nbytes if whole else 0
            slot.kind = (1 if a.dtype.kind == "f" else -1) * (a.dtype.itemsize + 100 * whole)
        size = (ctypes.c_uint * 4)(*blocks, self.tile.side, self.tile.side)
        launch = getattr(self._library, f"launch_{kernel}")
        launch.restype = ctypes.c_char_p
        complaint = launch(size, given, len(given))
        assert complaint is None, f"{kernel} {complaint.decode()}"
        for array, place, before in zip(arrays, places, guarded, strict=True):
            after = place.raw
            assert after[:GUARD] == after[-GUARD:] == b"\xff" * GUARD, f"{kernel} wrote beside an array"
            if after != before:
                array[...] = np.frombuffer(after[GUARD:-GUARD], array.dtype).reshape(array.shape)


class Device:
    """Where twins run: `run` takes NumPy arrays to the device and the result back."""

    def __init__(self, name):
        self.name, self._there, self._back = name, np.asarray, np.asarray
        if name == "gpu":
            self._there, self._back = CUPY.asarray, CUPY.asnumpy

    def run(self, twin, query, references, labels, *, tile=None, noted=None, **options):
        """Result of a twin, with another tile where one is given; `noted` gets the kernels and their arrays' bytes."""
        arrays = (_each(self._there, a) for a in (query, references, labels))
        with pytest.MonkeyPatch.context() as patch:
            if self.name == "stand-in":
                patch.setattr(cuda, "kernels", StandIn)
                patch.setattr(array_api_compat.numpy, "empty", _unwritten)
            if tile is not None:
                patch.setattr(cuda, "TILES", dict.fromkeys(cuda.TILES, tile))
            if noted is not None:
                patch.setattr(cuda, "kernels", functools.partial(_noting, cuda.kernels, noted))
            return self._back(twin(*arrays, **options))


def _unwritten(shape, *, dtype, device):
    return np.full(shape, np.nan, dtype)


def _noting(kernels, noted, idea, dtype):
    launched = kernels(idea, dtype)

    def launch(kernel, blocks, /, *arguments):
        noted.append((kernel, [a.nbytes for a in arguments if hasattr(a, "nbytes")]))
        launched(kernel, blocks, *arguments)

    launch.tile = launched.tile
    return launch


def _each(function, arrays):
    return [function(a) for a in arrays] if isinstance(arrays, list) else function(arrays)


def kernel_names(source):
    """Names of the kernels in a source."""
    return re.findall(r'extern "C" __global__ void __launch_bounds__\(THREADS\)\s+(\w+)\(', source)


def _library(idea, dtype, tile):
    path, complaint = _compiled(idea, dtype, tile)
    assert not complaint, complaint
    return ctypes.CDLL(str(path))


@functools.cache
def _compiled(idea, dtype, tile):
    """Return the library's path, and what the compiler complained of: a failure, too, is found out once."""
    source = cuda.source(idea, dtype, tile)
    path = _folder() / f"{idea}-{dtype.name}-{'-'.join(map(str, tile))}.so"
    whole = f'#include "{HEADER}"\n{source}\n' + "".join(map(ENTRY.format, kernel_names(source)))
    command = ["g++", "-std=c++20", "-O1", "-Wall", "-Wno-unknown-pragmas", "-Werror", "-shared", "-fPIC", "-pthread"]
    done = subprocess.run(
        [*command, "-x", "c++", "-", "-o", path], input=whole, text=True, capture_output=True, check=False
    )
    return path, done.stderr


@functools.cache
def _folder():
    folder = tempfile.mkdtemp(prefix="vosref-cuda-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _present(name, *, missing):
    return pytest.param(name, marks=pytest.mark.skipif(missing is not None, reason=str(missing)))


DEVICES = [
    _present("stand-in", missing=None if shutil.which("g++") else "g++, which compiles the stand-in, is absent"),
    _present("gpu", missing=None if CUPY else "no GPU answered CuPy"),
]
