"""What the report shows of each sequence: its frames, the true masks, and those of one or more methods."""

import functools
from collections.abc import Callable, Collection, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from vosref.evaluation.protocols import Protocol
from vosref.io import InputError, Mask, read_mask
from vosref.io.archives import File
from vosref.io.frames import FileFrames
from vosref.plots.report import Clip
from vosref.runs.evaluations import Evaluation, is_binary, true_mask
from vosref.runs.sequences import Pair

__all__ = ["clips_of"]


def clips_of(
    evaluations: Mapping[str, Evaluation],
    frames: Callable[[str], Mapping[str, File]],
    /,
    *,
    scored: Collection[str],
) -> Iterator[Clip]:
    """Bring together what several methods made of the same sequences.

    Parameters
    ----------
    evaluations : mapping of str to Evaluation
        By the method's name; all over the same truth.
    frames : callable
        Returns a sequence's frames by name, as files; none where they are not at hand.
    scored : collection of str
        Names of the sequences that have scores; the others are left out.

    Yields
    ------
    Clip
    """
    first = next(iter(evaluations.values()))
    for n, pair in enumerate(first.pairs):
        if pair.name not in scored:
            continue
        pairs = {name: evaluation.pairs[n] for name, evaluation in evaluations.items()}
        yield Clip(
            sequence=pair.name,
            names=tuple(pair.truth.files),
            truth=functools.partial(_true, pair, first.protocol, void_alone=not is_binary(pair)),
            predictions={name: functools.partial(_predicted, p, first.protocol) for name, p in pairs.items()},
            frame=functools.partial(_frame, frames(pair.name)),
        )


def _true(pair: Pair, protocol: Protocol, name: str, *, void_alone: bool) -> NDArray[np.uint8]:
    """Read a true mask, whose void is background."""
    return _shown(true_mask(pair.truth.files[name], void_alone=void_alone), protocol)


def _predicted(pair: Pair, protocol: Protocol, name: str) -> NDArray[np.uint8] | None:
    """Read a predicted mask; it has been scored, so none of its ids is in doubt any more."""
    if name not in pair.predictions.files:
        return None
    return _shown(
        read_mask(pair.predictions.files[name], allow_empty=True, allow_void=True, known=range(256)), protocol
    )


def _shown(mask: Mask, protocol: Protocol) -> NDArray[np.uint8]:
    """Merge objects where the protocol does so."""
    return (mask.ids > 0).astype(np.uint8) if protocol.objects == "merged" else mask.ids


def _frame(files: Mapping[str, File], name: str) -> NDArray[np.uint8] | None:
    """Read a frame; a report without a picture is better than none."""
    if name not in files:
        return None
    try:
        return FileFrames({name: files[name]})[0]
    except InputError:
        return None
