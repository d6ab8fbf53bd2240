"""`vosref bench kernels`: counts against arrays and pairs, drawn softmaxes, peers that compute the same votes, rows."""

import json
import math

import numpy as np
import pytest
from bounds import propagation_bound
from numpy.testing import assert_array_equal

from vosref.backend import use_cpu
from vosref.bench import alone, kernels, machine, matching_peers, propagation_peers, sweeps, tiers
from vosref.bench.kernels import CASES, PROPAGATIONS, Case, cost, prepared, problem, rows

TINY = {"grid": (3, 4), "n_references": 2, "dimension": 6, "n_objects": 3}
RELEASED, ONLINE = (Case(name, **TINY, peers=("definition",)) for name in PROPAGATIONS)
FIELDS = {"pixels": "grid", "references": "n_references", "objects": "n_objects", "dimension": "dimension"}


@pytest.fixture(autouse=True)
def on_no_gpu(monkeypatch):
    monkeypatch.setattr(tiers, "gpu", lambda: None)
    monkeypatch.setattr(sweeps, "measured_peak", lambda _: machine.Peak(1e9, 1e9))


@pytest.mark.parametrize("case", [RELEASED, ONLINE])
def test_the_cost_is_that_of_every_pass_over_the_pairs_and_of_every_array_once(case, definitions):
    query, references, labels = problem(case)
    votes = prepared(case, "vosref", threads=1)()
    counted = cost(case)
    assert counted.operations == counted.products == {RELEASED: 1, ONLINE: 2}[case] * 2 * 6 * 12 * (2 * 12)
    assert counted.moved_bytes == sum(a.nbytes for a in (query, *references, *labels, votes))


def test_the_main_case_is_a_480p_frame_of_the_release():  # 189.9: specs TVOS §5
    main = CASES[0]
    assert (main.benchmark, main.title) == ("propagation-released", "60x107, 9 references, D=256, 4 labels")
    assert round(cost(main).operations / 1e9, 1) == 189.9
    assert main.options == {"grid": (60, 107), "sigma": (21.0,) * 5 + (8.0,) * 4}
    assert {"torch-released", "torch-sdpa", "product"} <= set(main.peers)


def test_the_first_case_of_each_benchmark_alone_has_peers_and_the_others_change_the_number_that_they_sweep():
    for name in PROPAGATIONS:
        main, *others = (c for c in CASES if c.benchmark == name)
        assert all(peer in propagation_peers.PEERS or peer == "definition" for peer in main.peers)
        for case in others:
            changed = {f for f in Case._fields if getattr(case, f) != getattr(main, f)}
            assert changed == {FIELDS[case.sweep], "peers", "sweep"}
            assert case.sizes[case.sweep] != main.sizes[case.sweep]
            assert not case.peers
    assert len({(c.benchmark, c.title) for c in CASES}) == len(CASES)
    assert Case("propagation-online", n_references=1, threads=2).title.endswith(
        "1 reference, D=256, 4 labels, 2 threads"
    )


def test_a_problems_softmax_is_neither_flat_nor_one_hot():
    case = Case("propagation-released", grid=(20, 30))
    query, references, labels = problem(case)
    logits = query[:50] @ np.concatenate(references).T
    assert abs(logits.std() - kernels.SPREAD) < 0.1
    weights = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    share = 1 / np.sum(weights**2, axis=1) / logits.shape[1]  # of the references, that carry the weight
    assert 0.5 < np.median(share) / math.exp(-(kernels.SPREAD**2)) < 2
    assert len(references) == len(labels) == 9
    assert all(np.all(y.sum(axis=1) == 1) and y.shape == (600, 4) for y in labels)


@pytest.mark.parametrize("peer", ["torch-released", "torch-sdpa", "torch-paper"])
def test_a_peer_computes_what_we_compute(peer):
    if not propagation_peers.available(peer):
        pytest.skip(f"{peer} is absent: not timed against, and not compared")
    case = {"torch-paper": ONLINE}.get(peer, RELEASED)._replace(n_references=5)
    query, references, labels = problem(case)
    options = case.options if peer != "torch-sdpa" else {"grid": case.grid, "sigma": (math.inf,) * 5}
    theirs = propagation_peers.build(peer, query, references, labels, threads=1, passes=1, **options)()
    with use_cpu("numpy"):
        wide = (query.astype(np.float64), *([a.astype(np.float64) for a in group] for group in (references, labels)))
        exact = PROPAGATIONS[case.benchmark](*wide, **options)
    form = case.benchmark.removeprefix("propagation-")
    bound = propagation_bound(exact, query, np.stack(references), **options, temperature=1.0, form=form, n_tiles=5)
    assert theirs.shape == exact.shape
    assert np.all(np.abs(theirs - exact) <= bound)


@pytest.mark.parametrize("passes", [1, 2])
def test_the_product_is_of_all_pairs_in_every_pass(monkeypatch, passes):
    multiplied = []
    monkeypatch.setattr(matching_peers, "BLOCK", 8)
    monkeypatch.setattr(np, "matmul", lambda a, b, out: multiplied.append((a, b)) or np.dot(a, b, out=out))
    query, references, labels = problem(RELEASED)
    last = propagation_peers.build("product", query, references, labels, threads=1, passes=passes, **RELEASED.options)()
    assert_array_equal(np.concatenate([a for a, _ in multiplied]), np.concatenate([query] * passes))
    assert all(np.array_equal(b.T, np.concatenate(references)) for _, b in multiplied)
    assert last.shape == (4, 24)


def test_spatial_terms_are_those_of_the_release_and_held_once():
    if not propagation_peers.available("torch-released"):
        pytest.skip("torch is absent: its spatial terms are not compared")
    near, far, same = propagation_peers.priors((2, 3), (8.0, 21.0, 8.0))
    assert near is same
    for term, sigma in ((near, 8.0), (far, 21.0)):
        expected = [
            [math.exp(-((p // 3 - q // 3) ** 2 + (p % 3 - q % 3) ** 2) / sigma**2) for q in range(6)] for p in range(6)
        ]
        np.testing.assert_allclose(term.numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize("case", [RELEASED, ONLINE])
def test_rows_have_what_readers_of_the_json_file_rely_on(monkeypatch, case):
    monkeypatch.setattr(alone, "ROUNDS", 1)
    monkeypatch.setattr(alone, "SECONDS", 0.0)
    (row,) = rows(threads=1, with_peers=True, cases=(case,))
    assert json.loads(json.dumps(row)) == row
    assert (row["benchmark"], row["case"]) == (case.benchmark, "3x4, 2 references, D=6, 3 labels")
    assert row["seconds"] > row["floor_seconds"] > 0
    assert row["sizes"] == {"pixels": 12, "references": 2, "dimension": 6, "objects": 3, "threads": 1}
    assert list(row["peers"]) == list(row["peer_quartiles"]) == list(row["peer_extra_bytes"]) == ["definition"]
