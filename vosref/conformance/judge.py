"""The judge: how many bounds an implementation is off, element by element, and which labels it may have chosen.

An element's margin is |got - reference| / bound; an implementation is right where no margin is above 1. A label has no
tolerance: it is allowed where no other's score is better by more than both scores' bounds, so that a pixel may have
several. How many pixels have is reported and capped, or the rule could hide a mistake.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vosref.conformance.arithmetic import Arithmetic, rounded
from vosref.conformance.operations.operation import Claim, Inputs, Operation, Options, Outputs, Problem, Scored

__all__ = ["AMBIGUOUS", "Verdict", "allowed", "bounds", "judge", "judge_claims", "problem_for", "reference"]

AMBIGUOUS = 0.25  # most pixels that may have several labels, or elements any value, before nothing is said of the rest
FLOAT64 = Arithmetic("float64", tie_break="first").checked()  # the reference's


class Verdict(NamedTuple):
    """What became of one output of one case."""

    output: str
    margin: float  # largest |got - reference| / bound; infinite where no bound could be met
    worst: tuple[int, ...] | None = None  # the element of that margin
    got: NDArray[Any] | None = None
    reference: NDArray[Any] | None = None
    bound: NDArray[Any] | None = None
    failing: NDArray[np.bool_] | None = None
    ambiguous: float = 0.0  # share of pixels with several allowed labels, or of elements without a bound
    note: str = ""  # why nothing could be compared
    relation: str = "=="  # of got to reference: "<=" in some invariants

    @property
    def passed(self) -> bool:
        """Whether every element is within its bound, and the bound says something."""
        return self.margin <= 1 and self.ambiguous <= AMBIGUOUS


def problem_for(problem: Problem, dtype: str, /) -> Problem:
    """Round a problem's floating-point inputs to a data type, in its carrier: what the reference sees too."""
    return Problem(
        {name: _each(value, lambda a: _rounded(a, dtype)) for name, value in problem.inputs.items()}, problem[1]
    )


def reference(operation: Operation, inputs: Inputs, options: Options, /) -> Outputs:
    """Run the definition in float64 on inputs that are already rounded."""
    from vosref.backend import use_cpu  # noqa: PLC0415 - the definitions need no more than NumPy

    wide = [_each(value, _widened) for value in inputs.values()]
    with use_cpu("numpy"), np.errstate(all="ignore"):
        return operation.reference(*wide, **options)


def bounds(
    operation: Operation, inputs: Inputs, options: Options, exact: Outputs, arithmetic: Arithmetic, /
) -> Outputs:
    """Derive the bound of every element, the reference's own rounding included.

    Parameters
    ----------
    operation : Operation
    inputs, options
        Of the case.
    exact : mapping of str to array
        The reference's results.
    arithmetic : Arithmetic
        The subject's.

    Returns
    -------
    dict of str to array
        Of each result's shape.
    """
    wide = {name: _each(value, _widened) for name, value in inputs.items()}
    with np.errstate(all="ignore"):
        theirs, ours = (operation.bound(wide, options, exact, a) for a in (arithmetic.checked(), FLOAT64))
    return {name: np.broadcast_to(theirs[name] + ours[name], value.shape) for name, value in exact.items()}


def judge(
    operation: Operation, inputs: Inputs, options: Options, got: Mapping[str, Any], arithmetic: Arithmetic, /
) -> list[Verdict]:
    """Compare every output of a case with the reference."""
    if operation.decide is not None:
        wide = {name: _each(value, _widened) for name, value in inputs.items()}
        scored = operation.decide(wide, options, arithmetic.checked())
        return [_labels(name, got[name], scored) for name in got]
    exact = reference(operation, inputs, options)
    if operation.exact:
        limits = {name: np.zeros(value.shape) for name, value in exact.items()}
    else:
        limits = bounds(operation, inputs, options, exact, arithmetic)
    return [_values(name, got.get(name), exact[name], limits[name]) for name in exact]


def judge_claims(name: str, claims: list[Claim], /) -> list[Verdict]:
    """Judge an invariant: each claim's larger side less its smaller, in its slack."""
    return [_claim(name, claim) for claim in claims]


