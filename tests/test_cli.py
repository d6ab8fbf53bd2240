"""The command line in one process: what it prints and writes, and the exit codes of every refusal."""

import json
import re

import numpy as np
import pytest
from clips import CHEAP, CONFIGS, contents, plain, register_echo, small_clip, write_small_clip
from PIL import Image

from vosref import __version__
from vosref.io import davis_palette, write_mask
from vosref.video import configure

pytestmark = pytest.mark.usefixtures("definitions")

CHEAPLY = [word for name, value in CHEAP.items() for word in ("--set", f"{name}={value}")]


@pytest.fixture
def clip(tmp_path):
    return write_small_clip(tmp_path / "clip")


@pytest.fixture
def echo(monkeypatch):
    register_echo(monkeypatch)
    return "--method", "echo", "--no-overlay"


def clip_options(clip, out):
    return clip[0], "--mask", clip[1], "--out", out


# ── what goes well ──


def test_segment_writes_masks_overlay_record_and_scores(tmp_path, vosref, clip):
    out = tmp_path / "out"
    code, printed, progress = vosref(
        "segment", clip[0], "--mask", clip[1], "--out", out, "--truth", clip[1].parent, *CHEAPLY
    )
    assert code == 0
    made = {"overlay.mp4", "scores.png", "vosref.json", *(f"{t:05d}.png" for t in range(6))}
    assert set(contents(out, "*")) == made
    assert "frames/s" in progress
    assert "6/6" in progress
    assert "6 of 6 frames have truth" in printed
    assert re.search(r"object +. +J +. +F +. +J&F", printed)
    row = json.loads((out / "vosref.json").read_text())["result"]
    for scores in (*row["objects"], row):
        assert re.search(rf"{scores.get('object', 'mean')} +│ +{scores['J']:.3f} +│ +{scores['F']:.3f}", printed)
    assert f"6 masks in {out}/" in printed
    assert f"look at {out}/overlay.mp4\n  look at {out}/scores.png\n" in printed


@pytest.mark.parametrize("truth", [True, False])
def test_json_has_the_schema_of_the_issue(tmp_path, vosref, clip, echo, truth):
    path = tmp_path / "deep" / "report.json"
    options = ["--truth", clip[1].parent] if truth else []
    assert vosref("segment", *clip_options(clip, tmp_path / "out"), *echo, "--json", path, *options)[0] == 0
    report = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert set(report) == {"sequences", "config", "method", "vosref"}
    assert report["config"] == {"reach": 2, "weights": "none"}
    (row,) = report["sequences"]
    scores = {"J", "F", "J&F", "objects"} if truth else set()
    assert set(row) == {"name", "seconds_per_frame", "peak_bytes"} | scores
    assert row["name"] == "frames"
    assert row["seconds_per_frame"] > 0
    assert isinstance(row["peak_bytes"], int)
    if truth:
        assert [set(o) for o in row["objects"]] == [{"object", "J", "F"}] * 2
        assert [o["object"] for o in row["objects"]] == [1, 5]
        assert all(0 <= o[s] <= 1 for o in row["objects"] for s in "JF")
        assert row["J&F"] == pytest.approx((row["J"] + row["F"]) / 2)


def test_names_with_spaces_brackets_and_any_letter_are_printed_as_they_are(tmp_path, vosref, echo):
    frames, first = write_small_clip(tmp_path / "größe [red] :key: 視頻")
    frames = frames.rename(frames.with_name("bilder [b]x"))
    out = tmp_path / "out :snake: [bold] ä"
    code, printed, progress = vosref("segment", frames, "--mask", first, "--out", out, *echo)
    assert code == 0
    assert f"6 masks in {out}/" in printed
    assert "bilder [b]x" in progress
    assert len(contents(out)) == 6


def test_a_binary_mask_gives_palette_masks_of_object_1(tmp_path, vosref, clip, echo):
    Image.fromarray(np.where(small_clip()[1][0] > 0, 255, 0).astype(np.uint8)).save(tmp_path / "grey.png")
    assert vosref("segment", clip[0], "--mask", tmp_path / "grey.png", "--out", tmp_path / "out", *echo)[0] == 0
    for path in (tmp_path / "out").glob("*.png"):
        with Image.open(path) as image:
            assert (image.mode, bytes(image.getpalette("RGB"))) == ("P", davis_palette())
            assert set(np.unique(np.asarray(image))) == {0, 1}


