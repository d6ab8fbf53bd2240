"""Reading ahead and writing behind: frames are decoded and masks encoded while the next mask is computed."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, TypeVar

__all__ = ["Behind", "ahead"]

Item = TypeVar("Item")
AHEAD = 2  # frames that may wait, and with them the memory that waiting costs


def ahead(items: Iterable[Item], /) -> Generator[Item, None, None]:
    """Draw items in a thread of its own, a few before they are asked for; errors arrive where their item would.

    Close it where it may not be drawn to its end.
    """
    iterator, end = iter(items), object()
    with ThreadPoolExecutor(1, "vosref-reader") as reader:
        waiting: deque[Future[Any]] = deque(reader.submit(next, iterator, end) for _ in range(AHEAD))
        try:
            while (item := waiting.popleft().result()) is not end:
                waiting.append(reader.submit(next, iterator, end))
                yield item
        finally:
            for future in waiting:
                future.cancel()


class Behind:
    """A thread that does one thing after the other while the caller goes on; at most one is under way.

    ``begin`` waits for what is under way, calls its ``then`` here, and starts the next; leaving the block does so too,
    whatever ends it. An error in the thread is raised by the next ``begin`` or at the end.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "vosref-writer")
        self._under_way: tuple[Future[Any], Callable[[], None]] | None = None

    def __enter__(self) -> "Behind":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._settle()
        finally:
            self._thread.shutdown()

    def begin(self, work: Callable[[], Any], *, then: Callable[[], None]) -> None:
        """Start `work` in the thread; when it has succeeded, `then` is called in the caller's."""
        self._settle()
        self._under_way = self._thread.submit(work), then

    def _settle(self) -> None:
        if self._under_way is not None:
            (future, then), self._under_way = self._under_way, None
            future.result()
            then()
