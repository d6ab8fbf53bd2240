"""``vosref parity``: what it prints, its exit codes, and the report it writes."""

import json
import re

import numpy as np
import pytest
from clips import plain
from recorder import frame, record, thin
from safetensors.numpy import save_file

from vosref import parity
from vosref.nn import networks

pytestmark = pytest.mark.usefixtures("definitions")


@pytest.fixture
def port(tmp_path, monkeypatch, vosref):
    """Run the command on thin weights of a ResNet-50, against a run with the mistakes given."""
    weights = thin("tvos-resnet50")
    monkeypatch.setattr("vosref.weights.load", lambda path: weights)
    monkeypatch.setattr("vosref.weights.header", lambda path: {"model": "tvos-resnet50"})

    def run(*options, mistakes=None, change=dict):
        points = record(networks.network("tvos-resnet50").run, weights, frame(24, 33), mistakes)
        path = tmp_path / "activations.safetensors"
        save_file({k: np.ascontiguousarray(v) for k, v in change(points).items()}, path)
        code, out, err = vosref("parity", "net.safetensors", "--against", path, *options)
        return code, out, plain(err)

    return run


EPSILON = {"layer3/0/conv2": {"epsilon": 1e-3}}


def test_a_right_port_is_reported_in_four_lines_and_ends_with_0(port):
    code, out, _ = port()
    assert code == 0
    first, heading, row, last = out.splitlines()
    assert re.fullmatch(r"tvos-resnet50: \d+ points compared, 1 not in the file, 0 unused names", first)
    assert heading.split() == ["point", "bounds", "|difference|", "relative"]
    assert re.fullmatch(r"agrees +all \d+ points +0\.\d+ .*", row)
    assert re.fullmatch(r"no difference: everything agrees, at worst 0\.\d+ bounds at [\w/]+", last)


def test_the_first_difference_is_named_with_its_size_and_place(port):
    code, out, _ = port(mistakes=EPSILON)
    assert code == 1
    sentence, hint = out.splitlines()[-2:]
    assert re.fullmatch(
        r"first difference: layer3/0/conv2/norm, [\d.e+]+ bounds \(largest \|difference\| [\d.e-]+ "
        r"at row \d+, column \d+, channel \d+\); everything before it agrees",
        sentence,
    )
    assert hint == "ours agrees with an epsilon of 0.001 instead of 1e-05"
    assert re.search(r"^agrees +\d+ points before ", out, re.MULTILINE)
    assert re.search(r"^differs +layer3/0/conv2/norm ", out, re.MULTILINE)
    assert re.search(r"^agrees +\d+ points after ", out, re.MULTILINE)


def test_of_many_differences_the_short_table_shows_a_few(port):
    mistakes = {f"layer{g}/{b}/conv1": {"epsilon": 1e-3} for g in (2, 3) for b in range(4)}
    code, out, _ = port(mistakes=mistakes)
    assert code == 1
    assert out.count("\ndiffers") == 6
    assert re.search(r"^differs +3 points more", out, re.MULTILINE)


def test_all_prints_a_row_for_every_point(port):
    code, out, _ = port("--all", mistakes=EPSILON)
    assert code == 1
    assert len(re.findall(r"^(agrees|differs) +[\w/]+ ", out, re.MULTILINE)) > 150


def test_a_doubt_is_a_sentence_and_ends_with_1(port):
    code, out, _ = port(mistakes=EPSILON, change=lambda p: {"image": p["image"], "module.bn256": p["projection/norm"]})
    assert code == 1
    assert "first doubt: projection/norm, " in out
    assert re.search(r"within the bound, but [\d.e-]+ of the values' size is more than rounding makes", out)


def test_a_bound_that_tells_nothing_is_said(port):
    code, out, _ = port(change=lambda p: {"image": p["image"], "features": p["projection"]})
    assert code == 0
    assert "at 1 point, the bound is wider than the values" in out


def test_unused_names_and_shapes_and_remarks_are_said(port):
    def change(points):
        extra = {f"backbone.4.{i}.relu\x1b": points["stem"] for i in range(7)}
        return points | extra | {"stem/norm": points["stem"], "layer1/1/conv2": points["stem"]}

    code, out, _ = port(change=change)
    assert code == 1
    assert "7 unused names: 'backbone.4.0.relu\\x1b', " in out
    assert "backbone.4.6" not in out
    assert "stem/norm: overwritten in place" in out
    assert "layer1/1/conv2: shape (12, 17, 4), where ours is (6, 9, 4)" in out
    assert out.splitlines()[-1] == "first difference: layer1/1/conv2, of another shape; everything before it agrees"


def test_json_holds_every_row(port, tmp_path):
    def change(points):
        broken = np.array(points["stem/norm"])
        broken[0, 1, 2] = np.nan
        return {k: v for k, v in points.items() if k != "stem"} | {"stem/norm": broken, "other": broken}

    path = tmp_path / "report.json"
    code, out, _ = port("--json", path, change=change)
    assert code == 1
    assert "stem/norm, beyond any bound (largest |difference| ∞ at row 0, column 1, channel 2)" in out
    report = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert set(report) == {"model", "first", "rows", "absent", "unused"}
    assert (report["model"], report["first"]) == ("tvos-resnet50", "stem/norm")
    assert (report["absent"], report["unused"]) == (["stem", "features"], ["other"])
    assert set(report["rows"][0]) == set(parity.Row._fields)
    row = next(row for row in report["rows"] if row["name"] == "stem/norm")
    assert (row["ratio"], row["where"], row["verdict"]) == ("infinite", [0, 1, 2], "differs")


def test_the_output_stride_is_passed_on(port):
    weights = thin("tvos-resnet50")
    points = record(networks.network("tvos-resnet50").run, weights, frame(24, 33), output_stride=16)
    assert port("--output-stride", 16, change=lambda _: points)[0] == 0
    assert port(change=lambda _: points)[0] == 1
    code, _, said = port("--output-stride", 2)
    assert code == 2
    assert "--output-stride must be one of 4, 8, 16, 32 for tvos-resnet50, got 2" in said


def test_refusals_are_sentences(port, tmp_path, vosref):
    code, _, said = port(change=lambda p: {"stem": p["stem"]})
    assert code == 1
    assert "activations.safetensors: the activations lack the frame" in said
    code, _, said = port("--model", "lite0")
    assert code == 1
    assert "the weights are not of lite0" in said
    code, _, said = port("--model", "lite9")
    assert code == 2
    assert "--model must be one of tvos-resnet18" in said
    code, _, said = vosref("parity", "net.safetensors", "--against", tmp_path / "none.safetensors")
    assert code == 3
    assert "none.safetensors does not exist" in plain(said)
