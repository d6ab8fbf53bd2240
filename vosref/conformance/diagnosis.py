"""Why a result is wrong: what is done instead, where it happens, and what it looks like there.

A cause is a hypothesis that was tried: a mutant's results on the same inputs, or a change of the reference, with which
the subject's results agree at every element within the bound. Where none does, the failing elements' place speaks.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosref.conformance.arithmetic import Arithmetic
from vosref.conformance.judge import Verdict
from vosref.conformance.operations.operation import Operation, Problem
from vosref.conformance.places import neighbourhood, places

__all__ = ["diagnose"]

AGREED = 3  # hypotheses that are named, where several agree
Array = NDArray[Any]


def diagnose(
    operation: Operation, problem: Problem, verdict: Verdict, arithmetic: Arithmetic, /, *, invariant: bool = False
) -> list[str]:
    """Say in sentences why an output is wrong: causes first, then places, then the values around the worst element.

    Parameters
    ----------
    operation : Operation
    problem : Problem
        What the subject was given.
    verdict : Verdict
        Of an output that failed.
    arithmetic : Arithmetic
        The subject's.
    invariant : bool
        Whether the output is of an invariant, for which the problem has no reference.

    Returns
    -------
    list of str
    """
    got, exact = verdict.got, verdict.reference
    if got is None:
        return []
    if exact is None or got.shape != exact.shape:
        turned = exact is not None and got.shape == exact.shape[::-1]
        return ["rows and columns of the result are exchanged"] if turned else []
    said = list(_not_numbers(got, exact))
    if not invariant and not said:
        said += [f"it agrees with: {wrong}" for wrong in _mutants(operation, problem, verdict, arithmetic)][:AGREED]
        said += [f"it agrees with the reference, {text}" for text in _changes(problem, verdict)][:AGREED]
    grid = None if invariant else problem.options.get("grid")
    said += places(verdict, grid)
    return said if verdict.relation == "<=" else [*said, *neighbourhood(verdict, grid)]


def _not_numbers(got: Array, exact: Array) -> Iterator[str]:
    """Where values are that are none."""
    if got.dtype.kind != "f":
        return
    for name, odd in (("NaN", np.isnan(got)), ("infinity", np.isinf(got) & ~np.isinf(exact))):
        if not (count := int(np.count_nonzero(odd))):
            continue
        where = "everywhere" if odd.all() else f"at {count} of {odd.size} elements"
        yield f"{name} {where}{_source(odd, exact)}"


def _source(odd: Array, exact: Array) -> str:
    """Guess where a value that is no number comes from, by what the reference has there."""
    alike = {
        "all of them where the reference is 0: a division by 0, or a logarithm of it": exact == 0,
        "all of them where the reference is 1: an exponential that overflowed, or an object without a pixel": exact
        == 1,
    }
    for text, where in alike.items():
        if where.any() and np.array_equal(odd, where):
            return f", {text}"
    if exact.ndim == 2 and not odd.all():
        columns = np.flatnonzero(odd.any(axis=0))
        if len(columns) < odd.shape[1]:
            return f", in column{'s' * (len(columns) > 1)} {', '.join(map(str, columns))} alone"
    return ": an exponential that overflowed, or a subtraction of infinities" if odd.all() else ""


def _mutants(operation: Operation, problem: Problem, verdict: Verdict, arithmetic: Arithmetic) -> Iterator[str]:
    """Sentences of the mutants whose results the subject's agree with."""
    from vosref.conformance.mutants import MUTANTS  # noqa: PLC0415 - which import this package's operations
    from vosref.conformance.subjects import as_subject  # noqa: PLC0415

    for mutant in MUTANTS:
        if mutant.operation != operation.name:
            continue
        try:
            with np.errstate(all="ignore"):
                theirs = as_subject(mutant.subject()).run(operation, *problem, arithmetic.dtype)[verdict.output]
        except Exception:  # noqa: S112 - a mutant may fail on what it was not written for
            continue
        if _agree(verdict, theirs):
            yield mutant.wrong


