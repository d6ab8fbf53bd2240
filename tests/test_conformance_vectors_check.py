"""Somebody's results are judged by the bounds and the allowed labels of golden vectors."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from golden_vectors import CASE, SOME, answered

from vosref.conformance.array_files import original_name
from vosref.conformance.manifest import read_manifest
from vosref.conformance.vectors import export
from vosref.conformance.vectors_check import check
from vosref.io import InputError, MissingInputError


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Vectors of some operations."""
    folder = tmp_path_factory.mktemp("exported") / "vectors"
    export(folder, operations=SOME)
    return folder


def test_right_results_pass(tmp_path, exported):
    judged = check(answered(exported, tmp_path), exported)
    assert judged.ok
    assert judged.unknown == ()
    assert set(judged.counts()) <= {"passed", "inconclusive"}
    assert [outcome.id for outcome in judged.outcomes] == [case["id"] for case in read_manifest(exported)["cases"]]


def test_results_in_safetensors_pass(tmp_path):
    export(tmp_path / "v", operations=["local_matching"], array_format="safetensors", profile="small")
    judged = check(answered(tmp_path / "v", tmp_path / "got"), tmp_path / "v")
    assert set(judged.counts()) == {"passed"}


def test_wrong_results_fail_with_their_element_margin_and_bound(tmp_path, exported):
    def change(results, case):
        name = case["results"][0]["name"]
        wrong = np.array(results[name])
        wrong.flat[min(3, wrong.size - 1)] += 1
        return {name: wrong}

    judged = check(answered(exported, tmp_path, change), exported)
    assert not judged.ok
    by_id = {outcome.id: outcome for outcome in judged.outcomes}
    assert re.match(r"distance\[1, 0\] is .* instead of .*, bound .*: margin", by_id[original_name(CASE)].note)
    for outcome in judged.outcomes:
        if outcome.operation == "resize_nearest" and outcome.status == "failed":
            assert outcome.margin == np.inf
    assert {o.operation for o in judged.outcomes if o.status == "failed"} == set(SOME)


def test_an_undefined_result_fails(tmp_path, exported):
    def change(results, case):
        return {"distance": results["distance"] * np.nan} if case["operation"] == "local_matching" else None

    judged = check(answered(exported, tmp_path, change), exported)
    assert set(judged.counts()) == {"failed", "not claimed"}


@pytest.mark.parametrize("wrong", [False, True])
def test_any_allowed_label_passes_and_any_other_fails(tmp_path, exported, wrong):
    """Of several labels the last is taken; where all are allowed, none can be wrong."""
    fails = {}

    def change(_, case):
        if case["operation"] != "to_mask":
            return None
        (right,) = case["expected"]
        content = (exported / case["folder"] / right["allowed"]["file"]).read_bytes()
        takes = (np.frombuffer(content, np.uint8).reshape(right["allowed"]["shape"]) == 1) != wrong
        fails[case["id"]] = wrong and bool(takes.any())
        return {"mask": np.asarray(right["ids"])[takes.shape[-1] - 1 - np.argmax(takes[..., ::-1], axis=-1)]}

    judged = check(answered(exported, tmp_path, change), exported)
    assert {o.id: o.status == "failed" for o in judged.outcomes if o.operation == "to_mask"} == fails
    assert any(fails.values()) == wrong


def test_cases_without_results_are_not_claimed_and_others_not_known(tmp_path, exported):
    answered(exported, tmp_path, lambda results, case: results if case["folder"] == CASE else None)
    (tmp_path / "local_matching+window").mkdir()
    (tmp_path / "notes.txt").touch()
    judged = check(tmp_path, exported)
    assert judged.ok
    assert judged.unknown == ("local_matching+window",)
    assert judged.counts()["passed"] == 1
    assert set(judged.counts()) == {"passed", "not claimed"}


def test_results_that_are_not_whole_are_errors(tmp_path, exported):
    got = answered(exported, tmp_path)
    (got / CASE / "distance.bin").write_bytes(b"\0\0\0")
    judged = check(got, exported)
    assert not judged.ok
    (wrong,) = [outcome for outcome in judged.outcomes if outcome.status == "error"]
    assert "distance.bin has 3 bytes, where distance, float32 of shape (54, 3), needs 648" in wrong.note


def test_one_of_several_results_that_is_missing_is_an_error(tmp_path):
    export(tmp_path / "v", operations=["local_matching_vjp"])
    got = answered(tmp_path / "v", tmp_path / "got")
    next(got.glob("*/d_query.bin")).unlink()
    judged = check(got, tmp_path / "v")
    (wrong,) = [outcome for outcome in judged.outcomes if outcome.status == "error"]
    assert "d_query.bin is missing: d_query, float32 of shape" in wrong.note


def test_nothing_to_judge_is_data_that_is_missing(tmp_path, exported):
    with pytest.raises(MissingInputError, match=r"GOT: .*none is no folder"):
        check(tmp_path / "none", exported)
    with pytest.raises(MissingInputError, match=r"has no results of the \d+ cases, such as \w+\+.*\.bin"):
        check(tmp_path, exported)


def test_damaged_vectors_judge_nobody(tmp_path, exported):
    copied = Path(shutil.copytree(exported, tmp_path / "vectors"))
    got = answered(copied, tmp_path / "got")
    path = copied / CASE / "expected" / "distance.bin"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(InputError, match=r"distance.bin is damaged; `vosref vectors verify` says what else is"):
        check(got, copied)
