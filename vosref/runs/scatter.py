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
) -> Generator[tuple[int, Future[Any]], None, None]:
    """Work on tasks, and yield each one's number and its future when it has ended, well or not.

    Closing the iterator cancels what has not begun.

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
