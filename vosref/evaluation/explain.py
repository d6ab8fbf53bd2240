"""Which rule moves which object's score: one rule of a protocol at a time is given the value that another has."""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

from vosref.evaluation.objects import ObjectScores, refusals, score_objects
from vosref.evaluation.protocols import PROTOCOLS, RULES, Protocol
from vosref.evaluation.tally import Tally

__all__ = ["Move", "alternatives", "moves"]


class Move(NamedTuple):
    """An object whose score another value of one rule changes."""

    rule: str
    value: str  # the other one
    protocols: tuple[str, ...]  # those that have it
    sequence: str
    object: int  # 0 where it is about all of them
    before: tuple[float, float] | None  # mean J and F; None where it is no object
    after: tuple[float, float] | None
    refused: bool = False  # under the other value the evaluation would end here


def alternatives(protocol: Protocol, /) -> list[tuple[str, str, tuple[str, ...]]]:
    """List the other values of each rule that can move an object: rule, value, the protocols that have it."""
    return [
        (rule, value, tuple(other.name for other in PROTOCOLS.values() if getattr(other, rule) == value))
        for rule, values in RULES.items()
        for value in values
        if rule not in ("measures", "average") and value != getattr(protocol, rule)
    ]


def moves(sequence: str, protocol: Protocol, tallied: Callable[[Protocol], Tally], /) -> Iterator[Move]:
    """Compare a sequence's objects under a protocol and with one rule after the other replaced.

    Parameters
    ----------
    sequence : str
        Its name.
    protocol : Protocol
    tallied : callable
        Returns the tally of the sequence for a protocol, of which `objects` and `void` matter.

    Yields
    ------
    Move
        In the order of the rules.
    """
    tally = tallied(protocol)
    before, already = _scores(sequence, protocol, tally), bool(refusals(tally, protocol))
    for rule, value, names in alternatives(protocol):
        other = Protocol(**(protocol._asdict() | {rule: value}))
        tally = tallied(other)
        if not already and (refused := refusals(tally, other)):
            for k in sorted({refusal.object or 0 for refusal in refused}):
                yield Move(rule, value, names, sequence, k, before.get(k), None, refused=True)
            continue
        after = _scores(sequence, other, tally)
        for k in sorted(before.keys() | after.keys()):
            if not _same(before.get(k), after.get(k)):
                yield Move(rule, value, names, sequence, k, before.get(k), after.get(k))


def _scores(sequence: str, protocol: Protocol, tally: Tally) -> dict[int, tuple[float, float]]:
    found: list[ObjectScores] = score_objects(tally, protocol, sequence=sequence)
    return {scores.object: (scores.j, scores.f) for scores in found}


def _same(first: tuple[float, float] | None, second: tuple[float, float] | None) -> bool:
    if first is None or second is None:
        return first is second
    return all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(first, second, strict=True))
