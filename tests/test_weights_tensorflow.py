"""`vosref.weights` against checkpoints that TensorFlow itself writes, where it is installed; what is said where not."""

import hashlib
import os
import sys

import numpy as np
import pytest
from zip_torch import network

from vosref.weights import WeightsError, header, load, read_source
from vosref.weights.tensorflow_file import checkpoint_files

ARRAYS = {"scope/weights": np.arange(6, dtype="<f4").reshape(2, 3), "scope/biases": np.ones(3, "<f8")}


def files_of(prefix):
    return [prefix.with_name(f"{prefix.name}{suffix}") for suffix in (".index", ".data-00000-of-00001")]


@pytest.fixture(scope="module")
def save():
    """Write variables as a checkpoint of TensorFlow 1, as FEELVOS's are."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    tensorflow = pytest.importorskip("tensorflow", reason="TensorFlow is absent: its own checkpoints are not read")

    def save(prefix, arrays):
        names = list(arrays)
        slices, tensors = [""] * len(names), [tensorflow.constant(arrays[name]) for name in names]
        tensorflow.raw_ops.SaveV2(prefix=str(prefix), tensor_names=names, shape_and_slices=slices, tensors=tensors)
        return prefix

    return save


def test_a_checkpoint_of_all_752_variables_converts(tmp_path, vosref, save):
    arrays = network("feelvos-xception65")
    training = {
        "global_step": np.asarray(200004),
        "decoder/decoder_conv0_pointwise/weights/Momentum": np.ones(2, "<f4"),
    }
    prefix = save(tmp_path / "model.ckpt-200004", arrays | training)
    out = tmp_path / "out.safetensors"
    code, printed, _ = vosref("convert", prefix, out, "--model", "feelvos-xception65")
    assert code == 0
    assert "feelvos-xception65, 752 arrays, 41,393,819 parameters, 166.5 MB\n" in printed
    assert "source         model.ckpt-200004 (TensorFlow checkpoint)\n" in printed
    weights = load(out)
    for ours, theirs in {
        "entry/conv2/kernel": "xception_65/entry_flow/conv1_2/weights",
        "aspp/pooling/variance": "image_pooling/BatchNorm/moving_variance",
        "head/logits/bias": "logits/semantic/biases",
    }.items():
        assert (weights[ours] == arrays[theirs].flat[0]).all()
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files_of(prefix))).hexdigest()
    assert header(out)["source_sha256"] == digest
    for named in (files_of(prefix)[0], files_of(prefix)[1]):
        again = tmp_path / "again.safetensors"
        assert vosref("convert", named, again, "--model", "feelvos-xception65")[0] == 0
        assert again.read_bytes() == out.read_bytes()
    assert vosref("weights", "verify", out, "--source", prefix)[0] == 0


def test_numbers_are_exact_and_the_optimisers_are_left_out(tmp_path, save):
    more = {"global_step": np.asarray(3), "scope/weights/Momentum": np.ones(2, "<f4"), "words": np.asarray(b"x")}
    source = read_source(save(tmp_path / "a", ARRAYS | more))
    assert set(source.arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert source.arrays[name].dtype == array.dtype
        assert np.array_equal(source.arrays[name], array)


@pytest.mark.parametrize("part", [0, 1], ids=["index", "data"])
def test_a_truncated_checkpoint_is_refused(tmp_path, vosref, save, part):
    prefix = save(tmp_path / "a", ARRAYS)
    path = files_of(prefix)[part]
    content = path.read_bytes()
    for length in range(0, len(content), 1 + len(content) // 8):
        path.write_bytes(content[:length])
        code, _, said = vosref("convert", prefix, tmp_path / "o.safetensors", "--model", "lite0", "--partial")
        assert code == 1
        assert f"error: {prefix}: " in said
        assert not (tmp_path / "o.safetensors").exists()


# ── without TensorFlow ──


def test_the_missing_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    (tmp_path / "model.ckpt.index").write_bytes(b"")
    with pytest.raises(
        WeightsError, match=r"model\.ckpt: reading .* needs TensorFlow: pip install 'vosref\[tensorflow\]'"
    ):
        read_source(tmp_path / "model.ckpt")


def test_a_checkpoint_is_known_by_its_prefix_or_any_of_its_files(tmp_path):
    prefix = tmp_path / "model[1].ckpt-7"
    files = files_of(prefix)
    for path in files:
        path.write_bytes(b"")
    assert [checkpoint_files(path) for path in (prefix, *files)] == [files] * 3
    assert checkpoint_files(tmp_path / "model[1].ckpt-8") == []
    assert checkpoint_files(tmp_path / "model[1].ckpt-7.meta") == []
    prefix.write_bytes(b"a file of that very name is meant itself")
    assert checkpoint_files(prefix) == []
