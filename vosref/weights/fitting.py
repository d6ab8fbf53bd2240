"""Find a network's arrays among those of a file: what is missing, what is unused, what has another shape."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from vosref.weights.errors import shown
from vosref.weights.tables import LAYOUTS, Array, Model, Scheme

__all__ = ["Fit", "brief", "fit", "indented"]

MOCO = "encoder_q."  # the encoder that MoCo trains, beside its slow copy and its queue


class Fit(NamedTuple):
    """Which arrays of a file are which of a network's."""

    scheme: Scheme
    table: tuple[Array, ...]  # what the network needs, of the widths that the file has
    found: dict[str, np.ndarray]  # ours: theirs, in their layout
    missing: tuple[str, ...]  # their keys, or our names where they have none
    unused: tuple[str, ...]  # their keys
    wrong: dict[str, str]  # their keys: what is wrong with the array
    ignored: tuple[str, ...]  # their keys of what is no network's: counters, optimisers

    @property
    def complete(self) -> bool:
        """Whether the file holds the network and nothing else."""
        return not (self.missing or self.unused or self.wrong)

    def report(self) -> list[str]:
        """Every missing, unused and wrong array, in indented groups; those of one layer on a line."""
        groups = {
            "missing": brief(self.missing),
            "unused": brief(self.unused),
            "of another shape or type": brief(self.wrong, self.wrong),
        }
        return [line for title, names in groups.items() if names for line in (f"  {title}:", *indented(names))]

    def loaded(self) -> dict[str, np.ndarray]:
        """Return what was found, in our layout: float32 copies in C order; what float32 cannot hold is infinite."""
        to_ours = LAYOUTS[self.scheme.layout].to_ours
        with np.errstate(over="ignore"):
            return {
                array.name: np.array(to_ours(self.found[array.name], len(array.shape)), np.float32, order="C")
                for array in self.table
                if array.name in self.found
            }


def fit(arrays: Mapping[str, np.ndarray], model: Model, /) -> Fit:
    """Match the arrays of a file, under whichever of the names known for the model fits most of them."""
    theirs, dropped = _without_wrappers(arrays)
    scheme = max(model.schemes, key=lambda s: sum(key in theirs for key in s.keys.values()))
    ignored = [key for key in theirs if scheme.ignores(key)]
    table = (*model.arrays, *_optional(theirs, model, scheme))
    found, missing, wrong = {}, [], {}
    for array in table:
        key = scheme.keys.get(array.name, array.name)
        if key not in theirs:
            missing.append(key)
        elif problem := _problem(theirs[key], LAYOUTS[scheme.layout].shape(array.shape)):
            wrong[key] = problem
        else:
            found[array.name] = theirs[key]
    used = {scheme.keys.get(array.name) for array in table} | set(ignored)
    unused = [key for key in theirs if key not in used]
    return Fit(scheme, table, found, tuple(missing), tuple(unused), wrong, (*dropped, *ignored))


def brief(names: Iterable[str], remarks: Mapping[str, str] | None = None, /) -> list[str]:
    """Names one a line, those of one layer and remark together: ``layer4.0.bn1.{weight, bias}``."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name in names:
        last = re.split(r"[./]", name)[-1]
        remark = f" {remarks[name]}" if remarks else ""
        groups.setdefault((name.removesuffix(last), remark), []).append(last)
    lines = []
    for (parent, remark), parts in groups.items():
        together = [f"{{{', '.join(parts)}}}"] if parent and len(parts) > 1 else parts
        lines += [shown(f"{parent}{part}") + remark for part in together]
    return lines


def indented(names: Iterable[str], /) -> list[str]:
    """Lines that stand under a heading."""
    return [f"    {name}" for name in names]


def _without_wrappers(arrays: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], list[str]]:
    """Take off the names that DataParallel and MoCo put around a network's, and drop MoCo's other arrays."""
    theirs, dropped = dict(arrays), []
    while theirs and all(key.startswith("module.") for key in theirs):
        theirs = {key.removeprefix("module."): a for key, a in theirs.items()}
    if any(key.startswith(MOCO) for key in theirs):
        dropped = [key for key in theirs if not key.startswith(MOCO)]
        theirs = {key.removeprefix(MOCO): a for key, a in theirs.items() if key.startswith(MOCO)}
    return theirs, dropped


def _optional(theirs: Mapping[str, np.ndarray], model: Model, scheme: Scheme) -> list[Array]:
    """Return the arrays that a file may lack, of the width that it gives them; none if it has none of them."""
    for array in model.optional:
        if (given := theirs.get(scheme.keys[array.name])) is None:
            continue
        wanted = LAYOUTS[scheme.layout].shape(array.shape)
        if given.ndim == len(wanted):
            width = given.shape[wanted.index(None)]
            return [a._replace(shape=tuple(width if n is None else n for n in a.shape)) for a in model.optional]
    return []


def _problem(array: np.ndarray, wanted: tuple[int | None, ...]) -> str:
    if array.shape != wanted:
        return f"is {array.shape} where {wanted} is needed"
    return "" if array.dtype.kind == "f" else f"is {array.dtype} where floating point is needed"
