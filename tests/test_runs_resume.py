"""A stopped run goes on to the same bytes, wherever and however it was stopped; another job's folder is refused."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from clips import CONFIGS, EchoState, cheap, contents, register_echo, small_clip, write_small_clip
from PIL import Image

from vosref.io import InputError, write_mask
from vosref.runs import CHECKPOINT, RECORD, open_job, segment
from vosref.runs.checkpoints import load_state, save_state
from vosref.video import configure

pytestmark = pytest.mark.usefixtures("definitions")

N = 12
SCENE = {"n_frames": N, "height": 24, "width": 40}


@pytest.fixture
def often(monkeypatch):
    monkeypatch.setattr("vosref.runs.CHECKPOINT_EVERY", 5)


@pytest.fixture
def echo(monkeypatch, often):
    register_echo(monkeypatch)
    return {"method": "echo"}


@pytest.fixture
def clip(tmp_path):
    return write_small_clip(tmp_path / "clip", **SCENE)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, definitions):
    """The masks of uninterrupted runs, by configuration."""
    folder = tmp_path_factory.mktemp("whole")
    clip = write_small_clip(folder / "clip", **SCENE)
    for name in CONFIGS:
        segment(open_job(*clip, folder / name, config=cheap(name)))
    return {name: contents(folder / name) for name in CONFIGS}


def run(clip, out, *, resume=False, stop_after=None, **options):
    """Run, and stop by Ctrl-C once `stop_after` masks are written; return the numbers that the progress bar saw."""
    seen = []

    def progress(done):
        seen.append(done)
        if done == stop_after:
            raise KeyboardInterrupt

    job = open_job(*clip, out, **options)
    if stop_after is None:
        segment(job, resume=resume, progress=progress)
    else:
        with pytest.raises(KeyboardInterrupt):
            segment(job, resume=resume, progress=progress)
    return seen


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("stops", [(1,), (4,), (5,), (6, 7), (11,)])  # checkpoints come after 5 and 10
def test_a_stopped_run_keeps_its_masks_and_goes_on_to_the_same_bytes(tmp_path, clip, often, whole, name, stops):
    out, before = tmp_path / "out", 0
    for stop in stops:
        assert run(clip, out, config=cheap(name), resume=before > 0, stop_after=stop) == [*range(before, stop + 1)]
        assert contents(out) == {f"{t:05d}.png": whole[name][f"{t:05d}.png"] for t in range(stop)}
        assert json.loads((out / RECORD).read_text())["frames_done"] == stop
        assert set(contents(out, ".*")) == {CHECKPOINT}
        before = stop
    assert run(clip, out, config=cheap(name), resume=True) == [*range(before, N + 1)]
    assert contents(out) == whole[name]
    assert contents(out, ".*") == {}


def test_a_run_killed_at_any_frame_goes_on_to_the_same_bytes(tmp_path, clip, echo):
    """A copy of the folder after each frame is what a process killed there leaves: its checkpoint is older."""
    job = open_job(*clip, tmp_path / "out", **echo)
    segment(job, progress=lambda done: shutil.copytree(job.out, tmp_path / f"killed {done}"))
    for done in range(N + 1):
        counted = run(clip, tmp_path / f"killed {done}", resume=True, **echo)
        assert counted[0] == (0 if done < 5 else 5 if done < 10 else 10)
        assert contents(tmp_path / f"killed {done}") == contents(job.out)


def test_a_killed_run_of_tvos_goes_on_to_the_same_bytes(tmp_path, clip, often, whole):
    job = open_job(*clip, tmp_path / "out", config=cheap())
    segment(job, progress=lambda done: done == 8 and shutil.copytree(job.out, tmp_path / "killed"))
    assert run(clip, tmp_path / "killed", config=cheap(), resume=True) == [*range(5, N + 1)]
    assert contents(tmp_path / "killed") == whole["released"]


def test_resuming_a_finished_run_computes_nothing(tmp_path, clip, echo, monkeypatch):
    out = tmp_path / "out"
    run(clip, out, **echo)
    masks, times = contents(out), {p: p.stat().st_mtime_ns for p in out.glob("*.png")}
    monkeypatch.setattr("vosref.runs.walk", pytest.fail)
    counted = []
    took = json.loads((out / RECORD).read_text())["result"]
    result = segment(open_job(*clip, out, truth=clip[1].parent, **echo), resume=True, progress=counted.append)
    assert counted == [N]
    assert result.seconds_per_frame is None
    kept = json.loads((out / RECORD).read_text())["result"]
    assert [kept[key] for key in ("seconds_per_frame", "peak_bytes")] == [took["seconds_per_frame"], took["peak_bytes"]]
    assert result.scores is not None
    assert contents(out) == masks
    assert {p: p.stat().st_mtime_ns for p in out.glob("*.png")} == times


@pytest.mark.parametrize("stop", [7, None], ids=["stopped", "finished"])
def test_a_run_whose_masks_were_taken_away_starts_over(tmp_path, clip, echo, stop):
    run(clip, tmp_path / "whole", **echo)
    run(clip, tmp_path / "out", stop_after=stop, **echo)
    (tmp_path / "out" / "00002.png").unlink()
    assert run(clip, tmp_path / "out", resume=True, **echo)[0] == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


@pytest.mark.parametrize("damage", ["half", "garbage", "empty", "header", "missing"])
def test_a_damaged_checkpoint_means_starting_over(tmp_path, clip, echo, damage):
    out = tmp_path / "out"
    run(clip, out, stop_after=7, **echo)
    path, masks = out / CHECKPOINT, contents(out)
    data = path.read_bytes()
    damaged = {"half": data[: len(data) // 2], "garbage": data[::-1], "empty": b""}
    damaged["header"] = data.replace(b'"t"', b'"x"', 1)
    path.unlink()
    if damage != "missing":
        path.write_bytes(damaged[damage])
    assert run(clip, out, resume=True, **echo)[0] == 0
    assert contents(out).items() >= masks.items()


def test_without_resume_a_run_starts_over_and_forgets_the_old_checkpoint(tmp_path, clip, echo):
    run(clip, tmp_path / "out", stop_after=7, **echo)
    assert run(clip, tmp_path / "out", stop_after=2, **echo) == [0, 1, 2]
    assert run(clip, tmp_path / "out", resume=True, **echo) == [*range(2, N + 1)]


def killed(clip, out, done, **options):
    """Run, and leave the folder as if the process had been killed after `done` masks."""
    job, copy = open_job(*clip, out, **options), out.with_name("copy")
    segment(job, progress=lambda n: n == done and shutil.copytree(out, copy))
    shutil.rmtree(out)
    copy.rename(out)


def test_masks_of_jobs_that_took_turns_in_a_folder_are_never_mixed(tmp_path, clip, echo):
    out, other = tmp_path / "out", echo | {"config": configure("echo", reach="3")}
    run(clip, tmp_path / "whole", **echo)
    run(clip, out, stop_after=7, **echo)
    killed(clip, out, 4, **other)  # before its first checkpoint
    killed(clip, out, 1, **echo)
    run(clip, out, resume=True, **echo)
    assert contents(out) == contents(tmp_path / "whole")


def test_the_time_of_a_frame_counts_the_frames_computed_now(tmp_path, clip, echo, monkeypatch):
    run(clip, tmp_path / "out", stop_after=7, **echo)
    monkeypatch.setattr("vosref.runs.time", SimpleNamespace(perf_counter=iter([100.0, 110.0]).__next__))
    assert segment(open_job(*clip, tmp_path / "out", **echo), resume=True).seconds_per_frame == 10 / (N - 7)


def test_resume_in_an_empty_folder_is_a_run(tmp_path, clip, echo):
    assert run(clip, tmp_path / "out", resume=True, **echo) == [*range(N + 1)]


# ── other jobs ──


def other_config(clip, options):
    return clip, {"config": cheap()}


def other_mask(clip, options):
    ids = small_clip(**SCENE)[1][0].copy()
    ids[0, 0] = 1
    write_mask(clip[1], ids, palette=bytes(768))
    return clip, options


def other_palette(clip, options):
    write_mask(clip[1], small_clip(**SCENE)[1][0], palette=bytes(768))
    return clip, options


def fewer_frames(clip, options):
    (clip[0] / "00011.png").unlink()
    return clip, options


def renamed_frame(clip, options):
    (clip[0] / "00003.png").rename(clip[0] / "00003b.png")
    return clip, options


def other_video(clip, options):
    with Image.open(clip[0] / "00000.png") as image:
        Image.fromarray(255 - np.asarray(image)).save(clip[0] / "00000.png")
    return clip, options


def fewer_objects(clip, options):
    write_mask(clip[1], np.minimum(small_clip(**SCENE)[1][0], 1), palette=bytes(768))
    return clip, options


@pytest.mark.parametrize("stop", [7, None], ids=["stopped", "finished"])
@pytest.mark.parametrize(
    ("change", "named"),
    [
        (other_config, "method, config"),
        (other_mask, "first_mask"),
        (other_palette, "first_mask"),
        (fewer_objects, "first_mask, objects"),
        (fewer_frames, "frames"),
        (renamed_frame, "frames"),
        (other_video, "frames"),
    ],
)
def test_another_job_s_folder_is_refused_and_left_as_it_is(tmp_path, clip, echo, stop, change, named):
    run(clip, tmp_path / "out", stop_after=stop, **echo)
    before = contents(tmp_path / "out", "*")
    clip, options = change(clip, echo)
    with pytest.raises(InputError, match=rf"--resume: .*out holds another run \(not the same {named}\); name another"):
        segment(open_job(*clip, tmp_path / "out", **options), resume=True)
    assert contents(tmp_path / "out", "*") == before
    assert run(clip, tmp_path / "out", **options)[0] == 0


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", "\udcff"])
def test_a_record_that_is_none_is_refused(tmp_path, clip, echo, text):
    run(clip, tmp_path / "out", stop_after=3, **echo)
    (tmp_path / "out" / RECORD).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=r"--resume: .*vosref\.json is not the record of a run; leave out --resume"):
        run(clip, tmp_path / "out", resume=True, **echo)


def test_a_checkpoint_holds_any_state_of_its_own_job(tmp_path):
    state = EchoState(tuple(np.full((2, 3), k, "f4") for k in range(12)), (), 9)
    save_state(tmp_path / "a.safetensors", state, identity="job ä")
    found = load_state(tmp_path / "a.safetensors", EchoState, identity="job ä")
    assert (found.t, found.nothing) == (9, ())
    assert [a.tolist() for a in found.past] == [a.tolist() for a in state.past]
    assert load_state(tmp_path / "a.safetensors", EchoState, identity="job b") is None
