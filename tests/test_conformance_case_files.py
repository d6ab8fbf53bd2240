"""Cases as folders: what is asked and given, as JSON and as lines of text, and back."""

import json
import math
from pathlib import Path

import fastjsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vosref.conformance import case_files
from vosref.conformance.arithmetic import Arithmetic, carrier
from vosref.conformance.array_files import FORMATS, Slot, write_arrays
from vosref.conformance.case_files import case_of, flattened, read_case, read_results, write_case
from vosref.conformance.checks import Check
from vosref.conformance.documents import option_from_json, option_to_json
from vosref.conformance.judge import reference
from vosref.conformance.operations import OPERATIONS
from vosref.io import InputError, MissingInputError

SINGLE = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6)
OPTIONS = st.recursive(SINGLE, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=6)


def made(name, *, dtype="float32", array_format="raw", options=None):
    """Return the first named case of an operation."""
    operation = OPERATIONS[name]
    check = Check(name, operation.sketches[0].name, 0, dtype)
    inputs, drawn = check.problem()
    exact = reference(operation, inputs, drawn)
    arithmetic, options = Arithmetic(dtype).checked(), drawn if options is None else options
    return case_of(operation, inputs, options, exact, arithmetic, name=check.id, array_format=array_format)


def test_the_text_of_a_case_has_a_fact_a_line(tmp_path):
    case = made("local_matching")
    write_case(tmp_path, case)
    lines = (tmp_path / "case.txt").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "vosref-case 1"
    assert lines[1] == f"id {case.id}"
    for line in (
        f"operation local_matching {case.version}",
        f"equation {case.equation}",
        "dtype float32",
        "arithmetic accumulate float32",
        'arithmetic product ""',
        "arithmetic ulps 4.0",
        "option grid 6 9",
        "option window_radius 2",
        "input query float32 query.bin 54 8",
        "result distance float32 distance.bin 54 3",
    ):
        assert line in lines


def test_the_json_of_a_case_says_the_same(tmp_path):
    document = write_case(tmp_path, made("local_matching"))
    assert json.loads((tmp_path / "case.json").read_text(encoding="utf-8"), parse_constant=pytest.fail) == document
    assert document["options"] == {"grid": [6, 9], "window_radius": 2}
    assert document["inputs"][0].keys() == {"name", "dtype", "shape", "file", "sha256"}
    assert document["results"] == [{"name": "distance", "dtype": "float32", "shape": [54, 3], "file": "distance.bin"}]


def test_options_of_every_kind_are_words(tmp_path):
    options = {
        "tuple": (4, 5),
        "nested": ((2, 0), (1, 3)),
        "float": 0.1,
        "large": 1e300,
        "infinite": -math.inf,
        "undefined": math.nan,
        "text": "same",
        "odd": "a b\n%ü",
        "empty": "",
        "nothing": None,
        "yes": True,
        "no_items": (),
        "numpy": np.float64(0.25),
        "array": np.asarray([1, 2]),
    }
    write_case(tmp_path, made("local_matching", options=options))
    lines = (tmp_path / "case.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("option ")] == [
        "option tuple 4 5",
        "option nested ( 2 0 ) ( 1 3 )",
        "option float 0.1",
        "option large 1e+300",
        "option infinite -Infinity",
        "option undefined NaN",
        "option text same",
        "option odd a%20b%0A%25%C3%BC",
        'option empty ""',
        "option nothing none",
        "option yes true",
        "option no_items",
        "option numpy 0.25",
        "option array 1 2",
    ]
    read = read_case(tmp_path).options
    assert read.pop("undefined") != read.get("undefined")
    assert read == {**{k: v for k, v in options.items() if k != "undefined"}, "numpy": 0.25, "array": (1, 2)}


@given(option=OPTIONS)
def test_options_come_back_from_json_bit_for_bit_and_with_their_types(option):
    back = option_from_json(json.loads(json.dumps(option_to_json(option, "x"), allow_nan=False)))
    assert repr(back) == repr(option)


