"""How long FEELVOS's matching takes on a frame, ours and what others offer for it, and how that time grows.

Embeddings are drawn, non-negative as the network's are, and scaled so that distances do not saturate at 1; objects are
blobs. The first case of each benchmark is a 480×854 frame of DAVIS at stride 4; each of the others changes one number.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numba
import numpy as np

from vosref.backend import use_cpu
from vosref.bench import alone, matching_peers
from vosref.bench.counting import FLOAT, Cost
from vosref.bench.machine import measured_peak
from vosref.matching import global_matching, local_matching

__all__ = ["CASES", "Case", "prepared", "rows"]

MATCHINGS = {"global-matching": global_matching, "local-matching": local_matching}
GRID = (120, 214)
SCALE = 0.25  # of the embeddings: at D = 100 two of them are a squared distance of some 5 apart
COVERED = 1 / 3  # share of the grid that blobs of middling radius would cover if none were cut


class Case(NamedTuple):
    """A frame to match: its grid, the other frame's, and what else the time may depend on."""

    benchmark: str
    grid: tuple[int, int] = GRID
    reference_grid: tuple[int, int] = GRID
    dimension: int = 100
    n_objects: int = 3
    window_radius: int = 15  # of local matching
    peers: tuple[str, ...] = ()  # that are timed on this case too

    @property
    def title(self) -> str:
        """Grid, D, objects, radius."""
        grid, other = (f"{h}x{w}" for h, w in (self.grid, self.reference_grid))
        pixels = grid if grid == other else f"{grid} queries, {other} references"
        radius = f", radius {self.window_radius}" if self.benchmark == "local-matching" else ""
        return f"{pixels}, D={self.dimension}, {self.n_objects} objects{radius}"

    @property
    def options(self) -> dict[str, Any]:
        """Of the matching."""
        local = {"grid": tuple(self.grid), "window_radius": self.window_radius}
        return local if self.benchmark == "local-matching" else {}


GLOBAL = Case("global-matching", peers=("faiss", "product", "definition"))
LOCAL = Case("local-matching", peers=("torch-slices", "torch-filled", "torch-unfold", "definition"))
HALF = (GRID[0] // 2, GRID[1])
CASES = (
    GLOBAL,
    Case("global-matching", grid=HALF),
    Case("global-matching", reference_grid=HALF),
    *(Case("global-matching", n_objects=k) for k in (2, 10, 50)),
    LOCAL,
    Case("local-matching", grid=HALF, reference_grid=HALF),
    *(Case("local-matching", window_radius=r) for r in (7, 31)),
    *(Case("local-matching", n_objects=k) for k in (2, 10, 50)),
)


def rows(
    *, threads: int, with_peers: bool, progress: Callable[[str], None] = lambda _: None, cases: tuple[Case, ...] = CASES
) -> Iterator[dict[str, Any]]:
    """Time every case; parameters and rows are those of `networks.rows`."""
    peak = measured_peak(threads)
    for case in cases:
        others = [p for p in case.peers if with_peers and matching_peers.available(p)]
        measured = alone.timings("matching", case, ["vosref", *others], progress=progress, threads=threads)
        yield alone.row(case, measured, cost(case), peak)


def prepared(case: Case, implementation: str, /, *, threads: int) -> Callable[[], np.ndarray]:
    """Return what is timed: a function without arguments."""
    arrays, matching = problem(case), MATCHINGS[case.benchmark]

    def definition() -> np.ndarray:
        with use_cpu("numpy"):
            return matching(*arrays, **case.options)

    if implementation == "definition":
        return matching_peers.limited(definition, threads)
    if implementation != "vosref":
        return matching_peers.build(implementation, *arrays, threads=threads, **case.options)
    numba.set_num_threads(threads)
    return lambda: matching(*arrays, **case.options)


def problem(case: Case, /) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw the query and the reference embedding, (P, D) and (R, D), and the one-hot labels (R, K) of the latter."""
    rng = np.random.default_rng(0)
    shapes = [(math.prod(grid), case.dimension) for grid in (case.grid, case.reference_grid)]
    query, reference = (np.float32(SCALE) * np.abs(rng.standard_normal(shape, np.float32)) for shape in shapes)
    objects = np.arange(case.n_objects)
    return query, reference, (blobs(case.reference_grid, case.n_objects, rng)[:, None] == objects).astype(np.float32)


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
    n_queries, n_references = math.prod(case.grid), math.prod(case.reference_grid)
    pairs = n_queries * n_references
    if case.benchmark == "local-matching":
        pairs = math.prod(_pairs_along(length, case.window_radius) for length in case.grid)
    operations = 2 * case.dimension * pairs
    values = (n_queries + n_references) * (case.dimension + case.n_objects)  # embeddings, labels, the map
    return Cost(operations, operations, FLOAT * values)


def _pairs_along(length: int, radius: int) -> int:
    """Count the pairs (i, j) of an axis's positions with |i - j| at most the radius."""
    reach = min(radius, length - 1)
    return (2 * reach + 1) * length - reach * (reach + 1)
