"""FEELVOS on the command line: with a head, with matching alone, without weights, and with an object too small."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from clips import contents, plain, small_clip, thin, thin_feelvos, write_small_clip
from PIL import Image

from vosref.feelvos import NOTES
from vosref.io import davis_palette, write_mask
from vosref.video import configure
from vosref.weights.catalogue import lite0_path
from vosref.weights.conversion import convert, save

pytestmark = pytest.mark.usefixtures("definitions")

SCENE = {"n_frames": 3, "height": 24, "width": 32}
# Children compile, also where this process must not: they are no part of what a coverage run counts.
SWITCHES = ("NUMBA_DISABLE_JIT", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "GITHUB_ACTIONS", "PY_COLORS")
OURS = {name: value for name, value in os.environ.items() if name not in SWITCHES}


@pytest.fixture
def clip(tmp_path):
    return write_small_clip(tmp_path / "clip", **SCENE)


@pytest.fixture
def segment(tmp_path, clip, vosref):
    """Run FEELVOS on the clip."""

    def run(*options):
        return vosref("segment", clip[0], "--mask", clip[1], "--out", tmp_path / "out", "--method", "feelvos", *options)

    return run


def test_protocols_prints_both_settings_and_the_notes(vosref):
    code, printed, said = vosref("protocols", "feelvos")
    assert (code, said) == (0, "")
    for field in ("feedback", "previous_labels"):
        assert re.search(rf"^│ {field} ", printed, re.MULTILINE)
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.splitlines() if line[:1] == "│"]
    settings, paper, released = (" ".join(c[i] for c in cells if len(c) == 3) for i in range(3))
    assert settings.split() == ["feedback", "previous_labels"]
    assert re.match("soft: .*probabilities.*grid: .*argmax at stride 4$", plain(paper))
    assert re.match("hard: .*one-hot.*full: .*full resolution", plain(released))
    assert "where they part, and both configurations do the same" in printed
    notes = plain(printed.split("do the same", 1)[1])
    for name, note in NOTES.items():
        assert f"{name} {' '.join(note.split()[:3])}" in notes
        assert note.split()[-1] in notes


def test_matching_alone_segments_a_clip_scores_it_and_says_so(tmp_path, clip, segment):
    code, printed, progress = segment("--config", "nearest", "--set", "working_scale=1", "--truth", clip[1].parent)
    assert code == 0
    assert "3/3" in progress
    assert "decided by the nearest neighbour's label (PML), without FEELVOS's segmentation head\n" in printed
    assert re.search(r"object +. +J +. +F +. +J&F", printed)
    out = tmp_path / "out"
    assert set(contents(out, "*")) == {"overlay.mp4", "scores.png", "vosref.json", *(f"{t:05d}.png" for t in range(3))}
    record = json.loads((out / "vosref.json").read_text())
    assert record["method"] == "feelvos"
    assert record["config"] == configure("feelvos", "nearest", working_scale=1.0)._asdict()
    assert record["config"]["decision"] == "nearest"
    assert 0 < record["result"]["J&F"] < 1
    assert re.search(rf"mean .*{record['result']['J&F']:.3f}", printed)
    for path in out.glob("*.png"):
        if path.name != "scores.png":
            with Image.open(path) as image:
                assert (image.mode, image.size) == ("P", (32, 24))
                assert set(np.unique(np.asarray(image))) <= {0, 1, 5}


@pytest.mark.parametrize("name", ["released", "paper", "ablation-2"])
def test_a_head_decides_where_weights_are_given(tmp_path, monkeypatch, segment, name):
    thin_feelvos(monkeypatch)
    code, printed, _ = segment("--config", name, "--weights", "thin.safetensors", "--no-overlay")
    assert code == 0
    assert "nearest" not in printed
    assert f"3 masks in {tmp_path}/out/" in printed
    assert json.loads((tmp_path / "out" / "vosref.json").read_text())["config"] == thin(name)._asdict()


def test_a_stopped_run_is_resumed_and_another_configuration_is_not(tmp_path, monkeypatch, segment):
    thin_feelvos(monkeypatch)
    options = ("--weights", "thin.safetensors", "--no-overlay")
    assert segment(*options)[0] == 0
    whole, path = contents(tmp_path / "out"), tmp_path / "out" / "vosref.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"frames_done": 1}))
    assert segment(*options, "--resume")[0] == 0
    assert contents(tmp_path / "out") == whole
    code, _, said = segment(*options, "--config", "paper", "--resume")
    assert code == 1
    assert "holds another run (not the same config)" in said


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--set", "weights="], 'weights must be one of "tvos-lite0", "feelvos-lite0", "lite0", got \'\';'),
        (["--config", "ablation-4"], "weights must have a head of 257 channels for the features and global, got 259"),
        (["--config", "ablation-5"], "; with missing_cues=neutral it runs without"),
        (["--set", "missing_cues=guess"], "missing_cues must be one of refuse, neutral, got 'guess'"),
        (["--set", "weights=lite0"], "weights must have FEELVOS's embedding and head, got 'lite0', which has not"),
        (["--config", "ablation-7"], "config must be one of released, paper, nearest, nearest-global, nearest-local, "),
        (
            ["--config", "nearest", "--weights", "tvos-lite0", "--set", "decision=head"],
            "weights must have FEELVOS's embedding",
        ),
        (["--config", "nearest", "--set", "first_frame=no"], "first_frame must be of type bool, got 'no'"),
        (
            ["--config", "nearest-local", "--set", "previous_frame=none"],
            "first_frame and previous_frame must not both be off: nothing would be matched",
        ),
        (["--config", "nearest", "--set", "window_radius=-1"], "window_radius must be 0 or more pixels, got -1"),
        (["--config", "nearest", "--set", "memory=0"], "memory must be positive, got 0"),
        (["--config", "nearest", "--set", "feedback=guess"], "feedback must be one of hard, soft, got 'guess'"),
        (["--config", "nearest", "--set", "n_neighbors=2"], "feelvos has no setting 'n_neighbors'; it has feedback, "),
    ],
)
def test_a_wrong_call_exits_with_2_before_any_work(tmp_path, segment, options, sentence):
    code, printed, said = segment(*options)
    assert (code, printed) == (2, "")
    assert sentence in plain(said)
    assert not (tmp_path / "out").exists()


def test_nearest_is_a_configuration_of_feelvos_alone(tmp_path, clip, vosref):
    code, _, said = vosref("segment", clip[0], "--mask", clip[1], "--out", tmp_path / "out", "--config", "nearest")
    assert code == 2
    assert "config must be one of released, paper, ablation-1-frame, " in plain(said)
    assert "for tvos, got 'nearest'" in plain(said)
    assert not (tmp_path / "out").exists()


def test_weights_of_an_encoder_alone_cannot_decide_by_a_head(tmp_path, segment):
    path = tmp_path / "encoder.safetensors"
    save(path, convert(lite0_path(), model_name="lite0"))
    code, _, said = segment("--weights", path)
    assert code == 2
    assert "weights must have FEELVOS's embedding and head, got " in plain(said)
    assert "encoder.safetensors" in "".join(plain(said).split())  # whichever line it was broken over
    assert not (tmp_path / "out").exists()
    code, *_ = segment("--weights", path, "--config", "nearest", "--set", "working_scale=1", "--no-overlay")
    assert code == 0


@pytest.mark.parametrize("method", ["feelvos", "tvos"])
def test_weights_that_are_not_there_exit_with_3(tmp_path, segment, method):
    code, printed, said = segment("--weights", tmp_path / "none.safetensors", "--method", method)
    assert (code, printed) == (3, "")
    assert said == f"error: {tmp_path}/none.safetensors does not exist; check its spelling\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("method", ["feelvos", "tvos"])
def test_an_object_too_small_for_the_grid_is_reported_and_the_run_goes_on(tmp_path, clip, method):
    masks = small_clip(**SCENE)[1]
    first = np.where(masks[0] == 5, 0, masks[0])
    first[0, 1] = 5  # a pixel that neither grid takes its label from
    write_mask(clip[1], first, palette=davis_palette())
    config = ("--config", "nearest") if method == "feelvos" else ()
    command = ("segment", clip[0], "--mask", clip[1], "--out", tmp_path / "out", "--method", method, *config)
    done = subprocess.run(
        [sys.executable, "-m", "vosref", *map(str, command), "--no-overlay"],
        capture_output=True,
        env=OURS,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    warned = [line for line in done.stderr.splitlines() if "warning" in line.lower()]
    assert warned == [
        "warning: object 5 is too small for the grid of features: no pixel of the grid shows it, so none can match"
    ]
    assert "Traceback" not in done.stderr
    assert len(contents(tmp_path / "out")) == 3
