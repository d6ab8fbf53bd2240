"""Names of the videos of a set: from files of names, from ImageSets near or above, and what is there instead."""

import layouts
import pytest
from layouts import write

from vosref.datasets import read_subset
from vosref.io import InputError, MissingInputError

LISTS = {"ImageSets/480p/val.txt": b"a", "ImageSets/2016/val.txt": b"b", "ImageSets/2017/val.txt": b"c"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("bear\ncamel\n", ("bear", "camel")),
        ("# mine\n\n camel # and\nbear\r\ncamel", ("camel", "bear")),
        ("\ufeffaeroplane/0001\n/cow/0002/001/\n", ("aeroplane/0001", "cow/0002/001")),
        ("a name with blanks\n", ("a name with blanks",)),
        ("/JPEGImages/480p/bear/00000.jpg /Annotations/480p/bear/00000.png\n" * 3, ("bear",)),
    ],
)
def test_a_file_of_names_is_read(tmp_path, text, names):
    (tmp_path / "mine").write_text(text, encoding="utf-8", newline="")
    assert read_subset(str(tmp_path / "mine"), near=tmp_path) == names


@pytest.mark.parametrize("packed", [False, True])
def test_a_set_is_found_by_its_name_near_and_above(tmp_path, packed):
    root = write(tmp_path / "set", {f"DAVIS/{name}": c for name, c in layouts.davis2016().items()}, packed=packed)
    assert read_subset("val", near=root) == ("camel", "bear")
    assert read_subset("480p/train", near=root) == ("dog",)
    if not packed:
        assert read_subset("val", near=root / "DAVIS/Annotations/480p/bear") == ("camel", "bear")


def test_of_several_lists_of_one_name_the_preferred_is_read(tmp_path):
    root = write(tmp_path / "set", LISTS)
    assert read_subset("val", near=root) == ("c",)
    assert read_subset("val", near=root, prefer=("2016", "480p")) == ("b",)
    assert read_subset("val", near=root, prefer=("1080p", "480p")) == ("a",)
    assert read_subset("val", near=write(tmp_path / "flat", {"ImageSets/val.txt": b"d"})) == ("d",)


def test_a_set_that_is_not_there_says_which_are(tmp_path):
    root = write(tmp_path / "set", LISTS)
    with pytest.raises(
        MissingInputError, match=r"--set: there is no set test near .*set, but 480p/val, 2016/val, 2017/val"
    ):
        read_subset("test", near=root)
    with pytest.raises(
        MissingInputError, match=r"--only: val is no file, and there are no ImageSets in .* or above it"
    ):
        read_subset("val", near=write(tmp_path / "empty", {"a": b""}), argument="--only")
    with pytest.raises(MissingInputError, match=r"--set: .*none does not exist"):
        read_subset("val", near=tmp_path / "none")


def test_a_list_that_names_nothing_or_is_no_text_is_refused(tmp_path):
    for content, reason in ((b"# nothing\n", "names no video"), (b"\xff\xfe\x00", "cannot be read as a list of names")):
        (tmp_path / "mine.txt").write_bytes(content)
        with pytest.raises(InputError, match=rf"--set: .*mine\.txt {reason}"):
            read_subset(str(tmp_path / "mine.txt"), near=tmp_path)
