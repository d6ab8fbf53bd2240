"""The papers' ablations on a benchmark: a configuration for each row, its score, and whether the order agrees."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vosref.datasets import Dataset
from vosref.evaluation.protocols import protocol_named
from vosref.runs.benchmark import open_benchmark
from vosref.runs.jobs import Job
from vosref.runs.judging import judge_runs, open_runs
from vosref.video import configure
from vosref.weights import WeightsError, load

__all__ = ["MEASURES", "Agreement", "Row", "agreement", "chosen_rows", "open_row", "row_report", "rows", "score"]

MEASURES = {"tvos": "J-Mean", "feelvos": "J&F-Mean"}  # what the papers' tables are ordered by
NEUTRAL = "cues switched off at test, in a head that was trained with all of them"


class Row(NamedTuple):
    """A row of a paper's table."""

    name: str  # of its folder, and of the configuration behind "ablation-"
    title: str
    paper: Mapping[str, float]  # the paper's scores, fractions, on DAVIS 2017 val; empty where it gives none
    config: Any = None
    note: str = ""  # what is not as in the paper


class Agreement(NamedTuple):
    """How far two orders of the same rows agree."""

    pairs: int  # that the paper puts in an order
    swapped: tuple[
        tuple[str, str], ...
    ]  # of these, those in the other order here: the one that the paper has better first

    @property
    def tau(self) -> float | None:
        """Kendall's: 1 where all pairs are in the paper's order, -1 where none is; None where there is no pair."""
        return 1 - 2 * len(self.swapped) / self.pairs if self.pairs else None


_TABLES = {
    "tvos": (  # Table 2, trained with 9 frames, by its columns
        Row("1-frame", "1 frame", {"J-Mean": 0.607}),
        Row("3-frames", "3 frames", {"J-Mean": 0.634}),
        Row("9-frames", "9 frames", {"J-Mean": 0.686}),
        Row("uniform", "9 frames, uniform", {"J-Mean": 0.686}),
        Row("sparse", "9 frames, sparse", {"J-Mean": 0.690}),
        Row("sparse-motion", "9 frames, sparse, motion prior: released", {"J-Mean": 0.699}),
        Row("soft-labels", "released, soft labels", {}),
        Row("paper-s", "released, the paper's S", {}),
        Row("paper-s-soft-labels", "released, the paper's S, soft labels", {}),
    ),
    "feelvos": (  # Table 6, by its lines
        Row("1", "FF-GM + PF-LM + PFP: released", {"J&F-Mean": 0.691, "J-Mean": 0.659, "F-Mean": 0.723}),
        Row("2", "FF-GM + PF-GM + PFP", {"J&F-Mean": 0.642, "J-Mean": 0.612, "F-Mean": 0.673}),
        Row("3", "FF-GM + PFP", {"J&F-Mean": 0.549, "J-Mean": 0.499, "F-Mean": 0.598}),
        Row("4", "FF-GM", {"J&F-Mean": 0.526, "J-Mean": 0.473, "F-Mean": 0.579}),
        Row("5", "FF-GM + PF-LM", {"J&F-Mean": 0.633, "J-Mean": 0.604, "F-Mean": 0.662}),
        Row("6", "PF-LM + PFP", {"J&F-Mean": 0.561, "J-Mean": 0.538, "F-Mean": 0.583}),
    ),
}


