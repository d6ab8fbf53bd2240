"""Independent tasks over any executor; nothing here knows what a task is."""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from typing import Any

__all__ = ["scatter"]


def scatter(
    work: Callable[[Any], Any],
    tasks: Sequence[Any],
    /,
    *,
    executor: Executor | None = None,
    waiting: Callable[[], None] = lambda: None,
    every: float = 0.25,
    stopping: Callable[[], None] = lambda: None,
    patience: float = 0.0,
) -> Generator[tuple[int, Future[Any]], None, None]:
    """Work on tasks, and yield each one's number and its future when it has ended, well or not.

    Closing the iterator, or an exception from `waiting`, asks those at work to stop and cancels what has not begun.

    Parameters
    ----------
    work : callable
        Called with a task; for workers in other processes both must pickle.
    tasks : sequence
    executor : concurrent.futures.Executor, optional
        Where to work; by default here, one after the other. It stays open.
    waiting : callable
        Called about every `every` seconds; with no executor, never.
    every : float
        Seconds.
    stopping : callable
        Called when the iterator is closed before all tasks have ended; it tells them to.
    patience : float
        Seconds that they then have. Those in line are cancelled only after it, for a future may call itself cancelled
        whose task a worker elsewhere is about to begin.
    """
    if executor is None:
        yield from ((i, _done(work, task)) for i, task in enumerate(tasks))
        return
    numbers: dict[Future[Any], int] = {}
    try:
        for i, task in enumerate(tasks):
            numbers[_submitted(executor, work, task)] = i
        while numbers:
            ended, _ = wait(numbers, timeout=every, return_when=FIRST_COMPLETED)
            waiting()
            for future in ended:
                yield numbers.pop(future), future
    finally:
        try:
            if numbers:
                stopping()
                wait(numbers, timeout=patience)
        finally:
            for future in numbers:
                future.cancel()


def _done(work: Callable[[Any], Any], task: Any) -> Future[Any]:
    future: Future[Any] = Future()
    try:
        future.set_result(work(task))
    except Exception as error:  # the caller's, as with any executor
        future.set_exception(error)
    return future


def _submitted(executor: Executor, work: Callable[[Any], Any], task: Any) -> Future[Any]:
    try:
        return executor.submit(work, task)
    except BrokenExecutor as error:  # a worker died while others were still given out
        future: Future[Any] = Future()
        future.set_exception(error)
        return future
