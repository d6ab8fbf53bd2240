"""What the command line refuses: one sentence, an exit code, and nothing written."""

import re

import numpy as np
import pytest
from clips import contents, plain, register_echo, write_small_clip
from PIL import Image

from vosref.io import davis_palette, write_mask

pytestmark = pytest.mark.usefixtures("definitions")

SIZE = (40, 64)


@pytest.fixture
def clip(tmp_path):
    return write_small_clip(tmp_path / "clip", n_frames=3)


def image(path, values):
    Image.fromarray(values).save(path)
    return path


def blurred():
    """A mask with soft edges: the ids of a smooth ramp."""
    return np.tile(np.linspace(0, 254, 64).astype(np.uint8), (40, 1))


BAD_FRAMES = {
    "missing": (3, r"frames: .*bad does not exist; give a folder of images or a video file"),
    "empty": (1, r"frames: .*bad holds no image \(.*\); give the folder that holds the frames"),
    "truncated": (1, r"frames: .*00001\.png is truncated or corrupt \(.*\); copy or export it again"),
    "corrupt": (1, r"frames: .*00001\.png is truncated or corrupt \(.*\); copy or export it again"),
    "no image": (1, r"frames: .*00001\.png is not an image \(5 bytes that start with b'hello'\); replace it"),
    "of varying size": (1, r"frames: .*00001\.png is 32x40 but 00000\.png is 64x40 \(width x height\)"),
    "one image": (1, r"frames: .*bad is neither a folder nor a video; give the folder"),
    "a broken video": (1, r"frames: .*bad\.mp4 cannot be decoded after 0 frames .*; encode it again"),
}


def spoil(frames, how):
    """Spoil a folder of frames, and return where it is then."""
    bad, second = frames.with_name("bad"), frames / "00001.png"
    data = second.read_bytes()
    if how == "empty":
        bad.mkdir()
    elif how == "one image":
        second.rename(bad)
    elif how == "a broken video":
        bad = bad.with_suffix(".mp4")
        bad.write_bytes(b"hello")
    elif how != "missing":
        middle = len(data) // 2
        second.write_bytes(
            {
                "truncated": data[:middle],
                "corrupt": data[:middle] + bytes(16) + data[middle + 16 :],
                "no image": b"hello",
                "of varying size": data,
            }[how]
        )
        if how == "of varying size":
            image(second, np.zeros((40, 32, 3), np.uint8))
        return frames
    return bad


BAD_MASKS = {
    "another size": (
        np.ones((10, 12), np.uint8),
        "is 12x10 but the frames are 64x40 .*; give the mask of these frames",
    ),
    "RGB": (np.zeros((*SIZE, 3), np.uint8), "is a RGB image with 1 distinct colours, not object ids; save it as a pal"),
    "hundreds of ids": (
        blurred(),
        "holds 63 grey levels: a photo or a soft mask, not object ids; save it as a palette",
    ),
    "background": (np.zeros(SIZE, np.uint8), "is all background; paint at least one object with id 1 to 254"),
    "id 255": (np.tile(np.arange(254, 256, dtype=np.uint8), (40, 32)), r"holds id 255 beside \[254\]: 255 is DAVIS's"),
    "id 300": (np.full(SIZE, 300, np.uint16), "holds id 300; ids are 0 to 254, so number the objects from 1"),
}


def refused(result, out, code):
    """The one sentence of a refusal that has written nothing."""
    found, printed, said = result
    assert (found, printed) == (code, "")
    assert not out.exists()
    (sentence,) = said.splitlines()
    assert sentence.startswith("error: ")
    return sentence.removeprefix("error: ")


@pytest.mark.parametrize("how", BAD_FRAMES)
def test_frames_that_cannot_be_used_are_refused(tmp_path, vosref, clip, how):
    code, sentence = BAD_FRAMES[how]
    frames, out = spoil(clip[0], how), tmp_path / "out"
    assert re.search(sentence, refused(vosref("segment", frames, "--mask", clip[1], "--out", out), out, code))


@pytest.mark.parametrize("how", BAD_MASKS)
def test_masks_that_name_no_objects_are_refused(tmp_path, vosref, clip, how):
    values, sentence = BAD_MASKS[how]
    mask, out = image(tmp_path / "mask.png", values), tmp_path / "out"
    assert re.search(
        f"--mask: .*mask.png {sentence}", refused(vosref("segment", clip[0], "--mask", mask, "--out", out), out, 1)
    )


def test_an_anti_aliased_palette_mask_is_refused(tmp_path, vosref, clip):
    mask, out = tmp_path / "mask.png", tmp_path / "out"
    write_mask(mask, blurred(), palette=davis_palette())
    sentence = refused(vosref("segment", clip[0], "--mask", mask, "--out", out), out, 1)
    assert re.search("is anti-aliased or noise: of its 63 ids, .* draw or resize it with hard edges", sentence)


def test_a_mask_that_is_not_there_or_no_image_is_refused(tmp_path, vosref, clip):
    mask, out = tmp_path / "mask.png", tmp_path / "out"
    segment = ("segment", clip[0], "--mask", mask, "--out", out)
    assert re.search("--mask: .*mask.png does not exist; check its spelling", refused(vosref(*segment), out, 3))
    mask.write_bytes(b"hello")
    assert re.search(r"--mask: .*mask.png is not an image \(5 bytes", refused(vosref(*segment), out, 1))


