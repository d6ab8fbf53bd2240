"""How a failure is told: the error that the asserting entry points raise, and its sentences."""

from vosref.conformance.checks import Outcome

__all__ = ["FAILING", "ConformanceError", "count", "is_failure", "story"]

FAILING = ("failed", "error", "inconclusive")


class ConformanceError(AssertionError):
    """An implementation does not conform; the message says where, by how much, and what may be the cause."""


def story(outcome: Outcome, /) -> str:
    """Tell what became of a check that is not as it should be: a line, then its cause and its reproducer."""
    causes = "\n         ".join(outcome.cause.splitlines()) or _extent(outcome)
    named = (("expected to fail", outcome.reason), ("cause", causes), ("reproducer", outcome.reproducer))
    lines = [f"  {name}: {text}" for name, text in named if text]
    return "\n".join([f"{outcome.subject}: {outcome.id} {_became(outcome)}", *lines])


def is_failure(outcome: Outcome, /, *, xfail_strict: bool) -> bool:
    """Whether a check failed, raised, could not be decided, or passed against a strict expectation."""
    return outcome.status in FAILING or (outcome.status == "xpassed" and xfail_strict)


def count(n: int, thing: str, /) -> str:
    """Count things, in English."""
    return f"{n} {thing}{'s' * (n != 1)}"


def _became(outcome: Outcome) -> str:
    if outcome.status == "xpassed":
        return "passed, and was expected to fail; take it off expected_failed"
    return f"{outcome.status}: {outcome.note}"


def _extent(outcome: Outcome) -> str:
    """Say how many elements are wrong, where that can be said."""
    failing = None if outcome.verdict is None else outcome.verdict.failing
    if failing is None or not failing.any():
        return ""
    return f"{int(failing.sum())} of {count(failing.size, 'element')} beyond the bound"
