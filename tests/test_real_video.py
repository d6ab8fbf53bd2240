"""TVOS on real video, where it is at hand: the first frames of one sequence, end to end."""

import shutil

import numba
import pytest

from vosref.backend import use_cpu
from vosref.runs import open_job, segment
from vosref.video import configure


@pytest.mark.parametrize("name", ["released", "paper"])
def test_four_real_frames_are_found_again(shared_data, tmp_path, name):
    images, truth = (shared_data / "davis2016" / part / "480p" / "libby" for part in ("JPEGImages", "Annotations"))
    (tmp_path / "libby").mkdir()
    for frame in sorted(images.iterdir())[:4]:
        shutil.copy(frame, tmp_path / "libby")
    # The network's own resolution rather than twice it: a quarter of the work for a point of J or two.
    config = configure("tvos", name, working_scale=1.0, output_stride=8)
    job = open_job(tmp_path / "libby", truth / "00000.png", tmp_path / "out", config=config, truth=truth)
    with use_cpu("numpy" if numba.config.DISABLE_JIT else "numba"):
        result = segment(job)
    assert result.scores.mean_region > 0.75
    assert result.scores.mean_contour > 0.75
    assert sorted(p.name for p in job.out.glob("*.png")) == [f"0000{t}.png" for t in range(4)]
