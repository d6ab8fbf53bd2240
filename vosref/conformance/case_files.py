"""A case as a folder that any language reads: what is asked, the arrays that are given, and where results belong.

``case.json`` (its schema is data/case.schema.json) and ``case.txt`` say the same. The second has a fact a line, its
words apart by a space, for languages without a reader of JSON::

    operation local_matching 1
    dtype float32
    arithmetic squares expanded
    option grid 4 5
    option window_radius 2
    input query float32 query.bin 20 8
    result distance float32 distance.bin 20 3

An option that is a sequence has several words, one in a sequence stands in parentheses; strings have percent signs for
what is no word, as URLs do, and "" is the empty one. An infinite or undefined number is Infinity, -Infinity or NaN in
both. Arrays are as in `array_files`; of a mapping each is by itself, named ``weights/head/0/kernel``.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vosref.conformance.arithmetic import Arithmetic
from vosref.conformance.array_files import FORMATS, STORED, Slot, read_arrays, safe_name, write_arrays
from vosref.conformance.documents import as_text, digest, json_text, option_from_json, option_to_json, write_document
from vosref.conformance.operations.operation import Inputs, Operation, Options, Outputs
from vosref.io import InputError, MissingInputError

__all__ = [
    "VERSION",
    "Case",
    "case_of",
    "described",
    "flattened",
    "read_case",
    "read_results",
    "slots_of",
    "stored_type",
    "write_case",
]

VERSION = 1  # of the format


class Case(NamedTuple):
    """One call of an operation."""

    id: str
    operation: str
    version: int
    equation: str
    dtype: str  # of floating-point inputs and results
    arithmetic: dict[str, Any]  # the fields of `Arithmetic`, which the bounds are for
    options: Options
    inputs: Inputs  # arrays, or mappings of them, in the order of the call
    results: tuple[Slot, ...]


def case_of(
    operation: Operation,
    inputs: Inputs,
    options: Options,
    exact: Outputs,
    arithmetic: Arithmetic,
    /,
    *,
    name: str,
    array_format: str = "raw",
) -> Case:
    """Describe a call.

    Parameters
    ----------
    operation : Operation
    inputs, options
        Of the call.
    exact : mapping of str to array
        The reference's results, for their names and shapes.
    arithmetic : Arithmetic
        Its `dtype` is that of floating-point arrays.
    name : str
        The case's identifier.
    array_format : {"raw", "safetensors"}
        Of the results that are asked for.

    Returns
    -------
    Case
    """
    dtype, taken = arithmetic.dtype, flattened(inputs)
    results = tuple(
        Slot(key, stored_type(value, dtype), np.shape(value), _result_file(key, taken, array_format))
        for key, value in exact.items()
    )
    fields = arithmetic.checked()._asdict()
    return Case(name, operation.name, operation.version, operation.equation, dtype, fields, options, inputs, results)


def write_case(folder: str | Path, case: Case, /, *, array_format: str = "raw") -> dict[str, Any]:
    """Write a case into a folder that exists; return what its ``case.json`` says.

    Raises
    ------
    InputError
        If an option or an array is of a kind that the files cannot hold, or `array_format` is none.
    """
    if array_format not in FORMATS:
        raise InputError(f"array_format must be one of {', '.join(FORMATS)}, got {array_format!r}")
    arrays = flattened(case.inputs)
    slots = [
        Slot(name, stored_type(value, case.dtype), np.shape(value), _file(name, array_format, "inputs"))
        for name, value in arrays.items()
    ]
    write_arrays(folder, slots, arrays)
    document = {
        "format": "vosref-case",
        "format_version": VERSION,
        **case._asdict(),
        "options": {name: option_to_json(value, f"{name} of {case.operation}") for name, value in case.options.items()},
        "inputs": [described(slot, folder) for slot in slots],
        "results": [described(slot) for slot in case.results],
    }
    write_document(Path(folder) / "case.json", json_text(document))
    write_document(Path(folder) / "case.txt", "".join(f"{line}\n" for line in as_text(document)))
    return document


def read_case(folder: str | Path, /) -> Case:
    """Read a case: options as they were, sequences as tuples, and inputs, those of a mapping together again.

    Raises
    ------
    MissingInputError
        If ``case.json`` or an array is not there.
    InputError
        If one cannot be used.
    """
    path = Path(folder) / "case.json"
    if not path.is_file():
        raise MissingInputError(f"{path} does not exist; a case is a folder with a case.json")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        version, slots = document["format_version"], slots_of(document["inputs"])
        fields = {name: document[name] for name in Case._fields} | {"results": slots_of(document["results"])}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} describes no case ({type(error).__name__}: {error})") from error
    if version != VERSION:
        raise InputError(f"{path}: format_version must be {VERSION}, got {version}")
    options = {name: option_from_json(value) for name, value in fields["options"].items()}
    return Case(**fields | {"options": options, "inputs": _grouped(read_arrays(folder, slots))})


def read_results(folder: str | Path, slots: tuple[Slot, ...], /) -> Outputs:
    """Read what a runner wrote, floating point in float64; what is missing or of another size is an `InputError`."""
    arrays = read_arrays(folder, slots)
    return {name: array.astype(np.float64) if array.dtype.kind == "f" else array for name, array in arrays.items()}


def flattened(inputs: Mapping[str, Any], /) -> dict[str, Any]:
    """Name the arrays of mappings by their path: ``weights/head/0/kernel``."""
    flat: dict[str, Any] = {}
    for name, value in inputs.items():
        flat |= {f"{name}/{key}": part for key, part in value.items()} if isinstance(value, Mapping) else {name: value}
    return flat


def stored_type(value: Any, dtype: str, /) -> str:
    """Name the data type that an array is stored in: the case's for floating point, its own for others."""
    kind = np.asarray(value).dtype
    name = dtype if kind.kind == "f" else kind.name
    if name not in STORED:
        raise InputError(f"an array must be of one of {', '.join(STORED)}, got {kind}")
    return name


def described(slot: Slot, folder: str | Path | None = None, /) -> dict[str, Any]:
    """Return a slot for a document, with its file's SHA-256 where it is written already."""
    entry = slot._asdict() | {"shape": list(slot.shape)}
    return entry if folder is None else entry | {"sha256": digest(Path(folder) / slot.file)}


def slots_of(entries: list[dict[str, Any]], /) -> tuple[Slot, ...]:
    """Return the slots of a document's entries."""
    return tuple(Slot(e["name"], e["dtype"], tuple(e["shape"]), e["file"]) for e in entries)


def _file(name: str, array_format: str, together: str) -> str:
    return f"{together}.safetensors" if array_format == "safetensors" else f"{safe_name(name)}.bin"


def _result_file(name: str, taken: Mapping[str, Any], array_format: str) -> str:
    file = _file(name, array_format, "results")
    return file.replace(".bin", ".result.bin") if name in taken else file  # an input keeps its own


def _grouped(arrays: Mapping[str, Any]) -> Inputs:
    inputs: Inputs = {}
    for name, array in arrays.items():
        whole, _, part = name.partition("/")
        if part:
            inputs.setdefault(whole, {})[part] = array
        else:
            inputs[name] = array
    return inputs
