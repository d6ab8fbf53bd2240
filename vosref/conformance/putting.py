"""One check put to a subject: judged, and where it fails explained, with what is needed to show it again.

Everything here can run in another process, for it takes and returns what can be pickled.
"""

from typing import Any, NamedTuple

from vosref.conformance.checks import Check, Outcome, run_check
from vosref.conformance.operations import OPERATIONS
from vosref.conformance.operations.operation import Problem
from vosref.conformance.recording import Recorder
from vosref.conformance.reproducer import Reproducer, reproducer_for

__all__ = ["Put", "cause_of", "put"]


class Put(NamedTuple):
    """A check to be put to a subject."""

    subject: Any
    check: Check
    diagnose: bool
    reproduce: bool


def put(task: Put, /) -> tuple[Outcome, Reproducer | None]:
    """Judge a check, and where it fails name the cause and prepare the file that shows it again."""
    recorder = Recorder(task.subject)
    outcome = _cleaned(run_check(recorder, task.check))
    if outcome.status not in ("failed", "error"):
        return outcome, None
    problem = task.check.problem()
    if task.diagnose and outcome.verdict is not None:
        outcome = outcome._replace(cause=_cause(task, problem, outcome))
    if not task.reproduce:
        return outcome, None
    arithmetic = task.subject.capabilities.arithmetic(task.check.dtype)
    return outcome, reproducer_for(outcome, task.check, problem, recorder.answers, arithmetic)


def _cleaned(outcome: Outcome) -> Outcome:
    """Replace what UTF-8 cannot hold: a foreign message may contain anything."""
    return outcome._replace(note=outcome.note.encode("utf-8", "backslashreplace").decode())


def _cause(task: Put, problem: Problem, outcome: Outcome) -> str:
    return cause_of(
        task.check.operation,
        problem,
        outcome.verdict,
        task.subject.capabilities.arithmetic(task.check.dtype),
        invariant=task.check.is_invariant,
    )


def cause_of(operation: str, problem: Problem, verdict: Any, arithmetic: Any, /, *, invariant: bool = False) -> str:
    """Return the sentences of the diagnosis, or that there could be none: it must never hide what it is about."""
    from vosref.conformance.diagnosis import diagnose  # noqa: PLC0415 - loads every mutant

    try:
        return "\n".join(diagnose(OPERATIONS[operation], problem, verdict, arithmetic, invariant=invariant))
    except Exception as error:  # it computes with whatever a subject gave
        return f"none could be named ({type(error).__name__}: {error})"
