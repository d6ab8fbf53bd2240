"""Many runs over any executor: the same bytes, whoever computes, dies, fails or is stopped on the way."""

import functools
import hashlib
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext

import pytest
from clips import LENGTHS, cheap, contents, open_all, register_echo, write_clips
from workers import children, dask_cluster, gate, lives, until, worker_at

from vosref import __version__
from vosref.runs import CHECKPOINT, RECORD, open_job
from vosref.runs.many import Outcome, _attempt, segment_many
from vosref.runs.notes import STOP, Lost, read_note, this_worker
from vosref.runs.processes import Processes, WorkerDied
from vosref.video import VanishedObjectWarning

GATED = "long/frames/00026.png"  # nobody gets beyond it
SEEN = 21  # masks; when they are written, there is a checkpoint at 20
NAMES = [*LENGTHS]
JIT_OFF = os.environ.get("NUMBA_DISABLE_JIT") == "1"
COMPILED = "workers compile also where this process interprets its kernels, which round differently"
PROC = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="the tests look into /proc")  # noqa: PTH112


@pytest.fixture(autouse=True, scope="module")
def compiling():
    """Let workers compile, also where this process must not: they are no part of what a coverage run counts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("NUMBA_DISABLE_JIT", raising=False)
        yield


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return write_clips(tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="module")
def cluster():
    with dask_cluster() as cluster:
        yield cluster


@pytest.fixture
def echo(monkeypatch, definitions):
    register_echo(monkeypatch)
    return {"method": "echo"}


def digests(out):
    return {name: {k: hashlib.sha256(v).hexdigest() for k, v in contents(out / name).items()} for name in NAMES}


@pytest.fixture(scope="module")
def whole(clips, tmp_path_factory, compiling):
    """The masks of an undisturbed run in one process."""
    out = tmp_path_factory.mktemp("whole")
    with Processes(1) as executor:
        assert all(o.error is None for o in segment_many(open_all(clips, out), executor=executor))
    return digests(out)


@contextmanager
def dask(cluster):
    from distributed import Client  # noqa: PLC0415 - an extra

    with Client(cluster.scheduler_address, set_as_default=False) as client:
        yield client.get_executor(pure=False)


def executor_of(kind, request):
    if kind == "dask":
        return dask(request.getfixturevalue("cluster"))
    return {"here": nullcontext, "threads": lambda: ThreadPoolExecutor(2), "processes": lambda: Processes(2)}[kind]()


KINDS = [pytest.param(kind, marks=pytest.mark.skipif(JIT_OFF, reason=COMPILED)) for kind in ("here", "threads")]
ELSEWHERE = ["processes", "dask"]


@pytest.mark.parametrize("kind", [*KINDS, *ELSEWHERE])
def test_masks_and_scores_are_the_same_for_any_executor(tmp_path, clips, whole, request, kind):
    jobs, counted, ended = open_all(clips, tmp_path), [], []
    with executor_of(kind, request) as executor:
        outcomes = segment_many(jobs, executor=executor, threads=1, progress=counted.append, ended=ended.append)
    assert digests(tmp_path) == whole
    assert [o.name for o in outcomes] == NAMES
    assert sorted(o.name for o in ended) == sorted(NAMES)
    assert counted == sorted(counted)
    assert counted[-1] == sum(LENGTHS.values())
    for job, outcome in zip(jobs, outcomes, strict=True):
        assert (outcome.error, outcome.lost, outcome.warnings, outcome.succession()) == (None, (), (), "")
        assert (outcome.worker == this_worker()) == (kind in ("here", "threads"))
        assert 0.2 < outcome.result.scores.j_and_f < 1
        assert set(contents(job.out, "*")) == {RECORD, *(f"{name}.png" for name in job.frames.names)}


@PROC
@pytest.mark.parametrize("kind", ELSEWHERE)
def test_a_worker_killed_half_way_is_named_and_another_goes_on_to_the_same_bytes(tmp_path, clips, whole, request, kind):
    jobs = open_all(clips, tmp_path)
    with executor_of(kind, request) as executor, ThreadPoolExecutor(1) as aside, gate(clips / GATED) as let_through:
        running = aside.submit(segment_many, jobs, executor=executor, threads=1)
        worker, pid = worker_at(tmp_path / "long", SEEN)
        os.kill(pid, signal.SIGKILL)
        let_through()
        outcomes = dict(zip(NAMES, running.result(), strict=True))
    assert [o.error for o in outcomes.values()] == [None] * 3
    assert digests(tmp_path) == whole
    ((lost, frames),) = outcomes["long"].lost
    assert lost == worker != outcomes["long"].worker
    assert SEEN <= frames <= 26
    assert outcomes["long"].succession() == (
        f"worker {worker} was lost at frame {frames}; worker {outcomes['long'].worker} went on"
    )
    assert outcomes["short"].lost == outcomes["middle"].lost == ()
    assert all(contents(job.out, ".*") == {} for job in jobs)


@PROC
def test_a_job_that_kills_every_worker_is_given_up_and_the_others_end(tmp_path, clips, whole):
    jobs = open_all(clips, tmp_path)
    with Processes(2, attempts=2) as executor, ThreadPoolExecutor(1) as aside, gate(clips / GATED):
        running = aside.submit(segment_many, jobs, executor=executor, threads=1)
        first, pid = worker_at(tmp_path / "long", SEEN)
        os.kill(pid, signal.SIGKILL)
        second, pid = worker_at(tmp_path / "long", SEEN, after=first)
        os.kill(pid, signal.SIGKILL)
        outcomes = dict(zip(NAMES, running.result(), strict=True))
    assert isinstance(outcomes["long"].error, WorkerDied)
    assert [lost.worker for lost in outcomes["long"].lost] == [first, second]
    assert f"{first}, SIGKILL, {second}, SIGKILL" in str(outcomes["long"].error)
    assert outcomes["long"].succession().count("was lost at frame") == 2
    assert outcomes["short"].error is outcomes["middle"].error is None
    jobs = open_all(clips, tmp_path)
    (again,) = (o for o in segment_many_here(jobs, resume=True) if o.lost)
    assert [lost.worker for lost in again.lost] == [first, second]
    assert digests(tmp_path) == whole


def segment_many_here(jobs, **options):
    with Processes(1) as executor:
        return segment_many(jobs, executor=executor, **options)


@PROC
@pytest.mark.parametrize("kind", ELSEWHERE)
def test_ctrl_c_stops_the_workers_in_order_and_resume_goes_on(tmp_path, clips, whole, request, kind):
    jobs = open_all(clips, tmp_path)

    def interrupt(_):
        note = read_note(tmp_path / "long")
        if note is not None and note.frames >= 3:
            raise KeyboardInterrupt

    with gate(clips / GATED) as let_through, ThreadPoolExecutor(1) as aside, executor_of(kind, request) as executor:
        before = children()
        aside.submit(until, (tmp_path / "long" / STOP).exists, "the wish to stop").add_done_callback(
            lambda _: let_through()
        )
        with pytest.raises(KeyboardInterrupt):
            segment_many(jobs, executor=executor, threads=1, progress=interrupt)
    assert children() <= before
    assert 3 <= len(contents(tmp_path / "long")) <= 27
    assert set(contents(tmp_path / "long", ".*")) == {CHECKPOINT}
    with executor_of(kind, request) as executor:
        outcomes = segment_many(open_all(clips, tmp_path), executor=executor, resume=True, threads=1)
    assert [(o.error, o.lost) for o in outcomes] == [(None, ())] * 3
    assert digests(tmp_path) == whole
    assert all(contents(job.out, ".*") == {} for job in jobs)


@PROC
def test_a_signal_to_a_worker_leaves_a_checkpoint_and_counts_as_a_death(tmp_path, clips, whole):
    jobs = open_all(clips, tmp_path, names=["long"])
    with Processes(1) as executor, ThreadPoolExecutor(1) as aside, gate(clips / GATED) as let_through:
        running = aside.submit(segment_many, jobs, executor=executor, threads=1)
        worker, pid = worker_at(tmp_path / "long", 3)
        os.kill(pid, signal.SIGTERM)
        let_through()
        (outcome,) = running.result()
    assert not lives(pid)
    assert [lost.worker for lost in outcome.lost] == [worker]
    assert digests(tmp_path)["long"] == whole["long"]


# ── in this process ──


def test_one_that_fails_does_not_keep_the_others_from_their_end(tmp_path, clips, echo):
    jobs = open_all(clips, tmp_path, names=["short", "middle"], **echo)
    outcomes = segment_many(jobs, then=draw_unless_short)
    assert [type(o.error) for o in outcomes] == [OSError, type(None)]
    assert outcomes[0].result is None
    assert (outcomes[0].error.__traceback__, len(outcomes[0].error.__notes__)) == (None, 1)
    assert "in draw_unless_short" in outcomes[0].error.__notes__[0]
    assert (outcomes[1].result.scores.ids, outcomes[1].then) == ((1, 5), "drawn middle")
    assert all(contents(job.out, ".*") == {} for job in jobs)


def draw_unless_short(job, result):
    if job.name == "short":
        raise OSError("no room")
    return f"drawn {job.name}"


def test_ctrl_c_here_stops_at_once_and_leaves_no_note(tmp_path, clips, echo):
    jobs = open_all(clips, tmp_path, names=["middle", "short"], **echo)

    def interrupt(done):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        segment_many(jobs, progress=interrupt)
    assert (len(contents(jobs[0].out)), len(contents(jobs[1].out))) == (4, 0)
    assert set(contents(jobs[0].out, ".*")) == {CHECKPOINT}
    counted = []
    outcomes = segment_many(jobs, resume=True, progress=counted.append)
    assert [(o.error, o.lost) for o in outcomes] == [(None, ())] * 2
    assert counted[0] == 4
    assert counted[-1] == 14


def test_warnings_of_workers_come_back(tmp_path, clips):
    import numpy as np  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415

    mask = np.array(Image.open(clips / "short" / "masks" / "00000.png"))
    mask[0, 0] = 9
    Image.fromarray(mask).save(tmp_path / "first.png")
    job = open_job(clips / "short" / "frames", tmp_path / "first.png", tmp_path / "out", config=cheap())
    (outcome,) = segment_many_here([job])
    assert len(outcome.warnings) == 1
    assert "9" in outcome.warnings[0]
    with pytest.warns(VanishedObjectWarning, match="9"):
        assert segment_many([job._replace(frames=ShortFrames(job.frames))])[0].warnings == ()


class ShortFrames:
    """The first frame alone, which interpreted kernels can afford."""

    def __init__(self, frames):
        self.names, self.size, self._frames = frames.names[:1], frames.size, frames

    def __len__(self):
        return 1

    def iterate(self, *, start=0):
        yield from [self._frames[0]][start:]


def test_a_worker_of_another_version_is_refused(tmp_path, clips, echo, monkeypatch):
    (job,) = open_all(clips, tmp_path, names=["short"], **echo)
    monkeypatch.setattr("vosref.runs.many._attempt", functools.partial(attempt_of_another_version, _attempt))
    assert (
        str(segment_many([job])[0].error) == f"worker {this_worker()} has vosref {__version__}, and it was called by 0"
    )
    assert contents(job.out, "*") == {}


def attempt_of_another_version(attempt, task, **options):
    return attempt(task._replace(version="0"), **options)


def test_jobs_must_not_share_a_folder(tmp_path, clips, echo):
    (job,) = open_all(clips, tmp_path, names=["short"], **echo)
    with pytest.raises(ValueError, match="jobs must have output folders of their own, got one twice"):
        segment_many([job, job])
    assert segment_many([]) == []


def test_an_outcome_that_nobody_ended_names_the_lost():
    outcome = Outcome("bear", None, OSError("x"), lost=(Lost("a:1", 2),))
    assert outcome.succession() == "worker a:1 was lost at frame 2"
