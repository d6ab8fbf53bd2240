"""``vosref segment`` over many videos: what it prints, writes and refuses, here, in processes and on a cluster."""

import json
import os
import re
import signal
import sys
from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest
from clips import CHEAP, contents, plain, register_echo, small_clip
from test_cli_process import start
from workers import PATIENCE, dask_cluster, gate, lives, until, worker_at

from vosref.cli.choices import cores
from vosref.cli.many import _sentence as told_as
from vosref.io import InputError
from vosref.runs import RECORD
from vosref.runs.cluster import cluster as connected
from vosref.runs.notes import STOP
from vosref.samples import write_clip

pytestmark = pytest.mark.usefixtures("definitions")

CHEAPLY = [word for name, value in CHEAP.items() for word in ("--set", f"{name}={value}")]
PROC = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="the tests look into /proc")  # noqa: PTH112
LENGTHS = {"bear": 4, "dog [x]": 32}


@pytest.fixture
def many(tmp_path):
    """Arguments for two videos; the folders are frames, masks and out."""
    for name, n in LENGTHS.items():
        write_clip(tmp_path / name, *(a[:n] for a in small_clip(32, 32, 48)))
        for kind in ("frames", "masks"):
            (tmp_path / kind).mkdir(exist_ok=True)
            (tmp_path / name / kind).rename(tmp_path / kind / name)
    return "segment", tmp_path / "frames", "--mask", tmp_path / "masks", "--out", tmp_path / "out"


@pytest.fixture
def echo(monkeypatch):
    register_echo(monkeypatch)
    return "--method", "echo"


def masks(out):
    return {name: contents(out / name) for name in LENGTHS}


def test_many_videos_get_masks_scores_and_one_report(tmp_path, vosref, many, echo):
    code, printed, progress = vosref(*many, *echo, "--truth", tmp_path / "masks", "--json", tmp_path / "r.json")
    assert code == 0
    assert "2 videos" in progress
    assert "36/36" in progress
    rows = json.loads((tmp_path / "r.json").read_text(), parse_constant=pytest.fail)["sequences"]
    assert [row["name"] for row in rows] == [*LENGTHS]
    for row in rows:
        out = tmp_path / "out" / row["name"]
        assert f"{row['name']}: masks in {out}/, J&F {row['J&F']:.3f}, " in printed
        assert re.search(
            rf"{re.escape(row['name'])} +│ +{row['J']:.3f} +│ +{row['F']:.3f} +│ +{row['J&F']:.3f}", printed
        )
        made = {RECORD, "overlay.mp4", "scores.png", *(f"{t:05d}.png" for t in range(LENGTHS[row["name"]]))}
        assert set(contents(out, "*")) == made
    mean = " +│ +".join(f"{sum(row[score] for row in rows) / 2:.3f}" for score in ("J", "F", "J&F"))
    assert re.search(f"mean of the videos +│ +{mean}", printed)


def test_without_truth_there_is_no_table(tmp_path, vosref, many, echo):
    code, printed, _ = vosref(*many, *echo, "--no-overlay", "--only", "bear")
    assert code == 0
    assert re.fullmatch(rf"bear: masks in {tmp_path}/out/bear/, \d+\.\d\d s a frame\n", printed)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["bear"]


def test_a_video_of_one_frame_has_no_scores_and_is_in_no_mean(tmp_path, vosref, many, echo):
    for path in (tmp_path / "frames" / "bear").iterdir():
        if path.stem != "00000":
            path.unlink()
    code, printed, _ = vosref(*many, *echo, "--no-overlay", "--truth", tmp_path / "masks")
    assert code == 0
    assert re.search(r"bear +│ +nan", printed)
    (dog,) = re.findall(r"│ dog \[x\] +│(.*)", printed)
    (mean,) = re.findall(r"│ mean of the videos +│(.*)", printed)
    assert dog == mean


