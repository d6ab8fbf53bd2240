"""Checks: an operation's named cases, its random ones, and its invariants, each with an identifier that stays.

``local_matching/window_clipped@1#0:float32`` is the case window_clipped of version 1 of the operation, drawn from the
seed 0, in float32. Whoever lists a failure that is expected may leave out the seed and the data type, or all but the
operation.
"""

import time
import traceback
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from vosref.conformance.capabilities import NotClaimedError
from vosref.conformance.draws import Seeded
from vosref.conformance.judge import AMBIGUOUS, Verdict, bounds, judge, judge_claims, problem_for, reference
from vosref.conformance.operations import OPERATIONS
from vosref.conformance.operations.operation import Invariant, Operation, Probe, Problem, Sketch

__all__ = ["LEVELS", "Check", "Outcome", "checks_for", "run_check", "settled"]

LEVELS = {"core": 0, "extended": 25, "exhaustive": 1000}  # random cases of each operation and data type
STATUSES = ("passed", "failed", "error", "inconclusive", "xfailed", "xpassed", "not claimed")


class Check(NamedTuple):
    """One question to a subject."""

    operation: str
    name: str  # of the case, or the invariant
    seed: int
    dtype: str

    @property
    def id(self) -> str:
        """What it is called, now and in later versions."""
        return f"{self.operation}/{self.name}@{OPERATIONS[self.operation].version}#{self.seed}:{self.dtype}"

    @property
    def is_invariant(self) -> bool:
        """Whether it needs no reference."""
        return any(self.name == invariant.name for invariant in OPERATIONS[self.operation].invariants)

    def matches(self, pattern: str, /) -> bool:
        """Whether an identifier, or the beginning of one up to a separator, means this check."""
        return self.id == pattern or any(self.id.startswith(pattern + mark) for mark in "/@#:")

    def problem(self) -> Problem:
        """Return inputs, rounded to the data type, and options."""
        return problem_for(self._drawn()(Seeded(self.seed, f"{self.operation}/{self.name}")), self.dtype)

    def _drawn(self) -> Any:
        operation = OPERATIONS[self.operation]
        named: list[Sketch | Invariant] = [*operation.sketches, *operation.invariants]
        made = next((part.make for part in named if part.name == self.name), operation.random)
        return made or operation.random


class Outcome(NamedTuple):
    """What became of a check."""

    id: str
    operation: str
    subject: str
    status: str  # one of STATUSES
    margin: float = 0.0  # the largest over all outputs and elements
    ambiguous: float = 0.0  # share of pixels with several allowed labels, or of elements without a bound
    seconds: float = 0.0
    note: str = ""  # what was wrong, in a sentence
    reason: str = ""  # why a failure was expected
    cause: str = ""  # the diagnosis
    reproducer: str = ""  # a file that shows it again
    verdict: Verdict | None = None  # of the worst output


def checks_for(
    subject: Any, /, *, level: str = "core", operations: tuple[str, ...] | None = None, seed: int = 0
) -> Iterator[Check]:
    """List the checks of a level that concern a subject, those of what it does not claim included, in a fixed order."""
    if level not in LEVELS:
        raise ValueError(f"level must be one of {', '.join(LEVELS)}, got {level!r}")
    for name in operations or ():
        if name not in OPERATIONS:
            raise ValueError(f"operations must be some of {', '.join(OPERATIONS)}, got {name!r}")
    for operation in OPERATIONS.values():
        if operations is not None and operation.name not in operations:
            continue
        for dtype in subject.capabilities.dtypes:
            if dtype in operation.dtypes:
                yield from _of_operation(operation, dtype, LEVELS[level], seed)


def _of_operation(operation: Operation, dtype: str, n_random: int, seed: int) -> Iterator[Check]:
    names = [s.name for s in operation.sketches if "large" not in s.flags or dtype != "float16"]
    for name in (*names, *(invariant.name for invariant in operation.invariants)):
        yield Check(operation.name, name, seed, dtype)
    for i in range(n_random):
        yield Check(operation.name, "random", seed + i, dtype)


