"""A run on disk: what it writes, what it scores, and that nothing is overwritten, lost or half-written."""

import json
import subprocess
import sys

import numpy as np
import pytest
from clips import cheap, contents, register_echo, small_clip, write_small_clip
from PIL import Image
from safetensors import SafetensorError

from vosref import __version__
from vosref.evaluation import sequence_scores
from vosref.io import InputError, MissingInputError, write_mask
from vosref.runs import CHECKPOINT, RECORD, open_job, segment, written_mask
from vosref.runs.records import peak_bytes

pytestmark = pytest.mark.usefixtures("definitions")

PALETTE = bytes(range(255, -1, -1)) * 3


@pytest.fixture
def echo(monkeypatch):
    register_echo(monkeypatch)
    return {"method": "echo"}


@pytest.fixture
def clip(tmp_path):
    return write_small_clip(tmp_path / "clip")


def test_masks_have_the_mode_palette_size_and_names_of_the_input(tmp_path):
    frames, masks = small_clip(4)
    names = ["bild 2", "bild 10", "größe", "視 頻.2"]
    (tmp_path / "frames").mkdir()
    for name, frame in zip(names, frames, strict=True):
        Image.fromarray(frame).save(tmp_path / "frames" / f"{name}.jpg")
    write_mask(tmp_path / "first.png", masks[0], palette=PALETTE)
    segment(open_job(tmp_path / "frames", tmp_path / "first.png", tmp_path / "out", config=cheap()))
    written = sorted((tmp_path / "out").glob("*.png"))
    assert {p.stem for p in written} == set(names)
    for path in written:
        with Image.open(path) as image:
            assert (image.format, image.mode, image.size) == ("PNG", "P", (64, 40))
            assert bytes(image.getpalette("RGB")) == PALETTE
            assert set(np.unique(np.asarray(image))) <= {0, 1, 5}
    assert np.array_equal(written_mask(tmp_path / "out" / "bild 2.png"), masks[0])


def test_the_record_tells_what_ran(tmp_path, clip):
    config = cheap("paper")
    result = segment(open_job(*clip, tmp_path / "out", config=config))
    record = json.loads((tmp_path / "out" / RECORD).read_text(encoding="utf-8"))
    assert (record["vosref"], record["method"], record["config"]) == (__version__, "tvos", config._asdict())
    assert (record["frames"]["count"], record["frames"]["size"], record["objects"]) == (6, [40, 64], [1, 5])
    assert record["frames_done"] == 6
    assert set(record["environment"]) == {"python", "numpy", "blas", "platform"}
    assert (
        record["result"]
        == result.summary("frames")
        == {
            "name": "frames",
            "seconds_per_frame": result.seconds_per_frame,
            "peak_bytes": result.peak_bytes,
        }
    )
    assert 0 < result.seconds_per_frame < 60
    assert result.peak_bytes > 2**20


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no resource module to ask")
def test_the_peak_is_of_this_process_and_not_of_the_one_that_started_it():
    ballast = np.ones(2**26)  # 512 MiB
    assert peak_bytes() >= ballast.nbytes
    code = "from vosref.runs.records import peak_bytes; print(peak_bytes())"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 2**20 < int(child.stdout) < ballast.nbytes


def test_the_same_input_gives_the_same_bytes_and_nothing_else_is_left(tmp_path, clip):
    for out in ("a", "b/deeper"):
        segment(open_job(*clip, tmp_path / out, config=cheap()))
    assert contents(tmp_path / "a") == contents(tmp_path / "b/deeper")
    assert set(contents(tmp_path / "a", "*")) == {RECORD, *(f"{t:05d}.png" for t in range(6))}


def test_a_binary_mask_is_object_1(tmp_path, clip, echo):
    Image.fromarray(np.where(small_clip()[1][0] > 0, 255, 0).astype(np.uint8)).save(tmp_path / "binary.png")
    segment(open_job(clip[0], tmp_path / "binary.png", tmp_path / "out", **echo))
    for name in contents(tmp_path / "out"):
        with Image.open(tmp_path / "out" / name) as image:
            assert image.mode == "P"
            assert set(np.unique(np.asarray(image))) == {0, 1}


