"""Object colours, overlays and contact sheets: what must be in the picture, and what must not."""

from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from vosref.io import davis_palette
from vosref.plots import contact_sheet, object_colours, overlay

SIZE = (37, 53)  # odd both ways


def scene(*, size=SIZE, n_objects=2, t=0):
    """A frame of noise and a mask with `n_objects` boxes side by side, which move down with t."""
    frame = np.random.default_rng(t).integers(0, 256, (*size, 3), dtype=np.uint8)
    ids = np.zeros(size, dtype=np.uint8)
    for k in range(n_objects):
        ids[5 + t : 25 + t, 4 + 12 * k : 4 + 12 * (k + 1)] = k + 1
    return frame, ids


def luminance(colour):
    return float(np.asarray(colour, dtype=float) @ [0.2126, 0.7152, 0.0722])


# ── colours ──


def test_every_id_has_a_colour_of_its_own():
    colours = object_colours(np.arange(256))
    assert colours.shape == (256, 3)
    assert colours.dtype == np.uint8
    assert len(np.unique(colours, axis=0)) == 256
    assert colours[0].tolist() == [0, 0, 0]
    np.testing.assert_array_equal(object_colours([[1], [9]]), colours[[[1], [9]]])


def test_the_first_eight_colours_are_bright_and_far_apart():
    colours = object_colours(np.arange(1, 9)).astype(int)
    assert min(luminance(c) for c in colours) > 85
    assert min(np.abs(a - b).sum() for a, b in combinations(colours, 2)) > 80


def test_changing_the_returned_colours_changes_no_later_ones():
    first = object_colours([1])
    first[:] = 0
    assert object_colours([1]).any()


@pytest.mark.parametrize("ids", [[-1], [256], [0.5]])
def test_ids_that_are_not_bytes_are_refused(ids):
    with pytest.raises(ValueError, match=r"ids must be whole numbers in \[0, 255\], got (int|float)64"):
        object_colours(ids)


# ── overlay ──


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.bool_])
def test_an_overlay_tints_the_objects_and_leaves_the_background(dtype):
    frame, ids = scene()
    ids = ids.astype(dtype)
    picture = overlay(frame, ids)
    assert picture.shape == frame.shape
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture[ids == 0], frame[ids == 0])
    assert (picture[ids > 0] != frame[ids > 0]).any(axis=1).mean() > 0.9


def test_inside_the_outline_the_texture_remains():
    frame, ids = scene()
    expected = 0.7 * frame[10:20, 7:13].astype(float) + 0.3 * object_colours(1)
    np.testing.assert_allclose(overlay(frame, ids, alpha=0.3)[10:20, 7:13], expected, atol=0.5 + 1e-4)


def test_the_outline_is_one_pixel_in_full_colour_just_inside():
    frame, ids = scene()
    picture = overlay(frame, ids, alpha=0)
    outlined = (picture == object_colours(ids)).all(axis=2) & (ids > 0)
    expected = ids > 0
    for k in range(2):
        expected[6:24, 5 + 12 * k : 15 + 12 * k] = False
    np.testing.assert_array_equal(outlined, expected)


def test_without_an_outline_and_a_tint_the_frame_remains():
    frame, ids = scene()
    np.testing.assert_array_equal(overlay(frame, ids, alpha=0, outline=False), frame)


def test_the_outline_widens_with_the_frame_and_the_border_of_the_frame_is_none():
    frame, ids = np.zeros((480, 600, 3), np.uint8), np.zeros((480, 600), np.uint8)
    ids[:, :100] = 1
    drawn = overlay(frame, ids, alpha=0).any(axis=2)
    assert drawn[:, 98:100].all()
    assert drawn.sum() == 2 * 480


def test_an_overlay_without_objects_is_the_frame():
    frame, ids = scene(n_objects=0)
    np.testing.assert_array_equal(overlay(frame, ids), frame)


def test_id_254_is_an_object_like_any_other():
    frame, ids = scene(n_objects=1)
    picture = overlay(frame, ids * 254, alpha=1)
    assert (picture[ids > 0] == object_colours(254)).all()


def test_inputs_may_be_read_only_and_are_not_changed():
    frame, ids = scene()
    before = frame.copy(), ids.copy()
    frame.flags.writeable = ids.flags.writeable = False
    picture = overlay(frame, ids)
    contact_sheet([frame], [ids])
    assert picture.flags.writeable
    np.testing.assert_array_equal(frame, before[0])
    np.testing.assert_array_equal(ids, before[1])


@pytest.mark.parametrize("form", [bytes, list, lambda p: np.frombuffer(p, np.uint8).reshape(256, 3)])
def test_a_palette_gives_other_colours(form):
    frame, ids = scene()
    picture = overlay(frame, ids, palette=form(davis_palette()), alpha=1)
    assert (picture[ids == 1] == [128, 0, 0]).all()
    assert (picture[ids == 2] == [0, 128, 0]).all()


