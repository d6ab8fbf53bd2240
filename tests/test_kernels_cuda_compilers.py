"""The CUDA kernels' source goes through NVIDIA's compilers, for GPUs that are not here, where a compiler is present."""

import ctypes
import ctypes.util
import functools
import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from cuda_devices import kernel_names

from vosref.kernels import cuda

SOURCES = (
    pytest.mark.parametrize("dtype", [np.float32, np.float64]),
    pytest.mark.parametrize(
        ("idea", "names"),
        [
            ("propagation", {"released", "degree", "paper", "combine_released", "combine_degree", "combine_paper"}),
            ("matching", {"nearest", "nearest_few", "nearest_near"}),
        ],
    ),
)
ARCHITECTURES = pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])


def every_source(test):
    for mark in SOURCES:
        test = mark(test)
    return test


@functools.cache
def nvrtc():
    """Return NVRTC, from its wheel or from the system, else None."""
    found = [ctypes.util.find_library("nvrtc")]
    if importlib.util.find_spec("nvidia") and (wheel := importlib.util.find_spec("nvidia.cuda_nvrtc")):
        places = [Path(p) for p in wheel.submodule_search_locations]
        found = [str(p) for place in places for p in place.glob("*/*nvrtc*") if p.name[-3:] in (".12", "dll")] + found
    return next((ctypes.CDLL(name) for name in found if name and "builtins" not in name and "alt" not in name), None)


def compiled(source, *options):
    """Return PTX and machine code that NVRTC makes of a source."""
    library, program = nvrtc(), ctypes.c_void_p()
    assert library.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"kernels.cu", 0, None, None) == 0
    given = (ctypes.c_char_p * len(options))(*(o.encode() for o in options))
    failed = library.nvrtcCompileProgram(program, len(options), given)
    assert not failed, _told(library, program, "ProgramLog").decode()
    return _told(library, program, "PTX").decode(), _told(library, program, "CUBIN")


def _told(library, program, what):
    size = ctypes.c_size_t()
    assert getattr(library, f"nvrtcGet{what}Size")(program, ctypes.byref(size)) == 0
    text = ctypes.create_string_buffer(size.value)
    assert getattr(library, f"nvrtcGet{what}")(program, text) == 0
    return text.raw


@every_source
@ARCHITECTURES
@pytest.mark.skipif(nvrtc() is None, reason="NVRTC is absent (pip install nvidia-cuda-nvrtc-cu12)")
def test_nvrtc_compiles_every_kernel_within_the_memory_of_a_block(idea, names, dtype, architecture):
    source = cuda.source(idea, np.dtype(dtype), cuda.TILES[np.dtype(dtype).itemsize])
    assert set(kernel_names(source)) == names
    # CuPy adds the last option: numbers below the smallest normal one become 0.
    ptx, machine_code = compiled(source, *cuda.OPTIONS, f"--gpu-architecture={architecture}", "-ftz=true")
    assert machine_code.startswith(b"\x7fELF")
    for name in names:
        assert f".entry {name}(" in ptx
        assert f".text.{name}\0".encode() in machine_code
    # Nothing that could make two runs differ, and nothing in double precision that was not asked for.
    assert not re.search(r"\b(atom|red|shfl|vote)\.", ptx)
    assert (".f64" in ptx) == (dtype == np.float64)


@every_source
@ARCHITECTURES
@pytest.mark.skipif(shutil.which("nvcc") is None, reason="nvcc is absent")
def test_nvcc_compiles_every_kernel_without_a_warning(tmp_path, idea, names, dtype, architecture):
    source, out = tmp_path / "kernels.cu", tmp_path / "kernels.cubin"
    source.write_text(cuda.source(idea, np.dtype(dtype), cuda.TILES[np.dtype(dtype).itemsize]), encoding="utf-8")
    command = ["nvcc", *cuda.OPTIONS, f"-arch={architecture}", "-cubin", "-Werror", "all-warnings", "-o", out, source]
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in names:
        assert f".text.{name}\0".encode() in out.read_bytes()


def test_a_source_includes_nothing_and_starts_with_its_type_and_sizes():
    for idea in ("propagation", "matching"):
        source = cuda.source(idea, np.dtype(np.float32), cuda.TILES[4])
        assert "#include" not in source
        assert source.startswith("typedef float REAL;\nconstexpr int SIDE = 16;\nconstexpr int EACH = 4;\n")
