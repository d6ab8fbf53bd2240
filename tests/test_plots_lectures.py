"""Figures for lectures: what is drawn, in which colours, and what is refused."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from vosref.plots import object_colours
from vosref.plots.lectures import (
    SCALES,
    Scale,
    arrows,
    bars,
    box,
    draw,
    field,
    lines,
    links,
    matrix,
    outline,
    picture,
    points,
    ring,
    steps,
    words,
)
from vosref.plots.lectures.marks import colour_of

FRAME = np.full((20, 40, 3), 120, np.uint8)
IDS = np.zeros((20, 40), np.uint8)
IDS[4:12, 6:20] = 6


def pixels(drawing):
    return np.asarray(Image.open(io.BytesIO(drawing.png)).convert("RGB"))


def share_of(drawing, colour, *, near=6):
    return float((np.abs(pixels(drawing).astype(int) - np.asarray(colour)).max(axis=2) <= near).mean())


def everything():
    marks = (
        ring((3, 4), (5, 6), label="p", colour=6),
        box(2, 2, 8, 9, label="window"),
        arrows([(5, 5)], [(3, 4)]),
        links((3, 3), [(10, 20), (15, 30)], [1.0, 0.2]),
        outline(IDS),
        words(12, 12, "here"),
    )
    panels = [picture(FRAME, "a frame", *marks, ids=IDS), field(np.eye(5, 10), "a map", *marks, scale="distance")]
    over = field(np.logspace(-12, 0, 50), "affinity", grid=(5, 10), scale="affinity", over=FRAME)
    charts = [
        lines([0, 1, 2], {0: [0, 0, 0], 6: [0.1, np.nan, 0.3]}, "J", x_label="frame", y_label="J", ylim=(0, 1)),
        steps([0.5, 1.5], {"σ": [8, 21]}, x_label="frame", y_label="σ, cells"),
        points([1, 2], {"one": [1, 2], "two": [2, 1]}, x_label="x", y_label="y", yscale="log"),
        bars(["J", "F"], {"tvos": [0.8, 0.9], "feelvos": [0.7, 0.9]}, y_label="score"),
    ]
    return [*panels, over, matrix(np.outer([-1, 2], [1, 3, 5]), "S", scale="signed"), *charts]


def test_everything_at_once_is_drawn_to_the_same_bytes_twice_and_saved(tmp_path):
    first, second = draw(everything(), title="all of it"), draw(everything(), title="all of it")
    assert first == second
    first.save(tmp_path / "all.png")
    assert (tmp_path / "all.png").read_bytes() == first.png
    assert first._repr_png_() == (first.png, {"width": 864})
    assert pixels(first).shape[1] == 1440
    assert pixels(first).std() > 30


def test_an_object_has_its_colour_in_pictures_and_in_charts():
    chart = lines([0, 1, 2], {6: [0.1, 0.2, 0.3]}, x_label="frame", y_label="J")
    assert share_of(draw([chart]), object_colours(6)) > 0.001
    assert share_of(draw([picture(FRAME, ids=IDS)]), object_colours(6)) > 0.001
    assert colour_of(0) == "0.55"


def test_the_user_s_style_changes_nothing():
    import matplotlib as mpl  # noqa: PLC0415

    items = [lines([0, 1], {"a": [0, 1]}, x_label="x", y_label="y")]
    before = draw(items).png
    with mpl.rc_context({"font.size": 30, "savefig.dpi": 40, "axes.facecolor": "red"}):
        assert draw(items).png == before


def test_panels_of_one_scale_share_their_range():
    scale = Scale("x", "gray")
    alone, together = draw([field([[0.0, 1.0]], scale=scale)]), draw([field([[v, v]], scale=scale) for v in (0.0, 1.0)])
    assert share_of(alone, (255, 255, 255)) > 0.4
    assert share_of(together, (0, 0, 0)) > 0.2


def test_what_is_not_finite_or_below_a_logarithmic_scale_is_clear():
    drawn = draw([field([[np.nan, 1.0]], scale="probability")])
    assert share_of(drawn, (253, 231, 37)) > 0.1  # viridis's end
    assert share_of(drawn, (68, 1, 84)) < 0.05  # its beginning is in the colour bar alone
    faint = draw([field([[1e-12, 1.0]], scale="affinity", over=FRAME)])
    assert share_of(faint, (187, 187, 187), near=3) > 0.1  # the frame in light grey
    white = draw([field([[1e-12, 1.0]], scale="affinity", over=np.full_like(FRAME, 255))])
    assert share_of(white, (0, 0, 0), near=3) < 0.05


def test_a_constant_map_and_values_all_zero_are_drawn():
    for scale in SCALES:
        assert draw([field(np.ones((3, 4)), scale=scale)]).png
    assert draw([field(np.zeros((3, 4)), scale="signed")]).png


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: draw([]), "items must hold at least one panel or chart, got none"),
        (lambda: draw([picture(FRAME)], columns=0), "columns and width must be positive, got 0 and 12.0"),
        (lambda: picture(np.zeros((4, 4))), "frame must be uint8 of shape (H, W, 3), got float64 of shape (4, 4)"),
        (lambda: field(np.zeros(12)), "values must be (h, w), or (h * w,) with a grid, got shape (12,)"),
        (lambda: field(np.zeros((2, 2)), scale="heat"), "scale must be one of distance, probability, affinity"),
        (lambda: lines([0, 1], {}, x_label="x", y_label="y"), "series must hold at least one, got none"),
        (
            lambda: bars(["a"], {"s": [1, 2]}, y_label="y"),
            "series 's' must have the shape (n,) of x, got (2,) and (1,)",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
