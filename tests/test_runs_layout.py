"""Many videos in folders: which there are, which mask is whose, and every refusal at once with nothing made."""

import numpy as np
import pytest
from clips import contents, register_echo, small_clip, write_small_clip
from PIL import Image

from vosref.io import InputError, MissingInputError
from vosref.runs.layout import find_first_mask, find_videos, holds_many, open_jobs
from vosref.samples import write_clip

pytestmark = pytest.mark.usefixtures("definitions")


@pytest.fixture
def davis(tmp_path, monkeypatch):
    """Three videos, as DAVIS lays them out."""
    register_echo(monkeypatch)
    for kind in ("frames", "masks"):
        (tmp_path / kind).mkdir()
    for name, n in (("bear", 3), ("car 10", 2), ("car 9", 4)):
        write_clip(tmp_path / name, *(a[:n] for a in small_clip()))
        for kind in ("frames", "masks"):
            (tmp_path / name / kind).rename(tmp_path / kind / name)
        (tmp_path / name).rmdir()
    (tmp_path / "frames" / ".hidden").mkdir()
    (tmp_path / "frames" / "README.txt").touch()
    return tmp_path


def opened(folder, **options):
    return open_jobs(folder / "frames", folder / "masks", folder / "out", method="echo", **options)


def test_each_video_becomes_a_job_in_natural_order(davis):
    seen = []
    jobs = opened(davis, truth=davis / "masks", opened=lambda *counts: seen.append(counts))
    assert [(job.name, len(job.frames), len(job.truth)) for job in jobs] == [
        ("bear", 3, 3),
        ("car 9", 4, 4),
        ("car 10", 2, 2),
    ]
    assert [job.out for job in jobs] == [davis / "out" / job.name for job in jobs]
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert [job.name for job in opened(davis, only=("car 10", "bear"))] == ["bear", "car 10"]


def test_only_a_folder_of_videos_holds_many(davis, tmp_path):
    assert holds_many(davis / "frames")
    for other in (
        davis / "frames" / "bear",
        davis / "frames" / "README.txt",
        davis / "none",
        davis / "frames" / ".hidden",
    ):
        assert not holds_many(other)
    (davis / "frames" / ".hidden" / "film.mp4").touch()
    assert holds_many(davis / "frames" / ".hidden")
    Image.new("RGB", (4, 4)).save(davis / "frames" / "stray.jpg")
    assert not holds_many(davis / "frames")


def test_a_video_has_a_name_of_its_own(davis):
    (davis / "frames" / "bear.mp4").touch()
    with pytest.raises(InputError, match="frames: .*frames holds both bear and bear.mp4; move one of them away"):
        find_videos(davis / "frames")


def test_only_names_that_are_there(davis):
    with pytest.raises(
        MissingInputError, match=r"--only: .*frames holds no video 'cow', 'pig'; it holds 'bear', 'car 9'"
    ):
        find_videos(davis / "frames", only=("cow", "bear", "pig"))


def test_the_first_mask_is_found_in_each_layout(davis):
    video, folder = davis / "frames" / "bear", davis / "masks" / "bear"
    assert find_first_mask(davis / "masks", "bear", video) == folder / "00000.png"
    for name in ("00001", "00002"):
        (folder / f"{name}.png").unlink()
    only = (folder / "00000.png").rename(folder / "first.png")
    assert find_first_mask(davis / "masks", "bear", video) == only
    single = only.rename(davis / "masks" / "bear.png")
    assert find_first_mask(davis / "masks", "bear", video) == single


@pytest.mark.parametrize("film", [False, True])
def test_a_later_frames_mask_is_not_taken_for_the_first_ones(davis, film):
    video, folder = davis / "frames" / "bear", davis / "masks" / "bear"
    if film:
        video = davis / "bear.mp4"
        video.touch()
    (folder / "00000.png").unlink()
    for held in ("'00001', '00002'", "'00002'"):
        with pytest.raises(
            MissingInputError, match=rf"bear holds {held}, none of them named like the first frame, '00000'"
        ):
            find_first_mask(davis / "masks", "bear", video)
        (folder / "00001.png").unlink(missing_ok=True)
    (folder / "00002.png").unlink()
    with pytest.raises(MissingInputError, match="--mask: .*bear holds no PNG"):
        find_first_mask(davis / "masks", "bear", video)


def test_all_that_is_missing_is_told_at_once_and_nothing_is_made(davis):
    for name in ("bear", "car 9"):
        (davis / "masks" / name).rename(davis / name)
    with pytest.raises(MissingInputError) as caught:
        opened(davis)
    assert str(caught.value).splitlines() == [
        "2 of 3 videos cannot be used:",
        f"  bear: --mask: {davis}/masks holds neither bear.png nor a folder bear",
        f"  car 9: --mask: {davis}/masks holds neither car 9.png nor a folder car 9",
    ]
    assert not (davis / "out").exists()


def test_what_cannot_be_used_is_told_at_once_and_nothing_is_made(davis):
    (davis / "frames" / "bear" / "00001.png").write_bytes(b"hello")
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(davis / "masks" / "car 10" / "00000.png")
    with pytest.raises(InputError) as caught:
        opened(davis)
    assert not isinstance(caught.value, MissingInputError)
    first, bear, car = str(caught.value).splitlines()
    assert first == "2 of 3 videos cannot be used:"
    assert bear.startswith(f"  bear: frames: {davis}/frames/bear/00001.png is not an image")
    assert car.startswith(f"  car 10: --mask: {davis}/masks/car 10/00000.png is 5x5 but the frames are 64x40")
    assert not (davis / "out").exists()


def test_folders_that_were_there_stay(davis):
    (davis / "out" / "bear").mkdir(parents=True)
    (davis / "out" / "bear" / "notes.txt").touch()
    with pytest.raises(
        MissingInputError, match=r"3 of 3 videos cannot be used:\n  bear: --truth: .*none/bear does not exist"
    ):
        opened(davis, truth=davis / "none")
    assert set(contents(davis / "out", "*/*")) == {"notes.txt"}
    assert not (davis / "out" / "car 9").exists()


def test_many_videos_need_a_folder_of_masks(davis):
    for masks, kind, reason in (
        (davis / "none", MissingInputError, "does not exist"),
        (davis / "frames" / "README.txt", InputError, "is one file"),
    ):
        with pytest.raises(kind, match=f"--mask: .* {reason}, and .*frames holds many videos; give a folder with each"):
            open_jobs(davis / "frames", masks, davis / "out", method="echo")


def test_video_files_are_videos_too(tmp_path, monkeypatch):
    av = pytest.importorskip("av")
    register_echo(monkeypatch)
    _, first = write_small_clip(tmp_path / "clip")
    (tmp_path / "films").mkdir()
    with av.open(str(tmp_path / "films" / "my film.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width, stream.pix_fmt = 40, 64, "yuv420p"
        for frame in small_clip()[0]:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode())
    (tmp_path / "masks").mkdir()
    first.rename(tmp_path / "masks" / "my film.png")
    (job,) = open_jobs(tmp_path / "films", tmp_path / "masks", tmp_path / "out", method="echo")
    assert (job.name, len(job.frames)) == ("my film", 6)
