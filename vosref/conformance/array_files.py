"""Arrays as files that any language reads: raw numbers, or safetensors; and names as file names.

Raw is little-endian, in C order, without a header. NumPy lacks bfloat16: here its values are in float32, and in a file
they are float32's upper two bytes. A bool is a byte, 0 or 1.
"""

import json
import math
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from vosref.conformance.arithmetic import rounded
from vosref.io import InputError, MissingInputError
from vosref.weights import WeightsError
from vosref.weights.safetensors_file import map_safetensors
from vosref.weights.unpickler import widen_bfloat16

__all__ = ["FORMATS", "STORED", "Slot", "original_name", "read_arrays", "safe_name", "write_arrays"]

FORMATS = ("raw", "safetensors")
STORED = {  # data type: as it is in a file, and what safetensors calls it
    "float64": ("<f8", "F64"),
    "float32": ("<f4", "F32"),
    "float16": ("<f2", "F16"),
    "bfloat16": ("<u2", "BF16"),
    "int64": ("<i8", "I64"),
    "int32": ("<i4", "I32"),
    "int16": ("<i2", "I16"),
    "int8": ("i1", "I8"),
    "uint64": ("<u8", "U64"),
    "uint32": ("<u4", "U32"),
    "uint16": ("<u2", "U16"),
    "uint8": ("u1", "U8"),
    "bool": ("u1", "BOOL"),
}
SHORT = {"/": "+", "#": "~", ":": "="}
UNCHANGED = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-@")
# Windows takes these for devices, whatever their suffix.
DEVICES = frozenset(("con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(10))))


class Slot(NamedTuple):
    """Where an array is, and what it is."""

    name: str  # "query", or "weights/head/0/kernel" of a mapping
    dtype: str  # one of STORED
    shape: tuple[int, ...]
    file: str  # in its folder; of safetensors, several arrays have one

    @property
    def n_bytes(self) -> int:
        """Bytes of its numbers."""
        return math.prod(self.shape) * np.dtype(STORED[self.dtype][0]).itemsize


def safe_name(name: str, /) -> str:
    """Turn any name into a file name, for every system: / # : become + ~ =, others than a-z 0-9 _ - @ are in hex.

    So no two names meet where upper and lower case are the same.
    """
    safe = "".join(SHORT.get(c) or (c if c in UNCHANGED else _hexadecimal(c)) for c in name)
    return _hexadecimal(safe[0]) + safe[1:] if safe in DEVICES else safe


def original_name(safe: str, /) -> str:
    """Return the name that `safe_name` was given."""
    for mark, short in SHORT.items():
        safe = safe.replace(short, mark)
    return unquote(safe)


def write_arrays(folder: str | Path, slots: Iterable[Slot], arrays: Mapping[str, Any], /) -> None:
    """Write arrays where their slots say; floating-point ones are rounded to the slot's data type."""
    for file, group in _by_file(slots):
        path, stored = Path(folder) / file, {slot: _encoded(arrays[slot.name], slot.dtype) for slot in group}
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".safetensors":
            path.write_bytes(_safetensors(stored))
        else:
            path.write_bytes(b"".join(stored.values()))


def read_arrays(folder: str | Path, slots: Iterable[Slot], /) -> dict[str, NDArray[Any]]:
    """Read arrays from where their slots say, bfloat16 in float32.

    Raises
    ------
    MissingInputError
        If a file is not there.
    InputError
        If a file has another size, an array another shape or data type, or a bool is neither 0 nor 1.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for file, group in _by_file(slots):
        path = Path(folder) / file
        if not path.is_file():
            first = group[0]
            raise MissingInputError(
                f"{path} is missing: {first.name}, {first.dtype} of shape {first.shape}, belongs there"
            )
        arrays |= _from_safetensors(path, group) if path.suffix == ".safetensors" else _from_raw(path, group[0])
    return arrays


def _by_file(slots: Iterable[Slot]) -> list[tuple[str, list[Slot]]]:
    return [(file, list(group)) for file, group in groupby(slots, key=lambda slot: slot.file)]


def _hexadecimal(character: str) -> str:
    return "".join(f"%{byte:02x}" for byte in character.encode())


def _encoded(array: Any, dtype: str) -> bytes:
    array = np.asarray(array)
    if dtype == "bfloat16":
        array = np.asarray(rounded(array, dtype)).view(np.uint32) >> np.uint32(16)
    elif array.dtype.kind == "f":
        array = rounded(array, dtype)
    return np.asarray(array).astype(STORED[dtype][0]).tobytes(order="C")


def _safetensors(stored: Mapping[Slot, bytes]) -> bytes:
    """Lay out a file: the table's length, the table, padded for alignment, and the numbers, widest types first."""
    table: dict[str, Any] = {}
    end, parts = (
        0,
        sorted(stored.items(), key=lambda part: (-np.dtype(STORED[part[0].dtype][0]).itemsize, part[0].name)),
    )
    for slot, numbers in parts:
        begin, end = end, end + len(numbers)
        table[slot.name] = {"dtype": STORED[slot.dtype][1], "shape": list(slot.shape), "data_offsets": [begin, end]}
    header = json.dumps(table, separators=(",", ":"), ensure_ascii=False).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + b"".join(numbers for _, numbers in parts)


def _from_raw(path: Path, slot: Slot) -> dict[str, NDArray[Any]]:
    content = path.read_bytes()
    if len(content) != slot.n_bytes:
        needs = f"{slot.name}, {slot.dtype} of shape {slot.shape}, needs {slot.n_bytes}"
        raise InputError(f"{path} has {len(content)} bytes, where {needs}")
    return {slot.name: _decoded(np.frombuffer(content, STORED[slot.dtype][0]), slot, path).reshape(slot.shape)}


def _decoded(numbers: NDArray[Any], slot: Slot, path: Path) -> NDArray[Any]:
    if slot.dtype == "bfloat16":
        return widen_bfloat16(numbers)
    if slot.dtype == "bool":
        if numbers.size and numbers.max() > 1:
            raise InputError(f"{path}: a bool is a byte of 0 or 1, {slot.name} has one of {numbers.max()}")
        return numbers.astype(bool)
    return numbers.astype(numbers.dtype.newbyteorder("="))


def _from_safetensors(path: Path, slots: list[Slot]) -> dict[str, NDArray[Any]]:
    try:
        found = map_safetensors(path).arrays
    except WeightsError as error:
        raise InputError(str(error)) from None
    arrays = {}
    for slot in slots:
        if slot.name not in found:
            raise MissingInputError(f"{path} has no array {slot.name}; its arrays are {', '.join(found) or 'none'}")
        array = found[slot.name]
        has, needs = (array.dtype.name, array.shape), (_in_memory(slot.dtype), slot.shape)
        if has != needs:
            raise InputError(f"{path}: {slot.name} is {has[0]} of shape {has[1]} instead of {slot.dtype} of {needs[1]}")
        arrays[slot.name] = np.array(array)
    return arrays


def _in_memory(dtype: str) -> str:
    return "float32" if dtype == "bfloat16" else dtype
