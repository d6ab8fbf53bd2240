"""Everything a run needs to go on as if it had not stopped, in one file that is replaced and never half-written."""

from pathlib import Path
from typing import Any

import torch

from vosref.io import InputError, atomic_path
from vosref.train.network import Network
from vosref.train.optimisers import Optimiser
from vosref.train.recipes import Recipe

__all__ = ["read_checkpoint", "write_checkpoint"]


def write_checkpoint(
    path: Path, network: Network, optimiser: Optimiser, recipe: Recipe, seed: int, progress: Any, /
) -> None:
    """Write weights, the optimiser's state and how far the run is."""
    content = {
        "recipe": {"method": type(recipe).__name__, **recipe._asdict()},
        "seed": seed,
        "step": progress.step,
        "seconds": progress.seconds,
        "network": network.state_dict(),
        "optimiser": optimiser.inner.state_dict(),
        "mean": optimiser.mean,
    }
    with atomic_path(path) as part:
        torch.save(content, part)


def read_checkpoint(
    path: Path, network: Network, optimiser: Optimiser, recipe: Recipe, seed: int, /
) -> tuple[int, float]:
    """Take up a run: return the steps and the seconds done.

    Raises
    ------
    InputError
        If it is a run of another recipe or seed, which would not be that run any more; what differs is named.
    """
    content = torch.load(path, map_location="cpu", weights_only=True)
    wanted = {"method": type(recipe).__name__, **recipe._asdict(), "seed": seed}
    found = {**content["recipe"], "seed": content["seed"]}
    if differing := [f"{k} is {found.get(k)} there and {v} here" for k, v in wanted.items() if found.get(k) != v]:
        raise InputError(f"{path} is of another run: {'; '.join(differing)}; give another folder, or the same settings")
    network.load_state_dict(content["network"])
    optimiser.inner.load_state_dict(content["optimiser"])
    for name, tensor in content["mean"].items():
        optimiser.mean[name].copy_(tensor)
    return content["step"], content["seconds"]
