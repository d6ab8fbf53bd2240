"""The command ``vosref parity``: where a port of a network first differs from ours."""

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from vosref.cli.console import out_console, stoppable

__all__ = ["parity"]

SHOWN = 5  # points that do not agree, and unused names, of the short report
STYLES = {"agrees": "green", "doubtful": "bold yellow", "differs": "bold red"}


def parity(
    weights: Annotated[str, typer.Argument(metavar="WEIGHTS", help="A converted file, or a name, as tvos-lite0.")],
    against: Annotated[
        Path,
        typer.Option(
            metavar="ACTIVATIONS.safetensors",
            help="Arrays, float32 or float64, by the names of our points, or of PyTorch's modules as a forward hook "
            "gives them, and the frame: image, (H, W, 3) of 0 to 255, or standardised as input.",
        ),
    ],
    model: Annotated[str | None, typer.Option(help="The network; by default the one that the header says.")] = None,
    output_stride: Annotated[
        int | None, typer.Option(help="Of the network; by default 8, and 32 of EfficientNet-Lite.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Print a row for every point.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all rows to this file.")] = None,
) -> None:
    """Compare a network, layer by layer, with activations of another implementation; end with 0 if all agree, else 1.

    Each layer is given the other's input, and may differ by what rounding can explain: a bound for each number.

    Export on a CPU or without TF32, and copies: an in-place ReLU overwrites what it is given.
    """
    from vosref import parity as comparing  # noqa: PLC0415 - loads NumPy and the networks
    from vosref.weights import MODELS  # noqa: PLC0415

    if model is not None and model not in MODELS:
        raise typer.BadParameter(f"--model must be one of {', '.join(MODELS)}, got {model}")
    options: dict[str, Any] = {} if output_stride is None else {"output_stride": output_stride}
    with stoppable("the comparison did not reach its end"):
        model = model or comparing.model_of(weights)
        if output_stride not in (None, *(strides := comparing.output_strides(model))):
            allowed = ", ".join(map(str, strides))
            raise typer.BadParameter(f"--output-stride must be one of {allowed} for {model}, got {output_stride}")
        verdicts = comparing.compare(weights, against, model=model, **options)
        if json_file is not None:
            _write(json_file, model, verdicts)
        _report(model, verdicts, every=every)
    if verdicts.first is not None:
        raise typer.Exit(1)


def _report(model: str, verdicts: Any, *, every: bool) -> None:
    from vosref.weights import shown  # noqa: PLC0415

    rows, unused = verdicts.rows, [*map(shown, verdicts.unused)]
    names = f"{len(unused)} unused name{'s' * (len(unused) != 1)}"
    counts = f"{_points(rows)} compared, {len(verdicts.absent)} not in the file, {names}"
    some = ", ".join(unused if every else unused[:SHOWN]) + (", …" if len(unused) > SHOWN and not every else "")
    out_console.print(f"{model}: {counts}" + (f": {some}" if unused else ""), soft_wrap=True)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("", "point", "bounds", "|difference|", "relative"):
        table.add_column(heading, justify="right" if heading[2:] not in ("", "int") else "left", no_wrap=True)
    for verdict, name, group in ((r.verdict, r.name, (r,)) for r in rows) if every else _groups(rows, verdicts.first):
        largest = (max(getattr(row, field) for row in group) for field in ("ratio", "difference", "relative"))
        table.add_row(Text(verdict, STYLES[verdict]), name, *map(_number, largest))
    out_console.print(table)
    for note in dict.fromkeys(row.note for row in rows if row.note):
        noted = [row.name for row in rows if row.note == note]
        where = noted[0] if len(noted) == 1 else f"{len(noted)} points, first {noted[0]}"
        out_console.print(f"{where}: {note}", soft_wrap=True)
    out_console.print(_sentence(rows, verdicts.first), soft_wrap=True)


def _groups(rows: Sequence[Any], first: Any) -> Iterable[tuple[str, str, Sequence[Any]]]:
    """Yield the lines of the short table: points that agree together, those that do not one by one, up to a number."""
    if first is None:
        yield "agrees", f"all {_points(rows)}" if len(rows) > 1 else rows[0].name, rows
        return
    at = rows.index(first)
    if at:
        yield "agrees", f"{_points(rows[:at])} before", rows[:at]
    odd, even = ([row for row in rows[at:] if row.agrees is agrees] for agrees in (False, True))
    yield from ((row.verdict, row.name, (row,)) for row in odd[:SHOWN])
    for verdict in ("differs", "doubtful"):
        if rest := [row for row in odd[SHOWN:] if row.verdict == verdict]:
            yield verdict, f"{_points(rest)} more", rest
    if even:
        yield "agrees", f"{_points(even)} after", even


def _sentence(rows: Sequence[Any], first: Any) -> str:
    if first is None:
        worst = max(rows, key=lambda row: row.ratio)
        wide = [row for row in rows if row.width > 1]
        but = f"; at {_points(wide)}, the bound is wider than the values, and only the relative difference tells: "
        but += "add what comes before to the file"
        agrees = f"no difference: everything agrees, at worst {_number(worst.ratio)} bounds at {worst.name}"
        return agrees + but * bool(wide)
    what = {"differs": "first difference", "doubtful": "first doubt"}[first.verdict]
    size = "beyond any bound" if first.where else "of another shape"
    size = size if math.isinf(first.ratio) else f"{_number(first.ratio)} bounds"
    if first.where:
        place = ", ".join(f"{axis} {i}" for axis, i in zip(("row", "column", "channel"), first.where, strict=True))
        size += f" (largest |difference| {_number(first.difference)} at {place})"
    if first.verdict == "doubtful":
        size += f"; within the bound, but {_number(first.relative)} of the values' size is more than rounding makes"
    before = "it is the first point" if rows[0] is first else "everything before it agrees"
    agrees = f"\nours agrees {first.hint}" if first.hint else ""
    return f"{what}: {first.name}, {size}; {before}{agrees}"


def _write(path: Path, model: str, verdicts: Any) -> None:
    from vosref.io import write_text  # noqa: PLC0415

    rows = [{name: _finite(value) for name, value in row._asdict().items()} for row in verdicts.rows]
    first = None if verdicts.first is None else verdicts.first.name
    report = {"model": model, "first": first, "rows": rows, "absent": verdicts.absent, "unused": verdicts.unused}
    write_text(path, json.dumps(report, indent=1) + "\n")


def _finite(value: Any) -> Any:
    return "infinite" if isinstance(value, float) and not math.isfinite(value) else value


def _points(rows: Sequence[Any]) -> str:
    return f"{len(rows)} point{'s' * (len(rows) != 1)}"


def _number(value: float) -> str:
    return "∞" if math.isinf(value) else f"{value:.2g}"
