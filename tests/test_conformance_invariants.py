"""Invariants as functions: what is right obeys them on any input, and what is wrong does not."""

import inspect

import numpy as np
import pytest

from vosref.conformance import INVARIANTS, OPERATIONS, ConformanceError
from vosref.conformance.checks import Check
from vosref.conformance.mutants import MUTANTS
from vosref.matching import local_matching

PAIRS = [(operation, name) for operation, named in INVARIANTS.items() for name in named]


@pytest.mark.parametrize(("operation", "name"), PAIRS)
def test_the_reference_obeys_every_invariant(operation, name):
    known = OPERATIONS[operation]
    inputs, options = Check(operation, name, 0, "float64").problem()

    def function(*arrays, **chosen):
        results = known.reference(*arrays, **chosen)
        return results if len(results) > 1 else next(iter(results.values()))

    INVARIANTS[operation][name](function, inputs, dtype="float64", **options)


def test_an_invariant_needs_no_reference_to_find_a_mistake():
    rng = np.random.default_rng(0)
    query, previous = rng.random((2, 35, 4))
    labels = np.eye(2)[rng.integers(0, 2, 35)]
    chosen = {"grid": (5, 7), "window_radius": 1}
    wrong = next(mutant for mutant in MUTANTS if mutant.name == "local-transposed-grid").function
    check = INVARIANTS["local_matching"]["transposition"]
    check(local_matching, (query, previous, labels), dtype="float64", **chosen)
    with pytest.raises(ConformanceError, match=r"transposition\[\d+, \d+\] is .* instead of"):
        check(wrong, (query, previous, labels), dtype="float64", **chosen)


def test_each_is_documented_as_a_function():
    for operation in OPERATIONS.values():
        for invariant in operation.invariants:
            function = getattr(invariant.claims, "func", invariant.claims)
            assert inspect.getdoc(function), f"{operation.name}/{invariant.name}"
            assert invariant.comment
