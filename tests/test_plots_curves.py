"""Score and tuning curves: their colours, their bytes, and the series that are hard to draw."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from vosref.plots import object_colours, plot_curve, plot_scores


def made_up_scores(n_objects, n_frames=40):
    rng = np.random.default_rng(n_objects)
    scores = {k: tuple(rng.uniform(0.5, 1, (2, n_frames))) for k in range(1, n_objects + 1)}
    scores[1][0][[0, -1]] = np.nan
    scores[1][1][[0, -1]] = np.nan
    return [f"{t:05d}" for t in range(n_frames)], scores


def colours_in(path):
    with Image.open(path) as image:
        return {colour for _, colour in image.convert("RGB").getcolors(1 << 24)}, image.size, dict(image.info)


@pytest.mark.parametrize("n_objects", [1, 12])
def test_scores_are_drawn_in_the_colours_of_the_overlays(tmp_path, n_objects):
    plot_scores(tmp_path / "scores.png", *made_up_scores(n_objects), title="made up")
    colours, size, info = colours_in(tmp_path / "scores.png")
    assert size == (1200, 525)
    assert "Software" not in info
    assert {tuple(c) for c in object_colours(np.arange(1, n_objects + 1)).tolist()} <= colours
    assert tuple(object_colours(n_objects + 1).tolist()) not in colours


def test_a_legend_of_more_objects_than_fit_leaves_room(tmp_path):  # else matplotlib warns: an error here
    plot_scores(tmp_path / "scores.png", *made_up_scores(254))
    colours, size, _ = colours_in(tmp_path / "scores.png")
    assert size == (1200, 525)
    assert {tuple(c) for c in object_colours(np.arange(1, 23)).tolist()} <= colours


def test_the_same_scores_give_the_same_bytes_whatever_the_users_style(tmp_path):
    paths = [tmp_path / f"{n}.png" for n in range(2)]
    plot_scores(paths[0], *made_up_scores(2))
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black", "lines.linestyle": ":"}):
        plot_scores(paths[1], *made_up_scores(2))
        assert mpl.rcParams["font.size"] == 30
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_plots_leave_pyplot_alone(tmp_path):
    script = """if True:
        import sys
        from vosref.plots import plot_scores
        plot_scores(sys.argv[1], ["a"], {1: ([1.0], [1.0])})
        sys.exit("matplotlib.pyplot" in sys.modules)"""
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "a.png")], check=True)


@pytest.mark.parametrize("value", [0.5, np.nan])
@pytest.mark.parametrize("n_frames", [1, 12])
def test_one_frame_and_frames_without_truth_can_be_drawn(tmp_path, value, n_frames):
    values = np.full(n_frames, value)
    plot_scores(tmp_path / "scores.png", ["first", *map(str, range(1, n_frames))], {254: (values, values)})
    assert tuple(object_colours(254).tolist()) in colours_in(tmp_path / "scores.png")[0]


def test_scores_that_cannot_be_drawn_are_refused(tmp_path):
    names, scores = made_up_scores(1)
    with pytest.raises(ValueError, match="scores must hold at least one object, got none"):
        plot_scores(tmp_path / "a.png", names, {})
    with pytest.raises(ValueError, match=r"scores of object 1 must be 39, one a name, got \[\(40,\), \(40,\)\]"):
        plot_scores(tmp_path / "a.png", names[1:], scores)
    with pytest.raises(ValueError, match=r"path must end in \.png, got 'a\.pdf'"):
        plot_scores(tmp_path / "a.pdf", names, scores)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("log_x", [False, True])
def test_a_tuning_curve_has_a_line_for_every_series(tmp_path, log_x):
    paths = [tmp_path / f"{n}.png" for n in range(2)]
    for path in paths:
        series = {"J": [0.5, 0.7, 0.6], "F": [0.4, np.nan, 0.5]}
        plot_curve(path, [2, 8, 32], series, x_label="σ", y_label="mean score", title="made up", log_x=log_x)
    colours, size, _ = colours_in(paths[0])
    assert size == (1050, 525)
    assert {tuple(c) for c in object_colours([1, 2]).tolist()} <= colours
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_curve_of_many_points_keeps_plain_ticks(tmp_path):
    x = np.linspace(0, 1, 50)
    plot_curve(tmp_path / "a.png", x, {"J": x**2}, x_label="threshold", y_label="J")
    assert (tmp_path / "a.png").is_file()


@pytest.mark.parametrize(
    ("x", "series", "log_x", "message"),
    [
        ([1, 2], {}, False, "series must hold at least one curve, got none"),
        ([1, 2], {"J": [1.0]}, False, r"series 'J' must have the shape \(n,\) of x, got \(1,\) and \(2,\)"),
        ([0, 2], {"J": [1.0, 1.0]}, True, r"x must be positive where log_x, got 0\.0"),
    ],
)
def test_curves_that_cannot_be_drawn_are_refused(tmp_path, x, series, log_x, message):
    with pytest.raises(ValueError, match=message):
        plot_curve(tmp_path / "a.png", x, series, x_label="x", y_label="y", log_x=log_x)
    assert not list(tmp_path.iterdir())
