"""Sweeps of `vosref bench`: exponents of times that follow a power, threads, tiers, and a table that stays legible."""

import importlib.util
import types

import numpy as np
import pytest

from vosref.backend import use_cpu
from vosref.bench import alone, kernels, machine, matching, report, sweeps, tiers
from vosref.bench.sweeps import GROWS, scaling
from vosref.kernels.threads import thread_count


@pytest.fixture
def timed_at_once(monkeypatch):
    """Answer at once for every process, and remember what it was asked."""
    asked = []
    monkeypatch.setattr(tiers, "gpu", lambda: None)
    monkeypatch.setattr(sweeps, "measured_peak", lambda n: machine.Peak(n * 1e11, n * 1e10))
    monkeypatch.setattr(
        alone, "_in_its_own_process", lambda *a: asked.append(a) or alone.Timing([0.5], 7 * 10**9, 10**8)
    )
    return asked


def power(exponent, *, noise=(1.0, 1.0, 1.0, 1.0)):
    main = {"benchmark": "b", "seconds": 3 * 8.0**exponent * noise[0], "floor_seconds": 1.0, "sizes": {"pixels": 8}}
    sizes = zip((2, 4, 16), noise[1:], strict=True)
    return [main] + [
        {"benchmark": "b", "seconds": 3 * n**exponent * off, "floor_seconds": 1.0, "sweep": "pixels", "size": n}
        for n, off in sizes
    ]


@pytest.mark.parametrize("exponent", [-1.0, 0.0, 0.7, 2.0])
def test_the_exponent_of_a_power_is_found_and_has_no_error(exponent):
    (fit,) = scaling(power(exponent))
    assert (fit["benchmark"], fit["sweep"], fit["sizes"]) == ("b", "pixels", [2, 4, 8, 16])
    assert fit["exponent"] == pytest.approx(exponent, abs=1e-12)
    assert fit["standard_error"] == pytest.approx(0, abs=1e-7)
    np.testing.assert_allclose(fit["seconds"], 3 * np.array([2, 4, 8, 16]) ** exponent)


def test_the_standard_error_is_that_of_least_squares():
    noise = (1.1, 0.9, 1.2, 0.8)
    (fit,) = scaling(power(1.5, noise=noise))
    x, y = np.log(fit["sizes"]), np.log(fit["seconds"])
    coefficients, covariance = np.polyfit(x, y, 1, cov=True)  # scaled by residuals / (n - 2)
    assert fit["exponent"] == pytest.approx(coefficients[0])
    assert fit["standard_error"] == pytest.approx(np.sqrt(covariance[0, 0]))


def test_rows_without_sweeps_are_not_fitted():
    assert scaling([{"benchmark": "lite0", "seconds": 1.0}]) == []
    assert scaling(power(1.0)[:1]) == []
    assert report.scaling_lines([]) == ""


def test_main_cases_are_timed_on_fewer_threads_too_and_a_sweep_for_a_shorter_while(timed_at_once):
    main = matching.LOCAL._replace(grid=(4, 5), peers=("definition",))
    small = main._replace(grid=(2, 3), peers=(), sweep="pixels")
    found = list(matching.rows(threads=4, with_peers=True, cases=(main, small)))
    assert [(row.get("sweep"), row.get("size")) for row in found] == [
        (None, None),
        ("pixels", 6),
        ("threads", 1),
        ("threads", 2),
    ]
    assert found[0]["sizes"]["threads"] == 4
    assert [list(row["peers"]) for row in found] == [["definition"], [], [], []]
    asked = {(task[3]["threads"], task[3]["at_least"]) for task in timed_at_once}
    assert asked == {(4, alone.SECONDS), (4, sweeps.AT_LEAST), (1, sweeps.AT_LEAST), (2, sweeps.AT_LEAST)}
    assert found[2]["floor_seconds"] == pytest.approx(4 * found[0]["floor_seconds"])
    (threads,) = (fit for fit in scaling(found) if fit["sweep"] == "threads")
    assert threads["sizes"] == [1, 2, 4]


@pytest.mark.parametrize("suite", [kernels, matching])
def test_what_every_case_prints_is_legible_at_80_columns(timed_at_once, suite):
    found = list(suite.rows(threads=2, with_peers=True))
    table, growth = report.table(found), report.scaling_lines(scaling(found))
    described = report.describe(machine.environment(2))
    assert max(map(len, (table + "\n" + growth + "\n" + described).splitlines())) <= report.WIDTH
    mains = [case for case in suite.CASES if not case.sweep]
    for case in mains:
        assert f"{case.benchmark}: {case.title}" in table
        assert all(f"\n  {peer} " in table for peer in case.peers if propagation_or_matching(suite, peer))
    assert all(GROWS[case.sweep] in growth for case in suite.CASES if case.sweep)
    assert GROWS["threads"] in growth


def propagation_or_matching(suite, peer):
    """Tell whether a peer can be timed here."""
    peers = {kernels: "propagation_peers", matching: "matching_peers"}[suite]
    return getattr(suite, peers).available(peer)


@pytest.mark.parametrize("suite", [kernels, matching])
def test_every_case_can_be_prepared_and_run(suite):
    for case in suite.CASES:
        with use_cpu("numpy"):
            found = suite.prepared(case._replace(grid=(6, 9)), "vosref", threads=1)()
        assert found.shape == (54, case.n_objects)
        assert np.all(np.isfinite(found))


def test_every_tier_runs_the_same_function_as_itself():
    def function(x, *, times):
        seen.append((thread_count(), use_cpu_tier()))
        return times * x

    def use_cpu_tier():
        from vosref.backend import _CPU  # noqa: PLC0415 - what the function sees

        return _CPU.get()

    seen = []
    for tier in ("vosref", "definition"):
        assert tiers.run_on(tier, function, (3,), threads=1, times=2)() == 6
    assert seen == [(1, "numba"), (1, "numpy")]
    assert tiers.synchroniser("vosref")() is None


def test_a_gpu_is_timed_where_one_answers_on_copies_made_before(timed_at_once, monkeypatch):
    monkeypatch.setattr(tiers, "gpu", lambda: "made up")
    (row,) = matching.rows(threads=1, with_peers=False, cases=(matching.LOCAL,))
    assert list(row["peers"]) == ["cupy"]
    waited, copied = [], []
    device = types.SimpleNamespace(synchronize=lambda: waited.append(1))
    fake = types.SimpleNamespace(
        cuda=types.SimpleNamespace(Device=lambda: device), asarray=lambda a: copied.append(a.shape) or a + 1
    )
    monkeypatch.setitem(__import__("sys").modules, "cupy", fake)
    run = tiers.run_on("cupy", lambda a, b: (a, b), (np.zeros(2), [np.zeros(3), np.zeros(4)]), threads=1)
    assert copied == [(2,), (3,), (4,)]
    first, others = run()
    assert first.tolist() == [1, 1]
    assert [len(b) for b in others] == [3, 4]
    assert len(copied) == 3
    tiers.synchroniser("cupy")()
    assert waited == [1]


def test_a_gpu_that_does_not_answer_is_none(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert tiers.gpu.__wrapped__() is None
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    monkeypatch.setitem(__import__("sys").modules, "cupy", types.SimpleNamespace())
    assert tiers.gpu.__wrapped__() is None
