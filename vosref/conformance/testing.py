"""The checks as tests of pytest: one decorator, in scikit-learn's style."""

import importlib
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

from vosref.conformance.checks import Check, checks_for
from vosref.conformance.expectations import Expectations
from vosref.conformance.failures import FAILING, ConformanceError, story
from vosref.conformance.putting import Put, put
from vosref.conformance.reproducer import write_reproducer
from vosref.conformance.runner import chosen_operations
from vosref.conformance.subjects import as_subject

__all__ = ["TestedCheck", "parametrize_with_checks"]


def parametrize_with_checks(
    subjects: Sequence[Any],
    /,
    *,
    level: str = "core",
    operations: Sequence[str] | None = None,
    seed: int = 0,
    expected_failed: Mapping[str, str] | None = None,
    xfail_strict: bool = True,
    reproducers: str | PathLike[str] | None = None,
) -> Any:
    """Make a test of ``(subject, check)`` one test for every check of every subject.

    Parameters
    ----------
    subjects : sequence of object
        Implementations, as in `check_subject`; their names are the beginnings of the tests' names.
    level, operations, seed, expected_failed, xfail_strict, reproducers
        As in `check_subject`. What is expected to fail is marked so, with its reason.

    Returns
    -------
    pytest.MarkDecorator

    Raises
    ------
    ModuleNotFoundError
        If pytest is not installed.
    TypeError
        If a subject is a class, or there is no sequence of them.
    ValueError
        If another argument is not of its kind.
    """
    pytest, chosen, reasons = _pytest(), chosen_operations(operations), expected_failed or {}
    parameters = []
    for subject in _listed(subjects):
        judged = as_subject(subject)
        checks = list(checks_for(judged, level=level, operations=chosen, seed=seed))
        expected = Expectations(reasons, judged, checks, seed=seed)
        for check in checks:
            reason = expected.reason(check)
            marks = [pytest.mark.xfail(reason=reason, strict=xfail_strict)] if reason else []
            tested = TestedCheck(check, reproducers=None if reason else reproducers)
            parameters.append(pytest.param(subject, tested, marks=marks, id=f"{judged.name}-{check.id}"))
    return pytest.mark.parametrize(("subject", "check"), parameters)


class TestedCheck:
    """A check as a function of a subject: it returns, skips what is not claimed, or raises a ConformanceError."""

    __test__ = False  # pytest collects what is called so

    def __init__(self, check: Check, *, reproducers: str | PathLike[str] | None = None) -> None:
        self.check, self._reproducers = check, reproducers

    def __repr__(self) -> str:
        return self.check.id

    def __call__(self, subject: Any, /) -> None:
        """Put the check to a subject."""
        outcome, reproducer = put(Put(as_subject(subject), self.check, True, self._reproducers is not None))
        if outcome.status == "not claimed":
            note = f"; {outcome.note}" if outcome.note else ""
            _pytest().skip(f"not claimed: {outcome.operation} in {self.check.dtype}{note}")
        if reproducer is not None and self._reproducers is not None:
            from vosref.io import output_folder  # noqa: PLC0415 - loads Pillow

            folder = output_folder(self._reproducers, argument="reproducers")
            outcome = outcome._replace(reproducer=str(write_reproducer(folder, reproducer)))
        if outcome.status in FAILING:
            raise ConformanceError(story(outcome))


def _pytest() -> Any:
    try:
        return importlib.import_module("pytest")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "parametrize_with_checks makes tests of pytest, which is not installed; pip install pytest, or use "
            "check_subject, which needs none"
        ) from error


def _listed(subjects: Any) -> list[Any]:
    if not isinstance(subjects, list | tuple):
        raise TypeError(f"subjects must be a list, got {type(subjects).__name__}; write [subject]")
    for subject in subjects:
        if isinstance(subject, type):
            raise TypeError(f"subjects must be objects, got the class {subject.__name__}; write {subject.__name__}()")
    return list(subjects)
