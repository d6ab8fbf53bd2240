"""The command ``vosref submission``: what it writes and says, and its exit codes."""

import zipfile

import layouts
import pytest
from layouts import mask, numbered, write


@pytest.fixture
def roots(tmp_path):
    """The data set, and masks of its set."""
    data = write(tmp_path / "davis", layouts.davis2017(), packed=True)
    return data, write(tmp_path / "masks", {f"gold/{t}.png": mask(1, 2) for t in numbered(4)})


def test_it_writes_an_archive_and_says_how_much_is_in_it(vosref, roots, tmp_path):
    data, masks = roots
    code, out, err = vosref("submission", masks, tmp_path / "out.zip", "--dataset", "davis2017", data)
    assert (code, err) == (0, "")
    assert out == (
        f"wrote {tmp_path / 'out.zip'}: 4 masks of 1 video, SEQUENCE/FRAME.png, palette PNG with the ids of the first "
        "mask\n"
    )
    assert zipfile.ZipFile(tmp_path / "out.zip").namelist() == [f"gold/{t}.png" for t in numbered(4)]


def test_masks_that_a_server_would_refuse_end_with_1_and_missing_ones_with_3(vosref, roots, tmp_path):
    data, masks = roots
    (masks / "gold/00003.png").write_bytes(mask(9))
    code, out, err = vosref("submission", masks, tmp_path / "out.zip", "--dataset", "davis2017", data)
    assert (code, out) == (1, "")
    assert "gold: id 9 in 00003 is not given, but 1, 2\n" in err
    (masks / "gold/00002.png").unlink()
    code, out, err = vosref("submission", masks, tmp_path / "out.zip", "--dataset", "davis2017", data)
    assert (code, out) == (3, "")
    assert "gold: 1 mask (00002) is missing\n" in err
    code, _, err = vosref(
        "submission", masks, tmp_path / "out.zip", "--dataset", "davis2017", data, "--set", "test-challenge"
    )
    assert code == 3
    assert "--set: there is no set test-challenge near" in err
    assert "2017/test-dev" in err
    assert not (tmp_path / "out.zip").exists()


def test_a_call_that_cannot_be_meant_ends_with_2(vosref, roots, tmp_path):
    data, masks = roots
    for kind in ("folders", "davis"):
        code, _, err = vosref("submission", masks, tmp_path / "out.zip", "--dataset", kind, data)
        assert code == 2
        assert "davis2016, davis2017, youtube_vos" in err
    assert vosref("submission", masks, tmp_path / "out.zip")[0] == 2
