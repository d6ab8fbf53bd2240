"""Failures that are expected, each with its reason: named by check, by case, or by operation."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vosref.conformance.checks import Check, Outcome, checks_for
from vosref.conformance.failures import FAILING

__all__ = ["Expectations"]


class Expectations:
    """Reasons by pattern: the identifier of a check, or the beginning of one up to a separator.

    Raises
    ------
    TypeError
        If they are no mapping.
    ValueError
        If a reason is missing, or a pattern means no check of the subject at any level.
    """

    def __init__(self, reasons: Mapping[str, str], subject: Any, checks: Sequence[Check], /, *, seed: int) -> None:
        if not isinstance(reasons, Mapping):
            raise TypeError(f"expected_failed must be a mapping from checks to reasons, got {type(reasons).__name__}")
        self._reasons = dict(reasons)
        for pattern, reason in self._reasons.items():
            if not isinstance(reason, str) or not reason:
                raise ValueError(f"expected_failed[{pattern!r}] must be a reason, in words, got {reason!r}")
            if not _means_any(pattern, checks):
                _must_mean(pattern, list(checks_for(subject, level="exhaustive", seed=seed)))

    def reason(self, check: Check, /) -> str:
        """Return why a check is expected to fail; nothing where it is not."""
        return next((reason for pattern, reason in self._reasons.items() if check.matches(pattern)), "")

    def applied(self, check: Check, outcome: Outcome, /) -> Outcome:
        """Return the outcome as "xfailed" or "xpassed" where a failure was expected."""
        if not (reason := self.reason(check)) or outcome.status == "not claimed":
            return outcome
        return outcome._replace(status="xfailed" if outcome.status in FAILING else "xpassed", reason=reason)


def _means_any(pattern: str, checks: Iterable[Check]) -> bool:
    return any(check.matches(pattern) for check in checks)


def _must_mean(pattern: str, checks: Sequence[Check]) -> None:
    if _means_any(pattern, checks):
        return
    named = {name for check in checks for name in (check.operation, f"{check.operation}/{check.name}", check.id)}
    close = difflib.get_close_matches(pattern, sorted(named), 1)
    meant = f"; did you mean {close[0]!r}?" if close else "; a callback prints the identifiers of all checks"
    raise ValueError(f"expected_failed must name checks of the subject, got {pattern!r}, which means none{meant}")
