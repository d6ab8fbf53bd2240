"""How weights follow their gradients: the papers' two kinds of momentum, and AdamW, with what surrounds them."""

import math
import re

import torch

from vosref.train.layers import Tensor
from vosref.train.network import Network
from vosref.train.recipes import Recipe

__all__ = ["Optimiser", "learning_rate"]


def learning_rate(step: int, recipe: Recipe, /) -> float:
    """Return the learning rate of a step, counted from 0: the recipe's schedule, below a straight warm-up."""
    total = max(1, recipe.steps // recipe.epoch)
    done = min(1.0, (step // recipe.epoch) / total)
    falling = (1 + math.cos(math.pi * done)) / 2 if recipe.schedule == "cosine" else (1 - done) ** 0.9
    rate = recipe.last_rate + (recipe.learning_rate - recipe.last_rate) * falling
    return rate * min(1.0, (step + 1) / (recipe.warm_up + 1))


class Optimiser:
    """An optimiser of PyTorch, fed with gradients as a recipe wants them.

    Parameters
    ----------
    network : Network
        What is trained.
    recipe : TvosRecipe or FeelvosRecipe

    Attributes
    ----------
    rate : float
        Learning rate of the last step.
    mean : dict of str to Tensor
        Running mean of the weights, where the recipe has one, else empty.
    """

    def __init__(self, network: Network, recipe: Recipe, /) -> None:
        self.recipe, self.network, self.rate = recipe, network, 0.0
        self.named = {name: p for name, p in network.named_parameters() if p.requires_grad}
        groups: dict[tuple[bool, bool], list[torch.nn.Parameter]] = {}
        for name, p in self.named.items():
            key = re.match(recipe.decayed, name) is not None, re.match(recipe.slower, name) is not None
            groups.setdefault(key, []).append(p)
        parts = [
            {
                "params": group,
                "weight_decay": recipe.weight_decay if decayed and recipe.optimiser == "adamw" else 0.0,
                "factor": recipe.slower_rate if slow else 1.0,
            }
            for (decayed, slow), group in groups.items()
        ]
        self.inner: torch.optim.Optimizer
        if recipe.optimiser == "adamw":
            self.inner = torch.optim.AdamW(parts, lr=recipe.learning_rate)
        else:
            options = {"momentum": recipe.momentum, "nesterov": recipe.nesterov}
            self.inner = torch.optim.SGD(parts, lr=recipe.learning_rate, **options)
        self.mean = {name: tensor.detach().clone() for name, tensor in network.weights.items()}
        self.mean = self.mean if recipe.average else {}

    def step(self, step: int, /) -> None:
        """Take step number `step`, counted from 0, and forget the gradients."""
        self.rate = learning_rate(step, self.recipe)
        for name, p in self.named.items():
            if p.grad is not None:
                self._prepare(name, p, p.grad)
        for group in self.inner.param_groups:
            group["lr"] = self.rate * group["factor"]
        self.inner.step()
        self.inner.zero_grad(set_to_none=True)
        # While there are few steps, the mean is of these alone, not of what training started from.
        decay = min(self.recipe.average, (step + 1) / (step + 10))
        for name, tensor in self.network.weights.items() if self.mean else ():
            self.mean[name].lerp_(tensor.detach(), 1 - decay)

    @torch.no_grad()
    def _prepare(self, name: str, p: Tensor, gradient: Tensor) -> None:
        """Turn a gradient into what the recipe steps along; as released, decay is in it before it is clipped."""
        if name.endswith("/bias"):
            gradient.mul_(self.recipe.bias_rate)
        if self.recipe.optimiser == "sgd" and re.match(self.recipe.decayed, name):
            gradient.add_(p, alpha=self.recipe.weight_decay)
        if self.recipe.clip:
            gradient.mul_((self.recipe.clip / gradient.norm().clamp_min(1e-12)).clamp_max(1.0))

    def exported(self) -> dict[str, Tensor]:
        """Return the weights to keep: their running mean, or what they are."""
        return self.mean or {name: tensor.detach() for name, tensor in self.network.weights.items()}
