"""How long a whole frame takes, from a JPEG file to the mask's PNG file, in the run that `vosref segment` is.

The clip is rendered, weights are drawn: the time does not depend on them. A video is well under way when timing begins:
TVOS holds every frame that it can still look at, FEELVOS has left the annotated frame.
"""

import math
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vosref import runs
from vosref.backend import use_threads
from vosref.bench import alone, footage, frame_peers, kernels, matching
from vosref.bench.counting import FLOAT, Cost, count
from vosref.bench.machine import measured_peak, memory_from_here
from vosref.nn.networks import network
from vosref.video import configure
from vosref.weights import SHIPPED, load

__all__ = ["CASES", "Case", "measured", "rows"]

WARM_UP, TIMED, LAG = 2, 4, 1  # frames; masks are written while the next frame is computed, the last one after it
STRETCH = 2  # frames that a time is a mean over
N_OBJECTS = 4  # of the clip, background included
LENGTH = {"tvos": 45, "feelvos": 0}  # frames that are behind a run when it starts


class Case(NamedTuple):
    """A method on a video of a size."""

    benchmark: str  # the method's name, and "-frame"
    size: tuple[int, int]
    weights: str  # a model, whose weights are drawn unless they come with vosref
    config: str = "released"
    settings: dict[str, Any] = {}  # noqa: RUF012 - never changed
    dimension: int = 256  # of TVOS's embedding
    peers: tuple[str, ...] = ()

    @property
    def method(self) -> str:
        """The method's name."""
        return self.benchmark.removesuffix("-frame")

    @property
    def title(self) -> str:
        """Size, network, configuration."""
        return f"{self.size[0]}x{self.size[1]}, {self.weights}, {self.config}, {N_OBJECTS - 1} objects"


TRAINED = {"working_scale": 1.0, "output_stride": 8, "normalise": False, "temperature": 1.0}  # by TVOS's loss
CASES = (
    Case("tvos-frame", (480, 854), "tvos-resnet50", settings=TRAINED, peers=("torch-released",)),
    Case("tvos-frame", (480, 854), "tvos-lite0", dimension=112),
    Case("tvos-frame", (480, 854), "tvos-lite0", config="paper", dimension=112),
    Case("feelvos-frame", (480, 854), "feelvos-xception65", peers=("torch-released",)),
)


def rows(
    *, threads: int, with_peers: bool, progress: Callable[[str], None] = lambda _: None, cases: tuple[Case, ...] = CASES
) -> Iterator[dict[str, Any]]:
    """Time every case; parameters and rows are those of `networks.rows`."""
    peak = measured_peak(threads)
    for case in cases:
        implementations = ["vosref", *(p for p in case.peers if with_peers and frame_peers.available(p))]
        with tempfile.TemporaryDirectory() as folder:
            progress(f"{case.benchmark}, {case.title}: its clip")
            with use_threads(threads):
                prepare(case, Path(folder))
            options = {"folder": folder, "threads": threads}
            timings = alone.timings("segment", case, implementations, progress=progress, **options)
            yield alone.row(case, timings, cost(case, _config(case, Path(folder)).weights), peak)


def prepare(case: Case, folder: Path, /) -> None:
    """Write into a folder what a case works on."""
    behind = LENGTH[case.method]
    masks = footage.film(folder, case.size, (behind or 1) + WARM_UP + TIMED + LAG)
    if case.weights not in SHIPPED:
        footage.write_weights(case.weights, folder)
    if behind:
        footage.write_start(_job(case, folder, folder / "start"), folder, masks, behind)


def measured(case: Case, implementation: str, /, *, folder: str, threads: int) -> alone.Timing:
    """Time the last frames of a run in this process, but for those whose masks are written when all is computed."""
    memory, stamps = memory_from_here(), []
    with tempfile.TemporaryDirectory(dir=folder) as out:
        run(case, implementation, Path(folder), Path(out), threads, lambda _: stamps.append(time.perf_counter()))
    seconds = np.diff(stamps[-1 - TIMED - LAG : -LAG : STRETCH]) / STRETCH
    return alone.Timing(seconds.tolist(), *memory())


def run(
    case: Case, implementation: str, folder: Path, out: Path, threads: int, progress: Callable[[int], None], /
) -> None:
    """Segment a case's clip; `progress` is called after each frame."""
    job, behind = _job(case, folder, out), LENGTH[case.method]
    if implementation != "vosref":
        frame_peers.segment(job, folder / "frames", footage.start_of(job, folder), threads, progress)
        return
    if behind:
        footage.stop(job, folder, behind)
    with use_threads(threads):
        runs.segment(job, resume=bool(behind), progress=progress)


def cost(case: Case, weights: str, /) -> Cost:
    """Add up network, and propagation or matching and head; files, labels and their resizing are left out."""
    config = configure(case.method, case.config, **case.settings)
    if case.method == "tvos":
        size = round(case.size[0] * config.working_scale), round(case.size[1] * config.working_scale)
        grid = -(-case.size[0] // 8), -(-case.size[1] // 8)
        options = {"output_stride": config.output_stride}
        options |= {"n_stages": config.n_stages} if "lite" in case.weights else {}
        benchmark = "propagation-released" if config.propagation == "released" else "propagation-online"
        n_references = config.n_recent + config.n_sparse
        parts = [kernels.cost(kernels.Case(benchmark, grid, n_references, case.dimension, N_OBJECTS))]
    else:
        size, options = case.size, {"output_stride": config.output_stride}
        grid = -(-case.size[0] // 4), -(-case.size[1] // 4)
        radius = config.window_radius
        shape = {"grid": grid, "n_objects": N_OBJECTS, "window_radius": radius}
        parts = [matching.cost(matching.Case(name, **shape)) for name in matching.MATCHINGS] + [_head_cost(grid)]
    net = network(case.weights)
    parts.append(count(net.run, net.fold(load(weights)), size, **options))
    return Cost(*(sum(values) for values in zip(*parts, strict=True)))


def _head_cost(grid: tuple[int, ...]) -> Cost:
    """Count the head: what objects share of its first layer once [specs FEELVOS §4], and every map that they do not."""
    width, cues, taps, layers = 256, 3, 49, 3
    shared = width * (taps + width)
    own = cues * (taps + width) + layers * width * (taps + width) + width
    operations = 2 * math.prod(grid) * (shared + N_OBJECTS * own)
    values = math.prod(grid) * (3 * width + N_OBJECTS * (layers + 1) * 4 * width)
    return Cost(operations, operations, FLOAT * values)


def _config(case: Case, folder: Path) -> Any:
    drawn = {"weights": str(folder / footage.WEIGHTS)} if (folder / footage.WEIGHTS).exists() else {}
    return configure(case.method, case.config, **case.settings, **drawn)


def _job(case: Case, folder: Path, out: Path) -> runs.Job:
    frames, mask = folder / "frames", folder / footage.MASK
    return runs.open_job(frames, mask, out, method=case.method, config=_config(case, folder))
