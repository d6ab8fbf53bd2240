"""`vosref.bench` and `vosref bench`: costs as the papers' networks have them, peers that compute the same, and rows."""

import json
import subprocess
import sys

import numpy as np
import pytest
import thin_weights
from numpy.testing import assert_allclose

from vosref.backend import use_cpu
from vosref.bench import SUITES, alone, environment, machine, networks, peers
from vosref.bench.counting import Cost, count
from vosref.bench.networks import Case, prepared, rows
from vosref.io import InputError
from vosref.nn.networks import network

TINY = Case("lite0", (9, 12), {"n_stages": 1, "output_stride": 4}, "tiny")
NETWORKS = {
    "tvos-resnet50": (lambda: thin_weights.resnet(bottleneck=True), {}),
    "resnet18": (lambda: thin_weights.resnet(bottleneck=False, released=False), {"n_groups": 3}),
    "feelvos-xception65": (
        lambda: thin_weights.xception() | thin_weights.deeplab() | thin_weights.heads(),
        {"output_stride": 16},
    ),
    "lite1": (lambda: thin_weights.efficientnet(1), {"output_stride": 8, "dilate": True}),
}


@pytest.fixture
def tiny_weights(tmp_path):
    return networks.drawn("lite0", tmp_path / "weights.safetensors")


@pytest.mark.parametrize(
    ("model", "options", "gigaflop"),
    [("tvos-resnet50", {}, 166.9), ("feelvos-xception65", {"output_stride": 8}, 539.0), ("lite0", {}, 6.0)],
)
def test_a_480p_frame_costs_what_the_layers_add_up_to(tmp_path, model, options, gigaflop):  # 166.9: specs TVOS §1.1
    case = Case(model, (480, 854), options)
    cost = networks._cost(case, networks.drawn(model, tmp_path / "weights.safetensors"))
    assert round(cost.operations / 1e9, 1) == gigaflop
    assert cost.operations / 4 <= cost.products <= cost.operations


def test_winograd_saves_three_quarters_of_a_plain_3x3_layer_and_nothing_else():
    weights = {"a/kernel": np.zeros((3, 3, 16, 16)), "a/winograd": np.zeros((36, 16, 16))}

    def two_layers(weights, image, /, *, layers):
        net = layers(weights, None)
        net.conv("a", net.conv("a", image._replace(shape=(*image.shape[:2], 16))), stride=2)

    cost = count(two_layers, weights, (8, 8))
    plain, strided = 2 * 9 * 16 * 16 * 64, 2 * 9 * 16 * 16 * 16
    assert cost.operations == plain + strided
    assert cost.products == plain // 4 + strided
    assert cost.moved_bytes == 4 * (2 * 9 * 16 * 16 + 16 * (64 + 64 + 64 + 16))


@pytest.mark.parametrize("peer", peers.PEERS)
@pytest.mark.parametrize("model", NETWORKS)
def test_a_peer_computes_what_we_compute(model, peer):
    if not peers.available(peer):
        pytest.skip(f"{peer} is absent: not timed against, and not compared")
    make, options = NETWORKS[model]
    weights = {name: array.astype(np.float32) for name, array in make().items()}
    image = thin_weights.random_image(size=(33, 49)).astype(np.float32)
    theirs = peers.build(peer, network(model), weights, image, threads=1, **options)()
    with use_cpu("numpy"):
        ours = network(model).run(weights, image, **options)
    assert theirs.shape == ours.shape
    # Some 100 layers of float32 arithmetic, in another order: a part in 10,000 tells a wrong layer from rounding.
    assert_allclose(theirs, ours, atol=1e-4 * np.abs(ours).max())


def test_measuring_counts_no_warm_up_and_reports_memory(tiny_weights):
    run = prepared(TINY, "vosref", weights=tiny_weights, threads=1)
    calls = []
    measured = alone.measure(lambda: calls.append(run()), at_least=0.0)
    assert len(calls) == 1 + len(measured.seconds) == 1 + 2
    assert all(s > 0 for s in measured.seconds)
    assert measured.peak_bytes > 10**7


def test_a_device_is_waited_for_before_and_inside_the_time_of_every_run():
    order = []
    seconds = machine.timed(lambda: order.append("run"), 2, warm_up=1, synchronise=lambda: order.append("wait"))
    assert len(seconds) == 2
    assert order == ["wait", "run", "wait"] * 3


