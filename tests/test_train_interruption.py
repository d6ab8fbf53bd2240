"""The first Ctrl-C of a training waits for the step, the second does not."""

import os
import signal
import threading

import pytest

from vosref.train.interruption import held_back


def test_a_first_ctrl_c_waits_and_a_second_one_does_not():
    said, before = [], signal.getsignal(signal.SIGINT)
    with held_back(lambda: said.append(True)) as came:
        assert not came()
        os.kill(os.getpid(), signal.SIGINT)
        assert came()
        assert said == [True]
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_signals_that_are_ignored_stay_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with held_back(pytest.fail) as came:
            os.kill(os.getpid(), signal.SIGINT)
            assert not came()
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_thread_holds_nothing_back():
    before, found = signal.getsignal(signal.SIGINT), []

    def look():
        with held_back(pytest.fail) as came:
            found.append((came(), signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [(False, before)]
