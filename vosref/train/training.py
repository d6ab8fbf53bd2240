"""The loop: samples drawn ahead, gradients added up, a step, a line in the log, a checkpoint from time to time.

What a step draws depends on the seed and the number of the step alone. So a run that was stopped and resumed is the run
that was not stopped, and threads that draw ahead change nothing.
"""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from vosref.train import feelvos, tvos
from vosref.train.checkpoints import read_checkpoint, write_checkpoint
from vosref.train.footage import Source
from vosref.train.interruption import held_back
from vosref.train.network import Network
from vosref.train.optimisers import Optimiser
from vosref.train.recipes import FeelvosRecipe, Recipe, TvosRecipe

__all__ = ["CHECKPOINT", "LOG", "Progress", "draw", "train"]

METHODS: dict[type, Any] = {TvosRecipe: tvos, FeelvosRecipe: feelvos}
AHEAD = 2  # steps whose samples are drawn before they are needed
CHECKPOINT, LOG = "checkpoint.pt", "log.jsonl"


class Progress(NamedTuple):
    """What a step tells."""

    step: int  # steps done
    loss: float  # mean over the step's samples
    rate: float  # learning rate
    seconds: float  # spent on all steps so far, in all sittings


def train(
    network: Network,
    source: Source,
    recipe: Recipe,
    out: Path,
    /,
    *,
    seed: int = 0,
    until: int | None = None,
    seconds: float = float("inf"),
    save_every: float = 300.0,
    resume: bool = False,
    workers: int = 1,
    report: Callable[[Progress], None] = lambda _progress: None,
    held: Callable[[], None] = lambda: None,
) -> Optimiser:
    """Train a network.

    Parameters
    ----------
    network : Network
        Trained in place.
    source : Source
        Of the clips that samples are made of.
    recipe : TvosRecipe or FeelvosRecipe
    out : path
        Folder for ``checkpoint.pt``, replaced every `save_every` seconds and at the end, and ``log.jsonl``, a line for
        each step.
    seed : int
        Of everything that is drawn.
    until : int, optional
        Stop after so many steps in all, before the recipe's end.
    seconds : float
        Stop, resumably, after so long.
    save_every : float
        Seconds between checkpoints.
    resume : bool
        Go on from the checkpoint in `out`, if there is one.
    workers : int
        Threads that draw samples ahead; their number changes no result.
    report : callable
        Shown the progress after every step.
    held : callable
        Called when a first Ctrl-C comes, which waits for the end of the step and its checkpoint.

    Returns
    -------
    Optimiser
        With the running mean of the weights, where the recipe has one.

    Raises
    ------
    InputError
        If the checkpoint is of another recipe or seed.
    KeyboardInterrupt
        After Ctrl-C; nothing is lost, but by a second one.
    """
    out.mkdir(parents=True, exist_ok=True)
    optimiser, done, spent = Optimiser(network, recipe), 0, 0.0
    if resume and (out / CHECKPOINT).exists():
        done, spent = read_checkpoint(out / CHECKPOINT, network, optimiser, recipe, seed)
    _keep_lines(out / LOG, done)
    last = recipe.steps if until is None else min(until, recipe.steps)
    network.train()
    began = saved = time.monotonic()
    with (out / LOG).open("a", encoding="utf-8", buffering=1) as log, held_back(held) as interrupted:
        for step, samples in _ahead(source, recipe, seed, range(done, last), workers):
            loss = _step(network, optimiser, samples, step, recipe, seed)
            now = time.monotonic()
            progress = Progress(step + 1, loss, optimiser.rate, spent + now - began)
            log.write(json.dumps(progress._asdict()) + "\n")
            report(progress)
            asked = interrupted()
            stop = asked or step + 1 == last or now - began > seconds
            if stop or now - saved > save_every:
                log.flush()
                write_checkpoint(out / CHECKPOINT, network, optimiser, recipe, seed, progress)
                saved = now
            if asked:
                raise KeyboardInterrupt
            if stop:
                break
    return optimiser


def draw(source: Source, recipe: Recipe, seed: int, step: int, /) -> list[Any]:
    """Draw the samples of a step."""
    method = METHODS[type(recipe)]
    generators = (np.random.default_rng([seed, step, i]) for i in range(recipe.batch))
    return [method.draw_sample(source, rng, recipe) for rng in generators]


def _ahead(source: Source, recipe: Recipe, seed: int, steps: range, workers: int) -> Iterator[tuple[int, list[Any]]]:
    """Yield steps with their samples, some of which are drawn meanwhile."""
    pool = ThreadPoolExecutor(workers)
    try:
        drawn = {step: pool.submit(draw, source, recipe, seed, step) for step in steps[:AHEAD]}
        for step in steps:
            samples = drawn.pop(step).result()
            if (later := step + AHEAD) in steps:
                drawn[later] = pool.submit(draw, source, recipe, seed, later)
            yield step, samples
    finally:
        pool.shutdown(cancel_futures=True)


def _step(network: Network, optimiser: Optimiser, samples: list[Any], step: int, recipe: Recipe, seed: int) -> float:
    """Add up the gradients of all samples, and take the step; return their mean loss."""
    torch.manual_seed(np.random.SeedSequence([seed, step]).generate_state(1)[0].item())  # for dropout
    method, losses, scale = METHODS[type(recipe)], [], 1.0 if recipe.reduction == "sum" else 1 / len(samples)
    for first in range(0, len(samples), recipe.at_once):
        each = method.loss(network, samples[first : first + recipe.at_once], step, recipe)
        (torch.stack(each).sum() * scale).backward()
        losses += [float(loss.detach()) for loss in each]
    if not np.isfinite(losses).all():
        raise FloatingPointError(f"the loss of step {step + 1} is {losses}; a smaller learning_rate may keep it finite")
    optimiser.step(step)
    return float(np.mean(losses))


def _keep_lines(log: Path, done: int) -> None:
    """Drop what a stopped run logged after its last checkpoint."""
    kept = [] if done == 0 or not log.exists() else log.read_text(encoding="utf-8").splitlines(keepends=True)[:done]
    log.write_text("".join(kept), encoding="utf-8")