FRAME, IDS = scene()


@pytest.mark.parametrize(
    ("frame", "ids", "options", "message"),
    [
        (FRAME / 255, IDS, {}, r"frame must be uint8 of shape \(H, W, 3\), got float64"),
        (FRAME[:, :, 0], IDS, {}, r"frame must be .* of shape \(37, 53\)"),
        (FRAME, IDS.T, {}, r"ids must have the shape of the frame, \(37, 53\), got \(53, 37\)"),
        (FRAME[:0], IDS[:0], {}, r"ids must have the shape of the frame"),
        (FRAME, IDS / 2, {}, r"ids must be whole numbers in \[0, 255\], got float64 from 0.0 to 1.0"),
        (FRAME, IDS.astype(int) - 1, {}, r"got int64 from -1 to 1"),
        (FRAME, IDS.astype(int) * 200, {}, r"got int64 from 0 to 400"),
        (FRAME, IDS, {"alpha": 1.5}, r"alpha must be in \[0, 1\], got 1.5"),
        (FRAME, IDS, {"palette": [0, 0, 0, 9, 9, 9]}, r"palette must have a colour for id 2, got 2 colours"),
        (FRAME, IDS, {"palette": [0, 0, 0, 9]}, r"palette must hold n × 3 values in \[0, 255\], got 4 values"),
        (FRAME, IDS, {"palette": [[0, 0, 300]]}, r"palette must hold"),
    ],
)
def test_what_cannot_be_overlaid_is_refused(frame, ids, options, message):
    with pytest.raises(ValueError, match=message):
        overlay(frame, ids, **options)


# ── contact sheet ──


def test_a_contact_sheet_has_rows_of_thumbnails():
    frames, masks = zip(*(scene(t=t) for t in range(9)), strict=True)
    sheet = contact_sheet(frames, masks, columns=3, rows=2, width=300)
    assert sheet.dtype == np.uint8
    assert 297 <= sheet.shape[1] <= 300
    one_row = contact_sheet(frames, masks, columns=3, rows=1, width=300)
    assert 2 * one_row.shape[0] <= sheet.shape[0] <= 2 * one_row.shape[0] + 4
    assert (sheet == 255).all(axis=(0, 2)).any(), "no gutter"


def test_the_sheet_shows_the_first_and_the_last_frame_and_its_labels():
    shades = [np.full((40, 60, 3), 25 * t, np.uint8) for t in range(10)]
    masks = (np.zeros((40, 60), np.uint8) for _ in shades)
    sheet = contact_sheet(shades, masks, columns=4, rows=1, width=400)
    assert sheet[20, 50::100, 0].tolist() == [0, 75, 150, 225]
    empty = contact_sheet(shades, [np.zeros((40, 60), np.uint8)] * 10, columns=4, rows=1, width=400, labels=[""] * 10)
    height = 66
    assert (empty[height:] == 255).all()
    assert (sheet[height:] < 128).any()


def test_a_sheet_of_one_frame_is_one_thumbnail_in_full_width():
    frame, ids = scene()
    assert contact_sheet([frame], [ids], width=200).shape[1] == 200


@pytest.mark.parametrize(
    ("n_frames", "n_masks", "options", "message"),
    [
        (0, 0, {}, "frames must be 1 or more, and labels as many, got 0 and 0"),
        (2, 2, {"labels": ["a"]}, "frames must be 1 or more, and labels as many, got 2 and 1"),
        (2, 1, {}, "masks must be as many as frames, got 1 masks only"),
        (1, 2, {}, "masks must be as many as frames, got 1 frames only"),
        (2, 2, {"columns": 0}, "columns and rows must be 1 or more and width 40 a column, got 0, 2 and 1200"),
        (2, 2, {"width": 100}, "width 40 a column, got 5, 2 and 100"),
    ],
)
def test_what_cannot_be_laid_out_is_refused(n_frames, n_masks, options, message):
    frame, ids = scene()
    with pytest.raises(ValueError, match=message):
        contact_sheet([frame] * n_frames, [ids] * n_masks, **options)


def test_a_sheet_of_frames_of_several_shapes_is_refused():
    small, large = scene(), scene(size=(50, 51))
    with pytest.raises(ValueError, match="frames must all have one shape"):
        contact_sheet(*zip(small, large, strict=True))


# ── real video ──


def test_a_real_overlay_keeps_the_background(shared_data):
    folder = shared_data / "davis2016"
    with Image.open(folder / "JPEGImages/480p/libby/00010.jpg") as image:
        frame = np.asarray(image)
    with Image.open(folder / "Annotations/480p/libby/00010.png") as image:
        ids = (np.asarray(image) > 0).astype(np.uint8)
    picture = overlay(frame, ids)
    changed = (picture != frame).any(axis=2)
    assert not changed[ids == 0].any()
    assert changed[ids == 1].mean() > 0.95
