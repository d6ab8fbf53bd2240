"""`vosref bench segment`: whole runs on tiny clips, the released pipelines' masks beside ours, costs, weights, rows."""

import json
import time

import numpy as np
import pytest
from PIL import Image

from vosref.backend import use_cpu
from vosref.bench import alone, footage, frame_peers, machine, segment
from vosref.bench.counting import Cost
from vosref.bench.segment import CASES, Case, cost, measured, prepare, rows
from vosref.io import open_frames
from vosref.nn.layers import Layers
from vosref.nn.networks import network
from vosref.weights import load

SIZE = (40, 56)
TVOS, FEELVOS = (next(c for c in CASES if c.benchmark == f"{m}-frame")._replace(size=SIZE) for m in ("tvos", "feelvos"))
MASKS = segment.WARM_UP + segment.TIMED + segment.LAG  # that a run computes
BEHIND = 17  # frames: σ of TVOS's references differs from t = 16 on


@pytest.fixture(scope="module", params=[TVOS, FEELVOS], ids=["tvos", "feelvos"])
def prepared(request, tmp_path_factory):
    """A case and the folder it works on."""
    folder = tmp_path_factory.mktemp(request.param.method)
    with pytest.MonkeyPatch.context() as patch, use_cpu("numpy"):
        patch.setitem(segment.LENGTH, "tvos", BEHIND)
        prepare(request.param, folder)
        yield request.param, folder


def masks_of(case, implementation, folder, out):
    done = []
    segment.run(case, implementation, folder, out, 1, done.append)
    paths = sorted(out.glob("*.png"))[-MASKS:]
    assert done[-1] == len(open_frames(folder / "frames"))
    assert done == sorted(done)
    images = [Image.open(path) for path in paths]
    assert {image.mode for image in images} == {"P"}
    return np.stack([np.asarray(image) for image in images]), images[0].getpalette()


def test_the_released_pipeline_gives_the_masks_that_ours_gives(prepared, tmp_path):
    if not frame_peers.available("torch-released"):
        pytest.skip("torch is absent: the released pipelines are not timed against, and not compared")
    ours, theirs = (
        masks_of(*prepared[:1], name, prepared[1], tmp_path / name) for name in ("vosref", "torch-released")
    )
    assert ours[0].shape == theirs[0].shape == (MASKS, *SIZE)
    assert len(np.unique(ours[0])) >= 2  # of one colour alone, equal masks would say nothing
    assert np.mean(ours[0] != theirs[0]) <= 0.002  # where two objects' scores are equal but for rounding
    assert ours[1] == theirs[1]


def test_a_run_is_timed_at_its_last_frames_in_stretches(prepared, monkeypatch):
    case, folder = prepared
    stamps = iter(range(100))
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(stamps)) ** 2)
    monkeypatch.setattr(segment, "run", lambda *task: [task[-1](t) for t in range(8)])
    found = measured(case, "vosref", folder=str(folder), threads=1)
    assert found.seconds == [(4**2 - 2**2) / 2, (6**2 - 4**2) / 2]
    assert found.peak_bytes > 10**7


def test_a_run_of_tvos_starts_with_a_full_state(prepared):
    case, folder = prepared
    state = footage.start_of(segment._job(case, folder, folder / "start"), folder)
    if case.method == "feelvos":
        assert state is None
        return
    assert (len(state.embeddings), len(state.labels), state.t) == (BEHIND, BEHIND, BEHIND)
    assert {a.shape for a in state.embeddings} == {(5 * 7, 256)}
    assert all(np.all(y.sum(axis=1) == 1) for y in state.labels)
    assert np.array_equal(state.embeddings[0], state.embeddings[14])  # to and fro: 0 … 7 … 0


