"""A report as Markdown, for pull requests and for the pages of a repository."""

from vosref.conformance.checks import Outcome
from vosref.conformance.failures import count
from vosref.conformance.report import Report, Row
from vosref.conformance.reports.numbers import percent, shown
from vosref.conformance.reports.text import verdict

__all__ = ["as_markdown"]

HEADINGS = (
    "operation",
    "data type",
    "passed",
    "failed",
    "expected to fail",
    "not claimed",
    "largest margin",
    "of check",
    "ambiguous",
)


def as_markdown(report: Report, /) -> str:
    """Return a report as Markdown, with a line end."""
    claimed = [row for row in report.rows() if row.margin is not None or row.expected]
    lines = [f"# {_escaped(report.subject)}", "", ("✅ " if report.ok else "❌ ") + _escaped(verdict(report)), ""]
    lines += [f"| {' | '.join(HEADINGS)} |", "|---|---|--:|--:|--:|--:|--:|---|--:|"]
    lines += [_row(row) for row in claimed]
    if report.failures:
        lines += ["", f"## {count(len(report.failures), 'failure').capitalize()}"]
        for outcome in report.failures:
            lines += ["", *_failure(outcome)]
    expected = [outcome for outcome in report.outcomes if outcome.status == "xfailed"]
    if expected:
        lines += ["", "## Expected to fail", ""]
        lines += [f"- `{outcome.id}`: {_escaped(outcome.reason)}" for outcome in expected]
    unclaimed = dict.fromkeys(row.operation for row in report.rows() if row not in claimed)
    if unclaimed:
        lines += ["", "Not claimed: " + ", ".join(f"`{name}`" for name in unclaimed) + "."]
    versions = ", ".join(f"{name} {value}" for name, value in report.versions.items() if name != "operations")
    return "\n".join(
        [*lines, "", f"A margin is |got - reference| / bound, at most 1 where it is right. {versions}.", ""]
    )


def _row(row: Row) -> str:
    numbers = " | ".join(str(n) for n in (row.passed, row.failed, row.expected, row.not_claimed))
    check = f"`{row.at.partition('/')[2]}`" if row.at else ""
    margin = f"**{shown(row.margin)}**" if row.failed else shown(row.margin)
    return f"| `{row.operation}` | {row.dtype} | {numbers} | {margin} | {check} | {percent(row.ambiguous)} |"


def _failure(outcome: Outcome) -> list[str]:
    lines = [f"### `{outcome.id}`", "", f"{outcome.status}: {_escaped(outcome.note or outcome.reason)}"]
    if outcome.cause:
        lines += ["", *(f"- {_escaped(line)}" for line in outcome.cause.splitlines())]
    return [*lines, "", f"Reproducer: `{outcome.reproducer}`"] if outcome.reproducer else lines


def _escaped(text: str) -> str:
    """Let text stand for itself: no emphasis, no tags, no cells, one line."""
    for mark in "\\`*_[]<>|#":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())
