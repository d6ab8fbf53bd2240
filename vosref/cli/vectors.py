"""The commands on golden vectors: ``vosref vectors export``, ``verify`` and ``check``."""

import json
import math
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from vosref.cli.console import fail, out_console, probe, say_warning, stoppable

__all__ = ["app"]

STYLES = {
    "passed": "green",
    "fails": "bold red",
    "failed": "bold red",
    "error": "bold red",
    "inconclusive": "bold yellow",
}
SHOWN = 20  # lines, unless all are asked for

app = typer.Typer(
    no_args_is_help=True,
    help="Golden vectors: the right results of every operation, with bounds, for implementations in any language.",
)

JsonFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the whole report to this file.")]
Every = Annotated[bool, typer.Option("--all", help="Print every line, not the first 20.")]


@app.command()
def export(
    out: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="A new or empty folder; or a file that ends in .tar.gz, which is replaced."),
    ],
    profile: Annotated[
        str,
        typer.Option(
            help="tiny: named cases of at most 32 KiB, in float32; small: all, in all types, and random ones."
        ),
    ] = "tiny",
    array_format: Annotated[
        str, typer.Option("--format", help="raw: little-endian numbers without a header; or safetensors.")
    ] = "raw",
    operation: Annotated[
        list[str] | None, typer.Option(help="Only this one, as local_matching; may be given several times.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="That the cases are drawn from.")] = 0,
) -> None:
    """Write inputs, right results in float64, the bound of every element, and the labels that are allowed.

    A folder for each case, with a case.json and a case.txt that say the same; README.txt explains the rest. The same
    arguments give the same bytes.
    """
    from vosref.conformance import vectors  # noqa: PLC0415 - loads NumPy and every definition
    from vosref.conformance.array_files import FORMATS  # noqa: PLC0415
    from vosref.conformance.operations import OPERATIONS  # noqa: PLC0415

    for option, values, choices in (
        ("--profile", [profile], vectors.PROFILES),
        ("--format", [array_format], FORMATS),
        ("--operation", operation or [], OPERATIONS),
    ):
        for value in values:
            if value not in choices:
                raise typer.BadParameter(f"{option} must be one of {', '.join(choices)}, got {value}")
    with stoppable("nothing was written"):
        manifest = vectors.export(
            out, profile=profile, array_format=array_format, operations=operation or None, seed=seed
        )
    cases = manifest["cases"]
    kinds = {case["operation"] for case in cases}
    out_console.print(f"{out}: {_count(len(cases), 'case')} of {_count(len(kinds), 'operation')}", soft_wrap=True)


@app.command()
def verify(
    vectors: Annotated[
        Path | None,
        typer.Argument(metavar="VECTORS", help="A folder or a .tar.gz file; by default those that come with vosref."),
    ] = None,
    every: Every = False,
    json_file: JsonFile = None,
) -> None:
    """Check that vectors are whole, and still what the definitions give; end with 0 if so, else 1.

    The schema, every file's size and SHA-256, no file missing or too many, no number that is undefined. Then all cases
    are made again: inputs must be the same bits, and results the same or, on another build of NumPy, within rounding.
    """
    from vosref.conformance.vectors import SHIPPED  # noqa: PLC0415 - loads NumPy and every definition
    from vosref.conformance.vectors_verify import verify as verified  # noqa: PLC0415

    place = vectors or SHIPPED
    if json_file is not None:
        probe("--json", json_file)
    with stoppable("the vectors were not looked at to their end"):
        found = verified(place)
    if json_file is not None:
        faults = [fault._asdict() for fault in found.faults]
        _write(json_file, {"vectors": str(place), "ok": found.ok, **found._asdict(), "faults": faults})
    _lines([("fails", f"{fault.where}: {fault.what}") for fault in found.faults], every=every)
    for note in found.notes:
        say_warning(note)
    files = f"{_count(found.cases, 'case')} in {_count(found.files, 'file')}"
    if not found.ok:
        fail(f"{place} has {_count(len(found.faults), 'fault')}; {files}", 1)
    again = f"{_count(found.identical, 'array')} of results and bounds came out again bit for bit"
    near = f", and {found.near} within the bound of float64" if found.near else ""
    out_console.print(f"{place}: {files}, all whole; {again}{near}", soft_wrap=True)


@app.command()
def check(
    got: Annotated[
        Path, typer.Argument(metavar="GOT", help="A folder of results: one for each case, named as the vectors' are.")
    ],
    vectors: Annotated[
        Path | None,
        typer.Argument(metavar="VECTORS", help="A folder or a .tar.gz file; by default those that come with vosref."),
    ] = None,
    every: Every = False,
    json_file: JsonFile = None,
) -> None:
    """Judge your results by the bounds and the allowed labels of golden vectors; end with 0 if none is wrong, else 1.

    A case without results is "not claimed", which is no failure. Where results belong, and in which data type, its
    case.json and case.txt say: distance.bin, or results.safetensors.
    """
    from vosref.conformance.vectors import SHIPPED  # noqa: PLC0415 - loads NumPy and every definition
    from vosref.conformance.vectors_check import check as judged  # noqa: PLC0415

    place = vectors or SHIPPED
    if json_file is not None:
        probe("--json", json_file)
    with stoppable("the results were not judged to their end"):
        found = judged(got, place)
    if json_file is not None:
        _write(json_file, {"got": str(got), "vectors": str(place), "ok": found.ok, **_judgement(found)})
    lines = [(o.status, f"{o.id}: {_said(o)}") for o in found.outcomes if o.status != "not claimed"]
    _lines([line for line in lines if every or line[0] != "passed"], every=every)
    if found.unknown:
        say_warning(f"{_count(len(found.unknown), 'folder')} of no case: {', '.join(found.unknown[:SHOWN])}")
    out_console.print(", ".join(f"{n} {status}" for status, n in sorted(found.counts().items())), soft_wrap=True)
    if not found.ok:
        raise typer.Exit(1)


def _lines(lines: list[tuple[str, str]], *, every: bool) -> None:
    """Print what is said of each, up to a number."""
    for status, said in lines if every else lines[:SHOWN]:
        out_console.print(Text.assemble((f"{status:13}", STYLES[status]), said), soft_wrap=True)
    if len(lines) > SHOWN and not every:
        out_console.print(f"{len(lines) - SHOWN} more, which --all prints", soft_wrap=True)


def _said(outcome: Any) -> str:
    return outcome.note or f"margin {outcome.margin:.2g}"


def _judgement(found: Any) -> dict[str, Any]:
    fields = ("id", "operation", "status", "margin", "ambiguous", "note")
    outcomes = [{field: _finite(getattr(outcome, field)) for field in fields} for outcome in found.outcomes]
    return {"counts": found.counts(), "outcomes": outcomes, "unknown": found.unknown}


def _write(path: Path, report: dict[str, Any]) -> None:
    from vosref.io import write_text  # noqa: PLC0415

    write_text(path, json.dumps(report, indent=1, allow_nan=False) + "\n")


def _finite(value: Any) -> Any:
    return "infinite" if isinstance(value, float) and not math.isfinite(value) else value


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
