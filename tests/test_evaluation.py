"""Scores against the definition's loops, against geometry, and against DAVIS's own numbers for published masks."""

import io
import json
import math
import weakref
import zipfile
from pathlib import PurePosixPath

import numba
import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from vosref.backend import use_cpu
from vosref.evaluation import boundary_map, contour_accuracy, frame_scores, region_similarity, sequence_scores
from vosref.evaluation.scores import SequenceScores

SIZES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9)
MASKS = hnp.arrays(np.bool_, SIZES)
MASK_PAIRS = SIZES.flatmap(lambda size: st.tuples(*[hnp.arrays(np.bool_, size)] * 2))
STACK_SIZES = st.tuples(st.integers(0, 4), st.integers(1, 5), st.integers(1, 5))  # frames, height, width
ID_STACKS = STACK_SIZES.flatmap(lambda size: st.tuples(*[hnp.arrays(np.uint8, size, elements=st.integers(0, 3))] * 2))
TOLERANCES = st.sampled_from([0.0, 0.008, 0.1, 0.3, 1.0, 1.5, 2.0, 3.0, 20.0])


def placed(mask, top, left, size):
    """`mask` on an empty frame of `size`, its corner at (top, left)."""
    frame = np.zeros(size, dtype=bool)
    frame[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    return frame


@given(pair=MASK_PAIRS)
def test_region_similarity_equals_the_oracle(pair):
    assert region_similarity(*pair) == oracles.region_similarity(*pair)


@given(mask=MASKS)
def test_the_boundary_equals_the_oracle(mask):
    assert boundary_map(mask).tolist() == oracles.boundary_map(mask)


@given(pair=MASK_PAIRS, tolerance=TOLERANCES)
def test_contour_accuracy_equals_the_oracle(pair, tolerance):
    assert contour_accuracy(*pair, tolerance=tolerance) == oracles.contour_accuracy(*pair, tolerance)


@given(pair=MASK_PAIRS, tolerance=TOLERANCES)
def test_scores_are_floats_between_0_and_1_and_symmetric(pair, tolerance):
    region, contour = region_similarity(*pair), contour_accuracy(*pair, tolerance=tolerance)
    for score in (region, contour):
        assert type(score) is float
        assert 0 <= score <= 1
    assert region == region_similarity(*pair[::-1])
    assert contour == contour_accuracy(*pair[::-1], tolerance=tolerance)


@given(mask=MASKS, tolerance=TOLERANCES)
def test_equal_masks_score_1(mask, tolerance):
    assert region_similarity(mask, mask) == 1
    assert contour_accuracy(mask, mask, tolerance=tolerance) == 1


@given(mask=MASKS)
def test_an_empty_mask_against_a_mask_scores_0_and_against_an_empty_one_1(mask):
    empty = np.zeros_like(mask)
    assert region_similarity(mask, empty) == (not mask.any())
    assert contour_accuracy(mask, empty) == (not boundary_map(mask).any())


def test_a_mask_of_the_whole_frame_has_no_boundary():
    whole, half = np.ones((4, 6), dtype=bool), np.eye(4, 6, dtype=bool)
    assert not boundary_map(whole).any()
    assert contour_accuracy(whole, np.zeros_like(whole)) == 1
    assert contour_accuracy(whole, half) == contour_accuracy(half, whole) == 0


@given(pair=MASK_PAIRS, tolerances=st.tuples(TOLERANCES, TOLERANCES))
def test_more_tolerance_never_lowers_the_contour_accuracy(pair, tolerances):
    low, high = (t if t >= 1 else 0.0 for t in sorted(tolerances))
    assert contour_accuracy(*pair, tolerance=low) <= contour_accuracy(*pair, tolerance=high) + 1e-12


@given(pair=MASK_PAIRS, place=st.tuples(st.integers(1, 6), st.integers(1, 6)), tolerance=st.sampled_from([1, 2, 4]))
def test_where_in_the_frame_both_masks_lie_and_how_it_is_cropped_changes_nothing(pair, place, tolerance):
    height, width = pair[0].shape
    tight = [placed(m, 1, 1, (height + 2, width + 2)) for m in pair]
    wide = [placed(m, *place, (height + 13, width + 9)) for m in pair]
    assert region_similarity(*wide) == region_similarity(*tight) == region_similarity(*pair)
    assert contour_accuracy(*wide, tolerance=tolerance) == contour_accuracy(*tight, tolerance=tolerance)


@given(mask=MASKS, shift=st.tuples(st.integers(-4, 4), st.integers(-4, 4)))
def test_a_shift_within_the_tolerance_leaves_a_contour_accuracy_of_1(mask, shift):
    size = (mask.shape[0] + 10, mask.shape[1] + 10)
    moved = placed(mask, 5 + shift[0], 5 + shift[1], size)
    tolerance = max(1, math.ceil(math.hypot(*shift)))
    assert contour_accuracy(moved, placed(mask, 5, 5, size), tolerance=tolerance) == 1


@pytest.mark.parametrize(("size", "radius"), [((480, 854), 8), ((480, 910), 9), ((1080, 1920), 18)])
def test_the_tolerance_is_the_benchmarks_number_of_pixels(size, radius):
    dot = np.ones((1, 1), dtype=bool)
    truth = placed(dot, 100, 100, size)
    assert contour_accuracy(placed(dot, 100, 100 + radius, size), truth) == 1
    assert contour_accuracy(placed(dot, 100 + radius + 1, 100, size), truth) == 0.5  # the boundary is two pixels wide
    assert contour_accuracy(placed(dot, 100, 100 + radius + 2, size), truth) == 0


def test_from_1_on_the_tolerance_is_in_pixels():
    truth, moved = (placed(np.ones((1, 1), dtype=bool), 5, x, (20, 20)) for x in (5, 7))
    # 0.99 is a share of the diagonal.
    assert [contour_accuracy(moved, truth, tolerance=r) for r in (0.99, 1, 1.99, 2)] == [1, 0.5, 0.5, 1]


def test_the_tolerance_is_a_disk_not_a_square():
    truth, diagonal, straight = (placed(np.ones((1, 1), dtype=bool), 9 + d, 9 + d, (20, 20)) for d in (0, 3, 2))
    assert contour_accuracy(diagonal, truth, tolerance=3) < 1
    assert contour_accuracy(straight, truth, tolerance=3) == 1


@given(stacks=ID_STACKS, ids=st.permutations([1, 2, 3]), exclude_ends=st.booleans())
def test_sequence_scores_are_the_frames_scores_and_their_means(stacks, ids, exclude_ends):
    scores = sequence_scores(*map(iter, stacks), ids=iter(ids), exclude_ends=exclude_ends)
    assert scores.ids == tuple(ids)
    assert scores.region.shape == scores.contour.shape == (len(stacks[0]), 3)
    for t, (prediction, truth) in enumerate(zip(*stacks, strict=True)):
        assert scores.region[t].tolist() == [oracles.region_similarity(prediction == k, truth == k) for k in ids]
        assert scores.contour[t].tolist() == [oracles.contour_accuracy(prediction == k, truth == k) for k in ids]
        assert frame_scores(prediction, truth, ids=ids) == (scores.region[t].tolist(), scores.contour[t].tolist())
    means = [oracles.object_mean(o, exclude_ends) for series in scores[1:3] for o in series.T.tolist()]
    means = [math.nan if mean is None else mean for mean in means]
    close = {"abs": 1e-12, "nan_ok": True}
    assert scores.object_region + scores.object_contour == pytest.approx(means, **close)
    assert scores.mean_region == pytest.approx(sum(means[:3]) / 3, **close)
    assert scores.mean_contour == pytest.approx(sum(means[3:]) / 3, **close)
    assert scores.j_and_f == pytest.approx(sum(means) / 6, **close)


@given(ends=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_the_first_and_the_last_frame_never_enter_the_means(ends):
    series = np.array([ends[0], 0.25, 0.75, ends[1]])[:, None]
    scores = SequenceScores((1,), series, series)
    assert scores.object_region == scores.object_contour == [0.5]
    assert scores.mean_region == scores.mean_contour == scores.j_and_f == 0.5
    assert scores._replace(exclude_ends=False).mean_region == pytest.approx((1 + sum(ends)) / 4, abs=1e-12)


def test_of_two_frames_the_second_is_scored_and_where_nothing_is_left_the_means_are_nan():
    mask, empty = np.ones((2, 3), dtype=np.uint8), np.zeros((2, 3), dtype=np.uint8)
    assert sequence_scores([empty, mask], [mask, mask], ids=[1]).mean_region == 1
    assert sequence_scores([mask, empty], [mask, mask], ids=[1]).mean_region == 0
    assert sequence_scores([empty, mask, empty], [mask] * 3, ids=[1]).mean_region == 1
    for n_frames in (0, 1):
        scores = sequence_scores([mask] * n_frames, [mask] * n_frames, ids=[1])
        assert math.isnan(scores.object_region[0])
        assert math.isnan(scores.j_and_f)
    assert sequence_scores([mask], [mask], ids=[1], exclude_ends=False).j_and_f == 1
    assert math.isnan(sequence_scores([mask] * 3, [mask] * 3, ids=[]).j_and_f)


def test_means_are_json():
    mask = np.ones((2, 3), dtype=np.uint8)
    scores = sequence_scores([mask] * 3, [mask] * 3, ids=np.array([1, 2]))
    written = {"objects": scores.ids, "J": scores.object_region, "F": scores.object_contour, "J&F": scores.j_and_f}
    assert json.loads(json.dumps(written)) == {"objects": [1, 2], "J": [1.0, 1.0], "F": [1.0, 1.0], "J&F": 1.0}


def test_ids_that_are_not_named_are_background():
    truth = np.array([[1, 1, 255], [0, 0, 0]], dtype=np.uint8)
    assert frame_scores(np.array([[1, 1, 2], [0, 0, 0]]), truth, ids=[1]) == ([1.0], [1.0])
    assert frame_scores(np.array([[1, 1, 1], [0, 0, 0]]), truth, ids=[1]).region == [2 / 3]
    assert frame_scores(truth == 1, truth == 1, ids=[1]) == ([1.0], [1.0])


def test_frames_are_read_in_step_and_not_kept():
    seen = []

    def frames():
        for _ in range(5):
            frame = np.ones((3, 4), dtype=np.uint8)
            seen.append(weakref.ref(frame))
            assert sum(reference() is not None for reference in seen) <= 4  # this pair and the pair before it
            yield frame

    assert sequence_scores(frames(), frames(), ids=[1]).j_and_f == 1
    assert len(seen) == 10


MASK, WIDE = np.zeros((2, 3), dtype=bool), np.zeros((2, 4), dtype=bool)


@pytest.mark.parametrize("score", [region_similarity, contour_accuracy, lambda p, t: frame_scores(p, t, ids=[])])
def test_masks_of_two_sizes_are_refused_with_both(score):
    with pytest.raises(ValueError, match=r"prediction and truth must have the same size, got \(2, 3\) and \(2, 4\)"):
        score(MASK, WIDE)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: region_similarity(MASK.astype(int), MASK), r"prediction must be a boolean mask \(H, W\), got int64"),
        (lambda: contour_accuracy(MASK, MASK[0]), r"truth must be a boolean mask \(H, W\), got bool of shape \(3,\)"),
        (lambda: boundary_map(MASK[None]), r"mask must be a boolean mask .* got bool of shape \(1, 2, 3\)"),
        (lambda: contour_accuracy(MASK, MASK, tolerance=-1), "tolerance must be finite and 0 or more, got -1"),
        (lambda: contour_accuracy(MASK, MASK, tolerance=math.nan), "tolerance must be finite and 0 or more, got nan"),
        (lambda: frame_scores(MASK * 0.5, MASK, ids=[1]), r"prediction must be integer ids \(H, W\), got float64"),
        (lambda: frame_scores(MASK, MASK[None], ids=[1]), r"truth must be integer ids .* of shape \(1, 2, 3\)"),
        (lambda: frame_scores(MASK, MASK, ids=[0]), r"ids must be 1 or more .* got \(0,\)"),
        (lambda: sequence_scores([], [], ids=[2, 1, 2]), r"no two alike, got \(2, 1, 2\)"),
        (lambda: sequence_scores([MASK] * 2, [MASK], ids=[1]), "must be equally long, got only 1 truths"),
        (lambda: sequence_scores([], [MASK], ids=[1]), "must be equally long, got only 0 predictions"),
    ],
)
def test_errors_name_the_argument_the_rule_and_what_arrived(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def _published_masks(archive):
    """{(sequence, file name): entry}; some archives put everything into one more folder."""
    return {PurePosixPath(name).parts[-2:]: name for name in archive.namelist() if name.endswith(".png")}


def _foreground(png):
    """DAVIS 2016 merges every object into one; some methods write 255 and some 1."""
    with Image.open(png) as image:
        return np.asarray(image) > 0


@pytest.mark.parametrize("tier", ["numpy", "numba"])
@pytest.mark.parametrize("method", ["feelvos", "osvos", "rgmp", "stm"])
def test_published_masks_get_the_benchmarks_own_scores(shared_data, method, tier):
    if tier == "numba" and numba.config.DISABLE_JIT:
        pytest.skip("interpreted, the kernel takes a minute a frame")
    with use_cpu(tier):
        compare_with_the_benchmark(shared_data, method)


def compare_with_the_benchmark(shared_data, method):
    results, davis = shared_data / "davis2016-results", shared_data / "davis2016"
    official = json.loads((results / "official" / f"{method}_davis.json").read_text())
    n_compared = 0
    with zipfile.ZipFile(results / f"{method}.zip") as archive:
        published = _published_masks(archive)
        for sequence in (davis / "ImageSets" / "480p" / "val.txt").read_text().split():
            paths = sorted((davis / "Annotations" / "480p" / sequence).glob("*.png"))
            predictions = (_foreground(io.BytesIO(archive.read(published[sequence, p.name]))) for p in paths)
            scores = sequence_scores(predictions, map(_foreground, paths), ids=[1])
            for letter, series in (("J", scores.region), ("F", scores.contour)):
                expected = np.array(official[sequence][letter], dtype=np.float64)
                difference = np.abs(series[1:-1, 0] - expected)
                assert difference.max() <= 0.0005 + 1e-9, f"{letter} of {sequence}, frame {difference.argmax() + 1}"
            n_compared += len(paths) - 2
    assert n_compared == 436  # the frames of 8 sequences, less two each
