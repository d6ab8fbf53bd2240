"""What DAVIS makes of an object's scores, frame by frame: their mean, recall and decay."""

import itertools
import math
from collections.abc import Sequence

__all__ = ["decay", "decay_bins", "mean", "recall"]

N_BINS = 4


def mean(values: Sequence[float], /) -> float:
    """Mean of the values that are not NaN [DAVIS mean], correctly rounded, so alike in any order; NaN without one."""
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan


def recall(values: Sequence[float], /) -> float:
    """Share of the values above, and not at, 0.5 [DAVIS recall].

    Parameters
    ----------
    values : sequence of float
        J or F of an object, frame by frame.

    Returns
    -------
    float
        In [0, 1]; NaN without a value.
    """
    return mean([float(value > 0.5) for value in values])


def decay(values: Sequence[float], /) -> float:
    """Mean of the first quarter of the values less that of the last [DAVIS decay].

    Parameters
    ----------
    values : sequence of float
        J or F of an object, frame by frame.

    Returns
    -------
    float
        In [-1, 1], above 0 where the scores fall; NaN without a value.
    """
    bins = decay_bins(len(values))
    return mean(values[bins[0]]) - mean(values[bins[-1]]) if values else math.nan


def decay_bins(count: int, /) -> list[slice]:
    """Cut `count` frames into the four bins of the decay; neighbours share the frame between them.

    The edges are those of MATLAB's rounding, halves up, which 1e-10 gives to Python's, halves to even. The benchmark's
    own code keeps them in 8 bits and is wrong from 257 frames on [specs FEELVOS §8.3].
    """
    edges = [round(1 + (count - 1) * i / N_BINS + 1e-10) - 1 for i in range(N_BINS + 1)]
    return [slice(first, last + 1) for first, last in itertools.pairwise(edges)]
