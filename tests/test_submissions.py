"""Archives for the servers: their layout and bytes, and every mask that a server would refuse, named before writing."""

import zipfile
from io import BytesIO

import layouts
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from layouts import mask, numbered, write
from PIL import Image

from vosref.datasets import open_dataset
from vosref.io import InputError, MissingInputError, davis_palette
from vosref.submissions import write_submission


@pytest.fixture
def davis(tmp_path):
    return open_dataset("davis2017", write(tmp_path / "davis", layouts.davis2017()))


def results(**changed):
    """Masks of the sequence gold, with some of its frames changed, or left out for None."""
    masks = {t: mask(1, 2) for t in numbered(4)} | {f"{int(t[1:]):05d}": content for t, content in changed.items()}
    return {f"gold/{t}.png": content for t, content in masks.items() if content is not None}


def inside(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pixels(content):
    with Image.open(BytesIO(content)) as image:
        return image.mode, np.asarray(image)


def refusal(tmp_path, dataset, files, error=InputError):
    out = tmp_path / "out.zip"
    with pytest.raises(error) as caught:
        write_submission(write(tmp_path / "masks", files), out, dataset=dataset)
    assert not out.exists()
    first, *lines = str(caught.value).splitlines()
    assert "masks cannot be submitted, and nothing was written:" in first
    assert isinstance(caught.value, MissingInputError) == (error is MissingInputError)
    return [line.removeprefix("  ") for line in lines]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("around", ["", "masks/of/mine/"])
def test_davis_2017_has_sequences_on_top_and_masks_keep_their_bytes(tmp_path, davis, packed, around):
    files = results()
    source = {around + name: content for name, content in files.items()} | {
        "notes.json": b"{}",
        "gold/scores.png": b"drawn",
    }
    out = tmp_path / "out.zip"
    assert write_submission(write(tmp_path / "masks", source, packed=packed), out, dataset=davis) == 4
    assert inside(out) == files
    assert list(inside(out)) == [f"gold/{t}.png" for t in numbered(4)]


def test_a_set_is_submitted_whole_and_alone(tmp_path):
    dataset = open_dataset("davis2017", write(tmp_path / "davis", layouts.davis2017()), subset="test-dev")
    masks = write(tmp_path / "masks", {f"new/{t}.png": mask(3, 1) for t in numbered(3)})
    assert write_submission(masks, tmp_path / "out.zip", dataset=dataset) == 3


def test_equal_masks_give_equal_archives(tmp_path, davis):
    files = results()
    one = write(tmp_path / "one", files)
    other = write(tmp_path / "other", dict(reversed([(f"deep/{k}", v) for k, v in files.items()])), packed=True)
    for source, out in ((one, "a.zip"), (other, "b.zip")):
        write_submission(source, tmp_path / out, dataset=davis)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        about = archive.infolist()[0]
    assert (about.date_time, about.external_attr >> 16, about.create_system) == ((1980, 1, 1, 0, 0, 0), 0o100644, 3)


@given(ids=st.lists(st.sampled_from([0, 1, 2]), max_size=8), mode=st.sampled_from(["P", "L"]))
def test_masks_of_ids_become_palette_masks_of_the_same_ids(tmp_path_factory, ids, mode):
    tmp_path = tmp_path_factory.mktemp("set")
    dataset = open_dataset("davis2017", write(tmp_path / "davis", layouts.davis2017(), packed=True))
    masks = write(tmp_path / "masks", results(t1=mask(*ids, mode=mode)))
    write_submission(masks, tmp_path / "out.zip", dataset=dataset)
    found, values = pixels(inside(tmp_path / "out.zip")["gold/00001.png"])
    assert (found, values[0, : len(ids)].tolist()) == ("P", ids)


def test_what_is_encoded_anew_has_the_palette_of_davis(tmp_path, davis):
    masks = write(tmp_path / "masks", results(t1=None) | {"gold/00001.bmp": mask(1, 2, mode="L", form="BMP")})
    write_submission(masks, tmp_path / "out.zip", dataset=davis)
    with Image.open(BytesIO(inside(tmp_path / "out.zip")["gold/00001.png"])) as image:
        assert (image.format, image.mode, bytes(image.getpalette())) == ("PNG", "P", davis_palette())


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        (mask(255, mode="L"), True),
        (mask(mode="L"), True),
        (mask(1, mode="L"), False),
        (mask(1, 3), False),
        (mask(255), False),
        (mask(255, mode="1"), False),
    ],
)
def test_davis_2016_has_0_and_255(tmp_path, content, kept):
    dataset = open_dataset("davis2016", write(tmp_path / "davis", layouts.davis2017()))
    masks = write(tmp_path / "masks", {f"gold/{t}.png": content for t in numbered(4)})
    write_submission(masks, tmp_path / "out.zip", dataset=dataset)
    found = inside(tmp_path / "out.zip")["gold/00002.png"]
    assert (found == content) == kept
    mode, values = pixels(found)
    assert mode == "L"
    assert np.array_equal(values > 0, pixels(content)[1] > 0)
    assert set(np.unique(values)) <= {0, 255}


