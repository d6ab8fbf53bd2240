"""``recipe.json``: what a training run is, so that it can be repeated, and no other run is taken for it."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vosref.io import InputError, write_text

__all__ = ["RECORD", "check_same", "read_record", "write_record"]

RECORD = "recipe.json"
PLACES = ("root", "file")  # where things lie does not change what they are


def write_record(out: Path, run: Mapping[str, Any], sitting: Mapping[str, Any], /) -> None:
    """Write what a run is, and where this sitting and those before were.

    Parameters
    ----------
    out : path
        Folder of the run.
    run : mapping
        What makes it this run.
    sitting : mapping
        Machine and versions, which may differ from sitting to sitting.
    """
    earlier = read_record(out)["sittings"] if (out / RECORD).exists() else []
    earlier = earlier if sitting.get("from_step") else []  # a run that begins anew has none
    write_text(out / RECORD, json.dumps({**run, "sittings": [*earlier, sitting]}, indent=1) + "\n")


def read_record(out: Path, /) -> dict[str, Any]:
    """Read the record in a run's folder.

    Raises
    ------
    InputError
        If it is damaged.
    """
    path = out / RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(record["sittings"], list):
            raise TypeError("sittings is no list")
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not the record of a training run ({error}); give another folder") from error
    return record


def check_same(out: Path, run: Mapping[str, Any], /) -> None:
    """Refuse to go on with another run than the one in a folder.

    Raises
    ------
    InputError
        With all that differs.
    """
    there, here = (dict(_leaves(json.loads(json.dumps(of)))) for of in (read_record(out), run))
    names = [name for name in {**there, **here} if name.split(".")[0] in run]
    if differing := [
        f"{name} is {there.get(name, 'not')} there and {here.get(name, 'not')} here"
        for name in names
        if there.get(name) != here.get(name)
    ]:
        raise InputError(
            f"OUT: {out} holds another run: {'; '.join(differing)}; give another folder, or the same settings"
        )


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield all that is no mapping nor list of mappings, by its dotted name."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        value = {str(n): part for n, part in enumerate(value)}
    if not isinstance(value, dict):
        if name.rpartition(".")[2] not in PLACES:
            yield name, value
        return
    for key, part in value.items():
        yield from _leaves(part, f"{name}.{key}".lstrip("."))
