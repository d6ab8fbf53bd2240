"""Docstrings as reStructuredText: written to be read as they are, with signs that Sphinx would take for its own."""

import re
from collections.abc import Sequence

from _book.comments import Remark
from _book.uses import Notebook

__all__ = ["escaped", "fields_section", "names_and_uses", "set_apart"]

# Code, links, emphasis and the sign of a list's item are meant as such.
MARKUP = re.compile(r"(``.+?``|`[^`]+`|(?<!\w)\*\w[^*]*\w\*(?!\w)|^\s*\* )")
# |e_p| is no substitution, D * D no emphasis, and a_ no link.
SIGNS = re.compile(r"\||(?<![*\w])\*(?![*\w])|(?<=[\w)\]])_(?![\w`])|(?<=[\s(])\*{1,2}(?=\w)|(?<=\w)\*(?=\W|$)")
PARAMETER = re.compile(r"^\*{1,2}\w+( : |$)")


def escaped(lines: Sequence[str], /) -> list[str]:
    """Escape what reStructuredText would read as markup, outside of code and of doctests."""
    out, in_example = [], False
    for line in lines:
        in_example = bool(line.strip()) and (in_example or line.lstrip().startswith(">>>"))
        out.append(line if in_example or PARAMETER.match(line) else _escaped(line))
    return out


def set_apart(lines: Sequence[str], /) -> list[str]:
    """Let indented paragraphs of a module's docstring, which are formulas or code, stand as they are written."""
    out: list[str] = []
    for number, line in enumerate(lines):
        before = lines[number - 1] if number else ""
        if line.startswith("    ") and not before.strip() and not _continues(out):
            out += ["::", ""]
        out.append(line)
    return out


def fields_section(fields: dict[str, Remark], /) -> list[str]:
    """Return the fields of a NamedTuple as a section of its docstring."""
    if not fields:
        return []
    lines = ["", "Attributes", "----------"]
    for name, remark in fields.items():
        default = f", default {remark.default}" if remark.default and len(remark.default) < 40 else ""
        kind = remark.annotation.strip("'\"") + default
        lines.append(f"{name} : ``{kind}``" if kind else name)
        lines += [f"    {_escaped(remark.comment)}"] if remark.comment else []
    return lines


def names_and_uses(aliases: Sequence[str], books: Sequence[Notebook], /) -> list[str]:
    """Return what an entry ends with: other names of the object, and the notebooks that use it."""
    lines = []
    if aliases:
        lines += ["", ".. container:: vosref-aside", "", f"   Also {', '.join(f'``{a}``' for a in aliases)}."]
    if books:
        links = ", ".join(f":doc:`{book.title} </{book.page}>`" for book in books)
        lines += ["", ".. container:: vosref-aside", "", f"   Used in {links}."]
    return [*lines, ""] if lines else []


def _escaped(line: str) -> str:
    parts = MARKUP.split(line)
    return "".join(part if number % 2 else SIGNS.sub(_backslashed, part) for number, part in enumerate(parts))


def _backslashed(found: re.Match[str]) -> str:
    return "".join(f"\\{sign}" for sign in found[0])


def _continues(out: Sequence[str]) -> bool:
    """Whether an indented paragraph goes on with one before it, after an empty line, or follows a list or a ``::``."""
    said = [line for line in out if line.strip()]
    return bool(said) and (said[-1].startswith("    ") or said[-1].endswith("::") or said[-1].startswith(("* ", "- ")))