def run_check(subject: Any, check: Check, /) -> Outcome:
    """Put a check to a subject; whatever it raises is the outcome."""
    operation, began = OPERATIONS[check.operation], time.perf_counter()
    here = Outcome(check.id, check.operation, subject.name, "not claimed")
    if not subject.claims(operation, check.dtype):
        return here
    problem = check.problem()
    if too_large(subject, problem):
        return here._replace(note="larger than the subject claims")
    try:
        with np.errstate(all="ignore"):
            verdicts = verdicts_of(subject, operation, check, problem)
    except NotClaimedError as error:
        return here._replace(note=str(error))
    except Exception as error:  # a foreign implementation may raise anything
        where = traceback.extract_tb(error.__traceback__)[-1]
        note = f"{type(error).__name__}: {error} ({where.filename}:{where.lineno})"
        return here._replace(status="error", margin=np.inf, note=note, seconds=time.perf_counter() - began)
    status, worst, shared = settled(verdicts)
    return here._replace(
        status=status,
        margin=worst.margin,
        ambiguous=shared,
        seconds=time.perf_counter() - began,
        note=sentence(worst, shared),
        verdict=worst if status != "passed" else None,
    )


def settled(verdicts: list[Verdict], /) -> tuple[str, Verdict, float]:
    """Return the status of several outputs together, the verdict of the worst, and the largest ambiguous share."""
    worst = max(verdicts, key=lambda verdict: verdict.margin)
    shared = max(verdict.ambiguous for verdict in verdicts)
    if not worst.margin <= 1:  # nor is what is no number a pass
        return "failed", worst, shared
    status = "inconclusive" if shared > AMBIGUOUS else "passed"
    return status, worst, shared


def verdicts_of(subject: Any, operation: Operation, check: Check, problem: Problem, /) -> list[Verdict]:
    """Judge a case by the reference, or an invariant by itself."""
    arithmetic = subject.capabilities.arithmetic(check.dtype)
    if not check.is_invariant:
        got = subject.run(operation, problem.inputs, problem.options, check.dtype)
        return judge(operation, problem.inputs, problem.options, got, arithmetic)

    def bound(inputs: Any, options: Any) -> Any:
        return bounds(operation, inputs, options, reference(operation, inputs, options), arithmetic)

    probe = Probe(lambda inputs, options: subject.run(operation, inputs, options, check.dtype), bound)
    invariant = next(i for i in operation.invariants if i.name == check.name)
    return judge_claims(check.name, invariant.claims(probe, problem))


def too_large(subject: Any, problem: Problem, /) -> bool:
    """Whether a problem has more pixels or objects than a subject claims to take."""
    limits, arrays = subject.capabilities, [a for a in problem.inputs.values() if not isinstance(a, Mapping)]
    pixels = max((int(np.prod(np.shape(a)[:-1], dtype=int)) for a in arrays), default=0)
    objects = max((np.shape(problem.inputs[n])[-1] for n in ("labels",) if n in problem.inputs), default=0)
    return pixels > (limits.max_pixels or pixels) or objects > (limits.max_objects or objects)


def sentence(verdict: Verdict, shared: float, /) -> str:
    """Say what the worst element is."""
    if verdict.note:
        return f"{verdict.output}: {verdict.note}"
    if verdict.margin <= 1:
        kind = "elements have no bound" if verdict.bound is not None else "pixels may have several labels"
        many = f"{shared:.0%} of the {kind}: nothing is said of the rest"
        return many if shared > AMBIGUOUS else ""
    if verdict.worst is None or verdict.got is None or verdict.reference is None:
        return f"{verdict.output} differs"
    at, got, exact = verdict.worst, verdict.got[verdict.worst], verdict.reference[verdict.worst]
    where = f"{verdict.output}[{', '.join(map(str, at))}]" if at else verdict.output
    if verdict.relation == "<=":
        return f"{where}: {got:.9g} should be at most {exact:.9g}"
    if verdict.bound is None:
        return f"{where} is {got:.9g} instead of {exact:.9g}"
    size = f"bound {verdict.bound[at]:.3g}: margin {verdict.margin:.3g} (allowed 1)"
    return f"{where} is {got:.9g} instead of {exact:.9g}, {size}"
