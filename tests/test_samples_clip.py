"""Clips in memory: a sample by its name, and a video of one's own."""

import numpy as np
import pytest

from vosref import samples
from vosref.io import MissingInputError


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    samples.write_clip(folder, *(x[:4] for x in samples.render("two-crossing")))
    return folder


def test_a_sample_is_what_is_rendered():
    clip = samples.open_clip("two-crossing", n_frames=3)
    frames, masks = samples.render("two-crossing")
    assert np.array_equal(clip.frames, frames[:3])
    assert np.array_equal(clip.masks, masks[:3])
    assert (clip.name, clip.ids, clip.size) == ("two-crossing", (0, 1, 6), (160, 288))


def test_a_video_of_one_s_own_with_all_masks_or_the_first(own):
    every = samples.open_clip(own / "frames", masks=own / "masks")
    first = samples.open_clip(own / "frames", masks=own / "masks" / "00000.png", n_frames=2)
    assert every.masks.shape == (4, 160, 288)
    assert first.masks.shape == (1, 160, 288)
    assert np.array_equal(first.frames, every.frames[:2])
    assert first.ids == every.ids == (0, 1, 6)
    assert every.name == "frames"


def test_a_mask_that_is_missing_is_named(own, tmp_path):
    (tmp_path / "masks").mkdir()
    for name in ("00000.png", "00002.png"):
        (tmp_path / "masks" / name).write_bytes((own / "masks" / name).read_bytes())
    with pytest.raises(MissingInputError, match=r"lacks 00001\.png, 00003\.png; name the first mask alone"):
        samples.open_clip(own / "frames", masks=tmp_path / "masks")


@pytest.mark.parametrize(
    ("video", "options", "message"),
    [
        ("two-crossing", {"masks": "x"}, "masks must be given for a video, and not for a sample"),
        ("nowhere", {}, "masks must be given for a video, and not for a sample"),
        ("two-crossing", {"n_frames": 0}, "n_frames must be 1 or more, got 0"),
    ],
)
def test_what_is_no_clip_is_refused(video, options, message):
    with pytest.raises(ValueError, match=message):
        samples.open_clip(video, **options)
