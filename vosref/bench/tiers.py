"""The same function by its twin ("vosref"), by its definition, or on a GPU ("cupy")."""

import contextlib
import functools
import importlib.util
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vosref.backend import use_cpu, use_threads

__all__ = ["TIERS", "gpu", "run_on", "synchroniser"]

TIERS = ("vosref", "definition", "cupy")


def run_on(
    tier: str, function: Callable[..., Any], arrays: Sequence[Any], /, *, threads: int, **options: Any
) -> Callable[[], Any]:
    """Return a function that computes once on a tier.

    Parameters
    ----------
    tier : str
        One of `TIERS`. What "cupy" computes with is copied to the GPU now, and its result stays there.
    function : callable
    arrays : sequence of numpy.ndarray, or of sequences of them
        Its positional arguments.
    threads : int
        How many the CPU may use.
    **options
        Of the function.

    Returns
    -------
    callable
        Without arguments.
    """
    if tier == "cupy":
        held = [_on_device(array) for array in arrays]
        return lambda: function(*held, **options)

    def run() -> Any:
        with use_threads(threads), use_cpu("numpy") if tier == "definition" else contextlib.nullcontext():
            return function(*arrays, **options)

    return run


def synchroniser(tier: str, /) -> Callable[[], Any]:
    """Return what waits until the device of a tier has done what it was given: nothing, on a CPU."""
    if tier != "cupy":
        return lambda: None
    import cupy  # noqa: PLC0415 - only where a GPU is

    return cupy.cuda.Device().synchronize


@functools.cache
def gpu() -> str | None:
    """Name the GPU that answers to CuPy; None if there is none, or no CuPy."""
    if importlib.util.find_spec("cupy") is None:
        return None
    try:
        import cupy  # noqa: PLC0415 - optional

        return cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    except Exception:  # whatever a driver that is missing or too old raises
        return None


def _on_device(array: Any) -> Any:
    import cupy  # noqa: PLC0415

    return cupy.asarray(array) if isinstance(array, np.ndarray) else tuple(map(cupy.asarray, array))
