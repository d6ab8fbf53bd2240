"""How an evaluation is printed: its protocol, the means, a row for each sequence, and what other rules would change."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from vosref.cli.console import out_console, say_warning

__all__ = ["print_judged", "print_moves", "print_pairs", "print_report", "print_rules"]

ROWS = 60  # sequences; of more, the worst
WORST = 10
MOVES = 12  # objects for each value of a rule
NOTES = 20


def print_judged(judged: Any, *, explain: bool) -> None:
    """Print what an evaluation found."""
    print_report(judged.report)
    if explain:
        report = judged.report
        print_moves(judged.moves, protocol=report["protocol"]["name"], n_objects=len(report["objects"]))


def print_report(report: Mapping[str, Any]) -> None:
    """Print the scores of one evaluation, or of several methods side by side."""
    from vosref.runs.budget import spell_bytes  # noqa: PLC0415 - loads the methods

    for note in report["notes"][:NOTES]:
        say_warning(note)
    if more := report["notes"][NOTES:]:
        say_warning(f"and {len(more)} notes more, which --json writes")
    methods = [report, *report.get("compared", ())]
    if len(methods) == 1:
        out_console.print(_sequences(report))
    else:
        out_console.print(_methods(methods))
    n = len(report["objects"])
    m = len(report["sequences"])
    say = f"{report['protocol']['name']}: {n} object{'s' * (n != 1)} in {m} sequence{'s' * (m != 1)}"
    means = ", ".join(f"{name} {_cell(value)}" for name, value in report["global"].items())
    out_console.print(f"{say}; {means}", soft_wrap=True)
    if report["seconds_per_frame"] is not None:
        peak = report["peak_bytes"]
        memory = "" if peak is None else f", peak memory {spell_bytes(peak)}"
        out_console.print(f"{report['seconds_per_frame']:.2f} s a frame{memory}", soft_wrap=True)


def print_rules(protocols: Mapping[str, Any], rules: Mapping[str, Mapping[str, str]]) -> None:
    """Print what each value of each rule means, and which protocols have it."""
    table = Table(title="evaluation: where the protocols part", title_justify="left")
    for heading, width in (("rule", 11), ("value", 14), ("what it means", None), ("protocols", 15)):
        table.add_column(heading, overflow="fold", min_width=width)
    for rule, values in rules.items():
        table.add_section()
        for n, (value, meaning) in enumerate(values.items()):
            names = [name for name, protocol in protocols.items() if protocol.rules()[rule] == value]
            table.add_row("" if n else rule, Text(value, "bold"), meaning, ", ".join(names) or "none")
    out_console.print(table)


def print_pairs(title: str, headings: tuple[str, str], pairs: Mapping[str, str]) -> None:
    """Print what things mean, each under its name."""
    table = Table(title=title, title_justify="left", box=None)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in pairs.items():
        table.add_row(*row)
    out_console.print(table)


def print_moves(moves: Iterable[Any], *, protocol: str, n_objects: int) -> None:
    """Print which rule would move which object's score, and how, the largest moves of each value first."""
    groups: dict[tuple[str, str, tuple[str, ...]], list[Any]] = {}
    for move in moves:
        groups.setdefault((move.rule, move.value, move.protocols), []).append(move)
    if not groups:
        out_console.print(f"no other value of a rule would change a score of the objects ({n_objects})")
        return
    out_console.print(f"\nwhat another value of one rule of {protocol} would change:", soft_wrap=True)
    for (rule, value, names), group in sorted(groups.items(), key=lambda item: _rank(item[0][0])):
        as_in = f"as in {', '.join(names)}" if names else "as in no protocol"
        out_console.print(Text.assemble((f"{rule} {value}", "bold"), f", {as_in}"), soft_wrap=True)
        shown = sorted(group, key=_size, reverse=True)[:MOVES]
        whose = [f"{m.sequence}, {f'object {m.object}' if m.object else 'a missing mask'}" for m in shown]
        for name, move in zip(whose, shown, strict=True):
            out_console.print(f"  {name:<{max(map(len, whose))}}  {'  '.join(_changes(move))}", soft_wrap=True)
        if len(group) > MOVES:
            out_console.print(f"  and {len(group) - MOVES} objects more, which --json writes", soft_wrap=True)


def _rank(rule: str) -> int:
    from vosref.evaluation.protocols import RULES  # noqa: PLC0415

    return list(RULES).index(rule)


def _size(move: Any) -> float:
    """Tell how far a move goes; what enters, leaves or is refused goes furthest."""
    if move.refused or move.before is None or move.after is None:
        return 2.0
    sizes = [abs(a - b) for a, b in zip(move.before, move.after, strict=True)]
    return max((size for size in sizes if size == size), default=2.0)  # noqa: PLR0124 - NaN


def _changes(move: Any) -> tuple[str, ...]:
    if move.refused:
        return ("refused",)
    if move.before is None or move.after is None:
        scores = move.after or move.before
        verb = "enters" if move.before is None else "is no object then"
        return (*(f"{m} {_cell(s)}" for m, s in zip("JF", scores, strict=True)), verb)
    pairs = zip("JF", move.before, move.after, strict=True)
    return tuple(f"{m} {_cell(a)} → {_cell(b)}" for m, a, b in pairs)


def _sequences(report: Mapping[str, Any]) -> Table:
    rows: Sequence[Mapping[str, Any]] = report["sequences"]
    columns = [c for c in ("J-Mean", "F-Mean", "J&F-Mean", "T-Mean", "seconds_per_frame") if any(c in r for r in rows)]
    title = None
    if len(rows) > ROWS:
        key = "J&F-Mean" if "J&F-Mean" in columns else "J-Mean"
        rows = sorted(rows, key=lambda row: 2.0 if row[key] is None else row[key])[:WORST]
        title = f"the {WORST} worst of {len(report['sequences'])} sequences"
    table = Table(title=title, title_justify="left")
    table.add_column("sequence", overflow="fold")
    for column in columns:
        heading = "s a frame" if column == "seconds_per_frame" else column.removesuffix("-Mean")
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(Text(row["sequence"]), *(_cell(row.get(c)) for c in columns))
    return table


def _methods(methods: Sequence[Mapping[str, Any]]) -> Table:
    table = Table()
    table.add_column("")
    for method in methods:
        table.add_column(Text(method["name"]), justify="right", overflow="fold")
    for name in methods[0]["global"]:
        table.add_row(name, *(_cell(method["global"].get(name)) for method in methods))
    return table


def _cell(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.3f}"  # noqa: PLR0124 - NaN
