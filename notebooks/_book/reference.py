"""The reference: a page for each module, an entry for each public name, and a table of what `vosref` itself offers."""

import importlib
import inspect
from collections.abc import Iterable, Mapping
from types import ModuleType

import vosref
from _book.comments import Remark, remarks
from _book.names import Entry, public_modules
from _book.prose import escaped

__all__ = ["GROUPS", "WORDS", "reference_pages"]

GROUPS = {  # heading: files and packages of vosref, in the order of reading
    "Mathematics": "distance matching affinity pairs propagation flow sampling labels resize losses gradients",
    "Methods": "video tvos feelvos",
    "Networks and weights": "nn weights",
    "Files, data sets and scores": "io datasets evaluation submissions samples",
    "Runs and pictures": "runs plots",
    "Judging, timing and training": "conformance parity bench train",
    "Machinery": "backend blocks shapes options",
}
WORDS = {"function": "autofunction", "class": "autoclass", "exception": "autoexception"}  # for each kind of entry


def reference_pages(entries: list[Entry], /) -> dict[str, str]:
    """Return the pages of the reference, by file name."""
    by_module: dict[str, list[Entry]] = {}
    for entry in entries:
        by_module.setdefault(entry.module, []).append(entry)
    modules = [m for m in public_modules() if m.__name__ in by_module or hasattr(m, "__path__")]
    pages = {f"{m.__name__}.rst": _module_page(m, by_module.get(m.__name__, []), modules) for m in modules}
    return pages | {"vosref.rst": _front_page(entries), "modules.rst": _modules_page(modules)}


def _module_page(module: ModuleType, entries: list[Entry], modules: list[ModuleType]) -> str:
    name = module.__name__
    lines = [*_heading(name), f".. automodule:: {name}", ""]
    inner = [m.__name__ for m in modules if m.__name__.rpartition(".")[0] == name]
    if inner:
        lines += [".. toctree::", "   :maxdepth: 1", "", *(f"   {i}" for i in inner), ""]
    for entry in entries:
        lines += _data(entry, _remark(entry)) if entry.kind == "data" else _object(entry)
    return "\n".join(lines)


def _object(entry: Entry) -> list[str]:
    lines = [f".. {WORDS[entry.kind]}:: {entry.path}"]
    return [*lines, *(["   :members:"] if entry.kind == "class" else []), ""]


def _data(entry: Entry, remark: Remark) -> list[str]:
    """Write the entry of a constant from the comment beside it: such values have no docstring of their own."""
    short = remark.default if len(remark.default) <= 60 else ""
    lines = [
        f".. py:data:: {entry.name}",
        f"   :module: {entry.module}",
        *([f"   :value: {short}"] if short else []),
        "",
    ]
    return [*lines, *([f"   {remark.comment}", ""] if remark.comment else [])]


def _remark(entry: Entry) -> Remark:
    """Find the assignment among the modules that list the name, the one that defines it first."""
    homes = [entry.module, *(alias.rpartition(".")[0] for alias in entry.aliases)]
    for module in public_modules():
        if module.__name__ in homes and entry.name in (said := remarks(inspect.getsource(module))):
            return said[entry.name]
    return Remark("", "", "")


def _front_page(entries: list[Entry]) -> str:
    """Write the table of the names that `vosref` itself offers, grouped as their modules are."""
    by_alias: Mapping[str, Entry] = {alias: entry for entry in entries for alias in entry.aliases}
    lines = [*_heading("vosref"), *_paragraph(inspect.getdoc(vosref) or ""), ""]
    for heading, tops in GROUPS.items():
        own = [by_alias[f"vosref.{n}"] for n in vosref.__all__ if n != "__version__"]
        own = [entry for entry in own if entry.module.split(".")[1] in tops.split()]
        if own:
            lines += [heading, "-" * len(heading), "", ".. list-table::", "   :widths: 35 65", ""]
            for entry in own:
                lines += [f"   * - :py:obj:`vosref.{entry.name} <{entry.path}>`", f"     - {_summary(entry)}"]
            lines.append("")
    return "\n".join(lines)


def _modules_page(modules: Iterable[ModuleType]) -> str:
    """Write the table of contents of all modules, by group; what no group names comes last."""
    tops = [m.__name__.split(".")[1] for m in modules if m.__name__.count(".") == 1]
    named = {top for group in GROUPS.values() for top in group.split()}
    groups = GROUPS | {"Others": " ".join(top for top in tops if top not in named)}
    lines = [":orphan:", "", *_heading("Modules")]
    for heading, group in groups.items():
        if present := [top for top in group.split() if top in tops]:
            lines += [".. toctree::", "   :maxdepth: 1", f"   :caption: {heading}", ""]
            lines += [*(f"   vosref.{top}" for top in present), ""]
    return "\n".join(lines)


def _summary(entry: Entry) -> str:
    said = inspect.getdoc(getattr(importlib.import_module(entry.module), entry.name)) or ""
    return escaped(said.splitlines()[:1])[0]


def _paragraph(text: str) -> list[str]:
    return text.replace("`import vosref`", "``import vosref``").splitlines()


def _heading(text: str) -> list[str]:
    return [text, "=" * len(text), ""]
