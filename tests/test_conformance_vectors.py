"""Golden vectors are written whole or not at all, with equal bytes; those that come with the library are today's."""

import re
import tarfile

import numpy as np
import pytest
from golden_vectors import CASE, SOME, files

from vosref.conformance import vectors
from vosref.conformance.array_files import FORMATS, original_name
from vosref.conformance.case_files import read_case, read_results, slots_of
from vosref.conformance.documents import digest
from vosref.conformance.judge import reference
from vosref.conformance.manifest import read_manifest
from vosref.conformance.operations import OPERATIONS
from vosref.conformance.packing import unpack
from vosref.conformance.vectors import SHIPPED, export
from vosref.conformance.vectors_verify import verify
from vosref.io import InputError

COMMAND = "python -m vosref vectors export --profile tiny vosref/conformance/data/vectors-tiny.tar.gz"


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Vectors of some operations."""
    folder = tmp_path_factory.mktemp("exported") / "vectors"
    export(folder, operations=SOME)
    return folder


@pytest.mark.parametrize("array_format", FORMATS)
def test_two_exports_are_the_same_bytes(tmp_path, array_format):
    for name in ("one", "two", "one.tar.gz", "two.tar.gz"):
        export(tmp_path / name, operations=SOME, array_format=array_format)
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()
    unpack(tmp_path / "one.tar.gz", tmp_path / "unpacked")
    assert files(tmp_path / "unpacked") == files(tmp_path / "one")
    assert verify(tmp_path / "one").ok
    assert verify(tmp_path / "one.tar.gz").ok


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Vectors of all operations."""
    folder = tmp_path_factory.mktemp("tiny") / "vectors"
    export(folder)
    return folder


def test_every_operation_is_exported_and_verified(tiny):
    manifest = read_manifest(tiny)
    assert {case["operation"] for case in manifest["cases"]} == set(OPERATIONS)
    assert all(case["dtype"] == "float32" for case in manifest["cases"])
    found = verify(tiny)
    assert found.faults == ()
    assert found.notes == ()
    assert (found.cases, found.near) == (len(manifest["cases"]), 0)


def test_small_has_every_data_type_and_random_cases(tmp_path):
    for array_format in FORMATS:
        manifest = export(tmp_path / array_format, profile="small", array_format=array_format, operations=["to_mask"])
        assert {case["dtype"] for case in manifest["cases"]} == {"float64", "float32", "float16", "bfloat16"}
        assert sum("/random@" in case["id"] for case in manifest["cases"]) == 12
        assert verify(tmp_path / array_format).faults == ()


def test_another_seed_draws_other_cases(tmp_path, exported):
    manifest = export(tmp_path / "vectors", operations=["local_matching"], seed=5)
    assert {original_name(case["folder"]).partition("#")[2] for case in manifest["cases"]} == {"5:float32"}
    other = tmp_path / "vectors" / CASE.replace("~0", "~5") / "query.bin"
    assert other.read_bytes() != (exported / CASE / "query.bin").read_bytes()
    assert verify(tmp_path / "vectors").ok


def test_the_manifest_says_everything_of_a_case(exported):
    manifest = read_manifest(exported)
    case = next(case for case in manifest["cases"] if case["folder"] == CASE)
    assert case["id"] == original_name(CASE) == "local_matching/window_clipped@1#0:float32"
    assert case["options"] == {"grid": [6, 9], "window_radius": 2}
    assert case["comment"] == "windows end at the border of the grid"
    assert case["arithmetic"]["squares"] == "expanded"
    (right,) = case["expected"]
    assert (right["value"]["dtype"], right["bound"]["dtype"]) == ("float64", "float64")
    assert right["value"]["sha256"] == digest(exported / CASE / right["value"]["file"])
    kinds = {case["operation"]: set(case["expected"][0]) - {"result", "value"} for case in manifest["cases"]}
    assert kinds == {"local_matching": {"bound"}, "to_mask": {"allowed", "ids"}, "resize_nearest": set()}
    assert "vosref vectors check" in (exported / "README.txt").read_text(encoding="utf-8")


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    (tmp_path / "file").touch()
    (tmp_path / "folder.tar.gz").mkdir()
    for name in ("full", "file", "folder.tar.gz"):
        with pytest.raises(InputError, match=f"OUT: .*{name} is there already; name a new or empty folder, or a file"):
            export(tmp_path / name)
    assert set(files(tmp_path)) == {"full/mine", "file"}


