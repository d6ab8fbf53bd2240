"""`vosref.weights` and the safetensors format: mapped and not copied, exact, and refused where the table lies."""

import json
import mmap
import tracemalloc

import numpy as np
import pytest
import zip_torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import load_file, save

from vosref.weights import MissingWeightsError, WeightsError, convert, header, load, read_source
from vosref.weights import save as save_converted
from vosref.weights.safetensors_file import map_safetensors, write_safetensors

SMALL = {"b": np.arange(6, dtype="<f4").reshape(2, 3), "a": np.asarray(7, "<f4"), "none": np.zeros((0, 4), "<f4")}


def base_of(array):
    while isinstance(getattr(array, "base", None), np.ndarray):
        array = array.base
    return array.base


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("weights") / "weights.safetensors"


def with_table(table, numbers=b"", *, length=None):
    text = table if isinstance(table, bytes) else json.dumps(table).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + numbers


def test_what_is_written_is_what_the_formats_own_library_reads(file):
    write_safetensors(file, SMALL, {"model": "größe"})
    theirs, ours = load_file(file), map_safetensors(file)
    assert ours.metadata == {"model": "größe"}
    for name, array in SMALL.items():
        for got in (theirs[name], ours.arrays[name]):
            assert got.dtype == np.float32
            assert np.array_equal(got, array)
            assert got.shape == array.shape
    assert int.from_bytes(file.read_bytes()[:8], "little") % 64 == 56  # the numbers begin at a multiple of 64


def test_equal_arrays_give_equal_bytes(file):
    write_safetensors(file, SMALL, {"model": "x", "source": "y"})
    first = file.read_bytes()
    write_safetensors(file, {n: np.array(a, order="F") for n, a in SMALL.items()}, {"model": "x", "source": "y"})
    assert file.read_bytes() == first


