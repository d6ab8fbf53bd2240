"""Which notebook uses which public name: found in the code of the notebooks, without running it."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from _book.names import Entry

__all__ = ["Notebook", "code_of", "names_used", "notebooks", "uses_by_path"]

CELL = re.compile(r"^(`{3,}|~{3,})\{code-cell\}[^\n]*\n(.*?)^\1\s*$", re.MULTILINE | re.DOTALL)
OPTIONS = re.compile(r"\A(?:---\n.*?^---\n|(?::[\w-]+:[^\n]*\n)+)", re.MULTILINE | re.DOTALL)
MAGIC = re.compile(r"^[ \t]*[%!].*$", re.MULTILINE)


class Notebook(NamedTuple):
    """A notebook of the book."""

    page: str  # its name in the book
    title: str
    names: frozenset[str]  # whole names, as the code spells them, of all that it uses


def notebooks(folder: Path, /) -> list[Notebook]:
    """Read the notebooks of a folder, which begin with their number, in its order."""
    paths = sorted(folder.glob("[0-9]*_*.md"), key=lambda path: int(path.name.partition("_")[0]))
    return [_read(path) for path in paths]


def code_of(text: str, /) -> str:
    """Return the code of a notebook's cells, without their options and without magics."""
    cells = (OPTIONS.sub("", cell) for _, cell in CELL.findall(text))
    return MAGIC.sub("", "\n".join(cells))


def names_used(code: str, /) -> frozenset[str]:
    """List the whole names, imports resolved, that code mentions, such as vosref.matching.global_matching."""
    tree = ast.parse(code)
    known = dict(_imports(tree))
    chains = (_chain(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute | ast.Name))
    return frozenset(known[first] + rest for first, rest in filter(None, chains) if first in known)


def uses_by_path(entries: list[Entry], read: list[Notebook], /) -> Mapping[str, list[Notebook]]:
    """Map the whole name of each documented object to the notebooks that use it under any of its names."""
    return {entry.path: [book for book in read if book.names & {entry.path, *entry.aliases}] for entry in entries}


def _read(path: Path) -> Notebook:
    text = path.read_text(encoding="utf-8")
    titles = re.findall(r"^# (.+)$", CELL.sub("", text), re.MULTILINE)
    return Notebook(path.stem, titles[0] if titles else path.stem, names_used(code_of(text)))


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                whole = name.name if name.asname else name.name.partition(".")[0]
                yield name.asname or whole, whole
        elif isinstance(node, ast.ImportFrom):
            yield from ((name.asname or name.name, f"{node.module}.{name.name}") for name in node.names)


def _chain(node: ast.expr) -> tuple[str, str] | None:
    """Return the first name of a chain of attributes, and the rest with its dots."""
    rest = ""
    while isinstance(node, ast.Attribute):
        rest = f".{node.attr}{rest}"
        node = node.value
    return (node.id, rest) if isinstance(node, ast.Name) else None
