"""The pictures of a report: frames and masks made small, as many and as large as a budget of bytes allows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vosref.io import davis_palette
from vosref.plots.pages import data_uri

__all__ = ["Clip", "Shelf"]

_SIDES = (640, 480, 360, 240)  # pixels of the longer side, from the best to the least
_QUALITY = 70  # of JPEG


class Clip(NamedTuple):
    """What a report shows of one sequence, read when it is needed."""

    sequence: str
    names: tuple[str, ...]  # of the frames with truth, in order
    truth: Callable[[str], NDArray[np.uint8]]  # frame's name: ids (H, W), 0 is background
    predictions: Mapping[str, Callable[[str], NDArray[np.uint8] | None]]  # method's name: the same; None without a mask
    frame: Callable[[str], NDArray[np.uint8] | None]  # (H, W, 3) red, green, blue; None where the video is not at hand


class _Kept(NamedTuple):
    sequence: str
    importance: int
    size: int  # bytes in the page
    picture: dict[str, Any]


class Shelf:
    """Pictures that come one frame at a time and never take more than the budget.

    All sizes are kept beside each other until they outgrow the budget. The largest goes first; when the smallest is
    alone and too much, the least important frames go.

    Raises
    ------
    ValueError
        If the budget is negative.
    """

    def __init__(self, budget: int, /):
        if budget < 0:
            raise ValueError(f"budget must be 0 or more bytes, got {budget}")
        self._budget = budget
        self._least = 0  # importance of what is still wanted
        self._kept: dict[int, list[_Kept]] = {side: [] for side in _SIDES}
        self._totals = dict.fromkeys(_SIDES, 0)

    def wants(self, importance: int, /) -> bool:
        """Whether a frame of this importance still has a chance; if not, it need not be read."""
        return importance >= self._least

    def add(
        self,
        sequence: str,
        name: str,
        importance: int,
        frame: NDArray[np.uint8] | None,
        truth: NDArray[np.uint8],
        predictions: Sequence[NDArray[np.uint8] | None],
        /,
    ) -> None:
        """Put a frame (H, W, 3) with its masks (H, W) on the shelf."""
        for side, kept in self._kept.items():
            picture, size = _picture(name, frame, truth, predictions, side)
            kept.append(_Kept(sequence, importance, size, picture))
            self._totals[side] += size
        while len(self._kept) > 1 and self._totals[(largest := next(iter(self._kept)))] > self._budget:
            del self._kept[largest]
        self._drop_frames()

    def pictures(self) -> dict[str, list[dict[str, Any]]]:
        """Pictures of every sequence that has any, in the order in which they came."""
        out: dict[str, list[dict[str, Any]]] = {}
        for kept in next(iter(self._kept.values())):
            out.setdefault(kept.sequence, []).append(kept.picture)
        return out

    def _drop_frames(self) -> None:
        side = next(reversed(self._kept))
        while self._totals[side] > self._budget:
            self._least = 1 + min(k.importance for k in self._kept[side])
            self._kept[side] = [k for k in self._kept[side] if k.importance >= self._least]
            self._totals[side] = sum(k.size for k in self._kept[side])


def _picture(
    name: str,
    frame: NDArray[np.uint8] | None,
    truth: NDArray[np.uint8],
    predictions: Sequence[NDArray[np.uint8] | None],
    side: int,
) -> tuple[dict[str, Any], int]:
    """Return the frame and masks as data URIs, none longer than `side`, and how many bytes they are."""
    height, width = truth.shape
    share = min(1.0, side / max(height, width))
    size = (max(1, round(width * share)), max(1, round(height * share)))
    photo = None if frame is None else _photo(frame, size)
    true, *others = [None if ids is None else _overlay(ids, size) for ids in (truth, *predictions)]
    picture = {"name": name, "size": size, "frame": photo, "truth": true, "predictions": others}
    return picture, sum(len(uri) for uri in (photo, true, *others) if uri)


def _photo(frame: NDArray[np.uint8], size: tuple[int, int]) -> str:
    small = Image.fromarray(frame).resize(size, Image.Resampling.HAMMING)  # a third of the time of sharper ones
    return data_uri(small, "jpeg", quality=_QUALITY)


def _overlay(ids: NDArray[np.uint8], size: tuple[int, int]) -> str:
    """Mask as a PNG whose background is clear; no more colours than there are ids keep it small."""
    small = Image.fromarray(ids).resize(size, Image.Resampling.NEAREST)
    small.putpalette(davis_palette()[: 3 * (int(ids.max()) + 1)])
    return data_uri(small, "png", transparency=0)