def test_memory_beyond_what_was_held_is_what_a_run_fills():
    size = 64 * 2**20
    code = f"""
import json, numpy, vosref.bench.alone as alone
held = numpy.ones({size}, numpy.uint8)
print(json.dumps(alone.measure(lambda: numpy.ones({size}, numpy.uint8).sum(), at_least=0.0)[1:]))
"""  # in a process of its own: the tests' own may let memory go meanwhile
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    peak, extra = json.loads(done.stdout)
    if extra is None:
        pytest.skip("this system does not tell a process's peak from a moment on")
    assert 2 * size <= peak
    assert 0.9 * size <= extra <= 1.5 * size


def test_without_a_peak_that_can_be_forgotten_the_extra_memory_is_not_told(monkeypatch):
    def refuse(*_, **__):
        raise PermissionError

    monkeypatch.setattr(machine.Path, "write_text", refuse)
    peak, extra = machine.memory_from_here()()
    assert peak > 10**7
    assert extra is None


def test_a_row_has_quantiles_over_all_processes_and_the_most_memory_of_any(monkeypatch):
    tasks, answers = [], iter([[3.0, 1.0, 9.0], [5.0], [2.0, 4.0], [7.0]])

    def answer(*task):
        tasks.append(task)
        return alone.Timing(next(answers), 100 - len(tasks), 10 + len(tasks))

    monkeypatch.setattr(alone, "_in_its_own_process", answer)
    measured = alone.timings("networks", TINY, ["vosref", "torch"], threads=1)
    row = alone.row(TINY, measured, Cost(400, 300, 20), machine.Peak(100.0, 10.0))
    assert tasks == [("networks", TINY, name, {"threads": 1}) for name in ("vosref", "torch", "vosref", "torch")]
    assert row == {
        "benchmark": "lite0",
        "case": "9x12, tiny",
        "seconds": 3.0,
        "quartiles": [2.0, 4.0],
        "floor_seconds": 3.0,
        "peak_bytes": 99,
        "extra_bytes": 13,
        "peers": {"torch": 6.0},
        "peer_quartiles": {"torch": [5.5, 6.5]},
        "peer_peak_bytes": {"torch": 98},
        "peer_extra_bytes": {"torch": 14},
        "operations": 400,
        "products": 300,
        "bytes": 20,
    }
    assert alone.row(TINY, measured, Cost(400, 300, 50), machine.Peak(100.0, 10.0))["floor_seconds"] == 5.0


def test_rows_have_what_readers_of_the_json_file_rely_on(monkeypatch):
    monkeypatch.setattr(networks, "measured_peak", lambda _: machine.Peak(1e9, 1e9))
    monkeypatch.setattr(alone, "ROUNDS", 1)
    said = []
    (row,) = rows(threads=1, with_peers=False, progress=said.append, cases=(TINY,))
    assert (row["benchmark"], row["case"], row["peers"]) == ("lite0", "9x12, tiny", {})
    assert row["seconds"] > row["floor_seconds"] > 0
    assert row["quartiles"][0] <= row["seconds"] <= row["quartiles"][1]
    assert row["peak_bytes"] > 10**7
    assert said == ["lite0, 9x12, tiny: vosref"]


def test_a_process_that_fails_says_why(monkeypatch):
    monkeypatch.setattr(networks, "measured_peak", lambda _: machine.Peak(1e9, 1e9))
    monkeypatch.setattr(networks, "_cost", lambda *_: Cost(1, 1, 1))
    with pytest.raises(InputError, match="timing vosref on lite0 failed: ValueError: n_stages must be 1 to 7, got 9"):
        list(rows(threads=1, with_peers=False, cases=(TINY._replace(options={"n_stages": 9}),)))


def test_a_forced_kernel_is_known():
    assert machine.forced({"OPENBLAS_CORETYPE": "Haswell", "HOME": "/"}) == {"OPENBLAS_CORETYPE": "Haswell"}
    assert environment(2)["threads"] == 2


def test_the_environment_names_what_timings_depend_on():
    found = environment(2)
    assert found["blas"]
    assert found["numpy"] == np.__version__
    assert all(
        isinstance(found[name], str) and found[name] for name in ("cpu", "platform", "python", "numba", "vosref")
    )
    assert found["cores"] >= 1
    assert set(found["peers"]) <= set(machine.PEERS)
    assert ("torch" in found["peers"]) == peers.available("torch")


