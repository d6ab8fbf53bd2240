"""Reproducers: files that show a failure again, whatever its arrays are."""

import subprocess
import sys

import numpy as np
import pytest
from judged import Wrong

from vosref.conformance import MUTANTS, Arithmetic, ConformanceError, assert_conforms, check_subject
from vosref.conformance.checks import Check, Outcome
from vosref.conformance.literals import INLINE, Literals
from vosref.conformance.operations.operation import Problem
from vosref.conformance.reproducer import reproducer_for, write_reproducer


def run(path):
    return subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=False, cwd=path.parent)


def again(text, path=None):
    """Run a reproducer in this process."""
    exec(compile(text, "reproducer", "exec"), {"__file__": str(path), "__name__": "__main__"})  # noqa: S102 - our own


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    return check_subject(Wrong(), operations=("global_matching", "local_matching"), reproducers=folder)


def text_of(outcome):
    with open(outcome.reproducer, encoding="utf-8") as file:  # noqa: PTH123
        return file.read()


def test_every_file_fails_again_as_it_was_recorded(report):
    assert len({outcome.reproducer for outcome in report.failures}) == len(report.failures)
    for outcome in report.failures:
        with pytest.raises(ConformanceError) as caught:
            again(text_of(outcome))
        assert outcome.note in str(caught.value)


def test_a_file_is_a_program_of_its_own(report, tmp_path):
    failed = next(o for o in report.failures if o.status == "failed")
    path = tmp_path / "copied.py"
    path.write_text(text_of(failed), encoding="utf-8")
    done = run(path)
    assert done.returncode == 1
    assert failed.note in done.stderr


def test_with_a_right_implementation_in_the_marked_line_it_is_silent(report):
    texts = [text_of(o) for o in report.failures if o.operation == "local_matching"]
    right = "    return vosref.local_matching(query, previous, labels, **options)\n"
    for text in texts:
        lines = text.splitlines(keepends=True)
        marked = [n for n, line in enumerate(lines) if "# >>>" in line]
        assert "YOUR IMPLEMENTATION" in lines[marked[0]]
        lines[marked[-1] + 1] = right
        again("import vosref\n" + "".join(lines))
    assert len(texts) > 10


@pytest.mark.parametrize("operation", ["reference_frames", "segmentation_head_vjp"])
def test_operations_without_inputs_and_with_mappings_of_arrays_are_written_too(operation, tmp_path):
    mutant = next(mutant for mutant in MUTANTS if mutant.operation == operation)
    made = check_subject(mutant.subject(), operations=[operation], reproducers=tmp_path, diagnose=False)
    for outcome in made.failures:
        with pytest.raises(ConformanceError) as caught:
            again(text_of(outcome), outcome.reproducer)
        assert outcome.note in str(caught.value)
    assert made.failures


def test_the_same_failure_is_the_same_file(report, tmp_path):
    other = check_subject(Wrong(), operations=("local_matching",), reproducers=tmp_path)
    names = {o.id: o.reproducer.rpartition("/")[2] for o in report.failures}
    assert all(names[o.id] == o.reproducer.rpartition("/")[2] for o in other.failures)
    assert all(len(name.rpartition("-")[2]) == len("01234567.py") for name in names.values())


def large_failure():
    draw = np.random.default_rng(0)
    labels = np.eye(2, dtype=np.float32)[draw.integers(0, 2, 500)]
    query, previous = (draw.normal(0, 0.2, (500, 40)).astype(np.float32) for _ in range(2))
    return (query, previous, labels), {"grid": (20, 25), "window_radius": 1}


def test_arrays_that_are_too_large_for_the_text_stand_beside_it(tmp_path):
    inputs, options = large_failure()
    got = np.zeros((500, 2), np.float32)
    for _ in range(2):
        with pytest.raises(ConformanceError) as first:
            assert_conforms("local_matching", got, inputs, reproducers=tmp_path, diagnose=False, **options)
    (path,) = tmp_path.glob("*.py")
    assert [p.name for p in sorted(tmp_path.iterdir())] == [path.with_suffix(".npz").name, path.name]
    assert path.stat().st_size < 2 * INLINE
    with pytest.raises(ConformanceError) as second:
        again(path.read_text(encoding="utf-8"), path)
    assert str(second.value).splitlines()[0] == str(first.value).splitlines()[0]


VALUES = [
    np.array([0.1, -0.0, np.nan, np.inf, -np.inf, 5e-324, 1.7e308]),
    np.array([[0.1, 3.4e38], [1e-45, 65504]], np.float32),
    np.array([0.1, 6e-8, np.inf], np.float16),
    np.float32(0.1) * np.arange(100, dtype=np.float32).reshape(2, 50),
    np.array(0.1),
    np.zeros((0, 3)),
    np.arange(200, dtype=np.uint8),
    np.array([-1, 5], np.int64),
    np.array([True, False]),
    np.arange(200).reshape(10, 20)[:, ::2],
    {"a/b": np.ones(3), "c": np.float64(0.1)},
    [np.ones(2), (1,), (1, 2.5), ()],
    ((6, 9), "local", None, True, float("inf"), np.int64(3)),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda v: type(v).__name__)
def test_a_literal_gives_the_value_back_bit_for_bit(value):
    import base64  # noqa: PLC0415

    def decoded(text, dtype, shape):
        return np.frombuffer(base64.b64decode(text), dtype).reshape(shape)

    source = Literals().of("value", value)
    assert all(len(line) <= 120 for line in source.splitlines())
    same(eval(source, {"np": np, "decoded": decoded}), value)  # noqa: S307 - our own


def same(one, other):
    assert type(one) is type(other) or isinstance(other, np.generic)
    if isinstance(other, np.ndarray):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        assert one.tobytes() == other.tobytes()
    elif isinstance(other, dict | list | tuple):
        pairs = (
            zip(one.items(), other.items(), strict=True) if isinstance(other, dict) else zip(one, other, strict=True)
        )
        for a, b in pairs:
            same(a, b)
    else:
        assert one == other


def test_a_message_that_would_end_the_docstring_early_does_not():
    outcome = Outcome("local_matching/single_row@1#0:float32", "local_matching", 's"""', "error", note='x """ \\N \\')
    check = Check("local_matching", "single_row", 0, "float32")
    made = reproducer_for(outcome, check, check.problem(), [], Arithmetic())
    with pytest.raises(ConformanceError, match='x """'):
        again(made.text)


def test_a_file_is_written_whole_into_a_folder_that_is_there(tmp_path):
    outcome = Outcome("local_matching/single_row@1#0:float32", "local_matching", "s", "error", note="no")
    made = reproducer_for(
        outcome, Check("local_matching", "single_row", 0, "float32"), Problem({}, {}), [], Arithmetic()
    )
    path = write_reproducer(tmp_path, made)
    assert path.name == f"{made.name}.py"
    assert path.read_text(encoding="utf-8") == made.text
    assert list(tmp_path.iterdir()) == [path]