def test_truth_that_is_not_there_is_refused(tmp_path, vosref, clip):
    truth, out = tmp_path / "truth", tmp_path / "out"
    segment = ("segment", clip[0], "--mask", clip[1], "--out", out, "--truth", truth)
    assert re.search("--truth: .*truth does not exist; give the folder", refused(vosref(*segment), out, 3))
    truth.mkdir()
    image(truth / "other.png", np.ones(SIZE, np.uint8))
    assert re.search(
        "--truth: .* holds masks named 'other', none of them named like", refused(vosref(*segment), out, 3)
    )
    image(truth / "00000.png", np.ones(SIZE, np.uint8))
    assert re.search(r"--truth: .*00000.png shows objects \[1\] where the first", refused(vosref(*segment), out, 1))


def test_an_output_that_cannot_be_written_is_refused(tmp_path, vosref, clip):
    file = tmp_path / "file"
    file.write_text("x")
    for out, sentence in (
        (file, "is a file; give a folder"),
        (file / "deep", r"cannot be written \(Not a directory\)"),
    ):
        code, printed, said = vosref("segment", clip[0], "--mask", clip[1], "--out", out)
        assert (code, printed, file.read_text()) == (1, "", "x")
        assert re.search(f"^error: --out: .* {sentence}", said)
    before = contents(clip[0], "*")
    code, _, said = vosref("segment", clip[0], "--mask", clip[1], "--out", clip[0])
    assert (code, contents(clip[0], "*")) == (1, before)
    assert re.search("^error: --out: .*frames is the folder of the frames; name another one", said)


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("", "--json: .* is a folder; name a file"),
        ("file/deep.json", r"--json: .*file cannot be written|--json: .*file is a file; give a folder"),
        ("out/vosref.json", "--json: .*vosref.json is where the record of the run goes; name another file"),
    ],
)
def test_a_report_that_cannot_be_written_is_refused_before_any_work(tmp_path, vosref, clip, place, sentence):
    (tmp_path / "file").write_text("x")
    code, _, said = vosref("segment", clip[0], "--mask", clip[1], "--out", tmp_path / "out", "--json", tmp_path / place)
    assert code == 1
    assert re.search(f"^error: {sentence}", said)
    assert contents(tmp_path / "out", "*") == {}


def test_resume_of_another_job_is_refused(tmp_path, vosref, clip, monkeypatch):
    register_echo(monkeypatch)
    segment = ("segment", clip[0], "--mask", clip[1], "--out", tmp_path / "out", "--method", "echo", "--no-overlay")
    assert vosref(*segment)[0] == 0
    code, _, said = vosref(*segment, "--set", "reach=3", "--resume")
    assert code == 1
    assert re.search(
        r"error: --resume: .*out holds another run \(not the same config\); name another folder, or leave", said
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--method", "osvos"], "method must be one of tvos, feelvos, got 'osvos'"),
        (["--config", "papers"], "for tvos, got 'papers'"),
        (["--set", "temperature"], "--set takes NAME=VALUE, got 'temperature'"),
        (["--set", "temprature=3"], "tvos has no setting 'temprature'; it has sampling, "),
        (["--set", "n_recent=4.5"], "n_recent must be of type int, got '4.5'"),
        (["--set", "normalise=no"], "normalise must be of type bool, got 'no'"),
        (["--set", "temperature=nan"], "temperature must be of type float, got 'nan'"),
        (["--set", "propagation=guess"], "propagation must be one of paper, released, got 'guess'"),
        (["--set", "n_stages=9"], "n_stages must be 1 to 7, got 9"),
        (["--set", "sigma_recent=0"], "sigma_recent must be positive, got 0"),
        (["--set", "horizon=3"], "horizon at least n_recent + n_sparse, got t=1, n_recent=4, n_sparse=5, horizon=3"),
        (["--speed"], "No such option: --speed"),
    ],
)
def test_a_wrong_call_exits_with_2_before_any_work(tmp_path, vosref, clip, arguments, sentence):
    code, printed, said = vosref("segment", clip[0], "--mask", clip[1], "--out", tmp_path / "out", *arguments)
    assert (code, printed) == (2, "")
    assert sentence in plain(said)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["segment"], "Missing argument"),
        (["segment", "frames", "--out", "out"], "Missing option '--mask'"),
        (["segment", "frames", "--mask", "first.png"], "Missing option '--out'"),
        (["protocols", "osvos"], "method must be one of tvos, feelvos, got 'osvos'"),
        (["demo", "--clip", "four"], "--clip must be one of one-drifting, two-crossing, three-hiding, got four"),
        (["segments"], "No such command 'segments'"),
    ],
)
def test_a_call_that_says_too_little_or_an_unknown_name_exits_with_2(vosref, arguments, sentence):
    code, _, said = vosref(*arguments)
    assert code == 2
    assert sentence in plain(said)


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (PermissionError(13, "Permission denied", "clip"), 1, "clip cannot be used (Permission denied)"),
        (OSError("a disk went away"), 1, "a disk went away"),
        (FileNotFoundError("no clip at data_samples"), 3, "no clip at data_samples"),
    ],
)
def test_what_the_system_refuses_is_one_sentence_too(vosref, monkeypatch, error, code, sentence):
    def fail(name):
        raise error

    monkeypatch.setattr("vosref.samples.sample_path", fail)
    assert vosref("demo") == (code, "", f"error: {sentence}\n")
