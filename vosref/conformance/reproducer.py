"""A failure as a Python file that shows it again, with NumPy and vosref alone: inputs, options, the recorded result."""

import hashlib
import io
import textwrap
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vosref.conformance.arithmetic import Arithmetic, carrier
from vosref.conformance.checks import Check, Outcome
from vosref.conformance.failures import story
from vosref.conformance.literals import Literals
from vosref.conformance.operations import OPERATIONS
from vosref.conformance.operations.operation import Operation, Outputs, Problem

__all__ = ["Reproducer", "reproducer_for", "write_reproducer"]

HOW = "Run as it is, it shows what was recorded; with your implementation in the marked line, whether it still fails."
DECODED = '''def decoded(text, dtype, shape):
    """Return an array from its bytes in base 64."""
    return np.frombuffer(base64.b64decode(text), dtype).reshape(shape)'''


class Reproducer(NamedTuple):
    """A file to be written, and the arrays beside it."""

    name: str  # without a suffix
    text: str
    beside: bytes  # an .npz; empty where all arrays are in the text


def reproducer_for(
    outcome: Outcome, check: Check, problem: Problem, answers: Sequence[Outputs], arithmetic: Arithmetic, /
) -> Reproducer:
    """Prepare the file of a failure.

    Parameters
    ----------
    outcome : Outcome
    check : Check
    problem : Problem
        What the subject was given.
    answers : sequence of mappings of str to array
        Its results, one for each time that the check asked.
    arithmetic : Arithmetic
        The subject's.

    Returns
    -------
    Reproducer
        The same for the same failure.
    """
    operation, literals = OPERATIONS[check.operation], Literals()
    inputs = [f"    {name!r}: {literals.of(name, value)}," for name, value in problem.inputs.items()]
    options = literals.of("options", problem.options)
    recorded, body = _recorded(literals, outcome, check, answers)
    data = "\n".join(["inputs = {", *inputs, "}", f"options = {options}", *recorded])
    call = _call(check, outcome, arithmetic)
    parts = [_imports(check, outcome, literals, data), data, _kernel(operation, body), call]
    text = f'"""{_about(outcome)}\n"""\n\n' + "\n".join(parts)
    beside = _archive(literals.aside) if literals.aside else b""
    digest = hashlib.sha256(text.encode() + beside).hexdigest()[:8]
    return Reproducer(f"repro-{check.operation}-{check.name}-{digest}", text, beside)


def write_reproducer(folder: str | PathLike[str], reproducer: Reproducer, /) -> Path:
    """Write the file, and the arrays beside it, whole or not at all; return its path."""
    from vosref.io import atomic_path, write_text  # noqa: PLC0415 - loads Pillow

    path = Path(folder) / f"{reproducer.name}.py"
    if reproducer.beside:
        with atomic_path(path.with_suffix(".npz")) as temporary:
            temporary.write_bytes(reproducer.beside)
    write_text(path, reproducer.text)
    return path


def _about(outcome: Outcome) -> str:
    """Return the story as a docstring."""
    from vosref import __version__  # noqa: PLC0415 - the package may still be loading

    told = story(outcome._replace(reproducer="")).replace("\\", "\\\\").replace('"', "'")
    first, *rest = told.splitlines()
    lines = [f"{first}", "", *rest, f"  recorded with vosref {__version__}, NumPy {np.__version__}", "", HOW]
    return "\n".join(textwrap.fill(line.strip(), 110, break_long_words=False) for line in lines)


def _imports(check: Check, outcome: Outcome, literals: Literals, data: str) -> str:
    helpers = []
    names = ["Arithmetic", "assert_invariant" if check.is_invariant else "assert_conforms"]
    if outcome.status == "error":
        names.insert(1, "ConformanceError")
    lines = ["import base64"] * ("decoded(" in data) + ["from pathlib import Path"] * bool(literals.aside)
    lines += [""] * bool(lines) + ["import numpy as np", "", f"from vosref.conformance import {', '.join(names)}", ""]
    if "decoded(" in data:
        helpers += ["", DECODED, "", ""]
    if literals.aside:
        helpers += ['with np.load(Path(__file__).with_suffix(".npz")) as file:', "    beside = dict(file)"]
    return "\n".join([*lines, *helpers])


def _recorded(literals: Literals, outcome: Outcome, check: Check, answers: Sequence[Outputs]) -> tuple[list[str], str]:
    """Return the lines that hold what was recorded, and the one that gives it."""
    if outcome.status == "error":
        return [], f"raise ConformanceError({outcome.note!r})"
    kept = [{name: _narrow(array, check.dtype) for name, array in answer.items()} for answer in answers]
    if not check.is_invariant:
        return [f"recorded = {literals.of('recorded', kept[-1])}"], "return recorded"
    each = [f"    {literals.of(f'recorded.{i}', answer)}," for i, answer in enumerate(kept)]
    return ["recorded = iter([  # the invariant asks more than once", *each, "])"], "return next(recorded)"


def _narrow(array: Any, dtype: str) -> NDArray[Any]:
    """Return results in the carrier of the data type where that loses nothing."""
    array = np.asarray(array)
    if array.dtype.kind != "f":
        return array
    with np.errstate(over="ignore"):
        narrow = array.astype(carrier(dtype))
    return narrow if np.array_equal(narrow, array, equal_nan=True) else array


def _kernel(operation: Operation, body: str) -> str:
    names = [argument.name for argument in operation.inputs]
    taken = [*names, "/"] if names else []
    return f"""

def kernel({", ".join([*taken, "**options"])}):
    # >>> YOUR IMPLEMENTATION: in place of the next line, a call of it, such as
    # >>> return my_package.{operation.name}({", ".join([*names, "**options"])})
    {body}

"""


def _call(check: Check, outcome: Outcome, arithmetic: Arithmetic) -> str:
    asked = f'assert_conforms(\n    "{check.operation}",\n    kernel(*inputs.values(), **options),\n    inputs,'
    if check.is_invariant:
        asked = f'assert_invariant(\n    "{check.operation}",\n    "{check.name}",\n    kernel,\n    inputs,'
    return f"""{_worst(outcome)}{asked}
    dtype="{check.dtype}",
    arithmetic={arithmetic.checked()!r},
    **options,
)
"""


def _worst(outcome: Outcome) -> str:
    """Return a comment with the worst element as recorded."""
    verdict = outcome.verdict
    if verdict is None or verdict.worst is None or verdict.got is None or verdict.reference is None:
        return ""
    at = verdict.worst
    values = f"got {verdict.got[at].item()!r}, reference {verdict.reference[at].item()!r}"
    bound = "" if verdict.bound is None else f", bound {float(verdict.bound[at])!r}"
    return f"# Recorded at {verdict.output}[{', '.join(map(str, at))}]: {values}{bound}.\n"


def _archive(arrays: dict[str, NDArray[Any]]) -> bytes:
    data = io.BytesIO()
    np.savez(data, allow_pickle=False, **arrays)
    return data.getvalue()
