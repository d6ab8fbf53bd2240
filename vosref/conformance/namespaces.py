"""How arrays get from NumPy to a subject's library, data type and device, and back: by DLPack, where it can."""

import functools
import importlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from vosref.conformance.arithmetic import carrier
from vosref.conformance.capabilities import Capabilities

__all__ = ["to_namespace", "to_numpy"]


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
    try:
        moved = module.from_dlpack(array)
    except (BufferError, TypeError, ValueError, RuntimeError):  # CuPy takes nothing from the host so
        moved = module.asarray(array)
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
