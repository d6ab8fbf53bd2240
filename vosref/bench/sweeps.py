"""How time grows: cases that part from the main case of their benchmark in one number, and the exponent of it.

The first case of a benchmark is its main one; a case with a `sweep` names the number that it changes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from vosref.bench import alone, tiers
from vosref.bench.counting import Cost
from vosref.bench.machine import measured_peak

__all__ = ["GROWS", "rows", "scaling"]

GROWS = {  # what a sweep's number counts
    "pixels": "pixels of each frame, target and references alike",
    "references": "reference frames",
    "objects": "objects, background included",
    "dimension": "dimension of the embedding",
    "radius": "radius of the window, pixels",
    "threads": "threads",
}
AT_LEAST = 1.0  # seconds that a process runs a case of a sweep for: there are many


def rows(
    suite: str,
    cases: Sequence[Any],
    cost: Callable[[Any], Cost],
    available: Callable[[str], bool],
    /,
    *,
    threads: int,
    with_peers: bool,
    progress: Callable[[str], None],
) -> Iterator[dict[str, Any]]:
    """Time every case, and each main case on 1, 2, 4, … threads too; on a GPU as well where one answers.

    Parameters
    ----------
    suite, progress
        As for `alone.timings`.
    cases : sequence of named tuples
        As `alone.Case`, with ``peers`` that are timed too, ``sweep``, empty for a main case, ``threads``, 0 for as many
        as are asked for, and ``sizes``, a case's numbers by sweep.
    cost : callable, case to Cost
    available : callable, str to bool
        Whether what a peer needs is installed.
    threads, with_peers
        As for `networks.rows`.

    Yields
    ------
    dict
        As `networks.rows` yields; a main case's with `sizes`, the others' with `sweep` and `size`.
    """
    peaks, device = cache(measured_peak), ["cupy"] if tiers.gpu() else []
    for case in (*cases, *_on_fewer_threads(cases, threads)):
        others = [p for p in case.peers if with_peers and available(p)]
        options = {"threads": case.threads or threads, "at_least": AT_LEAST if case.sweep else alone.SECONDS}
        measured = alone.timings(suite, case, ["vosref", *device, *others], progress=progress, **options)
        place = {"sweep": case.sweep, "size": {**case.sizes, "threads": case.threads}.get(case.sweep)}
        about = place if case.sweep else {"sizes": {**case.sizes, "threads": threads}}
        yield alone.row(case, measured, cost(case), peaks(options["threads"])) | about


def scaling(rows: Sequence[Mapping[str, Any]], /) -> list[dict[str, Any]]:
    """Fit each sweep: seconds ∝ size ^ exponent, by least squares on logarithms.

    Parameters
    ----------
    rows : sequence of dict
        Of any suites; those of a benchmark's main case have `sizes`, those of a sweep `sweep` and `size`.

    Returns
    -------
    list of dict
        ``benchmark``, ``sweep``, ``sizes`` ascending, ``seconds`` and ``floor_seconds`` at them, ``exponent``, and its
        ``standard_error``, None for two sizes, through which a line runs without error.
    """
    fitted = []
    for main in (row for row in rows if "sizes" in row):
        swept = [row for row in rows if row["benchmark"] == main["benchmark"] and "sweep" in row]
        for sweep in dict.fromkeys(row["sweep"] for row in swept):
            points = [{**main, "size": main["sizes"][sweep]}, *(row for row in swept if row["sweep"] == sweep)]
            points.sort(key=lambda row: row["size"])
            columns = {name: [p[name] for p in points] for name in ("size", "seconds", "floor_seconds")}
            exponent, error = _slope(np.log(columns["size"]), np.log(columns["seconds"]))
            fitted.append(
                {"benchmark": main["benchmark"], "sweep": sweep, "sizes": columns.pop("size"), **columns}
                | {"exponent": exponent, "standard_error": error}
            )
    return fitted


def _on_fewer_threads(cases: Sequence[Any], threads: int) -> list[Any]:
    counts = [2**i for i in range(threads.bit_length()) if 2**i < threads]
    return [case._replace(sweep="threads", threads=n, peers=()) for case in cases if not case.sweep for n in counts]


def _slope(x: np.ndarray, y: np.ndarray) -> tuple[float, float | None]:
    """Slope of the line of least squares, and its standard error."""
    x, y = x - x.mean(), y - y.mean()
    slope = float(x @ y / (x @ x))
    freedom = len(x) - 2
    return slope, float(np.sqrt(np.sum((y - slope * x) ** 2) / freedom / (x @ x))) if freedom > 0 else None