ROW = {
    "benchmark": "lite0",
    "case": "9x12, tiny",
    "seconds": 0.5,
    "quartiles": [0.4, 0.7],
    "floor_seconds": 0.25,
    "peak_bytes": 10**8,
    "extra_bytes": 3 * 10**7,
    "peers": {"torch": 1.0},
    "peer_quartiles": {"torch": [0.9, 1.2]},
    "peer_peak_bytes": {"torch": 2 * 10**8},
    "peer_extra_bytes": {"torch": None},
    "sizes": {"pixels": 100},
}
SWEPT = {
    **{key: value for key, value in ROW.items() if key != "sizes"},
    "case": "18x24, tiny",
    "seconds": 2.0,
    "peers": {},
    "sweep": "pixels",
    "size": 200,
}


@pytest.fixture
def one_row(monkeypatch):
    monkeypatch.setattr("vosref.bench.SUITES", dict.fromkeys(SUITES, lambda **_: iter([ROW])))


@pytest.fixture
def swept_rows(monkeypatch):
    monkeypatch.setattr("vosref.bench.SUITES", dict.fromkeys(SUITES, lambda **_: iter([ROW, SWEPT])))


def test_the_command_prints_a_table_and_writes_its_rows(vosref, one_row, monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "FORCING", ("OPENBLAS_CORETYPE",))
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    code, out, err = vosref("bench", "networks", "--threads", "1", "--json", tmp_path / "rows.json")
    assert code == 0
    assert json.loads((tmp_path / "rows.json").read_text())["rows"] == [ROW]
    assert [line.split() for line in out.splitlines() if line.startswith("  ") and "seconds" not in line] == [
        ["vosref", "0.500", "0.400", "0.700", "1.00", "2.00", "100", "30"],
        ["floor", "0.250", "0.50", "1.00"],
        ["torch", "1.000", "0.900", "1.200", "2.00", "4.00", "200"],
    ]
    assert all(word in out for word in ("lite0: 9x12, tiny", "BLAS", "numpy", "threads: 1"))
    assert "warning: OPENBLAS_CORETYPE=Haswell in the environment" in err


def test_without_a_forced_kernel_there_is_no_warning(vosref, one_row, monkeypatch):
    for name in machine.FORCING:
        monkeypatch.delenv(name, raising=False)
    assert "warning" not in vosref("bench", "networks", "--threads", "1")[2]


def test_without_a_suite_all_are_timed(vosref, monkeypatch):
    asked = []
    monkeypatch.setattr("vosref.bench.SUITES", {s: lambda s=s, **_: asked.append(s) or iter([ROW]) for s in SUITES})
    assert vosref("bench", "--threads", "1")[0] == 0
    assert asked == ["kernels", "networks", "matching", "segment", "scores"]


def test_sweeps_are_fitted_printed_written_and_drawn(vosref, swept_rows, tmp_path):
    json_file, plot = tmp_path / "rows.json", tmp_path / "growth.png"
    code, out, _ = vosref("bench", "matching", "--threads", "1", "--json", json_file, "--plot", plot)
    assert code == 0
    assert json.loads(json_file.read_text())["scaling"] == [
        {
            "benchmark": "lite0",
            "sweep": "pixels",
            "sizes": [100, 200],
            "seconds": [0.5, 2.0],
            "floor_seconds": [0.25, 0.25],
            "exponent": pytest.approx(2.0),
            "standard_error": None,
        }
    ]
    assert "18x24" not in out
    assert "pixels of each frame" in out
    assert "lite0                   2.00\n      100: 0.500        200: 2.000" in out
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_without_sweeps_nothing_is_drawn_and_a_warning_says_so(vosref, one_row, tmp_path):
    code, _, err = vosref("bench", "networks", "--threads", "1", "--plot", tmp_path / "growth.png")
    assert code == 0
    assert "no sweeps" in err
    assert not (tmp_path / "growth.png").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("bench", "propagation"),
            "SUITE must be one of kernels, networks, matching, segment, scores, got propagation",
        ),
        (("bench", "--plot", "growth.pdf"), "--plot must end in .png, got growth.pdf"),
        (("bench", "networks", "--threads", "100000"), "--threads must be at most"),
    ],
)
def test_a_wrong_call_is_refused(vosref, one_row, arguments, sentence):
    code, _, err = vosref(*arguments)
    assert code == 2
    assert sentence in " ".join(err.split()).replace("│ ", "")
