"""TVOS's sampling under contract: which past frames a target looks at, and the width σ that each gets [TVOS §3.3].

Both are rules on integers: nothing is rounded, and no tolerance applies. Where frames are spread evenly, frame i of n
between a and b is a + ⌊i (b - a) / (n - 1)⌋.
"""

from typing import Any

import numpy as np

from vosref import sampling
from vosref.conformance.arithmetic import Arithmetic
from vosref.conformance.namespaces import to_numpy
from vosref.conformance.operations import sampling_invariants as invariants
from vosref.conformance.operations import sampling_problems as problems
from vosref.conformance.operations.operation import Argument, Inputs, Operation, Options, Outputs, Sketch

__all__ = ["MOTION_PRIOR", "REFERENCE_FRAMES"]

MODEL = "none: integers, and the two widths as they are given"
T = Argument("t", "int >= 1", "number of the target frame; the annotated one is 0")
N_RECENT = Argument("n_recent", "int >= 1", "frames right before the target; 4 in the paper")


def _frames(*, t: int, **options: Any) -> Outputs:
    return {"frames": np.asarray(sampling.reference_frames(t, **options))}


def _prior(frames: Any, /, *, t: int, **options: Any) -> Outputs:
    return {"sigma": np.asarray(sampling.motion_prior(to_numpy(frames).tolist(), t, **options))}


def _exact(_inputs: Inputs, _options: Options, exact: Outputs, _a: Arithmetic) -> Outputs:
    return {name: np.zeros(value.shape) for name, value in exact.items()}


REFERENCE_FRAMES = Operation(
    "reference_frames",
    1,
    "TVOS §3.3: the n_recent frames before t, and n_sparse spread evenly over the rest of the horizon",
    (),
    (
        T,
        Argument(
            "rule", '"paper", "released" or "uniform"', "as printed, as the code has it, or evenly, as in Table 2"
        ),
        N_RECENT,
        Argument("n_sparse", "int >= 0", "frames of the farther past; 5 in the paper"),
        Argument("horizon", "int >= n_recent + n_sparse", "frames before t at most so far back; 40 in the paper"),
    ),
    (Argument("frames", "(n,) int", "ascending; every past frame while there are no more than n_recent + n_sparse"),),
    _frames,
    _exact,
    MODEL,
    problems.random_frames,
    (
        Sketch("second_frame", problems.frames(1), "one frame is past"),
        Sketch("short_past", problems.frames(9), "every past frame is taken"),
        Sketch("first_choice", problems.frames(10), "one frame more than are taken"),
        Sketch("sixteen", problems.frames(16), "where the released code starts its second σ"),
        Sketch("past_the_horizon", problems.frames(41), "frame 0 is out of sight"),
        Sketch("released_45", problems.frames(45, rule="released"), "the released code loses frame 0"),
        Sketch("released_60", problems.frames(60, rule="released"), "its horizon lies before the recent frames"),
        Sketch("uniform", problems.frames(43, rule="uniform"), "Table 2: all of them evenly, the newest included"),
    ),
    invariants.FRAMES,
    exact=True,
)
MOTION_PRIOR = Operation(
    "motion_prior",
    1,
    "TVOS §3.3: sigma_recent for the n_recent frames before t, sigma_distant for the others",
    (Argument("frames", "(n,) int", "reference frames, ascending, before t"),),
    (
        T,
        Argument("rule", '"paper", "released" or "single"', "as printed; the code's, one σ up to t = 15; always one σ"),
        N_RECENT,
        Argument("sigma_recent", "float > 0", "in cells of the grid; 8 in the paper"),
        Argument("sigma_distant", "float > 0", "in cells of the grid; 21 in the paper"),
    ),
    (Argument("sigma", "(n,) float", "width of each frame"),),
    _prior,
    _exact,
    MODEL,
    problems.random_prior,
    (
        Sketch("paper", problems.prior(30), "four recent frames, and five distant ones"),
        Sketch("paper_early", problems.prior(12), "distant frames have their σ from the first on"),
        Sketch("released_15", problems.prior(15, rule="released"), "one σ up to and including t = 15"),
        Sketch("released_16", problems.prior(16, rule="released"), "two from t = 16 on"),
        Sketch("single", problems.prior(50, rule="single"), "no motion prior"),
        Sketch("three_recent", problems.prior(30, n_recent=3), "another number of recent frames"),
    ),
    invariants.PRIOR,
    exact=True,
)
