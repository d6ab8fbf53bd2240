"""Notes in output folders: whom an attempt succeeds, what it clears away, and how a wish to stop reaches it."""

import os
import re
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from clips import contents, open_all, register_echo, write_clips
from workers import until

from vosref.io import atomic_path
from vosref.runs import segment
from vosref.runs.many import segment_many
from vosref.runs.notes import (
    NOTE,
    STOP,
    TEMPORARY,
    Lost,
    Note,
    ask_no_more,
    ask_to_stop,
    read_note,
    this_worker,
    write_note,
)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return write_clips(tmp_path_factory.mktemp("clips"))


@pytest.fixture
def echo(monkeypatch, definitions):
    register_echo(monkeypatch)
    return {"method": "echo"}


def leave_note(job, *, run, frames, worker="elsewhere:7"):
    write_note(job.out, Note(run, worker, "2026-01-01T00:00:00Z", frames, (Lost("before:1", 1),)))


def test_a_note_of_an_older_run_matters_only_to_resume(tmp_path, clips, echo):
    (job,) = open_all(clips, tmp_path, names=["middle"], **echo)
    leave_note(job, run="old", frames=4)
    assert segment_many([job])[0].lost == ()
    leave_note(job, run="old", frames=4)
    (outcome,) = segment_many([job], resume=True)
    assert outcome.lost == (Lost("before:1", 1), Lost("elsewhere:7", 4))
    assert outcome.succession() == (
        f"worker before:1 was lost at frame 1, worker elsewhere:7 was lost at frame 4; worker {this_worker()} went on"
    )
    assert contents(job.out, ".*") == {}


def test_who_goes_on_clears_away_what_the_dead_left_half_written_and_no_more(tmp_path, clips, echo):
    (job,) = open_all(clips, tmp_path, names=["middle"], **echo)
    leave_note(job, run="old", frames=4)
    old, new = (job.out / f".{digit * 16}.png" for digit in "ab")
    for path in (old, new, job.out / ".profile"):
        path.touch()
    with atomic_path(job.out / "x.png") as temporary:
        assert re.fullmatch(TEMPORARY, temporary.name)
        temporary.touch()
    for path in (old, job.out / ".profile"):
        os.utime(path, (1e9, 1e9))
    os.utime(new, (1e11, 1e11))
    segment_many([job], resume=True)
    assert set(contents(job.out, ".*")) == {new.name, ".profile"}


def test_an_attempt_that_follows_goes_on_only_where_the_first_had_begun(tmp_path, clips, echo, monkeypatch):
    """Until it has written a mask, the folder may hold the record of another job, from which nobody can go on."""
    (job,) = open_all(clips, tmp_path, names=["middle"], **echo)
    (other,) = open_all(clips, tmp_path, names=["middle"], method="echo", config=type(job.config)(reach=3))
    monkeypatch.setattr("vosref.runs.many.new_run", lambda: "this")
    segment(other)
    leave_note(job, run="this", frames=0)
    (outcome,) = segment_many([job])
    assert (outcome.error, outcome.lost[-1]) == (None, Lost("elsewhere:7", 0))
    segment(other)
    leave_note(job, run="this", frames=4)
    (outcome,) = segment_many([job])
    assert "holds another run (not the same config)" in str(outcome.error)


def test_a_task_that_comes_back_to_the_same_process_succeeds_nobody(tmp_path, clips, echo, monkeypatch):
    (job,) = open_all(clips, tmp_path, names=["short"], **echo)
    monkeypatch.setattr("vosref.runs.many.new_run", lambda: "this")
    leave_note(job, run="this", frames=0, worker=this_worker())
    assert segment_many([job])[0].lost == (Lost("before:1", 1),)


def test_a_worker_that_does_not_stop_finds_the_wish_later(tmp_path, clips, echo, monkeypatch):
    (job,) = open_all(clips, tmp_path, names=["short"], **echo)
    leave_note(job, run="this", frames=2)
    ask_to_stop([job.out, tmp_path / "gone"], "this")
    ask_no_more([job.out, tmp_path / "gone"], "this")
    assert (job.out / STOP).exists()
    assert segment_many([job])[0].error is None  # it was meant for another run
    write_note(job.out, None)
    ask_no_more([job.out, tmp_path / "gone"], "this")
    assert not (job.out / STOP).exists()


def test_a_task_that_begins_after_it_was_cancelled_finds_the_wish_and_begins_nothing(tmp_path, clips, echo):
    """A cluster may call a task cancelled that one of its workers is about to begin."""
    jobs = open_all(clips, tmp_path, names=["middle", "short"], **echo)

    def interrupt(done):
        raise KeyboardInterrupt

    with Late(beside="middle") as executor:
        with pytest.raises(KeyboardInterrupt):
            segment_many(jobs, executor=executor, progress=interrupt)
        assert all(not (job.out / STOP).exists() for job in jobs)
    assert contents(jobs[1].out) == contents(jobs[1].out, ".*") == {}


class Late(ThreadPoolExecutor):
    """Begins one task at once, and every other a while after somebody wants it no more, cancelled or not."""

    def __init__(self, *, beside):
        super().__init__(2)
        self._beside = beside

    def submit(self, work, task):
        seen = Future()
        super().submit(self._run, seen, work, task)
        return seen

    def _run(self, seen, work, task):
        if task.job.name != self._beside:
            until(lambda: seen.cancelled() or (task.job.out / STOP).exists(), "the wish to stop")
            time.sleep(0.5)
        outcome = work(task)
        if not seen.cancelled():
            seen.set_result(outcome)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"run": "a", "lost": [[1]]}', '{"run": "a", "lost": 3}', "\0"])
def test_a_note_that_is_damaged_is_none(tmp_path, text):
    (tmp_path / NOTE).write_text(text)
    assert read_note(tmp_path) is None
