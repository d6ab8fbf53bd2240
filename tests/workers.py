"""Tasks for worker processes, a dask cluster of two, and what the tests ask of processes: who lives, who has died."""

import multiprocessing
import os
import signal
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

PATIENCE = 120  # seconds: a busy machine is slow, not wrong


def square(n):
    if n == 3:
        raise ValueError("no 3")
    return n * n


def process_id(_):
    return os.getpid()


def die(folder, *, times, only=0):
    """Return a task that kills its worker so many times when it is given the number `only`."""
    return _Deadly(str(folder), times, only)


class _Deadly:
    def __init__(self, folder, times, only):
        self.folder, self.times, self.only = Path(folder), times, only

    def __call__(self, n):
        dead = len(list(self.folder.iterdir()))
        if n == self.only and dead < self.times:
            (self.folder / str(os.getpid())).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return n, os.getpid()


def unpicklable(_):
    return lambda: None


def wait_for_ever(path):
    Path(path).write_text(str(os.getpid()))
    while True:
        time.sleep(0.1)


def lives(pid):
    """Tell whether a process runs; one that nobody has buried yet does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def until(condition, what):
    """Wait until `condition` returns something true, and return it."""
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        if time.monotonic() > end:
            pytest.fail(f"{what} did not come within {PATIENCE} s")
        time.sleep(0.002)
    return found


def worker_at(folder, frame, *, after=None):
    """Wait until a worker, other than `after`, has written `frame` masks; return host:process, and its process."""
    from vosref.runs.notes import read_note  # noqa: PLC0415 - loads much that most workers here need not

    def there():
        note = read_note(folder)
        return note if note is not None and note.frames >= frame and note.worker != after else None

    worker = until(there, f"frame {frame} in {folder}").worker
    return worker, int(worker.rpartition(":")[2])


def children():
    """Processes that this one has started and that have not ended."""
    return {process.pid for process in multiprocessing.active_children()}


@contextmanager
def gate(frame, *, passes=0):
    """Have nobody get beyond a frame, a file, until what is yielded is called, or the block ends.

    The first `passes` who read it do: a command reads each frame once to check it.
    """
    whole, pipe, closed = frame.read_bytes(), frame.with_name(".gate"), [True]
    os.mkfifo(pipe)
    frame.unlink()
    os.link(pipe, frame)

    def let_some_through():
        for _ in range(passes):
            pipe.write_bytes(whole)

    threading.Thread(target=let_some_through, daemon=True).start()

    def let_through():
        if closed:
            closed.clear()
            frame.with_name(".whole").write_bytes(whole)
            frame.with_name(".whole").replace(frame)
            with suppress(OSError):  # nobody waits
                waiting = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
                os.write(waiting, whole)
                os.close(waiting)
            pipe.unlink()

    try:
        yield let_through
    finally:
        let_through()


@contextmanager
def dask_cluster():
    """Start a dask cluster of two worker processes, and yield it."""
    distributed = pytest.importorskip("distributed", reason="dask.distributed (extra cluster) is absent")
    with distributed.LocalCluster(
        n_workers=2, processes=True, threads_per_worker=1, dashboard_address=":0", silence_logs=60
    ) as cluster:
        yield cluster
