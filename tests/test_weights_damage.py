"""`vosref.weights` against files that are damaged or lie about themselves: no wrong number, no wasted memory."""

import pickle
import tracemalloc

import legacy_torch
import numpy as np
import pytest
import zip_torch
from hypothesis import given
from hypothesis import strategies as st
from legacy_torch import Storage, Tensor, refused, tensor, with_pickle

from vosref.weights import WeightsError, read_torch_file

GOOD = {"legacy": legacy_torch, "zip": zip_torch}
GOOD = {kind: writer.content(legacy_torch.small_state_dict()) for kind, writer in GOOD.items()}
BOTH = pytest.mark.parametrize("good", GOOD.values(), ids=GOOD)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("weights") / "weights.pth"


@BOTH
def test_a_file_cut_short_anywhere_is_refused(file, good):
    for length in range(len(good)):
        refused(file, good[:length], "truncated|damaged|asks to load")


def test_a_file_cut_short_in_the_length_of_an_empty_storage_is_refused(file):
    content = legacy_torch.content({"x": tensor(np.zeros(0, "<f4"), "1")})
    for length in range(len(content) - 8, len(content)):
        refused(file, content[:length], "truncated")


def read_or_refuse(file, content):
    """Read a damaged file: arrays or a WeightsError, in no more memory than a small file deserves."""
    file.write_bytes(content)
    tracemalloc.start()
    try:
        arrays = read_torch_file(file)
        assert all(isinstance(name, str) and isinstance(a, np.ndarray) for name, a in arrays.items())
    except WeightsError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 2**20


CHANGES = [0x80, 0x7F, 0xFF, 0x01]


@pytest.mark.parametrize("change", CHANGES, ids=hex)
def test_a_damaged_byte_anywhere_gives_arrays_or_a_refusal(file, change):
    good = GOOD["legacy"]
    for i in range(len(good)):
        read_or_refuse(file, good[:i] + bytes([good[i] ^ change]) + good[i + 1 :])


@pytest.mark.parametrize("change", CHANGES, ids=hex)
def test_a_damaged_byte_of_an_archive_gives_arrays_or_a_refusal(file, change):
    good = GOOD["zip"]  # longer, and slower to read: the four together damage each of its bytes
    for i in range(CHANGES.index(change), len(good), len(CHANGES)):
        read_or_refuse(file, good[:i] + bytes([good[i] ^ change]) + good[i + 1 :])


@pytest.mark.parametrize("writer", [legacy_torch, zip_torch])
@given(
    damage=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=4)), min_size=1, max_size=5),
    protocol=st.integers(2, 5),
)
def test_random_damage_gives_arrays_or_a_refusal(file, writer, damage, protocol):
    content = bytearray(writer.content(legacy_torch.small_state_dict(), protocol=protocol))
    for place, values in damage:
        start = int(place * (len(content) - 1))
        content[start : start + len(values)] = values
    read_or_refuse(file, bytes(content))


@BOTH
@given(noise=st.binary(max_size=60), kept=st.floats(0, 1))
def test_noise_gives_a_refusal(file, good, noise, kept):
    read_or_refuse(file, good[: int(kept * len(good))] + noise)


@pytest.mark.parametrize(
    "claim",
    [
        b"\x80\x02]r\x00\x00\x40\x00.",  # remember this under number 2^22: the unpickler in C makes room for as many
        b"\x80\x05\x96\x00\x00\x00\x01\x00\x00\x00\x00.",  # a bytearray of 2^24 bytes
        b"\x80\x04\x8e\x00\x00\x00\x01\x00\x00\x00\x00.",  # a string of 2^24 bytes
        b"\x80\x04\x95\x00\x00\x00\x01\x00\x00\x00\x00.",  # a frame of 2^24 bytes
        b"\x80\x02\x8b\x00\x00\x00\x01\x01.",  # a number of 2^24 bytes
    ],
    ids=["memo", "bytearray", "bytes", "frame", "long"],
)
@pytest.mark.parametrize("position", range(5))
def test_a_pickle_that_claims_to_be_huge_reserves_nothing(file, claim, position):
    read_or_refuse(file, with_pickle(position, claim))
    read_or_refuse(file, zip_torch.with_pickle(claim))


