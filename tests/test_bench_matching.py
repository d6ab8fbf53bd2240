"""`vosref bench matching`: counts against a count of every pair, peers that compute the same map, cases, and rows."""

import json
import math

import numpy as np
import pytest
from bounds import gamma
from numpy.testing import assert_allclose, assert_array_equal
from threadpoolctl import threadpool_info

from vosref.backend import use_cpu
from vosref.bench import alone, machine, matching, matching_peers, sweeps
from vosref.bench.matching import CASES, Case, blobs, cost, prepared, problem, rows
from vosref.io import InputError

TINY = {"grid": (4, 5), "dimension": 6}
GLOBAL = Case("global-matching", **TINY, n_references=2, peers=("definition",))
LOCAL = Case("local-matching", **TINY, window_radius=2, peers=("definition",))
MAPPERS = [(c, p) for c in CASES for p in c.peers if p not in ("product", "definition")]


def near(p, q, case):
    """Tell whether two pixels, row-major, are a pair that a local matching looks at."""
    width = case.grid[1]
    return max(abs(p // width - q // width), abs(p % width - q % width)) <= case.window_radius


@pytest.mark.parametrize("case", [GLOBAL, LOCAL, LOCAL._replace(window_radius=0), LOCAL._replace(window_radius=9)])
def test_the_cost_is_that_of_every_pair_and_of_every_array_once(case):
    arrays = problem(case)
    (n_queries, _), (n_references, _) = (a.shape for a in arrays[:2])
    pairs = [(p, q) for p in range(n_queries) for q in range(n_references)]
    if case.benchmark == "local-matching":
        pairs = [pair for pair in pairs if near(*pair, case)]
    counted = cost(case)
    assert counted.operations == counted.products == 2 * 6 * len(pairs)
    with use_cpu("numpy"):
        result = prepared(case, "vosref", threads=1)()
    assert counted.moved_bytes == sum(a.nbytes for a in (*arrays, result))


def test_the_main_cases_cost_what_the_papers_sizes_say():
    globally, locally = (next(c for c in CASES if c.benchmark == name) for name in matching.MATCHINGS)
    assert cost(globally).operations == 2 * 100 * (120 * 214) ** 2
    # A window of 31 rows loses 15, 14, …, 1 of them at the first 15 rows and as many at the last; so do columns.
    assert cost(locally).operations == 2 * 100 * (31 * 120 - 240) * (31 * 214 - 240)


def test_the_first_case_of_each_benchmark_alone_has_peers_and_the_others_change_the_number_that_they_sweep():
    fields = {"pixels": "grid", "references": "n_references", "objects": "n_objects", "radius": "window_radius"}
    for name, famous in (("global-matching", "faiss"), ("local-matching", "torch-slices")):
        main, *others = (c for c in CASES if c.benchmark == name)
        assert famous in main.peers
        assert not main.sweep
        assert all(peer in matching_peers.PEERS or peer == "definition" for peer in main.peers)
        for case in others:
            changed = {f for f in Case._fields if getattr(case, f) != getattr(main, f)}
            assert changed == {fields.get(case.sweep, case.sweep), "peers", "sweep"}
            assert case.sizes[case.sweep] != main.sizes[case.sweep]
            assert not case.peers
    titles = [(c.benchmark, c.title) for c in CASES]
    assert len(set(titles)) == len(CASES)
    assert ("global-matching", "120x214, D=100, 3 objects") in titles
    assert ("global-matching", "120x214, 2 references, D=100, 3 objects") in titles
    assert ("local-matching", "120x214, D=100, 3 objects, radius 7") in titles
    assert LOCAL._replace(threads=1).title.endswith("radius 2, 1 thread")


def test_a_problem_has_the_shapes_of_its_case_and_distances_that_do_not_saturate():
    query, reference, labels = problem(GLOBAL._replace(dimension=100))
    assert [a.shape for a in (query, reference, labels)] == [(20, 100), (40, 100), (40, 3)]
    assert {a.dtype for a in (query, reference, labels)} == {np.dtype(np.float32)}
    assert min(query.min(), reference.min()) >= 0
    with use_cpu("numpy"):
        distances = prepared(GLOBAL._replace(dimension=100), "vosref", threads=1)()
    assert distances.min() > 0.1
    assert distances.max() < 1


@pytest.mark.parametrize("n_objects", [2, 10, 50])
def test_blobs_are_discs_on_a_background_and_no_object_is_absent(n_objects):
    grid = (30, 53)
    labels = blobs(grid, n_objects, np.random.default_rng(0))
    assert_array_equal(labels, blobs(grid, n_objects, np.random.default_rng(0)))
    counts = np.bincount(labels, minlength=n_objects)
    assert (len(counts), counts.sum()) == (n_objects, math.prod(grid))
    assert counts.min() >= 1
    assert counts[0] >= 0.2 * counts.sum()  # radii are up to 1.5 times those of discs that cover 1/3, so 3/4 of all
    widest = 2 * 1.5 * math.sqrt(math.prod(grid) / 3 / (math.pi * (n_objects - 1)))
    for k in range(1, n_objects):
        assert max(map(np.ptp, np.nonzero(labels.reshape(grid) == k))) <= widest


def tiny_problem(*, absent):
    """Two frames of 4x5 pixels, one pixel of no object, the last object in one corner or nowhere."""
    rng = np.random.default_rng(2)
    query, reference = rng.uniform(0, 0.7, (2, 20, 6)).astype(np.float32)
    labels = np.eye(3, dtype=np.float32)[rng.integers(0, 2, 20)]
    labels[7] = 0
    labels[19] = (0, 0, 0 if absent else 1)
    return query, reference, labels


@pytest.mark.parametrize("absent", [False, True])
@pytest.mark.parametrize(("case", "peer"), MAPPERS, ids=[peer for _, peer in MAPPERS])
def test_a_peer_computes_what_we_compute(case, peer, absent, monkeypatch):
    if not matching_peers.available(peer):
        pytest.skip(f"{peer} is absent: not timed against, and not compared")
    monkeypatch.setattr(matching_peers, "BAND_BYTES", 3 * 4 * 6 * 9 * 5 * 3)  # bands of 3 rows and of 1
    query, reference, _ = problem_arrays = tiny_problem(absent=absent)
    options = {"grid": (4, 5), "window_radius": 1} if case.benchmark == "local-matching" else {}
    theirs = matching_peers.build(peer, *problem_arrays, threads=1, **options)()
    with use_cpu("numpy"):
        ours = matching.MATCHINGS[case.benchmark](*problem_arrays, **options)
    lengths, others = (np.linalg.norm(a.astype(np.float64), axis=1) for a in (query, reference))
    # Either form is off by at most E / 2 + 9u (vosref.matching): the direct one's squares by (D + 2) u of themselves.
    bound = gamma(2 * 6 + 3, np.float32) * (lengths + others.max()) ** 2 + 18 * np.finfo(np.float32).eps / 2
    assert theirs.shape == ours.shape
    assert np.all(np.abs(theirs - ours) <= bound[:, None])
    assert np.all((ours[:, 2] == 1) == (theirs[:, 2] == 1))
    assert np.all(ours[:, 2] == 1) == absent


def test_the_product_is_of_all_pairs(monkeypatch):
    monkeypatch.setattr(matching_peers, "BLOCK", 8)
    multiplied = []
    monkeypatch.setattr(np, "matmul", lambda a, b, out: multiplied.append((a, b)) or np.dot(a, b, out=out))
    arrays = tiny_problem(absent=False)
    last = matching_peers.build("product", *arrays, threads=1)()
    assert [len(a) for a, _ in multiplied] == [8, 8, 4]
    assert_array_equal(np.concatenate([a for a, _ in multiplied]), arrays[0])
    assert_allclose(last, arrays[0][16:] @ arrays[1].T, rtol=2 * gamma(6, np.float32))


def test_a_peers_blas_runs_on_as_many_threads_as_it_may():
    def blas_threads():
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    before = blas_threads()
    assert set(matching_peers.limited(blas_threads, 1)()) == {1}
    assert blas_threads() == before


@pytest.mark.parametrize("case", [GLOBAL, LOCAL])
def test_rows_have_what_readers_of_the_json_file_rely_on(monkeypatch, case):
    asked, said = [], []
    monkeypatch.setattr(sweeps, "measured_peak", lambda n: asked.append(n) or machine.Peak(1e9, 1e9))
    monkeypatch.setattr(alone, "ROUNDS", 1)
    (row,) = rows(threads=1, with_peers=True, progress=said.append, cases=(case,))
    assert json.loads(json.dumps(row)) == row
    assert (row["benchmark"], row["case"]) == (case.benchmark, case.title)
    assert row["seconds"] > row["floor_seconds"] > 0
    assert min(row["peak_bytes"], row["peer_peak_bytes"]["definition"]) > 10**7
    assert list(row["peers"]) == ["definition"]
    assert row["operations"] == row["products"] == cost(case).operations
    assert row["bytes"] == cost(case).moved_bytes
    assert asked == [1]
    assert said == [f"{case.benchmark}, {case.title}: {name}" for name in ("vosref", "definition")]


def test_peers_are_timed_only_where_they_are_wanted_and_installed(monkeypatch):
    monkeypatch.setattr(sweeps, "measured_peak", lambda _: machine.Peak(1e9, 1e9))
    monkeypatch.setattr(alone, "_in_its_own_process", lambda *_: alone.Timing([1.0], 1))
    monkeypatch.setattr(matching_peers.importlib.util, "find_spec", lambda name: None if name == "faiss" else name)
    case = GLOBAL._replace(peers=("faiss", "product", "torch-slices"))
    assert [list(r["peers"]) for r in rows(threads=1, with_peers=True, cases=(case,))] == [["product", "torch-slices"]]
    assert [list(r["peers"]) for r in rows(threads=1, with_peers=False, cases=(case,))] == [[]]


def test_a_process_that_fails_says_why(monkeypatch):
    monkeypatch.setattr(sweeps, "measured_peak", lambda _: machine.Peak(1e9, 1e9))
    with pytest.raises(InputError, match="timing vosref on local-matching failed: ValueError: window_radius must be 0"):
        list(rows(threads=1, with_peers=False, cases=(LOCAL._replace(window_radius=-1),)))
