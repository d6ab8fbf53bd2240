"""YouTube-VOS and YouTube-Objects: splits and their lists, objects that come late, masks of some frames."""

import shutil

import layouts
import numpy as np
import pytest
from layouts import mask, numbered, write

from vosref.datasets import Object, annotation, given, given_mask, open_dataset, open_video_frames
from vosref.io import InputError, MissingInputError


@pytest.fixture(params=[False, True], ids=["folder", "zip"])
def vos(request, tmp_path):
    return write(tmp_path / "vos", layouts.youtube_vos(), packed=request.param)


def test_the_valid_set_has_every_fifth_frame_and_its_list_of_objects(vos):
    dataset = open_dataset("youtube_vos", vos)
    assert (list(dataset), dataset.subset, dataset.protocol) == (["early", "late"], "valid", "youtube_vos")
    assert dataset.seen == {"ape", "zebra"}
    late = dataset["late"]
    assert list(late.frames) == list(late.asked) == numbered(4, 5)
    assert list(late.masks) == ["00005", "00010"]
    assert late.objects == {
        2: Object("penguin", ("00005", "00010")),
        5: Object("ape", ("00010",)),
        7: Object("penguin", ("00005",)),
    }
    assert list(open_dataset("youtube_vos", vos, subset="val")) == ["early", "late"]


def test_objects_are_given_where_they_first_appear(vos):
    dataset = open_dataset("youtube_vos", vos)
    late = dataset["late"]
    assert given(late) == {"00005": (2, 7), "00010": (5,)}
    first = given_mask(late, "00005", (2, 7))
    assert (first.objects, first.ids[0].tolist()) == ((2, 7), [2, 7, *[0] * 8])
    assert given(dataset["early"]) == {"00000": (1,)}


def test_all_frames_take_masks_list_and_what_is_asked_from_the_set_beside_them(vos):
    every = open_dataset("youtube_vos", vos, subset="valid_all_frames")
    assert (every.subset, every.seen) == ("valid_all_frames", {"ape", "zebra"})
    late = every["late"]
    assert (list(late.frames), list(late.masks)) == (numbered(16), ["00005", "00010"])
    assert list(late.asked) == numbered(4, 5)
    assert given(late) == {"00005": (2, 7), "00010": (5,)}


def test_the_root_may_be_the_split_itself(tmp_path):
    root = write(tmp_path / "vos", layouts.youtube_vos())
    valid = open_dataset("youtube_vos", root / "valid")
    assert (list(valid), valid.subset, valid.seen) == (["early", "late"], "valid", {"ape", "zebra"})
    every = open_dataset("youtube_vos", root / "valid_all_frames")
    assert (every.subset, list(every["early"].asked)) == ("valid_all_frames", numbered(2, 5))
    shutil.move(root / "valid_all_frames", tmp_path / "alone" / "valid_all_frames")
    shutil.copytree(root / "valid/Annotations", tmp_path / "alone/valid_all_frames/Annotations")
    alone = open_dataset("youtube_vos", tmp_path / "alone" / "valid_all_frames")
    assert (alone.seen, alone["early"].asked, alone["early"].objects) == (None, None, {})
    (root / "valid").rename(tmp_path / "renamed")
    assert open_dataset("youtube_vos", tmp_path / "renamed").subset == "valid"


def test_the_root_may_hold_the_archives_as_they_are_published(tmp_path):
    files = layouts.youtube_vos() | layouts.frames_of("train/JPEGImages/other", numbered(1))
    (tmp_path / "vos").mkdir()
    for split in ("train", "valid", "valid_all_frames"):
        part = {name: content for name, content in files.items() if name.startswith(f"{split}/")}
        write(tmp_path / "vos" / split, part, packed=True)
    every = open_dataset("youtube_vos", tmp_path / "vos", subset="valid_all_frames")
    assert every.seen == {"ape", "zebra"}
    assert (list(every["late"].masks), list(every["late"].asked)) == (["00005", "00010"], numbered(4, 5))
    valid = open_dataset("youtube_vos", tmp_path / "vos" / "valid.zip")
    assert (list(valid), valid.seen) == (["early", "late"], {"ape", "zebra"})


