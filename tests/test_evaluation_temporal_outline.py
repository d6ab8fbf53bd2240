"""Outlines as lines of corners, simplified and divided: they enclose the mask, and keep to their tolerance."""

import numpy as np
import oracles_scores
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose
from strategies import SEEDS

from vosref.evaluation.outline import longest_outline, outlines, resampled, simplified

MASKS = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=8))


@given(mask=MASKS)
def test_outlines_enclose_the_mask_and_nothing_else(mask):
    lines = [line.tolist() for line in outlines(mask)]
    assert oracles_scores.inside(lines, *mask.shape) == mask.tolist()


@given(mask=MASKS)
def test_outlines_run_along_each_edge_between_inside_and_outside_once(mask):
    padded = np.pad(mask, 1)
    edges = np.count_nonzero(np.diff(padded, axis=0)) + np.count_nonzero(np.diff(padded, axis=1))
    assert sum(np.abs(np.diff(line, axis=0)).sum() for line in outlines(mask)) == edges


@given(mask=MASKS)
def test_an_outline_is_closed_passes_no_corner_twice_and_turns_at_each(mask):
    for line in outlines(mask):
        assert line[0].tolist() == line[-1].tolist() == min(line.tolist())
        assert len({tuple(corner) for corner in line.tolist()}) == len(line) - 1 >= 4
        down, right = np.diff(line, axis=0).T
        assert down[0] > 0
        assert np.all((down == 0) == (np.arange(len(down)) % 2 == 1))
        assert np.all((right == 0) == (down != 0))


def test_pixels_that_touch_at_a_corner_have_outlines_of_their_own_and_holes_too():
    assert len(outlines(np.eye(3, dtype=bool))) == 3
    ring = np.ones((4, 4), dtype=bool)
    ring[1:3, 1:3] = False
    outer, hole = outlines(ring)
    assert outer.tolist() == [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]
    assert hole.tolist() == [[1, 1], [3, 1], [3, 3], [1, 3], [1, 1]]


@given(mask=MASKS, tolerance=st.sampled_from([0.4, 0.75, 1.5, 2.2]))
def test_simplified_outlines_equal_the_oracle(mask, tolerance):
    for line in outlines(mask):
        found = simplified(line, tolerance=tolerance)
        assert found.tolist() == oracles_scores.simplified(line.tolist(), tolerance)


@given(mask=MASKS)
def test_simplified_outlines_keep_their_ends_and_stay_near_every_corner(mask):
    for line in outlines(mask):
        kept = simplified(line)
        assert kept[0].tolist() == kept[-1].tolist() == line[0].tolist()
        for corner in line.tolist():
            sides = zip(kept[:-1].tolist(), kept[1:].tolist(), strict=True)
            # Each of the two steps leaves out what is no farther than 1.5 pixels from what it keeps.
            assert min(oracles_scores.from_side(corner, *side) for side in sides) <= 3


@given(seed=SEEDS, segment=st.sampled_from([0.7, 3.0]))
def test_resampled_polygons_have_equal_parts_no_longer_than_asked_and_all_their_corners(seed, segment):
    polygon = np.random.default_rng(seed).integers(0, 20, (5, 2)).astype(np.float64)
    polygon = polygon[np.append(True, np.any(np.diff(polygon, axis=0) != 0, axis=1))]
    points = resampled(polygon, segment=segment)
    assert points[0].tolist() == [0, 0]
    assert np.hypot(*np.diff(points, axis=0).T).max(initial=0) <= segment + 1e-9
    assert {tuple(corner) for corner in (polygon - polygon[0]).tolist()} <= {tuple(p) for p in points.tolist()}
    length = sum(np.hypot(*np.diff(line, axis=0).T).sum() for line in (points, -polygon))
    assert_allclose(length, 2 * np.hypot(*np.diff(polygon, axis=0).T).sum())
    fewest = np.ceil(np.hypot(*np.diff(polygon, axis=0).T) / segment).sum()
    assert len(points) == fewest + 1


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (1, 9)])
def test_what_is_too_small_or_too_thin_has_no_longest_outline(shape):
    assert longest_outline(np.ones(shape, dtype=bool)) is None
    assert longest_outline(np.zeros(shape, dtype=bool)) is None


def test_a_square_of_three_pixels_has_one():
    assert longest_outline(np.ones((3, 3), dtype=bool)).tolist() == [[0, 0], [0, 3], [3, 3], [3, 0], [0, 0]]
