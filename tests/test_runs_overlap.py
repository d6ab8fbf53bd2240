"""`vosref.runs.overlap`: nothing is lost or reordered by reading ahead and writing behind."""

import threading

import pytest

from vosref.runs.overlap import AHEAD, Behind, ahead


def test_items_come_in_order_and_only_a_few_are_drawn_early():
    drawn = []

    def numbers():
        for n in range(9):
            drawn.append(n)
            yield n

    for n in ahead(numbers()):
        assert drawn[: n + 1] == list(range(n + 1))
        assert len(drawn) <= n + 1 + AHEAD
    assert drawn == list(range(9))
    assert list(ahead([])) == []


def test_an_error_arrives_after_the_items_before_it():
    def broken():
        yield 1
        raise OSError("gone")

    got = ahead(broken())
    assert next(got) == 1
    with pytest.raises(OSError, match="gone"):
        next(got)


def test_what_is_left_over_is_not_drawn():
    drawn = []
    got = ahead(iter(lambda: drawn.append(0), 1))
    next(got)
    got.close()
    assert len(drawn) <= 1 + AHEAD
    assert not [t for t in threading.enumerate() if t.name.startswith("vosref-reader")]


def test_work_is_done_in_order_and_entered_by_the_caller_when_it_is_done():
    done, entered, caller = [], [], threading.get_ident()
    with Behind() as writer:
        for n in range(5):
            writer.begin(
                lambda n=n: done.append(n), then=lambda n=n: entered.append((n, done[n], threading.get_ident()))
            )
            assert len(entered) == n
    assert done == list(range(5))
    assert entered == [(n, n, caller) for n in range(5)]


def test_what_is_under_way_is_entered_whatever_ends_the_block():
    entered = []

    def stopped():
        with Behind() as writer:
            writer.begin(lambda: None, then=lambda: entered.append(1))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert entered == [1]


def test_what_failed_is_raised_and_not_entered():
    entered = []

    def fail():
        raise OSError("full")

    writer = Behind()
    writer.begin(fail, then=lambda: entered.append(1))
    with pytest.raises(OSError, match="full"):
        writer.begin(lambda: None, then=lambda: entered.append(2))
    with writer:
        writer.begin(lambda: None, then=lambda: entered.append(3))
    assert entered == [3]
