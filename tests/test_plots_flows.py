"""The colour wheel of flow: its hues, its saturation, and the picture of it."""

import colorsys

import numpy as np
import pytest

from vosref.plots import flow_colours, wheel


def test_there_are_55_hues_and_they_start_at_red():
    # Along the circle at 54ths of a turn stand the hues themselves, without mixture.
    angle = np.arange(54) * 2 * np.pi / 54 + 1e-9
    hues = flow_colours(np.stack([np.sin(angle), np.cos(angle)], axis=1), largest=1.0).astype(int)
    corners = {0: (255, 0, 0), 15: (255, 255, 0), 21: (0, 255, 0), 25: (0, 255, 255), 36: (0, 0, 255)}
    corners |= {49: (255, 0, 255), 1: (255, 17, 0), 16: (213, 255, 0), 22: (0, 255, 63), 53: (255, 0, 85)}
    for n, colour in corners.items():
        # Rounding down after a mixture with 1e-8 of the next hue, and in 255 - length × (255 - hue): one step.
        np.testing.assert_allclose(hues[n], colour, atol=1, err_msg=str(n))
    assert (np.abs(hues.max(axis=1) - 255) <= 1).all()
    assert (hues.min(axis=1) <= 1).all()


def test_directions_have_their_colours():
    right, down, left, up = flow_colours([[0, 1], [1, 0], [0, -1], [-1, 0]])
    assert right.tolist() == [255, 0, 0]
    np.testing.assert_allclose(down, [255, 229, 0], atol=1)  # hue 13.5 of 15 on the way to yellow
    np.testing.assert_allclose(left, [0, 209, 255], atol=1)  # hue 27, 2 of 11 beyond cyan
    np.testing.assert_allclose(up, [88, 0, 255], atol=1)  # hue 40.5, 4.5 of 13 beyond blue


def test_rest_is_white_and_saturation_grows_with_length():
    angle = np.linspace(0, 6, 7)[:, None]
    length = np.asarray([0.0, 0.25, 0.5, 1.0])
    motion = length[None, :, None] * np.stack([np.sin(angle), np.cos(angle)], axis=-1)
    colours = flow_colours(motion, largest=1.0)
    assert colours.shape == (7, 4, 3)
    assert colours.dtype == np.uint8
    assert (colours[:, 0] == 255).all()
    for row in colours / 255:
        saturation = [colorsys.rgb_to_hsv(*colour)[1] for colour in row]
        np.testing.assert_allclose(saturation, length, atol=1.5 / 255)


def test_beyond_the_largest_a_colour_is_darkened_and_grows_no_more():
    (at,), (beyond,), (far,) = (flow_colours([[0.6 * n, -0.8 * n]], largest=2.0) for n in (2.0, 2.1, 50.0))
    assert beyond.tolist() == far.tolist()
    np.testing.assert_allclose(far, 0.75 * at.astype(float), atol=1)


def test_without_a_largest_the_longest_motion_is_in_full_colour():
    motion = np.asarray([[0.0, 3.0], [0.0, -1.5], [0.0, 0.0]])
    np.testing.assert_array_equal(flow_colours(motion), flow_colours(motion, largest=3.0))
    assert flow_colours(motion)[0].tolist() == [255, 0, 0]
    assert (flow_colours(np.zeros((2, 3, 2))) == 255).all()
    assert flow_colours(np.zeros((0, 2))).shape == (0, 3)


def test_the_wheel_is_a_disk_with_white_at_its_centre_and_red_at_its_right():
    picture = wheel(41)
    assert (picture.shape, picture.dtype) == ((41, 41, 3), np.uint8)
    assert picture[20, 20].tolist() == picture[0, 0].tolist() == picture[40, 40].tolist() == [255, 255, 255]
    assert picture[20, 40].tolist() == [255, 0, 0]
    np.testing.assert_array_equal(picture[40, 20], flow_colours([1.0, 0.0], largest=1.0))
    coloured = (picture != 255).any(axis=2).sum()
    assert 0.95 < coloured / (np.pi * 20**2) < 1.05


@pytest.mark.parametrize(
    ("flow", "largest", "message"),
    [
        ([1.0, 2.0, 3.0], None, r"flow must be finite of shape \(..., 2\), got shape \(3,\)"),
        (1.0, None, r"got shape \(\)"),
        ([np.nan, 0.0], None, "flow must be finite"),
        ([1.0, 0.0], 0.0, "largest must be positive, got 0.0"),
        ([1.0, 0.0], np.nan, "largest must be positive, got nan"),
    ],
)
def test_what_cannot_be_coloured_is_refused(flow, largest, message):
    with pytest.raises(ValueError, match=message):
        flow_colours(flow, largest=largest)
    with pytest.raises(ValueError, match="size must be 2 or more pixels, got 1"):
        wheel(1)
