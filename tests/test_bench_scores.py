"""`vosref bench scores`: drawn masks, what they cost at least, evaluators that compute the same, and rows."""

import json

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from vosref.backend import use_cpu
from vosref.bench import SUITES, alone, machine, report, scores, scores_peers
from vosref.bench.counting import Cost
from vosref.bench.scores import CASES, Case, cost, prepared, problem, rows
from vosref.evaluation.measures import region_and_contour

FRAME = Case("frame-scores", (24, 31), 3, peers=("davis2017", "vos-benchmark", "definition"))
PAIR = Case("temporal-stability", (24, 31), 1, peers=("definition",))


def test_the_suite_is_known():
    assert "scores" in SUITES


@pytest.mark.parametrize("case", [FRAME, PAIR, *CASES[:2]])
def test_both_masks_show_all_objects_and_part_by_a_few_pixels(case):
    prediction, truth = problem(case)
    for mask in (prediction, truth):
        assert (mask.shape, mask.dtype) == (tuple(case.size), np.uint8)
        assert set(np.unique(mask).tolist()) == set(range(case.n_objects + 1))
    region, _ = region_and_contour.__wrapped__(prediction, truth, ids=[1])
    assert 0.2 < region[0] < 1


@pytest.mark.parametrize("peer", [p for p in FRAME.peers if p in scores_peers.PEERS])
@pytest.mark.parametrize("case", [FRAME, FRAME._replace(size=(60, 90), n_objects=5)])
def test_other_evaluators_get_the_same_scores(peer, case):
    if not scores_peers.available(peer):
        pytest.skip(f"{peer} needs OpenCV, which is not installed")
    masks, ids = problem(case), [*range(1, case.n_objects + 1), 77]
    found = scores_peers.build(peer, *masks, ids=ids)()
    for got, expected in zip(found, region_and_contour.__wrapped__(*masks, ids=ids), strict=True):
        assert_array_equal(got, expected)
    empty = np.zeros_like(masks[0])
    found = scores_peers.build(peer, empty, masks[1], ids=[1, 77])()
    assert [of.tolist() for of in found] == [[0.0, 1.0], [0.0, 1.0]]


@pytest.mark.parametrize("case", [FRAME, PAIR])
@pytest.mark.parametrize("tier", ["vosref", "definition"])
def test_every_tier_computes_the_scores_of_its_case(case, tier):
    prediction, truth = problem(case)
    found = prepared(case, tier)()
    with use_cpu("numpy"):
        expected = scores._function(case)(*((prediction, truth) if case is FRAME else (prediction > 0, truth > 0)))
    assert_array_equal(found, expected)
    assert np.all(np.isfinite(found))


def test_a_frame_costs_both_its_masks_once_and_t_a_product_and_a_sum_for_each_bin_of_each_pair():
    assert cost(FRAME) == Cost(0, 0, sum(mask.nbytes for mask in problem(FRAME)))
    counted = cost(PAIR)
    assert counted.operations == counted.products > 0
    assert counted.operations % (2 * 5 * 12) == 0
    assert cost(PAIR._replace(size=(48, 62))).operations > 2 * counted.operations


def test_the_cases_are_davis_frames_and_have_the_other_evaluators_as_peers():
    assert {"davis2017", "vos-benchmark"} < set(CASES[0].peers)
    titles = [f"{case.benchmark}: {case.title}" for case in CASES]
    assert titles[:2] == ["frame-scores: 480x854, 2 objects", "frame-scores: 480x854, 10 objects"]
    assert "temporal-stability: 480x854, 1 object" in titles
    assert len(set(titles)) == len(titles)
    assert all(peer in scores_peers.PEERS or peer == "definition" for case in CASES for peer in case.peers)


def test_rows_are_json_and_legible_and_leave_out_what_is_not_installed(monkeypatch):
    monkeypatch.setattr(scores, "measured_peak", lambda n: machine.Peak(n * 1e11, n * 1e10))
    monkeypatch.setattr(alone, "_in_its_own_process", lambda *_: alone.Timing([0.001, 0.003], 10**8, 10**6))
    monkeypatch.setattr(scores_peers.importlib.util, "find_spec", lambda _: None)
    found = list(rows(threads=2, with_peers=True, cases=(FRAME, PAIR)))
    assert json.loads(json.dumps(found)) == found
    assert [list(row["peers"]) for row in found] == [["definition"], ["definition"]]
    assert found[0]["seconds"] == 0.002
    assert found[0]["floor_seconds"] == pytest.approx(2 * 24 * 31 / 1e10)
    assert "frame-scores: 24x31, 3 objects" in report.table(found)
    assert [list(row["peers"]) for row in rows(threads=1, with_peers=False, cases=(FRAME,))] == [[]]


def test_a_tiny_frame_is_timed_in_a_process_of_its_own(monkeypatch):
    monkeypatch.setattr(scores, "measured_peak", lambda _: machine.Peak(1e9, 1e9))
    monkeypatch.setattr(alone, "ROUNDS", 1)
    (row,) = rows(threads=1, with_peers=False, cases=(FRAME._replace(peers=()),))
    assert row["case"] == "24x31, 3 objects"
    assert 0 < row["seconds"] < 60
