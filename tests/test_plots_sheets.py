"""Sheets of what a method saw: that every map is there in its place and on its scale, and that nothing overlaps."""

import matplotlib as mpl
import numpy as np
import pytest
from drawn import GRID, PORTRAIT, SIZE, assert_nothing_overlaps, feelvos, keep_sheets, panels, saved, tvos
from PIL import Image

from vosref.plots import object_colours, overlay, sheets


@pytest.fixture
def page(monkeypatch):
    return keep_sheets(monkeypatch)


def test_every_map_of_feelvos_has_its_column_and_every_object_its_row(tmp_path, page):
    info, frames, masks = feelvos(tmp_path / "a.png")
    before, now, *maps = panels(page[0])[:17]
    assert [before.get_title(loc="left"), now.get_title(loc="left")] == ["before: frame 00003", "now: frame 00004"]
    for axes, frame, ids in zip((before, now), frames, masks, strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), overlay(frame, ids, alpha=0.3))
    fields = ("global_distance", "local_distance", "logits", "previous", "probabilities")
    titles = ("distance to the first, G", "distance to the one before, L", "logit now", "probability before")
    for n, (field, title) in enumerate(zip(fields, (*titles, "probability now"), strict=True)):
        column = maps[3 * n : 3 * n + 3]
        assert [axes.get_title(loc="left") for axes in column] == [title, "", ""]
        for k, axes in enumerate(column):
            np.testing.assert_array_equal(axes.images[0].get_array(), getattr(info, field)[:, k].reshape(GRID))
            largest = np.abs(info.logits).max()
            assert axes.images[0].get_clim() == ((-largest, largest) if field == "logits" else (0, 1))
        left, top = zip(*(axes.get_position().p0 for axes in column), strict=True)
        assert len(set(left)) == 1
        assert list(top) == sorted(top, reverse=True)
    words = [text.get_text() for text in page[0].figure.texts]
    assert words == ["FEELVOS at frame 00004", "background", "object 1", "object 5"]
    bars = [axes.get_xlabel() for axes in page[0].figure.axes if axes.get_xlabel()]
    assert bars == ["distance (dark is near)", "logit", "probability"]


def test_near_is_dark_and_far_is_bright(tmp_path, page):
    feelvos(tmp_path / "a.png")
    colours = [axes.images[0].cmap for axes in panels(page[0])[2:8]]
    assert len({c.name for c in colours}) == 1
    luminance = [float(np.dot(colours[0](value)[:3], [0.2126, 0.7152, 0.0722])) for value in np.linspace(0, 1, 9)]
    assert luminance == sorted(luminance)
    assert luminance[0] < 0.05
    assert luminance[-1] > 0.9


def test_maps_that_are_switched_off_are_left_out(tmp_path, page):
    feelvos(tmp_path / "a.png", global_distance=None, logits=None)
    titles = [axes.get_title(loc="left") for axes in panels(page[0])]
    assert [t for t in titles if t][2:] == ["distance to the one before, L", "probability before", "probability now"]
    feelvos(tmp_path / "b.png", local_distance=None, global_distance=None, logits=None)
    bars = [axes.get_xlabel() for axes in page[1].figure.axes if axes.get_xlabel()]
    assert bars == ["probability"]


def test_more_than_six_objects_are_left_out_and_counted(tmp_path, page):
    feelvos(tmp_path / "a.png", ids=tuple(range(9)))
    words = [text.get_text() for text in page[0].figure.texts]
    assert words[1:] == ["background", *(f"object {k}" for k in range(1, 7)), "2 more\nleft out"]
    assert_nothing_overlaps(page[0])


def test_a_row_bears_the_colour_of_its_object(tmp_path):
    feelvos(tmp_path / "a.png", ids=(0, 7))
    with Image.open(tmp_path / "a.png") as image:
        found = {colour for _, colour in image.convert("RGB").getcolors(1 << 24)}
    assert tuple(object_colours(7).tolist()) in found


@pytest.mark.parametrize("size", [SIZE, PORTRAIT, (20, 200)])
@pytest.mark.parametrize("fields", [{}, {"logits": None, "global_distance": None}])
def test_on_a_sheet_of_feelvos_nothing_overlaps(tmp_path, page, size, fields):
    feelvos(tmp_path / "a.png", size=size, **fields)
    assert_nothing_overlaps(page[0])
    assert saved(tmp_path / "a.png") == tuple(np.floor(np.asarray((page[0].width, page[0].height)) * 150 + 1e-6))


def test_maps_of_another_shape_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"previous must be \(P, K\) = \(60, 3\), got \(59, 3\)"):
        feelvos(tmp_path / "a.png", previous=np.zeros((59, 3)))
    with pytest.raises(ValueError, match=r"path must end in \.png, got 'a\.pdf'"):
        feelvos(tmp_path / "a.pdf")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("draw", [feelvos, tvos])
def test_the_same_sheet_is_the_same_bytes_whatever_the_users_style(tmp_path, draw):
    draw(tmp_path / "a.png")
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black", "image.cmap": "jet"}):
        draw(tmp_path / "b.png")
        assert mpl.rcParams["font.size"] == 30
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


def test_long_names_of_frames_keep_their_ends(tmp_path, page):
    assert sheets.brief("00020") == "00020"
    assert sheets.brief("clip_of_a_swan_00020") == "…_swan_00020"
