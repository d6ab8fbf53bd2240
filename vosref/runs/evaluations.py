"""Scores of results on disk: every mask is checked and named if it cannot count; sequences go to any executor.

Nothing is kept between two evaluations, so that no old score can be mistaken for a new one.
"""

import functools
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vosref.datasets import cut_mask
from vosref.evaluation.explain import Move, moves
from vosref.evaluation.objects import ObjectScores, refusals, score_objects, stability_scores
from vosref.evaluation.protocols import Protocol
from vosref.evaluation.tally import VOID, Tally, Truth, tally_sequence
from vosref.io import InputError, Mask, MissingInputError, read_mask
from vosref.io.archives import File
from vosref.runs.scatter import scatter
from vosref.runs.sequences import PHOTO_SUFFIXES, Pair, masks_below, pair_sequences

__all__ = ["Evaluation", "Scored", "evaluate", "is_binary", "open_evaluation", "true_mask"]


class Evaluation(NamedTuple):
    """Results and truth that have been found, and how they are to be scored."""

    results: Path
    truth: Path
    protocol: Protocol
    pairs: tuple[Pair, ...]
    notes: tuple[str, ...]  # what is there and does not count


class Scored(NamedTuple):
    """What came of a sequence."""

    name: str
    objects: tuple[ObjectScores, ...] = ()
    stability: tuple[float, ...] = ()  # T from frame to frame, where the protocol has it
    moves: tuple[Move, ...] = ()  # what other rules would change, where asked
    missing: tuple[str, ...] = ()  # masks that are not there, with their paths
    wrong: tuple[str, ...] = ()  # masks that cannot be used, and why
    notes: tuple[str, ...] = ()  # masks that are not there, where that costs nothing or is scored


def open_evaluation(
    results: str | Path, truth: str | Path, /, *, protocol: Protocol, only: Sequence[str] = ()
) -> Evaluation:
    """Find the masks of every sequence; none is read yet.

    Parameters
    ----------
    results, truth : path
        Folders or zip archives, sequences at any depth; paired by the last parts of their paths.
    protocol : Protocol
    only : sequence of str
        Names of the sequences wanted; all of the truth without one.

    Returns
    -------
    Evaluation

    Raises
    ------
    InputError
        If something cannot be used; MissingInputError if it is not there. A missing mask is found by `evaluate`.
    """
    known = masks_below(truth, argument="TRUTH")
    if protocol.average == "classes":  # the masks of YouTube-Objects were published as JPEG
        known = {name: m if m.files else m._replace(files=m.photos) for name, m in known.items()}
    if lossy := next((m for m in known.values() if not m.files), None):
        raise InputError(f"TRUTH: {lossy.where} holds no masks but {len(lossy.photos)} photos; save masks as PNG")
    pairs, strangers, wrong = pair_sequences(masks_below(results, argument="RESULTS"), known, only=only)
    if wrong:
        raise InputError("RESULTS: " + "; ".join(wrong) + "; name the folder of one of them")
    notes = []
    if strangers:
        notes.append(f"{results} holds what is no sequence of the truth, and is ignored: {', '.join(strangers)}")
    between = 0
    for pair in pairs:
        inside, outside = pair.strangers
        between += len(inside)
        notes += (
            f"{pair.predictions.files[name]} is named like no frame of the truth; it is ignored" for name in outside
        )
    if between:
        notes.append(f"{between} predicted masks are of frames without truth, and do not count")
    return Evaluation(Path(results), Path(truth), protocol, tuple(pairs), tuple(notes))


def evaluate(
    evaluation: Evaluation,
    /,
    *,
    executor: Executor | None = None,
    explain: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Scored]:
    """Score every sequence; the numbers are the same, whoever computes them.

    Parameters
    ----------
    evaluation : Evaluation
    executor : concurrent.futures.Executor, optional
        Where to work, a sequence a task; by default here, one after the other.
    explain : bool
        Whether to find the rules that would move a score, too.
    progress : callable
        Called with the number of true masks that have been compared.

    Returns
    -------
    list of Scored
        In the order of the sequences.

    Raises
    ------
    InputError
        Once, with every mask that is missing (then MissingInputError) or cannot be used.
    """
    pairs, done, scored = evaluation.pairs, 0, {}
    work = functools.partial(_score, evaluation.protocol, explain)
    order = sorted(range(len(pairs)), key=lambda i: -len(pairs[i].truth.files) if executor is not None else i)
    with closing(scatter(work, [pairs[i] for i in order], executor=executor)) as ends:
        for n, future in ends:
            scored[order[n]] = future.result()
            done += len(pairs[order[n]].truth.files)
            progress(done)
    found = [scored[i] for i in range(len(pairs))]
    _refuse(found)
    return found