@given(
    arrays=st.dictionaries(
        st.text(st.characters(codec="utf-8"), max_size=8).filter(lambda name: name != "__metadata__"),
        st.sampled_from(["<f8", "<f4", "<f2", "<i8", "<i4", "<i2", "i1", "<u8", "<u4", "<u2", "u1", "?"]).flatmap(
            lambda code: hnp.arrays(code, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
        ),
        max_size=4,
    )
)
def test_whatever_the_formats_own_library_writes_is_read(file, arrays):
    file.write_bytes(save(arrays))
    got = map_safetensors(file).arrays
    assert set(got) == set(arrays)
    for name, array in arrays.items():
        assert got[name].dtype == array.dtype
        assert got[name].shape == array.shape
        assert got[name].tobytes() == array.tobytes()
        assert not got[name].flags.writeable


def test_bfloat16_is_widened(file):
    entry = {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}
    file.write_bytes(with_table({"x": entry}, b"\x80\x3f\x20\xc0"))
    assert map_safetensors(file).arrays["x"].tolist() == [1, -2.5]


def test_arrays_are_the_mapped_file_and_no_copy_of_it(file):
    write_safetensors(file, {"x": np.zeros(2**22, "<f4")}, {})
    tracemalloc.start()
    try:
        array = map_safetensors(file).arrays["x"]
        assert tracemalloc.get_traced_memory()[1] < 2**18
    finally:
        tracemalloc.stop()
    assert isinstance(base_of(array), mmap.mmap)
    with file.open("r+b") as stream:  # what changes in the file changes in the array
        stream.seek(-4, 2)
        stream.write(np.float32(3).tobytes())
    assert array[-1] == 3


def entry(shape, begin, end, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


LIES = {
    "gap": ({"x": entry([1], 0, 4), "y": entry([1], 8, 12)}, 12, "leaves a gap"),
    "overlap": ({"x": entry([2], 0, 8), "y": entry([2], 4, 12)}, 12, "leaves a gap"),
    "too small": ({"x": entry([3], 0, 8)}, 8, "does not take the bytes that its shape needs"),
    "beyond": ({"x": entry([3], 0, 12)}, 8, "ends beyond the file; the file is truncated"),
    "huge": ({"x": entry([2**40, 2**20], 0, 2**62)}, 8, "ends beyond the file"),
    "left over": ({"x": entry([1], 0, 4)}, 8, "4 bytes at the end .* belong to no array"),
    "negative": ({"x": entry([-1, -1], 0, 4)}, 4, "not made of natural numbers"),
    "fraction": ({"x": entry([1.0], 0, 4)}, 4, "not made of natural numbers"),
    "true": ({"x": entry([True], 0, 4)}, 4, "not made of natural numbers"),
    "type": ({"x": entry([1], 0, 1, "F8_E5M2")}, 1, "is of type F8_E5M2, which is not read"),
    "no type": ({"x": entry([1], 0, 1, ["F32"])}, 1, "not a safetensors file, or damaged"),
    "no place": ({"x": {"dtype": "F32", "shape": [1]}}, 4, "damaged .KeyError: 'data_offsets'"),
    "metadata": ({"__metadata__": {"x": 1}}, 0, "the metadata of a safetensors file are strings"),
    "no metadata": ({"__metadata__": []}, 0, "not a safetensors file, or damaged"),
    "twice": (b'{"x":{},"x":{}}', 0, "names something twice"),
    "no table": (b"{]", 0, "not a safetensors file, or damaged"),
    "deep": (b'{"x":' + b"[" * 100_000, 0, "not a safetensors file, or damaged"),
    "list": (b"[]", 0, "does not begin with the length of a table and the table"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_table_that_lies_is_refused(file, lie):
    table, n_bytes, message = LIES[lie]
    file.write_bytes(with_table(table, bytes(n_bytes)))
    with pytest.raises(WeightsError, match=message) as caught:
        map_safetensors(file)
    assert str(caught.value).startswith(str(file))
    with pytest.raises(WeightsError, match=message):
        read_source(file)


def test_a_file_cut_short_anywhere_is_refused(file):
    write_safetensors(file, SMALL, {"model": "x"})
    good = file.read_bytes()
    for length in range(len(good)):
        file.write_bytes(good[:length])
        with pytest.raises(WeightsError, match="empty|truncated|begin with the length|end beyond"):
            map_safetensors(file)
        with pytest.raises(WeightsError, match="truncated|begin with the length"):
            read_source(file)


@given(data=st.binary(max_size=80), length=st.integers(0, 90))
def test_noise_is_refused(file, data, length):
    file.write_bytes(length.to_bytes(8, "little") + b"{" + data)
    with pytest.raises(WeightsError):
        map_safetensors(file)


# ── loading what was converted ──


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    """The path of a converted ResNet-18, and the arrays that it was converted from."""
    folder = tmp_path_factory.mktemp("converted")
    arrays = zip_torch.network("tvos-resnet18", seed=0)
    (folder / "theirs.pth").write_bytes(zip_torch.content(zip_torch.tensors(arrays)))
    save_converted(folder / "ours.safetensors", convert(folder / "theirs.pth", model_name="tvos-resnet18"))
    return folder / "ours.safetensors", arrays


def test_a_converted_file_is_loaded_mapped_read_only_and_whole(converted):
    path, theirs = converted
    for given_as in (path, str(path)):
        weights = load(given_as)
        assert len(weights) == 95
        assert next(iter(weights)) == "stem/kernel"
        assert np.array_equal(weights["stem/kernel"][2, 5, 1], theirs["backbone.0.weight"][:, 1, 2, 5])
        assert all(isinstance(base_of(a), mmap.mmap) and a.flags.c_contiguous for a in weights.values())
        with pytest.raises(ValueError, match="read-only"):
            weights["stem/kernel"][0] = 0
        with pytest.raises(TypeError, match="does not support item assignment"):
            weights["stem/kernel"] = None
    assert header(path)["model"] == "tvos-resnet18"
    assert header(path)["source"] == "theirs.pth"


def test_only_whole_converted_files_are_loaded(converted, tmp_path):
    path, _ = converted
    with pytest.raises(MissingWeightsError, match=r"none\.safetensors does not exist; check its spelling"):
        load(tmp_path / "none.safetensors")
    other = tmp_path / "other.safetensors"
    write_safetensors(other, SMALL, {})
    with pytest.raises(WeightsError, match="was not written by vosref; convert it first: vosref convert "):
        load(other)
    arrays = dict(map_safetensors(path).arrays)
    del arrays["stem/scale"]
    write_safetensors(other, arrays | {"more": np.ones(1, "<f4")}, header(path))
    with pytest.raises(WeightsError, match=r"missing:\n    stem/scale\n  unused:\n    more$") as caught:
        load(other)
    assert "not the tvos-resnet18 that its header says" in str(caught.value)
    double = arrays | {"stem/scale": np.ones(64)}
    other.write_bytes(save(double, header(path)))
    with pytest.raises(WeightsError, match="weights must be float32 or float16, some are float64"):
        header(other)
