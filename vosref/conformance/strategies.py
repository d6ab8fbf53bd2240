"""Hypothesis's strategies for every operation, over any array-API namespace (extra ``[conformance]``).

They draw what the random cases of the judge draw, and shrink; `problems` gives whole problems, the others parts::

    @given(strategies.problems("local_matching", xp=torch, dtype="float32"))
    def test_my_kernel(problem):
        query, previous, labels = problem.inputs.values()
        got = my_kernel(query, previous, labels, **problem.options)
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

try:
    from hypothesis import strategies as st
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("strategies are Hypothesis's; pip install 'vosref[conformance]'") from error

from vosref.conformance.arithmetic import DTYPES, rounded
from vosref.conformance.capabilities import Capabilities
from vosref.conformance.draws import Draw, Stream
from vosref.conformance.judge import problem_for
from vosref.conformance.namespaces import to_namespace
from vosref.conformance.operations import OPERATIONS
from vosref.conformance.operations.operation import Problem

__all__ = ["embeddings", "labels", "masks", "problems", "streams"]

STEPS = 1024  # that a real number is drawn in: few enough to shrink well


class _Drawn:
    """A `Draw` whose numbers Hypothesis chooses, and shrinks."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))

    def choice(self, options: Sequence[Any]) -> Any:
        return self._draw(st.sampled_from(list(options)))

    def real(self, low: float, high: float) -> float:
        return low + (high - low) * self._draw(st.integers(0, STEPS)) / STEPS

    def stream(self) -> Stream:
        return self._draw(streams())


def streams() -> st.SearchStrategy[Stream]:
    """Draw sources of random arrays, each of a seed."""
    return st.integers(0, 2**31 - 1).map(lambda seed: Stream(seed, 1))


def problems(
    operation: str, /, *, xp: Any = None, dtype: str = "float64", case: str = "random"
) -> st.SearchStrategy[Problem]:
    """Draw inputs and options of an operation.

    Parameters
    ----------
    operation : str
        A name of `OPERATIONS`.
    xp : module, optional
        Namespace of the arrays, such as ``torch``, ``jax.numpy`` or ``array_api_strict``; default NumPy.
    dtype : {"float64", "float32", "float16", "bfloat16"}
        Of floating-point inputs, whose values it holds exactly.
    case : str
        "random", or the name of one of the operation's cases.

    Returns
    -------
    strategy of Problem
        Its ``inputs`` are arrays by name in the order of the call, its ``options`` keywords.
    """
    known = OPERATIONS.get(operation)
    if known is None:
        raise ValueError(f"operation must be one of {', '.join(OPERATIONS)}, got {operation!r}")
    makers = {"random": known.random} | {sketch.name: sketch.make for sketch in known.sketches}
    if case not in makers or dtype not in DTYPES:
        raise ValueError(
            f"case must be one of {', '.join(makers)} and dtype one of {', '.join(DTYPES)}, got {case!r} and {dtype!r}"
        )
    return _problems(makers[case], xp, dtype)


@st.composite
def _problems(draw: st.DrawFn, make: Callable[[Draw], Problem], xp: Any, dtype: str) -> Problem:
    problem = problem_for(make(_Drawn(draw)), dtype)
    return problem._replace(inputs={name: _in(value, xp, dtype) for name, value in problem.inputs.items()})


@st.composite
def embeddings(
    draw: st.DrawFn, /, *, pixels: Any = None, dimension: Any = None, xp: Any = None, dtype: str = "float64"
) -> Any:
    """Draw embeddings, shape (pixels, dimension), of nearly normal numbers of any size from 0.1 to 1.

    Parameters
    ----------
    pixels, dimension : strategy of int, optional
        Default 1 to 12, and 1 to 8.
    xp, dtype
        As for `problems`.

    Returns
    -------
    strategy of array
    """
    shape = draw(pixels or st.integers(1, 12)), draw(dimension or st.integers(1, 8))
    size = draw(st.integers(1, 10)) / 10
    return _in(rounded(size * draw(streams()).normal(*shape), dtype), xp, dtype)


@st.composite
def labels(
    draw: st.DrawFn,
    /,
    *,
    pixels: Any = None,
    objects: Any = None,
    absent: bool = True,
    xp: Any = None,
    dtype: str = "float64",
) -> Any:
    """Draw one-hot labels, shape (pixels, objects).

    Parameters
    ----------
    pixels, objects : strategy of int, optional
        Default 1 to 12, and 1 to 4.
    absent : bool
        Whether pixels may belong to no object, and objects have no pixel. Without, there are at least as many pixels
        as objects.
    xp, dtype
        As for `problems`.

    Returns
    -------
    strategy of array
    """
    n, k, stream = draw(pixels or st.integers(1, 12)), draw(objects or st.integers(1, 4)), draw(streams())
    if absent:
        return _in(stream.one_hot(n, k, known=draw(st.sampled_from([0.5, 0.9, 1.0]))), xp, dtype)
    n = max(n, k)
    owner = np.concatenate([np.arange(k), stream.integers(0, k, n - k)])
    return _in(np.eye(k)[owner[stream.permutation(n)]], xp, dtype)


@st.composite
def masks(draw: st.DrawFn, /, *, ids: Sequence[int] = (0, 1, 2, 5), max_side: int = 12, xp: Any = None) -> Any:
    """Draw masks of ids, shape (H, W), of uint8.

    Parameters
    ----------
    ids : sequence of int
        0 to 255, the background included.
    max_side : int
    xp : module, optional
        As for `problems`.

    Returns
    -------
    strategy of array
    """
    shape = draw(st.integers(1, max_side)), draw(st.integers(1, max_side))
    chosen = np.asarray(ids, np.uint8)[draw(streams()).integers(0, len(ids), *shape)]
    return _in(chosen, xp, "float64")


def _in(value: Any, xp: Any, dtype: str) -> Any:
    """Bring a NumPy array, or a mapping of them, to a namespace."""
    if isinstance(value, Mapping):
        return {name: _in(array, xp, dtype) for name, array in value.items()}
    name = "numpy" if xp is None else xp.__name__.removeprefix("array_api_compat.")
    return to_namespace(value, dtype, Capabilities((dtype,), namespace=name))
