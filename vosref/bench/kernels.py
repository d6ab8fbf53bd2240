"""How long TVOS's propagation takes on a frame, ours and what others offer for it, and how that time grows.

Embeddings are drawn, and so scaled that logits have a standard deviation of 2: of the references, about e⁻⁴, some
thousand, share most of a pixel's softmax, which is neither flat nor one-hot. Labels are one-hot blobs. The main cases
are a 480×854 frame of DAVIS at stride 8; each of the others changes one number.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from vosref.bench import alone, propagation_peers, sweeps, tiers
from vosref.bench.counting import FLOAT, Cost
from vosref.bench.matching import blobs
from vosref.propagation import propagate_online, propagate_released

__all__ = ["CASES", "Case", "measured", "prepared", "rows"]

PROPAGATIONS = {"propagation-released": propagate_released, "propagation-online": propagate_online}
PASSES = {"propagation-released": 1, "propagation-online": 2}  # over all pairs: degrees come before votes
SPREAD = 2.0  # standard deviation of the logits
RECENT, SIGMA_RECENT, SIGMA_DISTANT = 4, 8.0, 21.0  # frames, and cells [TVOS §3.3]


class Case(NamedTuple):
    """A frame to propagate to: its grid, how many frames it looks at, and what else the time may depend on."""

    benchmark: str
    grid: tuple[int, int] = (60, 107)
    n_references: int = 9
    dimension: int = 256
    n_objects: int = 4
    peers: tuple[str, ...] = ()  # that are timed on this case too
    sweep: str = ""  # the number that this case changes (`sweeps.GROWS`)
    threads: int = 0  # 0: as many as are asked for

    @property
    def title(self) -> str:
        """Grid, frames, D, labels, and threads where they are of the case's own."""
        frames = f"{self.n_references} reference{'s' if self.n_references > 1 else ''}"
        own = f", {self.threads} thread{'s' if self.threads > 1 else ''}" if self.threads else ""
        return f"{self.grid[0]}x{self.grid[1]}, {frames}, D={self.dimension}, {self.n_objects} labels{own}"

    @property
    def sizes(self) -> dict[str, int]:
        """The numbers that sweeps change."""
        names = ("pixels", "references", "dimension", "objects")
        return dict(zip(names, (math.prod(self.grid), *self[2:5]), strict=True))

    @property
    def options(self) -> dict[str, Any]:
        """Of the propagation: σ of the four last references, and of those before them."""
        recent = min(RECENT, self.n_references)
        sigma = (SIGMA_DISTANT,) * (self.n_references - recent) + (SIGMA_RECENT,) * recent
        return {"grid": tuple(self.grid), "sigma": sigma}


RELEASED = Case("propagation-released", peers=("torch-released", "torch-sdpa", "product", "definition"))
ONLINE = Case("propagation-online", peers=("torch-paper", "product", "definition"))
GRIDS = ((15, 27), (30, 54), (85, 151))
CASES = (
    RELEASED,
    *(Case("propagation-released", grid=grid, sweep="pixels") for grid in GRIDS),
    *(Case("propagation-released", n_references=n, sweep="references") for n in (1, 3, 27)),
    *(Case("propagation-released", n_objects=k, sweep="objects") for k in (2, 8, 32)),
    *(Case("propagation-released", dimension=d, sweep="dimension") for d in (64, 128, 512)),
    ONLINE,
    *(Case("propagation-online", grid=grid, sweep="pixels") for grid in GRIDS),
    *(Case("propagation-online", n_references=n, sweep="references") for n in (1, 3, 27)),
)


def rows(
    *, threads: int, with_peers: bool, progress: Callable[[str], None] = lambda _: None, cases: tuple[Case, ...] = CASES
) -> Iterator[dict[str, Any]]:
    """Time every case; see `sweeps.rows`."""
    available = propagation_peers.available
    return sweeps.rows("kernels", cases, cost, available, threads=threads, with_peers=with_peers, progress=progress)


def measured(case: Case, implementation: str, /, *, threads: int, at_least: float) -> alone.Timing:
    """Time one implementation in this process."""
    run = prepared(case, implementation, threads=threads)
    return alone.measure(run, at_least=at_least, synchronise=tiers.synchroniser(implementation))


def prepared(case: Case, implementation: str, /, *, threads: int) -> Callable[[], Any]:
    """Return what is timed: a function without arguments. What it needs compiled is compiled."""
    arrays, function = problem(case), PROPAGATIONS[case.benchmark]
    if implementation not in tiers.TIERS:
        options = {"threads": threads, "passes": PASSES[case.benchmark], **case.options}
        return propagation_peers.build(implementation, *arrays, **options)
    tiny = case._replace(grid=(3, 4), n_objects=2)
    tiers.run_on(implementation, function, problem(tiny), threads=threads, **tiny.options)()
    return tiers.run_on(implementation, function, arrays, threads=threads, **case.options)


def problem(case: Case, /) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """Draw the target's embedding (P, D), the references' (P, D) each, and their one-hot labels (P, K) each."""
    rng, n_pixels = np.random.default_rng(0), math.prod(case.grid)
    scale, objects = np.float32(math.sqrt(SPREAD) / case.dimension**0.25), np.arange(case.n_objects)
    query, *references = (
        scale * rng.standard_normal((n_pixels, case.dimension), np.float32) for _ in range(case.n_references + 1)
    )
    maps = (blobs(case.grid, case.n_objects, rng) for _ in references)
    return query, references, [(label[:, None] == objects).astype(np.float32) for label in maps]


def cost(case: Case, /) -> Cost:
    """Count each pass's multiplication and addition for a pair of pixels and coordinate, and all arrays' bytes once.

    The paper's S needs all affinities twice, for the degrees and for the votes, unless all 1.5 GB of them are kept.
    """
    n_pixels = math.prod(case.grid)
    operations = PASSES[case.benchmark] * 2 * case.dimension * case.n_references * n_pixels**2
    values = n_pixels * (case.n_references + 1) * (case.dimension + case.n_objects)  # embeddings, labels, votes
    return Cost(operations, operations, FLOAT * values)
