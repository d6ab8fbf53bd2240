"""What every choice of frames, and of widths, obeys."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosref.conformance.operations import sampling_problems as problems
from vosref.conformance.operations.operation import Claim, Invariant, Probe, Problem

__all__ = ["FRAMES", "PRIOR"]

RULES = ("paper", "released", "uniform")
TARGETS = (1, 2, 9, 10, 11, 16, 27, 40, 41, 44, 45, 46, 60, 90)


def _frames(probe: Probe, problem: Problem, **options: Any) -> NDArray[Any]:
    return probe.call(problem.inputs, problem.options | options)["frames"]


def _true(held: Any) -> Claim:
    """State that something holds."""
    return Claim(np.asarray(held, np.float64), np.ones(np.shape(held)), "==", 0.0)


def frames_ascend_and_lie_in_the_past(probe: Probe, problem: Problem) -> list[Claim]:
    """Frames are those of 0 to t - 1, each once, the oldest first, and the newest of them is t - 1."""
    claims = []
    for t in TARGETS:
        for rule in RULES:
            got = _frames(probe, problem, t=t, rule=rule)
            claims += [_true(np.diff(got) > 0), _true(got >= 0), _true(got[-1] == t - 1)]
    return claims


def as_many_frames_as_there_are_or_are_asked_for(probe: Probe, problem: Problem) -> list[Claim]:
    """Every past frame is taken while there are no more than are asked for, and then as many as that."""
    most = problem.options["n_recent"] + problem.options["n_sparse"]
    counts = [(len(_frames(probe, problem, t=t, rule=rule)), min(t, most)) for t in TARGETS for rule in RULES]
    return [Claim(np.asarray(got, np.float64), np.asarray(want, np.float64), "==", 0.0) for got, want in counts]


def the_recent_frames_are_taken(probe: Probe, problem: Problem) -> list[Claim]:
    """All n_recent frames before t are among them, but where they are spread evenly."""
    claims = []
    for t in TARGETS:
        for rule in RULES[:2]:
            recent = np.arange(max(t - problem.options["n_recent"], 0), t)
            claims.append(_true(np.isin(recent, _frames(probe, problem, t=t, rule=rule))))
    return claims


def no_frame_lies_beyond_the_horizon(probe: Probe, problem: Problem) -> list[Claim]:
    """Frames reach as far back as the horizon, which the released code counts from t - n_recent, and no farther."""
    horizon, claims = problem.options["horizon"], []
    for rule in RULES:
        reach = horizon + (problem.options["n_recent"] if rule == "released" else 0)
        oldest = [(_frames(probe, problem, t=t, rule=rule)[0], max(t - reach, 0)) for t in TARGETS]
        claims += [Claim(np.asarray(got), np.asarray(want, np.float64), "==", 0.0) for got, want in oldest]
    return claims


def the_choice_moves_with_the_target(probe: Probe, problem: Problem) -> list[Claim]:
    """Where the past is long enough, a target one frame later looks at frames one later."""
    return [
        Claim(_frames(probe, problem, t=51, rule=rule), _frames(probe, problem, t=50, rule=rule) + 1, "==", 0.0)
        for rule in RULES
    ]


def _sigma(probe: Probe, problem: Problem, frames: NDArray[Any], **options: Any) -> NDArray[Any]:
    return probe.call({"frames": frames}, problem.options | options)["sigma"]


def a_width_depends_on_its_own_frame_alone(probe: Probe, problem: Problem) -> list[Claim]:
    """Each frame has the width by itself that it has among others."""
    frames = problem.inputs["frames"]
    together = _sigma(probe, problem, frames)
    alone = [_sigma(probe, problem, frames[i : i + 1])[0] for i in range(len(frames))]
    return [Claim(np.asarray(alone), together, "==", 0.0)]


def widths_are_the_two_that_are_given(probe: Probe, problem: Problem) -> list[Claim]:
    """Recent frames have one width, the others another, and they change places with the options."""
    frames, t = problem.inputs["frames"], problem.options["t"]
    recent = frames >= t - problem.options["n_recent"]
    claims = []
    for near, far in ((3.0, 5.0), (5.0, 3.0)):
        got = _sigma(probe, problem, frames, sigma_recent=near, sigma_distant=far)
        claims.append(Claim(got, np.where(recent, near, far), "==", 0.0))
    return claims


def the_released_rule_switches_after_15(probe: Probe, problem: Problem) -> list[Claim]:
    """Up to t = 15 the released code gives every frame one width, and does as the paper says from then on."""
    claims = []
    for t in (3, 10, 15, 16, 17, 40):
        frames, want = np.arange(max(t - 9, 0), t), "single" if t <= 15 else "paper"
        got, other = (_sigma(probe, problem, frames, t=t, rule=rule) for rule in ("released", want))
        claims.append(Claim(got, other, "==", 0.0))
    return claims


DEFAULT, LATE = problems.frames(30), problems.prior(30)
FRAMES = (
    Invariant("ascending", frames_ascend_and_lie_in_the_past, "ascending and in the past", DEFAULT),
    Invariant("count", as_many_frames_as_there_are_or_are_asked_for, "as many as asked for", DEFAULT),
    Invariant("recent", the_recent_frames_are_taken, "the recent frames are there", DEFAULT),
    Invariant("horizon", no_frame_lies_beyond_the_horizon, "none beyond the horizon", DEFAULT),
    Invariant("moving", the_choice_moves_with_the_target, "moves with the target", DEFAULT),
)
PRIOR = (
    Invariant("independence", a_width_depends_on_its_own_frame_alone, "each frame by itself", LATE),
    Invariant("two_widths", widths_are_the_two_that_are_given, "two widths", LATE),
    Invariant("switch", the_released_rule_switches_after_15, "the released code's switch", LATE),
)
