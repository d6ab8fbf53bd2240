"""Overlay videos: they can be read again, frame by frame, and a failure leaves nothing behind."""

import sys

import av
import numpy as np
import pytest
from PIL import Image

from vosref import samples
from vosref.plots import overlay, overlay_suffix, write_overlay_video

SIZE = (37, 53)  # odd both ways


def scene(*, size=SIZE, t=0):
    """A grey ramp, which lossy coding keeps, and a box that moves right with t."""
    ramp = np.linspace(60, 160, size[1], dtype=np.uint8)
    ids = np.zeros(size, dtype=np.uint8)
    ids[8:30, 8 + t : 40 + t] = 1
    return np.broadcast_to(ramp[None, :, None], (*size, 3)), ids


def clip(n_frames, *, size=SIZE):
    return map(list, zip(*(scene(size=size, t=t) for t in range(n_frames)), strict=True))


def decoded(path):
    with av.open(str(path)) as container:
        rate = container.streams.video[0].average_rate
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)], float(rate)


def gif_frames(path):
    with Image.open(path) as image:
        frames = []
        for t in range(image.n_frames):
            image.seek(t)
            frames.append((np.asarray(image.convert("RGB")), image.info["duration"]))
    return frames


@pytest.mark.parametrize(("size", "codecs"), [((48, 64), None), ((49, 65), None), ((49, 65), {"mpeg4"})])
def test_an_mp4_is_read_again_frame_by_frame(tmp_path, monkeypatch, size, codecs):
    if codecs:
        monkeypatch.setattr(av, "codecs_available", codecs)
    path = tmp_path / "overlay.mp4"
    frames, masks = clip(7, size=size)
    write_overlay_video(path, iter(frames), iter(masks), frames_per_second=12.5)
    found, rate = decoded(path)
    assert len(found) == 7
    assert found[0].shape == (size[0] + size[0] % 2, size[1] + size[1] % 2, 3)
    assert rate == pytest.approx(12.5)
    for picture, frame, ids in zip(found, frames, masks, strict=True):
        difference = picture[: size[0], : size[1]].astype(int) - overlay(frame, ids)
        assert np.abs(difference).mean() < 6
    assert [p.name for p in tmp_path.iterdir()] == ["overlay.mp4"]


def test_a_gif_is_read_again_frame_by_frame(tmp_path):
    path = tmp_path / "overlay.gif"
    frames, masks = clip(7, size=(49, 65))
    write_overlay_video(path, iter(frames), iter(masks), frames_per_second=10)
    found = gif_frames(path)
    assert len(found) == 7
    for (picture, duration), frame, ids in zip(found, frames, masks, strict=True):
        assert duration == 100
        assert picture.shape == frame.shape
        assert np.abs(picture.astype(int) - overlay(frame, ids)).mean() < 6


def test_equal_neighbours_in_a_gif_keep_their_time(tmp_path):
    frame, ids = scene()
    write_overlay_video(tmp_path / "still.gif", [frame] * 3, [ids] * 3, frames_per_second=10)
    assert sum(duration for _, duration in gif_frames(tmp_path / "still.gif")) == 300


def test_large_overlays_are_shrunk(tmp_path):
    frames, masks = clip(2, size=(120, 961))
    write_overlay_video(tmp_path / "wide.gif", frames, masks)
    assert gif_frames(tmp_path / "wide.gif")[0][0].shape == (60, 480, 3)
    write_overlay_video(tmp_path / "wide.mp4", frames, masks, max_height=33)
    assert decoded(tmp_path / "wide.mp4")[0][0].shape == (34, 264, 3)


@pytest.mark.parametrize("suffix", [".mp4", ".GIF"])
def test_one_frame_is_a_video_and_the_same_bytes_twice(tmp_path, suffix):
    frame, ids = scene()
    paths = [tmp_path / f"{n}{suffix}" for n in range(2)]
    for path in paths:
        write_overlay_video(path, [frame], [ids])
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_an_mp4_is_the_same_bytes_whatever_memory_held_before(tmp_path):
    (frames, masks), found = map(list, samples.render("two-crossing")), set()
    for n in range(5):
        sizes = (1000, 70_000, 150_000, 300_000)
        dirt = [np.random.default_rng(1000 * n + k).integers(0, 256, s, np.uint8) for k in range(150) for s in sizes]
        del dirt
        write_overlay_video(tmp_path / "overlay.mp4", frames, masks)
        found.add((tmp_path / "overlay.mp4").read_bytes())
    assert len(found) == 1


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_a_failure_leaves_no_file(tmp_path, suffix):
    frames, masks = clip(3)
    with pytest.raises(ValueError, match="masks must be as many as frames, got 2 masks only"):
        write_overlay_video(tmp_path / f"broken{suffix}", frames, masks[:2])
    frames[1] = frames[1][:-1]
    masks[1] = masks[1][:-1]
    with pytest.raises(ValueError, match=r"one shape, \(37, 53, 3\), got \(36, 53, 3\) for frame 1"):
        write_overlay_video(tmp_path / f"broken{suffix}", frames, masks)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "n_frames", "options", "message"),
    [
        ("a.avi", 1, {}, r"path must end in .mp4 or .gif, got 'a.avi'"),
        ("a.gif", 0, {}, r"frames must hold at least one frame, got none"),
        ("a.gif", 1, {"frames_per_second": 0}, r"frames_per_second must be in \[1, 100\], got 0"),
        ("a.gif", 1, {"max_height": 15}, r"max_height must be 16 or more pixels, got 15"),
    ],
)
def test_videos_that_cannot_be_written_are_refused(tmp_path, name, n_frames, options, message):
    frame, ids = scene()
    with pytest.raises(ValueError, match=message):
        write_overlay_video(tmp_path / name, [frame] * n_frames, [ids] * n_frames, **options)


def test_without_pyav_the_suffix_is_gif_and_mp4_says_what_is_missing(tmp_path, monkeypatch):
    assert overlay_suffix() == ".mp4"
    monkeypatch.setitem(sys.modules, "av", None)
    assert overlay_suffix() == ".gif"
    frame, ids = scene()
    with pytest.raises(ValueError, match=r"\.mp4 needs PyAV: pip install 'vosref\[video\]', or write a \.gif"):
        write_overlay_video(tmp_path / "a.mp4", [frame], [ids])
    assert not list(tmp_path.iterdir())