def test_masks_that_vosref_did_not_write_are_not_overwritten(tmp_path, clip, echo):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "00003.png").write_bytes(b"precious")
    (tmp_path / "out" / "other.png").write_bytes(b"in nobody's way")
    with pytest.raises(InputError, match=r"--out: .*out already holds 00003\.png, which vosref did not write"):
        open_job(*clip, tmp_path / "out", **echo)
    assert contents(tmp_path / "out", "*") == {"00003.png": b"precious", "other.png": b"in nobody's way"}
    (tmp_path / "out" / "00003.png").unlink()
    segment(open_job(*clip, tmp_path / "out", **echo))
    assert (tmp_path / "out" / "other.png").read_bytes() == b"in nobody's way"


def test_an_earlier_run_of_our_own_is_overwritten(tmp_path, clip, echo):
    segment(open_job(*clip, tmp_path / "out", config=cheap()))
    segment(open_job(*clip, tmp_path / "out", **echo))
    segment(open_job(*clip, tmp_path / "fresh", **echo))
    assert contents(tmp_path / "out") == contents(tmp_path / "fresh")
    assert json.loads((tmp_path / "out" / RECORD).read_text())["method"] == "echo"


def test_the_folder_of_the_frames_is_not_for_the_masks(clip, echo):
    before = contents(clip[0], "*")
    with pytest.raises(InputError, match="--out: .*frames is the folder of the frames; name another one"):
        open_job(*clip, clip[0] / ".." / "frames", **echo)
    assert contents(clip[0], "*") == before


def test_nothing_is_made_when_an_input_is_refused(tmp_path, clip):
    with pytest.raises(MissingInputError, match="--mask: .*none.png does not exist"):
        open_job(clip[0], tmp_path / "none.png", tmp_path / "out")
    with pytest.raises(MissingInputError, match="--truth: .*none does not exist"):
        open_job(*clip, tmp_path / "out", truth=tmp_path / "none")
    with pytest.raises(InputError, match="--mask: .*00000.png is a RGB image"):
        open_job(clip[0], clip[0] / "00000.png", tmp_path / "out")
    assert not (tmp_path / "out").exists()


# ── truth ──


def scores_of(out, names, **options):
    predicted = [written_mask(out / f"{name}.png") for name in names]
    return sequence_scores(predicted, [small_clip()[1][int(name)] for name in names], ids=(1, 5), **options)


def test_with_truth_the_scores_are_those_of_the_masks_on_disk(tmp_path, clip):
    job = open_job(*clip, tmp_path / "out", config=cheap(), truth=clip[1].parent)
    result = segment(job)
    expected = scores_of(tmp_path / "out", job.frames.names)
    assert result.scored_names == job.frames.names
    assert result.scores.ids == (1, 5)
    assert np.array_equal(result.scores.region, expected.region)
    assert np.array_equal(result.scores.contour, expected.contour)
    row = json.loads((tmp_path / "out" / RECORD).read_text())["result"]
    assert (row["J"], row["F"], row["J&F"]) == (expected.mean_region, expected.mean_contour, expected.j_and_f)
    objects = zip((1, 5), expected.object_region, expected.object_contour, strict=True)
    assert row["objects"] == [{"object": k, "J": j, "F": f} for k, j, f in objects]
    assert 0.5 < row["J&F"] < 1


