"""How long the scores of a frame take, ours and as other evaluators compute them, each on one thread.

Sequences are what an evaluation spreads over cores; a frame is not. Masks are drawn: discs, and for the prediction the
same ones with outlines that waver by a few pixels.
"""

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from vosref.bench import alone, scores_peers, tiers
from vosref.bench.counting import Cost
from vosref.bench.machine import measured_peak
from vosref.bench.matching import blobs
from vosref.evaluation.measures import region_and_contour
from vosref.evaluation.outline import longest_outline, resampled
from vosref.evaluation.shape_context import BINS
from vosref.evaluation.temporal import temporal_stability

__all__ = ["CASES", "Case", "cost", "measured", "prepared", "problem", "rows"]

WAVER = 4.0  # pixels by which an outline is off at most
WAVES = (7.0, 11.0, 23.0)  # pixels that a wave is long, divided by 2π


class Case(NamedTuple):
    """What is scored of a frame of a size with so many objects."""

    benchmark: str
    size: tuple[int, int] = (480, 854)
    n_objects: int = 2
    peers: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Size and objects."""
        return f"{self.size[0]}x{self.size[1]}, {self.n_objects} object{'s' if self.n_objects > 1 else ''}"


OTHERS = ("davis2017", "vos-benchmark", "definition")
CASES = (
    Case("frame-scores", peers=OTHERS),
    Case("frame-scores", n_objects=10, peers=OTHERS),
    Case("frame-scores", (1080, 1920), peers=OTHERS),
    Case("temporal-stability", n_objects=1, peers=("definition",)),
)


def rows(
    *,
    threads: int,  # noqa: ARG001 - a frame is scored on one
    with_peers: bool,
    progress: Callable[[str], None] = lambda _: None,
    cases: tuple[Case, ...] = CASES,
) -> Iterator[dict[str, Any]]:
    """Time every case; see `networks.rows`."""
    peak = measured_peak(1)
    for case in cases:
        others = [peer for peer in case.peers if with_peers and scores_peers.available(peer)]
        measured = alone.timings("scores", case, ["vosref", *others], progress=progress)
        yield alone.row(case, measured, cost(case), peak)


def measured(case: Case, implementation: str, /) -> alone.Timing:
    """Time one implementation in this process."""
    return alone.measure(prepared(case, implementation))


def prepared(case: Case, implementation: str, /) -> Callable[[], Any]:
    """Return what is timed: a function without arguments. What it needs compiled is compiled."""
    prediction, truth = problem(case)
    if implementation not in tiers.TIERS:
        return scores_peers.build(implementation, prediction, truth, ids=_ids(case))
    function, masks = _function(case), (prediction, truth)
    if case.benchmark == "temporal-stability":
        masks = prediction > 0, truth > 0
    tiers.run_on(implementation, function, [np.ones((9, 9), mask.dtype) for mask in masks], threads=1)()
    return tiers.run_on(implementation, function, masks, threads=1)


def problem(case: Case, /) -> tuple[np.ndarray, np.ndarray]:
    """Draw a prediction and a truth, (H, W) ids each; all objects are in both."""
    rng = np.random.default_rng(0)
    height, width = case.size
    truth = blobs((height, width), case.n_objects + 1, rng).reshape(case.size).astype(np.uint8)
    y, x = np.indices(case.size)
    along, across = (sum(np.sin(axis / wave + wave) for wave in WAVES) * WAVER / len(WAVES) for axis in (x, y))
    moved = [
        np.clip(np.rint(a + b), 0, n - 1).astype(int)
        for a, b, n in zip((y, x), (along, across), case.size, strict=True)
    ]
    return truth[tuple(moved)], truth


def cost(case: Case, /) -> Cost:
    """Count both masks' bytes once; for T, also a product and a sum for each bin of each pair of points."""
    operations = 0
    if case.benchmark == "temporal-stability":
        outlines = [longest_outline(mask > 0) for mask in problem(case)]
        operations = 2 * BINS * math.prod(len(resampled(outline)) for outline in outlines if outline is not None)
    return Cost(operations, operations, 2 * math.prod(case.size))


def _function(case: Case) -> Callable[..., Any]:
    if case.benchmark == "temporal-stability":
        return temporal_stability
    return functools.partial(region_and_contour, ids=_ids(case))


def _ids(case: Case) -> list[int]:
    return list(range(1, case.n_objects + 1))
