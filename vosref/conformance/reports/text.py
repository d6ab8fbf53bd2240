"""A report as plain text, for terminals and logs."""

from vosref.conformance.failures import count, story
from vosref.conformance.report import Report, Row
from vosref.conformance.reports.numbers import percent, shown

__all__ = ["table", "verdict"]

HEADINGS = ("operation", "dtype", "passed", "failed", "expected", "not claimed", "margin", "of", "ambiguous")
RIGHT = {"passed", "failed", "expected", "not claimed", "margin", "ambiguous"}


def table(report: Report, /) -> str:
    """Return a sentence, a row for each operation and data type that is claimed, and the failures."""
    claimed = [row for row in report.rows() if row.margin is not None or row.expected]
    rows = [HEADINGS, *map(_cells, claimed)]
    hidden = {
        HEADINGS.index(name)
        for name in ("expected", "ambiguous", "not claimed")
        if all(row[HEADINGS.index(name)] in ("0", "–") for row in rows[1:])
    }
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    aligned = [
        "  ".join(_padded(cell, i, widths[i]) for i, cell in enumerate(row) if i not in hidden).rstrip() for row in rows
    ]
    lines = [verdict(report), *(["", *aligned] if claimed else [])]
    if unclaimed := dict.fromkeys(row.operation for row in report.rows() if row not in claimed):
        lines += ["", f"not claimed: {', '.join(unclaimed)}"]
    return "\n".join([*lines, *(["", *map(story, report.failures)] if report.failures else [])])


def verdict(report: Report, /) -> str:
    """Say in a sentence what became of it all."""
    counts = ", ".join(f"{n} {status}" for status, n in report.counts().items() if n) or "nothing was checked"
    what = "conforms" if report.ok else "does not conform" if report.failures else "is not known to conform"
    checks = count(len(report.outcomes), "check")
    return f"{report.subject} {what}: {counts} ({checks}, level {report.level}, seed {report.seed})"


def _cells(row: Row) -> tuple[str, ...]:
    numbers = (row.passed, row.failed, row.expected, row.not_claimed)
    case = row.at.partition("/")[2].rpartition(":")[0]
    return (row.operation, row.dtype, *map(str, numbers), shown(row.margin), case, percent(row.ambiguous))


def _padded(cell: str, i: int, width: int) -> str:
    return cell.rjust(width) if HEADINGS[i] in RIGHT else cell.ljust(width)