def test_binary_masks_of_one_object_become_its_id(tmp_path):
    files = layouts.davis2017() | {"Annotations/480p/gold/00000.png": mask(1)}
    dataset = open_dataset("davis2017", write(tmp_path / "davis", files))
    source = results(t0=mask(1), t1=mask(255, mode="L"), t2=mask(0, 255), t3=mask())
    write_submission(write(tmp_path / "masks", source), tmp_path / "out.zip", dataset=dataset)
    rows = [pixels(content)[1][0, :2].tolist() for content in inside(tmp_path / "out.zip").values()]
    assert rows == [[1, 0], [1, 0], [0, 1], [0, 0]]


@pytest.mark.parametrize("subset", ["valid", "valid_all_frames"])
def test_youtube_vos_has_every_fifth_frame_below_annotations(tmp_path, subset):
    dataset = open_dataset("youtube_vos", write(tmp_path / "vos", layouts.youtube_vos()), subset=subset)
    masks = {
        f"{name}/{t}.png": mask(*ids)
        for name, ids in (("early", [1]), ("late", [2, 5, 7]))
        for t in dataset[name].frames
    }
    assert write_submission(write(tmp_path / "masks", masks), tmp_path / "out.zip", dataset=dataset) == 6
    expected = [f"early/{t}" for t in numbered(2, 5)] + [f"late/{t}" for t in numbered(4, 5)]
    assert inside(tmp_path / "out.zip") == {f"Annotations/{name}.png": masks[f"{name}.png"] for name in expected}


def test_all_frames_alone_do_not_tell_what_is_asked(tmp_path):
    files = layouts.youtube_vos()
    alone = {f"x/{name}": c for name, c in files.items() if name.startswith("valid_all_frames")}
    alone |= {f"x/valid_all_frames/Annotations/{v}/00005.png": mask(1) for v in ("early", "late")}
    dataset = open_dataset("youtube_vos", write(tmp_path / "vos", alone))
    with pytest.raises(
        MissingInputError, match="early: which frames the server asks for is told by the set with every fi"
    ):
        write_submission(write(tmp_path / "masks", {"early/00000.png": mask(1)}), tmp_path / "o.zip", dataset=dataset)


def test_everything_wrong_is_named_at_once(tmp_path, davis):
    broken = mask(1, 2)[:60]
    files = results(t0=None, t1=mask(1, 7), t2=mask(1, size=(6, 12)), t3=broken, t9=mask(1), t12=mask(1))
    files |= {"silver/00000.png": mask(1), "silver/00001.png": mask(1), "00000.png": mask(1)}
    files |= {"again/gold/00001.png": mask(7, 255)}
    lines = refusal(tmp_path, davis, files, MissingInputError)
    assert lines[0].startswith("gold: ")
    assert lines[0].endswith("00001.png are both its mask 00001")
    assert lines[1:3] == [
        "in no folder: 1 mask (00000) is extra, for the set has no such video",
        "silver: all 2 masks (00000 to 00001) are extra, for the set has no such video",
    ]
    assert lines[3:5] == [
        "gold: 1 mask (00000) is missing",
        "gold: 2 masks (00009 to 00012) are extra, for the video has no such frame",
    ]
    assert "00002.png is 12x6 but the frames are 10x6 (width x height)" in lines[5]
    assert "00003.png is truncated or corrupt" in lines[6]
    assert lines[7:] == ["gold: id 7 in 00001 is not given, but 1, 2"]


