"""Subjects: what is judged. Any object with methods by the operations' names, whatever library its arrays are of.

A method takes an operation's arrays by position, in the namespace, data type and device that `capabilities` name, and
its options by name. It returns an array, or a tuple of them where the operation has several results. Arrays travel by
DLPack; in NumPy, which has no bfloat16, its values come in float32.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from vosref.conformance.capabilities import Capabilities
from vosref.conformance.namespaces import to_namespace, to_numpy
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