def test_an_option_that_no_file_can_hold_is_refused(tmp_path):
    with pytest.raises(InputError, match="option how of local_matching must be made of numbers, .* got set"):
        write_case(tmp_path, made("local_matching", options={"how": {1}}))


def test_an_array_that_no_file_can_hold_is_refused(tmp_path):
    case = made("local_matching")
    with pytest.raises(InputError, match="an array must be of one of float64, .* got complex128"):
        write_case(tmp_path, case._replace(inputs={"query": np.ones(3, complex)}))
    with pytest.raises(InputError, match="array_format must be one of raw, safetensors, got 'npz'"):
        write_case(tmp_path, case, array_format="npz")


@pytest.mark.parametrize("array_format", FORMATS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operations_case_comes_back_as_it_was(tmp_path, name, array_format):
    dtypes = OPERATIONS[name].dtypes
    for dtype in dtypes[:2] if array_format == "raw" else dtypes[-2:]:
        folder = tmp_path / dtype
        folder.mkdir()
        case = made(name, dtype=dtype, array_format=array_format)
        write_case(folder, case, array_format=array_format)
        read = read_case(folder)
        assert read._replace(inputs={}) == case._replace(inputs={})
        assert list(read.inputs) == list(case.inputs)
        for (ours, value), (theirs, after) in zip(*(flattened(c.inputs).items() for c in (case, read)), strict=True):
            before = np.asarray(value)
            assert ours == theirs
            np.testing.assert_array_equal(after, before)
            assert after.dtype == (carrier(dtype) if before.dtype.kind == "f" else before.dtype)


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_json_of_every_operations_case_follows_the_schema_that_comes_with_the_library(tmp_path, name):
    schema = json.loads((Path(case_files.__file__).parent / "data" / "case.schema.json").read_text(encoding="utf-8"))
    write_case(tmp_path, made(name))
    document = json.loads((tmp_path / "case.json").read_text(encoding="utf-8"))
    fastjsonschema.compile(schema)(document)
    for damaged in (document | {"dtype": "float8"}, document | {"more": 1}, {k: document[k] for k in ("id", "dtype")}):
        with pytest.raises(fastjsonschema.JsonSchemaValueException):
            fastjsonschema.compile(schema)(damaged)


def test_results_are_read_in_float64_and_integers_as_they_are(tmp_path):
    slots = (Slot("d", "bfloat16", (2,), "d.bin"), Slot("n", "int64", (1,), "n.bin"))
    write_arrays(tmp_path, slots, {"d": np.asarray([0.5, 3.0]), "n": np.asarray([7])})
    read = read_results(tmp_path, slots)
    assert [(a.dtype.name, a.tolist()) for a in read.values()] == [("float64", [0.5, 3.0]), ("int64", [7])]


def test_a_result_never_overwrites_an_input_of_its_name(tmp_path):
    operation, check = OPERATIONS["local_matching"], Check("local_matching", "single_pixel", 0, "float32")
    inputs, options = check.problem()
    case = case_of(operation, inputs, options, {"labels": np.ones(3)}, Arithmetic().checked(), name=check.id)
    document = write_case(tmp_path, case)
    assert {entry["file"] for entry in document["inputs"]} == {"query.bin", "previous.bin", "labels.bin"}
    assert document["results"][0]["file"] == "labels.result.bin"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "describes no case"),
        ("[]", "describes no case"),
        ('{"format_version": 1}', "describes no case"),
        ("later", "format_version must be 1, got 2"),
    ],
)
def test_a_case_that_cannot_be_used_is_refused(tmp_path, text, said):
    write_case(tmp_path, made("local_matching"))
    path = tmp_path / "case.json"
    later = path.read_text(encoding="utf-8").replace('"format_version": 1', '"format_version": 2')
    path.write_text(later if text == "later" else text, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        read_case(tmp_path)


def test_a_folder_without_a_case_is_refused(tmp_path):
    with pytest.raises(MissingInputError, match="case.json does not exist; a case is a folder with a case.json"):
        read_case(tmp_path)
