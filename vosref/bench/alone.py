"""Every implementation of a case alone in processes of its own, in turns; then its medians and memory as a row."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, NamedTuple, Protocol

from vosref.bench.counting import Cost
from vosref.bench.machine import Peak, peak_memory, timed
from vosref.io import InputError

__all__ = ["Case", "Timing", "measure", "row", "timings"]

SECONDS = 2.0  # that a process runs one implementation for, at least three times
ROUNDS = 2  # processes of each implementation, in turns, so that a slow minute of the machine meets them all


class Case(Protocol):
    """What is timed: a named tuple of what JSON can hold."""

    @property
    def benchmark(self) -> str:
        """What is computed."""

    @property
    def title(self) -> str:
        """What sets this case apart from others of its benchmark."""


class Timing(NamedTuple):
    """Of one implementation of one case."""

    seconds: list[float]  # of each run
    peak_bytes: int


def timings(
    suite: str,
    case: Case,
    implementations: Sequence[str],
    /,
    *,
    progress: Callable[[str], None] = lambda _: None,
    **options: Any,
) -> dict[str, Timing]:
    """Time implementations of one case.

    Parameters
    ----------
    suite : str
        The file of `vosref.bench` whose ``Case`` this is, and whose ``prepared`` returns what is timed.
    case : Case
    implementations : sequence of str
    progress : callable
        Called with the name of what is timed next.
    **options
        Of ``prepared``, as JSON can hold them.
    """
    measured = {name: Timing([], 0) for name in implementations}
    for _ in range(ROUNDS):
        for name, (seconds, most) in measured.items():
            progress(f"{case.benchmark}, {case.title}: {name}")
            now = _in_its_own_process(suite, case, name, options)
            measured[name] = Timing(seconds + now.seconds, max(most, now.peak_bytes))
    return measured


def measure(run: Callable[[], Any], /, *, at_least: float = SECONDS) -> Timing:
    """Time what is prepared, in this process."""
    first = timed(run, 1)
    repeats = max(3, min(30, round(at_least / first[0])))
    return Timing(first + timed(run, repeats - 1, warm_up=0), peak_memory())


def row(case: Case, measured: dict[str, Timing], cost: Cost, peak: Peak, /) -> dict[str, Any]:
    """Say what was found: a benchmark's row, as the JSON file has it."""
    others = {name: timing for name, timing in measured.items() if name != "vosref"}
    return {
        "benchmark": case.benchmark,
        "case": case.title,
        "seconds": median(measured["vosref"].seconds),
        "floor_seconds": max(cost.products / peak.operations, cost.moved_bytes / peak.moved_bytes),
        "peak_bytes": measured["vosref"].peak_bytes,
        "peers": {name: median(timing.seconds) for name, timing in others.items()},
        "peer_peak_bytes": {name: timing.peak_bytes for name, timing in others.items()},
        "operations": cost.operations,
        "products": cost.products,
        "bytes": cost.moved_bytes,
    }


def _in_its_own_process(suite: str, case: Case, implementation: str, options: dict[str, Any]) -> Timing:
    command = [sys.executable, "-m", "vosref.bench", json.dumps([suite, case, implementation, options])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own module
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise InputError(f"timing {implementation} on {case.benchmark} failed: {reason}")
    return Timing(*json.loads(done.stdout.splitlines()[-1]))
