"""Composites: objects of other clips pasted into one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from painted import SEEDS, Painted, all_frames, generator

from vosref.train.composites import Composites


@given(seed=SEEDS, most=st.integers(1, 3))
def test_a_composite_moves_pixels_and_ids_together(seed, most):
    source = Painted()
    clip = Composites(source, most=most, scales=(1.0, 1.0)).draw(generator(seed), all_frames, at_least=3)
    assert 2 <= source.drawn <= most + 1
    assert len(clip.frames) == len(clip.masks) == 3
    ids_of = {}
    for image, ids in zip(clip.frames, clip.masks, strict=True):
        assert image.shape == (9, 13, 3)
        for (drawn, original, _), k in zip(image.reshape(-1, 3).tolist(), ids.ravel().tolist(), strict=True):
            # Background and void are never pasted; what the first clip shows keeps its id; an object has one id.
            assert drawn == 1 or original in (1, 2)
            assert drawn != 1 or original == k
            assert ids_of.setdefault((drawn, original), k) == k
    assert len(set(ids_of.values())) == len(ids_of)


def test_composites_draw_the_same_from_the_same_numbers_and_change_no_clip():
    first, second = (
        Composites(Painted(size=(20, 30)), scales=(0.5, 1.5)).draw(generator(3), all_frames, at_least=3) for _ in "ab"
    )
    assert first.name == second.name
    assert all(np.array_equal(a, b) for a, b in zip((*first[0], *first[1]), (*second[0], *second[1]), strict=True))


def test_nothing_is_pasted_where_ids_would_run_out():
    source = Painted(ids=(0, 200))
    clip = Composites(source, most=1, scales=(1.0, 1.0)).draw(generator(), all_frames, at_least=3)
    assert source.drawn == 2
    assert all(set(np.unique(image[:, :, 0])) == {1} for image in clip.frames)
