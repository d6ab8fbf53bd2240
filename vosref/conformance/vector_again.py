"""A golden vector made again, and held against the one that is stored."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vosref import __version__
from vosref.conformance.arithmetic import Arithmetic
from vosref.conformance.array_files import Slot, read_arrays
from vosref.conformance.checks import Check, sentence
from vosref.conformance.judge import judge
from vosref.conformance.operations import OPERATIONS
from vosref.conformance.vector import array_slots, write_vector

__all__ = ["Again", "Fault", "made_again"]

IDENTIFIER = re.compile(r"(?P<operation>\w+)/(?P<name>\w+)@(?P<version>\d+)#(?P<seed>\d+):(?P<dtype>\w+)")
WORDING = ("equation", "comment")  # may change without a change of meaning
CLOSE = 1e-6  # relative: a bound is a sum as well, and needs no more digits


class Fault(NamedTuple):
    """One thing that is wrong."""

    where: str  # a file, or a case
    what: str


class Again(NamedTuple):
    """What became of a case that was made again."""

    identical: int = 0  # arrays of `vector.PARTS` that are the same bits
    near: int = 0  # that lie within the bound of float64
    faults: tuple[Fault, ...] = ()
    note: str = ""  # why it could not be made


def made_again(
    folder: Path, case: dict[str, Any], damaged: set[str], /, *, array_format: str, same_wording: bool
) -> Again:
    """Make a case again and compare.

    Parameters
    ----------
    folder : path
        Of the vectors.
    case : dict
        The manifest's.
    damaged : set of str
        Files of `folder` that are passed over.
    array_format : str
        The manifest's.
    same_wording : bool
        Whether texts for people must be the same too.

    Returns
    -------
    Again
    """
    check, note = _check_of(case)
    if check is None:
        return Again(note=note)
    with tempfile.TemporaryDirectory(prefix="vosref-", ignore_cleanup_errors=True) as temporary:
        made = write_vector(Path(temporary), check, array_format)
        if faults := tuple(_other_facts(case, made, WORDING if not same_wording else ())):
            return Again(faults=faults)
        if same_wording and (faults := tuple(_other_documents(folder, case, Path(temporary)))):
            return Again(faults=faults)
        return _compared(folder / case["folder"], Path(temporary), check, (case, made), damaged)


def _check_of(case: dict[str, Any]) -> tuple[Check | None, str]:
    """Return the check that a case was made of, or why there is none any more."""
    parts, operation = IDENTIFIER.fullmatch(case["id"]), OPERATIONS.get(case["operation"])
    if operation is None:
        return None, f"{case['operation']} is no operation of vosref {__version__}: its cases were not made again"
    if case["version"] != operation.version:
        now = f"version {operation.version} in vosref {__version__}, and {case['version']} in the vectors"
        return None, f"{operation.name} has {now}: its cases were not made again"
    if parts is None or parts["name"] not in ("random", *(sketch.name for sketch in operation.sketches)):
        return None, f"{case['id']} is no case of vosref {__version__}: it was not made again"
    return Check(operation.name, parts["name"], int(parts["seed"]), case["dtype"]), ""


def _other_facts(case: dict[str, Any], made: dict[str, Any], passed_over: tuple[str, ...]) -> Iterator[Fault]:
    for fact in (fact for fact in made if fact not in passed_over):
        right, stored = (_without_digests(c[fact]) if fact == "expected" else c[fact] for c in (made, case))
        if fact == "inputs" and right != stored:
            names = [ours["name"] for ours in right if ours not in stored]
            yield Fault(case["id"], f"inputs are not those that the case draws: {', '.join(names) or 'others'}")
        elif right != stored:
            yield Fault(case["id"], f"{fact} must be {right!r:.200}, got {stored!r:.200}")


def _without_digests(expected: list[dict[str, Any]]) -> list[dict[str, Any]]:
    def stripped(part: Any) -> Any:
        return {k: v for k, v in part.items() if k != "sha256"} if isinstance(part, dict) else part

    return [{name: stripped(part) for name, part in right.items()} for right in expected]


def _other_documents(folder: Path, case: dict[str, Any], again: Path) -> Iterator[Fault]:
    for made in sorted(again.glob("case.*")):
        stored = folder / case["folder"] / made.name
        if stored.is_file() and stored.read_bytes() != made.read_bytes():
            yield Fault(f"{case['folder']}/{made.name}", "says something else than the manifest")


def _compared(
    folder: Path, again: Path, check: Check, entries: tuple[dict[str, Any], dict[str, Any]], damaged: set[str]
) -> Again:
    """Compare what is expected, array by array."""
    identical, near, faults = 0, 0, list[Fault]()
    values = dict[str, Slot]()
    for (part, slot, sha), (_, _, made) in zip(*map(array_slots, entries), strict=True):
        file = f"{folder.name}/{slot.file}"
        if part == "input" or file in damaged:
            continue
        if sha == made:
            identical += 1
        elif part == "value":
            values[slot.name] = slot
        elif wrong := _other_limits(part, *(read_arrays(place, [slot])[slot.name] for place in (folder, again))):
            faults.append(Fault(file, wrong))
        else:
            near += 1
    wrong_values = _other_values(folder, check, values)
    return Again(identical, near + len(values) - len(wrong_values), (*faults, *wrong_values))


def _other_limits(part: str, stored: Any, made: Any) -> str:
    if part == "allowed":
        return "" if np.array_equal(stored, made) else "allows other labels than the definition does"
    return "" if np.allclose(stored, made, rtol=CLOSE, atol=0) else "has other bounds than those that are derived"


def _other_values(folder: Path, check: Check, slots: dict[str, Slot]) -> list[Fault]:
    """Judge values that are not the same bits by the bound of float64."""
    if not slots:
        return []
    stored = {name: read_arrays(folder, [slot])[name] for name, slot in slots.items()}
    verdicts = judge(OPERATIONS[check.operation], *check.problem(), stored, Arithmetic("float64").checked())
    wrong = [verdict for verdict in verdicts if verdict.output in slots and not verdict.margin <= 1]
    return [Fault(f"{folder.name}/{slots[v.output].file}", sentence(v, 0.0)) for v in wrong]