@pytest.mark.parametrize("writer", [legacy_torch, zip_torch])
def test_a_pickle_that_copies_its_dicts_again_and_again_is_refused(file, writer):
    # {"list of pairs": the pairs, "a": dict(the pairs), "b": dict(the pairs), …}: a byte asks for a thousand copies.
    pairs = b"]q\x01(" + b"".join(b"]q\x02(K" + bytes([i]) + b"K\x00e" for i in range(200)) + b"e"
    copy = b"ccollections\nOrderedDict\nq\x03h\x01\x85R0"
    claim = b"\x80\x02}" + pairs + b"0" + copy + b"h\x03h\x01\x85R0" * 1000 + b"."
    data = with_pickle(3, claim) if writer is legacy_torch else zip_torch.with_pickle(claim)
    refused(file, data, "the dicts that the file copies outgrow it")


@pytest.mark.parametrize("length", [4, 2**31, 2**61, 2**63 - 1, -1])
def test_a_storage_that_claims_another_length_is_refused_and_reserves_nothing(file, length):
    claimed = Tensor(Storage(np.zeros(3, "<f4"), "1", length=length), 0, (3,), (1,))
    pickles, _ = legacy_torch.parts({"x": claimed})
    for header in (length % 2**64, 3):
        content = b"".join(pickles) + header.to_bytes(8, "little") + bytes(12)
        read_or_refuse(file, content)
        refused(file, content, f"storage 1 should hold {length} numbers")


def test_a_length_that_differs_from_the_description_is_refused(file):
    pickles, _ = legacy_torch.parts({"x": tensor(np.zeros(3, "<f4"), "1")})
    refused(file, b"".join(pickles) + (2).to_bytes(8, "little") + bytes(12), "should hold 3 numbers, but says 2")


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [
        (1, (6,), (1,)),
        (6, (), ()),
        (0, (2, 3), (4, 1)),
        (0, (2,), (2**62,)),
        (-1, (2,), (1,)),
        (0, (-2,), (1,)),
        (3, (2,), (-1,)),
        (0, (2, 3), (1,)),
        (0, (10**9,), (0,)),
        (0, (1,), (2**70,)),
        (0, (2.5,), (1,)),
        (0, "2", (1,)),
    ],
)
def test_an_array_outside_its_storage_is_refused(file, offset, shape, strides):
    state = {"x": Tensor(Storage(np.arange(6, dtype="<f4"), "1"), offset, shape, strides)}
    refused(file, legacy_torch.content(state), "outside its storage of 6 numbers|negative|damaged")


def test_a_number_of_an_empty_storage_is_refused(file):  # it would be read from memory that is not the file's
    state = {"x": Tensor(Storage(np.zeros(0, "<f4"), "1"), 0, (), ())}
    refused(file, legacy_torch.content(state), "outside its storage of 0 numbers")


def test_an_array_of_no_storage_is_refused(file):
    refused(file, legacy_torch.content({"x": Tensor([1, 2], 0, (2,), (1,))}), "built from a storage, got list")


def test_storages_that_are_views_or_contradict_each_other_are_refused(file):
    view = Tensor(Storage(np.zeros(3), "1", view=("2", 0, 3)), 0, (3,), (1,))
    refused(file, legacy_torch.content({"x": view}), "must be a whole storage")
    twice = {"x": tensor(np.zeros(2, "<f4"), "1"), "y": tensor(np.zeros(1, "<f8"), "1")}
    refused(file, legacy_torch.content(twice), "storage 1 is described twice, differently")


@pytest.mark.parametrize("keys", [[], ["10"], ["10", "20", "30"], ["10", "10"], ["10", 20], 3, None])
def test_a_list_of_other_storages_is_refused(file, keys):
    refused(file, with_pickle(4, pickle.dumps(keys, 2)), "not those that its arrays use|damaged")


@pytest.mark.parametrize("value", [[], None, 3, {1: 2}, "weights"])
def test_what_is_no_state_dict_is_refused(file, value):
    refused(file, legacy_torch.content(value), "a state dict, names to arrays, is expected, got a")


def test_other_formats_are_named(file):
    refused(file, legacy_torch.content({}, magic=1), "magic number of a legacy PyTorch file is missing")
    refused(file, legacy_torch.content({}, version=1000), "protocol version 1001, this file has another")
    big = legacy_torch.SYSTEM | {"little_endian": False}
    refused(file, legacy_torch.content({}, system=big), "big-endian files are not read")
    refused(file, b"", "not a legacy PyTorch file, or damaged")
