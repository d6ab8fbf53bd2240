"""A report as one page of HTML that needs nothing but itself, and runs no scripts."""

import base64
import hashlib
from collections import Counter
from html import escape
from importlib.resources import files
from itertools import groupby
from string import Template
from typing import Any

from vosref.conformance.checks import STATUSES, Outcome
from vosref.conformance.failures import count
from vosref.conformance.operations import OPERATIONS
from vosref.conformance.report import Report, Row
from vosref.conformance.reports.bars import bar
from vosref.conformance.reports.cards import card
from vosref.conformance.reports.numbers import percent

__all__ = ["as_html"]

TONES = {"passed": "right", "failed": "wrong", "error": "wrong", "inconclusive": "doubt", "xpassed": "doubt"}
HEADINGS = (
    "operation",
    "data type",
    "passed",
    "failed",
    "expected",
    "not claimed",
    "largest margin",
    "of check",
    "ambiguous",
)
OPEN = 2  # failures of each operation that are unfolded
DRAWN = 60  # failures that have pictures


def as_html(report: Report, /) -> str:
    """Return a report as HTML."""
    folder = files("vosref.conformance.reports")
    style = (folder / "style.css").read_text(encoding="utf-8")
    named = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    seconds = sum(outcome.seconds for outcome in report.outcomes)
    return Template((folder / "page.html").read_text(encoding="utf-8")).substitute(
        title=escape(report.subject),
        style=style,
        style_hash=f"sha256-{named}",
        header=_header(report),
        main="\n".join(filter(None, (_table(report), _failures(report), _expected(report), _every(report)))),
        footer=f"{count(len(report.outcomes), 'check')} in {seconds:.1f} s. A margin is |got − reference| / bound: "
        "at most 1, the mark of its bar, where a result is right.",
    )


def _header(report: Report) -> str:
    tone, word = ("right", "conforms") if report.ok else ("wrong", "does not conform")
    if not report.ok and not report.failures:
        tone, word = "doubt", "not known to conform"
    tallies = [
        f'<li class="{TONES.get(status, "")}"><b>{n}</b><span>{status}</span></li>'
        for status, n in report.counts().items()
        if n
    ]
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in _facts(report).items())
    return f"""<div class="title"><h1>{escape(report.subject)}</h1><span class="badge {tone}">{word}</span></div>
<p class="soft">{count(len(report.outcomes), "check")}, level {escape(report.level)}, seed {report.seed}</p>
<ul class="tallies">{"".join(tallies)}</ul>
<dl class="about">{facts}</dl>"""


def _facts(report: Report) -> dict[str, str]:
    """Return what a subject claims, and with what it was judged."""
    claimed = report.capabilities
    facts = {"arrays": claimed.namespace + (f" on {claimed.device}" if claimed.device else "")}
    for dtype in claimed.dtypes:
        how = claimed.arithmetic(dtype)
        product = f", products of {how.product}" if how.product else ""
        facts[dtype] = (
            f"sums in {how.accumulate}, kept between steps in {how.intermediate}{product}; squares {how.squares}; "
            f"functions within {how.ulps:g} ulp; ties: {how.tie_break}"
        )
    limits = {"objects": claimed.max_objects, "pixels": claimed.max_pixels}
    most = ", ".join(f"{n} {name}" for name, n in limits.items() if n is not None)
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items() if name != "operations")
    return facts | ({"at most": most} if most else {}) | {"judged by": versions}


def _table(report: Report) -> str:
    hidden = {
        name
        for name, values in (
            ("expected", [row.expected for row in report.rows()]),
            ("not claimed", [row.not_claimed for row in report.rows()]),
            ("ambiguous", [row.ambiguous for row in report.rows()]),
        )
        if not any(values)
    }
    counts = HEADINGS[2:6]
    heads = (f"<th{_right(name in counts)}>{name}</th>" for name in HEADINGS if name not in hidden)
    bodies = []
    for operation, rows in groupby(report.rows(), lambda row: row.operation):
        own = list(rows)
        equation = OPERATIONS[operation].equation if operation in OPERATIONS else ""
        head = f'<th rowspan="{len(own)}" scope="rowgroup">{escape(operation)}<small>{escape(equation)}</small></th>'
        lines = [f"<tr>{head if i == 0 else ''}{_row(row, hidden)}</tr>" for i, row in enumerate(own)]
        bodies.append(f"<tbody>{''.join(lines)}</tbody>")
    table = f"<table><thead><tr>{''.join(heads)}</tr></thead>{''.join(bodies)}</table>"
    return f'<section><h2>Operations</h2><div class="box" tabindex="0">{table}</div></section>'


def _row(row: Row, hidden: set[str]) -> str:
    numbers = {"passed": row.passed, "failed": row.failed, "expected": row.expected, "not claimed": row.not_claimed}
    cells = [f"<td>{escape(row.dtype)}</td>"]
    for name, n in numbers.items():
        if name not in hidden:
            tone = " bad" if name == "failed" and n else "" if n else " none"
            cells.append(f'<td class="count{tone}">{n}</td>')
    check = row.at.partition("/")[2].rpartition(":")[0]
    cells += [f"<td>{bar(row.margin)}</td>", f"<td><code>{escape(check)}</code></td>"]
    return "".join([*cells, *([] if "ambiguous" in hidden else [f"<td>{percent(row.ambiguous)}</td>"])])


def _failures(report: Report) -> str:
    if not report.failures:
        return ""
    cards, seen = [], Counter[str]()
    for i, outcome in enumerate(report.failures):
        cards.append(card(outcome, unfolded=seen[outcome.operation] < OPEN, drawn=i < DRAWN))
        seen[outcome.operation] += 1
    title = count(len(report.failures), "failure").capitalize()
    return f"<section><h2>{title}</h2>{''.join(cards)}</section>"


def _expected(report: Report) -> str:
    expected = [outcome for outcome in report.outcomes if outcome.status == "xfailed"]
    if not expected:
        return ""
    lines = "".join(f"<tr><td><code>{escape(o.id)}</code></td><td>{escape(o.reason)}</td></tr>" for o in expected)
    head = "<thead><tr><th>check</th><th>reason</th></tr></thead>"
    table = f"<table>{head}<tbody>{lines}</tbody></table>"
    return f'<section><h2>Expected to fail</h2><div class="box" tabindex="0">{table}</div></section>'


def _every(report: Report) -> str:
    lines = "".join(map(_line, sorted(report.outcomes, key=lambda outcome: STATUSES.index(outcome.status))))
    head = "<thead><tr><th>check</th><th>status</th><th>margin</th><th>note</th></tr></thead>"
    table = f"<table>{head}<tbody>{lines}</tbody></table>"
    summary = f"<summary>All {count(len(report.outcomes), 'check')}</summary>"
    return f'<section class="all"><details>{summary}<div class="box" tabindex="0">{table}</div></details></section>'


def _line(outcome: Outcome) -> str:
    judged = outcome.status != "not claimed"
    tone = TONES.get(outcome.status, "")
    cells = (
        f"<td><code>{escape(outcome.id)}</code></td>",
        f'<td><span class="badge {tone}">{outcome.status}</span></td>',
        f"<td>{bar(outcome.margin) if judged else ''}</td>",
        f'<td class="note soft">{escape(outcome.note or outcome.reason)}</td>',
    )
    return f"<tr>{''.join(cells)}</tr>"


def _right(is_count: Any) -> str:
    return ' class="count"' if is_count else ""
