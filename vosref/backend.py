"""The one dispatcher: which namespace an array belongs to, and whether a definition or its twin runs on it.

*Which namespace* is a property of the arrays: ``xp = array_namespace(x)``. *Definition or Numba twin*, for NumPy
arrays, is the caller's choice: ``with use_cpu("numpy")`` runs the readable definition, ``use_cpu("numba")``, the
default, its twin of the same name in ``vosref/kernels/`` where there is one. Other namespaces run the definition.
"""

import functools
import importlib
import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias

from array_api_compat import array_namespace, device, is_cupy_array, is_numpy_array

__all__ = ["Array", "accelerated", "array_namespace", "device", "use_cpu", "use_threads"]

Array: TypeAlias = Any  # any array-API array; shapes, units and dtypes are in the docstrings

_CPU: ContextVar[str] = ContextVar("vosref_cpu", default="numba")


@contextmanager
def use_cpu(tier: str) -> Iterator[None]:
    """Run NumPy arrays through the definitions ("numpy") or their Numba twins ("numba") inside a ``with`` block.

    A new thread starts from the default, "numba". Enter it inside a step, never around a ``yield``.

    Examples
    --------
    >>> import numpy as np
    >>> import vosref
    >>> pixels = np.array([[0.0], [1.0]])
    >>> with vosref.use_cpu("numpy"):
    ...     defined = vosref.global_matching(pixels, pixels, np.eye(2))
    >>> fast = vosref.global_matching(pixels, pixels, np.eye(2))
    >>> defined.round(3).tolist() == fast.round(3).tolist()
    True
    """
    if tier not in ("numpy", "numba"):
        raise ValueError(f'use_cpu takes "numpy" (the definitions) or "numba" (their twins), got {tier!r}')
    token = _CPU.set(tier)
    try:
        yield
    finally:
        _CPU.reset(token)


@contextmanager
def use_threads(threads: int) -> Iterator[None]:
    """Run kernels, and NumPy's matrix products, on at most so many threads inside a ``with`` block.

    Results are the same bytes for any number. As with `use_cpu`, a new thread starts from the default, which is Numba's
    (`NUMBA_NUM_THREADS`, else the cores of the machine).

    Examples
    --------
    >>> import numpy as np
    >>> import vosref
    >>> pixels = np.linspace(0.0, 1.0, 500)[:, None]
    >>> fast = vosref.global_matching(pixels, pixels, np.ones((500, 1)))
    >>> with vosref.use_threads(1):
    ...     alone = vosref.global_matching(pixels, pixels, np.ones((500, 1)))
    >>> alone.tobytes() == fast.tobytes()
    True
    """
    if threads < 1:
        raise ValueError(f"use_threads takes 1 thread or more, got {threads}")
    with importlib.import_module("vosref.kernels.threads").limited(threads):
        yield


def accelerated(definition: Callable[..., Any]) -> Callable[..., Any]:
    """Let a twin of the same name in ``vosref/kernels/`` stand in for a definition, which stays at ``__wrapped__``.

    The definition's positional arguments are arrays or sequences of arrays; by them alone the twin is chosen.
    """

    @functools.wraps(definition)
    def dispatch(*arrays: Array, **options: Any) -> Any:
        return _implementation(definition, arrays)(*arrays, **options)

    return dispatch


def _implementation(definition: Callable[..., Any], arrays: tuple[Array, ...]) -> Callable[..., Any]:
    given = [a for group in arrays for a in (group if isinstance(group, tuple | list) else (group,)) if a is not None]
    if _CPU.get() == "numba" and all(map(is_numpy_array, given)):
        return _twin(definition, "numba") or definition
    if all(map(is_cupy_array, given)):
        return _twin(definition, "cupy") or definition
    return definition


@functools.cache
def _twin(definition: Callable[..., Any], family: str) -> Callable[..., Any] | None:
    """Return ``kernels/<family>_<file of the definition>.py``'s function of the definition's name, None without one."""
    module = f"vosref.kernels.{family}_{definition.__module__.rpartition('.')[2]}"
    if importlib.util.find_spec(module) is None:
        return None
    return getattr(importlib.import_module(module), definition.__name__, None)
