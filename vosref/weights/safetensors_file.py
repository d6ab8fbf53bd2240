"""The safetensors format: a JSON table of arrays, then their numbers, which are memory-mapped and never copied.

8 bytes of length, the table (name: dtype, shape, first and last byte; ``__metadata__``: strings), the numbers in a row.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vosref.weights.errors import WeightsError, shown
from vosref.weights.unpickler import widen_bfloat16

__all__ = ["SafetensorsFile", "looks_like_safetensors", "map_safetensors", "parse_safetensors", "write_safetensors"]

DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",  # NumPy has no such type: widened once it is read
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "u1",
    "BOOL": "?",
}
WRITTEN = {"float32": "F32", "float16": "F16"}
LONGEST_TABLE = 100_000_000  # bytes, the format's own limit
ALIGNMENT = 64  # bytes, of the first number in the files written here


class SafetensorsFile(NamedTuple):
    """What a file says about itself, and its arrays in the order of their numbers."""

    metadata: dict[str, str]
    arrays: dict[str, np.ndarray]


def map_safetensors(path: str | Path, /) -> SafetensorsFile:
    """Map a file's arrays into memory: read-only views of the file, of which only what is used is ever read.

    Raises
    ------
    WeightsError
        If the file is not of the format, or its table does not fit its numbers byte by byte.
    """
    try:
        if Path(path).stat().st_size == 0:
            raise WeightsError("the file is empty")
        return parse_safetensors(np.memmap(path, np.uint8, mode="r"))
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None


def looks_like_safetensors(content: bytes | np.ndarray, /) -> bool:
    """Whether the first bytes could be a length and the beginning of a table."""
    return bytes(content[8:9]) == b"{" and int.from_bytes(content[:8], "little") <= LONGEST_TABLE


def parse_safetensors(content: bytes | np.ndarray, /) -> SafetensorsFile:
    """Return what the bytes of a file hold, as `map_safetensors` does."""
    numbers = np.frombuffer(content, np.uint8)
    try:
        table, start = _table(numbers)
        metadata = table.pop("__metadata__", {})
        if not all(isinstance(value, str) for value in metadata.values()):
            raise WeightsError("the metadata of a safetensors file are strings, these are not")
        return SafetensorsFile(metadata, _arrays(table, numbers[start:]))
    except WeightsError:
        raise
    except Exception as error:
        reason = shown(f"{type(error).__name__}: {error}")
        raise WeightsError(f"not a safetensors file, or damaged ({reason})") from None


def _table(numbers: np.ndarray) -> tuple[dict[str, Any], int]:
    length = int.from_bytes(numbers[:8].tobytes(), "little")
    if not looks_like_safetensors(numbers):
        raise WeightsError("not a safetensors file: it does not begin with the length of a table and the table")
    if len(numbers) < 8 + length:
        raise WeightsError(f"a table of {length} bytes is announced; the safetensors file is truncated there")
    table = json.loads(numbers[8 : 8 + length].tobytes().decode("utf-8"), object_pairs_hook=_without_repeats)
    return table, 8 + length


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(names := dict(pairs)) != len(pairs):
        raise WeightsError("the table of a safetensors file names something twice")
    return names


def _arrays(table: dict[str, Any], numbers: np.ndarray) -> dict[str, np.ndarray]:
    """Return the arrays, once their places in the file are known to be disjoint and to leave nothing out."""
    reached, arrays = 0, {}
    for name, entry in sorted(table.items(), key=lambda item: item[1]["data_offsets"]):
        dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        if dtype not in DTYPES:
            raise WeightsError(f"array {shown(name)} is of type {shown(str(dtype))}, which is not read")
        if not all(type(n) is int and n >= 0 for n in (*shape, begin, end)):
            raise WeightsError(f"array {shown(name)} has a shape or a place that is not made of natural numbers")
        if begin != reached or end - begin != math.prod(shape) * np.dtype(DTYPES[dtype]).itemsize:
            raise WeightsError(f"array {shown(name)} does not take the bytes that its shape needs, or leaves a gap")
        if end > len(numbers):
            raise WeightsError(f"array {shown(name)} ends beyond the file; the file is truncated")
        array = numbers[begin:end].view(DTYPES[dtype]).reshape(shape)
        arrays[name] = widen_bfloat16(array) if dtype == "BF16" else array
        reached = end
    if reached != len(numbers):
        raise WeightsError(f"{len(numbers) - reached} bytes at the end of the safetensors file belong to no array")
    return arrays


def write_safetensors(path: str | Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str], /) -> None:
    """Write float32 and float16 arrays and what is to be said of them; equal arguments give equal bytes."""
    table: dict[str, Any] = {"__metadata__": dict(metadata)}
    end = 0
    for name, array in arrays.items():
        dtype = WRITTEN[array.dtype.name]
        begin, end = end, end + np.dtype(DTYPES[dtype]).itemsize * array.size
        table[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [begin, end]}
    header = json.dumps(table, separators=(",", ":"), ensure_ascii=False).encode()
    header += b" " * (-(8 + len(header)) % ALIGNMENT)
    with Path(path).open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for array in arrays.values():
            file.write(np.ascontiguousarray(array, DTYPES[WRITTEN[array.dtype.name]]).data)