def test_one_that_fails_is_named_and_the_others_end(tmp_path, vosref, many, echo, monkeypatch):
    def full(path, *arguments, **options):
        raise OSError(28, "No space left on device", str(path))

    with monkeypatch.context() as patch:
        patch.setattr("vosref.plots.plot_scores", full)
        (tmp_path / "truth" / "dog [x]").mkdir(parents=True)
        code, printed, said = vosref(
            *many, *echo, "--truth", tmp_path / "masks", "--json", tmp_path / "r.json", "--no-overlay"
        )
    assert code == 1
    assert printed == ""
    assert len(re.findall(r"failed: (?:bear|dog \[x\]): OSError: .*No space left", said)) == 2
    failed = "2 of 2 videos failed: bear, dog [x]; the same command with --resume goes on with what is unfinished"
    assert said.splitlines()[-1] == f"error: {failed}"
    assert json.loads((tmp_path / "r.json").read_text())["sequences"] == []
    job = json.loads((tmp_path / "out" / "bear" / RECORD).read_text())
    (tmp_path / "out" / "bear" / RECORD).write_text(json.dumps(job | {"objects": [9]}))
    code, printed, said = vosref(*many, *echo, "--json", tmp_path / "r.json", "--no-overlay", "--resume")
    assert code == 1
    assert re.search(r"failed: bear: --resume: .*bear holds another run \(not the same objects\)", said)
    assert printed == f"dog [x]: masks in {tmp_path}/out/dog [x]/\n"
    assert [row["name"] for row in json.loads((tmp_path / "r.json").read_text())["sequences"]] == ["dog [x]"]


def test_ctrl_c_here_says_how_to_go_on(tmp_path, vosref, many, echo, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("vosref.plots.write_overlay_video", interrupt)
        code, _, said = vosref(*many, *echo)
    kept = "the finished masks are kept, and the same command with --resume goes on from them"
    assert (code, said.splitlines()[-1]) == (1, f"error: stopped; {kept}")
    assert vosref(*many, *echo, "--resume")[0] == 0
    assert contents(tmp_path / "out", "*/.*") == {}


def test_errors_are_told_by_what_they_say():
    told = [told_as(e) for e in (InputError("frames: x"), OSError("no room"), MemoryError(), CancelledError())]
    assert told == [
        "frames: x",
        "OSError: no room",
        "MemoryError",
        "cancelled before its end; its scheduler may be gone",
    ]


# ── refusals ──


def test_what_is_missing_ends_with_3_and_nothing_made(tmp_path, vosref, many):
    for arguments, sentence in (
        (("--only", "cow"), "--only: .*frames holds no video 'cow'; it holds 'bear', 'dog \\[x\\]'"),
        (("--truth", tmp_path / "none"), "2 of 2 videos cannot be used:\n  bear: --truth: .*none/bear does not exist"),
        (("--mask", tmp_path / "none"), "--mask: .*none does not exist, and .*frames holds many videos"),
    ):
        code, printed, said = vosref(*many, *arguments)
        assert (code, printed) == (3, "")
        assert re.search(f"^error: {sentence}", said)
        assert not (tmp_path / "out").exists()


def test_a_report_in_the_place_of_a_record_is_refused(tmp_path, vosref, many, echo):
    path = tmp_path / "out" / "bear" / RECORD
    code, _, said = vosref(*many, *echo, "--json", path)
    assert code == 1
    assert f"--json: {path} is where the record of the run goes" in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--threads", "99999"], rf"--threads must be at most the {cores()} cores of this machine, got 99999"),
        (["--threads", "0"], "Invalid value for '--threads'"),
        (["--workers", "0"], "Invalid value for '--workers'"),
        (["--workers", "2", "--scheduler", "tcp://a:1"], "--workers are processes here, and --scheduler has its own"),
        (["--memory", "much"], "--memory takes a size such as 800M, 1.5GB or 2GiB, got 'much'"),
    ],
)
def test_a_wrong_call_exits_with_2(tmp_path, vosref, many, arguments, sentence):
    code, printed, said = vosref(*many, *arguments)
    assert (code, printed) == (2, "")
    assert sentence in plain(said)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", [("--only", "bear"), ("--workers", 2)])
def test_one_video_needs_no_options_for_many(tmp_path, vosref, many, option):
    frames, mask = tmp_path / "frames" / "bear", tmp_path / "masks" / "bear" / "00000.png"
    code, _, said = vosref("segment", frames, "--mask", mask, "--out", tmp_path / "out", *option)
    assert code == 2
    assert f"{option[0]} is for many videos, and FRAMES is one" in plain(said)


@pytest.mark.parametrize("single", [False, True])
def test_memory_and_threads_reach_the_run(tmp_path, vosref, many, echo, monkeypatch, single):
    from vosref import runs  # noqa: PLC0415
    from vosref.kernels.threads import thread_count  # noqa: PLC0415

    seen, segment = set(), runs.segment

    def spy(job, *, memory, **options):
        seen.add((memory, thread_count()))
        return segment(job, **options)

    monkeypatch.setattr("vosref.runs.segment", spy)
    if single:
        frames, mask = tmp_path / "frames" / "bear", tmp_path / "masks" / "bear" / "00000.png"
        many = ("segment", frames, "--mask", mask, "--out", tmp_path / "out")
    assert vosref(*many, *echo, "--memory", "900M", "--threads", "1", "--no-overlay")[0] == 0
    assert seen == {(900_000_000, 1)}


