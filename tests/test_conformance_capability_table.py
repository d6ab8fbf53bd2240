"""The capability table: what the book says was run is what is run, and right."""

from pathlib import Path

import vosref
from vosref.conformance.capability_table import COLUMNS, as_markdown, measured
from vosref.conformance.operations import OPERATIONS

PAGE = Path(vosref.__file__).parent.parent / "notebooks" / "capabilities.md"
BEGIN, END = "<!-- capabilities: by vosref conform --table -->\n", "<!-- end of capabilities -->"


def test_every_cell_that_is_advertised_was_run_and_every_one_that_passes_is_advertised():
    advertised = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0].strip()
    assert advertised == as_markdown(measured())


def test_a_cell_without_a_pass_is_empty():
    cells = {
        ("f", "NumPy"): ("float64", "bfloat16"),
        ("f", "other"): (),
        ("g", "NumPy"): ("float32",),
        ("g", "other"): (),
    }
    assert as_markdown(cells).splitlines() == [
        "| operation | NumPy | other |",
        "|---|---|---|",
        "| `f` | 64 b16 | – |",
        "| `g` | 32 | – |",
    ]


def test_every_operation_has_a_row():
    cells = measured(COLUMNS[:1])
    assert {name for name, _ in cells} == set(OPERATIONS)
    assert all(cells.values())
