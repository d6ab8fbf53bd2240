"""A report as JUnit's XML, as Jenkins, GitLab, GitHub's actions and others read it.

An operation is a suite, a check a case of it. What could not be decided, and what passed and was expected to fail, are
failures; what is not claimed, and what failed and was expected to, are skipped.
"""

import re
from collections.abc import Sequence
from xml.etree import ElementTree as Xml

from vosref.conformance.checks import Outcome
from vosref.conformance.failures import story
from vosref.conformance.report import Report

__all__ = ["as_junit"]

FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 cannot hold
KINDS = ("failure", "error", "skipped")


def as_junit(report: Report, /) -> str:
    """Return a report as XML, with a line end."""
    failing = {id(outcome) for outcome in report.failures}
    root = Xml.Element("testsuites", {"name": _clean(report.subject), **_totals(report.outcomes, failing)})
    for operation in dict.fromkeys(outcome.operation for outcome in report.outcomes):
        own = [outcome for outcome in report.outcomes if outcome.operation == operation]
        suite = Xml.SubElement(root, "testsuite", {"name": operation, **_totals(own, failing)})
        properties = Xml.SubElement(suite, "properties")
        for name, value in _properties(report, operation).items():
            Xml.SubElement(properties, "property", {"name": name, "value": _clean(value)})
        for outcome in own:
            _case(suite, outcome, failing)
    Xml.indent(root, " ")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def _case(suite: Xml.Element, outcome: Outcome, failing: set[int]) -> None:
    name = outcome.id.removeprefix(f"{outcome.operation}/")
    about = {"classname": _clean(f"{outcome.subject}.{outcome.operation}"), "name": name, "time": _time([outcome])}
    case = Xml.SubElement(suite, "testcase", about)
    kind = _kind(outcome, failing)
    if kind == "skipped":
        reason = f"expected to fail: {outcome.reason}" if outcome.status == "xfailed" else "not claimed"
        note = f"; {outcome.note}" if outcome.note else ""
        Xml.SubElement(case, "skipped", {"message": _clean(reason + note)})
    elif kind:
        message = outcome.note or outcome.reason or outcome.status
        told = Xml.SubElement(case, kind, {"message": _clean(message), "type": outcome.status})
        told.text = _clean(story(outcome))


def _kind(outcome: Outcome, failing: set[int]) -> str:
    """Return the name of what a case holds; none for what passed."""
    if id(outcome) in failing:
        return "error" if outcome.status == "error" else "failure"
    return "skipped" if outcome.status in ("not claimed", "xfailed") else ""


def _totals(outcomes: Sequence[Outcome], failing: set[int]) -> dict[str, str]:
    kinds = [_kind(outcome, failing) for outcome in outcomes]
    names = {"failure": "failures", "error": "errors", "skipped": "skipped"}
    sums = {names[kind]: str(kinds.count(kind)) for kind in KINDS}
    return {"tests": str(len(outcomes)), **sums, "time": _time(outcomes)}


def _properties(report: Report, operation: str) -> dict[str, str]:
    versions = {name: str(value) for name, value in report.versions.items() if name != "operations"}
    version = str(report.versions.get("operations", {}).get(operation, ""))
    return {"level": report.level, "seed": str(report.seed), "operation version": version, **versions}


def _time(outcomes: Sequence[Outcome]) -> str:
    return f"{sum(outcome.seconds for outcome in outcomes):.6f}"


def _clean(text: str) -> str:
    return FORBIDDEN.sub("\ufffd", text)
