"""Problems of losses: votes and logits of a few pixels, and the odd ones."""

from collections.abc import Callable

import numpy as np

from vosref.conformance.draws import Draw
from vosref.conformance.operations.operation import Problem

__all__ = ["hardest_problem", "logits", "logits_problem", "votes", "votes_problem"]


def votes_problem(draw: Draw) -> Problem:
    """Any votes, ε and reduction."""
    make = votes(draw.integer(1, 16), draw.integer(1, 4), known=draw.choice([0.5, 1.0]))
    problem = make(draw)
    epsilon, reduction = draw.choice([1e-14, 1e-3]), draw.choice(["mean", "sum"])
    return problem._replace(options={"epsilon": epsilon, "reduction": reduction})


def votes(
    p: int, k: int, *, known: float = 1.0, lowest: float = 0.0, epsilon: float = 1e-14, reduction: str = "mean"
) -> Callable[[Draw], Problem]:
    """Votes that sum to 1, those below `lowest` set to 0, and labels that some pixels lack."""

    def made(draw: Draw) -> Problem:
        stream = draw.stream()
        given = 0.02 + stream.uniform(p, k) ** 3
        given = given / np.sum(given, axis=1, keepdims=True)
        inputs = {"votes": given * (given >= lowest), "labels": stream.one_hot(p, k, known=known)}
        return Problem(inputs, {"epsilon": epsilon, "reduction": reduction})

    return made


def logits_problem(draw: Draw) -> Problem:
    """Any logits."""
    return logits(draw.integer(1, 16), draw.integer(1, 5), size=draw.real(0.3, 4.0))(draw)


def hardest_problem(draw: Draw) -> Problem:
    """Any logits, and any number of hardest pixels."""
    problem = logits_problem(draw)
    return problem._replace(options={"n_hardest": draw.integer(1, len(problem.inputs["labels"]))})


def logits(
    p: int, k: int, *, size: float = 2.0, offset: float = 0.0, n: int | None = None
) -> Callable[[Draw], Problem]:
    """Logits of so many pixels and objects, and their labels; with a number of hardest pixels, if given."""

    def made(draw: Draw) -> Problem:
        stream = draw.stream()
        labels = stream.integers(0, k, p)
        labels[0] = k - 1
        inputs = {"logits": size * stream.normal(p, k) + offset, "labels": labels}
        return Problem(inputs, {} if n is None else {"n_hardest": n})

    return made
