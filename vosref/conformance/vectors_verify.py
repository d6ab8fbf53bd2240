"""Whether golden vectors are whole, and still what the definitions give.

Every file must be there, and no other, with its size and SHA-256. Then each case is made again: its inputs must be the
same bits; its results too, or, where another NumPy or BLAS sums in another order, lie within the bound of float64.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vosref import __version__
from vosref.conformance.array_files import Slot, read_arrays
from vosref.conformance.documents import digest
from vosref.conformance.manifest import read_manifest
from vosref.conformance.packing import opened
from vosref.conformance.vector import INFINITE, array_slots, must_be_usable
from vosref.conformance.vector_again import Fault, made_again
from vosref.io import InputError, MissingInputError

__all__ = ["Fault", "Verification", "verify"]


class Verification(NamedTuple):
    """What became of it."""

    cases: int = 0
    files: int = 0
    identical: int = 0  # arrays of results and bounds that came out again bit for bit
    near: int = 0  # that came out again within the bound of float64
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()  # what could not be made again, and why

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def verify(vectors: str | os.PathLike[str], /) -> Verification:
    """Verify a folder of vectors, or one that is packed.

    Raises
    ------
    MissingInputError
        If there is none, or it has no manifest.
    """
    with opened(vectors) as folder:
        try:
            manifest = read_manifest(folder)
        except MissingInputError:
            raise
        except InputError as error:
            return Verification(faults=(Fault("manifest.json", str(error)),))
        broken = _broken_files(folder, manifest)
        damaged = {fault.where for fault in broken}
        ours = manifest["generator"] == f"vosref {__version__}"
        with np.errstate(all="ignore"):
            again = [
                made_again(folder, case, damaged, array_format=manifest["array_format"], same_wording=ours)
                for case in manifest["cases"]
            ]
        return Verification(
            cases=len(again),
            files=len(_files(manifest)) + 1,
            identical=sum(made.identical for made in again),
            near=sum(made.near for made in again),
            faults=(*broken, *(fault for made in again for fault in made.faults)),
            notes=tuple(dict.fromkeys(made.note for made in again if made.note)),
        )


def _files(manifest: dict[str, Any]) -> dict[str, str]:
    """SHA-256 of every file but the manifest."""
    arrays = {f"{c['folder']}/{slot.file}": sha for c in manifest["cases"] for _, slot, sha in array_slots(c)}
    return manifest["documents"] | arrays


def _broken_files(folder: Path, manifest: dict[str, Any]) -> list[Fault]:
    named = _files(manifest)
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    faults = [Fault(file, "is missing") for file in named if file not in found]
    faults += [Fault(file, "belongs to no case") for file in sorted(found - named.keys() - {"manifest.json"})]
    for case in manifest["cases"]:
        for part, slot, _ in array_slots(case):
            if (file := f"{case['folder']}/{slot.file}") in found:
                infinite = part == "bound" or INFINITE in case["flags"]
                faults += _broken_array(folder / case["folder"], slot, file, infinite)
    broken = {fault.where for fault in faults}
    other = [file for file, sha in named.items() if file in found - broken and digest(folder / file) != sha]
    return faults + [Fault(file, "has another SHA-256 than the manifest says") for file in other]


def _broken_array(folder: Path, slot: Slot, file: str, infinite: bool) -> Iterator[Fault]:
    try:
        must_be_usable(slot.name, read_arrays(folder, [slot])[slot.name], infinite=infinite)
    except ValueError as error:
        yield Fault(file, str(error).removeprefix(f"{folder / slot.file} ").removeprefix(f"{folder / slot.file}: "))