def test_drawn_weights_leave_activations_of_the_size_of_one_and_frames_comparable(prepared):
    case, folder = prepared
    frames, size = open_frames(folder / "frames"), {}

    class Watching(Layers):
        def _norm(self, name, x):
            y = super()._norm(name, x)
            size[name] = np.sqrt(np.mean(y * y))
            return y

    weights, net = load(str(folder / footage.WEIGHTS)), network(case.weights)
    maps = [net.run(weights, frames[t].astype(np.float32), layers=Watching) for t in (0, 5)]
    first, other = (x.reshape(-1, x.shape[2]) for x in maps)
    assert len(size) > 50
    assert max(size.values()) < 10
    apart = np.sum((first[:, None] - other[None]) ** 2, axis=2)
    if case.method == "tvos":  # embeddings of about the length that was asked for
        assert 0.3 < np.mean(np.sum(other**2, axis=1)) / footage.SQUARED_LENGTH < 3
    else:  # the nearest pixel of another frame is neither the same nor beyond what a distance map tells apart
        assert 0.1 < np.median(apart.min(axis=1)) < 5


def test_the_main_cases_cost_what_the_papers_sizes_say(prepared):
    case, folder = prepared
    whole = cost(case._replace(size=(480, 854)), str(folder / footage.WEIGHTS)).operations / 1e9
    if case.method == "tvos":  # specs TVOS §1.1, §5
        assert round(whole, 1) == round(166.9 + 189.9, 1)
    else:  # network; all pairs; pairs in windows; the head, whose shared part is 0.51 % of a first layer's 7x7 and 1x1
        pairs = 2 * 100 * 25680**2 + 2 * 100 * (31 * 120 - 240) * (31 * 214 - 240)
        head = 2 * 25680 * (256 * (49 + 256) + 4 * (3 * (49 + 256) + 3 * 256 * (49 + 256) + 256))
        assert whole == pytest.approx(539.0 + (pairs + head) / 1e9, abs=0.06)


def test_the_first_case_of_each_benchmark_has_the_released_pipeline_as_peer():
    for name in ("tvos-frame", "feelvos-frame"):
        main = next(c for c in CASES if c.benchmark == name)
        assert main.peers == ("torch-released",)
        assert main.title.startswith("480x854, ")
    assert len({(c.benchmark, c.title) for c in CASES}) == len(CASES)


def test_rows_have_what_readers_of_the_json_file_rely_on(monkeypatch):
    monkeypatch.setattr(segment, "measured_peak", lambda _: machine.Peak(1e9, 1e9))
    monkeypatch.setattr(segment, "prepare", lambda *_: None)
    monkeypatch.setattr(segment, "cost", lambda *_: Cost(400, 300, 20))
    monkeypatch.setattr(frame_peers, "available", lambda _: True)
    monkeypatch.setattr(alone, "_in_its_own_process", lambda *task: alone.Timing([2.0, 1.0], 9, len(task[3])))
    found = list(rows(threads=1, with_peers=True))
    assert json.loads(json.dumps(found)) == found
    assert [(row["benchmark"], list(row["peers"])) for row in found] == [
        ("tvos-frame", ["torch-released"]),
        ("tvos-frame", []),
        ("tvos-frame", []),
        ("feelvos-frame", ["torch-released"]),
    ]
    assert {row["seconds"] for row in found} == {1.5}
    assert [list(row["peers"]) for row in rows(threads=1, with_peers=False, cases=CASES[:1])] == [[]]


def test_a_tiny_clip_with_the_weights_at_hand_is_timed_in_a_process_of_its_own(monkeypatch):
    monkeypatch.setattr(segment, "measured_peak", lambda _: machine.Peak(1e9, 1e9))
    monkeypatch.setattr(alone, "ROUNDS", 1)
    case = Case("feelvos-frame", (16, 24), "feelvos-lite0", config="nearest")
    monkeypatch.setattr(segment, "cost", lambda *_: Cost(400, 300, 20))
    (row,) = rows(threads=1, with_peers=False, cases=(case,))
    assert row["case"] == "16x24, feelvos-lite0, nearest, 3 objects"
    assert 0 < row["seconds"] < 60