def test_the_categories_of_training_may_come_from_a_file(tmp_path):
    root = write(tmp_path / "vos", layouts.youtube_vos())
    (tmp_path / "seen.txt").write_text("giant panda\nape\n\n")
    assert open_dataset("youtube_vos", root, seen=tmp_path / "seen.txt").seen == {"giant panda", "ape"}
    assert open_dataset("youtube_vos", root, seen=root / "valid/meta.json").seen == {"penguin", "ape"}
    (root / "train/meta.json").unlink()
    assert open_dataset("youtube_vos", root).seen is None
    with pytest.raises(MissingInputError, match=r"youtube_vos: .*none\.txt cannot be read"):
        open_dataset("youtube_vos", root, seen=tmp_path / "none.txt")


def test_some_videos_can_be_chosen_and_missing_ones_are_named(tmp_path):
    root = write(tmp_path / "vos", layouts.youtube_vos())
    (tmp_path / "mine.txt").write_text("late\n")
    mine = open_dataset("youtube_vos", root, subset=str(tmp_path / "mine.txt"))
    assert (list(mine), mine.subset) == (["late"], str(tmp_path / "mine.txt"))
    shutil.rmtree(root / "valid/JPEGImages/early")
    with pytest.raises(MissingInputError, match=r"valid.JPEGImages lacks 1 of the 2 videos of the set \(early\)"):
        open_dataset("youtube_vos", root)
    with pytest.raises(
        MissingInputError, match=r"vos holds train, valid, valid_all_frames, and no test with JPEGImages"
    ):
        open_dataset("youtube_vos", root, subset="test")


@pytest.mark.parametrize("content", [b"no json", b"[]", b'{"videos": {"late": {}}}', b'{"videos": []}', b"\xff"])
def test_a_list_that_cannot_be_read_is_named(tmp_path, content):
    root = write(tmp_path / "vos", layouts.youtube_vos() | {"valid/meta.json": content})
    with pytest.raises(InputError, match=r"youtube_vos: .*valid.meta\.json (is not YouTube-VOS's list|cannot be read)"):
        open_dataset("youtube_vos", root)


@pytest.mark.parametrize("packed", [False, True])
def test_youtube_objects_has_classes_videos_and_shots(tmp_path, packed):
    dataset = open_dataset("youtube_objects", write(tmp_path / "yto", layouts.youtube_objects(), packed=packed))
    assert list(dataset) == ["cat/0001", "cow/0002/001", "cow/0002/002"]
    video = dataset["cow/0002/001"]
    assert (list(video.frames), list(video.masks)) == (numbered(3), ["00001"])
    assert (video.objects, dataset.protocol) == ({1: Object("cow")}, "youtube_objects")
    assert given(video) == {"00001": (1,)}


@pytest.mark.parametrize("packed", [False, True])
def test_youtube_objects_opens_as_it_was_published(tmp_path, packed):
    root = write(tmp_path / "yto", layouts.youtube_objects_as_published(), packed=packed)
    dataset = open_dataset("youtube_objects", root)
    assert list(dataset) == ["cat/0001", "cow/0002/001", "cow/0002/003"]
    video = dataset["cat/0001"]
    assert (list(video.frames), list(video.masks)) == (
        ["frame0001", "frame0002", "frame0011"],
        ["frame0001", "frame0011"],
    )
    assert given(video) == {"frame0001": (1,)}
    found = annotation(video, "frame0011", size=open_video_frames(video).size)
    assert (found.objects, found.binary) == ((1,), True)
    assert np.array_equal(found.ids, annotation(video, "frame0001").ids)
    assert found.ids[:, :7].all()
    with pytest.raises(InputError, match=r"00011\.jpg is 10x6 but the frames are 12x8"):
        annotation(video, "frame0011", size=(8, 12))


def test_a_mask_that_lacks_what_its_list_promises_is_named(tmp_path):
    root = write(tmp_path / "vos", layouts.youtube_vos() | {"valid/Annotations/late/00005.png": mask(2)})
    late = open_dataset("youtube_vos", root)["late"]
    with pytest.raises(InputError, match=r"late: .*00005\.png should give object 7 and has no pixel of it, but of 2"):
        given_mask(late, "00005", given(late)["00005"])
