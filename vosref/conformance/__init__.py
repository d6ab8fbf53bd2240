"""Judge an implementation that is not ours: FEELVOS's and TVOS's operations under contract, by derived bounds.

A line in a test that there is already, with arrays of any library that speaks DLPack::

    from vosref.conformance import assert_conforms
    assert_conforms("local_matching", got, (query, previous, labels), grid=(60, 107), window_radius=15, dtype="float32")

All checks as tests of pytest; a subject has methods by the names of the operations, and may have ``capabilities``::

    from vosref.conformance import Capabilities, parametrize_with_checks
    @parametrize_with_checks([MyKernels()], expected_failed={"local_matching/object_absent": "issue 12"})
    def test_vosref(subject, check):
        check(subject)

All checks without pytest::

    from vosref.conformance import check_subject
    report = check_subject(MyKernels(), level="extended", reproducers="failures")
    report.ok, report.table(), report.worst("local_matching"), report.to_html("report.html")

Names are loaded when they are first used; the package itself loads nothing.
"""

import importlib
from typing import Any

_HOME = {
    "arithmetic": ("Arithmetic",),
    "asserting": ("assert_conforms", "assert_invariant"),
    "capabilities": ("Capabilities", "NotClaimedError"),
    "failures": ("ConformanceError",),
    "invariants": ("INVARIANTS",),
    "mutants": ("MUTANTS",),
    "operations": ("OPERATIONS",),
    "report": ("Report",),
    "runner": ("check_subject",),
    "subjects": ("Functions",),
    "testing": ("parametrize_with_checks",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = sorted(_MODULE_OF)  # noqa: PLE0605 - the keys are strings


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'vosref.conformance' has no attribute {name!r}")
    return getattr(importlib.import_module(f"vosref.conformance.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(set(__all__) | set(globals()))
