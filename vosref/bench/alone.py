"""Every implementation of a case alone in processes of its own, in turns; then its medians and memory as a row."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from vosref.bench.counting import Cost
from vosref.bench.machine import Peak, memory_from_here, timed
from vosref.io import InputError

__all__ = ["Case", "Timing", "floor", "measure", "row", "timings"]

SECONDS = 2.0  # that a process runs one implementation for, at least twice after a warm-up
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
    peak_bytes: int  # the most that its process held
    extra_bytes: int | None = None  # beyond what it held before the first run; None where the system does not tell


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
        The file of `vosref.bench` whose ``Case`` this is, and whose ``measured`` times it.
    case : Case
    implementations : sequence of str
    progress : callable
        Called with the name of what is timed next.
    **options
        Of ``measured``, as JSON can hold them.
    """
    found: dict[str, list[Timing]] = {name: [] for name in implementations}
    for _ in range(ROUNDS):
        for name in implementations:
            progress(f"{case.benchmark}, {case.title}: {name}")
            found[name].append(_in_its_own_process(suite, case, name, options))
    return {name: _together(of_rounds) for name, of_rounds in found.items()}


def measure(
    run: Callable[[], Any], /, *, at_least: float | None = None, synchronise: Callable[[], Any] = lambda: None
) -> Timing:
    """Time what is prepared, in this process, for so many seconds (`SECONDS`); see `machine.timed`."""
    at_least, memory = SECONDS if at_least is None else at_least, memory_from_here()
    first = timed(run, 1, synchronise=synchronise)
    repeats = max(2, min(30, round(at_least / first[0])))
    seconds = first + timed(run, repeats - 1, warm_up=0, synchronise=synchronise)
    return Timing(seconds, *memory())


def floor(cost: Cost, peak: Peak, /) -> float:
    """Return the seconds below which this machine cannot come: those of the products, or of the bytes if they last."""
    return max(cost.products / peak.operations, cost.moved_bytes / peak.moved_bytes)


def row(case: Case, measured: dict[str, Timing], cost: Cost, peak: Peak, /) -> dict[str, Any]:
    """Say what was found: a benchmark's row, as the JSON file has it."""
    ours, others = measured["vosref"], {name: timing for name, timing in measured.items() if name != "vosref"}
    return {
        "benchmark": case.benchmark,
        "case": case.title,
        "seconds": _quantiles(ours)[1],
        "quartiles": _quantiles(ours)[::2],
        "floor_seconds": floor(cost, peak),
        "peak_bytes": ours.peak_bytes,
        "extra_bytes": ours.extra_bytes,
        "peers": {name: _quantiles(timing)[1] for name, timing in others.items()},
        "peer_quartiles": {name: _quantiles(timing)[::2] for name, timing in others.items()},
        "peer_peak_bytes": {name: timing.peak_bytes for name, timing in others.items()},
        "peer_extra_bytes": {name: timing.extra_bytes for name, timing in others.items()},
        "operations": cost.operations,
        "products": cost.products,
        "bytes": cost.moved_bytes,
    }


def _quantiles(timing: Timing) -> list[float]:
    """First quartile, median, third quartile."""
    return np.percentile(timing.seconds, (25, 50, 75)).tolist()


def _together(of_rounds: Sequence[Timing]) -> Timing:
    extra = [t.extra_bytes for t in of_rounds if t.extra_bytes is not None]
    seconds = [s for t in of_rounds for s in t.seconds]
    return Timing(seconds, max(t.peak_bytes for t in of_rounds), max(extra) if extra else None)


def _in_its_own_process(suite: str, case: Case, implementation: str, options: dict[str, Any]) -> Timing:
    command = [sys.executable, "-m", "vosref.bench", json.dumps([suite, case, implementation, options])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own module
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise InputError(f"timing {implementation} on {case.benchmark} failed: {reason}")
    return Timing(*json.loads(done.stdout.splitlines()[-1]))