def _agree(verdict: Verdict, hypothesis: Array) -> bool:
    """Whether the subject's result is a hypothesis's, within the bound, where the reference's is not."""
    got, exact = verdict.got, verdict.reference
    if got is None or exact is None or hypothesis.shape != got.shape:
        return False
    if verdict.bound is None:
        return bool(np.array_equal(got, hypothesis) and not np.array_equal(exact, hypothesis))
    with np.errstate(all="ignore"):
        scale = np.maximum(1.0, np.abs(hypothesis) / np.maximum(np.abs(exact), 1e-300))
        slack = 2 * verdict.bound * np.where(np.isfinite(scale), np.minimum(scale, 1e6), 1.0)
        near = np.abs(got - hypothesis) <= slack
        apart = np.abs(exact - hypothesis) > slack
    return bool(np.all(near) and np.any(apart))


def _changes(problem: Problem, verdict: Verdict) -> Iterator[str]:
    """Say what was done to the reference, where that gives the subject's result."""
    got, exact = verdict.got, verdict.reference
    if got is None or exact is None or verdict.bound is None:
        return
    with np.errstate(all="ignore"):
        for text, changed in _changed(exact, problem.options.get("grid")):
            if _agree(verdict, np.asarray(changed, np.float64)):
                yield text
        usable = (np.abs(exact) > 4 * verdict.bound) & np.isfinite(got)
        ratios = got[usable] / exact[usable]
    if ratios.size > 1:
        factor = float(np.median(ratios))
        if abs(factor - 1) > 1e-6 and _agree(verdict, exact * factor):
            yield f"multiplied by {factor:.6g}"
    offset = float(np.median(got - exact))
    if np.isfinite(offset) and offset and _agree(verdict, exact + offset):
        yield f"with {offset:.6g} added"


def _changed(exact: Array, grid: tuple[int, int] | None) -> Iterator[tuple[str, Array]]:
    """Yield what a result may have become, and how to say so."""
    yield "with its sign changed", -exact
    yield "subtracted from 1", 1 - exact
    yield "squared", exact * exact
    yield "with its root taken", np.sqrt(np.abs(exact))
    if exact.ndim < 2:
        return
    rows = np.sum(exact, axis=-1, keepdims=True)
    yield "each row scaled to sum to 1", exact / rows
    yield "each row scaled to sum to 1 where it has a sum", exact / np.where(rows == 0, 1, rows)
    yield "each column scaled to sum to 1", exact / np.sum(exact, axis=0, keepdims=True)
    for name, axis in (("rows", 0), ("columns", exact.ndim - 1)):
        yield f"with its {name} in the opposite order", np.flip(exact, axis=axis)
        for by in (1, -1):
            yield f"with its {name} moved by {by}, round the end", np.roll(exact, by, axis=axis)
    if exact.shape[0] == exact.shape[1]:
        yield "transposed", np.swapaxes(exact, 0, 1)
    if grid is not None and exact.shape[0] == grid[0] * grid[1]:
        yield from _on_grid(exact, grid)


def _on_grid(exact: Array, grid: tuple[int, int]) -> Iterator[tuple[str, Array]]:
    """Yield what the pixels' places may have become."""
    frame = exact.reshape(*grid, *exact.shape[1:])
    yield "written column by column of the grid", np.swapaxes(frame, 0, 1).reshape(exact.shape)
    yield "with the grid upside down", np.flip(frame, axis=0).reshape(exact.shape)
    yield "with the grid left for right", np.flip(frame, axis=1).reshape(exact.shape)
    for axis, name in ((0, "row"), (1, "column")):
        for by in (1, -1):
            yield f"moved by {by} {name} of the grid", np.roll(frame, by, axis=axis).reshape(exact.shape)
