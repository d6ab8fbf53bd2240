"""A report as JSON.

``subject``
    Its name.
``capabilities``
    The fields of `vosref.conformance.Capabilities`.
``level``, ``seed``
    Of the run.
``versions``
    Of ``vosref``, ``python``, ``numpy``, the subject's namespace, and each of the ``operations``.
``ok``, ``counts``
    Whether it conforms, and how many checks have each status.
``outcomes``
    In the order of the checks, the fields of `vosref.conformance.checks.Outcome`; instead of the verdict there is the
    worst ``element``: its ``output``, ``index``, ``got``, the ``relation`` that it should have to ``reference``,
    ``bound``, and how many elements are ``failing`` of how many ``elements``; null where nothing failed, or nothing
    could be compared.

Numbers that are not finite are written "infinite", "-infinite" and "not a number". Two runs differ in
``seconds`` alone.
"""

import json
from typing import Any

from vosref.conformance.checks import Outcome
from vosref.conformance.judge import Verdict
from vosref.conformance.report import Report
from vosref.conformance.reports.numbers import finite

__all__ = ["as_json", "element"]


def as_json(report: Report, /) -> str:
    """Return a report as JSON, with a line end."""
    capabilities = {name: _plain(value) for name, value in report.capabilities._asdict().items()}
    whole = {
        "subject": report.subject,
        "capabilities": capabilities,
        "level": report.level,
        "seed": report.seed,
        "versions": dict(report.versions),
        "ok": report.ok,
        "counts": report.counts(),
        "outcomes": [_outcome(outcome) for outcome in report.outcomes],
    }
    return json.dumps(whole, indent=1, allow_nan=False) + "\n"


def element(verdict: Verdict | None, /) -> dict[str, Any] | None:
    """Return the worst element of a verdict, as JSON has it."""
    if verdict is None or verdict.worst is None or verdict.got is None or verdict.reference is None:
        return None
    at, failing = verdict.worst, verdict.failing
    return {
        "output": verdict.output,
        "index": list(at),
        "got": finite(float(verdict.got[at])),
        "relation": verdict.relation,
        "reference": finite(float(verdict.reference[at])),
        "bound": None if verdict.bound is None else finite(float(verdict.bound[at])),
        "failing": None if failing is None else int(failing.sum()),
        "elements": int(verdict.got.size),
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    fields = {name: finite(value) for name, value in outcome._asdict().items() if name != "verdict"}
    return fields | {"seconds": round(outcome.seconds, 6), "element": element(outcome.verdict)}


def _plain(value: Any) -> Any:
    return dict(value) if hasattr(value, "keys") else finite(value)