def test_a_missing_sequence_is_one_line_and_gaps_are_spans(tmp_path, davis):
    assert refusal(tmp_path, davis, {"else/00000.png": mask(1)}, MissingInputError)[1:] == [
        "gold: all 4 masks (00000 to 00003) are missing"
    ]
    assert refusal(tmp_path, davis, results(t0=None, t1=None, t3=None), MissingInputError)[1:] == [
        "gold: 3 masks (00000 to 00001, 00003) are missing"
    ]


def test_255_is_foreign_where_it_is_not_the_only_object(tmp_path, davis):
    wrong = results(t1=mask(255, mode="L"), t2=mask(1, 255), t3=mask(1, 4, 255))
    assert refusal(tmp_path, davis, wrong) == [
        "gold: id 4 in 00003 is not given, but 1, 2",
        "gold: id 255 in 00001 to 00003 is not given, but 1, 2",
    ]


def test_lossy_and_soft_masks_are_named(tmp_path, davis):
    soft = layouts.encoded(Image.fromarray(np.arange(60, dtype=np.uint8).reshape(6, 10)), "PNG")
    coloured = layouts.picture(0, form="PNG")
    lines = refusal(tmp_path, davis, results(t1=soft, t2=coloured, t3=mask(1, mode="L", form="JPEG")))
    assert [line.partition("png ")[2][:20] for line in lines] == [
        "holds 59 grey levels",
        "is a RGB image with ",
        "is a JPEG image, a p",
    ]


def test_an_output_that_is_no_new_archive_is_refused(tmp_path, davis):
    source = write(tmp_path / "masks", results(), packed=True)
    (tmp_path / "folder.zip").mkdir()
    for out in (source, tmp_path / "out.tar", tmp_path / "folder.zip"):
        with pytest.raises(InputError, match=r"out: .* must be a file that ends in \.zip, other than the results"):
            write_submission(source, out, dataset=davis)
    with pytest.raises(MissingInputError, match=r"results: .*none does not exist"):
        write_submission(tmp_path / "none", tmp_path / "out.zip", dataset=davis)
    with pytest.raises(MissingInputError, match=r"results: .*empty holds no mask \(\.png"):
        write_submission(write(tmp_path / "empty", {"a.txt": b""}), tmp_path / "out.zip", dataset=davis)


@pytest.mark.parametrize("kind", ["youtube_objects", "folders"])
def test_data_sets_without_a_server_are_refused(tmp_path, kind):
    dataset = open_dataset(kind, write(tmp_path / "set", getattr(layouts, kind)()))
    with pytest.raises(InputError, match=rf"dataset: {kind} has no server that takes archives \(davis2016, "):
        write_submission(tmp_path, tmp_path / "out.zip", dataset=dataset)


def test_an_archive_that_cannot_be_finished_leaves_the_old_one(tmp_path, davis, monkeypatch):
    out = tmp_path / "out.zip"
    out.write_bytes(b"old")
    source = write(tmp_path / "masks", results())

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(InputError, match=r"out: .*out\.zip cannot be written \(No space left on device\)"):
        write_submission(source, out, dataset=davis)
    assert out.read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["davis", "masks", "out.zip"]


@pytest.mark.parametrize("method", ["feelvos", "osvos", "rgmp", "stm"])
def test_published_results_lack_nothing_of_the_videos_at_hand(shared_data, tmp_path, method):
    dataset = open_dataset("davis2016", shared_data / "davis2016", subset="val")
    with pytest.raises(InputError) as caught:
        write_submission(shared_data / "davis2016-results" / f"{method}.zip", tmp_path / "o.zip", dataset=dataset)
    lines = str(caught.value).splitlines()[1:]
    assert len(lines) == 12  # the videos of val that are not at hand
    assert all(line.endswith("are extra, for the set has no such video") for line in lines)
