"""``vosref conform``: subjects by name, reports, expected failures, exit codes."""

import json

import pytest

from vosref.conformance.operations import OPERATIONS

KERNELS = """
import numpy as np
from vosref.conformance import Capabilities
from vosref.matching import global_matching


class Right:
    capabilities = Capabilities(("float64",))

    def global_matching(self, *arrays, **options):
        return global_matching(*arrays, **options)


class Wrong(Right):
    def global_matching(self, *arrays, **options):
        return 1 - super().global_matching(*arrays, **options)


right, empty = Right(), object()
"""


@pytest.fixture
def kernels(tmp_path, monkeypatch):
    (tmp_path / "kernels_of_mine.py").write_text(KERNELS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["Right", "right"])
def test_a_class_or_an_object_of_a_module_is_judged(vosref, kernels, name):
    code, out, _ = vosref("conform", f"kernels_of_mine:{name}", "--operation", "global_matching")
    assert code == 0
    assert "Right conforms: 12 passed" in out


def test_a_wrong_one_ends_with_1_and_the_cause_and_reports_are_written(vosref, kernels):
    reports = [f"--{form}={kernels / form}" for form in ("json", "junit", "markdown", "html")]
    code, out, _ = vosref("conform", "kernels_of_mine:Wrong", *reports, "--reproducers", kernels / "shown")
    assert code == 1
    assert "it agrees with the reference, subtracted from 1" in out
    assert json.loads((kernels / "json").read_text())["ok"] is False
    for form, beginning in (("junit", "<?xml"), ("markdown", "#"), ("html", "<!doctype html>")):
        assert (kernels / form).read_text().lower().startswith(beginning)
    assert list((kernels / "shown").glob("repro-global_matching-*.py"))


def test_what_is_expected_to_fail_is_no_failure(vosref, kernels):
    (kernels / "expected").write_text("# known\n\nglobal_matching: issue 12\n")
    code, out, _ = vosref("conform", "kernels_of_mine:Wrong", "--expect", "expected", "--operation", "global_matching")
    assert code == 1  # for some invariants hold of it all the same, which was not expected
    assert "issue 12" in out


def test_who_claims_nothing_does_not_conform(vosref, kernels):
    code, out, _ = vosref("conform", "kernels_of_mine:empty")
    assert code == 1
    assert "not claimed" in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "one of SUBJECT, --exec and --mutants must be given"),
        (("definition", "--mutants"), "one of SUBJECT, --exec and --mutants must be given"),
        (("nothing",), "SUBJECT must be MODULE:NAME or one of definition"),
        (("no_such_module:X",), "no_such_module cannot be imported"),
        (("kernels_of_mine:Other",), "kernels_of_mine has no Other"),
        (("definition", "--level", "all"), "--level must be one of core, extended, exhaustive, got all"),
        (("definition", "--operation", "matching"), "--operation must be one of embedding_distance"),
        (("--exec", "cat", "--format", "json"), "array_format must be one of raw, safetensors, got 'json'"),
        (("--exec", "cat", "--timeout", "0"), "timeout must be more than 0 seconds"),
        (("--exec", "./x", "--declare", "speed=1"), "--declare takes accumulate"),
        (("--exec", "./x", "--declare", "squares=odd"), "squares must be one of expanded, direct, searched"),
        (("--exec", "./x", "--dtype", "float8"), "dtypes must be some of float64"),
    ],
)
def test_a_wrong_call_ends_with_2_and_a_sentence(vosref, kernels, arguments, sentence):
    code, _, err = vosref("conform", *arguments)
    assert code == 2
    assert sentence in " ".join(err.replace("│", " ").split())


def test_a_line_of_expected_failures_without_a_reason_is_refused(vosref, kernels):
    (kernels / "expected").write_text("global_matching\n")
    code, _, err = vosref("conform", "definition", "--expect", "expected")
    assert code == 2
    assert "line 1 of expected must be ID: REASON" in " ".join(err.replace("│", " ").split())


def test_a_missing_file_of_expected_failures_ends_with_3(vosref, kernels):
    assert vosref("conform", "definition", "--expect", "nowhere")[0] == 3


def test_the_contracts_of_all_operations_are_printed(vosref):
    code, out, _ = vosref("conform", "--contracts")
    assert code == 0
    for operation in OPERATIONS.values():
        assert operation.title in out
        assert all(f"    {sketch.name}: " in out for sketch in operation.sketches)


def test_two_processes_find_what_one_does(vosref, tmp_path):
    written = []
    for workers in (1, 2):
        path = tmp_path / f"{workers}.json"
        options = ("--operation", "local_matching", "--operation", "embedding_distance", "--workers", workers)
        assert vosref("conform", "definition", *options, "--json", path)[0] == 0
        outcomes = json.loads(path.read_text())["outcomes"]
        written.append([{k: v for k, v in outcome.items() if k != "seconds"} for outcome in outcomes])
    assert written[0] == written[1]


def test_a_program_that_is_not_there_ends_with_3(vosref):
    code, _, err = vosref("conform", "--exec", "./no-such-program {case_dir}")
    assert code == 3
    assert "there is no program ./no-such-program" in " ".join(err.split())


def test_a_program_that_declines_everything_is_not_known_to_conform(vosref, tmp_path):
    program = tmp_path / "declines.sh"
    program.write_text("#!/bin/sh\nexit 64\n")
    program.chmod(0o755)
    code, out, _ = vosref("conform", "--exec", program, "--operation", "softmax_vote")
    assert code == 1
    assert "is not known to conform" in out
    assert "not claimed: softmax_vote" in out
