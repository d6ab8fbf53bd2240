"""What was seen to be right: operations by namespace, device and data type, from the checks that were run.

A cell is advertised because all core checks of an operation passed in it, and for no other reason; the table in the
README is this module's, and a test fails where the two differ.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from vosref.conformance.builtin import Definitions
from vosref.conformance.checks import checks_for, run_check
from vosref.conformance.operations import OPERATIONS

__all__ = ["COLUMNS", "Column", "as_markdown", "measured"]

SHORT = {"float64": "64", "float32": "32", "float16": "16", "bfloat16": "b16"}


class Column(NamedTuple):
    """A namespace, a device and a tier that operations are run in."""

    title: str
    make: Callable[[], Any]


COLUMNS = (
    Column("NumPy, definition", lambda: Definitions("definition")),
    Column("NumPy, Numba twin", lambda: Definitions("numba", tier="numba")),
    Column("array-api-strict", lambda: Definitions("strict", namespace="array_api_strict")),
    Column(
        "array-api-strict, second device",
        lambda: Definitions("strict", namespace="array_api_strict", device="device1"),
    ),
    Column("PyTorch, CPU", lambda: Definitions("torch", namespace="torch", device="cpu")),
)
Cells = dict[tuple[str, str], tuple[str, ...]]  # (operation, column) to the data types that passed


def measured(columns: Sequence[Column] = COLUMNS, /) -> Cells:
    """Run all core checks, and return the data types in which an operation passed all of its own, somewhere claimed."""
    cells: Cells = {}
    for column in columns:
        subject = column.make()
        verdicts: dict[tuple[str, str], list[str]] = {}
        for check in checks_for(subject):
            verdicts.setdefault((check.operation, check.dtype), []).append(run_check(subject, check).status)
        for name in OPERATIONS:
            passed = (d for d in SHORT if (found := verdicts.get((name, d))) and set(found) == {"passed"})
            cells[name, column.title] = tuple(passed)
    return cells


def as_markdown(cells: Cells, /) -> str:
    """Return the table as Markdown: a row for each operation, in a cell the widths of the data types that passed."""
    titles = list(dict.fromkeys(column for _, column in cells))
    rows = [f"| operation | {' | '.join(titles)} |", f"|---|{'---|' * len(titles)}"]
    for name in dict.fromkeys(operation for operation, _ in cells):
        shown = (" ".join(SHORT[dtype] for dtype in cells[name, title]) or "–" for title in titles)
        rows.append(f"| `{name}` | {' | '.join(shown)} |")
    return "\n".join(rows)
