"""What became of all checks of a subject: to be asked, printed, or written for people and for machines."""

import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any, NamedTuple

import numpy as np

from vosref.conformance.capabilities import Capabilities
from vosref.conformance.checks import STATUSES, Outcome
from vosref.conformance.failures import ConformanceError, is_failure, story
from vosref.conformance.operations import OPERATIONS

__all__ = ["Report", "Row", "dtype_of", "versions_for"]


class Row(NamedTuple):
    """The checks of one operation in one data type."""

    operation: str
    dtype: str
    passed: int
    failed: int  # with errors, and what could not be decided
    expected: int  # failures that were expected
    not_claimed: int
    margin: float | None  # the largest, but for failures that were expected; None where nothing was judged
    at: str  # identifier of the check of that margin; empty where it is 0
    ambiguous: float  # largest share of pixels with several allowed labels


@dataclass(frozen=True)
class Report:
    """The outcomes of the checks of one subject, in the order of the checks."""

    subject: str
    capabilities: Capabilities
    level: str
    seed: int
    versions: Mapping[str, Any]
    outcomes: tuple[Outcome, ...]
    xfail_strict: bool = True  # whether what passes and was expected to fail is a failure

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """What failed, raised, could not be decided, or passed and was expected to fail."""
        return tuple(outcome for outcome in self.outcomes if self._fails(outcome))

    @property
    def ok(self) -> bool:
        """Whether nothing failed, and something passed."""
        return not self.failures and any(outcome.status == "passed" for outcome in self.outcomes)

    def counts(self) -> dict[str, int]:
        """How many checks have each status."""
        return {status: sum(outcome.status == status for outcome in self.outcomes) for status in STATUSES}

    def worst(self, operation: str, /) -> Outcome:
        """Return the outcome of the largest margin of an operation.

        Raises
        ------
        ValueError
            If no check of it was judged.
        """
        judged = [o for o in self.outcomes if o.operation == operation and o.status != "not claimed"]
        if not judged:
            names = ", ".join(dict.fromkeys(o.operation for o in self.outcomes if o.status != "not claimed"))
            raise ValueError(
                f"operation must be one that was judged, {names or 'of which there is none'}, got {operation!r}"
            )
        return max(judged, key=lambda outcome: outcome.margin)

    def rows(self) -> tuple[Row, ...]:
        """Sum the outcomes up by operation and data type."""
        groups: dict[tuple[str, str], list[Outcome]] = {}
        for outcome in self.outcomes:
            groups.setdefault((outcome.operation, dtype_of(outcome)), []).append(outcome)
        return tuple(self._row(*key, outcomes) for key, outcomes in groups.items())

    def table(self) -> str:
        """Return the rows and the failures as text."""
        from vosref.conformance.reports.text import table  # noqa: PLC0415 - reports import this module

        return table(self)

    def raise_if_failed(self) -> None:
        """Raise a ConformanceError that tells all failures, or that nothing passed."""
        if self.failures:
            raise ConformanceError("\n".join(map(story, self.failures)))
        if not self.ok:
            raise ConformanceError(
                f"{self.subject}: none of {len(self.outcomes)} checks passed, so nothing is known of it"
            )

    def to_json(self, path: str | PathLike[str], /) -> None:
        """Write everything for programs (`vosref.conformance.reports.data`)."""
        self._write("data", path)

    def to_junit(self, path: str | PathLike[str], /) -> None:
        """Write JUnit's XML, as continuous integration reads it: a suite for each operation."""
        self._write("junit", path)

    def to_markdown(self, path: str | PathLike[str], /) -> None:
        """Write the table and the failures as Markdown."""
        self._write("markdown", path)

    def to_html(self, path: str | PathLike[str], /) -> None:
        """Write one page that needs nothing but itself."""
        self._write("html", path)

    def _write(self, form: str, path: str | PathLike[str]) -> None:
        from vosref.conformance import reports  # noqa: PLC0415 - reports import this module
        from vosref.io import write_text  # noqa: PLC0415 - loads Pillow

        write_text(path, reports.FORMS[form](self))

    def _fails(self, outcome: Outcome) -> bool:
        return is_failure(outcome, xfail_strict=self.xfail_strict)

    def _row(self, operation: str, dtype: str, outcomes: Iterable[Outcome]) -> Row:
        some, unclaimed = [], 0
        for outcome in outcomes:
            unclaimed += outcome.status == "not claimed"
            some += [outcome] * (outcome.status != "not claimed")
        expected = sum(outcome.status == "xfailed" for outcome in some)
        failed = sum(map(self._fails, some))
        judged = [outcome for outcome in some if outcome.status != "xfailed"]
        worst = max(judged, key=lambda outcome: outcome.margin, default=None)
        margin, at = (None, "") if worst is None else (worst.margin, worst.id if worst.margin else "")
        shared = max((outcome.ambiguous for outcome in some), default=0.0)
        passed = len(some) - expected - failed
        return Row(operation, dtype, passed, failed, expected, unclaimed, margin, at, shared)


def dtype_of(outcome: Outcome, /) -> str:
    """Return the data type of a check."""
    return outcome.id.rpartition(":")[2]


def versions_for(capabilities: Capabilities, operations: Iterable[str], /) -> dict[str, Any]:
    """Return what a report depends on: versions of the libraries and of the operations."""
    from vosref import __version__  # noqa: PLC0415 - the package may still be loading

    libraries = {"vosref": __version__, "python": platform.python_version(), "numpy": np.__version__}
    theirs = capabilities.namespace.partition(".")[0]
    if (module := sys.modules.get(theirs)) is not None:
        libraries[theirs] = str(getattr(module, "__version__", "unknown"))
    return {**libraries, "operations": {name: OPERATIONS[name].version for name in operations}}
