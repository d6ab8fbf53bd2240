"""J and F of all objects at once, by the definition and by its twin: against the loops, and what must not matter."""

import numpy as np
import oracles_scores
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vosref.backend import use_cpu
from vosref.evaluation import contour_accuracy, region_similarity
from vosref.evaluation.measures import region_and_contour

SIZES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=7)
PAIRS = SIZES.flatmap(lambda size: st.tuples(*[hnp.arrays(np.uint8, size, elements=st.integers(0, 3))] * 2))
TOLERANCES = st.sampled_from([0.0, 0.008, 0.1, 0.3, 1.0, 1.5, 2.0, 2.9, 20.0])


@pytest.fixture(scope="module", params=["numba", "numpy"])
def tier(request):
    with use_cpu(request.param):
        yield


def scores(prediction, truth, **options):
    region, contour = region_and_contour(prediction, truth, **options)
    assert region.dtype == contour.dtype == np.float64
    return region.tolist(), contour.tolist()


@given(pair=PAIRS, ids=st.permutations([1, 2, 3]), tolerance=TOLERANCES)
def test_all_objects_at_once_equal_the_oracle(tier, pair, ids, tolerance):
    expected = oracles_scores.region_and_contour(*(mask.tolist() for mask in pair), ids, tolerance)
    assert scores(*pair, ids=ids, tolerance=tolerance) == expected


@given(pair=PAIRS, ids=st.permutations([1, 2, 3, 7]))
def test_the_order_of_the_ids_is_that_of_the_scores(tier, pair, ids):
    one_by_one = [scores(*pair, ids=[k]) for k in ids]
    assert scores(*pair, ids=ids) == tuple([s[0] for s in of] for of in zip(*one_by_one, strict=True))
    assert scores(*pair, ids=[*ids, ids[0]])[1] == [*scores(*pair, ids=ids)[1], one_by_one[0][1][0]]


@given(pair=PAIRS, tolerance=TOLERANCES)
def test_swapping_prediction_and_truth_and_transposing_both_change_nothing(tier, pair, tolerance):
    options = {"ids": [1, 2, 3], "tolerance": tolerance}
    assert scores(*pair, **options) == scores(*pair[::-1], **options) == scores(pair[0].T, pair[1].T, **options)


@given(pair=PAIRS, tolerance=st.sampled_from([1.0, 2.0, 5.0]))
def test_renaming_ids_and_a_margin_of_background_change_nothing(tier, pair, tolerance):
    expected = scores(*(np.pad(mask, 1) for mask in pair), ids=[1, 2, 3], tolerance=tolerance)
    names = np.array([0, 9, 255, 4], np.uint8)
    renamed = [np.pad(names[mask], ((1, 3), (1, 70))) for mask in pair]
    assert scores(*renamed, ids=[9, 255, 4], tolerance=tolerance) == expected


@given(pair=PAIRS)
def test_mirroring_both_masks_leaves_every_j_as_it_was(tier, pair):
    flipped = scores(pair[0][::-1, ::-1], pair[1][::-1, ::-1], ids=[1, 2, 3])
    assert flipped[0] == scores(*pair, ids=[1, 2, 3])[0]


def test_mirroring_may_change_f_for_a_boundary_leans_towards_the_origin(tier):
    prediction, truth = np.zeros((2, 5, 5), np.uint8)
    prediction[:2, :2], truth[:, :2] = 1, 1
    as_drawn, mirrored = (scores(prediction[:, ::s], truth[:, ::s], ids=[1], tolerance=1.0) for s in (1, -1))
    upside_down = scores(prediction[::-1], truth[::-1], ids=[1], tolerance=1.0)
    assert as_drawn[0] == mirrored[0] == upside_down[0] == [0.4]
    assert len({as_drawn[1][0], mirrored[1][0], upside_down[1][0]}) > 1


@pytest.mark.parametrize("size", [(3, 4), (1, 1), (0, 4), (4, 0)])
def test_ids_that_nobody_shows_score_1_and_no_ids_have_no_scores(tier, size):
    empty = np.zeros(size, np.uint8)
    assert scores(empty, empty, ids=[3, 300, -1]) == ([1.0] * 3, [1.0] * 3)
    assert scores(empty, empty, ids=iter(())) == ([], [])


@pytest.mark.parametrize("dtype", [np.bool_, np.int8, np.uint8, np.int32, np.uint64])
def test_masks_of_every_integer_type_and_layout_are_taken(tier, dtype):
    rng = np.random.default_rng(1)
    prediction, truth = rng.integers(0, 2, (2, 6, 5))
    expected = [region_similarity(prediction > 0, truth > 0)], [contour_accuracy(prediction > 0, truth > 0)]
    mask = np.asfortranarray(prediction.astype(dtype))
    mask.flags.writeable = False
    assert scores(mask, truth, ids=[1]) == scores(mask[::1], truth[:, :], ids=np.array([1])) == expected


def test_ids_beyond_a_byte_and_negative_ones_are_ids_like_others(tier):
    prediction, truth = np.random.default_rng(2).integers(0, 3, (2, 7, 6))
    expected = scores(prediction, truth, ids=[0, 1, 2])
    names = np.array([-5, 256, 70_000])
    assert scores(names[prediction], names[truth], ids=names) == expected
    assert scores(names[prediction].astype(np.int32), names[truth], ids=names) == expected
    small = np.array([-5, 3, 7], np.int8)
    assert scores(small[prediction], small[truth], ids=[-5, 3, 7]) == expected


@pytest.mark.parametrize(
    ("prediction", "truth", "tolerance", "message"),
    [
        (np.zeros((2, 3)), np.zeros((2, 3), int), 1, r"prediction must be integer ids \(H, W\), got float64 of shape"),
        (np.zeros((2, 3), int), np.zeros(3, int), 1, r"truth must be integer ids \(H, W\), got int64 of shape \(3,\)"),
        (np.zeros((2, 3), int), np.zeros((2, 4), int), 1, r"must have the same size, got \(2, 3\) and \(2, 4\)"),
        (np.zeros((2, 3), int), np.zeros((2, 3), int), -1.0, "tolerance must be finite and 0 or more, got -1.0"),
        (np.zeros((2, 3), int), np.zeros((2, 3), int), np.nan, "tolerance must be finite and 0 or more, got nan"),
    ],
)
def test_what_is_no_mask_or_no_tolerance_is_refused(tier, prediction, truth, tolerance, message):
    with pytest.raises(ValueError, match=message):
        region_and_contour(prediction, truth, ids=[1], tolerance=tolerance)