def test_an_empty_folder_and_a_packed_one_are_replaced(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "old.tar.gz").write_bytes(b"old")
    for name in ("empty", "old.tar.gz", "new/and/deep"):
        export(tmp_path / name, operations=["resize_nearest"])
        assert verify(tmp_path / name).ok


@pytest.mark.parametrize("name", ["vectors", "vectors.tar.gz"])
def test_an_export_that_fails_leaves_nothing(tmp_path, monkeypatch, name):
    def fails(folder, check, array_format):
        (folder / "half").touch()
        raise MemoryError

    monkeypatch.setattr(vectors, "write_vector", fails)
    with pytest.raises(MemoryError):
        export(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_packed_folder_with_members_that_lead_elsewhere_is_refused(tmp_path):
    for i, (name, kind) in enumerate(
        (
            ("../up", tarfile.REGTYPE),
            ("a/../../up", tarfile.REGTYPE),
            ("/etc/absolute", tarfile.REGTYPE),
            ("link", tarfile.SYMTYPE),
            ("pipe", tarfile.FIFOTYPE),
        )
    ):
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, "/etc/passwd" if kind == tarfile.SYMTYPE else ""
        with tarfile.open(tmp_path / f"{i}.tar.gz", "w:gz") as packed:
            packed.addfile(member)
        with pytest.raises(InputError, match=re.escape(f"has a member {name!r}, which no folder of vectors has")):
            unpack(tmp_path / f"{i}.tar.gz", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_packed_folder_that_is_damaged_is_refused(tmp_path):
    path = tmp_path / "vectors.tar.gz"
    export(path, operations=["resize_nearest"])
    whole = path.read_bytes()
    for content in (b"", b"PK", whole[:-9], whole[: len(whole) // 2], whole[:400] + b"\xff" * 9 + whole[409:]):
        path.write_bytes(content)
        with pytest.raises(
            InputError, match=r"vectors.tar.gz is neither a folder of vectors nor one packed as .tar.gz"
        ):
            verify(path)


def test_what_cannot_be_exported_is_refused(tmp_path):
    for options, said in (
        ({"profile": "huge"}, "profile must be one of tiny, small, got 'huge'"),
        ({"array_format": "npz"}, "array_format must be one of raw, safetensors, got 'npz'"),
        ({"operations": ["matching"]}, "operations must be one of embedding_distance, .*, got 'matching'"),
        ({"seed": -1}, "seed must be 0 or more, got -1"),
    ):
        with pytest.raises(InputError, match=said):
            export(tmp_path / "vectors", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_reference_that_is_undefined_is_not_exported(tmp_path, monkeypatch):
    broken = OPERATIONS["resize_nearest"]._replace(reference=lambda *_, **__: {"resized": np.full((2, 2), np.nan)})
    monkeypatch.setitem(OPERATIONS, "resize_nearest", broken)
    with pytest.raises(ValueError, match=r"resize_nearest/.*: resized must be finite everywhere, got nan at \(0, 0\)"):
        export(tmp_path / "vectors", operations=["resize_nearest"])


def test_a_vectors_case_is_a_folder_that_a_runner_can_use(exported):
    case = next(case for case in read_manifest(exported)["cases"] if case["folder"] == CASE)
    asked = read_case(exported / case["folder"])
    assert asked.id == case["id"]
    expected = read_results(exported / case["folder"], slots_of([case["expected"][0]["value"]]))
    exact = reference(OPERATIONS[asked.operation], asked.inputs, asked.options)
    np.testing.assert_array_equal(expected["distance"], exact["distance"])


def test_the_vectors_that_come_with_the_library_are_those_that_are_exported_now(tmp_path, tiny):
    assert SHIPPED.is_file(), f"write it: {COMMAND}"
    assert SHIPPED.stat().st_size < 1_000_000
    unpack(SHIPPED, tmp_path)
    shipped, fresh = files(tmp_path), files(tiny)
    assert fresh.keys() == shipped.keys(), f"write it again: {COMMAND}"
    other = [name for name, content in fresh.items() if content != shipped[name]]
    # Another build of NumPy sums in another order: what is expected, and its digests, may differ in the last bits.
    assert [n for n in other if "/expected/" not in n and n != "manifest.json"] == [], f"write it again: {COMMAND}"
    assert not other or verify(SHIPPED).faults == ()
