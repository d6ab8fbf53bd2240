"""Golden vectors: cases with the right answers, for those who run no Python; what each file is, and how they are made.

A folder of vectors has a ``manifest.json``, a ``README.txt`` and a folder for each case, as in `case_files`, whose
``expected`` has the reference's results in float64. Beside each is its bound, element by element, for the arithmetic
that the case names; or, of labels, the mask of those that are allowed; or neither, where only equality is right.
Equal arguments give equal bytes. Written to a name that ends in .tar.gz, the folder becomes one file.

`SHIPPED` comes with the library. Whoever changes an operation writes it again::

    python -m vosref vectors export --profile tiny vosref/conformance/data/vectors-tiny.tar.gz
"""

import math
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vosref import __version__
from vosref.conformance.arithmetic import DTYPES
from vosref.conformance.array_files import FORMATS, safe_name
from vosref.conformance.case_files import flattened
from vosref.conformance.checks import Check
from vosref.conformance.documents import digest, json_text, write_document
from vosref.conformance.operations import OPERATIONS
from vosref.conformance.operations.operation import Operation
from vosref.conformance.packing import PACKED, pack
from vosref.conformance.vector import write_vector
from vosref.io import InputError, output_folder

__all__ = ["PROFILES", "SHIPPED", "VERSION", "Profile", "checks_of", "export"]

VERSION = 1  # of the format
SHIPPED = Path(__file__).parent / "data" / "vectors-tiny.tar.gz"
README = """\
Golden vectors of {generator}: what each operation of FEELVOS and TVOS must give.

manifest.json   all cases, and of every array: data type, shape, file, SHA-256
CASE/           a case; its name is the case's id, / # : written as + ~ =
  case.json     what is asked and given, and where a program writes its results
  case.txt      the same, a fact a line
  expected*     the right results in float64, and of each NAME:
                NAME.bound    how far off each element may be, for the arithmetic in the manifest, or
                NAME.allowed  labels that each pixel may have: its last axis is the manifest's ids

Raw arrays are little-endian, in C order, without a header; bfloat16 is the upper two bytes of a float32, a bool is one
byte. An implementation is right where |its result - the right one| <= bound, for every element.

Write your results as case.json says, into a folder GOT/CASE for each case that you have, and judge them:
  vosref vectors check GOT THIS_FOLDER
"""


class Profile(NamedTuple):
    """Which cases are exported."""

    dtypes: tuple[str, ...]
    n_random: int  # of each operation and data type, beside the named ones
    largest: float = math.inf  # bytes of inputs


PROFILES = {"tiny": Profile(("float32",), 0, 2.0**15), "small": Profile(DTYPES, 3)}


def export(
    folder: str | os.PathLike[str],
    /,
    *,
    profile: str = "tiny",
    array_format: str = "raw",
    operations: Iterable[str] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Write golden vectors, whole or not at all.

    Parameters
    ----------
    folder : path
        Where to: new, or empty; or a file's name that ends in .tar.gz, which is replaced.
    profile : {"tiny", "small"}
        Every operation's named cases of at most 32 KiB, in float32; or all, in all its data types, and random ones.
    array_format : {"raw", "safetensors"}
    operations : iterable of str, optional
        Their names; by default all.
    seed : int
        That cases are drawn from.

    Returns
    -------
    dict
        The manifest.

    Raises
    ------
    InputError
        If an argument is none of these, or the folder cannot be written or has something in it.
    """
    names = _known(profile, array_format, operations, seed)
    target = Path(folder)
    packed = target.name.endswith(PACKED)
    if target.is_dir() if packed else target.is_file() or (target.is_dir() and any(target.iterdir())):
        raise InputError(f"OUT: {target} is there already; name a new or empty folder, or a file that ends in .tar.gz")
    parent = output_folder(target.absolute().parent, argument="OUT")
    temporary = parent / f".{secrets.token_hex(8)}"
    try:
        temporary.mkdir()
        manifest = _write(temporary, profile, array_format, names, seed)
        if packed:
            pack(temporary, target)
        else:
            if target.is_dir():
                target.rmdir()
            temporary.rename(target)
    except OSError as error:
        raise InputError(
            f"OUT: {target} cannot be written ({error.strerror or error}); choose another place"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return manifest


def checks_of(profile: str, operation: Operation, seed: int, /) -> Iterator[Check]:
    """List the cases of an operation that a profile has."""
    wanted = PROFILES[profile]
    for dtype in (dtype for dtype in wanted.dtypes if dtype in operation.dtypes):
        names = [s.name for s in operation.sketches if "large" not in s.flags or dtype != "float16"]
        checks = [Check(operation.name, name, seed, dtype) for name in names]
        checks += [Check(operation.name, "random", seed + i, dtype) for i in range(wanted.n_random)]
        yield from (check for check in checks if _size(check) <= wanted.largest)


def _known(profile: str, array_format: str, operations: Iterable[str] | None, seed: int) -> tuple[str, ...]:
    """Return the operations' names in their own order, once all arguments are known to be right."""
    names = tuple(OPERATIONS if operations is None else operations)
    for argument, value, choices in (
        ("profile", profile, PROFILES),
        ("array_format", array_format, FORMATS),
        *(("operations", name, OPERATIONS) for name in names),
    ):
        if value not in choices:
            raise InputError(f"{argument} must be one of {', '.join(choices)}, got {value!r}")
    if seed < 0:
        raise InputError(f"seed must be 0 or more, got {seed}")
    return tuple(name for name in OPERATIONS if name in names)


def _write(folder: Path, profile: str, array_format: str, names: tuple[str, ...], seed: int) -> dict[str, Any]:
    cases, generator = [], f"vosref {__version__}"
    for check in (check for name in names for check in checks_of(profile, OPERATIONS[name], seed)):
        (folder / safe_name(check.id)).mkdir()
        with np.errstate(all="ignore"):
            cases.append(write_vector(folder / safe_name(check.id), check, array_format))
    write_document(folder / "README.txt", README.format(generator=generator))
    documents = sorted(folder.glob("*.txt")) + [f for c in cases for f in sorted((folder / c["folder"]).glob("case.*"))]
    manifest = {
        "format": "vosref-vectors",
        "format_version": VERSION,
        "generator": generator,
        "profile": profile,
        "array_format": array_format,
        "seed": seed,
        "documents": {path.relative_to(folder).as_posix(): digest(path) for path in documents},
        "cases": cases,
    }
    write_document(folder / "manifest.json", json_text(manifest))
    return manifest


def _size(check: Check) -> int:
    return sum(np.asarray(array).nbytes for array in flattened(check.problem().inputs).values())
