"""Tasks over executors, and worker processes that die, are stopped, or lose who started them."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import BrokenExecutor, CancelledError, ProcessPoolExecutor, ThreadPoolExecutor

import pytest
from workers import children, die, lives, process_id, square, unpicklable, until, wait_for_ever

from vosref.runs.processes import Processes, WorkerDied
from vosref.runs.scatter import scatter

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="the tests look into /proc")  # noqa: PTH112


def process_pool(workers):
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


@pytest.mark.parametrize("kind", [ThreadPoolExecutor, process_pool, Processes])
def test_any_executor_gives_each_task_its_result_or_its_error(kind):
    tasks, looks, before = list(range(6)), [], children()
    with kind(2) as executor:
        there = dict(scatter(square, tasks, executor=executor, waiting=lambda: looks.append(1), every=0.01))
    here = list(scatter(square, tasks))
    assert [i for i, _ in here] == sorted(there) == tasks
    for i, future in here:
        if i == 3:
            for failed in (future, there[i]):
                assert isinstance(failed.exception(), ValueError)
                assert str(failed.exception()) == "no 3"
        else:
            assert future.result() == there[i].result() == i * i
    assert looks
    assert children() == before


def test_closing_cancels_what_has_not_begun():
    release, begun = threading.Event(), []

    def work(task):
        begun.append(task)
        if task:
            release.wait(60)

    with ThreadPoolExecutor(1) as executor:
        ends = scatter(work, range(10), executor=executor)
        assert next(ends)[0] == 0
        ends.close()
        release.set()
    assert set(begun) <= {0, 1}


def test_a_process_keeps_for_its_next_task():
    with Processes(1) as executor:
        pids = {future.result() for _, future in scatter(process_id, range(3), executor=executor)}
    assert len(pids) == 1
    assert pids != {os.getpid()}


def test_a_task_whose_worker_dies_is_done_by_another_and_no_neighbour_notices(tmp_path):
    with Processes(2) as executor:
        results = dict(scatter(die(tmp_path, times=2), range(6), executor=executor))
        results = {i: future.result() for i, future in results.items()}
    dead = {int(path.name) for path in tmp_path.iterdir()}
    assert [results[i][0] for i in range(6)] == list(range(6))
    assert len(dead) == 2
    assert dead.isdisjoint(pid for _, pid in results.values())


def test_a_task_that_kills_every_worker_is_given_up_and_names_them(tmp_path):
    with Processes(2, attempts=3) as executor:
        results = dict(scatter(die(tmp_path, times=99, only=1), range(4), executor=executor))
    dead = {path.name for path in tmp_path.iterdir()}
    assert len(dead) == 3
    assert [results[i].result()[0] for i in (0, 2, 3)] == [0, 2, 3]
    with pytest.raises(WorkerDied, match="its worker died 3 times") as caught:
        results[1].result()
    for pid in dead:
        assert f":{pid}, SIGKILL" in str(caught.value)


def test_a_pool_of_processes_that_breaks_fails_its_tasks_and_ends(tmp_path):
    with process_pool(1) as executor:
        results = dict(scatter(die(tmp_path, times=99), range(3), executor=executor))
    assert all(isinstance(future.exception(), BrokenExecutor) for future in results.values())
    assert len(results) == 3


def test_what_cannot_be_sent_back_fails_its_task_alone():
    with Processes(1) as executor:
        bad, good = (executor.submit(work, 2) for work in (unpicklable, square))
        with pytest.raises(RuntimeError, match="what the task gave cannot be sent back"):
            bad.result()
        assert good.result() == 4


def test_leaving_by_an_exception_ends_the_processes_at_once(tmp_path):
    futures, before = [], children()
    with pytest.raises(KeyboardInterrupt), Processes(1) as executor:
        futures += [executor.submit(wait_for_ever, tmp_path / name) for name in ("first", "second")]
        pid = int(until(lambda: (tmp_path / "first").exists() and (tmp_path / "first").read_text(), "a worker"))
        raise KeyboardInterrupt
    assert not lives(pid)
    assert children() == before
    assert not (tmp_path / "second").exists()
    with pytest.raises(CancelledError):
        futures[0].result()
    assert futures[1].cancelled()


START = """
import sys
from workers import wait_for_ever
from vosref.runs.processes import Processes

if __name__ == "__main__":
    with Processes(1) as executor:
        executor.submit(wait_for_ever, sys.argv[1]).result()
"""


def test_processes_end_with_the_one_that_started_them(tmp_path):
    path = tmp_path / "worker"
    environment = os.environ | {"PYTHONPATH": os.path.dirname(__file__)}  # noqa: PTH120
    with subprocess.Popen([sys.executable, "-c", START, path], env=environment) as process:
        pid = int(until(lambda: path.exists() and path.read_text(), "a worker"))
        assert lives(pid)
        process.send_signal(signal.SIGKILL)
    until(lambda: not lives(pid), "the end of the worker")
