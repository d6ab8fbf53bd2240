"""A failure on the page: its sentence, its element, what may be the cause, and where to look."""

from html import escape

from vosref.conformance.checks import Check, Outcome
from vosref.conformance.reports.bars import bar
from vosref.conformance.reports.data import element
from vosref.conformance.reports.maps import figures

__all__ = ["card"]

DOUBTFUL = ("inconclusive", "xpassed")


def card(outcome: Outcome, /, *, unfolded: bool, drawn: bool) -> str:
    """Return a failure as HTML, unfolded or not, with pictures or without."""
    doubtful = outcome.status in DOUBTFUL
    tone = "doubt" if doubtful else "wrong"
    note = outcome.note or f"expected to fail, and passed: {outcome.reason}"
    parts = [_facts(outcome) or f"<p>{escape(note)}</p>", _cause(outcome)]
    parts += [figures(outcome.verdict, _grid(outcome))] * drawn
    if outcome.reproducer:
        parts.append(f'<p class="path">reproducer <code>{escape(outcome.reproducer)}</code></p>')
    kind = "failure doubtful" if doubtful else "failure"
    head = f'<summary><code>{escape(outcome.id)}</code><span class="badge {tone}">{outcome.status}</span>'
    head += f'<span class="gist soft">{escape(note)}</span></summary>'
    return f'<details class="{kind}"{" open" * unfolded}>{head}<div class="story">{"".join(parts)}</div></details>'


def _facts(outcome: Outcome) -> str:
    """Return the worst element, its values and its margin."""
    worst, verdict = element(outcome.verdict), outcome.verdict
    if worst is None or verdict is None:
        return ""
    index = ", ".join(map(str, worst["index"]))
    facts = {"element": escape(f"{worst['output']}[{index}]"), "got": _text(worst["got"])}
    facts["at most" if verdict.relation == "<=" else "reference"] = _text(worst["reference"])
    facts |= {} if worst["bound"] is None else {"bound": _text(worst["bound"])}
    facts["margin"] = bar(outcome.margin)
    cells = (f'<div><dt>{name}</dt><dd class="number">{value}</dd></div>' for name, value in facts.items())
    return f'<dl class="facts">{"".join(cells)}</dl>'


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.9g}"


def _cause(outcome: Outcome) -> str:
    """Return the diagnosis, but for the values that the pictures show."""
    lines = [line for line in outcome.cause.splitlines() if not line.startswith("around ")]
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<div class="cause"><b>Diagnosis</b><ul>{items}</ul></div>' if items else ""


def _grid(outcome: Outcome) -> tuple[int, int] | None:
    """Return the grid of a check's problem, by its identifier."""
    operation, _, rest = outcome.id.partition("/")
    name, _, rest = rest.partition("@")
    seed, _, dtype = rest.partition("#")[2].partition(":")
    check = Check(operation, name, int(seed), dtype)
    return None if check.is_invariant else check.problem().options.get("grid")
