"""The Numba twin of J and F against its definition: the same bits, whatever the masks, the ids and the radius."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import SEEDS, masks

from vosref.evaluation.measures import region_and_contour
from vosref.kernels import numba_measures


def same(prediction, truth, **options):
    got, expected = (f(prediction, truth, **options) for f in (region_and_contour, region_and_contour.__wrapped__))
    return all(np.array_equal(a, b) for a, b in zip(got, expected, strict=True))


@given(mask=masks(max_side=20), seed=SEEDS, changed=st.floats(0, 1), tolerance=st.floats(0, 30))
def test_the_twin_equals_the_definition_bit_by_bit(mask, seed, changed, tolerance):
    rng = np.random.default_rng(seed)
    prediction = np.where(rng.random(mask.shape) < changed, rng.permutation(mask.ravel()).reshape(mask.shape), mask)
    assert same(prediction, mask, ids=[1, 2, 3, 5], tolerance=tolerance)


@pytest.mark.parametrize("width", [1, 7, 8, 9, 63, 64, 65, 130])
@pytest.mark.parametrize("tolerance", [0, 1, 2.5, 33, 70])
def test_rows_of_words_of_every_length_and_disks_wider_than_words_agree(width, tolerance):
    rng = np.random.default_rng(width)
    prediction, truth = (rng.choice(3, (3, width), p=(0.9, 0.06, 0.04)).astype(np.uint8) for _ in range(2))
    assert same(prediction, truth, ids=[1, 2], tolerance=tolerance)
    assert same(prediction.T, truth.T, ids=[1, 2], tolerance=tolerance)


def test_all_255_ids_in_noise_and_lists_longer_than_expected_agree():
    rng = np.random.default_rng(3)
    prediction, truth = rng.integers(0, 256, (2, 24, 16)).astype(np.uint8)
    assert same(prediction, truth, ids=range(1, 256), tolerance=3)
    assert same(prediction.astype(np.int64) * 1000, truth.astype(np.int64) * 1000, ids=range(0, 256_000, 1000))


@given(radius=st.one_of(st.floats(1, 40), st.integers(1, 40), st.sampled_from([2**0.5, 5**0.5, 50**0.5])))
def test_the_disk_is_as_wide_in_each_row_as_distances_say(radius):
    half = numba_measures._half_widths((200, 300), radius)
    widest = [max((u for u in range(42) if math.sqrt(v * v + u * u) <= radius), default=None) for v in range(42)]
    assert half.tolist() == [u for u in widest if u is not None]


def test_threads_do_not_disturb_each_other():
    rng = np.random.default_rng(4)
    pairs = [tuple((rng.random((2, 12, 12)) < 0.4).astype(np.uint8)) for _ in range(8)]
    expected = [region_and_contour(*pair, ids=[1]) for pair in pairs]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda pair: region_and_contour(*pair, ids=[1]), pairs * 4))
    assert all(
        np.array_equal(a, b)
        for got, one in zip(found, expected * 4, strict=True)
        for a, b in zip(got, one, strict=True)
    )


def test_the_arguments_are_left_as_they_were():
    prediction, truth = np.random.default_rng(5).integers(0, 3, (2, 9, 9)).astype(np.uint8)
    before = prediction.copy(), truth.copy()
    region_and_contour(prediction, truth, ids=[1, 2])
    assert np.array_equal(prediction, before[0])
    assert np.array_equal(truth, before[1])
