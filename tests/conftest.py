"""The ``xp`` fixture (every definition runs on every namespace), Hypothesis profiles, and what this run had."""

import importlib.util
import os
import signal
import sys
from pathlib import Path

import array_api_strict
import numpy as np
import pytest
from array_api_compat import numpy as numpy_compat
from hypothesis import settings

from vosref import cli
from vosref.backend import use_cpu

settings.register_profile("default", deadline=None, max_examples=25, derandomize=True)
settings.register_profile("thorough", deadline=None, max_examples=300)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

INTERPRETED = os.environ.get("NUMBA_DISABLE_JIT") == "1"
UNCOMPILED = ("test_conformance_", "test_gradients_", "test_notebooks", "test_book")
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


class Namespace:
    """A namespace to make arrays in (`asarray`), to read them back from (`to_numpy`), and to compute with."""

    def __init__(self, name, module, asarray, to_numpy):
        self.name, self.module, self._asarray, self.to_numpy = name, module, asarray, to_numpy

    def __getattr__(self, attribute):
        return getattr(self.module, attribute)

    def __repr__(self):
        return self.name

    def asarray(self, values, dtype=None):
        """Return `values` as this namespace's array; Python floats become float64."""
        return self._asarray(np.asarray(values, dtype=dtype))


def _read_only(values):
    values = values.copy()
    values.flags.writeable = False
    return values


def _strict_on_second_device(values):
    return array_api_strict.asarray(values, device=array_api_strict.Device("device1"))


def _strict_to_numpy(array):
    return np.asarray(array_api_strict.asarray(array, device=array_api_strict.Device("CPU_DEVICE")))


def _cupy():
    """Return CuPy where a GPU answers, else None."""
    if importlib.util.find_spec("cupy") is None:
        return None
    import cupy  # noqa: PLC0415 - only where it is installed

    try:
        cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError:
        return None
    return cupy


NAMESPACES = [
    Namespace("numpy", numpy_compat, lambda a: a, np.asarray),
    Namespace("numpy-read-only", numpy_compat, _read_only, np.asarray),
    Namespace("array-api-strict", array_api_strict, array_api_strict.asarray, np.asarray),
    Namespace("array-api-strict-second-device", array_api_strict, _strict_on_second_device, _strict_to_numpy),
]
if (CUPY := _cupy()) is not None:
    NAMESPACES.append(Namespace("cupy", CUPY, CUPY.asarray, CUPY.asnumpy))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs):
    """Share the cores out among the processes that run tests; else their BLAS threads wait for one another."""
    share = max(1, (os.cpu_count() or 1) // len(specs))
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, str(share))


def pytest_ignore_collect(collection_path):
    """Leave out, interpreted, what is the same compiled: kit, gradients and book run no kernel of their own."""
    return True if INTERPRETED and collection_path.name.startswith(UNCOMPILED) else None


def pytest_report_header():
    present = ", ".join(map(repr, NAMESPACES))
    return [
        f"vosref namespaces: {present}" + ("" if CUPY else " (no GPU answered: CuPy not run)"),
        f"vosref real data: {SHARED_DATA if SHARED_DATA.is_dir() else 'absent, its tests are skipped'}",
        f"vosref numba: {'interpreted, without ' + ', '.join(f'{n}*' for n in UNCOMPILED) if INTERPRETED else 'jit'}",
    ]


@pytest.fixture(scope="session", params=NAMESPACES, ids=repr)
def xp(request):
    return request.param


@pytest.fixture(scope="module")
def definitions():
    """Run the definitions: on small arrays they are faster than their twins, and everywhere where Numba is off."""
    with use_cpu("numpy"):
        yield


@pytest.fixture
def vosref(monkeypatch, capsys):
    """Run a command in this process; return its exit code, and what it printed to stdout and stderr."""
    handler = signal.getsignal(signal.SIGTERM)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["vosref", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return caught.value.code or 0, out, err

    yield run
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real DAVIS video, which never travels with the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip("real DAVIS data (../shared/data) is absent")
    return SHARED_DATA
