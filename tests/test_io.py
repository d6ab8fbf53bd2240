"""The edge of the library as a whole: its names, its errors, and the inputs that a careless user hands over."""

import pickle

import numpy as np
import pytest
from PIL import Image

import vosref.io
from vosref.io import InputError, MissingInputError, open_frames, read_mask
from vosref.io.images import examples, natural_key, spell_size


def test_every_public_name_is_there_and_documented():
    assert sorted(vosref.io.__all__) == vosref.io.__all__
    for name in set(vosref.io.__all__) - {"Frame"}:
        assert getattr(vosref.io, name).__doc__


@pytest.mark.parametrize("kind", [InputError, MissingInputError])
def test_an_error_is_its_plain_message(kind):
    error = kind("frames: /x does not exist")
    assert str(error) == "frames: /x does not exist"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    travelled = kind.__new__(kind, *error.args)  # how some pickle errors that have a traceback
    travelled.args = error.args
    assert str(travelled) == str(error)
    assert isinstance(error, ValueError)


def test_a_missing_input_is_also_a_file_not_found():
    assert issubclass(MissingInputError, InputError)
    assert issubclass(MissingInputError, FileNotFoundError)


def test_names_sort_as_people_count():
    names = ["frame10", "frame2", "Frame1", "frame02", "a", "10", "9"]
    assert sorted(names, key=natural_key) == ["9", "10", "a", "Frame1", "frame02", "frame2", "frame10"]


def test_messages_spell_sizes_and_lists_as_people_do():
    assert spell_size((480, 854)) == "854x480"
    assert examples(["b"]) == "'b'"
    assert examples(["10", "2", "1", "3"]) == "'1', '2', '3', ..."


def _bad_inputs(tmp_path):
    """Frames and mask of every broken input, what is broken in it, and the word that says so."""
    rng = np.random.default_rng(0)
    good, empty, cut, vary = (tmp_path / name for name in ("good", "empty", "cut", "vary"))
    for folder in (good, empty, cut, vary):
        folder.mkdir()
    for t in range(3):
        photo = Image.fromarray(rng.integers(0, 255, (48, 64, 3)).astype(np.uint8))
        photo.save(good / f"{t:05d}.jpg")
        data = (good / f"{t:05d}.jpg").read_bytes()
        (cut / f"{t:05d}.jpg").write_bytes(data if t == 0 else data[: len(data) // 3])
        (photo if t < 2 else photo.resize((40, 30))).save(vary / f"{t:05d}.jpg")
    masks = {
        "mask": np.eye(48, 64, dtype=np.uint8),
        "small": np.ones((10, 10), np.uint8),
        "background": np.zeros((48, 64), np.uint8),
        "noise": rng.integers(0, 255, (48, 64)).astype(np.uint8),
    }
    for name, ids in masks.items():
        Image.fromarray(ids).save(tmp_path / f"{name}.png")
    (tmp_path / "text.png").write_bytes(b"hello")
    mask = tmp_path / "mask.png"
    return {
        "no folder": (tmp_path / "none", mask, r"none does not exist"),
        "empty folder": (empty, mask, r"empty holds no image"),
        "no mask": (good, tmp_path / "none.png", r"none\.png does not exist"),
        "mask of another size": (good, tmp_path / "small.png", r"10x10 but the frames are 64x48"),
        "all background": (good, tmp_path / "background.png", r"all background"),
        "hundreds of ids": (good, tmp_path / "noise.png", r"25\d grey levels"),
        "photo as mask": (good, good / "00000.jpg", r"a JPEG image, a photo's format"),
        "not an image": (good, tmp_path / "text.png", r"is not an image \(5 bytes that start with b'hello'\)"),
        "truncated frame": (cut, mask, r"00001\.jpg is truncated or corrupt .* \(2 of the 3 frames"),
        "sizes vary": (vary, mask, r"00002\.jpg is 40x30 but 00000\.jpg is 64x48"),
    }


CASES = (
    "no folder",
    "empty folder",
    "no mask",
    "mask of another size",
    "all background",
    "hundreds of ids",
    "photo as mask",
    "not an image",
    "truncated frame",
    "sizes vary",
)


@pytest.mark.parametrize("case", CASES)
def test_a_broken_input_is_refused_in_one_line_that_names_it(tmp_path, case):
    frames, mask, message = _bad_inputs(tmp_path)[case]
    with pytest.raises(InputError, match=message) as caught:
        read_mask(mask, size=open_frames(frames).size)
    assert str(caught.value).count("\n") == 0
    assert str(caught.value).startswith(("frames: ", "--mask: "))
    assert str(tmp_path) in str(caught.value)
    assert isinstance(caught.value, MissingInputError) == (case in ("no folder", "no mask"))
