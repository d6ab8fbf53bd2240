"""What a user hands to an assertion: arrays of any library, options and precision by name; checked."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosref.conformance.arithmetic import DTYPES, ROUNDOFF, Arithmetic, carrier, rounded
from vosref.conformance.namespaces import to_numpy
from vosref.conformance.operations import OPERATIONS
from vosref.conformance.operations.operation import Argument, Operation, Outputs, Problem
from vosref.conformance.subjects import named_results

__all__ = ["arithmetic_and_options", "operation_named", "problem_of", "results_of"]

FIELDS = tuple(field for field in Arithmetic._fields if field != "dtype")


def operation_named(name: str, /) -> Operation:
    """Return an operation; ValueError where there is none of that name."""
    if name not in OPERATIONS:
        raise ValueError(f"operation must be one of {', '.join(OPERATIONS)}, got {name!r}")
    return OPERATIONS[name]


def arithmetic_and_options(
    operation: Operation, dtype: str, arithmetic: Arithmetic | None, named: Mapping[str, Any], /
) -> tuple[Arithmetic, dict[str, Any]]:
    """Tell fields of the arithmetic from options of the operation.

    Raises
    ------
    TypeError
        If a name is neither.
    ValueError
        If the arithmetic is given twice, or there is no such arithmetic.
    """
    names = [option.name for option in operation.options]
    fields = {name: value for name, value in named.items() if name in FIELDS and name not in names}
    options = {name: value for name, value in named.items() if name not in fields}
    if unknown := [name for name in options if name not in names]:
        raise TypeError(
            f"{operation.name} takes the options {', '.join(names) or '(none)'}, and {', '.join(FIELDS)} of the "
            f"arithmetic, got {', '.join(unknown)}"
        )
    if arithmetic is None:
        return Arithmetic(dtype, **fields).checked(), options
    if fields:
        raise ValueError(f"arithmetic must be given whole or by its fields, got both, and {', '.join(fields)}")
    return arithmetic._replace(dtype=dtype).checked(), options


def problem_of(operation: Operation, inputs: Any, options: dict[str, Any], dtype: str, /) -> Problem:
    """Bring inputs to NumPy, in the carrier of the data type, and by name.

    Raises
    ------
    TypeError
        If there are not as many as the operation has, or an option is missing.
    ValueError
        If a value is none of the data type: the reference would not see what the implementation saw.
    """
    names = [argument.name for argument in operation.inputs]
    if not isinstance(inputs, Mapping):
        given = tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)
        if len(given) != len(names):
            raise TypeError(f"inputs must be {', '.join(names)}, got {len(given)} of {len(names)}")
        inputs = dict(zip(names, given, strict=True))
    if set(inputs) != set(names):
        raise TypeError(f"inputs must be {', '.join(names)}, got {', '.join(map(str, inputs))}")
    arrays = {a.name: _exact(a.name, inputs[a.name], a, dtype) for a in operation.inputs}
    return Problem(arrays, dict(options))


def results_of(operation: Operation, got: Any, dtype: str, /) -> Outputs:
    """Bring results to NumPy, by name; they may come as the implementation returned them, or by name.

    Raises
    ------
    ValueError
        If they are of a narrower data type than `dtype` says.
    """
    names = [result.name for result in operation.results]
    if isinstance(got, Mapping) and got and all(str(key).partition("/")[0] in names for key in got):
        for key, value in got.items():
            _must_not_be_narrower(f"got[{key!r}]", value, dtype)
        return {str(key): to_numpy(value) for key, value in got.items()}
    for number, part in enumerate(got if isinstance(got, tuple | list) else (got,)):
        _must_not_be_narrower(f"got[{number}]" if isinstance(got, tuple | list) else "got", part, dtype)
    return named_results(operation, got)


def _exact(name: str, value: Any, argument: Argument, dtype: str) -> Any:
    """Return an array in the carrier of a data type, or a mapping of them."""
    if isinstance(value, Mapping):
        return {key: _exact(f"{name}[{key!r}]", part, argument, dtype) for key, part in value.items()}
    array = to_numpy(value)
    if array.dtype.kind in "biu" and "float" in argument.form:
        array = array.astype(np.float64)
    if array.dtype.kind != "f":
        return array
    near = rounded(array, dtype)
    if not np.array_equal(near.astype(np.float64), array, equal_nan=True):
        at = _first_inexact(near, array)
        raise ValueError(
            f"inputs must be {dtype}, got {name}[{', '.join(map(str, at))}] = {array[at]!r}, which is not; round them "
            "first, and give them so to the implementation: the reference must see what it saw"
        )
    return near.astype(carrier(dtype))


def _first_inexact(near: NDArray[Any], array: NDArray[Any]) -> tuple[int, ...]:
    apart = (near != array) & ~(np.isnan(near) & np.isnan(array))
    return tuple(int(i) for i in np.argwhere(apart)[0])


def _must_not_be_narrower(name: str, value: Any, dtype: str) -> None:
    own = str(getattr(value, "dtype", "")).rpartition(".")[2]
    if own in DTYPES and ROUNDOFF[own] > ROUNDOFF[dtype]:
        raise ValueError(
            f"dtype must be that of the result, got {name} in {own} and dtype={dtype!r}; give dtype={own!r}"
        )
