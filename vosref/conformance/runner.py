"""All checks put to a subject: in this process or over an executor, with the same outcomes in the same order."""

import pickle
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor
from contextlib import closing
from os import PathLike
from typing import Any, Literal

from vosref.conformance.asserting import assert_conforms, assert_invariant
from vosref.conformance.checks import Check, Outcome, checks_for
from vosref.conformance.expectations import Expectations
from vosref.conformance.failures import ConformanceError, is_failure, story
from vosref.conformance.putting import Put, put
from vosref.conformance.report import Report, versions_for
from vosref.conformance.reproducer import Reproducer, write_reproducer
from vosref.conformance.subjects import as_subject

__all__ = ["assert_conforms", "assert_invariant", "check_subject", "chosen_operations"]

Reaction = Literal["collect", "raise"] | Callable[[Outcome], object]
Result = tuple[Outcome, Reproducer | None]


def check_subject(
    subject: Any,
    /,
    *,
    level: str = "core",
    operations: Sequence[str] | None = None,
    seed: int = 0,
    expected_failed: Mapping[str, str] | None = None,
    xfail_strict: bool = True,
    on_fail: Reaction = "collect",
    callback: Callable[[Outcome], object] | None = None,
    executor: Executor | None = None,
    reproducers: str | PathLike[str] | None = None,
    diagnose: bool = True,
) -> Report:
    """Put all checks of a level to an implementation.

    Parameters
    ----------
    subject : object
        With methods by the names of the operations, and where its defaults do not fit ``capabilities``, `Capabilities`.
    level : {"core", "extended", "exhaustive"}
        Named cases and invariants; with 25, or 1000, random cases of each operation and data type besides.
    operations : sequence of str, optional
        Only these.
    seed : int
        Of the cases; the same seed gives the same bits everywhere.
    expected_failed : mapping of str to str, optional
        Why a check is expected to fail, by its identifier or the beginning of one, up to a separator.
    xfail_strict : bool
        Whether an expected failure that passes is a failure.
    on_fail : {"collect", "raise"} or callable
        Go on, stop with the first failure, or call this with every `Outcome` that is one.
    callback : callable, optional
        Called with every `Outcome`, in order.
    executor : concurrent.futures.Executor, optional
        Where to work; outcomes and their order are the same anywhere.
    reproducers : path, optional
        Folder, made where it is missing, for a file of each failure that was not expected, which shows it again.
    diagnose : bool
        Whether to look for the cause of each failure.

    Returns
    -------
    Report

    Raises
    ------
    ValueError, TypeError
        If an argument is not of its kind, a pattern of `expected_failed` means no check, or the subject cannot be sent
        to the executor's processes.
    RuntimeError
        If a worker of the executor dies, or cannot work.
    ConformanceError
        At the first failure, where `on_fail` says so.

    Examples
    --------
    >>> import vosref
    >>> from vosref.conformance import Functions, check_subject
    >>> mine = Functions({"softmax_vote": vosref.softmax_vote}, name="mine")
    >>> check_subject(mine, operations=["softmax_vote"]).ok
    True
    """
    if on_fail not in ("collect", "raise") and not callable(on_fail):
        raise ValueError(f'on_fail must be "collect", "raise" or callable, got {on_fail!r}')
    judged, chosen = as_subject(subject), chosen_operations(operations)
    checks = list(checks_for(judged, level=level, operations=chosen, seed=seed))
    expected = Expectations(expected_failed or {}, judged, checks, seed=seed)
    folder = _folder(reproducers)
    tasks = [Put(judged, check, diagnose, folder is not None and not expected.reason(check)) for check in checks]
    outcomes: list[Outcome] = []
    with closing(_in_order(tasks, executor)) as results:
        for check, (found, reproducer) in zip(checks, results, strict=True):
            outcome = expected.applied(check, found)
            if reproducer is not None and folder is not None:
                outcome = outcome._replace(reproducer=str(write_reproducer(folder, reproducer)))
            outcomes.append(outcome)
            _react(outcome, callback, on_fail, xfail_strict=xfail_strict)
    names = dict.fromkeys(check.operation for check in checks)
    versions = versions_for(judged.capabilities, names)
    return Report(judged.name, judged.capabilities, level, seed, versions, tuple(outcomes), xfail_strict)


def chosen_operations(operations: Sequence[str] | None, /) -> tuple[str, ...] | None:
    """Return names of operations as a tuple; TypeError for a single string."""
    if isinstance(operations, str):
        raise TypeError(f"operations must be a sequence of names, got {operations!r}; write [{operations!r}]")
    return None if operations is None else tuple(operations)


def _folder(reproducers: str | PathLike[str] | None) -> Any:
    """Make the folder before anything is computed for it."""
    if reproducers is None:
        return None
    from vosref.io import output_folder  # noqa: PLC0415 - loads Pillow

    return output_folder(reproducers, argument="reproducers")


def _in_order(tasks: Sequence[Put], executor: Executor | None) -> Generator[Result, None, None]:
    from vosref.runs.scatter import scatter  # noqa: PLC0415 - loads what a run on disk needs

    if isinstance(executor, ProcessPoolExecutor) and tasks:
        _must_pickle(tasks[0].subject)
    ended: dict[int, Result] = {}
    due = 0
    with closing(scatter(put, tasks, executor=executor)) as futures:
        for number, future in futures:
            ended[number] = _result(future, tasks[number].check, executor)
            while due in ended:
                yield ended.pop(due)
                due += 1


def _must_pickle(subject: Any) -> None:
    try:
        pickle.dumps(subject)
    except Exception as error:
        raise ValueError(
            f"subject must be one that can be pickled where the executor works in other processes, got {subject.name}, "
            f"which cannot ({error}); define it at the top level of a module, or use a ThreadPoolExecutor"
        ) from error


def _result(future: Future[Result], check: Check, executor: Executor | None) -> Result:
    try:
        return future.result()
    except (Exception, CancelledError) as error:
        if executor is None:
            raise
        raise RuntimeError(
            f"executor: a worker died, or could not work, on {check.id} ({type(error).__name__}: {error}); "
            "without an executor the check runs in this process"
        ) from error


def _react(
    outcome: Outcome, callback: Callable[[Outcome], object] | None, on_fail: Reaction, *, xfail_strict: bool
) -> None:
    if callback is not None:
        callback(outcome)
    if not is_failure(outcome, xfail_strict=xfail_strict):
        return
    if on_fail == "raise":
        raise ConformanceError(story(outcome))
    if callable(on_fail):
        on_fail(outcome)
