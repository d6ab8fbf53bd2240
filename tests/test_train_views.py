"""Views: one scale, crop and flip for frames and masks alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from painted import SEEDS, Painted, all_frames, generator

from vosref.train.footage import VOID
from vosref.train.views import View, draw_view, look


@given(seed=SEEDS, crop=st.integers(1, 20), vertical=st.booleans(), horizontal=st.booleans())
def test_a_view_crops_and_flips_frames_and_masks_alike(seed, crop, vertical, horizontal):
    clip = Painted().draw(generator(seed), all_frames, at_least=3)
    view = draw_view(generator(seed), crop=crop, flips=(float(vertical), float(horizontal)))
    frames, masks = look(clip.frames, clip.masks, view)
    assert frames.shape == (3, crop, crop, 3)
    assert frames.dtype == np.float32
    padded = frames[..., 2] == 127.5
    assert np.array_equal(frames[..., 1][~padded], masks[~padded])
    assert np.all(masks[padded] == VOID)
    assert np.all(frames[padded] == 127.5)
    assert padded[0].sum() == crop * crop - min(crop, 9) * min(crop, 13)
    assert view.flip == (vertical, horizontal)
    plain = look(clip.frames, clip.masks, view._replace(flip=(False, False)))[1]
    axes = [axis for axis, flipped in ((1, vertical), (2, horizontal)) if flipped]
    assert np.array_equal(masks, np.flip(plain, axes))


def test_a_view_of_the_whole_frame_is_the_frame():
    clip = Painted().draw(generator(), all_frames, at_least=3)
    frames, masks = look(clip.frames, clip.masks, View(1.0, (0.3, 0.9), (9, 13), (False, False)))
    assert np.array_equal(frames, np.stack(clip.frames))
    assert np.array_equal(masks, np.stack(clip.masks))


@given(seed=SEEDS)
def test_every_place_of_a_crop_can_be_drawn_and_none_beyond(seed):
    ramp = np.arange(5 * 6, dtype=np.uint8).reshape(5, 6)
    view = draw_view(generator(seed), crop=4)
    corner = look([np.stack([ramp] * 3, 2)], [ramp], view._replace(flip=(False, False)))[1][0, 0, 0]
    assert corner in (0, 1, 2, 6, 7, 8)


def test_the_corners_of_crops_are_drawn_evenly():
    ramp, rng = np.arange(5 * 6, dtype=np.uint8).reshape(5, 6), generator()
    corners = [
        int(look([np.stack([ramp] * 3, 2)], [ramp], draw_view(rng, crop=4, flips=(0, 0)))[1][0, 0, 0])
        for _ in range(1200)
    ]
    # 200 of each are expected; 5 standard deviations are 65.
    assert all(abs(corners.count(corner) - 200) < 65 for corner in (0, 1, 2, 6, 7, 8))


@given(seed=SEEDS, scale=st.floats(0.3, 2))
def test_a_view_scales_before_it_crops(seed, scale):
    view = draw_view(generator(seed), crop=40, scales=(scale, scale))
    clip = Painted().draw(generator(seed), all_frames, at_least=3)
    frames, masks = look(clip.frames, clip.masks, view)
    assert view.scale == pytest.approx(scale)
    assert (frames[0, :, :, 2] != 127.5).sum() == int(9 * view.scale) * int(13 * view.scale)
    assert set(np.unique(masks)) <= {0, 1, 2, VOID}
