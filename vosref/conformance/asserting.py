"""One result held against its definition: a line in a test that somebody already has."""

from collections.abc import Callable
from os import PathLike
from typing import Any

import numpy as np

from vosref.conformance import given
from vosref.conformance.arithmetic import Arithmetic
from vosref.conformance.capabilities import Capabilities
from vosref.conformance.checks import Check, Outcome, sentence, settled, verdicts_of
from vosref.conformance.failures import ConformanceError, story
from vosref.conformance.judge import Verdict, judge
from vosref.conformance.operations import OPERATIONS
from vosref.conformance.operations.operation import Operation, Outputs, Problem
from vosref.conformance.putting import cause_of
from vosref.conformance.reproducer import reproducer_for, write_reproducer

__all__ = ["assert_conforms", "assert_invariant"]


def assert_conforms(
    operation: str,
    got: Any,
    inputs: Any,
    /,
    *,
    dtype: str = "float32",
    arithmetic: Arithmetic | None = None,
    reproducers: str | PathLike[str] | None = None,
    diagnose: bool = True,
    **options: Any,
) -> Verdict:
    """Assert that a result is the definition's, within the bound that its arithmetic allows.

    Parameters
    ----------
    operation : str
        By name, as in `OPERATIONS`.
    got : array, tuple of arrays, or mapping of str to array
        What the implementation returned; the arrays of any library that speaks DLPack.
    inputs : tuple, list or mapping of str to array
        What it was given, in the order of the operation or by name. Values must be of the data type: rounded before.
    dtype : {"float32", "float64", "float16", "bfloat16"}
        Of inputs and result.
    arithmetic : Arithmetic, optional
        How it was computed; or some of its fields by name, such as ``accumulate="float32"`` or ``product="tf32"``.
    reproducers : path, optional
        Folder for a file that shows a failure again.
    diagnose : bool
        Whether to look for the cause of a failure.
    **options
        Of the operation, such as ``window_radius=15``.

    Returns
    -------
    Verdict
        Of the output with the largest margin.

    Raises
    ------
    ConformanceError
        If it is not; with the worst element, its margin, the cause and the reproducer.
    ValueError, TypeError
        If an argument is not of its kind.

    Examples
    --------
    The definition conforms; a result that is off by a thousandth is not within the bound.

    >>> import numpy as np
    >>> import vosref
    >>> from vosref.conformance import ConformanceError, assert_conforms
    >>> query, reference = np.float32([[0.0], [0.5]]), np.float32([[1.0]])
    >>> got = vosref.embedding_distance(query, reference)
    >>> bool(assert_conforms("embedding_distance", got, (query, reference)).margin <= 1)
    True
    >>> try:
    ...     assert_conforms("embedding_distance", got + np.float32(0.001), (query, reference))
    ... except ConformanceError:
    ...     "refused"
    'refused'
    """
    contract = given.operation_named(operation)
    whole, chosen = given.arithmetic_and_options(contract, dtype, arithmetic, options)
    problem = given.problem_of(contract, inputs, chosen, dtype)
    results = given.results_of(contract, got, dtype)
    verdicts = _judged(contract, problem, results, whole)
    check = Check(operation, "given", 0, dtype)
    return _settled(check, problem, verdicts, [results], whole, reproducers=reproducers, diagnose=diagnose)


def assert_invariant(
    operation: str,
    invariant: str,
    function: Callable[..., Any],
    inputs: Any,
    /,
    *,
    dtype: str = "float32",
    arithmetic: Arithmetic | None = None,
    **options: Any,
) -> Verdict:
    """Assert that an implementation has a property that the definition has, such as "transposition".

    Parameters
    ----------
    operation, invariant : str
        By name.
    function : callable
        The implementation: given NumPy arrays and the options, some of them changed, it returns results.
    inputs, dtype, arithmetic, **options
        As in `assert_conforms`.

    Returns
    -------
    Verdict
        Of the statement with the largest margin.

    Raises
    ------
    ConformanceError
        If it has not.
    ValueError, TypeError
        If an argument is not of its kind.
    """
    contract = given.operation_named(operation)
    names = [one.name for one in contract.invariants]
    if invariant not in names:
        raise ValueError(f"invariant must be one of {', '.join(names)} of {operation}, got {invariant!r}")
    whole, chosen = given.arithmetic_and_options(contract, dtype, arithmetic, options)
    problem = given.problem_of(contract, inputs, chosen, dtype)
    check = Check(operation, invariant, 0, dtype)
    with np.errstate(all="ignore"):
        verdicts = verdicts_of(_Called(function, whole), contract, check, problem)
    return _settled(check, problem, verdicts, [], whole, reproducers=None, diagnose=True)


class _Called:
    """A function as the subject of one check."""

    def __init__(self, function: Callable[..., Any], arithmetic: Arithmetic) -> None:
        self._function, self.name = function, "the implementation"
        dtype = arithmetic.dtype
        self.capabilities = Capabilities(
            (dtype,),
            accumulate={dtype: arithmetic.accumulate},
            intermediate={dtype: arithmetic.intermediate},
            product={dtype: arithmetic.product},
            squares=arithmetic.squares,
            ulps=arithmetic.ulps,
            tie_break=arithmetic.tie_break,
        )

    def run(self, operation: Operation, inputs: Any, options: Any, dtype: str, /) -> Outputs:
        """Call the function."""
        return given.results_of(operation, self._function(*inputs.values(), **options), dtype)


def _judged(operation: Operation, problem: Problem, got: Outputs, arithmetic: Arithmetic) -> list[Verdict]:
    missing = [option.name for option in operation.options if option.name not in problem.options]
    try:
        with np.errstate(all="ignore"):
            return judge(operation, problem.inputs, problem.options, got, arithmetic)
    except (KeyError, TypeError) as error:
        if not missing:
            raise
        raise TypeError(f"{operation.name} needs the options {', '.join(missing)}; give them by name") from error


def _settled(
    check: Check,
    problem: Problem,
    verdicts: list[Verdict],
    answers: list[Outputs],
    arithmetic: Arithmetic,
    /,
    *,
    reproducers: str | PathLike[str] | None,
    diagnose: bool,
) -> Verdict:
    """Return the worst verdict, or raise what it says."""
    status, worst, shared = settled(verdicts)
    if status == "passed":
        return worst
    outcome = _outcome(check, status, worst)._replace(ambiguous=shared, note=sentence(worst, shared))
    if diagnose and status == "failed":
        cause = cause_of(check.operation, problem, worst, arithmetic, invariant=check.is_invariant)
        outcome = outcome._replace(cause=cause)
    if reproducers is not None and status == "failed":
        from vosref.io import output_folder  # noqa: PLC0415 - loads Pillow

        made = reproducer_for(outcome, check, problem, answers, arithmetic)
        folder = output_folder(reproducers, argument="reproducers")
        outcome = outcome._replace(reproducer=str(write_reproducer(folder, made)))
    raise ConformanceError(story(outcome))


def _outcome(check: Check, status: str, worst: Verdict) -> Outcome:
    what = f"{OPERATIONS[check.operation].title}:{check.dtype}"
    name = f"{what}, {check.name}," if check.is_invariant else what
    return Outcome(name, check.operation, "the result", status, worst.margin, verdict=worst)
