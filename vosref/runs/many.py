"""Many runs, over any executor: each video is one task, and whoever works on it leaves a note in its output folder.

A worker that dies leaves its note behind. The attempt that follows, anywhere, finds it, goes on from the last
checkpoint, and tells whom it succeeds; the masks are the same bytes as if nothing had happened.
"""

import functools
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future
from contextlib import closing, contextmanager, nullcontext
from typing import Any, NamedTuple

from vosref import __version__, runs  # its names are used when it is whole: it may import this file
from vosref.backend import use_threads
from vosref.io import InputError
from vosref.runs.notes import (
    NOTE,
    Lost,
    Note,
    StoppedError,
    ask_no_more,
    ask_to_stop,
    asked_to_stop,
    new_note,
    new_run,
    read_note,
    sweep,
    this_worker,
    write_note,
)
from vosref.runs.scatter import scatter

__all__ = ["Outcome", "segment_many"]

PATIENCE = 10.0  # seconds that workers have to end their frame when they are stopped


class Outcome(NamedTuple):
    """How one of many runs ended."""

    name: str
    result: Any  # the run's Result; None if it failed
    error: Exception | None  # with the worker's traceback as a note
    worker: str = ""  # host:process that ended it
    lost: tuple[Lost, ...] = ()  # workers that died over it, or were taken for dead
    warnings: tuple[str, ...] = ()  # said in another process
    then: Any = None  # what `then` returned

    def succession(self) -> str:
        """Name the workers that were lost and who went on, in one sentence; empty if none was."""
        if not self.lost:
            return ""
        lost = ", ".join(f"worker {worker} was lost at frame {frames}" for worker, frames in self.lost)
        return f"{lost}; worker {self.worker} went on" if self.worker else lost


def segment_many(
    jobs: Sequence[Any],
    /,
    *,
    executor: Executor | None = None,
    resume: bool = False,
    memory: int | None = None,
    threads: int | None = None,
    then: Callable[[Any, Any], Any] | None = None,
    progress: Callable[[int], None] = lambda _: None,
    ended: Callable[[Outcome], None] = lambda _: None,
) -> list[Outcome]:
    """Run many jobs, as `vosref.runs.segment` runs one; the masks are the same bytes, whoever computes them.

    One that fails does not keep the others from their end. An exception here, such as Ctrl-C, stops the workers after
    the frame that each is at; with `resume` they go on there.

    Parameters
    ----------
    jobs : sequence of Job
        With output folders of their own. Where workers have another working folder, open them with absolute paths.
    executor : concurrent.futures.Executor, optional
        Who works; by default this thread, one job after the other. `vosref.runs.processes.Processes`, and the executor
        of a dask client, replace a worker that dies; other executors fail the jobs that it leaves.
    resume : bool
        As for `segment`, for each job. A job whose worker was lost goes on from its checkpoint in any case.
    memory : int, optional
        Bytes that each worker may hold.
    threads : int, optional
        Threads of each worker; by default all cores.
    then : callable, optional
        Called by the worker with job and result, for example to draw; it must pickle where jobs do.
    progress : callable
        Called with the number of frames whose masks are written, of all jobs together.
    ended : callable
        Called with each outcome as it comes.

    Returns
    -------
    list of Outcome
        In the order of `jobs`.

    Raises
    ------
    ValueError
        If two jobs have the same output folder.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from vosref.runs import open_job
    >>> from vosref.runs.many import segment_many
    >>> from vosref.samples import SAMPLES, render, write_clip
    >>> names = "one-drifting", "two-crossing"
    >>> with TemporaryDirectory() as folder:
    ...     clips = [Path(folder) / name for name in names]
    ...     for clip in clips:
    ...         _ = write_clip(clip, *render(SAMPLES[clip.name]._replace(n_frames=2, height=40, width=64)))
    ...     jobs = [open_job(clip / "frames", clip / "masks" / "00000.png", clip / "out") for clip in clips]
    ...     [(outcome.result.scores, outcome.error) for outcome in segment_many(jobs)]
    ...     sorted(path.name for path in (clips[1] / "out").glob("*.png"))
    [(None, None), (None, None)]
    ['00000.png', '00001.png']
    """
    if len({job.out.resolve() for job in jobs}) < len(jobs):
        raise ValueError("jobs must have output folders of their own, got one twice")
    run, outcomes, count = new_run(), {}, _Count(jobs, progress)
    # The longest first, so that none is left alone at the end; here the order is the caller's.
    order = sorted(range(len(jobs)), key=lambda i: -_work(jobs[i]) if executor is not None else i)
    tasks = [_Task(jobs[i], run, this_worker(), __version__, resume, memory, threads, then) for i in order]
    work = _attempt if executor is not None else functools.partial(_attempt, report=count.here)
    there = scatter(
        work,
        tasks,
        executor=executor,
        waiting=lambda: count.look(run),
        stopping=lambda: ask_to_stop(count.open, run),
        patience=PATIENCE,
    )
    try:
        with closing(there) as ends:
            for n, future in ends:
                outcomes[order[n]] = outcome = _outcome(tasks[n], future)
                count.end(jobs[order[n]], outcome)
                ended(outcome)
    finally:
        ask_no_more(count.open, run)
    return [outcomes[i] for i in range(len(jobs))]


