"""``vosref vectors export``, ``verify`` and ``check``: what they print and write, and their exit codes."""

import json
import re

import numpy as np
import pytest
from clips import plain
from golden_vectors import CASE, SOME, answered, without

from vosref.conformance import vectors as library
from vosref.conformance.vectors import export

ID = "local_matching/window_clipped@1#0:float32"
OPERATIONS = [word for name in SOME for word in ("--operation", name)]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Vectors of some operations."""
    folder = tmp_path_factory.mktemp("exported") / "vectors"
    export(folder, operations=SOME)
    return folder


def off(results, case):
    """Let local matching be off by one."""
    return {name: value + (case["operation"] == "local_matching") for name, value in results.items()}


@pytest.mark.parametrize("name", ["vectors", "vectors.tar.gz"])
def test_what_is_exported_is_verified(vosref, tmp_path, name):
    code, out, _ = vosref("vectors", "export", tmp_path / name, *OPERATIONS, "--format", "safetensors")
    assert code == 0
    assert re.fullmatch(rf"{re.escape(str(tmp_path / name))}: \d+ cases of 3 operations\n", out)
    code, out, err = vosref("vectors", "verify", tmp_path / name)
    assert (code, err) == (0, "")
    said = r": \d+ cases in \d+ files, all whole; \d+ arrays of results and bounds came out again bit for bit\n"
    assert re.fullmatch(re.escape(str(tmp_path / name)) + said, out)


def test_profile_seed_and_operation_are_passed_on(vosref, tmp_path):
    options = ("--profile", "small", "--seed", 3, "--operation", "resize_nearest")
    assert vosref("vectors", "export", tmp_path / "v", *options)[0] == 0
    manifest = json.loads((tmp_path / "v" / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["profile"], manifest["seed"]) == ("small", 3)
    assert {case["operation"] for case in manifest["cases"]} == {"resize_nearest"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--profile", "huge"), "--profile must be one of tiny, small, got huge"),
        (("--format", "npz"), "--format must be one of raw, safetensors, got npz"),
        (("--operation", "matching"), "--operation must be one of embedding_distance"),
        (("--seed", "-1"), "Invalid value for '--seed'"),
    ],
)
def test_a_wrong_call_ends_with_2(vosref, tmp_path, options, said):
    code, _, err = vosref("vectors", "export", tmp_path / "v", *options)
    assert code == 2
    assert said in plain(err)
    assert not (tmp_path / "v").exists()


def test_a_folder_that_is_there_ends_with_1(vosref, exported):
    code, _, err = vosref("vectors", "export", exported)
    assert code == 1
    assert "vectors is there already; name a new or empty folder" in plain(err)


def test_verify_names_every_fault_and_ends_with_1(vosref, tmp_path):
    folder = tmp_path / "v"
    export(folder, operations=["local_matching"])
    (folder / CASE / "query.bin").unlink()
    for i in range(25):
        (folder / f"extra{i:02}").touch()
    code, out, err = vosref("vectors", "verify", folder, "--json", tmp_path / "report.json")
    assert code == 1
    lines = out.splitlines()
    assert lines[0] == f"fails        {CASE}/query.bin: is missing"
    assert lines[-1] == "6 more, which --all prints"
    assert plain(err).startswith(f"error: {folder} has 26 faults; 8 cases in ")
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert (report["ok"], report["cases"], len(report["faults"])) == (False, 8, 26)
    assert report["faults"][0] == {"where": f"{CASE}/query.bin", "what": "is missing"}
    assert len(vosref("vectors", "verify", folder, "--all")[1].splitlines()) == 26


def test_verify_says_what_lies_within_rounding_and_what_could_not_be_made(vosref, tmp_path):
    folder = tmp_path / "v"
    export(folder, operations=["local_matching"])
    path, manifest = folder / CASE / "expected" / "distance.bin", folder / "manifest.json"
    before = library.digest(path)
    path.write_bytes(np.nextafter(np.frombuffer(path.read_bytes()), 2).tobytes())
    manifest.write_text(manifest.read_text(encoding="utf-8").replace(before, library.digest(path)), encoding="utf-8")
    code, out, _ = vosref("vectors", "verify", folder)
    assert code == 0
    assert out.endswith("bit for bit, and 1 within the bound of float64\n")
    with without("local_matching"):
        code, _, err = vosref("vectors", "verify", folder)
    assert code == 0
    assert "warning: local_matching is no operation of vosref" in plain(err)


def test_results_that_are_right_end_with_0(vosref, tmp_path, exported):
    code, out, err = vosref("vectors", "check", answered(exported, tmp_path), exported)
    assert (code, err) == (0, "")
    assert re.search(r"\d+ passed\n$", out)
    assert "failed" not in out
    assert ID not in out
    assert f"passed       {ID}: margin 0." in vosref("vectors", "check", tmp_path, exported, "--all")[1]


def test_results_that_are_wrong_end_with_1_and_say_where(vosref, tmp_path, exported):
    got = answered(exported, tmp_path / "got", off)
    (got / "typing_error").mkdir()
    code, out, err = vosref("vectors", "check", got, exported, "--json", tmp_path / "report.json")
    assert code == 1
    assert re.search(
        r"^failed       local_matching/window_clipped@1#0:float32: distance\[\d+, \d\] is ", out, re.MULTILINE
    )
    assert re.search(r"\b8 failed", out.splitlines()[-1])
    assert "warning: 1 folder of no case: typing_error" in plain(err)
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert (report["ok"], report["counts"]["failed"], report["unknown"]) == (False, 8, ["typing_error"])
    (outcome,) = [o for o in report["outcomes"] if o["id"] == ID]
    assert set(outcome) == {"id", "operation", "status", "margin", "ambiguous", "note"}
    assert outcome["status"] == "failed"


def test_a_margin_that_is_infinite_is_a_word_in_json(vosref, tmp_path, exported):
    got = answered(exported, tmp_path / "got", lambda results, _: {k: v + 1 for k, v in results.items()})
    assert vosref("vectors", "check", got, exported, "--json", tmp_path / "report.json")[0] == 1
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert "infinite" in {outcome["margin"] for outcome in report["outcomes"]}


def test_by_default_the_vectors_that_come_with_the_library_are_meant(vosref, tmp_path, exported, monkeypatch):
    monkeypatch.setattr(library, "SHIPPED", exported)
    assert vosref("vectors", "verify")[1].startswith(f"{exported}: ")
    assert vosref("vectors", "check", answered(exported, tmp_path))[0] == 0


def test_data_that_is_missing_ends_with_3(vosref, tmp_path, exported):
    for arguments in (
        ("verify", tmp_path / "none"),
        ("check", tmp_path / "none", exported),
        ("check", tmp_path, exported),
    ):
        code, _, err = vosref("vectors", *arguments)
        assert code == 3, arguments
        assert err.startswith("error: ")


def test_a_report_that_cannot_be_written_is_refused_first(vosref, tmp_path, exported):
    for arguments in (("verify", exported), ("check", tmp_path, exported)):
        code, out, err = vosref("vectors", *arguments, "--json", tmp_path)
        assert (code, out) == (1, "")
        assert "--json: " in err
