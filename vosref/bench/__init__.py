"""Timings with warm-up, medians, memory and environment, as ratios to a floor and to other libraries; how they grow.

A suite is a file with `rows`, which times every case, and `measured`, which times one of them in a process of its own.
"""

import functools
import importlib
from collections.abc import Callable, Iterator
from typing import Any

from vosref.bench.machine import environment
from vosref.bench.sweeps import scaling

__all__ = ["SUITES", "environment", "scaling"]


def _rows(suite: str, /, **options: Any) -> Iterator[dict[str, Any]]:
    """Load a suite only now: a process that times another one must not hold what this one needs."""
    return importlib.import_module(f"vosref.bench.{suite}").rows(**options)


SUITES: dict[str, Callable[..., Iterator[dict[str, Any]]]] = {
    name: functools.partial(_rows, name) for name in ("kernels", "networks", "matching", "segment", "scores")
}
