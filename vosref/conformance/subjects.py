"""Subjects: what is judged. Any object with methods by the operations' names, whatever library its arrays are of.

A method takes an operation's arrays by position, in the namespace, data type and device that `capabilities` name, and
its options by name. It returns an array, or a tuple of them where the operation has several results. Arrays travel by
DLPack; in NumPy, which has no bfloat16, its values come in float32.
"""

import functools
import importlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from vosref.conformance.arithmetic import carrier
from vosref.conformance.capabilities import Capabilities
from vosref.conformance.operations.operation import Inputs, Operation, Options, Outputs

__all__ = ["Functions", "Subject", "as_subject", "named_results", "to_namespace", "to_numpy"]


class Subject:
    """An object under judgement, and how arrays get into and out of it."""

    def __init__(self, implementation: Any) -> None:
        self.implementation = implementation
        self.capabilities: Capabilities = getattr(implementation, "capabilities", Capabilities()).checked()
        self.name: str = getattr(implementation, "name", "") or type(implementation).__name__

    def claims(self, operation: Operation, dtype: str, /) -> bool:
        """Whether it says that it has an operation in a data type."""
        named = self.capabilities.operations
        has = named is None or operation.name in named
        return has and dtype in self.capabilities.dtypes and self._method(operation) is not None

    def run(self, operation: Operation, inputs: Inputs, options: Options, dtype: str, /) -> Outputs:
        """Compute an operation; results come back as NumPy arrays, floating point in float64."""
        method = self._method(operation)
        if method is None:
            raise ValueError(f"{self.name} has no method {operation.name}")
        arrays = [to_namespace(value, dtype, self.capabilities) for value in inputs.values()]
        return named_results(operation, method(*arrays, **options))

    def _method(self, operation: Operation) -> Callable[..., Any] | None:
        method = getattr(self.implementation, operation.name, None)
        return method if callable(method) else None


class Functions:
    """Functions as a subject: each by the name of its operation.

    Parameters
    ----------
    functions : mapping of str to callable
    name : str
    capabilities : Capabilities
    """

    def __init__(
        self, functions: Mapping[str, Callable[..., Any]], /, *, name: str, capabilities: Capabilities | None = None
    ) -> None:
        self.name, self.capabilities = name, capabilities or Capabilities()
        self._functions = dict(functions)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_") or name not in self._functions:
            raise AttributeError(name)
        return self._functions[name]


def as_subject(implementation: Any, /) -> Any:
    """Return a subject for an implementation; what already claims and runs is one."""
    is_one = callable(getattr(implementation, "claims", None)) and callable(getattr(implementation, "run", None))
    return implementation if is_one else Subject(implementation)


def named_results(operation: Operation, returned: Any, /) -> Outputs:
    """Give what a method returned the names of the operation's results; sequences and mappings are flattened."""
    names, parts = [result.name for result in operation.results], [returned]
    if len(names) > 1:
        if not isinstance(returned, tuple | list) or len(returned) != len(names):
            raise TypeError(f"{operation.name} must return {len(names)} results, {', '.join(names)}, got {returned!r}")
        parts = list(returned)
    out: Outputs = {}
    for name, part in zip(names, parts, strict=True):
        if isinstance(part, Mapping):
            out |= {f"{name}/{key}": to_numpy(value) for key, value in part.items()}
        elif isinstance(part, tuple | list) and any(np.ndim(p) for p in part):
            out[name] = np.stack([to_numpy(p) for p in part])
        else:
            out[name] = to_numpy(part)
    return out


def to_numpy(array: Any, /) -> np.ndarray:
    """Bring any array that speaks DLPack to NumPy; of floating-point types, float64."""
    if isinstance(array, np.ndarray | np.generic | float | int | bool | tuple | list):
        got = np.asarray(array)
    else:
        from array_api_compat import array_namespace, is_array_api_obj, to_device  # noqa: PLC0415

        if is_array_api_obj(array):
            xp = array_namespace(array)
            if hasattr(array, "detach"):
                array = array.detach()
            if xp.isdtype(array.dtype, "real floating"):
                array = xp.astype(array, xp.float64)  # NumPy cannot take bfloat16
            array = _on_host(array, to_device)
        got = np.array(np.from_dlpack(array)) if hasattr(array, "__dlpack__") else np.asarray(array)
    return got.astype(np.float64) if got.dtype.kind == "f" else got


def _on_host(array: Any, to_device: Callable[..., Any]) -> Any:
    for host in ("cpu", "CPU_DEVICE"):
        try:
            return to_device(array, host)
        except (ValueError, TypeError, RuntimeError, AssertionError):
            continue
    return array


def to_namespace(value: Any, dtype: str, capabilities: Capabilities, /) -> Any:
    """Bring a NumPy array, or a mapping of them, to a subject's namespace, data type and device."""
    if isinstance(value, Mapping):
        return {name: to_namespace(array, dtype, capabilities) for name, array in value.items()}
    array = np.array(value)  # its own copy: a subject that overwrites its inputs harms nobody else
    floating = array.dtype.kind == "f"
    if capabilities.namespace == "numpy":
        return array.astype(carrier(dtype)) if floating else array
    module = _namespace(capabilities.namespace)
    moved = module.from_dlpack(array) if array.ndim else module.asarray(array)
    if floating:
        moved = module.astype(moved, getattr(module, dtype))
    if capabilities.device is not None:
        from array_api_compat import to_device  # noqa: PLC0415

        moved = to_device(moved, getattr(module, "Device", str)(capabilities.device))
    return moved


@functools.cache
def _namespace(name: str) -> Any:
    """Import a namespace, where array-api-compat completes it, completed."""
    if name in ("torch", "cupy", "numpy"):
        return importlib.import_module(f"array_api_compat.{name}")
    return importlib.import_module(name)