def _score(protocol: Protocol, explain: bool, pair: Pair) -> Scored:
    """Score a sequence, wherever this is."""
    wrong: dict[str, None] = {}
    own = protocol.objects == "merged", protocol.void

    @functools.cache
    def tallied(merged: bool, void: str) -> Tally:
        stability = "T" in protocol.measures and (merged, void) == own
        return tally_sequence(_frames(pair, void, wrong), merged=merged, void=void, stability=stability)

    def tally_for(other: Protocol) -> Tally:
        # Where the truth has no void, it is the same whatever void is.
        return tallied(other.objects == "merged", other.void if tally.has_void else protocol.void)

    tally = tallied(*own)
    missing, foreign = _refused(pair, tally, protocol)
    if wrong or missing or foreign:
        return Scored(pair.name, missing=tuple(missing), wrong=(*wrong, *foreign))
    return Scored(
        pair.name,
        tuple(score_objects(tally, protocol, sequence=pair.name)),
        stability_scores(tally, protocol) if "T" in protocol.measures else (),
        tuple(moves(pair.name, protocol, tally_for)) if explain else (),
        notes=_absent(pair, protocol),
    )


def _absent(pair: Pair, protocol: Protocol) -> tuple[str, ...]:
    """Say which masks are not there though nothing is refused."""
    names = [name for name in pair.truth.files if name not in pair.predictions.files]
    if not names:
        return ()
    what = "scores 0 where it counts" if protocol.missing == "scored_0" else "does not count"
    if len(names) == len(pair.truth.files):
        return (f"{pair.predictions.where} is missing, all {len(names)} masks; each {what}",)
    return tuple(f"{pair.missing(name)}; it {what}" for name in names)


def _refused(pair: Pair, tally: Tally, protocol: Protocol) -> tuple[list[str], list[str]]:
    missing, foreign = [], []
    if not pair.predictions.files and not pair.predictions.photos and protocol.missing == "refused":
        return [f"{pair.predictions.where} is missing, all {len(pair.truth.files)} masks of the sequence"], []
    for refusal in refusals(tally, protocol):
        if refusal.object is None and refusal.frame not in pair.predictions.files:
            missing.append(pair.missing(refusal.frame))
        elif refusal.object is not None:
            path = pair.predictions.files[refusal.frame]
            foreign.append(
                f"{path} shows object {refusal.object}, which the first true mask has not; {protocol.name} refuses it"
            )
    return missing, foreign


def _frames(pair: Pair, void: str, wrong: dict[str, None]) -> Iterator[tuple[str, Truth, Any]]:
    """Read truth and predictions frame by frame; what cannot be used is noted, and empty from there on."""
    void_alone = not is_binary(pair)
    known: set[int] = set()  # the objects so far
    for name, file in pair.truth.files.items():
        try:
            true = true_mask(file, void_alone=void_alone)
        except InputError as error:
            wrong[str(error)] = None
            continue
        known |= set(true.objects)
        prediction = None
        if name in pair.predictions.files:
            try:
                prediction = _prediction(pair.predictions.files[name], true.ids.shape, void=void, known=known)
            except InputError as error:
                wrong[str(error)] = None
        yield name, Truth(true.ids, true.void), prediction


def is_binary(pair: Pair, /) -> bool:
    """Tell whether the truth of a sequence is 0 and 255; the first mask that is not empty tells."""
    for file in pair.truth.files.values():
        with suppress(InputError):  # named where its turn comes
            mask = true_mask(file)
            if mask.objects or mask.void is not None:
                return mask.binary
    return True


def true_mask(file: File, /, *, void_alone: bool = False) -> Mask:
    """Read a true mask.

    Raises
    ------
    InputError
        If it cannot be used; see `vosref.io.read_mask`, whose `void_alone` this is.
    """
    if file.suffix.lower() in PHOTO_SUFFIXES:  # as YouTube-Objects has them; open_evaluation has seen to that
        return cut_mask(file, argument="TRUTH")
    return read_mask(file, argument="TRUTH", allow_empty=True, allow_void=True, void_alone=void_alone)


def _prediction(file: Any, size: tuple[int, ...], *, void: str, known: Collection[int]) -> Any:
    """Read a predicted mask; 255 beside other ids is an object of that id, where void is one."""
    height, width = size
    mask = read_mask(
        file,
        size=(height, width),
        argument="RESULTS",
        allow_empty=True,
        allow_void=void == "object",
        known=known,
    )
    return mask.ids if mask.void is None else np.where(mask.void, np.uint8(VOID), mask.ids)


def _refuse(scored: Sequence[Scored]) -> None:
    missing, wrong = ([line for s in scored for line in getattr(s, field)] for field in ("missing", "wrong"))
    if not missing and not wrong:
        return
    lines = "".join(f"\n  {line}" for line in (*missing, *wrong))
    raise (InputError if wrong else MissingInputError)(f"nothing is scored, for not every mask can be:{lines}")
