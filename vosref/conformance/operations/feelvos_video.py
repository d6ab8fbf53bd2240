"""FEELVOS under contract from end to end, without a head: the label of every pixel's nearest reference pixel.

Labels have no tolerance; which of them a pixel may have follows from intervals. A squared distance lies in s ± e
(`matching.pair_error`, twice: the reference has its own), so an object's nearest pixel lies between the nearest of
those that may be its, by s - e, and of those that surely are, by s + e; and tanh(s / 2), as a distance, adds (2 ulps +
4) u. The object's distance is the smaller of the first frame's and the previous frame's. A label is allowed where no
other's is nearer beyond doubt. Where several are, the pixel may belong to each of them in the next frame, and surely to
none.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vosref import distance, feelvos
from vosref.backend import array_namespace
from vosref.conformance.arithmetic import Arithmetic
from vosref.conformance.operations import feelvos_video_invariants as invariants
from vosref.conformance.operations import feelvos_video_problems as problems
from vosref.conformance.operations.matching import pair_error
from vosref.conformance.operations.operation import Argument, Inputs, Operation, Options, Outputs, Scored, Sketch

__all__ = ["FEELVOS_VIDEO", "feelvos_video"]

Array = NDArray[Any]


class Ends(NamedTuple):
    """Distances (P, K): the smallest and largest that they may be, and what they are."""

    low: Array
    high: Array
    exact: Array


def feelvos_video(embeddings: Any, labels: Any, /, **options: Any) -> Any:
    """Label a video by FEELVOS's matching to the nearest pixel: the label of every pixel but the first frame's.

    Parameters
    ----------
    embeddings : array, shape (T, h, w, D)
    labels : array, shape (P, K)
        Of frame 0, one-hot.
    **options
        Fields of `FeelvosConfig`.

    Returns
    -------
    array of int64, shape (T - 1, P)
        Columns of `labels`.
    """
    xp, (height, width) = array_namespace(embeddings), embeddings.shape[1:3]
    config = feelvos.FeelvosConfig.nearest()._replace(**options)
    views = [feelvos.FeelvosView(embeddings[t, ...], (4 * height, 4 * width)) for t in range(embeddings.shape[0])]
    state, chosen = feelvos.init(views[0], labels, config), []
    for view in views[1:]:
        state, scores, _ = feelvos.step(state, view, config)
        chosen.append(xp.astype(xp.argmax(scores, axis=1), xp.int64))
    return xp.stack(chosen)


def _decide(inputs: Inputs, options: Options, a: Arithmetic) -> Scored:
    embeddings, labels = inputs.values()
    frames = embeddings.reshape(len(embeddings), -1, embeddings.shape[3])
    window = _window(embeddings.shape[1:3], options["window_radius"])
    first = likely = labels > 0
    may, surely = likely, likely
    distances, bounds = [], []
    for t in range(1, len(frames)):
        ends = []
        if options["first_frame"]:
            ends.append(_nearest(frames[t], frames[0], (first,) * 3, np.True_, options["n_neighbours"], a))
        if options["previous_frame"] != "none":
            local = options["previous_frame"] == "local"
            inside, n = (window, 1) if local else (np.True_, options["n_neighbours"])
            ends.append(_nearest(frames[t], frames[t - 1], (may, surely, likely), inside, n, a))
        low, high, exact = (np.min(np.stack(part), axis=0) for part in zip(*ends, strict=True))
        distances.append(exact)
        bounds.append(np.maximum(high - exact, exact - low))
        may = low <= np.min(high, axis=1, keepdims=True)
        surely = may & (np.sum(may, axis=1, keepdims=True) == 1)
        likely = np.eye(labels.shape[1], dtype=bool)[np.argmin(exact, axis=1)]
    return Scored(-np.stack(distances), np.stack(bounds), tuple(range(labels.shape[1])))


def _bound(inputs: Inputs, options: Options, exact: Outputs, a: Arithmetic) -> Outputs:
    """0 where one label alone is allowed, and infinity where several are."""
    scores, bound, _ = _decide(inputs, options, a)
    may = scores + bound >= np.max(scores - bound, axis=2, keepdims=True)
    return {"labels": np.where(np.sum(may, axis=2) > 1, np.inf, np.zeros(exact["labels"].shape))}


def _nearest(
    query: Array, reference: Array, members: tuple[Array, Array, Array], inside: Any, n: int, a: Arithmetic
) -> Ends:
    """Distances to the objects of a frame, whose pixels may be theirs, surely are, and are in the reference's run."""
    squares = distance.direct_squares(query, reference)
    error = 2 * pair_error(query, reference, a)
    may, surely, likely = ([inside & of[:, k][None, :] for k in range(of.shape[1])] for of in members)
    exact = np.stack([_mean(squares, member, n) for member in likely], axis=1)
    low = np.stack([_mean(squares - error, member, n) for member in may], axis=1)
    high = np.stack([_mean(squares + error, member, n) for member in surely], axis=1)
    if n > 1:  # a mean over pixels that are in doubt lies between the nearest and the farthest of them
        unsure = np.stack([np.any(m != s, axis=1) for m, s in zip(may, surely, strict=True)], axis=1)
        nearest = np.stack([_mean(squares - error, member, 1) for member in may], axis=1)
        farthest = np.stack([np.max(np.where(m, squares + error, -np.inf), axis=1) for m in may], axis=1)
        some = np.stack([np.any(s, axis=1) for s in surely], axis=1)
        low, high = np.where(unsure, nearest, low), np.where(unsure, np.where(some, farthest, np.inf), high)
    absent = np.isinf(low)  # an object without a pixel is at exactly 1
    low, high = np.tanh(np.maximum(low, 0.0) / 2), np.tanh(high / 2)
    own = a.returned(high, np.full(high.shape, n * a.u_sum * (n > 1) + a.function + 4 * a.u_step))
    return Ends(np.where(absent, 1.0, low - own), np.where(absent, 1.0, high + own), np.tanh(exact / 2))


