"""`vosref.weights` against zip archives that are not as PyTorch writes them, or claim what they do not hold."""

import tracemalloc
import zipfile

import legacy_torch
import numpy as np
import pytest
from legacy_torch import Storage, Tensor, refused, small_state_dict, tensor
from zip_torch import archive, content, entries

from vosref.weights import WeightsError, read_torch_file

GOOD = entries(small_state_dict())


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("weights") / "weights.pth"


@pytest.mark.parametrize("root", ["archive/", "davis_train.pth/", "a/b/", ""])
def test_the_folder_inside_the_archive_has_any_name(file, root):
    file.write_bytes(archive(GOOD, root=root))
    assert list(read_torch_file(file)) == ["weight", "bias", "steps"]


def test_files_from_before_the_byte_order_was_written_are_little_endian(file):
    file.write_bytes(content(small_state_dict(), byteorder=None))
    assert read_torch_file(file)["bias"].tolist() == [8, 9, 10, 11]
    refused(file, content(small_state_dict(), byteorder=b"big"), "big-endian files are not read")


def test_bfloat16_is_widened_to_the_same_numbers(file):
    exact = np.asarray([1, -2.5, 2.0**-126, 0, np.inf, (2 - 2**-7) * 2.0**127], "<f4")  # the last: the largest
    halves = (exact.view("<u4") >> np.uint32(16)).astype("<u2")
    state = {"x": Tensor(Storage(halves, "1", kind="BFloat16Storage"), 1, (5,), (1,))}
    for writer in (content, legacy_torch.content):
        file.write_bytes(writer(state))
        got = read_torch_file(file)["x"]
        assert got.dtype == np.float32
        assert np.array_equal(got, exact[1:])


def test_compressed_entries_are_refused_however_small_a_bomb_packs(file):
    bomb = archive({"data.pkl": GOOD["data.pkl"], "data/10": bytes(2**24)}, compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 2**16
    tracemalloc.start()
    try:
        refused(file, bomb, "entry archive/data.pkl is compressed, which PyTorch's never are")
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def overlapping():
    """An archive whose directory lists one run of bytes a hundred times under as many names."""
    blob = archive({"data.pkl": GOOD["data.pkl"], "data/0": bytes(2**16)}, root="")
    start, end = blob.index(b"PK\x01\x02"), blob.index(b"PK\x05\x06")
    directory = blob[start:end]
    second = directory[directory.index(b"PK\x01\x02", 4) :]
    many = directory + b"".join(second.replace(b"data/0", b"data%02d" % i) for i in range(100))
    tail = bytearray(blob[end:])
    tail[8:10] = tail[10:12] = (102).to_bytes(2, "little")
    tail[12:16] = len(many).to_bytes(4, "little")
    return blob[:start] + many + bytes(tail)


def test_entries_that_overlap_are_refused(file):
    refused(file, overlapping(), "the archive's entries overlap, or are longer than the file|damaged")


def test_two_entries_of_one_name_are_refused(file):
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = archive([*GOOD.items(), ("data/10", bytes(48))])
    refused(file, twice, "two entries of one name")


@pytest.mark.parametrize("length", [0, 44, 52, 480])
def test_a_storage_of_another_length_than_described_is_refused(file, length):
    message = f"storage 10 should hold 12 numbers in 48 bytes, but has {length} bytes"
    refused(file, archive(GOOD | {"data/10": bytes(length)}), message)


def test_a_missing_storage_is_named(file):
    refused(file, archive({k: v for k, v in GOOD.items() if k != "data/20"}), "storage 20 is missing from the archive")


@pytest.mark.parametrize("length", [2**31, 2**61, -1])
def test_a_storage_that_claims_to_be_huge_reserves_nothing(file, length):
    state = {"x": Tensor(Storage(np.zeros(3, "<f4"), "1", length=length), 0, (3,), (1,))}
    refused(file, content(state), f"storage 1 should hold {length} numbers")


def test_other_archives_are_named(file):
    refused(file, archive({"word/document.xml": b"<xml/>"}, root=""), "not one that PyTorch wrote")
    refused(file, archive(GOOD | {"sub/data.pkl": b""}), "not one that PyTorch wrote: a single data.pkl is missing")
    refused(file, archive(GOOD | {"constants.pkl": b"", "code/x.py": b""}), "this is a TorchScript program")


def test_names_that_could_steer_a_terminal_are_escaped(file):
    state = {"x": tensor(np.zeros(2, "<f4"), "\x1b[31m")}
    parts = {name: data for name, data in entries(state).items() if "[31m" not in name}
    refused(file, archive(parts), r"storage '\\x1b\[31m' is missing")


def test_the_checksum_of_an_entry_is_checked(file):
    data = archive(GOOD)
    at = data.index(GOOD["data/10"])
    with pytest.raises(WeightsError, match="damaged.*Bad CRC-32"):
        file.write_bytes(data[:at] + b"\x01" + data[at + 1 :])
        read_torch_file(file)