def rows(method: str, /, *, weights: Mapping[str, str] | None = None, **fields: Any) -> tuple[Row, ...]:
    """Return the rows of a method's table with their configurations.

    Parameters
    ----------
    method : str
        "tvos", Table 2 and what the paper gives no number for, or "feelvos", Table 6.
    weights : mapping of str to str, optional
        Weights of a row, by its name, and of the rows without any under the name "".
    **fields
        Fields of every configuration, as for `vosref.video.configure`.

    Returns
    -------
    tuple of Row
        A row of FEELVOS whose weights have a head for all cues gets what is neutral for those that it leaves out.

    Raises
    ------
    ValueError
        If the method or a field is unknown, or weights are of a row that there is not.
    """
    if method not in _TABLES:
        raise ValueError(f"method must be one of {', '.join(_TABLES)}, got {method!r}")
    table, weights = _TABLES[method], weights or {}
    if strangers := [name for name in weights if name not in ("", *(row.name for row in table))]:
        raise ValueError(f"weights must be of rows {', '.join(row.name for row in table)}, got {strangers[0]!r}")
    made = []
    for row in table:
        named = weights.get(row.name) or weights.get("")
        config = configure(method, f"ablation-{row.name}", **fields | ({"weights": named} if named else {}))
        fitted = _fitted(config) if method == "feelvos" else config
        made.append(row._replace(config=fitted, note="" if fitted == config else NEUTRAL))
    return tuple(made)


def chosen_rows(table: Sequence[Row], names: Sequence[str], /) -> list[Row]:
    """Return the rows of these names, in the order of the table; all without any.

    Raises
    ------
    ValueError
        If there is no row of a name.
    """
    known = [row.name for row in table]
    if absent := [name for name in names if name not in known]:
        raise ValueError(f"only must be one of {', '.join(known)}, got {absent[0]!r}")
    return [row for row in table if not names or row.name in names]


def open_row(
    row: Row,
    dataset: Dataset,
    out: Path,
    /,
    *,
    method: str,
    opened: Callable[[int, int], None] = lambda _, __: None,
) -> list[Job]:
    """Open a run of a row for each sequence, in ``out/<row>/<sequence>``, as `open_benchmark` does."""
    return open_benchmark(dataset, out / row.name, method=method, config=row.config, opened=opened)


def score(row: Row, dataset: Dataset, out: Path, /, **options: Any) -> dict[str, Any]:
    """Score the masks of a row by the data set's own protocol; options are those of `judge_runs`.

    Raises
    ------
    InputError
        If a mask cannot be scored; MissingInputError if one is not there.
    """
    evaluation = open_runs(dataset, out / row.name, protocol_named(dataset.protocol))
    return judge_runs(evaluation, dataset, name=row.title, **options).report


def row_report(row: Row, report: Mapping[str, Any], /) -> dict[str, Any]:
    """Put what is known of a row into a dict of JSON's types."""
    kept = ("global", "sequences", "seconds_per_frame", "peak_bytes", "notes")
    return {
        "row": row.name,
        "title": row.title,
        "note": row.note,
        "paper": dict(row.paper),
        "config": row.config._asdict(),
        **{key: report[key] for key in kept},
    }


def agreement(ours: Mapping[str, float | None], paper: Mapping[str, float], /) -> Agreement:
    """Compare the order of our scores with the paper's, by the names of rows; equal scores are in no order.

    Parameters
    ----------
    ours, paper : mapping of str to float
        Rows that only one of them has are left out.

    Returns
    -------
    Agreement
    """
    known = {name: value for name, value in ours.items() if value is not None and name in paper}
    ordered = [(a, b) for a, b in itertools.permutations(known, 2) if paper[a] > paper[b]]
    swapped = tuple((better, worse) for better, worse in ordered if known[better] < known[worse])
    return Agreement(len(ordered), swapped)


def _fitted(config: Any) -> Any:
    """Let a head for all cues be told of none where a cue is missing; any other is refused when it is loaded."""
    try:
        channels = load(config.weights)["head/0/depthwise/kernel"].shape[2]
    except KeyError:
        raise WeightsError(f"weights must have FEELVOS's head, got {config.weights!r}, which has not") from None
    features = load(config.weights)["embedding/depthwise/kernel"].shape[2]
    neutral = config._replace(missing_cues="neutral")
    return neutral if config.cues != neutral.taken and channels == features + len(neutral.taken) else config
