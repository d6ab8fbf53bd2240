"""Ctrl-C that waits for the end of a step: half a step is no state to go on from."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["held_back"]

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def held_back(say: Callable[[], None], /) -> Iterator[Callable[[], bool]]:
    """Hold back the first Ctrl-C or SIGTERM of a block; a second one interrupts as ever.

    Outside of the main thread, which alone may do so, nothing is held back.

    Parameters
    ----------
    say : callable
        Called when the first one comes.

    Yields
    ------
    callable
        Tells whether it came.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            if handler is not None:  # else it was not set from Python, and cannot be again
                signal.signal(number, handler)

    def hold(number: int, _frame: FrameType | None) -> None:
        restore()
        came.append(number)
        say()

    for number, handler in before.items():
        if callable(handler):  # who ignores a signal, or dies of it, goes on to
            signal.signal(number, hold)
    try:
        yield lambda: bool(came)
    finally:
        restore()
