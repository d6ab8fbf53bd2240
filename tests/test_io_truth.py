"""Ground truth: found by the names of the frames, and every mask of it checked before any work is done."""

import numpy as np
import pytest

from vosref.io import InputError, MissingInputError, davis_palette, read_mask, truth_masks, write_mask


def save(path, width=24):
    write_mask(path, np.ones((12, width), np.uint8), palette=davis_palette())
    return path


def test_truth_is_found_by_the_names_of_the_frames(tmp_path):
    for name in ("10", "2", "extra", ".3"):
        save(tmp_path / f"{name}.png")
    (tmp_path / "3.jpg").write_bytes(b"x")
    truth = truth_masks(tmp_path, ["2", "3", "10"], size=(12, 24))
    assert truth == {"2": tmp_path / "2.png", "10": tmp_path / "10.png"}
    assert list(truth) == ["2", "10"]


def test_truth_that_is_not_there_is_missing(tmp_path):
    with pytest.raises(MissingInputError, match=r"--truth: .*none does not exist; give the folder"):
        truth_masks(tmp_path / "none", ["0"], size=(12, 24))
    with pytest.raises(MissingInputError, match=r"holds no mask \(\.png .*\), none of them named like a frame \('0'\)"):
        truth_masks(tmp_path, ["0"], size=(12, 24))
    path = save(tmp_path / "a.png")
    with pytest.raises(MissingInputError, match=r"holds masks named 'a', none of them named like a frame \('0', '1'\)"):
        truth_masks(tmp_path, iter(["0", "1"]), size=(12, 24))
    with pytest.raises(InputError, match=r"--gt: .*a\.png is not a folder") as caught:
        truth_masks(path, ["0"], size=(12, 24), argument="--gt")
    assert not isinstance(caught.value, MissingInputError)


def test_truth_that_cannot_be_used_is_refused_wherever_it_comes(tmp_path):
    first, last = save(tmp_path / "0.png"), save(tmp_path / "1.png", width=36)
    with pytest.raises(InputError, match=r"^--truth: .*1\.png is 36x12 but the frames are 24x12 \(width x height\)"):
        truth_masks(tmp_path, ["0", "1"], size=(12, 24))
    last.write_bytes(first.read_bytes()[:60])
    with pytest.raises(InputError, match=r"^--gt: .*1\.png is truncated or corrupt"):
        truth_masks(tmp_path, ["0", "1"], size=(12, 24), argument="--gt")
    last.write_bytes(b"hello")
    with pytest.raises(InputError, match=r"1\.png is not an image \(5 bytes"):
        truth_masks(tmp_path, ["0", "1"], size=(12, 24))


def test_real_binary_masks_are_object_1(shared_data):
    root = shared_data / "davis2016" / "Annotations" / "480p" / "bmx-bumps"
    truth = truth_masks(root, sorted(p.stem for p in root.iterdir()), size=(480, 854))
    masks = [read_mask(p, size=(480, 854), allow_empty=True, allow_void=True) for p in truth.values()]
    assert sum(m.binary and m.objects == (1,) for m in masks) == 37
    assert sum(m.objects == () for m in masks) == 8
    assert masks[0].palette == davis_palette()
