"""The plot of `vosref bench --plot`: its colours, its bytes, its numbers of panels, and what it refuses."""

import numpy as np
import pytest
from PIL import Image

from vosref.plots.colours import object_colours
from vosref.plots.scaling import _COLOURS, plot_scaling


def fit(benchmark, sweep, sizes, exponent):
    seconds = [0.1 * n**exponent for n in sizes]
    return {
        "benchmark": benchmark,
        "sweep": sweep,
        "sizes": sizes,
        "seconds": seconds,
        "floor_seconds": [s / 2 for s in seconds],
        "exponent": exponent,
        "standard_error": None,
    }


FITTED = [
    fit("propagation-released", "pixels", [400, 1600, 6400], 2.0),
    fit("propagation-released", "threads", [1, 2], -1.0),
    fit("local-matching", "pixels", [1600, 6400, 25600], 1.0),
    fit("local-matching", "radius", [3, 7, 15], 1.5),
    fit("local-matching", "objects", [2, 4, 8], 0.0),
]


def test_lines_have_the_colours_of_objects_and_the_bytes_do_not_change(tmp_path):
    for name in ("a.png", "b.png"):
        plot_scaling(tmp_path / name, FITTED, labels={"pixels": "pixels of each frame, target and references alike"})
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "a.png") as image:
        colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 24)}
        assert image.size == (1755, 1095)  # two rows of three panels
    first, second, absent = (tuple(object_colours(k).tolist()) for k in _COLOURS[:3])
    assert {first, second} <= colours
    assert absent not in colours


@pytest.mark.parametrize("fitted", [FITTED[:1], FITTED[:2]])
def test_one_or_two_panels_can_be_drawn(tmp_path, fitted):
    plot_scaling(tmp_path / "few.png", fitted)
    with Image.open(tmp_path / "few.png") as image:
        assert np.asarray(image.convert("L")).min() < 128
        assert image.size == (1170, 585)


def test_what_cannot_be_drawn_is_refused(tmp_path):
    with pytest.raises(ValueError, match="fitted must hold at least one sweep, got none"):
        plot_scaling(tmp_path / "none.png", [])
    with pytest.raises(ValueError, match=r"path must end in .png, got 'none.pdf'"):
        plot_scaling(tmp_path / "none.pdf", FITTED)
