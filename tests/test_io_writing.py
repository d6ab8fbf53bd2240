"""Results are written whole or not at all, with the same bytes for the same result, and never over what is no file."""

import os

import numpy as np
import pytest
from PIL import Image

from vosref.io import InputError, atomic_path, davis_palette, output_folder, read_mask, write_mask, write_text

OWN = bytes(range(255, -1, -1)) * 3


def test_a_mask_survives_writing_and_reading(tmp_path):
    ids = np.kron(np.arange(6, dtype=np.uint8).reshape(2, 3), np.ones((5, 7), np.uint8))
    ids[0, 0] = 254
    write_mask(tmp_path / "mäsk 0.png", ids, palette=OWN)
    mask = read_mask(tmp_path / "mäsk 0.png", size=ids.shape)
    assert np.array_equal(mask.ids, ids)
    assert mask.palette == OWN
    with Image.open(tmp_path / "mäsk 0.png") as image:
        assert (image.format, image.mode, image.size, image.info) == ("PNG", "P", (21, 10), {})


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.uint16])
def test_equal_masks_give_equal_bytes(tmp_path, dtype):
    ids = np.arange(60).reshape(6, 10) // 7
    write_mask(tmp_path / "a.png", ids.astype(np.uint8), palette=davis_palette())
    write_mask(tmp_path / "b.png", np.asfortranarray(ids.astype(dtype)), palette=davis_palette())
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_an_empty_mask_is_written(tmp_path):
    write_mask(tmp_path / "a.png", np.zeros((4, 5), np.uint8), palette=OWN)
    assert read_mask(tmp_path / "a.png", allow_empty=True).objects == ()


@pytest.mark.parametrize(
    ("ids", "palette", "message"),
    [
        (np.zeros((2, 2)), OWN, r"ids must be integers of shape \(H, W\), got float64 of shape \(2, 2\)"),
        (np.zeros((2, 2, 1), int), OWN, r"ids must be integers of shape \(H, W\), got int64 of shape \(2, 2, 1\)"),
        (np.zeros((0, 2), int), OWN, r"ids must be integers of shape \(H, W\), got int64 of shape \(0, 2\)"),
        (np.full((2, 2), 255), OWN, "ids must be 0 to 254, got 255 to 255"),
        (np.full((2, 2), -1), OWN, "ids must be 0 to 254, got -1 to -1"),
        (np.zeros((2, 2), int), OWN[:9], "palette must have 768 bytes, got 9"),
    ],
)
def test_what_is_no_mask_is_not_written(tmp_path, ids, palette, message):
    with pytest.raises(ValueError, match=message):
        write_mask(tmp_path / "a.png", ids, palette=palette)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("interruption", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_interrupted_write_leaves_nothing_behind_and_the_old_file_as_it_was(tmp_path, interruption):
    def write_half(path):
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise interruption

    (tmp_path / "old.json").write_text("old")
    for name in ("old.json", "new.json"):
        with pytest.raises(interruption):
            write_half(tmp_path / name)
    assert [p.name for p in tmp_path.iterdir()] == ["old.json"]
    assert (tmp_path / "old.json").read_text() == "old"


def test_an_interrupted_mask_leaves_nothing_behind(tmp_path, monkeypatch):
    def interrupted(self, path, **options):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(Image.Image, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_mask(tmp_path / "a.png", np.ones((2, 2), int), palette=OWN)
    assert list(tmp_path.iterdir()) == []


def test_a_temporary_file_is_hidden_beside_its_target_and_keeps_the_suffix(tmp_path):
    with atomic_path(tmp_path / "video.mp4") as temporary:
        assert (temporary.parent, temporary.suffix, temporary.name[0]) == (tmp_path.resolve(), ".mp4", ".")
        temporary.write_bytes(b"x")
    assert [p.name for p in tmp_path.iterdir()] == ["video.mp4"]


def test_a_link_is_followed_and_a_pipe_is_written_itself(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder" / "report.txt")
    write_text(tmp_path / "link", "x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder" / "report.txt").read_text() == "x"
    os.mkfifo(tmp_path / "pipe")
    with atomic_path(tmp_path / "pipe") as itself:
        assert itself == (tmp_path / "pipe").resolve()
    assert (tmp_path / "pipe").is_fifo()


def test_text_is_written_as_it_is(tmp_path):
    write_text(tmp_path / "a.csv", "größe\r\n1\n")
    assert (tmp_path / "a.csv").read_bytes() == "größe\r\n1\n".encode()
    write_text(tmp_path / "a.csv", "second")
    assert (tmp_path / "a.csv").read_text() == "second"


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "none" / "a.txt", tmp_path / "file" / "a.txt", tmp_path):
        with pytest.raises(InputError, match=r"cannot be written \(.+\); choose another place"):
            write_text(path, "x")
        with pytest.raises(InputError, match=r"cannot be written \(.+\); choose another place"):
            write_mask(path, np.ones((2, 2), int), palette=OWN)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    def full(self, *arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(tmp_path), "write_text", full)
    with pytest.raises(InputError, match=r"a\.txt cannot be written \(No space left on device\)"):
        write_text(tmp_path / "a.txt", "x")


def test_an_output_folder_is_made_with_its_parents_and_left_empty(tmp_path):
    assert output_folder(str(tmp_path / "a" / "b ö")) == tmp_path / "a" / "b ö"
    output_folder(tmp_path / "a" / "b ö")
    assert list((tmp_path / "a" / "b ö").iterdir()) == []


def test_an_output_folder_that_is_a_file_or_lies_below_one_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match=r"--out: .*file is a file; give a folder, or move the file away"):
        output_folder(tmp_path / "file")
    with pytest.raises(
        InputError, match=r"--masks: .*deep cannot be written \(Not a directory\); choose another folder"
    ):
        output_folder(tmp_path / "file" / "deep", argument="--masks")


def test_an_output_folder_without_permission_is_refused(tmp_path, monkeypatch):
    def read_only(self, *arguments, **options):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(type(tmp_path), "touch", read_only)
    with pytest.raises(InputError, match=r"--out: .* cannot be written \(Read-only file system\)"):
        output_folder(tmp_path)
