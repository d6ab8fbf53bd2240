"""`vosref.sampling`: the specification's table of indices, the motion prior, and what a state must hold."""

import numpy as np
import oracles_sampling
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vosref.sampling import motion_prior, reach, reference_frames

RELEASED = {  # specs TVOS §2.3
    1: "0", 5: "0 1 2 3 4", 9: "0 1 2 3 4 5 6 7 8", 10: "0 1 2 3 4 6 7 8 9", 11: "0 1 2 4 5 7 8 9 10",
    12: "0 1 3 4 6 8 9 10 11", 15: "0 2 4 6 8 11 12 13 14", 16: "0 2 4 7 9 12 13 14 15", 17: "0 2 5 7 10 13 14 15 16",
    20: "0 3 6 9 12 16 17 18 19", 30: "0 5 10 15 20 26 27 28 29", 40: "0 7 14 21 28 36 37 38 39",
    43: "0 7 15 23 31 39 40 41 42", 44: "0 8 16 24 32 40 41 42 43", 45: "1 9 17 25 33 41 42 43 44",
    60: "16 24 32 40 48 56 57 58 59",
}  # fmt: skip


@pytest.mark.parametrize("t", RELEASED)
def test_the_released_frames_are_those_of_the_table(t):
    assert reference_frames(t, rule="released") == tuple(map(int, RELEASED[t].split()))


def test_the_released_frames_are_numpys_linspace_truncated_for_2000_frames():  # specs TVOS §6.1
    for t in range(10, 2000):
        points = np.linspace(max(t - 44, 0), t - 4, 6).astype(int).tolist()
        assert reference_frames(t, rule="released") == (*points, t - 3, t - 2, t - 1)
        assert reference_frames(t, rule="released")[-4:] == (t - 4, t - 3, t - 2, t - 1)


@pytest.mark.parametrize("t", [10, 39, 40, 41, 100])
def test_the_papers_frames_are_4_recent_and_5_from_the_36_before(t):
    frames = reference_frames(t)
    assert frames[-4:] == (t - 4, t - 3, t - 2, t - 1)
    assert frames[0] == max(t - 40, 0)
    assert frames[4] == t - 5
    assert len(set(frames)) == 9


@given(
    t=st.integers(1, 300),
    rule=st.sampled_from(["paper", "released", "uniform"]),
    n_recent=st.integers(1, 5),
    n_sparse=st.integers(0, 6),
)
def test_frames_ascend_lie_in_the_past_and_never_repeat(t, rule, n_recent, n_sparse):
    frames = reference_frames(t, rule=rule, n_recent=n_recent, n_sparse=n_sparse, horizon=20)
    assert list(frames) == sorted(set(frames))
    assert frames[0] >= 0
    assert frames[-1] == t - 1
    assert len(frames) == min(t, n_recent + n_sparse)


@given(rule=st.sampled_from(["paper", "released", "uniform"]), t=st.integers(1, 200))
def test_no_later_frame_reaches_further_back_than_reach(rule, t):
    assert t - reference_frames(t, rule=rule)[0] <= reach(rule=rule)


def test_the_reach_is_attained():
    assert (reach(rule="paper"), reach(rule="released")) == (40, 44)
    assert reference_frames(60, rule="released")[0] == 60 - 44
    assert reference_frames(60)[0] == 60 - 40


def test_the_motion_prior_parts_recent_from_distant():
    for rule in ("paper", "released"):
        frames = reference_frames(16, rule=rule)
        assert motion_prior(frames, 16, rule=rule) == (21.0,) * 5 + (8.0,) * 4
    early = reference_frames(15, rule="released")
    assert motion_prior(early, 15, rule="released") == (8.0,) * 9
    assert motion_prior(reference_frames(6), 6) == (21.0, 21.0, 8.0, 8.0, 8.0, 8.0)


@given(t=st.integers(1, 300), count=st.integers(1, 12), horizon=st.integers(12, 60))
def test_uniform_frames_are_the_oracles(t, count, horizon):
    n_recent = (count + 1) // 2
    frames = reference_frames(t, rule="uniform", n_recent=n_recent, n_sparse=count - n_recent, horizon=horizon)
    assert list(frames) == oracles_sampling.uniform_frames(t, count, horizon)


@given(t=st.integers(10, 300))
def test_uniform_frames_are_all_of_the_horizon_apart_by_steps_that_differ_by_1_at_most(t):
    frames = reference_frames(t, rule="uniform")
    assert (frames[0], frames[-1], len(frames)) == (max(t - 40, 0), t - 1, 9)
    steps = np.diff(frames)
    assert steps.max() - steps.min() <= 1


def test_uniform_frames_reach_40_frames_back_and_no_further():
    assert reach(rule="uniform") == 40
    assert reference_frames(60, rule="uniform") == (20, 24, 29, 34, 39, 44, 49, 54, 59)


@given(t=st.integers(1, 300), rule=st.sampled_from(["paper", "released", "uniform"]))
def test_a_single_sigma_serves_every_frame(t, rule):
    frames = reference_frames(t, rule=rule)
    assert motion_prior(frames, t, rule="single", sigma_recent=3.0) == (3.0,) * len(frames)


@given(t=st.integers(1, 100), n=st.sampled_from([1, 3, 9]))
def test_without_sparse_frames_the_newest_are_taken(t, n):
    for rule in ("paper", "released"):
        assert reference_frames(t, rule=rule, n_recent=n, n_sparse=0) == tuple(range(max(t - n, 0), t))


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="rule must be one of paper, released, uniform, got 'dense'"):
        reference_frames(3, rule="dense")
    with pytest.raises(ValueError, match="rule must be one of paper, released, single, got 'uniform'"):
        motion_prior((0,), 1, rule="uniform")
    with pytest.raises(ValueError, match="t and n_recent must be 1 or more, .* got t=0"):
        reference_frames(0)
    with pytest.raises(ValueError, match="horizon at least n_recent \\+ n_sparse, .* horizon=8"):
        reference_frames(3, horizon=8)
