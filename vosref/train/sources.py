"""What a run trains on, named as a person names it: data sets with weights, composites of them, rendered clips."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vosref.datasets import KINDS, open_dataset
from vosref.train.composites import Composites
from vosref.train.footage import Footage, Mixture, Source
from vosref.train.rendered import Rendered

__all__ = ["Data", "Sources", "open_sources", "read_data"]

SUBSETS = {"davis2016": "train", "davis2017": "train", "youtube_vos": "train"}  # where none is named
SHORT_SIDES = {("tvos", "youtube_vos"): 384}  # pixels [specs TVOS §3]; all else stays as it is
PASTED = {"tvos": 2, "feelvos": 1}  # most clips whose objects are pasted on another


class Data(NamedTuple):
    """A data set that is trained on."""

    kind: str  # one of `vosref.datasets.KINDS`
    root: Path
    subset: str | None = None  # by default train of DAVIS and of YouTube-VOS, else everything
    weight: float = 1.0  # beside other sources


class Sources(NamedTuple):
    """What clips are drawn from, and what is to be said of it."""

    source: Source
    said: list[dict[str, Any]]


def read_data(text: str, /) -> Data:
    """Read a data set written as ``KIND:ROOT=WEIGHT`` or ``KIND:ROOT:SUBSET=WEIGHT``.

    Raises
    ------
    ValueError
        If it is written otherwise.
    """
    kind, _, rest = text.partition(":")
    where, equals, weight = rest.rpartition("=")
    whole = ":" not in where or Path(where).exists()
    root, _, subset = (where, "", "") if whole else where.rpartition(":")
    try:
        number = float(weight)
    except ValueError:
        number = math.nan
    if not (equals and root and number >= 0):
        raise ValueError(f"--also takes KIND:ROOT=WEIGHT or KIND:ROOT:SUBSET=WEIGHT, got {text!r}")
    return Data(kind, Path(root), subset or None, number)


def open_sources(
    data: Sequence[Data],
    /,
    *,
    method: str,
    composites: float = 0.0,
    rendered: float = 0.0,
    memory: int = 4 << 30,
    seed: int = 0,
) -> Sources:
    """Open all that a run trains on.

    Parameters
    ----------
    data : sequence of Data
        At least one.
    method : str
        tvos or feelvos: TVOS sees YouTube-VOS at 384 pixels along the shorter side.
    composites : float
        Weight of clips into which objects of other clips are pasted.
    rendered : float
        Weight of rendered clips.
    memory : int
        Bytes for decoded frames, shared evenly among the data sets.
    seed : int
        Of the rendered clips.

    Raises
    ------
    ValueError
        If a kind is unknown or a weight is none.
    InputError
        If a data set cannot be opened.
    """
    for what, weight in (("--composites", composites), ("--rendered", rendered)):
        if not 0 <= weight < math.inf:
            raise ValueError(f"{what} must be 0 or more, got {weight:g}")
    opened = [_open(one, method=method, memory=memory // len(data)) for one in data]
    footage: Source = opened[0][1] if len(opened) == 1 else Mixture([(weight, part) for weight, part, _ in opened])
    parts = [(sum(one.weight for one in data), footage)]
    said = [told for _, _, told in opened]
    if composites:
        parts.append((composites, Composites(footage, most=PASTED[method])))
        said.append({"kind": "composites", "weight": composites, "most": PASTED[method]})
    if rendered:
        clips = Rendered(seed=seed)
        parts.append((rendered, clips))
        said.append({"kind": "rendered", "weight": rendered, "scenes": clips.n_scenes, "seed": seed})
    return Sources(Mixture(parts), said)


def _open(data: Data, *, method: str, memory: int) -> tuple[float, Footage, dict[str, Any]]:
    if data.kind not in KINDS:
        raise ValueError(f"the kind of a data set must be one of {', '.join(KINDS)}, got {data.kind!r}")
    subset = data.subset or SUBSETS.get(data.kind)
    dataset = open_dataset(data.kind, data.root, subset=subset)
    footage = Footage(dataset, memory=memory, short_side=SHORT_SIDES.get((method, data.kind)))
    told = {
        "kind": data.kind,
        "root": str(data.root),
        "subset": subset or "all",
        "weight": data.weight,
        "videos": len(footage.frames),
        "frames": sum(map(len, footage.frames.values())),
    }
    return data.weight, footage, told
