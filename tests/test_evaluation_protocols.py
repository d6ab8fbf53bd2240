"""Each protocol against a plain-Python account of the evaluator it names, and what they are known to disagree about."""

import math

import numpy as np
import oracles_protocols
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vosref.evaluation.objects import refusals, score_objects
from vosref.evaluation.protocols import PROTOCOLS, RULES, Protocol, protocol_named
from vosref.evaluation.tally import Truth, tally_sequence

SIZES = st.tuples(st.integers(1, 7), st.integers(1, 3), st.integers(1, 3))  # frames, height, width
VIDEOS = SIZES.flatmap(lambda s: st.tuples(*[hnp.arrays(np.uint8, s, elements=st.sampled_from([0, 0, 1, 2, 4]))] * 2))
GAPS = st.sets(st.integers(0, 6))


def tallied(predictions, truths, protocol, missing=()):
    frames = (
        (f"{t:05d}", truth(m), None if t in missing else p)
        for t, (p, m) in enumerate(zip(predictions, truths, strict=True))
    )
    return tally_sequence(frames, merged=protocol.objects == "merged", void=protocol.void)


def truth(mask):
    void = mask == 255
    return Truth(np.where(void, np.uint8(0), mask), void if void.any() else None)


def scored(predictions, truths, name, missing=()):
    protocol = PROTOCOLS[name]
    tally = tallied(predictions, truths, protocol, missing)
    if refusals(tally, protocol):
        return "refused"
    return {o.object: list(o.region) for o in score_objects(tally, protocol, sequence="s")}


@given(videos=VIDEOS)
@pytest.mark.parametrize(
    ("name", "oracle"),
    [
        ("davis2016", oracles_protocols.davis_2016),
        ("davis2017", oracles_protocols.davis_2017),
        ("vos_benchmark", oracles_protocols.vos_benchmark),
        ("youtube_vos", oracles_protocols.youtube_vos),
        ("strict", oracles_protocols.strict),
    ],
)
def test_a_protocol_scores_what_its_evaluator_scores(name, oracle, videos):
    predictions, truths = (video.tolist() for video in videos)
    assert scored(*videos, name) == oracle(predictions, truths)


@given(videos=VIDEOS, missing=GAPS)
def test_strict_scores_0_where_a_mask_is_missing(videos, missing):
    predictions = [None if t in missing else frame for t, frame in enumerate(videos[0].tolist())]
    assert scored(*videos, "strict", missing) == oracles_protocols.strict(predictions, videos[1].tolist())


@given(videos=VIDEOS, missing=GAPS)
def test_others_refuse_a_missing_mask_exactly_where_it_would_count(videos, missing):
    for protocol in PROTOCOLS.values():
        tally = tallied(*videos, protocol, missing)
        refused = {r.frame for r in refusals(tally, protocol) if r.object is None}
        counted = {name for o in score_objects(tally, protocol, sequence="s") for name in o.frames}
        absent = {f"{t:05d}" for t in missing if t < len(videos[0])}
        assert refused == (counted & absent if protocol.missing == "refused" else set())


def still(*rows, frames=6):
    return np.array([[list(rows)] * frames], dtype=np.uint8)[0][:, None, :]


def late():
    """Object 2 from the first frame on, object 1 in the last three of six: the landscape's late object."""
    truths = still(0, 0, 2, 2)
    truths[3:, 0, :2] = 1
    return truths


def test_a_late_object_that_is_never_predicted_scores_a_half_in_davis_and_0_elsewhere():
    truths = late()
    predictions = np.where(truths == 1, 0, truths)
    names = ("davis2017", "vos_benchmark", "youtube_vos", "strict")
    means = {name: float(np.mean(scored(predictions, truths, name)[1])) for name in names}
    assert means == {"davis2017": 0.5, "vos_benchmark": 0.0, "youtube_vos": 0.0, "strict": 0.0}


def test_an_object_that_does_not_exist_is_refused_or_ignored_or_scores_0():
    truths = still(0, 0, 1)
    predictions = still(7, 0, 1)
    assert scored(predictions, truths, "davis2017") == "refused"
    assert scored(predictions, truths, "vos_benchmark") == {1: [1.0] * 4}
    assert scored(predictions, truths, "youtube_vos") == {1: [1.0] * 6}
    assert scored(predictions, truths, "strict") == {1: [1.0] * 5, 7: [0.0] * 5}


def test_claiming_a_late_object_too_early_raises_its_score_in_vos_benchmark_and_lowers_it_in_strict():
    truths = late()
    missed = np.where(truths == 1, 0, truths)
    early = missed.copy()
    early[1, 0, 0] = 1
    means = {
        name: [np.mean(scored(p, truths, name)[1]) for p in (missed, early)] for name in ("vos_benchmark", "strict")
    }
    assert means["vos_benchmark"] == [0.0, 0.25]  # frame 1 is wrong, but frame 2, empty in both, has entered as 1
    right = np.where(truths == 1, 1, missed)
    right_but_early = right.copy()
    right_but_early[1, 0, 0] = 1
    assert np.mean(scored(right, truths, "strict")[1]) == 1.0
    assert np.mean(scored(right_but_early, truths, "strict")[1]) == pytest.approx(2 / 3)


def test_void_is_background_or_an_object_or_left_out():
    truths, predictions = still(1, 255, 0), still(1, 1, 0)
    assert scored(predictions, truths, "davis2017") == {1: [0.5] * 4}
    assert scored(predictions, truths, "vos_benchmark") == {1: [0.5] * 4, 255: [0.0] * 4}
    assert scored(predictions, truths, "strict") == {1: [1.0] * 5}


def test_a_frame_that_neither_shows_counts_as_1_or_not_at_all():
    truths = still(1, 0)
    truths[2:4] = 0
    protocol = PROTOCOLS["davis2017"]._replace(both_empty="left_out")
    (one,) = score_objects(tallied(truths, truths, protocol), protocol, sequence="s")
    assert one.frames == ("00001", "00004")
    (all_,) = score_objects(tallied(truths, truths, protocol), PROTOCOLS["davis2017"], sequence="s")
    assert all_.region == (1.0,) * 4


def test_a_gap_in_the_ids_is_an_object_for_davis_2017_alone():
    truths = still(0, 3, 1)
    assert sorted(scored(truths, truths, "davis2017")) == [1, 2, 3]
    assert sorted(scored(truths, truths, "vos_benchmark")) == sorted(scored(truths, truths, "strict")) == [1, 3]


def test_an_object_seen_only_where_it_is_given_has_frames_in_strict_and_none_in_vos_benchmark():
    truths = still(1, 2)
    truths[1:] = 2
    assert scored(truths, truths, "vos_benchmark")[1] == []
    assert scored(truths, truths, "strict")[1] == [1.0] * 5


def test_every_value_of_a_protocol_is_explained_and_every_rule_is_a_field():
    for protocol in PROTOCOLS.values():
        assert all(value in RULES[rule] for rule, value in protocol.rules().items())
    assert {"name", *RULES} == set(Protocol._fields)


def test_an_unknown_protocol_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="protocol must be one of davis2016, davis2017, .* got 'davis'"):
        protocol_named("davis")


def test_an_object_without_a_frame_has_no_score():
    (scores,) = score_objects(
        tallied(still(1, frames=1), still(1, frames=1), PROTOCOLS["davis2017"]), PROTOCOLS["davis2017"], sequence="s"
    )
    assert scores.frames == ()
    assert math.isnan(scores.j)
    assert math.isnan(scores.row(("J", "F"))["F-Decay"])