class _Task(NamedTuple):
    """What a worker is given."""

    job: Any
    run: str
    giver: str  # host:process
    version: str  # of the giver's vosref
    resume: bool
    memory: int | None
    threads: int | None
    then: Callable[[Any, Any], Any] | None


def _attempt(task: _Task, *, report: Callable[[Any, int], None] = lambda _, __: None) -> Outcome:
    """Work on a task, wherever this is; a worker that dies in it leaves its note in the output folder."""
    job, here = task.job, this_worker()
    note, resume = _succeed(task)

    def progress(done: int) -> None:
        write_note(job.out, note._replace(frames=done))
        report(job, done)
        if asked_to_stop(job.out, task.run):
            raise StoppedError

    result = made = error = None
    said: list[str] = []
    try:
        if task.version != __version__:
            raise InputError(f"worker {here} has vosref {__version__}, and it was called by {task.version}")
        if asked_to_stop(job.out, task.run):
            raise StoppedError
        with _noted(task, note), _threads(task.threads), _heard(said, here != task.giver):
            result = runs.segment(job, resume=resume, memory=task.memory, progress=progress)
            made = None if task.then is None else task.then(job, result)
    except Exception as raised:
        # A traceback does not travel, and here it would hold the arrays of its frames: it stays as text.
        raised.add_note("".join(traceback.format_tb(raised.__traceback__)))
        error, result = raised.with_traceback(None), None
    return Outcome(job.name, result, error, here, note.lost, tuple(said), made)


def _succeed(task: _Task) -> tuple[Note, bool]:
    """Return the note of this attempt, which names those before it, and whether it goes on where the last one ended."""
    before, here = read_note(task.job.out), this_worker()
    again = before is not None and before.run == task.run
    if before is None or not (again or task.resume):
        return new_note(task.run), task.resume
    lost = before.lost if before.worker == here else (*before.lost, Lost(before.worker, before.frames))
    # An attempt of this run that wrote masks has left the record of this job, and not that of an older one.
    resume = task.resume or before.frames > 0
    return new_note(task.run, frames=before.frames if again else 0, lost=lost), resume


@contextmanager
def _noted(task: _Task, note: Note) -> Iterator[None]:
    """Keep a note in the output folder, and take it away at any end but a death."""
    write_note(task.job.out, note)
    began = (task.job.out / NOTE).stat().st_mtime  # by the clock of the disk
    try:
        yield
    except SystemExit:  # by a signal, from anybody: a death, unless whoever gave the task had asked before
        if asked_to_stop(task.job.out, task.run):
            write_note(task.job.out, None)
        raise
    except BaseException:
        write_note(task.job.out, None)
        raise
    if note.lost:
        sweep(task.job.out, before=began)
    write_note(task.job.out, None)


def _threads(threads: int | None) -> Any:
    return nullcontext() if threads is None else use_threads(threads)


@contextmanager
def _heard(said: list[str], elsewhere: bool) -> Iterator[None]:
    """Collect the warnings of a worker in another process, whose console nobody may see."""
    if not elsewhere:
        yield
        return
    with warnings.catch_warnings(record=True) as heard:  # several tasks of one process may hear one another's
        warnings.simplefilter("always", UserWarning)
        try:
            yield
        finally:
            said += (str(warning.message) for warning in heard)


def _outcome(task: _Task, future: Future[Any]) -> Outcome:
    try:
        return future.result()
    except (Exception, CancelledError) as error:
        note = read_note(task.job.out)
        mine = note is not None and note.run == task.run
        lost = (*note.lost, Lost(note.worker, note.frames)) if note is not None and mine else ()
        return Outcome(task.job.name, None, error, lost=lost)


def _work(job: Any) -> int:
    height, width = job.frames.size
    return len(job.frames) * height * width


class _Count:
    """Frames whose masks are written, of all jobs together."""

    def __init__(self, jobs: Sequence[Any], progress: Callable[[int], None]) -> None:
        self._done = {job.out: 0 for job in jobs}
        self.open, self._progress = set(self._done), progress

    def here(self, job: Any, done: int) -> None:
        """Take the number of frames done of a job that this thread works on."""
        self._done[job.out] = done
        self._progress(sum(self._done.values()))

    def look(self, run: str) -> None:
        """Read the notes of workers that are anywhere."""
        before = sum(self._done.values())
        for out in self.open:
            if (note := read_note(out)) is not None and note.run == run:
                self._done[out] = note.frames
        if (now := sum(self._done.values())) != before:
            self._progress(now)

    def end(self, job: Any, outcome: Outcome) -> None:
        """Take an outcome."""
        self.open.discard(job.out)
        if outcome.error is None:
            self.here(job, len(job.frames))
