"""What the source says beside an assignment: the meaning of a constant or of a field, in the words of its comment."""

import ast
import inspect
import io
import tokenize
from collections.abc import Iterator
from typing import Any, NamedTuple

__all__ = ["Remark", "fields_of", "remarks"]


class Remark(NamedTuple):
    """An assignment with its comment."""

    annotation: str  # source text of the type, empty where none is given
    default: str  # source text of the value, empty where none is given
    comment: str


def remarks(source: str, /) -> dict[str, Remark]:
    """Map every name that is assigned to at the top of a module, or as CLASS.NAME in a class, to its remark."""
    tree, comments = ast.parse(source), _comments(source)
    found = {}
    for prefix, node in _assignments(tree):
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if isinstance(target, ast.Name):
            annotation = ast.unparse(node.annotation) if isinstance(node, ast.AnnAssign) else ""
            default = ast.unparse(node.value) if node.value is not None else ""
            found[prefix + target.id] = Remark(annotation, default, _beside(node, comments))
    return found


def fields_of(thing: type, /) -> dict[str, Remark]:
    """Map the fields of a NamedTuple to their remarks, in order."""
    said = remarks(inspect.getsource(thing))
    return {name: said.get(f"{thing.__name__}.{name}", Remark("", "", "")) for name in getattr(thing, "_fields", ())}


def _assignments(tree: ast.Module) -> Iterator[tuple[str, Any]]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            inner = (child for child in node.body if isinstance(child, ast.Assign | ast.AnnAssign))
            yield from ((f"{node.name}.", child) for child in inner)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            yield "", node


def _comments(source: str) -> dict[int, tuple[str, bool]]:
    """Map lines to their comments, and whether the line holds nothing else."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {
        token.start[0]: (token.string.lstrip("# ").rstrip(), token.line.lstrip().startswith("#"))
        for token in tokens
        if token.type == tokenize.COMMENT and not token.string.startswith(("# noqa", "# type"))
    }


def _beside(node: ast.stmt, comments: dict[int, tuple[str, bool]]) -> str:
    """Return the comment on the lines of a statement, or the one right above it."""
    last = node.end_lineno or node.lineno
    within = [comments[line][0] for line in range(node.lineno, last + 1) if line in comments]
    if len(within) == 1 or last == node.lineno:
        if within:
            return within[0]
        above: list[str] = []
        line = node.lineno - 1
        while line in comments and comments[line][1]:
            above.insert(0, comments[line][0])
            line -= 1
        return " ".join(above)
    return ""
