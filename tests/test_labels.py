"""`vosref.labels`: masks to the grid and back."""

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from strategies import SEEDS, masks

from vosref.labels import harden, object_ids, to_grid, to_mask, upsample

GRIDS = st.tuples(st.integers(1, 6), st.integers(1, 6))


def test_ids_are_listed_with_background_in_front_and_gaps_kept(xp):
    assert object_ids(xp.asarray(np.asarray([[5, 2], [5, 9]]))) == (0, 2, 5, 9)
    assert object_ids(xp.asarray(np.zeros((2, 2), np.uint8))) == (0,)


@given(mask=masks(), grid=GRIDS)
def test_labels_on_the_grid_equal_the_oracle_and_rows_sum_to_1(xp, mask, grid):
    ids = (0, 1, 2, 5)
    got = xp.to_numpy(to_grid(xp.asarray(mask), ids=ids, grid=grid, dtype=xp.float64))
    expected = [np.ravel(oracles.resize_bilinear((mask == k).astype(float).tolist(), *grid)) for k in ids]
    assert_allclose(got, np.stack(expected, axis=1), atol=1e-14)
    assert_allclose(got.sum(axis=1), 1, atol=1e-14)


@given(mask=masks(), grid=GRIDS, dtype=st.sampled_from([np.float32, np.float64]))
def test_by_the_nearest_pixel_labels_are_one_hot_and_equal_the_oracle(xp, mask, grid, dtype):
    ids = (0, 1, 5, 7)
    got = xp.to_numpy(to_grid(xp.asarray(mask), ids=ids, grid=grid, dtype=getattr(xp, dtype.__name__), nearest=True))
    nearest = np.ravel(oracles.resize_nearest(mask.tolist(), *grid))
    assert got.dtype == dtype
    assert np.array_equal(got, nearest[:, None] == np.asarray(ids))  # a pixel of another id belongs to no column


def test_an_object_of_one_pixel_may_be_lost_to_the_nearest_pixel_and_to_the_mean(xp):
    found = {}
    for pixel in ((0, 0), (2, 5), (3, 4)):  # the nearest rows and columns are 0 and 7, a mean's are 1 and 2, 5 and 6
        mask = np.zeros((8, 8), np.uint8)
        mask[pixel] = 9
        options = {"ids": (0, 9), "grid": (2, 2)}
        found[pixel] = [
            xp.to_numpy(to_grid(xp.asarray(mask), nearest=nearest, **options))[:, 1].tolist()
            for nearest in (True, False)
        ]
    assert found == {
        (0, 0): [[1, 0, 0, 0], [0, 0, 0, 0]],
        (2, 5): [[0, 0, 0, 0], [0, 0.25, 0, 0]],
        (3, 4): [[0, 0, 0, 0], [0, 0, 0, 0]],
    }


def test_an_absent_id_gets_an_empty_column(xp):  # specs TVOS §6.5
    mask = np.random.default_rng(0).choice(np.asarray([0, 1, 3], np.uint8), (50, 83))
    got = xp.to_numpy(to_grid(xp.asarray(mask), ids=(0, 1, 2, 3), grid=(7, 11)))
    assert (got.shape, got.dtype) == ((77, 4), np.float32)
    assert not got[:, 2].any()
    assert_allclose(got.sum(axis=1), 1, atol=2e-7)


@given(seed=SEEDS, pixels=st.integers(1, 8), columns=st.integers(1, 4))
def test_hardening_marks_the_first_of_the_largest(xp, seed, pixels, columns):
    labels = np.random.default_rng(seed).integers(0, 3, (pixels, columns)).astype(float)
    got = xp.to_numpy(harden(xp.asarray(labels)))
    assert np.array_equal(got, np.eye(columns)[[row.tolist().index(max(row)) for row in labels]])


@pytest.mark.parametrize("align_corners", [False, True], ids=["half-pixel", "aligned"])
@given(seed=SEEDS, grid=GRIDS, size=st.tuples(st.integers(1, 9), st.integers(1, 9)), columns=st.integers(1, 4))
def test_the_mask_is_the_argmax_of_the_upsampled_labels_ties_to_the_first(xp, align_corners, seed, grid, size, columns):
    options = {"grid": grid, "size": size, "align_corners": align_corners}
    labels = np.random.default_rng(seed).integers(0, 3, (grid[0] * grid[1], columns)).astype(float)
    ids = (0, 3, 7, 254)[:columns]
    got = xp.to_numpy(to_mask(xp.asarray(labels), ids=ids, **options))
    whole = xp.to_numpy(upsample(xp.asarray(labels), **options))
    expected = [
        oracles.resize_bilinear(labels[:, k].reshape(grid).tolist(), *size, align_corners) for k in range(columns)
    ]
    assert_allclose(whole, np.stack(expected, axis=2), atol=1e-14)
    assert got.dtype == np.uint8
    assert np.array_equal(got, np.asarray(ids, np.uint8)[np.argmax(whole, axis=2)])


@given(mask=masks(ids=(0, 4)))
def test_the_grid_of_every_pixel_gives_the_mask_back(xp, mask):
    labels = to_grid(xp.asarray(mask), ids=(0, 4), grid=mask.shape)
    assert np.array_equal(xp.to_numpy(to_mask(labels, ids=(0, 4), grid=mask.shape, size=mask.shape)), mask)


@given(seed=SEEDS, scale=st.floats(0.1, 10))
def test_scaling_a_pixels_votes_keeps_its_hard_label(xp, seed, scale):  # specs TVOS §6.4
    votes = np.random.default_rng(seed).random((6, 3))
    scaled = votes * np.asarray([scale, 1, 1, 1, 1, 1])[:, None]
    assert np.array_equal(xp.to_numpy(harden(xp.asarray(votes))), xp.to_numpy(harden(xp.asarray(scaled))))


def test_scaling_a_pixels_votes_moves_the_edge_at_video_resolution(xp):  # specs TVOS §6.4
    votes = np.asarray([[1.0, 0.0], [0.0, 1.0]])
    edges = []
    for scale in (1.0, 0.2):
        scaled = xp.asarray(votes * np.asarray([[1.0], [scale]]))
        edges.append(xp.to_numpy(to_mask(scaled, ids=(0, 1), grid=(1, 2), size=(1, 16)))[0].tolist())
    # Between the centres at 3.5 and 11.5, votes are equal where 1 - x = scale x: at a half, and at 5/6 of the way.
    assert edges == [[0] * 8 + [1] * 8, [0] * 11 + [1] * 5]


def test_float32_labels_come_up_to_video_resolution_within_the_published_error(xp):  # specs TVOS §6.5
    labels = np.random.default_rng(0).random((77, 2)).astype(np.float32)
    got = xp.to_numpy(upsample(xp.asarray(labels), grid=(7, 11), size=(50, 83)))
    expected = [oracles.resize_bilinear(labels[:, k].reshape(7, 11).tolist(), 50, 83) for k in range(2)]
    assert got.dtype == np.float32
    assert_allclose(got, np.stack(expected, axis=2), rtol=0, atol=5e-7)


def test_ids_must_name_every_column(xp):
    with pytest.raises(ValueError, match="ids must name the 2 columns of labels, got 3 ids"):
        to_mask(xp.asarray(np.ones((1, 2))), ids=(0, 1, 2), grid=(1, 1), size=(2, 2))
