"""Data sets: DAVIS and plain folders, the same from folder and archive, listed when asked; what is missing is named."""

import pickle

import layouts
import numpy as np
import pytest
from layouts import frames_of, mask, numbered, write

from vosref.datasets import KINDS, annotation, open_dataset, open_video_frames
from vosref.io import InputError, MissingInputError
from vosref.io.frames import FileFrames
from vosref.io.images import decode_image

LAYOUTS = {kind: getattr(layouts, kind) for kind in KINDS}


def contents(dataset):
    """Everything that a data set holds, decoded."""
    return {
        name: (
            [frame.tolist() for frame in open_video_frames(video)],
            {frame: annotation(video, frame).ids.tolist() for frame in video.masks},
            (tuple(video.frames), video.objects, video.asked),
        )
        for name, video in dataset.items()
    }


def wrapped(files):
    return {f"DAVIS/{name}": content for name, content in files.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_and_its_archive_are_the_same_data_set(tmp_path, kind):
    files = LAYOUTS[kind]()
    folder = open_dataset(kind, write(tmp_path / "set", files))
    archive = open_dataset(kind, write(tmp_path / "set", files, packed=True))
    assert len(folder) >= 1
    assert contents(folder) == contents(archive)
    assert (folder.kind, folder.subset, folder.protocol, folder.seen) == (
        archive.kind,
        archive.subset,
        archive.protocol,
        archive.seen,
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("packed", [False, True])
def test_opening_and_listing_decode_nothing(tmp_path, monkeypatch, kind, packed):
    root = write(tmp_path / "set", LAYOUTS[kind](), packed=packed)
    monkeypatch.setattr("PIL.Image.open", lambda *_: pytest.fail("something was decoded"))
    for video in open_dataset(kind, root).values():
        assert len(video.frames) >= len(video.masks) >= 1


@pytest.mark.parametrize("packed", [False, True])
def test_a_data_set_its_videos_and_their_frames_travel_between_processes(tmp_path, packed):
    dataset = open_dataset("davis2017", write(tmp_path / "set", layouts.davis2017(), packed=packed))
    again = pickle.loads(pickle.dumps(dataset))
    assert contents(again) == contents(dataset)
    frames = pickle.loads(pickle.dumps(open_video_frames(dataset["gold"])))
    assert np.array_equal(frames[3], open_video_frames(again["gold"])[-1])
    assert repr(again) == repr(dataset)
    assert "davis2017" in repr(again)


@pytest.mark.parametrize("pairs", [False, True])
@pytest.mark.parametrize("around", [dict, wrapped])
@pytest.mark.parametrize("packed", [False, True])
def test_davis_2016_has_the_videos_of_its_set_in_natural_order(tmp_path, pairs, around, packed):
    root = write(tmp_path / "set", around(layouts.davis2016(pairs=pairs)), packed=packed)
    dataset = open_dataset("davis2016", root)
    assert (list(dataset), dataset.subset, dataset.protocol, dataset.seen) == (
        ["bear", "camel"],
        "val",
        "davis2016",
        None,
    )
    bear = dataset["bear"]
    assert list(bear.frames) == list(bear.masks) == list(bear.asked) == numbered(4)
    assert (bear.name, bear.objects) == ("bear", {})
    assert annotation(bear, "00002").ids[0].tolist() == [1, 1, *[0] * 8]
    assert list(open_dataset("davis2016", root, subset="train")) == ["dog"]
    assert list(open_dataset("davis2016", root, subset="trainval")) == ["bear", "camel", "dog"]
    assert "dog" not in dataset
    with pytest.raises(KeyError):
        dataset["dog"]


def test_davis_2017_has_only_the_first_mask_of_test_dev(tmp_path):
    root = write(tmp_path / "set", layouts.davis2017())
    dataset = open_dataset("davis2017", root, subset="test-dev")
    assert list(dataset) == ["new"]
    assert (list(dataset["new"].frames), list(dataset["new"].masks)) == (numbered(3), ["00000"])
    assert annotation(dataset["new"], "00000").objects == (1, 2, 3)


def test_the_root_of_davis_2017_serves_davis_2016_with_its_objects_as_one(tmp_path):
    root = write(tmp_path / "set", layouts.davis2017())
    assert annotation(open_dataset("davis2017", root)["gold"], "00000").objects == (1, 2)
    merged = open_dataset("davis2016", root)
    assert (list(merged), merged.protocol) == (["gold"], "davis2016")
    found = annotation(merged["gold"], "00000")
    assert (found.objects, found.ids[0].tolist()) == ((1,), [1, 1, 1, *[0] * 7])


def test_davis_is_there_in_the_resolution_asked_for(tmp_path):
    root = write(tmp_path / "set", layouts.davis2017())
    large = open_dataset("davis2017", root, resolution="Full-Resolution")
    assert open_video_frames(large["gold"]).size == (12, 20)
    with pytest.raises(MissingInputError, match=r"JPEGImages holds 480p, Full-Resolution, where 1080p is wanted"):
        open_dataset("davis2017", root, resolution="1080p")


def test_without_lists_davis_has_every_sequence(tmp_path):
    files = {name: content for name, content in layouts.davis2017().items() if "ImageSets" not in name}
    root = write(tmp_path / "set", files)
    dataset = open_dataset("davis2017", root)
    assert (list(dataset), dataset.subset) == (["gold", "new"], None)
    with pytest.raises(MissingInputError, match="--set: val is no file, and there are no ImageSets in"):
        open_dataset("davis2017", root, subset="val")


def test_a_root_that_is_not_there_or_is_something_else_says_what_there_is(tmp_path):
    for kind in KINDS:
        with pytest.raises(MissingInputError, match=rf"^{kind}: .*none does not exist"):
            open_dataset(kind, tmp_path / "none")
        with pytest.raises(MissingInputError, match=rf"^{kind}: .*other holds stuff.*, and"):
            open_dataset(kind, write(tmp_path / "other", {"stuff/a.png": b""}))
    with pytest.raises(ValueError, match=r"kind must be one of davis2016, .*, got 'davis'"):
        open_dataset("davis", tmp_path)


def test_missing_sequences_frames_and_masks_are_named(tmp_path):
    root = write(tmp_path / "set", layouts.davis2017())
    with pytest.raises(
        MissingInputError, match=r"480p lacks 1 of the 1 videos of the set \(old\); there are 'gold', 'new'"
    ):
        open_dataset("davis2017", root, subset="train")
    for path in (root / "Annotations/480p/new/00000.png", *(root / "JPEGImages/480p/gold").iterdir()):
        path.rename(path.with_name("x" + path.name))
    (root / "Annotations/480p/gold").rename(root / "gone")
    with pytest.raises(
        MissingInputError, match=r"^gold: .*Annotations/480p/gold is not there; the masks of gold belong"
    ):
        open_dataset("davis2017", root)["gold"]
    test_dev = open_dataset("davis2017", root, subset="test-dev")
    with pytest.raises(MissingInputError, match=r"new holds masks named 'x00000', none named like a frame \('00000', "):
        test_dev["new"]
    (root / "Annotations/480p/new/x00000.png").unlink()
    with pytest.raises(MissingInputError, match=r"^new: .*480p/new holds no mask; the masks of new belong there"):
        test_dev["new"]
    for path in (root / "JPEGImages/480p/new").iterdir():
        path.unlink()
    with pytest.raises(InputError, match=r"^new: .*JPEGImages/480p/new holds no image \(.*; its frames belong there"):
        test_dev["new"]


@pytest.mark.parametrize("packed", [False, True])
def test_plain_folders_have_videos_at_any_depth(tmp_path, packed):
    dataset = open_dataset("folders", write(tmp_path / "set", layouts.folders(), packed=packed))
    assert (list(dataset), dataset.protocol, dataset.subset) == (["more/a/x", "more/b", "one"], "strict", None)
    assert (list(dataset["more/b"].frames), list(dataset["more/b"].masks)) == (["t2", "t10"], ["t2"])
    assert list(dataset["one"].masks) == ["00001"]


@pytest.mark.parametrize("packed", [False, True])
def test_one_video_in_frames_and_masks_is_called_like_the_root(tmp_path, packed):
    files = frames_of("frames", numbered(2)) | {"masks/00000.png": mask(1)}
    dataset = open_dataset("folders", write(tmp_path / "drifting", files, packed=packed))
    assert list(dataset) == ["drifting"]
    assert len(dataset["drifting"].frames) == 2


def test_the_videos_of_plain_folders_can_be_chosen_by_a_file_of_names(tmp_path):
    root = write(tmp_path / "set", layouts.folders())
    (tmp_path / "mine.txt").write_text("# two of three\none\nmore/b\n")
    assert list(open_dataset("folders", root, subset=str(tmp_path / "mine.txt"))) == ["more/b", "one"]


def test_frames_are_checked_when_they_are_read(tmp_path):
    files = layouts.davis2017() | {"JPEGImages/480p/gold/00002.jpg": layouts.picture(0, (8, 10))}
    files["JPEGImages/480p/gold/00003.jpg"] = b"\xff\xd8 broken"
    frames = open_video_frames(open_dataset("davis2017", write(tmp_path / "set", files, packed=True))["gold"])
    assert (frames.size, frames.names) == (layouts.SIZE, tuple(numbered(4)))
    read = frames.iterate()
    expected = decode_image(frames._files[1], argument="x")
    assert [frame.tolist() for frame in (next(read), next(read))][1] == np.asarray(expected).tolist()
    with pytest.raises(InputError, match=r"gold/00002\.jpg is 10x8 but 00000\.jpg is 10x6 \(width x height\)"):
        next(read)
    with pytest.raises(InputError, match=r"gold/00003\.jpg is truncated or corrupt"):
        frames[3]


def test_a_video_without_frames_and_a_data_set_without_videos_are_refused(tmp_path):
    with pytest.raises(InputError, match="frames: there are none; a video has at least one"):
        FileFrames({})
    root = write(tmp_path / "set", {"JPEGImages/480p/a.txt": b"", "Annotations/480p/a.txt": b""})
    with pytest.raises(MissingInputError, match=r"480p holds no video; each has a folder of its own there"):
        open_dataset("davis2017", root)


def test_the_samples_of_this_project_open_as_plain_folders():
    samples = layouts.__file__.replace("tests/layouts.py", "data_samples")
    dataset = open_dataset("folders", samples)
    assert list(dataset) == ["one-drifting", "three-hiding", "two-crossing"]
    assert all(len(video.frames) == len(video.masks) > 1 for video in dataset.values())


def test_real_davis_2016_opens(shared_data):
    dataset = open_dataset("davis2016", shared_data / "davis2016")
    lengths = {name: len(video.frames) for name, video in dataset.items()}
    assert lengths == {
        "blackswan": 50,
        "bmx-trees": 80,
        "camel": 90,
        "car-shadow": 40,
        "horsejump-high": 50,
        "kite-surf": 50,
        "libby": 49,
        "scooter-black": 43,
    }
    assert all(list(video.frames) == list(video.masks) for video in dataset.values())
    assert len(open_dataset("davis2016", shared_data / "davis2016", subset="train")) == 27
    assert open_video_frames(dataset["libby"])[48].shape == (480, 854, 3)


def test_real_davis_2017_opens_without_lists(shared_data):
    dataset = open_dataset("davis2017", shared_data / "davis2017")
    assert list(dataset) == ["gold-fish"]
    fish = dataset["gold-fish"]
    assert (len(fish.frames), list(fish.masks)) == (78, ["00000"])
    assert annotation(fish, "00000", size=(480, 854)).objects == (1, 2, 3, 4, 5)
