"""What is measured of a sequence, whatever protocol scores it, in memory that its length and its ids do not change."""

import math
import tracemalloc
import weakref

import numba
import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vosref.evaluation.tally import Truth, tally_sequence

SIZES = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4))
VIDEOS = SIZES.flatmap(lambda s: st.tuples(*[hnp.arrays(np.uint8, s, elements=st.sampled_from([0, 1, 3]))] * 2))


def named(predictions, truths):
    return ((f"{t:05d}", Truth(truth), p) for t, (p, truth) in enumerate(zip(predictions, truths, strict=True)))


@given(videos=VIDEOS)
def test_a_tally_is_the_oracle_of_every_frame_and_id(videos):
    tally = tally_sequence(named(*videos))
    assert tally.ids == tuple(sorted({int(k) for v in videos for k in np.unique(v)} - {0}))
    for t, (prediction, truth) in enumerate(zip(*videos, strict=True)):
        for i, k in enumerate(tally.ids):
            pair = prediction == k, truth == k
            assert tally.region[t, i] == oracles.region_similarity(*pair)
            assert tally.contour[t, i] == oracles.contour_accuracy(*pair)
            assert (tally.in_prediction[t, i], tally.in_truth[t, i]) == tuple(mask.any() for mask in pair)


@given(videos=VIDEOS)
def test_merged_objects_are_one(videos):
    tally = tally_sequence(named(*videos), merged=True)
    assert set(tally.ids) <= {1}
    alone = tally_sequence(named(*((v > 0).astype(np.uint8) for v in videos)))
    assert np.array_equal(tally.region, alone.region)
    assert np.array_equal(tally.contour, alone.contour)


@given(videos=VIDEOS, missing=st.sets(st.integers(0, 3)))
def test_a_missing_mask_is_measured_as_an_empty_one_and_marked(videos, missing):
    predictions = [None if t in missing else frame for t, frame in enumerate(videos[0])]
    tally = tally_sequence(named(predictions, videos[1]))
    assert tally.predicted.tolist() == [p is not None for p in predictions]
    empty = [np.zeros_like(videos[1][0]) if p is None else p for p in predictions]
    assert np.array_equal(tally.region, tally_sequence(named(empty, videos[1])).region)


@pytest.mark.parametrize(
    ("void", "ids", "region"),
    [("background", (1,), [0.5]), ("object", (1, 255), [0.5, 0.0]), ("left_out", (1,), [1.0])],
)
def test_void_pixels_are_what_the_rule_says(void, ids, region):
    truth = Truth(np.array([[1, 0, 0]], np.uint8), np.array([[False, True, False]]))
    tally = tally_sequence([("0", truth, np.array([[1, 1, 0]], np.uint8))], void=void)
    assert (tally.ids, tally.region.tolist(), tally.has_void) == (ids, [region], True)


def test_stability_is_measured_between_neighbours_that_both_have_a_mask_and_only_where_asked():
    square = np.zeros((40, 40), np.uint8)
    square[10:30, 10:30] = 1
    predictions = [square, square, None, square, square]
    tally = tally_sequence(named(predictions, [square] * 5), stability=True)
    assert [math.isnan(t) for t in tally.stability] == [True, False, True, True, False]
    assert tally.stability[1] == tally.stability[4] == 0
    assert np.isnan(tally_sequence(named(predictions, [square] * 5)).stability).all()


def test_no_frame_gives_an_empty_tally():
    tally = tally_sequence([])
    assert (tally.names, tally.ids, tally.region.shape) == ((), (), (0, 0))


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="interpreted and watched, a frame takes seconds")
def test_only_a_few_frames_are_held_however_long_the_video_and_many_the_ids():
    size = (240, 320)
    alive = []

    def frames(n, n_ids):
        rng = np.random.default_rng(0)
        for t in range(n):
            mask = np.kron(rng.integers(0, n_ids + 1, (6, 8)).astype(np.uint8), np.ones((40, 40), np.uint8))
            alive.append(weakref.ref(mask))
            assert sum(ref() is not None for ref in alive) <= 3
            yield f"{t:05d}", Truth(mask), mask

    tally_sequence(frames(2, 250))  # compiles
    peaks = []
    for n, n_ids in ((4, 1), (4, 250), (40, 250)):
        tracemalloc.start()
        tally_sequence(frames(n, n_ids))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    frame = size[0] * size[1]
    # The scores themselves, a few numbers for each id and frame, are all that grows.
    assert max(peaks) < 40 * frame
    assert peaks[2] - peaks[1] < 40 * 250 * 1000