def _mean(squares: Array, member: Array, n: int) -> Array:
    """Mean of the n smallest of a row's members, the farthest standing in for missing ones; infinite without any."""
    values = np.sort(np.where(member, squares, np.inf), axis=1)[:, :n]
    farthest = np.max(np.where(np.isinf(values), -np.inf, values), axis=1, keepdims=True)
    filled = np.where(np.isinf(values), farthest, values)
    total = np.sum(filled, axis=1)
    if (missing := n - filled.shape[1]) > 0:
        total = total + missing * np.max(filled, axis=1)
    return np.where(np.isinf(values[:, 0]), np.inf, total / n)


def _window(grid: tuple[int, int], radius: int) -> Array:
    """Mark the pairs that a window allows, (P, P)."""
    row, column = np.divmod(np.arange(grid[0] * grid[1]), grid[1])
    return (np.abs(row[:, None] - row) <= radius) & (np.abs(column[:, None] - column) <= radius)


FEELVOS_VIDEO = Operation(
    "feelvos_video",
    1,
    "label of the nearest pixel in the first frame and the previous one, frame by frame [FEELVOS 2-4]",
    (
        Argument("embeddings", "(T, h, w, D) float", "of every frame, finite, T >= 2"),
        Argument("labels", "(P, K) float", "of frame 0, one-hot: 0 or 1, at most one 1 a row"),
    ),
    (
        Argument("first_frame", "bool", "match to the first frame, anywhere"),
        Argument(
            "previous_frame", '"local", "global" or "none"', "match to the previous frame, in a window or anywhere"
        ),
        Argument("window_radius", "int >= 0", "of local matching, in cells"),
        Argument("n_neighbours", "int >= 1", "of global matching: mean of so many smallest squares"),
    ),
    (Argument("labels", "(T - 1, P) int", "columns of the labels given; of equal distances any"),),
    lambda *arrays, **options: {"labels": feelvos_video(*arrays, **options)},
    _bound,
    "distances: intervals, over pixels that may be an object's and that surely are; labels: allowed where no other is "
    "nearer beyond doubt",
    problems.random,
    (
        Sketch("both_frames", problems.video(8), "the first frame anywhere, the previous one in a window"),
        Sketch("first_frame_only", problems.video(6, previous_frame="none"), "the previous frame is not looked at"),
        Sketch("previous_only", problems.video(18, first_frame=False), "labels are handed on from frame to frame"),
        Sketch("previous_anywhere", problems.video(7, previous_frame="global", first_frame=False), "no window"),
        Sketch("changing_looks", problems.changing(7), "objects turn into one another: only the previous frame knows"),
        Sketch("appears_twice", problems.lookalike(6), "a second object alike, out of the window: place decides"),
        Sketch(
            "three_neighbours", problems.outlier, "a pixel that looks like another object: the mean of three decides"
        ),
        Sketch("reappears", problems.reappearing, "an object leaves and comes back: the first frame knows it"),
        Sketch("radius_zero", problems.video(6, window_radius=0, grid=(2, 7)), "the window is the pixel itself"),
    ),
    invariants.FEELVOS_VIDEO,
    _decide,
)
