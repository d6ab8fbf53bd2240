"""Every public name of the library, and the one place where the book documents it.

A name is public if a module lists it in ``__all__``. Packages list again what their files define, so an object may have
several names: it is documented under the shortest, and the others become aliases that links find as well.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

import vosref

__all__ = ["Entry", "documented", "kind_of", "public_modules"]

# Twins answer to their definitions, which are documented; the command line has a page of its own; mutants are wrong on
# purpose, and each file of contracts is a value of `vosref.conformance.OPERATIONS`.
LEFT_OUT = ("vosref.__main__", "vosref.samples.__main__", "vosref.bench.__main__", "vosref.cli", "vosref.kernels")
INSIDE_LEFT_OUT = ("vosref.cli.", "vosref.kernels.", "vosref.conformance.mutants.", "vosref.conformance.operations.")
NEVERTHELESS = ("vosref.conformance.operations.operation",)


class Entry(NamedTuple):
    """An object and its names."""

    module: str  # where it is documented
    name: str
    kind: str  # "function", "class", "exception" or "data"
    aliases: tuple[str, ...]  # whole names of the same object, ascending

    @property
    def path(self) -> str:
        """Whole name, such as vosref.matching.global_matching."""
        return f"{self.module}.{self.name}"


def public_modules() -> Iterator[ModuleType]:
    """Import every module that the book documents, in alphabetical order."""
    names = sorted(m.name for m in pkgutil.walk_packages(vosref.__path__, "vosref.", onerror=_raise))
    for name in names:
        if name in NEVERTHELESS or not (name in LEFT_OUT or name.startswith(INSIDE_LEFT_OUT)):
            yield importlib.import_module(name)


def documented() -> list[Entry]:
    """List all public objects, by module and in the order of its ``__all__``."""
    found: dict[Any, list[tuple[str, str]]] = {}
    for module in (vosref, *public_modules()):
        for name in getattr(module, "__all__", ()):
            if name != "__version__":
                found.setdefault(_identity(_value(module, name), name, module), []).append((module.__name__, name))
    entries = []
    for names in found.values():
        home, name = min(names, key=lambda of: (of[0] == "vosref", of[0].count("."), of[0]))
        aliases = sorted({f"{m}.{n}" for m, n in names} - {f"{home}.{name}"})
        kind = kind_of(_value(importlib.import_module(home), name))
        entries.append(Entry(home, name, kind, tuple(aliases)))
    return sorted(entries, key=lambda entry: entry.module)


def kind_of(thing: Any, /) -> str:
    """Tell a function from a class, an exception, or anything else."""
    if inspect.isclass(thing):
        return "exception" if issubclass(thing, BaseException) else "class"
    return "function" if inspect.isroutine(thing) or hasattr(thing, "__wrapped__") else "data"


def _value(module: ModuleType, name: str) -> Any:
    """Return what a module offers under a name; a file of the same name, such as affinity, hides its function."""
    value = getattr(module, name)
    return getattr(value, name) if inspect.ismodule(value) else value


def _identity(thing: Any, name: str, module: ModuleType) -> Any:
    """Return what two names of one object share; equal numbers and words are not one object for being equal."""
    if isinstance(thing, str | int | float | bytes):
        return name, thing, *module.__name__.split(".")[1:2]
    return name, id(thing)


def _raise(name: str) -> None:
    raise ImportError(f"{name} cannot be imported")
