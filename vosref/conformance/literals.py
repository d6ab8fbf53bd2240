"""Values as Python source that gives them back bit for bit."""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Literals"]

SMALL = 64  # elements that are written as numbers
INLINE = 65536  # bytes of all larger arrays of a file that are written into it
WIDTH = 110  # characters of a line


class Literals:
    """Arrays and options as source; arrays that are too large for it are kept aside, for a file beside it."""

    def __init__(self) -> None:
        self.aside: dict[str, NDArray[Any]] = {}
        self._room = INLINE

    def of(self, name: str, value: Any, /) -> str:
        """Return the source of an array, a mapping, a sequence or a scalar; `name` is what it is kept aside by."""
        if isinstance(value, np.ndarray):
            return self._array(name, value)
        if isinstance(value, Mapping):
            parts = (f"{key!r}: {self.of(f'{name}.{key}', part)}" for key, part in value.items())
            return "{" + ", ".join(parts) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(self.of(f"{name}.{i}", part) for i, part in enumerate(value)) + "]"
        if type(value) is tuple:
            inside = ", ".join(self.of(f"{name}.{i}", part) for i, part in enumerate(value))
            return f"({inside},)" if len(value) == 1 else f"({inside})"
        if isinstance(value, np.generic):
            return self.of(name, value.item())
        return _number(value) if isinstance(value, float) else repr(value)

    def _array(self, name: str, array: NDArray[Any]) -> str:
        kind = f"np.{array.dtype.name}" if array.dtype.kind != "b" else "np.bool_"
        if array.size <= SMALL:
            return _wrapped(array, kind)
        data = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        if len(data) > self._room:
            self.aside[name] = array
            return f"beside[{name!r}]"
        self._room -= len(data)
        text = base64.b64encode(data).decode()
        lines = [f'        "{text[i : i + WIDTH]}"' for i in range(0, len(text), WIDTH)]
        return "decoded(\n" + "\n".join(lines) + f",\n        {array.dtype.str!r}, {array.shape},\n    )"


def _wrapped(array: NDArray[Any], kind: str) -> str:
    """Write the elements as numbers: Python's shortest decimals of a double are read back exactly."""
    numbers = [_number(v) if isinstance(v, float) else repr(v) for v in array.ravel().tolist()]
    reshaped = "" if array.ndim == 1 else f".reshape({array.shape})"
    lines, line = [], ""
    for number in numbers:
        if len(line) + len(number) > WIDTH - 12:
            lines.append(line.rstrip())
            line = ""
        line += f"{number}, "
    lines.append(line.rstrip(", "))
    if len(lines) == 1:
        return f"np.array([{lines[0]}], {kind}){reshaped}"
    return "np.array([\n" + "\n".join(f"        {line}" for line in lines) + f"\n    ], {kind}){reshaped}"


def _number(value: float) -> str:
    if np.isnan(value):
        return "np.nan"
    if np.isinf(value):
        return "np.inf" if value > 0 else "-np.inf"
    return repr(value)
