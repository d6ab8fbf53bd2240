"""J and F of every object in a frame and in a sequence, and the means a benchmark prints."""

import operator
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vosref.evaluation.measures import region_and_contour
from vosref.evaluation.region import id_mask
from vosref.evaluation.statistics import mean

__all__ = ["FrameScores", "SequenceScores", "frame_scores", "sequence_scores"]


class FrameScores(NamedTuple):
    """Scores of one frame, each list in the order of the ids."""

    region: list[float]  # J of every object, in [0, 1]
    contour: list[float]  # F of every object, in [0, 1]


class SequenceScores(NamedTuple):
    """Scores of T frames and K objects, and their means as DAVIS takes them.

    The first frame was given and is never scored by DAVIS, nor is the last, which some methods of 2016 did not
    predict. So `exclude_ends` leaves both out of every mean, though not out of `region` and `contour`. Of two frames
    it leaves out only the first. Where no frame is left, or no object was named, the means are NaN.
    """

    ids: tuple[int, ...]
    region: NDArray[np.float64]  # (T, K), J of every frame and object
    contour: NDArray[np.float64]  # (T, K), F of every frame and object
    exclude_ends: bool = True

    @property
    def scored_frames(self) -> slice:
        """The frames that enter the means."""
        n_frames = len(self.region)
        if not self.exclude_ends:
            return slice(0, n_frames)
        return slice(1, n_frames - 1 if n_frames > 2 else n_frames)

    @property
    def object_region(self) -> list[float]:
        """Mean J of every object."""
        return _object_means(self.region[self.scored_frames])

    @property
    def object_contour(self) -> list[float]:
        """Mean F of every object."""
        return _object_means(self.contour[self.scored_frames])

    @property
    def mean_region(self) -> float:
        """Mean J, every object counting the same."""
        return mean(self.object_region)

    @property
    def mean_contour(self) -> float:
        """Mean F, every object counting the same."""
        return mean(self.object_contour)

    @property
    def j_and_f(self) -> float:
        """J&F, the mean of mean J and mean F."""
        return (self.mean_region + self.mean_contour) / 2


def frame_scores(prediction: ArrayLike, truth: ArrayLike, /, *, ids: Iterable[int]) -> FrameScores:
    """J and F of every object in one frame [DAVIS J, F].

    Parameters
    ----------
    prediction, truth : array, shape (H, W)
        Object ids, integer or boolean. Ids that `ids` does not name are background, in the prediction and in the
        truth (255, "void", included: DAVIS ignores void only in its unsupervised track).
    ids : iterable of int
        The K objects to score, 1 or more each, no two alike.

    Returns
    -------
    FrameScores
        K values of J and K of F, in the order of `ids`.

    Raises
    ------
    ValueError
        If a mask is not integer or not (H, W), if the two sizes differ, or if `ids` holds 0 or an id twice.
    """
    predicted, true = id_mask("prediction", prediction), id_mask("truth", truth)
    region, contour = region_and_contour(predicted, true, ids=_object_ids(ids))
    return FrameScores(region.tolist(), contour.tolist())


def sequence_scores(
    predictions: Iterable[ArrayLike], truths: Iterable[ArrayLike], /, *, ids: Iterable[int], exclude_ends: bool = True
) -> SequenceScores:
    """J and F of every object in every frame of a sequence [DAVIS J, F].

    Parameters
    ----------
    predictions, truths : iterables of T arrays, each of shape (H, W)
        Object ids, frame by frame from the first on. Both are read in step, and no frame is kept.
    ids : iterable of int
        The K objects to score, 1 or more each, no two alike. DAVIS 2017 takes those of the first true frame; DAVIS
        2016 merges all objects into one: pass ``mask > 0`` and ``ids=[1]``.
    exclude_ends : bool
        Whether the means leave out the first and the last frame, as DAVIS does; see `SequenceScores`.

    Returns
    -------
    SequenceScores
        All T frames' scores, with their means.

    Raises
    ------
    ValueError
        If one iterable ends before the other, or as `frame_scores` does.

    Examples
    --------
    Four frames with object 1, of which the third is missed: the means are over the second and the third.

    >>> import numpy as np
    >>> import vosref
    >>> truth = np.zeros((4, 10, 10), dtype=np.uint8)
    >>> truth[:, 3:7, 3:7] = 1
    >>> found = truth.copy()
    >>> found[2] = 0
    >>> scores = vosref.sequence_scores(found, truth, ids=[1])
    >>> scores.region[:, 0].tolist(), scores.mean_region, scores.j_and_f
    ([1.0, 1.0, 0.0, 1.0], 0.5, 0.5)
    """
    objects = _object_ids(ids)
    ended: Any = object()
    frames: list[FrameScores] = []
    for prediction, truth in zip_longest(predictions, truths, fillvalue=ended):
        if prediction is ended or truth is ended:
            shorter = "predictions" if prediction is ended else "truths"
            raise ValueError(f"predictions and truths must be equally long, got only {len(frames)} {shorter}")
        frames.append(frame_scores(prediction, truth, ids=objects))
    region, contour = (_series([f[i] for f in frames], len(objects)) for i in (0, 1))
    return SequenceScores(objects, region, contour, exclude_ends)


def _object_ids(ids: Iterable[int]) -> tuple[int, ...]:
    objects = tuple(operator.index(k) for k in ids)
    if any(k < 1 for k in objects) or len(set(objects)) < len(objects):
        raise ValueError(f"ids must be 1 or more (0 is background), no two alike, got {objects}")
    return objects


def _series(values: Sequence[list[float]], n_objects: int) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64).reshape(len(values), n_objects)


def _object_means(series: NDArray[np.float64]) -> list[float]:
    return [mean(column.tolist()) for column in series.T]
