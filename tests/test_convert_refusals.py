"""What `vosref convert` refuses: everything wrong at once, an exit code, and nothing written."""

import os
import pickle
import re

import legacy_torch
import numpy as np
import pytest
import zip_torch
from clips import contents, plain
from PIL import Image
from safetensors.numpy import save
from zip_torch import network, tensors

from vosref import weights

ARRAYS = network("tvos-resnet18")
MODEL = ("--model", "tvos-resnet18")


@pytest.fixture
def refused(tmp_path, vosref):
    """Convert a file of these bytes; return the refusal, once it is known that nothing was written."""

    def refused(content, *options, name="theirs.pth", code=1):
        source = tmp_path / name
        source.write_bytes(content)
        before = contents(tmp_path, "*")
        got, printed, said = vosref("convert", source, tmp_path / "out.safetensors", *MODEL, *options)
        assert (got, printed) == (code, "")
        assert contents(tmp_path, "*") == before
        assert contents(tmp_path, ".*") == {}
        return said

    return refused


def test_all_that_is_missing_unused_or_wrong_is_named_at_once(refused):
    arrays = dict(ARRAYS)
    for key in ("backbone.1.bias", "backbone.1.running_var", "backbone.5.0.downsample.0.weight"):
        del arrays[key]
    arrays |= {
        "backbone.0.weight": np.ones((64, 3, 3, 3), "<f4"),
        "backbone.4.0.bn1.weight": np.ones(64, "<i8"),
        "backbone.4.0.bn1.bias": np.ones(64, "<i8"),
        "head.weight": np.ones((2, 2), "<f4"),
        "\x1b[31m": np.ones(1, "<f4"),
    }
    heading, *groups = refused(zip_torch.content(tensors(arrays))).splitlines()
    assert re.fullmatch(
        r"error: .*theirs\.pth: not tvos-resnet18 under TVOS's names; of its arrays, 3 missing, 2 unused, 3 of another "
        r"shape or type; --partial takes the 89 that fit and draws the rest",
        heading,
    )
    assert groups == [
        "  missing:",
        "    backbone.1.{bias, running_var}",
        "    backbone.5.0.downsample.0.weight",
        "  unused:",
        "    head.weight",
        r"    '\x1b[31m'",
        "  of another shape or type:",
        "    backbone.0.weight is (64, 3, 3, 3) where (64, 3, 7, 7) is needed",
        "    backbone.4.0.bn1.{weight, bias} is int64 where floating point is needed",
    ]


def test_the_network_that_a_file_holds_is_named(refused):
    said = refused(zip_torch.content(tensors(network("resnet18"))))
    assert "; the file is a whole resnet18\n" in said


def test_numbers_beyond_float32_are_refused_by_name(refused):
    arrays = dict(ARRAYS)
    arrays["backbone.1.bias"] = np.full(64, 1e300)
    arrays["backbone.1.weight"] = np.full(64, np.inf)  # which float32 does hold
    said = refused(zip_torch.content(tensors(arrays)))
    assert said.endswith("numbers that float32 cannot hold, in\n    stem/offset\n")


class Evil:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"echo > {self.marker}",)


@pytest.mark.parametrize("kind", ["bare pickle", "legacy", "zip"])
def test_a_malicious_file_is_refused_by_name_and_never_run(refused, tmp_path, kind):
    payload = pickle.dumps(Evil(tmp_path / "it-was-run"), 2)
    content = {
        "bare pickle": payload,
        "legacy": legacy_torch.with_pickle(3, payload),
        "zip": zip_torch.with_pickle(payload),
    }[kind]
    said = refused(content)
    assert re.search(r"error: .*theirs\.pth: the file asks to load posix\.system.* nothing of it was run", said)


def png(path):
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(path)
    return path.read_bytes()


