"""The command ``vosref conform``: an implementation that is not ours, judged; or the kit itself, by its mutants."""

import importlib
import itertools
import json
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from vosref.cli.console import bar, fail, out_console, probe, stoppable

__all__ = ["conform"]

REPORTS = ("json", "junit", "markdown", "html")

Subject = Annotated[
    str | None,
    typer.Argument(
        metavar="[SUBJECT]",
        help="MODULE:NAME of a class or an object with methods by the operations' names, or one of ours: definition, "
        "numba, array-api-strict, torch, torch-definition, cupy, float16, bfloat16.",
    ),
]


def conform(
    subject: Subject = None,
    command: Annotated[
        str | None,
        typer.Option("--exec", metavar="COMMAND", help="Judge a program: './runner {case_dir}' reads a case there."),
    ] = None,
    level: Annotated[
        str, typer.Option(help="core: named cases; extended: 25 random ones too; exhaustive: 1000.")
    ] = "core",
    operation: Annotated[list[str] | None, typer.Option(help="Only this operation; may be repeated.")] = None,
    dtype: Annotated[list[str] | None, typer.Option(help="Of a program, float32 by default; may be repeated.")] = None,
    declare: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=VALUE", help="How a program computes, such as squares=direct or accumulate=float32."
        ),
    ] = None,
    array_format: Annotated[
        str, typer.Option("--format", help="Of a program's arrays: raw, little-endian numbers, or safetensors.")
    ] = "raw",
    timeout: Annotated[float, typer.Option(help="Seconds that a program may take for a case.")] = 60.0,
    seed: Annotated[int, typer.Option(help="That cases are drawn from: the same bits everywhere.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes that checks run in.")] = 1,
    expect: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Failures that are expected: a line ID: REASON for each.")
    ] = None,
    reproducers: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a Python file for each failure, which shows it again.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write everything for programs.")
    ] = None,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write JUnit's XML, as CI reads it.")] = None,
    markdown: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the table for a pull request.")] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write one page that explains every failure.")
    ] = None,
    mutants: Annotated[bool, typer.Option("--mutants", help="Judge the kit: which checks kill which mutants.")] = False,
    table: Annotated[
        bool, typer.Option("--table", help="Run ours in every namespace, print where they are right, and end.")
    ] = False,
    contracts: Annotated[
        bool, typer.Option("--contracts", help="Print the contracts of the operations, and end.")
    ] = False,
) -> None:
    """Judge an implementation by derived error bounds, and say why it is wrong; end with 0 if it conforms, else 1.

    What the subject does not claim is reported as such, and is never a pass.
    """
    chosen = _operations(operation)
    for option, path in zip(REPORTS, (json_file, junit, markdown, html), strict=True):
        if path is not None:
            probe(f"--{option}", path)
    if contracts:
        _contracts(chosen)
        return
    if table:
        _table()
        return
    if sum((subject is not None, command is not None, mutants)) != 1:
        raise typer.BadParameter("one of SUBJECT, --exec and --mutants must be given")
    with stoppable("nothing was written"), _executor(workers) as executor:
        if mutants:
            _kills(json_file, seed, chosen, executor)
            return
        if command is not None:
            judged = _program(command, dtype, declare, array_format, timeout)
        else:
            judged = _named(subject or "")
        options = {"level": level, "operations": chosen, "seed": seed, "reproducers": reproducers}
        _judge(judged, options | {"expected_failed": _expected(expect)}, executor, (json_file, junit, markdown, html))


def _judge(subject: Any, options: dict[str, Any], executor: Executor | None, paths: tuple[Path | None, ...]) -> None:
    from vosref.conformance import check_subject  # noqa: PLC0415 - `vosref --help` needs none of it
    from vosref.conformance.checks import LEVELS, checks_for  # noqa: PLC0415
    from vosref.conformance.subjects import as_subject  # noqa: PLC0415
    from vosref.io import InputError  # noqa: PLC0415

    if options["level"] not in LEVELS:
        raise typer.BadParameter(f"--level must be one of {', '.join(LEVELS)}, got {options['level']}")
    drawn = {name: options[name] for name in ("level", "operations", "seed")}
    total, done = sum(1 for _ in checks_for(as_subject(subject), **drawn)), itertools.count(1)
    with bar("checks", total, unit="checks") as show:
        try:
            report = check_subject(subject, **options, executor=executor, callback=lambda _: show(next(done)))
        except InputError:
            raise
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
    for form, path in zip(REPORTS, paths, strict=True):
        if path is not None:
            getattr(report, f"to_{form}")(path)
    out_console.print(report.table(), soft_wrap=True)
    if not report.ok:
        raise typer.Exit(1)


