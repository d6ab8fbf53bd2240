"""``vosref inspect``: the sheet that it writes, what stands on it, and every refusal."""

import numpy as np
import pytest
from clips import CHEAP, cheap, contents, plain, small_clip, write_small_clip
from numpy.testing import assert_allclose
from PIL import Image

from vosref import plots, tvos
from vosref.affinity import affinity, grid_positions
from vosref.flow import affinity_flow
from vosref.io import write_mask
from vosref.labels import to_mask
from vosref.runs.inspection import inspect_frame
from vosref.video import configure, walk

pytestmark = pytest.mark.usefixtures("definitions")

CHEAPLY = [word for name, value in CHEAP.items() for word in ("--set", f"{name}={value}")]
NEAREST = ["--method", "feelvos", "--config", "nearest", "--weights", "lite0", *CHEAPLY]


@pytest.fixture
def clip(tmp_path):
    return write_small_clip(tmp_path / "clip")


@pytest.fixture
def inspect(vosref, clip, tmp_path):
    """Run the command on the small clip, into the folder "out"."""

    def run(*arguments, frame=2, out="out", frames=clip[0], mask=clip[1]):
        return vosref("inspect", frames, "--mask", mask, "--frame", frame, "--out", tmp_path / out, *arguments)

    return run


@pytest.fixture
def drawn(monkeypatch):
    """Keep what is to be drawn, in place of drawing it."""
    kept = []
    for name in ("plot_tvos", "plot_feelvos"):
        monkeypatch.setattr(plots, name, lambda *arrays, **options: kept.append((arrays, options)))
    return kept


def steps(method, config, n):
    """What the loop knows after each of the first n frames."""
    frames, masks = small_clip()
    return list(walk(frames[:n], masks[0], method=method, config=config))


@pytest.mark.parametrize("arguments", [CHEAPLY, NEAREST], ids=["tvos", "feelvos"])
def test_a_sheet_is_written_and_is_the_same_bytes_again(tmp_path, inspect, arguments):
    code, printed, progress = inspect(*arguments)
    assert (code, printed) == (0, f"look at {tmp_path}/out/inspect-00002.png\n")
    assert "3/3" in progress
    assert inspect(*arguments, out="again")[0] == 0
    sheet = contents(tmp_path / "out", "*")
    assert set(sheet) == {"inspect-00002.png"}
    assert sheet == contents(tmp_path / "again", "*")
    with Image.open(tmp_path / "out" / "inspect-00002.png") as image:
        assert min(image.size) > 600


def test_tvos_shows_the_frames_that_were_looked_at_newest_first_with_their_labels(inspect, drawn):
    assert inspect(*CHEAPLY, "--set", "n_recent=1", "--set", "n_sparse=1", frame=4)[0] == 0
    (_, frame, ids, references, _), options = drawn[0]
    *_, before, step = steps("tvos", cheap(n_recent=1, n_sparse=1), 5)
    frames, _ = small_clip()
    np.testing.assert_array_equal(frame, frames[4])
    np.testing.assert_array_equal(ids, step.mask)
    assert step.info.frames == (0, 3)
    assert [r.title for r in references] == ["t-1, σ = 8", "t-4, σ = 8"]
    for t, reference in zip((3, 0), references, strict=True):
        np.testing.assert_array_equal(reference.frame, frames[t])
        labels = to_mask(before.state.labels[t], ids=(0, 1, 5), grid=(10, 16), size=(40, 64))
        np.testing.assert_array_equal(reference.labels, labels)
    assert options["names"] == ("00003", "00004")
    assert options["title"] == "TVOS at frame 00004"


