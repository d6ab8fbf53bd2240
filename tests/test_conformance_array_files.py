"""Arrays as files, and names as names of files."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file

from vosref.conformance.arithmetic import rounded
from vosref.conformance.array_files import FORMATS, STORED, Slot, original_name, read_arrays, safe_name, write_arrays
from vosref.io import InputError, MissingInputError


@given(name=st.text())
def test_a_safe_name_leads_back_to_the_name(name):
    assert original_name(safe_name(name)) == name


@given(name=st.text(min_size=1))
def test_a_safe_name_is_a_file_name_on_every_system_and_has_no_upper_case(name):
    safe = safe_name(name)
    assert re.fullmatch(r"[a-z0-9_@+~=%-]+", safe)
    assert safe not in ("con", "prn", "aux", "nul", "com1", "lpt9")


def test_safe_names_of_identifiers_can_be_read():
    assert safe_name("local_matching/window_clipped@1#0:float32") == "local_matching+window_clipped@1~0=float32"
    assert safe_name("weights/head/0/depthwise/kernel") == "weights+head+0+depthwise+kernel"
    assert safe_name("aux") == "%61ux"
    assert safe_name("K") != safe_name("k")


@pytest.mark.parametrize("array_format", FORMATS)
@pytest.mark.parametrize("dtype", STORED)
def test_arrays_of_every_data_type_come_back_as_they_were(tmp_path, dtype, array_format):
    arrays = {"x": np.arange(12).reshape(3, 4) % 2, "point": np.asarray(1), "empty": np.zeros((0, 3)), "y": np.eye(2)}
    floating = dtype in ("float64", "float32", "float16", "bfloat16")
    arrays = {name: rounded(a / 3.0, dtype) if floating else a.astype(dtype) for name, a in arrays.items()}
    together = "together.safetensors" if array_format == "safetensors" else ""
    slots = [Slot(name, dtype, a.shape, together or f"{name}.bin") for name, a in arrays.items()]
    write_arrays(tmp_path, slots, {name: np.asarray(a, order="F") for name, a in arrays.items()})
    read = read_arrays(tmp_path, slots)
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name], array)
        assert read[name].shape == array.shape
        assert read[name].dtype.name == {"bfloat16": "float32"}.get(dtype, dtype)
    assert {path.name for path in tmp_path.iterdir()} == {slot.file for slot in slots}


def test_raw_numbers_are_little_endian_in_c_order_and_bfloat16_is_half_a_float32(tmp_path):
    numbers = np.asfortranarray([[1.0, 2.0], [-3.0, 0.15625]])
    for dtype in ("float32", "bfloat16", "bool"):
        write_arrays(
            tmp_path, [Slot("x", dtype, (2, 2), f"{dtype}.bin")], {"x": numbers > 0 if dtype == "bool" else numbers}
        )
    assert (tmp_path / "float32.bin").read_bytes().hex() == "0000803f00000040000040c00000203e"
    assert (tmp_path / "bfloat16.bin").read_bytes().hex() == "803f004040c0203e"
    assert (tmp_path / "bool.bin").read_bytes().hex() == "01010001"


def test_others_read_our_safetensors(tmp_path):
    arrays = {
        "b": np.arange(3),
        "a/x": np.ones((2, 2), np.float32),
        "flag": np.asarray([True, False]),
        "none": np.zeros(0),
    }
    slots = [Slot(name, a.dtype.name, a.shape, "all.safetensors") for name, a in arrays.items()]
    write_arrays(tmp_path, slots, arrays)
    for name, array in load_file(tmp_path / "all.safetensors").items():
        np.testing.assert_array_equal(array, arrays.pop(name))
    assert not arrays


@pytest.mark.parametrize(
    ("content", "dtype", "said"),
    [
        (b"\0" * 23, "float32", "has 23 bytes, where x, float32 of shape (2, 3), needs 24"),
        (b"", "float32", "has 0 bytes"),
        (b"\0" * 25, "float32", "has 25 bytes"),
        (b"\0\1\0\1\0\2", "bool", "a bool is a byte of 0 or 1, x has one of 2"),
    ],
)
def test_raw_files_that_cannot_be_used_are_refused(tmp_path, content, dtype, said):
    (tmp_path / "x.bin").write_bytes(content)
    with pytest.raises(InputError, match=re.escape(said)):
        read_arrays(tmp_path, [Slot("x", dtype, (2, 3), "x.bin")])


def test_safetensors_that_cannot_be_used_are_refused(tmp_path):
    slot = Slot("x", "float32", (2, 3), "f.safetensors")
    write_arrays(tmp_path, [slot], {"x": np.ones((2, 3))})
    with pytest.raises(MissingInputError, match="f.safetensors has no array y; its arrays are x"):
        read_arrays(tmp_path, [slot._replace(name="y")])
    with pytest.raises(InputError, match=re.escape("x is float32 of shape (2, 3) instead of float32 of (3, 2)")):
        read_arrays(tmp_path, [slot._replace(shape=(3, 2))])
    with pytest.raises(InputError, match=re.escape("x is float32 of shape (2, 3) instead of float64 of (2, 3)")):
        read_arrays(tmp_path, [slot._replace(dtype="float64")])
    (tmp_path / slot.file).write_bytes((tmp_path / slot.file).read_bytes()[:-1])
    with pytest.raises(InputError, match="f.safetensors: array x ends beyond the file"):
        read_arrays(tmp_path, [slot])


def test_a_missing_file_is_named_with_what_belongs_there(tmp_path):
    with pytest.raises(
        MissingInputError, match=re.escape("x.bin is missing: x, float32 of shape (2, 3), belongs there")
    ):
        read_arrays(tmp_path, [Slot("x", "float32", (2, 3), "x.bin")])