def allowed(scored: Scored, /) -> NDArray[np.bool_]:
    """Mark the labels that each pixel may have: (…, K), at least one true."""
    bound = np.broadcast_to(scored.bound, scored.scores.shape)
    return np.asarray(scored.scores + bound >= np.max(scored.scores - bound, axis=-1, keepdims=True))


def _values(name: str, got: Any, exact: NDArray[Any], bound: NDArray[Any]) -> Verdict:
    if got is None:
        return Verdict(name, np.inf, note="nothing was returned")
    got = np.asarray(got)
    if got.shape != exact.shape:
        return Verdict(name, np.inf, got=got, reference=exact, note=f"shape {got.shape} instead of {exact.shape}")
    if got.size == 0:
        return Verdict(name, 0.0)
    if got.dtype.kind not in "biuf":
        return Verdict(name, np.inf, note=f"{got.dtype} instead of numbers")
    return _measured(name, got.astype(np.float64), exact.astype(np.float64), bound)


def _measured(name: str, got: NDArray[Any], exact: NDArray[Any], bound: NDArray[Any], relation: str = "==") -> Verdict:
    with np.errstate(all="ignore"):
        apart = got - exact if relation == "<=" else np.abs(got - exact)
        apart = np.where(got == exact, 0.0, np.where(np.isnan(apart), np.inf, np.maximum(apart, 0.0)))
        vain = np.isinf(bound) & ~np.isnan(got)  # nothing can be said but that it is a number
        margins = np.where((apart == 0) | vain, 0.0, apart / bound)
    margins = np.where(np.isnan(margins), np.inf, margins)
    worst = tuple(int(i) for i in np.unravel_index(np.argmax(margins), margins.shape))
    unbound = float(np.mean(np.isinf(bound)))
    return Verdict(name, float(margins[worst]), worst, got, exact, bound, margins > 1, unbound, relation=relation)


def _claim(name: str, claim: Claim) -> Verdict:
    left, right = (np.asarray(a, np.float64) for a in (claim.left, claim.right))
    slack = np.asarray(claim.slack, np.float64)
    if left.shape != right.shape or (slack.ndim and slack.shape != left.shape):
        shape = right.shape if left.shape != right.shape else slack.shape
        return Verdict(name, np.inf, note=f"shape {left.shape} where {shape} is due")
    if left.size == 0:
        return Verdict(name, 0.0)
    slack = np.broadcast_to(slack, left.shape)
    return _measured(name, left, right, slack, claim.relation)


def _labels(name: str, got: Any, scored: Scored) -> Verdict:
    got, may = np.asarray(got), allowed(scored)
    shape = scored.scores.shape[:-1]
    if got.shape != shape:
        return Verdict(name, np.inf, got=got, note=f"shape {got.shape} instead of {shape}")
    column = np.full(shape, -1)
    for k, label in enumerate(scored.ids):
        column = np.where(got == label, k, column)
    bound = np.broadcast_to(scored.bound, scored.scores.shape)
    chosen, its = (np.take_along_axis(a, np.maximum(column, 0)[..., None], axis=-1) for a in (scored.scores, bound))
    with np.errstate(all="ignore"):
        behind = np.where(scored.scores > chosen, (scored.scores - chosen) / (bound + its), 0.0)
    margins = np.where(column < 0, np.inf, np.max(behind, axis=-1))
    worst = tuple(int(i) for i in np.unravel_index(np.argmax(margins), shape))
    best = np.asarray(scored.ids)[np.argmax(scored.scores, axis=-1)]
    shared = float(np.mean(np.count_nonzero(may, axis=-1) > 1))
    return Verdict(name, float(margins[worst]), worst, got, best, None, margins > 1, shared)


def _each(value: Any, change: Any) -> Any:
    return {k: change(a) for k, a in value.items()} if isinstance(value, Mapping) else change(value)


def _rounded(array: Any, dtype: str) -> NDArray[Any]:
    array = np.asarray(array)
    return rounded(array, dtype) if array.dtype.kind == "f" else array


def _widened(array: Any) -> NDArray[Any]:
    array = np.asarray(array)
    return array.astype(np.float64) if array.dtype.kind == "f" else array
