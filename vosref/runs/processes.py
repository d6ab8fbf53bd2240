"""Worker processes on this machine, each alone: where one dies, a new one does its task again, and no other notices."""

import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ThreadPoolExecutor
from multiprocessing.reduction import ForkingPickler
from types import TracebackType
from typing import Any

__all__ = ["Processes", "WorkerDied"]

PATIENCE = 10.0  # seconds that a worker has to end before it is killed
_STARTING = threading.Lock()


class WorkerDied(BrokenExecutor):
    """A task whose worker died, as often as it was tried."""


class Processes(Executor):
    """An executor of worker processes that survives their death.

    ``concurrent.futures.ProcessPoolExecutor`` loses every task, and every worker, with the first one that dies. Here
    each worker serves a thread of its own, so that a death strikes one task; it is tried again in a fresh process.

    Leaving a ``with`` block by an exception, such as Ctrl-C, ends the workers at once; they end with this process too.

    Parameters
    ----------
    workers : int
        Number of processes; each is started when it is first needed.
    attempts : int
        How often a task is tried before its future raises `WorkerDied`, which names the processes.
    """

    def __init__(self, workers: int, /, *, attempts: int = 3) -> None:
        self._attempts, self._stopping = attempts, False
        self._workers: list[_Worker] = []
        self._mine = threading.local()
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="vosref-worker", initializer=_leave_out_ctrl_c)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call ``fn(*args, **kwargs)`` in a worker; all of it must pickle."""
        return self._threads.submit(self._run, (fn, args, kwargs))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more tasks, and end the workers once those that were taken are done, if `wait`, else with them."""
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures)
        for worker in self._workers if wait else ():
            worker.end()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Shut down: in peace without an exception, else at once."""
        if error is not None:
            self._stopping = True
            for worker in self._workers:
                worker.process.terminate()
        self.shutdown(wait=True, cancel_futures=error is not None)

    def _run(self, call: Any) -> Any:
        died: list[str] = []
        while len(died) < self._attempts and not self._stopping:
            worker = self._worker()
            if self._stopping:  # `__exit__` may have looked before this one was there
                worker.process.terminate()
            try:
                return worker.call(call)
            except (EOFError, ConnectionError):
                died.append(worker.end())
                del self._mine.worker
        if self._stopping:
            raise CancelledError
        times = "once" if len(died) == 1 else f"{len(died)} times"
        raise WorkerDied(f"its worker died {times} ({', '.join(died)})")

    def _worker(self) -> "_Worker":
        if not hasattr(self._mine, "worker"):
            self._mine.worker = _Worker()
            self._workers.append(self._mine.worker)
        return self._mine.worker


class _Worker:
    """A process, and our end of a pipe to it; when it dies, the pipe says so."""

    def __init__(self) -> None:
        spawn = multiprocessing.get_context("spawn")  # a fork would inherit locks that threads here hold
        self.pipe, theirs = spawn.Pipe()
        self.process = spawn.Process(target=_serve, args=(theirs,), daemon=True)
        with _STARTING:  # multiprocessing keeps its list of children without a lock
            self.process.start()
        theirs.close()

    def call(self, call: Any) -> Any:
        self.pipe.send(call)
        value, error = self.pipe.recv()
        if error is not None:
            raise error
        return value

    def end(self) -> str:
        """End the process, and return its name and how it ended."""
        self.pipe.close()  # an idle one ends by itself
        self.process.join(PATIENCE)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
        code = self.process.exitcode or 0
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"{socket.gethostname()}:{self.process.pid}, {how}"


def _leave_out_ctrl_c() -> None:
    """Have the processes that this thread starts not hear of Ctrl-C, which a terminal sends to all of them.

    Blocked signals are inherited, so there is no moment in which a young process would print a traceback.
    """
    if hasattr(signal, "pthread_sigmask"):  # Windows has none
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _serve(pipe: Any) -> None:
    """Work off what comes through the pipe until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that a task can put in order what it leaves
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        value = error = None
        try:
            call = pipe.recv_bytes()
        except EOFError:
            return
        try:
            function, args, kwargs = ForkingPickler.loads(call)
            value = function(*args, **kwargs)
        except Exception as raised:
            error = raised
        try:
            pipe.send((value, error))
        except Exception as unsent:  # pickling runs anybody's code
            pipe.send((None, RuntimeError(f"what the task gave cannot be sent back ({unsent})")))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
