"""The equation map: every tag in a docstring, the function that carries it, and the notebooks that run it."""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import vosref
from _book.names import Entry
from _book.prose import escaped
from _book.uses import Notebook

__all__ = ["equation_page", "tagged"]

NUMBER = r"(?:\d+|S|§\d(?:\.\d)?)"  # a number, or what the papers left without one
TAG = re.compile(rf"\[(TVOS|FEELVOS) ({NUMBER}(?:(?:, |-){NUMBER})*)\]")
ANY_TAG = re.compile(r" \[[^\]]*\](?=\.$)")
HEAD = """Equation map
============

Every equation of the papers has one home, and its docstring begins with a line that carries the equation's tag.
``grep -rn '\\[TVOS 6\\]' vosref/`` finds it in the source. This table is made from those tags. S is TVOS's normalised
affinity, which the paper defines without a number; §3.3 and the like are what it says in words.
Each is held to an oracle that computes it one pixel at a time (``tests/oracles.py`` and its neighbours).

"""
TABLE = """.. list-table::
   :header-rows: 1
   :widths: 14 24 48 14

   * - equation
     - where
     - what
     - notebooks
"""
BESIDE = """
Beside the equations
--------------------

What the papers do not print, or print otherwise: the released code's variant of the vote, the loss that FEELVOS is
trained with, and the gradient of whatever is trained, derived by hand.

"""
VARIANTS = {  # what carries no tag, as it is no equation that is printed
    "vosref.propagation.propagate_released": "TVOS 7, released",
    "vosref.losses.bootstrapped_cross_entropy": "FEELVOS §3.4",
    "vosref.losses.hardest_pixels": "FEELVOS §3.4",
}


def tagged() -> Iterator[tuple[str, str, str, str]]:
    """Yield paper, number, whole name and summary for every tag in the docstring of a function or class."""
    package = Path(vosref.__file__).parent
    for path in sorted(package.rglob("*.py")):
        module = ".".join(("vosref", *path.relative_to(package).with_suffix("").parts)).removesuffix(".__init__")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and (doc := ast.get_docstring(node)):
                summary = doc.splitlines()[0]
                for paper, numbers in TAG.findall(summary):
                    yield from ((paper, number, f"{module}.{node.name}", summary) for number in numbers.split(", "))


def equation_page(entries: list[Entry], used: Mapping[str, list[Notebook]], /) -> str:
    """Return the page of the map."""
    home = {name: entry.path for entry in entries for name in (entry.path, *entry.aliases)}
    rows = sorted((row for row in tagged() if row[2] in home), key=lambda row: (row[0], _order(row[1]), row[2]))
    printed = [_row(f"{paper} {number}", home[name], summary, used) for paper, number, name, summary in rows]
    beside = [(VARIANTS.get(e.path, "gradient"), e.path) for e in entries if e.path in VARIANTS or _is_gradient(e)]
    others = [
        _row(tag, path, _summary(path), used) for tag, path in sorted(beside, key=lambda row: row[0] == "gradient")
    ]
    return HEAD + TABLE + "".join(printed) + BESIDE + TABLE + "".join(others)


def _row(tag: str, path: str, summary: str, used: Mapping[str, list[Notebook]]) -> str:
    books = ", ".join(f":doc:`{book.page.partition('_')[0]} </{book.page}>`" for book in used[path])
    what = escaped([ANY_TAG.sub("", summary)])[0]
    name = path.removeprefix("vosref.")
    return f"   * - {tag}\n     - :py:obj:`{name} <{path}>`\n     - {what}\n     - {books or '–'}\n"


def _is_gradient(entry: Entry) -> bool:
    return entry.module == "vosref.gradients" and entry.kind == "function"


def _summary(path: str) -> str:
    module, _, name = path.rpartition(".")
    return (inspect.getdoc(getattr(importlib.import_module(module), name)) or "").splitlines()[0]


def _order(number: str) -> tuple[int, str]:
    """Sort numbers as numbers, and what has none after them."""
    return (int(number), "") if number.isdecimal() else (1000, number)
