"""The invariants as functions of an implementation: what it must obey on anybody's inputs, without a reference.

They are by operation and name; each takes an implementation, its inputs and its options, as `assert_invariant` does::

    from vosref.conformance import INVARIANTS
    transposing = INVARIANTS["local_matching"]["transposition"]
    transposing(my_kernel, (query, previous, labels), grid=(60, 107), window_radius=15)

The statements themselves, of any callable and in NumPy, are the functions of ``operations/*_invariants.py``.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from vosref.conformance.asserting import assert_invariant
from vosref.conformance.operations import OPERATIONS

__all__ = ["INVARIANTS"]

INVARIANTS: Mapping[str, Mapping[str, Callable[..., Any]]] = {
    operation.name: {
        invariant.name: functools.partial(assert_invariant, operation.name, invariant.name)
        for invariant in operation.invariants
    }
    for operation in OPERATIONS.values()
}
