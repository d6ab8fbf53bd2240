"""How long the networks take on a frame, ours and those of other libraries; each alone in a process of its own.

Ours runs as it does in `vosref segment`: norms folded, 3×3 layers by Winograd. Weights are drawn, not trained: the time
does not depend on them.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numba
import numpy as np

from vosref.bench import peers
from vosref.bench.counting import Cost, count
from vosref.bench.machine import measured_peak, peak_memory, timed
from vosref.io import InputError
from vosref.nn.networks import network
from vosref.weights import load, model
from vosref.weights.conversion import FORMAT
from vosref.weights.safetensors_file import write_safetensors

__all__ = ["CASES", "Case", "rows"]

SECONDS = 2.0  # that a process runs one network for, at least three times
ROUNDS = 2  # processes of each implementation, in turns, so that a slow minute of the machine meets them all


class Case(NamedTuple):
    """A network at a size of frame."""

    model: str
    size: tuple[int, int]
    options: dict[str, Any]
    note: str = ""

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
        ``benchmark``, ``case``, ``seconds`` (median), ``floor_seconds``, ``peak_bytes``, ``operations``, ``products``,
        ``bytes``, and under ``peers`` and ``peer_peak_bytes`` those of the others by name.
    """
    peak = measured_peak()
    implementations = ["vosref", *(p for p in peers.PEERS if with_peers and peers.available(p))]
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            weights = _drawn(case.model, Path(folder) / "weights.safetensors")
            cost = _cost(case, weights)
            seconds: dict[str, list[float]] = {name: [] for name in implementations}
            memory = dict.fromkeys(implementations, 0)
            for _ in range(ROUNDS):
                for name in implementations:
                    progress(f"{case.model}, {case.title}: {name}")
                    measured = _in_its_own_process(case, name, weights, threads)
                    seconds[name] += measured["seconds"]
                    memory[name] = max(memory[name], measured["peak_bytes"])
        yield {
            "benchmark": case.model,
            "case": case.title,
            "seconds": median(seconds.pop("vosref")),
            "floor_seconds": max(cost.products / peak.operations, cost.moved_bytes / peak.moved_bytes),
            "peak_bytes": memory.pop("vosref"),
            "peers": {name: median(s) for name, s in seconds.items()},
            "peer_peak_bytes": memory,
            "operations": cost.operations,
            "products": cost.products,
            "bytes": cost.moved_bytes,
        }


def measure(
    case: Case, implementation: str, weights: str | Path, threads: int, /, *, at_least: float = SECONDS
) -> dict[str, Any]:
    """Time one case in this process; return the seconds of each run, and the most memory that the process held."""
    run = _prepared(case, implementation, weights, threads)
    first = timed(run, 1)[0]
    repeats = max(3, min(30, round(at_least / first)))
    return {"seconds": timed(run, repeats, warm_up=0), "peak_bytes": peak_memory()}


def _prepared(case: Case, implementation: str, weights: str | Path, threads: int) -> Callable[[], Any]:
    net, image = network(case.model), np.random.default_rng(1).uniform(0, 255, (*case.size, 3)).astype(np.float32)
    if implementation != "vosref":
        return peers.build(implementation, net, load(weights), image, threads=threads, **case.options)
    numba.set_num_threads(threads)
    folded = net.fold(load(weights))
    return lambda: net.run(folded, image, **case.options)


def _drawn(name: str, path: Path, /) -> Path:
    """Write a model's weights as they would be before training."""
    table, rng = model(name), np.random.default_rng(0)
    shapes = {array.name: tuple(n for n in array.shape if n is not None) for array in table.arrays}
    arrays = {key: table.initial(rng, key, shape) for key, shape in shapes.items()}
    write_safetensors(path, arrays, {"format": FORMAT, "model": name})
    return path


def _cost(case: Case, weights: Path) -> Cost:
    net = network(case.model)
    return count(net.run, net.fold(load(weights)), case.size, **case.options)


def _in_its_own_process(case: Case, implementation: str, weights: Path, threads: int) -> dict[str, Any]:
    task = json.dumps([case, implementation, str(weights), threads])
    command = [sys.executable, "-m", "vosref.bench", task]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own module
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise InputError(f"timing {implementation} on {case.model} failed: {reason}")
    return json.loads(done.stdout.splitlines()[-1])
