"""Check a file of weights under our names: whether it is whole, sane, and from the source that it says."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from vosref.weights.catalogue import SHIPPED, located, model_card
from vosref.weights.errors import MissingWeightsError, WeightsError, shown
from vosref.weights.fitting import Fit, brief, fit
from vosref.weights.models import model
from vosref.weights.safetensors_file import SafetensorsFile, map_safetensors
from vosref.weights.source import source_sha256

__all__ = ["Check", "verify"]


class Check(NamedTuple):
    """One thing that was looked at, and what is wrong with it, a line each."""

    what: str
    problems: tuple[str, ...]


def verify(
    path: str | Path, /, *, model_name: str | None = None, source: str | Path | None = None
) -> tuple[Check, ...]:
    """Check a safetensors file against a network's table.

    Parameters
    ----------
    path : path
        The file, or the name of weights that come with vosref, which are also compared with their model card.
    model_name : str, optional
        The network; by default the one that the file's header says.
    source : path, optional
        What the file was converted from, to compare its SHA-256 with the header's.

    Raises
    ------
    WeightsError
        If the file cannot be read, or neither it nor the caller says which network it is.
    """
    said, path = str(path), located(path)
    if not path.exists():
        raise MissingWeightsError(f"{path} does not exist; check its spelling")
    file = map_safetensors(path)
    name = model_name or file.metadata.get("model")
    if name is None:
        raise WeightsError(f"{path} does not say which network it is; name it with --model")
    fitted = fit(file.arrays, model(name))
    checks = [_table(name, file, fitted), *_numbers(fitted)]
    if said in SHIPPED:
        checks.append(_card(said, path))
    if source is not None:
        checks.append(_source(file, source))
    return tuple(checks)


def _table(name: str, file: SafetensorsFile, fitted: Fit) -> Check:
    problems = fitted.report()
    if said := [shown(said) for said in (file.metadata.get("model"),) if said not in (None, name)]:
        problems.append(f"the header says {said[0]}")
    if fitted.scheme.layout != "ours":
        problems.append(f"these are {fitted.scheme.title} names: convert the file first")
    what = f"{len(fitted.found)} of {len(fitted.table)} arrays of {name}, by name and shape"
    if random := file.metadata.get("random", "").split():
        what += f"; {len(random)} of them were drawn at random"
    return Check(what, tuple(problems))


def _numbers(fitted: Fit) -> list[Check]:
    types = [f"{name} is {a.dtype}" for name, a in fitted.found.items() if a.dtype not in (np.float32, np.float16)]
    infinite = [name for name, a in fitted.found.items() if not np.isfinite(a).all()]
    negative = [name for name, a in fitted.found.items() if name.endswith("/variance") and (a < 0).any()]
    return [
        Check("every number is float32 or float16", tuple(types)),
        Check("every number is finite", tuple(brief(infinite))),
        Check("no variance is negative", tuple(brief(negative))),
    ]


def _card(name: str, path: Path) -> Check:
    found = source_sha256(path)
    problem = () if found in model_card(name) else (f"its model card names another, {path} has {found}",)
    return Check("the file has the SHA-256 of its model card", problem)


def _source(file: SafetensorsFile, source: str | Path) -> Check:
    said, found = file.metadata.get("source_sha256", "nothing"), source_sha256(source)
    problem = () if said == found else (f"the header says {shown(said)}, {source} has {found}",)
    return Check("the source has the SHA-256 of the header", problem)
