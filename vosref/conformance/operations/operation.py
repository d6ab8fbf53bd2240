"""What an operation under contract is made of: arguments, reference, bound, cases, invariants; all of them are data."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from numpy.typing import NDArray

from vosref.conformance.arithmetic import Arithmetic
from vosref.conformance.draws import Draw

__all__ = ["Argument", "Claim", "Invariant", "Operation", "Probe", "Problem", "Scored", "Sketch"]

Inputs = dict[str, Any]  # arrays by name, in the order of the call; a mapping of arrays for weights
Options = dict[str, Any]
Outputs = dict[str, NDArray[Any]]


class Argument(NamedTuple):
    """An input, an option or a result, for people and for manifests."""

    name: str
    form: str  # "(P, D) float", "int >= 0", …
    meaning: str


class Problem(NamedTuple):
    """Inputs in float64, or integers, and options."""

    inputs: Inputs
    options: Options


class Sketch(NamedTuple):
    """A named case: how its problem is drawn, and what it is there to catch."""

    name: str
    make: Callable[[Draw], Problem]
    comment: str
    flags: tuple[str, ...] = ()  # "large": values that half precision cannot hold; "ties": exact ties


class Scored(NamedTuple):
    """Scores that labels are decided by: a label is allowed where none is better by more than both bounds."""

    scores: NDArray[Any]  # (…, K)
    bound: NDArray[Any]  # of the scores' shape, or broadcast to it
    ids: tuple[int, ...]  # what the K labels are called in the result


class Claim(NamedTuple):
    """One statement of an invariant, to hold for every element: left = right, or left ≤ right, up to a slack."""

    left: NDArray[Any]
    right: NDArray[Any]
    relation: str  # "==" or "<="
    slack: NDArray[Any] | float  # 0: no tolerance at all


class Probe(NamedTuple):
    """What an invariant is given: the subject's operation, and the bound of its results."""

    call: Callable[[Inputs, Options], Outputs]
    bound: Callable[[Inputs, Options], Outputs]

    def measured(self, problem: Problem, /, **replaced: Any) -> tuple[Any, Any]:
        """Return the single result of a problem, some inputs or options replaced by name, and its bound."""
        inputs = problem.inputs | {k: v for k, v in replaced.items() if k in problem.inputs}
        options = problem.options | {k: v for k, v in replaced.items() if k not in problem.inputs}
        (result,), (bound,) = self.call(inputs, options).values(), self.bound(inputs, options).values()
        return result, bound


class Invariant(NamedTuple):
    """A property that every right implementation has, whatever the reference says."""

    name: str
    claims: Callable[[Probe, Problem], list[Claim]]
    comment: str
    make: Callable[[Draw], Problem] | None = None  # of a problem that it needs; default the operation's random one


class Operation(NamedTuple):
    """An operation under contract."""

    name: str
    version: int
    equation: str
    inputs: tuple[Argument, ...]
    options: tuple[Argument, ...]
    results: tuple[Argument, ...]
    reference: Callable[..., Outputs]  # (*inputs, **options) in float64
    bound: Callable[[Inputs, Options, Outputs, Arithmetic], Mapping[str, NDArray[Any]]]
    error_model: str  # the bound in words, with its source
    random: Callable[[Draw], Problem]
    sketches: tuple[Sketch, ...]
    invariants: tuple[Invariant, ...] = ()
    decide: Callable[[Inputs, Options, Arithmetic], Scored] | None = None  # where the result is labels
    dtypes: tuple[str, ...] = ("float64", "float32", "float16", "bfloat16")
    exact: bool = False  # integers, or rules without rounding: judged by equality
    numpy_only: bool = False  # the definition takes NumPy arrays alone

    @property
    def title(self) -> str:
        """Name and version, as in identifiers."""
        return f"{self.name}@{self.version}"