SMALL = {"x": np.ones(2, "<f4")}
RENAMED = {
    "a PNG": ("a.pth", png, "this is a PNG image"),
    "a PNG named safetensors": ("a.safetensors", png, "this is a PNG image"),
    "a JPEG": ("a.pt", lambda _: b"\xff\xd8\xff\xe0" + bytes(9), "this is a JPEG image"),
    "a web page": ("a.pth", lambda _: b"<!DOCTYPE html><html>", "this is a web page; download the file itself"),
    "a pointer": ("a.pth", lambda _: b"version https://git-lfs.github.com/spec/v1\n", "fetch the file itself with git"),
    "gzip": ("a.pth.tar", lambda _: b"\x1f\x8b\x08" + bytes(20), "this is a gzip archive; unpack it first"),
    "HDF5": ("a.pth", lambda _: b"\x89HDF\r\n\x1a\n", "this is an HDF5 file"),
    "a zip named safetensors": (
        "a.safetensors",
        lambda _: zip_torch.content(tensors(SMALL)),
        "it is a zip archive",
    ),
    "a safetensors named pth": ("a.pth", lambda _: save(SMALL), "it is a safetensors file; rename it to .safetensors"),
    "a zip of something": ("a.pth", lambda _: zip_torch.archive({"a.txt": b"a"}), "not one that PyTorch wrote"),
    "legacy named safetensors": (
        "a.safetensors",
        lambda _: legacy_torch.content(tensors(SMALL)),
        "not a safetensors",
    ),
    "text": ("a.pth", lambda _: b"hello", "not a legacy PyTorch file, or damaged"),
    "nothing": ("a.pth", lambda _: b"", "not a legacy PyTorch file, or damaged"),
    "nothing named safetensors": ("a.safetensors", lambda _: b"", "not a safetensors file"),
    "no arrays": ("a.pth", lambda _: zip_torch.content({"epoch": 3}), "the file holds no named arrays"),
    "an index": ("a.index", lambda _: b"hello", "TensorFlow"),
}


@pytest.mark.parametrize("what", RENAMED)
def test_a_file_that_is_something_else_is_refused_with_what_it_is(refused, tmp_path, what):
    name, make, message = RENAMED[what]
    said = refused(make(tmp_path / f"made-{name}.png" if "PNG" in what else tmp_path), name=name)
    assert said.startswith(f"error: {tmp_path / name}".removesuffix(".index"))
    assert message in said


@pytest.mark.parametrize("writer", [legacy_torch, zip_torch])
def test_a_truncated_file_is_refused(refused, writer):
    content = writer.content(tensors(SMALL))
    for length in range(0, len(content), 97):
        refused(content[:length])


def test_a_missing_file_exits_with_3_and_a_folder_with_1(tmp_path, vosref):
    out = tmp_path / "out.safetensors"
    code, _, said = vosref("convert", tmp_path / "none.pth", out, *MODEL)
    assert (code, said) == (3, f"error: {tmp_path}/none.pth does not exist; check its spelling\n")
    code, _, said = vosref("convert", tmp_path, out, *MODEL)
    assert (code, said) == (1, f"error: {tmp_path} is a folder; name the file of weights in it\n")
    assert not out.exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in the file system of Windows")
def test_a_pipe_is_refused_rather_than_waited_for(tmp_path, vosref):
    os.mkfifo(tmp_path / "pipe")
    code, _, said = vosref("convert", tmp_path / "pipe", tmp_path / "out.safetensors", *MODEL)
    assert code == 1
    assert "pipe is not a regular file; name a file of weights\n" in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["out.safetensors", "--model", "lite3"], "--model must be one of tvos-resnet18, .*, lite2, got lite3"),
        (["out.pth", *MODEL], "OUT must end in .safetensors, got .*out.pth"),
        (["out.safetensors"], "Missing option '--model'"),
        (["out.safetensors", *MODEL, "--seed", "-1"], "Invalid value for '--seed'"),
    ],
)
def test_a_wrong_call_exits_with_2(tmp_path, vosref, arguments, sentence):
    source = tmp_path / "theirs.pth"
    source.write_bytes(zip_torch.content(tensors(SMALL)))
    code, _, said = vosref("convert", source, tmp_path / arguments[0], *arguments[1:])
    assert code == 2
    assert re.search("".join(sentence.split()), "".join(plain(said).split()))  # whichever line it was broken over


def test_an_output_that_cannot_be_written_is_refused_and_leaves_nothing(tmp_path, vosref, monkeypatch):
    source = tmp_path / "theirs.safetensors"
    source.write_bytes(save(ARRAYS))
    code, _, said = vosref("convert", source, source, *MODEL)
    assert (code, said) == (1, f"error: OUT: {source} is the source itself; name another file\n")
    (tmp_path / "folder.safetensors").mkdir()
    code, _, said = vosref("convert", source, tmp_path / "folder.safetensors", *MODEL)
    assert code == 1
    assert "folder.safetensors is a folder; name another file" in said
    code, _, said = vosref("convert", source, source / "out.safetensors", *MODEL)
    assert code == 1
    assert re.search(r"OUT: .* (is a file; give a folder|cannot be written \()", said)

    def fill(path, _):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device", str(path))

    out = tmp_path / "out.safetensors"
    out.write_bytes(b"what was there before")
    monkeypatch.setattr(weights, "save", fill)
    code, printed, said = vosref("convert", source, out, *MODEL)
    assert (code, printed) == (1, "")
    assert said == f"error: OUT: {out} cannot be written (No space left on device); choose another place\n"
    assert contents(tmp_path, ".*") == {}
    assert out.read_bytes() == b"what was there before"
