"""Somebody's results, held against golden vectors by the bounds and the allowed labels that are stored with them."""

import os
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vosref.conformance.array_files import read_arrays
from vosref.conformance.case_files import read_results, slots_of
from vosref.conformance.checks import Outcome, sentence, settled
from vosref.conformance.documents import digest
from vosref.conformance.judge import Verdict, judge_claims
from vosref.conformance.manifest import read_manifest
from vosref.conformance.operations.operation import Claim, Outputs
from vosref.conformance.packing import opened
from vosref.conformance.vector import array_slots
from vosref.conformance.vectors import SHIPPED
from vosref.io import InputError, MissingInputError

__all__ = ["Judgement", "check"]


class Judgement(NamedTuple):
    """What became of somebody's results."""

    outcomes: tuple[Outcome, ...]  # of each case, in the manifest's order
    unknown: tuple[str, ...]  # folders that are of no case

    @property
    def ok(self) -> bool:
        """Whether every case that has results passed, or says nothing."""
        return not any(outcome.status in ("failed", "error") for outcome in self.outcomes)

    def counts(self) -> dict[str, int]:
        """How many cases have each status that there is."""
        return dict(Counter(outcome.status for outcome in self.outcomes))


def check(got: str | os.PathLike[str], vectors: str | os.PathLike[str] = SHIPPED, /) -> Judgement:
    """Judge results.

    Parameters
    ----------
    got : path
        A folder of folders, named as the vectors' cases, each with results as its ``case.json`` says.
    vectors : path
        A folder of vectors, or one that is packed; by default the one that comes with the library.

    Returns
    -------
    Judgement
        A case without results is "not claimed"; with only some of them, or files that cannot be read, an "error".

    Raises
    ------
    MissingInputError
        If a folder is not there, or has no results of any case.
    InputError
        If the vectors are damaged.
    """
    if not Path(got).is_dir():
        raise MissingInputError(f"GOT: {got} is no folder; it must have a folder of results for each case")
    with opened(vectors) as folder:
        cases = read_manifest(folder)["cases"]
        outcomes = tuple(_outcome(Path(got), folder, case) for case in cases)
    if all(outcome.status == "not claimed" for outcome in outcomes):
        example = f", such as {cases[0]['folder']}/{cases[0]['results'][0]['file']}" if cases else ""
        raise MissingInputError(f"GOT: {got} has no results of the {len(cases)} cases{example}")
    known = {case["folder"] for case in cases}
    unknown = sorted(path.name for path in Path(got).iterdir() if path.is_dir() and path.name not in known)
    return Judgement(outcomes, tuple(unknown))


def _outcome(got: Path, vectors: Path, case: dict[str, Any]) -> Outcome:
    here = Outcome(case["id"], case["operation"], got.resolve().name, "not claimed")
    slots = slots_of(case["results"])
    if not any((got / case["folder"] / slot.file).is_file() for slot in slots):
        return here
    expected = _expected(vectors, case)
    try:
        results = read_results(got / case["folder"], slots)
    except InputError as error:
        return here._replace(status="error", margin=np.inf, note=str(error))
    verdicts = [_verdict(right, results, expected) for right in case["expected"]]
    status, worst, shared = settled(verdicts)
    note, verdict = sentence(worst, shared), None if status == "passed" else worst
    return here._replace(status=status, margin=worst.margin, ambiguous=shared, note=note, verdict=verdict)


def _expected(vectors: Path, case: dict[str, Any]) -> Outputs:
    """Read what is expected, once its files are known to be whole."""
    folder, arrays = vectors / case["folder"], dict[str, NDArray[Any]]()
    for part, slot, sha in array_slots(case):
        if part == "input":
            continue
        if (folder / slot.file).is_file() and digest(folder / slot.file) != sha:
            raise InputError(f"{folder / slot.file} is damaged; `vosref vectors verify` says what else is")
        arrays |= read_arrays(folder, [slot])
    return arrays


def _verdict(right: dict[str, Any], results: Outputs, expected: Outputs) -> Verdict:
    name = right["result"]
    got, exact = results[name], expected[right["value"]["name"]]
    if "allowed" in right:
        return _labels(name, got, exact, expected[right["allowed"]["name"]] > 0, right["ids"])
    slack = expected[right["bound"]["name"]] if "bound" in right else np.zeros(exact.shape)
    return judge_claims(name, [Claim(got, exact, "==", slack)])[0]


def _labels(name: str, got: NDArray[Any], best: NDArray[Any], may: NDArray[np.bool_], ids: list[int]) -> Verdict:
    right = np.any((got[..., None] == np.asarray(ids)) & may, axis=-1)
    shared = float(np.mean(np.count_nonzero(may, axis=-1) > 1)) if right.size else 0.0
    if np.all(right):
        return Verdict(name, 0.0, ambiguous=shared)
    at = tuple(int(i) for i in np.argwhere(~right)[0])
    return Verdict(name, np.inf, at, got, best, failing=~right, ambiguous=shared)
