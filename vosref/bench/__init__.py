"""Timings with warm-up, medians, memory and environment, as ratios to a floor and to other libraries."""

from collections.abc import Callable, Iterator
from typing import Any

from vosref.bench import matching, networks
from vosref.bench.machine import environment

__all__ = ["SUITES", "environment"]

SUITES: dict[str, Callable[..., Iterator[dict[str, Any]]]] = {"networks": networks.rows, "matching": matching.rows}