@pytest.mark.parametrize("known", [(0, 2, 4), (2, 4), (3,), (0,)])
def test_where_only_some_frames_have_truth_those_are_scored(tmp_path, clip, known):
    (tmp_path / "truth").mkdir()
    names = tuple(f"{t:05d}" for t in known)
    for name in names:
        (clip[1].parent / f"{name}.png").rename(tmp_path / "truth" / f"{name}.png")
    first = tmp_path / "first.png"
    write_mask(first, small_clip()[1][0], palette=PALETTE)
    result = segment(open_job(clip[0], first, tmp_path / "out", config=cheap(), truth=tmp_path / "truth"))
    assert result.scored_names == names
    # DAVIS leaves out the first frame, which was given, and the last; a video without truth for the first has no such.
    expected = scores_of(tmp_path / "out", names, exclude_ends=0 in known)
    row = result.summary("clip")
    assert row["J"] == (None if known == (0,) else expected.mean_region)
    assert [o["F"] for o in row["objects"]] == ([None, None] if known == (0,) else expected.object_contour)


@pytest.mark.parametrize("n_frames", [1, 2])
def test_the_shortest_videos_are_segmented_and_scored(tmp_path, n_frames):
    clip = write_small_clip(tmp_path / "clip", n_frames=n_frames)
    result = segment(open_job(*clip, tmp_path / "out", config=cheap(), truth=clip[1].parent))
    assert len(contents(tmp_path / "out")) == n_frames
    assert (result.summary("clip")["J"] is None) == (n_frames == 1)
    json.loads((tmp_path / "out" / RECORD).read_text(), parse_constant=pytest.fail)  # NaN is no JSON


def test_truth_of_other_objects_is_refused(tmp_path, clip, echo):
    (tmp_path / "truth").mkdir()
    write_mask(tmp_path / "truth" / "00000.png", small_clip()[1][0] // 5, palette=PALETTE)
    with pytest.raises(InputError, match=r"shows objects \[1\] where the first mask has \[1, 5\], so they cannot be"):
        open_job(*clip, tmp_path / "out", truth=tmp_path / "truth", **echo)
    assert not (tmp_path / "out").exists()


# ── failures in mid-run ──


def test_a_full_disk_leaves_whole_masks_and_no_half_ones(tmp_path, clip, monkeypatch):
    segment(open_job(*clip, tmp_path / "whole", config=cheap()))
    save = Image.Image.save

    def full(self, path, **options):
        if len(contents(tmp_path / "out")) < 4:
            return save(self, path, **options)
        path.write_bytes(b"\x89PNG half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(InputError, match=r"00004\.png cannot be written \(No space"):
        patch.setattr(Image.Image, "save", full)
        segment(open_job(*clip, tmp_path / "out", config=cheap()))
    assert set(contents(tmp_path / "out", "*")) == {RECORD, CHECKPOINT, *(f"{t:05d}.png" for t in range(4))}
    segment(open_job(*clip, tmp_path / "out", config=cheap()), resume=True)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), SafetensorError("File too large")])
def test_a_checkpoint_that_cannot_be_written_is_told(tmp_path, clip, echo, monkeypatch, error):
    def full(arrays, path, **options):
        path.write_bytes(b"half")
        raise error

    monkeypatch.setattr("vosref.runs.checkpoints.save_file", full)
    monkeypatch.setattr("vosref.runs.CHECKPOINT_EVERY", 3)
    with pytest.raises(InputError, match=r"safetensors cannot be written \(.*(No space|too large).*; make room, then"):
        segment(open_job(*clip, tmp_path / "out", **echo))
    assert set(contents(tmp_path / "out", "*")) == {RECORD, *(f"{t:05d}.png" for t in range(3))}


def test_a_frame_that_goes_in_mid_run_stops_it_and_it_can_go_on(tmp_path, clip, echo):
    segment(open_job(*clip, tmp_path / "whole", **echo))
    frame = clip[0] / "00003.png"
    job, data = open_job(*clip, tmp_path / "out", **echo), frame.read_bytes()
    frame.unlink()
    with pytest.raises(MissingInputError, match="00003.png does not exist"):
        segment(job)
    assert len(contents(tmp_path / "out")) == 3
    frame.write_bytes(data)
    counted = []
    segment(open_job(*clip, tmp_path / "out", **echo), resume=True, progress=counted.append)
    assert counted == [3, 4, 5, 6]
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
