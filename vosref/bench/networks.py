"""How long the networks take on a frame, ours and those of other libraries.

Ours runs as it does in `vosref segment`: norms folded, 3×3 layers by Winograd. Weights are drawn, not trained: the time
does not depend on them.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vosref.backend import use_threads
from vosref.bench import alone, peers
from vosref.bench.counting import Cost, count
from vosref.bench.machine import measured_peak
from vosref.nn.networks import network
from vosref.weights import load, model
from vosref.weights.conversion import FORMAT
from vosref.weights.safetensors_file import write_safetensors

__all__ = ["CASES", "Case", "drawn", "initial", "measured", "prepared", "rows"]


class Case(NamedTuple):
    """A network at a size of frame."""

    model: str
    size: tuple[int, int]
    options: dict[str, Any]
    note: str = ""

    @property
    def benchmark(self) -> str:
        """The network."""
        return self.model

    @property
    def title(self) -> str:
        """Size and what else sets this case apart."""
        return f"{self.size[0]}x{self.size[1]}" + (f", {self.note}" if self.note else "")


CASES = (
    Case("tvos-resnet50", (480, 854), {}),
    Case("tvos-resnet18", (480, 854), {}),
    Case("tvos-resnet101", (480, 854), {}),
    Case("feelvos-xception65", (480, 854), {"output_stride": 8}, "output stride 8"),
    Case("feelvos-xception65", (480, 854), {"output_stride": 16}, "output stride 16"),
    Case("lite0", (480, 854), {}, "output stride 32"),
    Case("lite0", (960, 1708), {"n_stages": 5, "output_stride": 16}, "five stages, output stride 16"),
)


def rows(
    *, threads: int, with_peers: bool, progress: Callable[[str], None] = lambda _: None, cases: tuple[Case, ...] = CASES
) -> Iterator[dict[str, Any]]:
    """Time every case.

    Parameters
    ----------
    threads : int
        For each implementation.
    with_peers : bool
        Time the other libraries too, those that are installed.
    progress : callable
        Called with the name of what is timed next.
    cases : sequence of Case

    Yields
    ------
    dict
        ``benchmark``, ``case``, ``seconds`` (median), ``quartiles`` (first and third), ``floor_seconds``,
        ``peak_bytes``, ``extra_bytes`` (of `alone.Timing`), ``operations``, ``products``, ``bytes``, and under
        ``peers``, ``peer_quartiles``, ``peer_peak_bytes`` and ``peer_extra_bytes`` those of the others by name.
    """
    peak = measured_peak(threads)
    implementations = ["vosref", *(p for p in peers.PEERS if with_peers and peers.available(p))]
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            weights = drawn(case.model, Path(folder) / "weights.safetensors")
            cost, options = _cost(case, weights), {"weights": str(weights), "threads": threads}
            measured = alone.timings("networks", case, implementations, progress=progress, **options)
        yield alone.row(case, measured, cost, peak)


def measured(case: Case, implementation: str, /, *, weights: str | Path, threads: int) -> alone.Timing:
    """Time one implementation in this process."""
    return alone.measure(prepared(case, implementation, weights=weights, threads=threads))


def prepared(case: Case, implementation: str, /, *, weights: str | Path, threads: int) -> Callable[[], Any]:
    """Return what is timed: a function without arguments."""
    net, image = network(case.model), np.random.default_rng(1).uniform(0, 255, (*case.size, 3)).astype(np.float32)
    if implementation != "vosref":
        return peers.build(implementation, net, load(weights), image, threads=threads, **case.options)
    folded = net.fold(load(weights))
    with use_threads(threads):
        net.run(folded, image[:65, :65], **case.options)  # compiles what is not compiled yet

    def run() -> np.ndarray:
        with use_threads(threads):
            return net.run(folded, image, **case.options)

    return run


def drawn(name: str, path: Path, /) -> Path:
    """Write a model's weights as they would be before training."""
    write_safetensors(path, initial(name), {"format": FORMAT, "model": name})
    return path


def initial(name: str, /) -> dict[str, np.ndarray]:
    """Draw a model's weights as they would be before training."""
    table, rng = model(name), np.random.default_rng(0)
    shapes = {array.name: tuple(n for n in array.shape if n is not None) for array in table.arrays}
    return {key: table.initial(rng, key, shape) for key, shape in shapes.items()}


def _cost(case: Case, weights: Path) -> Cost:
    net = network(case.model)
    return count(net.run, net.fold(load(weights)), case.size, **case.options)
