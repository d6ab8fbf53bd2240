"""The kit judged by itself: which checks kill which mutants."""

from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from typing import Any, NamedTuple

from vosref.conformance.checks import Check, checks_for, run_check
from vosref.conformance.mutants import MUTANTS, Mutant
from vosref.conformance.operations import OPERATIONS
from vosref.conformance.subjects import as_subject

__all__ = ["KillMatrix", "Killed", "kill_matrix"]


class Killed(NamedTuple):
    """A mutant, and the identifiers of the checks that found it out."""

    name: str
    operation: str
    wrong: str
    source: str
    killed_by: tuple[str, ...]


class KillMatrix(NamedTuple):
    """Mutants against checks."""

    mutants: tuple[Killed, ...]
    checks: dict[str, tuple[str, ...]]  # by check, without seed and data type, the mutants that it kills

    @property
    def alive(self) -> tuple[str, ...]:
        """Mutants that no check kills."""
        return tuple(mutant.name for mutant in self.mutants if not mutant.killed_by)

    @property
    def idle(self) -> tuple[str, ...]:
        """Checks that kill no mutant."""
        return tuple(check for check, kills in self.checks.items() if not kills)

    @property
    def ok(self) -> bool:
        """Whether every mutant dies and every check kills one."""
        return not self.alive and not self.idle

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON's objects."""
        return {"ok": self.ok, "mutants": [mutant._asdict() for mutant in self.mutants], "checks": self.checks}


def kill_matrix(
    mutants: Iterable[Mutant] = MUTANTS,
    /,
    *,
    seed: int = 0,
    callback: Callable[[Killed], object] | None = None,
    executor: Executor | None = None,
) -> KillMatrix:
    """Put every mutant to the core checks of its operation.

    Parameters
    ----------
    mutants : iterable of Mutant
    seed : int
        That cases are drawn from.
    callback : callable, optional
        Called with each mutant when it has been tried, in order.
    executor : concurrent.futures.Executor, optional
        Where mutants of `MUTANTS` are tried; the result is the same anywhere.

    Returns
    -------
    KillMatrix
    """
    mutants, tried, kills = tuple(mutants), list[Killed](), dict[str, list[str]]()
    concerned = {mutant.operation for mutant in mutants}
    for operation in OPERATIONS.values():
        if operation.name in concerned:
            names = [*(s.name for s in operation.sketches), *(i.name for i in operation.invariants)]
            kills |= {f"{operation.name}/{name}@{operation.version}": [] for name in names}
    if executor is not None and all(mutant in MUTANTS for mutant in mutants):
        # Lambdas do not travel to processes; their numbers do.
        numbers = [MUTANTS.index(mutant) for mutant in mutants]
        found: Iterable[list[tuple[str, str, bool]]] = executor.map(_try_known, numbers, [seed] * len(mutants))
    else:
        found = (_try(mutant, seed) for mutant in mutants)
    for mutant, outcomes in zip(mutants, found, strict=True):
        for name, _, dead in outcomes:
            kills[name] += [mutant.name] * dead
        by = tuple(identifier for _, identifier, dead in outcomes if dead)
        tried.append(Killed(mutant.name, mutant.operation, mutant.wrong, mutant.source, by))
        if callback is not None:
            callback(tried[-1])
    return KillMatrix(tuple(tried), {name: tuple(dict.fromkeys(by)) for name, by in kills.items()})


def _try_known(number: int, seed: int) -> list[tuple[str, str, bool]]:
    return _try(MUTANTS[number], seed)


def _try(mutant: Mutant, seed: int) -> list[tuple[str, str, bool]]:
    """Name, identifier and success of every check of a mutant's operation."""
    subject = as_subject(mutant.subject())
    checks = list(checks_for(subject, operations=(mutant.operation,), seed=seed))
    outcomes = [run_check(subject, check) for check in checks]
    return [(_short(c), c.id, o.status in ("failed", "error")) for c, o in zip(checks, outcomes, strict=True)]


def _short(check: Check) -> str:
    return check.id.partition("#")[0]