# ── processes ──


def test_workers_here_or_on_a_cluster_give_the_same_bytes_as_none(tmp_path, many, monkeypatch):
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)  # the cluster's workers have this environment
    monkeypatch.chdir(tmp_path)
    with dask_cluster() as cluster:
        ways = {"none": (), "two": ("--workers", "2"), "cluster": ("--scheduler", cluster.scheduler_address)}
        for out, options in ways.items():
            command = ("segment", "frames", "--mask", "masks", "--out", out, *CHEAPLY, "--no-overlay", *options)
            with start(*command) as process:
                printed, said = process.communicate(timeout=PATIENCE)
            assert process.returncode == 0, said
            assert "warning" not in said
            assert len(re.findall(rf"^(?:bear|dog \[x\]): masks in .*{out}/", printed, re.MULTILINE)) == 2
        one = ("segment", "frames/bear", "--mask", "masks/bear/00000.png", "--out", "one", *CHEAPLY, "--no-overlay")
        with start(*one, *ways["cluster"]) as process:
            printed, said = process.communicate(timeout=PATIENCE)
        assert printed.startswith(f"bear: masks in {tmp_path}/one/"), said
    assert masks(tmp_path / "none") == masks(tmp_path / "two") == masks(tmp_path / "cluster")
    assert [len(found) for found in masks(tmp_path / "none").values()] == [*LENGTHS.values()]
    assert contents(tmp_path / "one") == contents(tmp_path / "none" / "bear")


@PROC
def test_a_worker_killed_is_named_and_ctrl_c_leaves_no_process(tmp_path, many):
    command, out = (*many, *CHEAPLY, "--no-overlay", "--workers", "2"), tmp_path / "out" / "dog [x]"
    with gate(tmp_path / "frames" / "dog [x]" / "00026.png", passes=1) as let_through, start(*command) as process:
        _, pid = worker_at(out, 21)
        process.send_signal(signal.SIGINT)
        with ThreadPoolExecutor(1) as aside:
            aside.submit(until, (out / STOP).exists, "the wish to stop").add_done_callback(lambda _: let_through())
            _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert said.splitlines()[-1].startswith("error: stopped; the finished masks are kept")
    assert "Traceback" not in said
    assert not lives(pid)
    with (
        gate(tmp_path / "frames" / "dog [x]" / "00029.png", passes=1) as let_through,
        start(*command, "--resume") as process,
    ):
        worker, pid = worker_at(out, 26)
        os.kill(pid, signal.SIGKILL)
        let_through()
        printed, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    assert len(printed.splitlines()) == 2
    found = re.findall(
        r"^warning: dog \[x\]: worker (.*) was lost at frame (\d+); worker (.*) went on$", said, re.MULTILINE
    )
    ((lost, frame, successor),) = found
    assert lost == worker != successor
    assert 26 <= int(frame) <= 29
    assert "warning: bear" not in said
    assert contents(tmp_path / "out", "*/.*") == {}


# ── a cluster ──


def test_a_scheduler_that_does_not_answer_is_told(tmp_path, vosref, many, echo, monkeypatch):
    pytest.importorskip("distributed", reason="dask.distributed (extra cluster) is absent")
    monkeypatch.setattr("vosref.runs.cluster.PATIENCE", 0.2)
    code, _, said = vosref(*many, *echo, "--scheduler", "tcp://127.0.0.1:1")
    assert code == 1
    assert re.search(r"error: --scheduler: tcp://127\.0\.0\.1:1 does not answer within 0 s; give the address", said)


@pytest.mark.parametrize("address", ["nonsense", "foo://a:1", "tcp://a"])
def test_an_address_of_no_kind_is_refused(vosref, many, echo, address):
    code, _, said = vosref(*many, *echo, "--scheduler", address)
    assert code == 1
    assert f"error: --scheduler takes an address such as tcp://host:8786, got '{address}'" in said


def test_without_the_extra_its_name_is_told(vosref, many, echo, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    code, _, said = vosref(*many, *echo, "--scheduler", "tcp://127.0.0.1:1")
    assert code == 1
    assert "error: --scheduler needs dask.distributed: pip install 'vosref[cluster]'" in said


def test_a_cluster_without_workers_is_waited_for():
    distributed = pytest.importorskip("distributed", reason="dask.distributed (extra cluster) is absent")
    waits = []
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=":0", silence_logs=60) as empty,
        connected(empty.scheduler_address, waiting=lambda: waits.append(1)),
    ):
        assert waits == [1]
