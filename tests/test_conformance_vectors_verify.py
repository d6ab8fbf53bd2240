"""Every damage to golden vectors is found, and what another build of NumPy sums otherwise is none."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from golden_vectors import CASE, SOME, files, without

from vosref.conformance.array_files import original_name
from vosref.conformance.documents import digest
from vosref.conformance.manifest import read_manifest
from vosref.conformance.operations import OPERATIONS
from vosref.conformance.vectors import export
from vosref.conformance.vectors_verify import verify
from vosref.io import InputError, MissingInputError


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Vectors of some operations."""
    folder = tmp_path_factory.mktemp("exported") / "vectors"
    export(folder, operations=SOME)
    return folder


@pytest.fixture
def copied(tmp_path, exported):
    """Vectors that may be damaged."""
    return Path(shutil.copytree(exported, tmp_path / "vectors"))


def rewritten(folder, change):
    """Change a manifest."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    changed = change(manifest)
    path.write_text(json.dumps(manifest if changed is None else changed), encoding="utf-8")


def forged(folder, file, content):
    """Replace a file, and its SHA-256 in the manifest."""
    before = digest(folder / file)
    (folder / file).write_bytes(content)
    path, after = folder / "manifest.json", digest(folder / file)
    path.write_text(path.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")


def faults(folder):
    return [f"{fault.where}: {fault.what}" for fault in verify(folder).faults]


def test_verify_counts_what_came_out_again(exported):
    found = verify(exported)
    assert found.ok
    assert found.files == len(files(exported))
    n_limits = sum(
        len(set(right) & {"bound", "allowed"}) for c in read_manifest(exported)["cases"] for right in c["expected"]
    )
    assert (found.identical, found.near) == (found.cases + n_limits, 0)


@pytest.mark.parametrize(
    "file", [f"{CASE}/query.bin", f"{CASE}/expected/distance.bin", f"{CASE}/case.txt", "README.txt"]
)
def test_a_byte_that_is_flipped_is_found(copied, file):
    content = bytearray((copied / file).read_bytes())
    content[len(content) // 2] ^= 1
    (copied / file).write_bytes(content)
    assert f"{file}: has another SHA-256 than the manifest says" in faults(copied)


def test_a_byte_that_is_flipped_in_safetensors_is_found(tmp_path):
    export(tmp_path, operations=["local_matching"], array_format="safetensors")
    path = tmp_path / CASE / "expected.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    assert faults(tmp_path) == [f"{CASE}/expected.safetensors: has another SHA-256 than the manifest says"]
    path.write_bytes(path.read_bytes()[:-1])
    assert any("the file is truncated" in fault for fault in faults(tmp_path))


@pytest.mark.parametrize("file", ["query.bin", "expected/distance.bound.bin"])
def test_a_file_that_is_truncated_is_found(copied, file):
    path = copied / CASE / file
    size = len(path.read_bytes())
    path.write_bytes(path.read_bytes()[:-3])
    (fault,) = faults(copied)
    assert fault.startswith(f"{CASE}/{file}: has {size - 3} bytes, where ")
    assert fault.endswith(f"needs {size}")


def test_a_file_that_is_missing_is_found_and_one_too_many(copied):
    (copied / CASE / "labels.bin").unlink()
    (copied / "README.txt").unlink()
    (copied / CASE / "distance.bin").touch()
    (copied / "other").touch()
    assert sorted(faults(copied)) == [
        "README.txt: is missing",
        f"{CASE}/distance.bin: belongs to no case",
        f"{CASE}/labels.bin: is missing",
        "other: belongs to no case",
    ]


@pytest.mark.parametrize(
    ("file", "number", "said"),
    [
        ("query.bin", np.float32(np.nan), "query must be finite everywhere, got nan at (0, 0)"),
        ("query.bin", np.float32(np.inf), "query must be finite everywhere, got inf at (0, 0)"),
        ("expected/distance.bin", np.nan, "distance must be finite everywhere, got nan at (0, 0)"),
        ("expected/distance.bound.bin", np.nan, "distance.bound must be defined everywhere, got nan at (0, 0)"),
    ],
)
def test_a_number_that_must_not_be_is_found_though_its_digest_fits(copied, file, number, said):
    content = (copied / CASE / file).read_bytes()
    first = np.asarray(number).tobytes()
    forged(copied, f"{CASE}/{file}", first + content[len(first) :])
    assert f"{CASE}/{file}: {said}" in faults(copied)


def test_inputs_that_are_not_those_drawn_are_found(copied):
    content = (copied / CASE / "query.bin").read_bytes()
    forged(copied, f"{CASE}/query.bin", content[4:] + content[:4])
    assert f"{original_name(CASE)}: inputs are not those that the case draws: query" in faults(copied)


def test_results_of_another_build_lie_within_the_bound_and_others_are_found(copied):
    file = f"{CASE}/expected/distance.bin"
    exact = np.frombuffer((copied / file).read_bytes())
    forged(copied, file, np.nextafter(exact, 2).tobytes())
    found = verify(copied)
    assert found.ok
    assert found.near == 1
    forged(copied, file, (exact + 1e-7).tobytes())
    (fault,) = faults(copied)
    assert re.match(re.escape(f"{file}: distance[") + r".*\] is .* instead of .*, bound .*: margin", fault)


def test_bounds_and_allowed_labels_that_are_not_derived_are_found(copied):
    bound = f"{CASE}/expected/distance.bound.bin"
    exact = np.frombuffer((copied / bound).read_bytes())
    forged(copied, bound, (exact * (1 + 1e-9)).tobytes())
    assert verify(copied).near == 1
    forged(copied, bound, (exact * 1.01).tobytes())
    assert faults(copied) == [f"{bound}: has other bounds than those that are derived"]
    mask = next(copied.glob("to_mask*/expected/*.allowed.bin"))
    file = mask.relative_to(copied).as_posix()
    forged(copied, file, b"\1" * len(mask.read_bytes()))
    assert f"{file}: allows other labels than the definition does" in faults(copied)


def test_facts_that_the_operation_does_not_have_are_found(copied):
    def change(manifest):
        case = next(case for case in manifest["cases"] if case["folder"] == CASE)
        case["options"]["window_radius"] = 3

    rewritten(copied, change)
    assert faults(copied) == [
        f"{original_name(CASE)}: options must be {{'grid': [6, 9], 'window_radius': 2}}, got "
        "{'grid': [6, 9], 'window_radius': 3}"
    ]


def test_a_document_that_contradicts_the_manifest_is_found(copied):
    text = (copied / CASE / "case.txt").read_bytes()
    forged(copied, f"{CASE}/case.txt", text.replace(b"window_radius 2", b"window_radius 3"))
    assert faults(copied) == [f"{CASE}/case.txt: says something else than the manifest"]


def test_what_this_library_has_no_more_is_noted_and_no_fault(copied, monkeypatch):
    later = OPERATIONS["local_matching"]._replace(version=2)
    monkeypatch.setitem(OPERATIONS, "local_matching", later)
    monkeypatch.setitem(OPERATIONS, "to_mask", OPERATIONS["to_mask"]._replace(sketches=()))
    with without("resize_nearest"):
        found = verify(copied)
    assert found.ok
    assert found.identical == 0
    assert any("local_matching has version 2 in vosref" in note for note in found.notes)
    assert any("resize_nearest is no operation of vosref" in note for note in found.notes)
    assert any("is no case of vosref" in note for note in found.notes)


def test_vectors_of_another_version_may_word_it_otherwise(copied, monkeypatch):
    reworded = OPERATIONS["local_matching"]._replace(equation="as ever")
    monkeypatch.setitem(OPERATIONS, "local_matching", reworded)
    assert any("equation must be 'as ever'" in fault for fault in faults(copied))
    rewritten(copied, lambda manifest: manifest.update(generator="vosref 0.0.1"))
    assert verify(copied).ok


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m.pop("cases") and None, "the manifest must contain"),
        (
            lambda m: m.update(format_version=2),
            "the manifest.format_version must be same as const definition: 1, got 2",
        ),
        (lambda m: m.update(extra=1), "the manifest must not contain {'extra'}"),
        (lambda m: m["cases"][0].update(dtype="float8"), "cases[0].dtype must be one of"),
        (lambda m: m["cases"][0].update(folder="../up"), "cases[0].folder must match pattern"),
        (lambda m: m["cases"][0]["inputs"][0].update(file="../../etc/passwd"), "inputs[0].file must match pattern"),
        (lambda m: m["cases"][0]["inputs"][0].update(shape=[-1]), "shape[0] must be bigger than or equal to 0"),
        (lambda m: m["cases"][0]["inputs"][0].pop("sha256") and None, "must contain"),
        (lambda m: m["cases"].append(m["cases"][0]), "is there twice"),
        (lambda m: m["cases"][0].update(folder="elsewhere"), "got elsewhere"),
        (lambda m: m["cases"][0]["results"][0].update(shape=[1]), "are not those that are asked for"),
        (lambda m: [], "the manifest must be object, got []"),
    ],
)
def test_a_manifest_that_does_not_follow_the_schema_is_found(copied, change, said):
    rewritten(copied, change)
    (fault,) = verify(copied).faults
    assert fault.where == "manifest.json"
    assert said in fault.what


def test_a_manifest_that_is_no_json_is_found(copied):
    for text in ("{", '{"seed": NaN}', "\0"):
        (copied / "manifest.json").write_text(text, encoding="utf-8")
        assert "manifest.json is no JSON file" in faults(copied)[0]


def test_vectors_that_are_not_there_are_data_that_is_missing(tmp_path):
    with pytest.raises(MissingInputError, match="none does not exist; `vosref vectors export"):
        verify(tmp_path / "none")
    with pytest.raises(MissingInputError, match=r"manifest.json does not exist; a folder of vectors has one"):
        verify(tmp_path)
    (tmp_path / "damaged.tar.gz").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"damaged.tar.gz is neither a folder of vectors nor one packed as .tar.gz"):
        verify(tmp_path / "damaged.tar.gz")
