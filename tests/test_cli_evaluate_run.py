"""``vosref evaluate --run``: a data set is segmented, scored and reported in one go, and goes on after a stop."""

import json
import math

import layouts
import numpy as np
import pytest
from clips import contents, plain, register_echo
from PIL import Image

from vosref import runs
from vosref.runs.benchmark import open_benchmark

pytestmark = [
    pytest.mark.usefixtures("definitions"),
    pytest.mark.filterwarnings("ignore::vosref.video.VanishedObjectWarning"),  # one column is less than a cell
]


@pytest.fixture
def echo(monkeypatch):
    register_echo(monkeypatch)
    return "--run", "echo"


@pytest.mark.parametrize("packed", [False, True])
def test_davis_is_segmented_and_scored_in_one_go(vosref, echo, tmp_path, packed):
    root = layouts.write(tmp_path / "davis", layouts.davis2016(), packed=packed)
    out, report = tmp_path / "out", tmp_path / "r.json"
    code, printed, err = vosref(
        "evaluate", *echo, "--dataset", "davis2016", root, "--out", out, "--json", report, "--html", tmp_path / "r.html"
    )
    assert code == 0, err
    assert set(contents(out / "bear")) == {f"{t:05d}.png" for t in range(4)}
    assert set(contents(out / "camel")) == {f"{t:05d}.png" for t in range(3)}
    found = json.loads(report.read_text())
    assert (found["name"], found["protocol"]["name"], found["set"]) == ("echo", "davis2016", "val")
    assert {"J&F-Mean", "J-Mean", "F-Mean", "T-Mean"} <= set(found["global"])
    for row in found["sequences"]:
        assert row["seconds_per_frame"] > 0
        assert row["peak_bytes"] > 0
    seconds = [row["seconds_per_frame"] * row["frames"] for row in found["sequences"]]
    assert found["seconds_per_frame"] == pytest.approx(math.fsum(seconds) / 7)
    assert "s a frame, peak memory" in printed
    assert "J&F-Mean" in printed


def test_a_second_call_with_resume_computes_nothing_and_reports_the_same(vosref, echo, tmp_path, monkeypatch):
    root = layouts.write(tmp_path / "davis", layouts.davis2016())
    words = ("evaluate", *echo, "--dataset", "davis2016", root, "--out", tmp_path / "out", "--json")
    assert vosref(*words, tmp_path / "a.json")[0] == 0
    monkeypatch.setattr("vosref.runs.walk", pytest.fail)
    assert vosref(*words, tmp_path / "b.json", "--resume")[0] == 0
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_late_objects_enter_where_they_are_given(vosref, echo, tmp_path):
    root = layouts.write(tmp_path / "yt", layouts.youtube_vos())
    out = tmp_path / "out"
    words = ("evaluate", *echo, "--dataset", "youtube_vos", root, "--out", out)
    code, _, err = vosref(*words, "--json", tmp_path / "r.json")
    assert (code, out.exists()) == (3, False)  # only what is given is known, so there can be no report
    assert "no truth but what is given" in plain(err)
    code, printed, _ = vosref(*words)
    assert code == 0
    assert f"vosref submission {out} {out}.zip --dataset youtube_vos {root}" in printed
    masks = {name: np.asarray(Image.open(out / "late" / f"{name}.png")) for name in layouts.numbered(4, 5)}
    given = {name: np.zeros(layouts.SIZE, np.uint8) for name in masks}
    given["00005"][:, :2] = 2, 7
    given["00010"][:, 0] = 5
    assert not masks["00000"].any()  # nothing is given yet
    assert np.array_equal(masks["00005"], given["00005"])
    assert np.array_equal(masks["00010"] == 5, given["00010"] == 5)
    assert set(np.unique(masks["00015"]).tolist()) <= {0, 2, 5, 7}
    archive = tmp_path / "yt.zip"
    assert vosref("submission", out, archive, "--dataset", "youtube_vos", root)[0] == 0


def test_a_stopped_run_with_late_objects_goes_on_to_the_same_bytes(echo, tmp_path, monkeypatch):
    from vosref.datasets import open_dataset  # noqa: PLC0415 - after the method is registered

    monkeypatch.setattr("vosref.runs.CHECKPOINT_EVERY", 1)
    root = layouts.write(tmp_path / "yt", layouts.youtube_vos())
    dataset = open_dataset("youtube_vos", root)
    (whole,) = (j for j in open_benchmark(dataset, tmp_path / "whole", method="echo") if j.name == "late")
    runs.segment(whole)
    for stop in (1, 2):
        folder = tmp_path / f"stopped-{stop}"
        (job,) = (j for j in open_benchmark(dataset, folder, method="echo") if j.name == "late")

        def progress(done, stop=stop):
            if done == stop:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            runs.segment(job, progress=progress)
        runs.segment(job, resume=True)
        assert contents(job.out) == contents(whole.out)


@pytest.mark.parametrize("make", [layouts.youtube_objects, layouts.youtube_objects_as_published])
def test_youtube_objects_in_either_layout(vosref, echo, tmp_path, make):
    root = layouts.write(tmp_path / "yto", make())
    code, out_text, err = vosref("evaluate", *echo, "--dataset", "youtube_objects", root, "--out", tmp_path / "out")
    assert code == 0, err
    assert ("J-Mean-Classes" in out_text) == (make is layouts.youtube_objects_as_published)


def test_a_video_that_cannot_be_used_is_named_before_anything_is_computed(vosref, echo, tmp_path):
    files = layouts.davis2016()
    files["Annotations/480p/bear/00000.png"] = b"x"
    files["JPEGImages/480p/camel/00000.jpg"] = layouts.picture(0, (9, 9))
    root = layouts.write(tmp_path / "davis", files)
    out = tmp_path / "out"
    code, _, err = vosref("evaluate", *echo, "--dataset", "davis2016", root, "--out", out)
    assert code == 1
    assert "2 of 2 videos cannot be used" in plain(err)
    assert "bear" in err
    assert not out.exists()
