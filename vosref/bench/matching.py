"""How long FEELVOS's matching takes on a frame, ours and what others offer for it, and how that time grows.

Embeddings are drawn, non-negative as the network's are, and scaled so that distances do not saturate at 1; objects are
blobs. The first case of each benchmark is a 480×854 frame of DAVIS at stride 4; each of the others changes one number.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from vosref.bench import alone, matching_peers, sweeps, tiers
from vosref.bench.counting import FLOAT, Cost
from vosref.matching import global_matching, local_matching

__all__ = ["CASES", "Case", "blobs", "measured", "prepared", "rows"]

MATCHINGS = {"global-matching": global_matching, "local-matching": local_matching}
SCALE = 0.25  # of the embeddings: at D = 100 two of them are a squared distance of some 5 apart
COVERED = 1 / 3  # share of the grid that blobs of middling radius would cover if none were cut


class Case(NamedTuple):
    """A frame to match: its grid, how many frames it looks at, and what else the time may depend on."""

    benchmark: str
    grid: tuple[int, int] = (120, 214)
    n_references: int = 1  # frames of the query's size, of global matching
    dimension: int = 100
    n_objects: int = 3
    window_radius: int = 15  # of local matching
    peers: tuple[str, ...] = ()  # that are timed on this case too
    sweep: str = ""  # the number that this case changes (`sweeps.GROWS`)
    threads: int = 0  # 0: as many as are asked for

    @property
    def title(self) -> str:
        """Grid, frames if more than one, D, objects, radius, and threads where they are of the case's own."""
        parts = [f"{self.grid[0]}x{self.grid[1]}", f"D={self.dimension}", f"{self.n_objects} objects"]
        if self.n_references > 1:
            parts.insert(1, f"{self.n_references} references")
        if self.benchmark == "local-matching":
            parts.append(f"radius {self.window_radius}")
        if self.threads:
            parts.append(f"{self.threads} thread{'s' if self.threads > 1 else ''}")
        return ", ".join(parts)

    @property
    def sizes(self) -> dict[str, int]:
        """The numbers that sweeps change."""
        names = ("pixels", "references", "dimension", "objects", "radius")
        return dict(zip(names, (math.prod(self.grid), *self[2:6]), strict=True))

    @property
    def options(self) -> dict[str, Any]:
        """Of the matching."""
        local = {"grid": tuple(self.grid), "window_radius": self.window_radius}
        return local if self.benchmark == "local-matching" else {}


GLOBAL = Case("global-matching", peers=("faiss", "product", "definition"))
LOCAL = Case("local-matching", peers=("torch-slices", "torch-filled", "torch-unfold", "definition"))
GRIDS = ((30, 54), (60, 107), (170, 303))
CASES = (
    GLOBAL,
    *(Case("global-matching", grid=grid, sweep="pixels") for grid in GRIDS),
    *(Case("global-matching", n_references=n, sweep="references") for n in (2, 4)),
    *(Case("global-matching", n_objects=k, sweep="objects") for k in (2, 10, 50)),
    *(Case("global-matching", dimension=d, sweep="dimension") for d in (25, 50, 200)),
    LOCAL,
    *(Case("local-matching", grid=grid, sweep="pixels") for grid in GRIDS),
    *(Case("local-matching", window_radius=r, sweep="radius") for r in (3, 7, 31)),
    *(Case("local-matching", n_objects=k, sweep="objects") for k in (2, 10, 50)),
    *(Case("local-matching", dimension=d, sweep="dimension") for d in (25, 50, 200)),
)


def rows(
    *, threads: int, with_peers: bool, progress: Callable[[str], None] = lambda _: None, cases: tuple[Case, ...] = CASES
) -> Iterator[dict[str, Any]]:
    """Time every case; see `sweeps.rows`."""
    available = matching_peers.available
    return sweeps.rows("matching", cases, cost, available, threads=threads, with_peers=with_peers, progress=progress)


def measured(case: Case, implementation: str, /, *, threads: int, at_least: float) -> alone.Timing:
    """Time one implementation in this process."""
    run = prepared(case, implementation, threads=threads)
    return alone.measure(run, at_least=at_least, synchronise=tiers.synchroniser(implementation))


def prepared(case: Case, implementation: str, /, *, threads: int) -> Callable[[], Any]:
    """Return what is timed: a function without arguments. What it needs compiled is compiled."""
    arrays, function = problem(case), MATCHINGS[case.benchmark]
    if implementation not in tiers.TIERS:
        return matching_peers.build(implementation, *arrays, threads=threads, **case.options)
    tiny = case._replace(grid=(3, 4), n_objects=2)
    tiers.run_on(implementation, function, problem(tiny), threads=threads, **tiny.options)()
    return tiers.run_on(implementation, function, arrays, threads=threads, **case.options)


def problem(case: Case, /) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw the query and the reference embedding, (P, D) and (R, D), and the one-hot labels (R, K) of the latter."""
    rng = np.random.default_rng(0)
    shapes = [(math.prod(grid), case.dimension) for grid in (case.grid, _references(case))]
    query, reference = (np.float32(SCALE) * np.abs(rng.standard_normal(shape, np.float32)) for shape in shapes)
    objects = np.arange(case.n_objects)
    return query, reference, (blobs(_references(case), case.n_objects, rng)[:, None] == objects).astype(np.float32)


def blobs(grid: tuple[int, int], n_objects: int, rng: np.random.Generator, /) -> np.ndarray:
    """Draw a label map, (R,): discs of every size that do not overlap, on the background 0; no object is absent."""
    n_pixels, n_blobs = math.prod(grid), n_objects - 1
    pixels = np.indices(grid, np.float32).reshape(2, n_pixels).T
    centres = pixels[rng.choice(n_pixels, n_blobs, replace=False)]
    reach = math.sqrt(COVERED * n_pixels / (math.pi * n_blobs)) * rng.uniform(0.5, 1.5, n_blobs)
    apart = np.hypot(*(pixels[:, None, axis] - centres[None, :, axis] for axis in range(2)))
    nearest = np.argmin(apart, axis=1)
    return np.where(apart[np.arange(n_pixels), nearest] <= reach[nearest], nearest + 1, 0)


def cost(case: Case, /) -> Cost:
    """Count a multiplication and an addition for each pair of pixels and coordinate, and all arrays' bytes once."""
    n_queries, n_references = math.prod(case.grid), math.prod(_references(case))
    pairs = n_queries * n_references
    if case.benchmark == "local-matching":
        pairs = math.prod(_pairs_along(length, case.window_radius) for length in case.grid)
    operations = 2 * case.dimension * pairs
    values = (n_queries + n_references) * (case.dimension + case.n_objects)  # embeddings, labels, the map
    return Cost(operations, operations, FLOAT * values)


def _references(case: Case) -> tuple[int, int]:
    """Return the grid of all references, one below the other."""
    return case.n_references * case.grid[0], case.grid[1]


def _pairs_along(length: int, radius: int) -> int:
    """Count the pairs (i, j) of an axis's positions with |i - j| at most the radius."""
    reach = min(radius, length - 1)
    return (2 * reach + 1) * length - reach * (reach + 1)