@pytest.mark.parametrize("pixel", ["9,33", None])
def test_tvos_shows_the_affinity_of_the_pixel_and_the_flow_in_pixels(inspect, drawn, pixel):
    given = () if pixel is None else ("--pixel", pixel)
    assert inspect(*CHEAPLY, "--set", "sigma_recent=3", *given)[0] == 0
    (*_, references, flow), options = drawn[0]
    config = cheap(sigma_recent=3.0)
    *_, before, step = steps("tvos", config, 3)
    query, past = step.state.embeddings[-1], before.state.embeddings
    row, column = options["pixel"]
    assert (row, column) == ((9, 33) if pixel else plots.central_pixel(step.mask))
    where = grid_positions((10, 16), like=query)
    w = [affinity(query, f, where, where, sigma=3.0, temperature=40.0)[row // 4 * 16 + column // 4] for f in past]
    # Single precision: logits up to 40 are off by some (24 channels + 2) × 2^-24 × 40 = 6e-5 in either.
    assert_allclose([r.affinity.ravel() for r in references[::-1]], w / np.max(w), rtol=3e-4, atol=1e-30)
    expected = 4 * affinity_flow(query, past[1], grid=(10, 16), sigma=3.0, temperature=40.0)
    np.testing.assert_array_equal(flow, expected.reshape(10, 16, 2))


def test_feelvos_shows_its_intermediates(inspect, drawn):
    assert inspect(*NEAREST)[0] == 0
    (_, frames, masks, info), options = drawn[0]
    *_, before, step = steps("feelvos", configure("feelvos", "nearest", weights="lite0", **CHEAP), 3)
    np.testing.assert_array_equal(frames, small_clip()[0][1:3])
    np.testing.assert_array_equal(masks, [before.mask, step.mask])
    for field, values in info._asdict().items():
        np.testing.assert_array_equal(values, getattr(step.info, field), err_msg=field)
    title = "Nearest neighbour at frame 00002"
    assert options == {"ids": (0, 1, 5), "grid": (10, 16), "names": ("00001", "00002"), "title": title}


def test_no_frame_after_the_one_looked_at_is_computed(inspect, drawn, monkeypatch):
    seen = []

    def counted(weights, frame, config, real=tvos.embedding):
        seen.append(frame)
        return real(weights, frame, config)

    monkeypatch.setattr("vosref.tvos.embedding", counted)
    assert inspect(*CHEAPLY, frame=1)[0] == 0
    seen = [frame for frame in seen if frame.shape == (40, 64, 3)]  # settings are tried on something smaller
    assert {frame.tobytes() for frame in seen} == {frame.tobytes() for frame in small_clip()[0][:2]}


def test_where_no_object_is_left_the_pixel_is_one_of_the_first_mask(inspect, drawn, monkeypatch):
    monkeypatch.setattr("vosref.tvos.decide", lambda *_: np.zeros((40, 64), np.uint8))
    assert inspect(*CHEAPLY, frame=1)[0] == 0
    assert drawn[0][1]["pixel"] == plots.central_pixel(small_clip()[1][0])


@pytest.mark.parametrize("pixel", ["9,33", None])
def test_a_page_is_written_beside_the_sheet_and_opens_at_the_pixel(tmp_path, inspect, drawn, pixel):
    page = tmp_path / "pages" / "a.html"
    given = () if pixel is None else ("--pixel", pixel)
    code, printed, _ = inspect(*CHEAPLY, "--html", page, *given)
    assert (code, printed) == (0, f"look at {tmp_path}/out/inspect-00002.png\nopen {page} in a browser\n")
    frames, masks = small_clip()
    plots.write_explorer(
        tmp_path / "b.html", inspect_frame(frames, masks[0], 2, config=cheap()), pixel=drawn[0][1]["pixel"]
    )
    assert page.read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_page_that_cannot_be_written_is_refused_before_anything_is_computed(tmp_path, inspect):
    (tmp_path / "file").write_text("x")
    for page, sentence in ((tmp_path, "is a folder; name a file"), (tmp_path / "file" / "a.html", "is a file")):
        code, _, said = inspect(*CHEAPLY, "--html", page)
        assert (code, "--html" in said, sentence in said, "3/3" in said) == (1, True, True, False)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("frame", "arguments", "sentence"),
    [
        (0, (), "--frame must be 1 to 5, a frame after the first, got 0"),
        (6, (), "--frame must be 1 to 5, a frame after the first, got 6"),
        (-1, (), "--frame must be 1 to 5, a frame after the first, got -1"),
        (2, ("--pixel", "40,3"), "--pixel must lie in the frame, rows and columns 0 to 39 and 0 to 63, got 40,3"),
        (2, ("--pixel", "3,64"), "--pixel must lie in the frame, rows and columns 0 to 39 and 0 to 63, got 3,64"),
        (2, ("--pixel=-1,3",), "--pixel must lie in the frame, rows and columns 0 to 39 and 0 to 63, got -1,3"),
        (2, ("--pixel", "3"), "--pixel takes ROW,COLUMN, two whole numbers, got '3'"),
        (2, ("--pixel", "3,4.5"), "--pixel takes ROW,COLUMN, two whole numbers, got '3,4.5'"),
        (2, ("--pixel", "3,4", *NEAREST), "--pixel is for tvos, whose affinity it draws, got it with feelvos"),
        (2, ("--html", "a.html", *NEAREST), "--html is for tvos, whose affinity it shows, got it with feelvos"),
        (2, ("--method", "osvos"), "method must be one of tvos, feelvos, got 'osvos'"),
        (2, ("--config", "papers"), "for tvos, got 'papers'"),
        (2, ("--set", "temprature=3"), "tvos has no setting 'temprature'"),
        ("two", (), "Invalid value for '--frame'"),
    ],
)
def test_a_wrong_call_exits_with_2_before_anything_is_written(tmp_path, inspect, frame, arguments, sentence):
    code, printed, said = inspect(*arguments, frame=frame)
    assert (code, printed) == (2, "")
    assert sentence in plain(said)
    assert not (tmp_path / "out").exists()


def test_what_is_not_there_exits_with_3(tmp_path, inspect):
    code, _, said = inspect(frames=tmp_path / "bad")
    assert (code, said) == (
        3,
        f"error: frames: {tmp_path}/bad does not exist; give a folder of images or a video file\n",
    )
    code, _, said = inspect(mask=tmp_path / "bad.png")
    assert code == 3
    assert "bad.png does not exist; check its spelling" in said
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_used_exits_with_1(tmp_path, inspect, clip):
    code, _, said = inspect(out="clip/frames")
    assert code == 1
    assert "is the folder of the frames; name another one" in said
    (tmp_path / "file").write_text("x")
    code, _, said = inspect(out="file")
    assert (code, "--out" in said, "is a file; give a folder" in said) == (1, True, True)
    write_mask(clip[1], small_clip()[1][0][:20], palette=bytes(768))
    code, _, said = inspect()
    assert (code, "is 64x20 but the frames are 64x40" in said) == (1, True)


def test_ctrl_c_ends_with_a_sentence_and_nothing_written(tmp_path, inspect, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("vosref.plots.plot_tvos", interrupt)
    code, _, said = inspect(*CHEAPLY, frame=1)
    assert (code, said.splitlines()[-1]) == (1, "error: stopped; nothing was written")
    assert contents(tmp_path / "out", "*") == {}