def test_a_video_file_is_segmented(tmp_path, vosref, clip, echo):
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "my film.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width, stream.pix_fmt = 40, 64, "yuv420p"
        for frame in small_clip()[0]:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode())
    video, report = tmp_path / "my film.mp4", tmp_path / "report.json"
    code, *_ = vosref("segment", video, "--mask", clip[1], "--out", tmp_path / "out", "--json", report, *echo[:2])
    assert code == 0
    assert set(contents(tmp_path / "out")) == {f"{t:05d}.png" for t in range(6)}
    assert (tmp_path / "out" / "overlay.mp4").stat().st_size > 1000
    assert json.loads(report.read_text())["sequences"][0]["name"] == "my film"


def test_only_pictures_of_this_run_are_pointed_at(tmp_path, vosref, clip, echo):
    segment = ("segment", *clip_options(clip, tmp_path / "out"), *echo[:2])
    assert "look at" in vosref(*segment, "--truth", clip[1].parent)[1]
    assert "look at" not in vosref(*segment, "--no-overlay")[1]


def test_demo_prints_scores_and_where_to_look(tmp_path, vosref, clip, monkeypatch):
    monkeypatch.setattr("vosref.samples.sample_path", lambda name: tmp_path / "clip")
    code, printed, _ = vosref("demo", "--out", tmp_path / "out", "--clip", "two-crossing")
    assert code == 0
    assert re.search(r"two-crossing: .*truth(.|\n)* J (.|\n)* F (.|\n)*J&F(.|\n)*mean +│ +0\.\d+", printed)
    assert f"look at {tmp_path}/out/overlay.mp4" in printed
    assert len(contents(tmp_path / "out")) == 7


def test_demo_runs_either_configuration(tmp_path, vosref, clip, monkeypatch):
    monkeypatch.setattr("vosref.samples.sample_path", lambda name: tmp_path / "clip")
    for name in CONFIGS:
        assert vosref("demo", "--out", tmp_path / name, "--config", name)[0] == 0
        record = json.loads((tmp_path / name / "vosref.json").read_text())
        assert record["config"] == configure("tvos", name)._asdict()
    code, _, said = vosref("demo", "--out", tmp_path / "out", "--config", "both")
    assert code == 2
    assert re.search("config must be one of released, paper, .* for tvos, got 'both'", plain(said))


def test_protocols_tells_where_paper_and_code_part(vosref):
    code, printed, _ = vosref("protocols", "tvos")
    assert code == 0
    assert len(printed.splitlines()) >= 6
    for field in ("sampling", "motion", "propagation", "feedback"):
        assert re.search(rf"^│ {field} ", printed, re.MULTILINE)
    assert "paper: S = D^-1/2 W D^-1/2" in plain(printed)


def test_version_and_help(vosref):
    assert vosref("--version") == (0, f"vosref {__version__}\n", "")
    for command in ((), ("segment",), ("demo",), ("protocols",)):
        code, printed, _ = vosref(*command, "--help")
        assert code == 0
        assert "Usage:" in plain(printed)
        assert vosref(*command, "-h") == (0, printed, "")
    segment = plain(vosref("segment", "--help")[1])
    for option in ("--mask", "--out", "--method", "--config", "--set", "--truth", "--json", "--resume", "--no-overlay"):
        assert option in segment


# ── Ctrl-C ──


def interrupt(*_, **__):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "where", ["vosref.io.Frames.iterate", "vosref.runs.sequence_scores", "vosref.plots.plot_scores"]
)
def test_ctrl_c_anywhere_in_a_run_ends_it_with_one_sentence(tmp_path, vosref, clip, echo, monkeypatch, where):
    segment = ("segment", *clip_options(clip, tmp_path / "out"), *echo, "--truth", clip[1].parent)
    with monkeypatch.context() as patch:
        patch.setattr(where, interrupt)
        code, _, said = vosref(*segment)
    assert code == 1
    kept = "the finished masks are kept, and the same command with --resume goes on from them"
    assert said.splitlines()[-1] == f"error: stopped; {kept}"
    assert vosref(*segment, "--resume")[0] == 0


def test_a_stopped_demo_is_not_told_to_resume(tmp_path, vosref, clip, monkeypatch):
    monkeypatch.setattr("vosref.samples.sample_path", lambda name: tmp_path / "clip")
    monkeypatch.setattr("vosref.runs.walk", interrupt)
    code, _, said = vosref("demo", "--out", tmp_path / "out")
    assert (code, said.splitlines()[-1]) == (1, "error: stopped; the same command starts the demo over")


def test_a_mask_of_its_own_palette_keeps_it(tmp_path, vosref, clip, echo):
    own = bytes(range(256)) * 3
    write_mask(clip[1], small_clip()[1][0], palette=own)
    assert vosref("segment", *clip_options(clip, tmp_path / "out"), *echo)[0] == 0
    with Image.open(tmp_path / "out" / "00005.png") as image:
        assert bytes(image.getpalette("RGB")) == own
