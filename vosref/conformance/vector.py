"""A golden vector: a case as in `case_files`, and in ``expected`` what is right, and how far off it may be."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vosref.conformance.arithmetic import Arithmetic
from vosref.conformance.array_files import Slot, safe_name, write_arrays
from vosref.conformance.case_files import case_of, described, slots_of, stored_type, write_case
from vosref.conformance.checks import Check
from vosref.conformance.judge import allowed, bounds, problem_for, reference
from vosref.conformance.operations import OPERATIONS
from vosref.conformance.operations.operation import Operation, Outputs, Problem, Sketch

__all__ = ["INFINITE", "PARTS", "array_slots", "must_be_usable", "write_vector"]

INFINITE = "infinite"  # the flag of a case whose arrays have infinite numbers
PARTS = ("value", "bound", "allowed")  # of what is expected


class _Right(NamedTuple):
    """One result: its value, and, by "bound" or "allowed", which others are right."""

    name: str
    value: NDArray[Any]
    limits: dict[str, NDArray[Any]]
    ids: tuple[int, ...] = ()  # of the labels that are allowed


def write_vector(folder: Path, check: Check, array_format: str, /) -> dict[str, Any]:
    """Write a case and its right results into a folder; return what the manifest says of it.

    Raises
    ------
    ValueError
        If an array has a number that it must not have: the operation, or its bound, is wrong.
    """
    operation, problem = OPERATIONS[check.operation], check.problem()
    sketch = next((s for s in operation.sketches if s.name == check.name), Sketch("", operation.random, "random"))
    exact, arithmetic = reference(operation, *problem), Arithmetic(check.dtype).checked()
    case = case_of(operation, *problem, exact, arithmetic, name=check.id, array_format=array_format)
    document = write_case(folder, case, array_format=array_format)
    rights = list(_rights(operation, problem, exact, arithmetic))
    slots, arrays = dict[tuple[str, str], Slot](), dict[str, NDArray[Any]]()
    for right in rights:
        for part, array in {"value": right.value, **right.limits}.items():
            slot = slots[right.name, part] = _slot(right.name, part, array, array_format)
            must_be_usable(f"{check.id}: {slot.name}", array, infinite=part == "bound" or INFINITE in sketch.flags)
            arrays[slot.name] = array
    write_arrays(folder, slots.values(), arrays)
    return {
        "folder": safe_name(check.id),
        **{name: value for name, value in document.items() if name not in ("format", "format_version")},
        "flags": list(sketch.flags),
        "comment": sketch.comment,
        "expected": [
            {"result": right.name}
            | {part: described(slots[right.name, part], folder) for part in PARTS if (right.name, part) in slots}
            | ({"ids": list(right.ids)} if right.ids else {})
            for right in rights
        ],
    }


def array_slots(entry: dict[str, Any], /) -> Iterator[tuple[str, Slot, str]]:
    """Yield each array of a manifest's case: "input" or one of `PARTS`, its slot, and its file's SHA-256."""
    for array in entry["inputs"]:
        yield "input", *slots_of([array]), array["sha256"]
    for right in entry["expected"]:
        for part in PARTS:
            if part in right:
                yield part, *slots_of([right[part]]), right[part]["sha256"]


def must_be_usable(what: str, array: NDArray[Any], /, *, infinite: bool) -> None:
    """Raise ValueError for a number that is undefined, or infinite where none may be."""
    if array.dtype.kind != "f":
        return
    wrong = np.isnan(array) if infinite else ~np.isfinite(array)
    if np.any(wrong):
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(f"{what} must be {'defined' if infinite else 'finite'} everywhere, got {array[at]} at {at}")


def _rights(operation: Operation, problem: Problem, exact: Outputs, arithmetic: Arithmetic) -> Iterator[_Right]:
    if operation.decide is not None:
        scored = operation.decide(problem_for(problem, "float64").inputs, problem.options, arithmetic)
        may = {"allowed": allowed(scored).astype(np.uint8)}
        yield from (_Right(name, np.asarray(value), may, tuple(map(int, scored.ids))) for name, value in exact.items())
    elif operation.exact:
        yield from (_Right(name, np.asarray(value), {}) for name, value in exact.items())
    else:
        limits = bounds(operation, *problem, exact, arithmetic)
        yield from (_Right(name, np.asarray(value), {"bound": limits[name]}) for name, value in exact.items())


def _slot(name: str, part: str, array: NDArray[Any], array_format: str) -> Slot:
    end = "" if part == "value" else f".{part}"
    file = "expected.safetensors" if array_format == "safetensors" else f"expected/{safe_name(name)}{end}.bin"
    return Slot(name + end, stored_type(array, "float64"), array.shape, file)