def _kills(json_file: Path | None, seed: int, chosen: tuple[str, ...] | None, executor: Executor | None) -> None:
    from vosref.conformance.kills import kill_matrix  # noqa: PLC0415
    from vosref.conformance.mutants import MUTANTS  # noqa: PLC0415
    from vosref.conformance.reports.kills import as_table  # noqa: PLC0415

    tried, some = itertools.count(1), [m for m in MUTANTS if chosen is None or m.operation in chosen]
    with bar("mutants", len(some), unit="mutants") as show:
        matrix = kill_matrix(some, seed=seed, executor=executor, callback=lambda _: show(next(tried)))
    if json_file is not None:
        from vosref.io import write_text  # noqa: PLC0415

        write_text(json_file, json.dumps(matrix.as_json(), indent=1, ensure_ascii=False) + "\n")
    out_console.print(as_table(matrix), soft_wrap=True)
    if not matrix.ok:
        raise typer.Exit(1)


def _operations(names: list[str] | None) -> tuple[str, ...] | None:
    from vosref.conformance import OPERATIONS  # noqa: PLC0415

    for name in names or ():
        if name not in OPERATIONS:
            raise typer.BadParameter(f"--operation must be one of {', '.join(OPERATIONS)}, got {name}")
    return tuple(names) if names else None


def _table() -> None:
    from vosref.conformance.capability_table import as_markdown, measured  # noqa: PLC0415

    out_console.print(as_markdown(measured()), soft_wrap=True)


def _contracts(names: tuple[str, ...] | None) -> None:
    from vosref.conformance import OPERATIONS  # noqa: PLC0415
    from vosref.conformance.reports.contracts import as_text  # noqa: PLC0415

    shown = [OPERATIONS[name] for name in names or OPERATIONS]
    out_console.print("\n\n".join(map(as_text, shown)), soft_wrap=True)


def _named(subject: str) -> Any:
    """Return the subject that a name means: one of ours, or a class or object of a module."""
    from vosref.conformance.builtin import BUILTIN, builtin  # noqa: PLC0415

    if subject in BUILTIN:
        try:
            return builtin(subject)
        except ModuleNotFoundError as error:
            fail(str(error), 1)
    module, _, name = subject.partition(":")
    if not name:
        raise typer.BadParameter(f"SUBJECT must be MODULE:NAME or one of {', '.join(BUILTIN)}, got {subject}")
    sys.path.insert(0, "")  # as Python itself does for modules in the folder that it is run in
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        raise typer.BadParameter(f"SUBJECT: {module} cannot be imported ({error})") from None
    for part in name.split("."):
        if not hasattr(found, part):
            raise typer.BadParameter(f"SUBJECT: {module} has no {name}")
        found = getattr(found, part)
    return found() if isinstance(found, type) else found


def _program(
    command: str, dtypes: list[str] | None, declared: list[str] | None, array_format: str, timeout: float
) -> Any:
    """Return a program as a subject, with what is declared of its arithmetic."""
    from vosref.conformance import Capabilities  # noqa: PLC0415
    from vosref.conformance.executable import Executable  # noqa: PLC0415

    types, fields = tuple(dtypes or ("float32",)), dict[str, Any]()
    for pair in declared or ():
        field, equals, value = pair.partition("=")
        if not equals or field not in ("accumulate", "intermediate", "product", "squares", "ulps", "tie_break"):
            raise typer.BadParameter(
                "--declare takes accumulate, intermediate, product, squares, ulps or tie_break, as FIELD=VALUE, "
                f"got {pair!r}"
            )
        by_type = field in ("accumulate", "intermediate", "product")
        fields[field] = dict.fromkeys(types, value) if by_type else float(value) if field == "ulps" else value
    try:
        claimed = Capabilities(types, **fields).checked()
        return Executable(command, capabilities=claimed, array_format=array_format, timeout=timeout)
    except FileNotFoundError:
        raise
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _expected(path: Path | None) -> dict[str, str]:
    """Read expected failures, a line ID: REASON for each; empty lines and those that begin with # mean nothing."""
    if path is None:
        return {}
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        identifier, colon, reason = text.partition(": ")
        if not colon:
            raise typer.BadParameter(f"--expect: line {number} of {path} must be ID: REASON, got {line!r}")
        found[identifier.strip()] = reason.strip()
    return found


@contextmanager
def _executor(workers: int) -> Iterator[Executor | None]:
    if workers == 1:
        yield None
        return
    with ProcessPoolExecutor(workers) as pool:
        yield pool
