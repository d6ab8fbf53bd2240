"""The equation map: every tag in a docstring, the function that carries it, and the notebooks that run it."""

import ast
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
HEAD = """Equation map
============

Every equation of the papers has one home, and its docstring begins with a line that carries the equation's tag.
``grep -rn '\\[TVOS 6\\]' vosref/`` finds it in the source. This table is made from those tags. S is TVOS's normalised
affinity, which the paper defines without a number; §3.3 and the like are what it says in words.

.. list-table::
   :header-rows: 1
   :widths: 14 28 34 24

   * - equation
     - where
     - what
     - notebooks
"""


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
    lines = []
    for paper, number, name, summary in rows:
        books = ", ".join(f":doc:`{book.page.partition('_')[0]} </{book.page}>`" for book in used[home[name]])
        lines += [
            f"   * - {paper} {number}",
            f"     - :py:obj:`{name.removeprefix('vosref.')} <{home[name]}>`",
            f"     - {escaped([TAG.sub('', summary).replace(' .', '.')])[0]}",
            f"     - {books or '–'}",
        ]
    return HEAD + "\n".join(lines) + "\n"


def _order(number: str) -> tuple[int, str]:
    """Sort numbers as numbers, and what has none after them."""
    return (int(number), "") if number.isdecimal() else (1000, number)
