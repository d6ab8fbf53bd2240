"""TVOS under contract from end to end: votes for every frame of a video, from embeddings and the first labels.

Bound. Labels are fed back, so a doubt Δ of them joins a step's errors: Σ_j weight_j ((|y_j| + Δ_j) exp θ_j - |y_j|)
(`pair_bounds`), in which weights carry it linearly to later frames. Hard labels have none where the largest vote leads
by more than both votes' bounds; elsewhere each label that may have been chosen has the doubt 1, so that whatever an
ambiguous pixel may do later is within the bound. Soft labels v_k / Σ v lie between (v_k - b_k) / (v_k - b_k + Σ v_l +
b_l) and the same with signs exchanged, l ≠ k, and are rounded. The votes' bounds are doubled where labels are decided:
the reference has its own.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosref import sampling, tvos
from vosref.backend import array_namespace
from vosref.conformance.arithmetic import Arithmetic, grown
from vosref.conformance.operations import tvos_video_invariants as invariants
from vosref.conformance.operations import tvos_video_problems as problems
from vosref.conformance.operations.operation import Argument, Inputs, Operation, Options, Outputs, Sketch
from vosref.conformance.operations.pair_bounds import online_error, vote_error
from vosref.conformance.operations.propagation import frame_pairs

__all__ = ["TVOS_VIDEO", "tvos_video"]

Array = NDArray[Any]
ERRORS = {"paper": online_error, "released": vote_error}


def tvos_video(embeddings: Any, labels: Any, /, **options: Any) -> Any:
    """Label a video by TVOS: votes of every frame but the first.

    Parameters
    ----------
    embeddings : array, shape (T, h, w, D)
    labels : array, shape (P, K)
        Of frame 0.
    **options
        Fields of `TvosConfig`.

    Returns
    -------
    array, shape (T - 1, P, K)
    """
    config = tvos.TvosConfig()._replace(**options)
    state, votes = tvos.init(embeddings[0, ...], labels, config), []
    for t in range(1, embeddings.shape[0]):
        state, seen, _ = tvos.step(state, embeddings[t, ...], config)
        votes.append(seen)
    return array_namespace(embeddings).stack(votes)


def _bound(inputs: Inputs, options: Options, exact: Outputs, a: Arithmetic) -> Outputs:
    embeddings, labels = inputs.values()
    grid, error = embeddings.shape[1:3], ERRORS[options["propagation"]]
    pixels = embeddings.reshape(len(embeddings), -1, embeddings.shape[3])
    known, doubt = [labels], [np.zeros_like(labels)]
    bounds = []
    for t, votes in enumerate(exact["votes"], 1):
        frames, sigma = _looked_at(t, options)
        step = {"grid": grid, "sigma": sigma, "temperature": options["temperature"]}
        pairs = frame_pairs(pixels[t], pixels[list(frames)], step, a)
        given, unsure = (np.concatenate([of[frame] for frame in frames]) for of in (known, doubt))
        bounds.append(a.returned(votes, error(pairs, given, unsure, a)))
        seen, off = FEEDBACK[options["feedback"]](votes, bounds[-1], a)
        known.append(seen)
        doubt.append(np.where(np.isnan(off), np.inf, off))
    return {"votes": np.stack(bounds)}


def _looked_at(t: int, options: Options) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Frames that target frame t looks at, and their widths."""
    sizes = {name: options[name] for name in ("n_recent", "n_sparse", "horizon")}
    frames = sampling.reference_frames(t, rule=options["sampling"], **sizes)
    widths = {name: options[name] for name in ("n_recent", "sigma_recent", "sigma_distant")}
    return frames, sampling.motion_prior(frames, t, rule=options["motion"], **widths)


def _hard(votes: Array, bound: Array, _: Arithmetic) -> tuple[Array, Array]:
    """One-hot labels, and 1 for each that may have been chosen where there are several."""
    may = votes + 2 * bound >= np.max(votes - 2 * bound, axis=1, keepdims=True)
    return np.eye(votes.shape[1])[np.argmax(votes, axis=1)], 1.0 * (may & (np.sum(may, axis=1, keepdims=True) > 1))


def _soft(votes: Array, bound: Array, a: Arithmetic) -> tuple[Array, Array]:
    """Votes scaled to sum to 1, and how far they may be off."""
    total = np.sum(votes, axis=1, keepdims=True)
    share = votes / np.where(total > 0, total, 1.0)
    low, high = np.maximum(votes - bound, 0.0), votes + bound
    others = [np.sum(end, axis=1, keepdims=True) - end for end in (low, high)]
    most, least = high / np.maximum(high + others[0], 1e-300), low / np.maximum(low + others[1], 1e-300)
    rounding = grown(a.sum(votes.shape[1]), a.u_step, a.u_result) * share + a.underflow
    return share, np.maximum(most - share, share - least) + rounding


def _literal(votes: Array, bound: Array, _: Arithmetic) -> tuple[Array, Array]:
    return votes, bound


FEEDBACK = {"hard": _hard, "soft": _soft, "literal": _literal}
TVOS_VIDEO = Operation(
    "tvos_video",
    1,
    "votes of frames 1 … T-1 by [TVOS 4] or the released code, each frame's labels fed back to later ones",
    (
        Argument("embeddings", "(T, h, w, D) float", "of every frame, T >= 2"),
        Argument("labels", "(P, K) float in [0, 1]", "of frame 0 on the grid; they stay soft"),
    ),
    (
        Argument("sampling", '"paper", "released" or "uniform"', "which past frames are looked at"),
        Argument("motion", '"paper", "released" or "single"', "which width each of them gets"),
        Argument("propagation", '"paper" or "released"', "S, or softmax and then the spatial term"),
        Argument("feedback", '"hard", "soft" or "literal"', "what later frames see of a prediction"),
        Argument("n_recent", "int >= 1", "consecutive frames before the target"),
        Argument("n_sparse", "int >= 0", "frames of the more distant past"),
        Argument("horizon", "int >= n_recent + n_sparse", "frames that the sample is taken from"),
        Argument("sigma_recent", "float > 0", "width of the spatial term for recent frames, in cells"),
        Argument("sigma_distant", "float > 0", "width for the others, in cells"),
        Argument("temperature", "float", "multiplies the dot products"),
    ),
    (Argument("votes", "(T - 1, P, K) float >= 0", "of every frame but the first"),),
    lambda *arrays, **options: {"votes": tvos_video(*arrays, **options)},
    _bound,
    "each step as its propagation; a doubt of labels is carried on by the weights; decided labels have none where the "
    "lead is beyond the bounds, and 1 elsewhere; shares of votes: intervals",
    problems.random,
    (
        Sketch("released", problems.video(20, horizon=8), "the released rules, past frame 16 and the horizon"),
        Sketch("paper", problems.video(14, problems.PAPER, temperature=1.5), "the paper's rules, past the horizon"),
        Sketch("first_steps", problems.video(5, n_recent=4, n_sparse=5, horizon=40), "every past frame is looked at"),
        Sketch("soft_first_frame", problems.video(6, softened=True), "the annotation stays soft"),
        Sketch("uniform", problems.video(12, sampling="uniform", motion="single"), "frames spread evenly"),
        Sketch("literal", problems.video(7, problems.PAPER, feedback="literal"), "S ŷ itself is fed back"),
        Sketch("no_sparse_frames", problems.video(6, n_recent=1, n_sparse=0, horizon=1), "the previous frame alone"),
        Sketch("one_row", problems.video(8, grid=(1, 9), temperature=0.75), "a grid of one row"),
    ),
    invariants.TVOS_VIDEO,
)
