"""Files below a folder and in a zip archive: the same names, the same bytes, and damage that is named."""

import os
import pickle
import zipfile
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from layouts import mask, write

from vosref.io import InputError, MissingInputError, archives, read_mask
from vosref.io.archives import Member, files_below
from vosref.io.places import images_in, open_place

NAMES = st.text("ab1 é_", min_size=1, max_size=4).map(str.strip).filter(bool)
PATHS = st.lists(NAMES, max_size=2).flatmap(
    lambda folders: NAMES.map(lambda name: "/".join([*(f"d{f}" for f in folders), f"{name}.png"]))
)


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """Return a new folder at each call."""
    return lambda: tmp_path_factory.mktemp("set")


def walked(place, path=()):
    yield "/".join(path), place.folders(), {name: file.read_bytes() for name, file in place.files().items()}
    for name in place.folders():
        yield from walked(place.child(name), (*path, name))


@given(files=st.dictionaries(PATHS, st.binary(max_size=4), min_size=1, max_size=6))
def test_a_folder_and_its_archive_hold_the_same(room, files):
    at = room()
    folder, archive = write(at / "set", files), write(at / "set", files, packed=True)
    below = {str(name): file.read_bytes() for name, file in files_below(folder, argument="x").items()}
    packed = {str(name): file.read_bytes() for name, file in files_below(archive, argument="x").items()}
    assert below == packed == files
    assert list(files_below(folder, argument="x")) == list(files_below(archive, argument="x"))
    one, other = (open_place(path, argument="x") for path in (folder, archive))
    assert list(walked(one)) == list(walked(other))
    assert (one.name, other.name) == ("set", "set")


@pytest.mark.parametrize("packed", [False, True])
def test_hidden_files_are_left_out_and_names_are_in_natural_order(tmp_path, packed):
    files = dict.fromkeys(("10.png", "2.png", ".3.png", "b/.x/1.png", "__MACOSX/2.png", "b10/1", "b9/1"), b"")
    root = write(tmp_path / "set", files, packed=packed)
    assert [str(p) for p in files_below(root, argument="x")] == ["10.png", "2.png", "b10/1", "b9/1"]
    place = open_place(root, argument="x")
    assert list(place.files()) == ["2.png", "10.png"]
    assert [f for f in place.folders() if f != "b"] == ["b9", "b10"]
    assert list(images_in(place, suffixes=(".png",), argument="x")) == ["2", "10"]


@pytest.mark.parametrize("packed", [False, True])
def test_a_folder_that_is_not_there_is_empty_and_knows_its_parent(tmp_path, packed):
    place = open_place(write(tmp_path / "set", {"a/b/1.png": b"", "2": b""}, packed=packed), argument="x")
    inner = place.child("a/b")
    assert (inner.exists(), inner.name, list(inner.files())) == (True, "b", ["1.png"])
    assert inner.parent.parent.files().keys() == place.files().keys() == {"2"}
    assert str(inner.parent.parent.parent) == str(tmp_path)
    for name in ("a/c", "2"):
        gone = place.child(name)
        assert (gone.exists(), gone.folders(), gone.files()) == (False, (), {})


def test_an_archive_that_names_its_root_lists_like_any_other(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("./a/1.png", b"x")
        archive.writestr("/b/2.png", b"y")
        archive.mkdir("c")
        archive.writestr("../3.png", b"outside")
    assert [str(name) for name in files_below(path, argument="x")] == ["a/1.png", "b/2.png"]
    assert open_place(path, argument="x").folders() == ("a", "b")


def test_what_is_neither_is_refused(tmp_path):
    (tmp_path / "notes.zip").write_bytes(b"no archive")
    for function in (files_below, open_place):
        with pytest.raises(MissingInputError, match=r"^truth: .*none does not exist"):
            function(tmp_path / "none", argument="truth")
        with pytest.raises(InputError, match=r"^truth: .*notes\.zip is neither a folder nor a readable zip archive"):
            function(tmp_path / "notes.zip", argument="truth")


def test_a_folder_that_cannot_be_listed_is_refused(tmp_path, monkeypatch):
    def closed(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", closed)
    with pytest.raises(InputError, match=r"truth: .* cannot be listed \(Permission denied\)"):
        files_below(tmp_path, argument="truth")
    with pytest.raises(InputError, match=r"cannot be listed \(Permission denied\)"):
        open_place(tmp_path, argument="truth").folders()


def test_two_images_of_one_name_are_refused(tmp_path):
    place = open_place(write(tmp_path / "set", {"0.png": b"", "0.jpg": b""}, packed=True), argument="x")
    with pytest.raises(
        InputError, match=r"^frames: .*set\.zip holds both 0\.jpg and 0\.png; each name must occur once"
    ):
        images_in(place, suffixes=(".png", ".jpg"), argument="frames")


def test_a_mask_is_read_from_an_archive_and_its_damage_is_named(tmp_path):
    archive = write(tmp_path / "set", {"a/0.png": mask(1, 3)}, packed=True)
    member = files_below(archive, argument="x")[PurePosixPath("a/0.png")]
    assert read_mask(pickle.loads(pickle.dumps(member))).objects == (1, 3)
    assert (member.name, member.stem, member.suffix) == ("0.png", "0", ".png")
    data = bytearray(archive.read_bytes())
    data[40:60] = bytes(20)
    archive.write_bytes(data)
    with pytest.raises(InputError, match=r"truth: .*set\.zip.a/0\.png cannot be read \("):
        read_mask(member, argument="truth")
    with pytest.raises(MissingInputError, match=r"a/1\.png does not exist"):
        read_mask(Member(archive, "a/1.png"))
    archive.unlink()
    with pytest.raises(MissingInputError):
        read_mask(member)


def test_an_archive_that_goes_while_it_is_read_is_missing(tmp_path):
    archive = write(tmp_path / "set", {"0": b""}, packed=True)
    place = open_place(archive, argument="x")
    archive.unlink()
    with pytest.raises(MissingInputError, match=r"set\.zip is not there any more"):
        place.files()


def test_an_archive_that_is_replaced_is_read_anew(tmp_path):
    archive = write(tmp_path / "set", {"a": b"one"}, packed=True)
    place = open_place(archive, argument="x")
    assert place.files()["a"].read_bytes() == b"one"
    write(tmp_path / "set", {"a": b"another", "b": b""}, packed=True)
    assert place.files()["a"].read_bytes() == b"another"
    assert list(place.files()) == ["a", "b"]


def test_a_process_does_not_share_its_place_in_an_archive_with_another(tmp_path, monkeypatch):
    archive = write(tmp_path / "set", {"a": b"one"}, packed=True)
    ours = archives._archive(*archives._identity(Path(archive)))
    assert archives._archive(*archives._identity(Path(archive))) is ours
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert archives._archive(*archives._identity(Path(archive))) is not ours
