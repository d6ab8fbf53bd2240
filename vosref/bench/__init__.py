"""Timings with warm-up, medians, memory and environment, as ratios to a floor and to other libraries."""

from vosref.bench.machine import environment
from vosref.bench.networks import rows

__all__ = ["SUITES", "environment"]

SUITES = {"networks": rows}
