"""A video file: every container, damaged ones refused before work starts, frames upright and in order."""

import struct
import sys

import numpy as np
import pytest

from vosref.io import InputError, open_frames

av = pytest.importorskip("av")

SIZE = (48, 64)
CODECS = {".webm": "libvpx-vp9", ".gif": "gif", ".mpg": "mpeg1video"}
PIXELS = {".gif": "rgb8"}


def write_video(path, *, n_frames=12, sizes=(SIZE,), codec=None, options=None):
    """Write frames of grey 0, 20, ..., 220, 0, ... with one bright corner, top left."""
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(codec or CODECS.get(path.suffix, "mpeg4"), rate=25)
        stream.height, stream.width = sizes[0]
        stream.pix_fmt = PIXELS.get(path.suffix, "yuv420p")
        for t in range(n_frames):
            frame = np.full((*sizes[0], 3), 20 * (t % 12), np.uint8)
            frame[:16, :16] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return path


def grey(frame):
    return float(frame[30:, 30:].mean())


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".avi", ".mkv", ".webm", ".gif", ".m4v", ".mpg", ".MP4"])
def test_every_container_gives_its_frames_in_order(tmp_path, suffix):
    codec = CODECS.get(suffix, "mpeg4")
    if codec not in av.codec.codecs_available:
        pytest.skip(f"this PyAV has no {codec}")
    frames = open_frames(write_video(tmp_path / f"clip{suffix}"))
    assert (frames.size, len(frames), frames.count) == (SIZE, 12, 12)
    assert frames.names == tuple(f"{t:05d}" for t in range(12))
    for _ in range(2):
        read = list(frames)
        assert all(f.shape == (*SIZE, 3) and f.dtype == np.uint8 and f.flags.c_contiguous for f in read)
        # gif has 8 levels of red and green and 4 of blue
        assert np.allclose([grey(f) for f in read], [20 * t for t in range(12)], atol=40 if suffix == ".gif" else 6)


def test_a_frame_is_found_by_index_and_reading_resumes_anywhere(tmp_path):
    frames = open_frames(write_video(tmp_path / "clip.mp4"))
    assert grey(frames[7]) == pytest.approx(140, abs=6)
    assert grey(frames[-1]) == pytest.approx(220, abs=6)
    assert [round(grey(f) / 20) for f in frames.iterate(start=9)] == [9, 10, 11]
    with pytest.raises(IndexError, match="index must be below the 12 frames, got 12"):
        frames[12]


def test_a_name_that_ffmpeg_would_take_for_something_else_is_a_file(tmp_path):
    assert len(open_frames(write_video(tmp_path / "clip.gif").rename(tmp_path / "a:b %03d ä.gif"))) == 12


def test_the_container_s_own_count_is_not_believed(tmp_path):
    path = write_video(tmp_path / "clip.avi")
    data = bytearray(path.read_bytes())
    at = data.index(b"avih") + 8 + 16  # dwTotalFrames
    assert struct.unpack_from("<I", data, at) == (12,)
    struct.pack_into("<I", data, at, 500)
    path.write_bytes(data)
    assert len(open_frames(path)) == 12


def _rotated(path, degrees):
    """Write the display matrix of a telephone held otherwise into the track header."""
    cos, sin = round(np.cos(np.radians(degrees))), round(np.sin(np.radians(degrees)))
    data = bytearray(path.read_bytes())
    matrix = struct.pack(">9i", cos << 16, sin << 16, 0, -sin << 16, cos << 16, 0, 0, 0, 1 << 30)
    at = data.index(b"tkhd") + 4 + 40
    assert data[at : at + 36] == struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    data[at : at + 36] = matrix
    path.write_bytes(data)


@pytest.mark.skipif(not hasattr(av.VideoFrame, "rotation"), reason="this PyAV does not tell the rotation")
@pytest.mark.parametrize(("degrees", "corner"), [(90, (0, -1)), (180, (-1, -1)), (270, (-1, 0))])
def test_a_video_of_a_turned_camera_is_brought_upright(tmp_path, degrees, corner):
    _rotated(write_video(tmp_path / "clip.mp4"), degrees)
    frames = open_frames(tmp_path / "clip.mp4")
    assert frames.size == (SIZE if degrees == 180 else SIZE[::-1])
    assert frames[0].shape == (*frames.size, 3)
    assert frames[0][corner].min() > 200
    assert frames[0][0, 0].max() < 60


@pytest.mark.parametrize(
    ("options", "share"),
    [(None, 0.33), (None, 0.95), ({"movflags": "faststart"}, 0.4), ({"movflags": "faststart"}, 0.9)],
)
def test_a_truncated_mp4_is_refused(tmp_path, options, share):
    path = write_video(tmp_path / "clip.mp4", options=options, n_frames=40)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match=r"frames: .*clip\.mp4 .* after \d+ frames.*encode it again, .*ffmpeg"):
        open_frames(path)


@pytest.mark.parametrize("data", [b"", b"hello", bytes(5000), bytes(range(256)) * 20])
@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".avi", ".gif"])
def test_garbage_is_refused(tmp_path, suffix, data):
    path = tmp_path / f"clip{suffix}"
    path.write_bytes(data)
    with pytest.raises(InputError, match=rf"frames: .*clip\{suffix} .*encode it again") as caught:
        open_frames(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6])
def test_a_video_damaged_inside_is_refused(tmp_path, share):
    path = write_video(tmp_path / "clip.mp4", n_frames=40)
    data = bytearray(path.read_bytes())
    start, stop = data.index(b"mdat") + 4, data.index(b"moov")
    at = start + int(share * (stop - start))
    data[at : at + 40] = b"\xff" * 40
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"is damaged at frame \d+|cannot be decoded after \d+ frames"):
        open_frames(path)


@pytest.mark.parametrize("n_bytes", [0, 12])
def test_a_video_without_a_frame_is_refused(tmp_path, n_bytes):
    path = write_video(tmp_path / "clip.mkv")
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"\x1f\x43\xb6\x75") + n_bytes])  # up to the first cluster, or into it
    with pytest.raises(InputError, match=r"clip\.mkv (cannot be decoded after 0 frames|holds no frame)"):
        open_frames(path)


def test_a_file_with_sound_only_is_refused(tmp_path):
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(InputError, match=r"clip\.mp4 has no picture in it"):
        open_frames(path)


def test_a_video_whose_size_changes_is_refused(tmp_path):
    first, second = write_video(tmp_path / "a.mpg"), tmp_path / "b.mpg"
    write_video(second, sizes=((80, 96),))
    (tmp_path / "both.mpg").write_bytes(first.read_bytes() + second.read_bytes())
    with pytest.raises(
        InputError, match=r"changes from 64x48 to 96x80 \(width x height\) at frame 1\d; .* scale or split"
    ):
        open_frames(tmp_path / "both.mpg")


def test_without_pyav_the_message_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "clip.mp4").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(
        InputError, match=r"clip\.mp4 is a video file, .* pip install 'vosref\[video\]', or give a folder"
    ):
        open_frames(tmp_path / "clip.mp4")


def test_reading_may_stop_early(tmp_path):
    frames = open_frames(write_video(tmp_path / "clip.mp4"))
    reading = frames.iterate()
    next(reading)
    reading.close()
    assert len(list(frames)) == 12
