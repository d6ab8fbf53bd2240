"""The command `vosref train`: a smoke training of each method, its folder, stopping and going on, and refusals."""

import json
import os
import re
import signal
import subprocess
import sys

import numba
import numpy as np
import pytest
from clips import contents, small_clip
from safetensors.numpy import load_file

from vosref import weights
from vosref.samples import write_clip
from vosref.train import training

pytestmark = pytest.mark.usefixtures("definitions")

TINY = ["crop=32", "n_frames=2", "most_apart=1", "batch=1", "warm_up=1", "steps=3"]
SMOKE = ["crop=64", "n_frames=3", "most_apart=2", "batch=2", "at_once=2", "warm_up=2", "learning_rate=1e-3", "steps=40"]
PAIRS = ["crop=65", "batch=1", "warm_up=1", "window_radius=4", "steps=4"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A rendered clip of two objects in the layout of DAVIS 2017, and its frames and masks."""
    root = tmp_path_factory.mktemp("davis")
    write_clip(root / "clip", *small_clip(n_frames=8, height=64, width=104))
    for kind, folder in (("frames", "JPEGImages"), ("masks", "Annotations")):
        (root / folder / "480p").mkdir(parents=True)
        (root / "clip" / kind).rename(root / folder / "480p" / "crossing")
    (root / "ImageSets" / "2017").mkdir(parents=True)
    (root / "ImageSets" / "2017" / "train.txt").write_text("crossing\n")
    return root


@pytest.fixture
def train(vosref, data):
    """Run `vosref train` with settings of the recipe; return its exit code and what it printed."""

    def run(out, *options, method="tvos", settings=TINY):
        replaced = [word for setting in settings for word in ("--set", setting)]
        given = "--data", data, "--kind", "davis2017", "--out", out, "--threads", 1
        return vosref("train", method, *given, *replaced, *options)

    return run


def losses(out):
    return [row["loss"] for row in training_log(out)]


def training_log(out):
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def record(out):
    return json.loads((out / "recipe.json").read_text())


# ── what goes well ──


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="PyTorch trains: interpreting what Numba compiles changes nothing")
def test_a_minute_of_training_lowers_the_loss_and_leaves_weights_that_segment(tmp_path, train, vosref, data):
    out, masks = tmp_path / "run", tmp_path / "masks"
    code, printed, progress = train(out, "--composites", 1, "--licence", "CC0", settings=SMOKE)
    assert code == 0
    assert set(contents(out, "*")) == {
        "checkpoint.pt",
        "log.jsonl",
        "losses.png",
        "recipe.json",
        "weights.safetensors",
    }
    assert np.mean(losses(out)[-10:]) < 0.8 * np.mean(losses(out)[:10])
    assert [row["step"] for row in training_log(out)] == list(range(1, 41))
    assert re.search(r"40/40 loss \d\.\d{4} rate \d\.\d\de-0\d 0:00:00 left", progress)
    assert re.search(r"tvos-lite0: step 40 of 40, loss \d\.\d{4}, 0:0\d:\d\d spent", printed)
    assert f"  vosref segment … --method tvos --weights {out}/weights.safetensors\n" in printed
    said = weights.header(out / "weights.safetensors")
    assert said["model"] == "tvos-lite0"
    assert said["licence"] == "CC0"
    assert said["trained_on"] == "davis2017 train, 1 videos, 8 frames, weight 1; composites, weight 1"
    assert said["steps"] == "40 of 40"
    assert json.loads(said["recipe"])["crop"] == 64
    frames, truth = data / "JPEGImages/480p/crossing", data / "Annotations/480p/crossing"
    options = "--mask", truth / "00000.png", "--out", masks, "--truth", truth, "--no-overlay"
    assert vosref("segment", frames, *options, "--weights", out / "weights.safetensors")[0] == 0
    assert json.loads((masks / "vosref.json").read_text())["result"]["J"] > 0.5


def test_a_few_steps_of_feelvos_leave_weights_that_segment(tmp_path, train, vosref, data):
    out, masks = tmp_path / "run", tmp_path / "masks"
    code, printed, _ = train(out, "--until", 2, "--float32", method="feelvos", settings=PAIRS)
    assert code == 0
    assert "feelvos-lite0: step 2 of 4" in printed
    assert "the same command with --resume goes on" in printed
    assert f"--method feelvos --weights {out}/weights.safetensors --set window_radius=4\n" in printed
    assert {a.dtype for a in load_file(out / "weights.safetensors").values()} == {np.dtype(np.float32)}
    frames, truth = data / "JPEGImages/480p/crossing", data / "Annotations/480p/crossing"
    options = "--mask", truth / "00000.png", "--out", masks, "--no-overlay", "--method", "feelvos"
    assert vosref("segment", frames, *options, "--weights", out / "weights.safetensors")[0] == 0
    assert len(contents(masks)) == 8


def test_a_run_that_was_stopped_and_gone_on_with_leaves_the_same_weights(tmp_path, train):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert train(whole)[0] == 0
    assert train(parts, "--until", 1)[0] == 0
    assert weights.header(parts / "weights.safetensors")["steps"] == "1 of 3"
    assert train(parts, "--minutes", 0, "--resume", "--workers", 3)[0] == 0
    assert losses(parts) == losses(whole)[:2]
    assert train(parts, "--resume")[0] == 0
    assert losses(parts) == losses(whole)
    assert (parts / "weights.safetensors").read_bytes() == (whole / "weights.safetensors").read_bytes()
    assert [sitting["from_step"] for sitting in record(parts)["sittings"]] == [0, 1, 2]
    assert {**record(parts), "sittings": []} == {**record(whole), "sittings": []}


def test_ctrl_c_ends_the_step_and_keeps_what_is_done(tmp_path, train, monkeypatch):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert train(whole)[0] == 0

    def interrupted(network, optimiser, samples, step, *rest, undisturbed=training._step):
        if step == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return undisturbed(network, optimiser, samples, step, *rest)

    monkeypatch.setattr(training, "_step", interrupted)
    code, printed, error = train(broken)
    assert code == 1
    assert f"error: stopped; the checkpoint in {broken} is kept, and the same command with --resume" in error
    assert "stopping after this step" in error
    assert "tvos-lite0: step 2 of 3" in printed
    assert weights.header(broken / "weights.safetensors")["steps"] == "2 of 3"
    monkeypatch.undo()
    assert train(broken, "--resume")[0] == 0
    assert (broken / "weights.safetensors").read_bytes() == (whole / "weights.safetensors").read_bytes()


def test_a_training_that_blows_up_is_one_sentence_and_leaves_no_weights(tmp_path, train, monkeypatch):
    def blown_up(*_):
        raise FloatingPointError("the loss of step 1 is [nan]")

    monkeypatch.setattr(training, "_step", blown_up)
    code, printed, error = train(tmp_path / "run")
    assert (code, printed) == (1, "")
    assert error.endswith("error: the loss of step 1 is [nan]\n")
    assert set(contents(tmp_path / "run", "*")) == {"log.jsonl", "recipe.json"}


def test_a_folder_in_which_no_step_was_kept_is_free(tmp_path, train):
    assert train(tmp_path / "run", "--set", "n_frames=9")[0] == 1
    assert set(contents(tmp_path / "run", "*")) == {"log.jsonl", "recipe.json"}
    assert train(tmp_path / "run", "--steps", 1)[0] == 0
    assert len(record(tmp_path / "run")["sittings"]) == 1


def test_a_blow_up_keeps_the_weights_of_the_last_checkpoint(tmp_path, train, monkeypatch):
    def blown_up(network, optimiser, samples, step, *rest, undisturbed=training._step):
        if step == 2:
            raise FloatingPointError("the loss of step 3 is [nan]")
        return undisturbed(network, optimiser, samples, step, *rest)

    assert train(tmp_path / "run", "--until", 1)[0] == 0
    monkeypatch.setattr(training, "_step", blown_up)
    code, printed, error = train(tmp_path / "run", "--resume")
    assert code == 1
    assert "tvos-lite0: step 1 of 3" in printed
    assert error.endswith("error: the loss of step 3 is [nan]\n")
    assert weights.header(tmp_path / "run" / "weights.safetensors")["steps"] == "1 of 3"


def test_the_record_holds_what_a_repetition_needs(tmp_path, train):
    options = "--rendered", 0, "--seed", 5, "--steps", 1, "--set", "weight_decay=0.5"
    assert train(tmp_path / "run", *options)[0] == 0
    made = record(tmp_path / "run")
    assert (made["method"], made["model"], made["seed"]) == ("tvos", "tvos-lite0", 5)
    assert made["recipe"]["steps"] == 1
    assert made["recipe"]["weight_decay"] == 0.5
    assert made["recipe"]["scales"] == [0.8, 1.25]
    assert made["start"]["sha256"].startswith("579344248a93")
    assert made["sources"][0]["videos"] == 1
    (sitting,) = made["sittings"]
    assert sitting["threads"] == 1
    assert set(sitting) == {"from_step", "vosref", "torch", "device", "threads"}


def test_training_goes_on_from_weights_of_its_own_and_from_other_networks(tmp_path, train):
    assert train(tmp_path / "first")[0] == 0
    start = tmp_path / "first" / "weights.safetensors"
    assert train(tmp_path / "second", "--from", start, "--steps", 1)[0] == 0
    assert record(tmp_path / "second")["start"]["file"] == "weights.safetensors"
    assert record(tmp_path / "second")["start"]["drawn"] == 0


# ── what is refused ──


def test_a_run_is_neither_written_over_nor_taken_for_another(tmp_path, train):
    out = tmp_path / "run"
    assert train(out, "--until", 1)[0] == 0
    before = contents(out, "*")
    code, _, error = train(out)
    assert code == 1
    assert f"OUT: {out} holds a run (checkpoint.pt); go on with it by --resume, or give another folder" in error
    code, _, error = train(out, "--resume", "--seed", 1, "--set", "crop=40", "--composites", 1)
    assert code == 1
    assert f"OUT: {out} holds another run: seed is 0 there and 1 here; " in error
    assert "sources.1.kind is not there and composites here" in error
    assert "recipe.crop is 32 there and 40 here" in error
    (out / "recipe.json").write_text("{}")
    code, _, error = train(out, "--resume")
    assert code == 1
    assert "recipe.json is not the record of a training run" in error
    (out / "recipe.json").unlink()
    code, _, error = train(out, "--resume")
    assert code == 1
    assert (
        f"OUT: {out} holds checkpoint.pt without recipe.json, and cannot be gone on with; give another folder" in error
    )
    assert {name: before[name] for name in contents(out, "*")} == contents(out, "*")


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--model", "lite0"], 2, "--model must be one of tvos-resnet18, .* for tvos, got lite0"),
        (["--model", "feelvos-lite0"], 2, "--model must be one of tvos-resnet18, .* for tvos, got feelvos-lite0"),
        (["--model", "tvos-resnet18"], 2, "--from must name weights for tvos-resnet18"),
        (["--recipe", "paper"], 2, "recipe must be one of released, lite0, got 'paper'"),
        (["--set", "croup=3"], 2, "the recipe of tvos has no setting 'croup'; it has n_frames, most_apart, crop,"),
        (["--set", "crop"], 2, "--set takes NAME=VALUE, got 'crop'"),
        (["--also", "davis2017"], 2, "--also takes KIND:ROOT=WEIGHT or KIND:ROOT:SUBSET=WEIGHT, got 'davis2017'"),
        (["--kind", "coco"], 2, "the kind of a data set must be one of davis2016, .*, got 'coco'"),
        (["--device", "tpu"], 2, "--device must be cpu or cuda, got tpu"),
        (["--threads", "99999"], 2, "--threads must be at most the [0-9]+ cores of this machine, got 99999"),
        (["--memory", "much"], 2, "--memory takes a size such as 800M, 1.5GB or 2GiB, got 'much'"),
        (["--data", "nowhere"], 3, "davis2017: nowhere does not exist"),
        (["--subset", "val"], 3, "there is no set val near"),
        (["--from", "nothing.pth"], 3, "nothing.pth does not exist"),
        (["--set", "n_frames=9"], 1, "no video has 9 annotated frames, which a snippet needs; the longest of 1 has 8"),
    ],
)
def test_what_cannot_be_trained_is_refused(tmp_path, train, options, code, message):
    found, printed, error = train(tmp_path / "run", *options)
    assert (found, printed) == (code, "")
    assert re.search(message, " ".join(re.sub(r"[│╭╮╰╯─]", " ", error).split()))
    assert not (tmp_path / "run" / "weights.safetensors").exists()


def test_an_unknown_method_is_refused(tmp_path, train):
    code, _, error = train(tmp_path / "run", method="stm")
    assert code == 2
    assert "method must be one of tvos, feelvos, got 'stm'" in error


def test_a_gpu_that_is_not_there_is_refused(tmp_path, train, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    code, _, error = train(tmp_path / "run", "--device", "cuda")
    assert code == 1
    assert "--device cuda: PyTorch finds no GPU; use cpu, or install a PyTorch built for this GPU" in error


def test_without_torch_the_extra_is_named(tmp_path, train, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    code, _, error = train(tmp_path / "run")
    assert code == 1
    assert error.endswith("error: vosref train needs PyTorch: pip install 'vosref[train]'\n")


def test_the_help_of_all_commands_loads_no_torch():
    script = """if True:
        import sys
        from vosref import cli
        for command in ([], ["train"], ["segment"]):
            sys.argv = ["vosref", *command, "--help"]
            try:
                cli.main()
            except SystemExit as ended:
                assert not ended.code
        sys.exit("torch" in sys.modules)"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "METHOD" in done.stdout
    assert "Ctrl-C" in done.stdout
