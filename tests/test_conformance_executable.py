"""Programs as subjects: what they are given, what becomes of how they end, and two in other languages."""

import os
import pickle
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from vosref.conformance.array_files import FORMATS, write_arrays
from vosref.conformance.capabilities import Capabilities, NotClaimedError
from vosref.conformance.case_files import read_case
from vosref.conformance.checks import Check, checks_for, run_check
from vosref.conformance.executable import Executable, ExecutableError
from vosref.conformance.judge import reference
from vosref.conformance.operations import OPERATIONS
from vosref.conformance.subjects import as_subject
from vosref.io import InputError, MissingInputError

RUNNERS = Path(__file__).parent / "runners"
CHECK = Check("local_matching", "radius_zero", 0, "float32")


class InProcess(Executable):
    """What a program would do, without starting one: the definition, from and to the case's files."""

    def _ran(self, called, folder, log):
        case = read_case(folder)
        exact = reference(OPERATIONS[case.operation], case.inputs, case.options)
        write_arrays(folder, case.results, exact)


@pytest.fixture
def program(tmp_path):
    """Return the command of a program in Python, without the site's packages, which starts at once."""

    def make(source):
        path = tmp_path / "a program.py"
        path.write_text(f"import sys, pathlib\nfolder = pathlib.Path(sys.argv[-1])\n{source}\n", encoding="utf-8")
        return [sys.executable, "-I", "-S", str(path)]

    return make


def run(subject, check=CHECK):
    inputs, options = check.problem()
    return subject.run(OPERATIONS[check.operation], inputs, options, check.dtype)


@pytest.mark.parametrize("array_format", FORMATS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_goes_to_a_program_and_comes_back(name, array_format):
    operation = OPERATIONS[name]
    subject = InProcess([sys.executable], array_format=array_format, capabilities=Capabilities(operation.dtypes))
    for dtype in operation.dtypes[:2] if array_format == "raw" else operation.dtypes[-2:]:
        outcome = run_check(subject, Check(name, operation.sketches[0].name, 0, dtype))
        assert outcome.status == "passed", outcome


def test_it_is_a_subject_and_claims_what_it_says():
    subject = Executable([sys.executable], capabilities=Capabilities(("float64",), operations=("local_matching",)))
    assert as_subject(subject) is subject
    assert subject.claims(OPERATIONS["local_matching"], "float64")
    assert not subject.claims(OPERATIONS["local_matching"], "float32")
    assert not subject.claims(OPERATIONS["global_matching"], "float64")
    assert Executable([sys.executable]).claims(OPERATIONS["global_matching"], "float32")
    assert pickle.loads(pickle.dumps(subject)).command == subject.command


def test_the_folder_takes_the_place_of_its_placeholder_or_comes_last(program):
    command = program("print(*sys.argv[1:], file=sys.stderr); sys.exit(1)")
    for more, said in (
        ([], r"\S+/case"),
        (["-v"], r"-v \S+/case"),
        (["{case_dir}", "-v"], r"\S+/case -v"),
        (["--in={case_dir}/case.json", "-v"], r"--in=\S+/case/case\.json -v"),
    ):
        with pytest.raises(ExecutableError, match=f"its last words: {said}$"):
            run(Executable([*command, *more]))


def test_a_command_is_split_as_a_shell_does_and_run_without_one(program, tmp_path):
    python, *options, path = program("sys.exit(64 if sys.argv[1] == '$HOME; touch x' else 1)")
    subject = Executable(f"'{python}' {' '.join(options)} \"{path}\" '$HOME; touch x' {{case_dir}}")
    assert subject.name == f"{Path(python).name} -I -S a program.py $HOME; touch x"
    with pytest.raises(NotClaimedError, match=r"declines local_matching@\d:float32"):
        run(subject)
    assert not Path("x").exists()


def test_64_is_not_claimed_and_neither_passed_nor_failed(program):
    outcome = run_check(Executable(program("sys.exit(64)"), name="mine"), CHECK)
    assert (outcome.status, outcome.note) == ("not claimed", "mine declines local_matching@1:float32")


def test_a_failure_quotes_the_last_lines_of_stderr(program):
    source = (
        "print('out'); print(*range(9), sep='\\n', file=sys.stderr); sys.stderr.buffer.write(b'\\xff'); sys.exit(3)"
    )
    with pytest.raises(ExecutableError) as caught:
        run(Executable(program(source), name="mine"))
    said = "mine ended with exit code 3 on local_matching@1:float32; its last words: 5\n6\n7\n8\n\ufffd"
    assert str(caught.value) == said
    assert run_check(Executable(program(source)), CHECK).status == "error"


def test_a_failure_without_a_word_says_so(program):
    with pytest.raises(ExecutableError, match=r"exit code 1 on local_matching@1:float32, without a word on stderr"):
        run(Executable(program("sys.exit(1)")))


@pytest.mark.skipif(os.name != "posix", reason="a signal is POSIX's")
def test_a_crash_is_an_error(program):
    with pytest.raises(ExecutableError, match="exit code -11"):
        run(Executable(program("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")))


@pytest.mark.skipif(os.name != "posix", reason="elsewhere only the program itself is ended")
def test_a_program_that_takes_too_long_is_ended_with_what_it_started(program, tmp_path):
    late = tmp_path / "late"
    child = f"import time, pathlib; time.sleep(1.5); pathlib.Path({str(late)!r}).touch()"
    source = f"import subprocess, time; subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(60)"
    began = time.monotonic()
    with pytest.raises(ExecutableError, match=r"took more than 0\.5 s on local_matching"):
        run(Executable(program(source), timeout=0.5))
    assert time.monotonic() - began < 10
    time.sleep(1.7)
    assert not late.exists()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "distance.bin is missing: distance, float32 of shape (24, 3), belongs there"),
        (
            "(folder / 'distance.bin').write_bytes(bytes(287))",
            "has 287 bytes, where distance, float32 of shape (24, 3)",
        ),
    ],
)
def test_a_result_that_is_missing_or_of_another_size_is_an_error(program, source, said):
    with pytest.raises(InputError, match=re.escape(said)):
        run(Executable(program(source)))
    outcome = run_check(Executable(program(source)), CHECK)
    assert outcome.status == "error"
    assert said in outcome.note


def test_the_cases_folder_is_gone_afterwards(program, tmp_path):
    log = tmp_path / "log"
    with pytest.raises(ExecutableError):
        run(Executable(program(f"pathlib.Path({str(log)!r}).write_text(str(folder)); sys.exit(1)")))
    assert not Path(log.read_text()).exists()


def test_commands_that_cannot_be_run_are_refused():
    with pytest.raises(InputError, match="command must name a program, .* got nothing"):
        Executable("")
    with pytest.raises(InputError, match="cannot be read"):
        Executable("'unclosed")
    with pytest.raises(MissingInputError, match="command: there is no program ./no-such-runner; build it"):
        Executable("./no-such-runner {case_dir}")
    with pytest.raises(InputError, match="timeout must be more than 0 seconds, got 0"):
        Executable([sys.executable], timeout=0)
    with pytest.raises(InputError, match="array_format must be one of raw, safetensors, got 'npz'"):
        Executable([sys.executable], array_format="npz")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """Compile a version of runner.cpp."""
    if shutil.which("g++") is None:
        pytest.skip("g++ is absent: runner.cpp is not run")

    def build(change=str):
        folder = tmp_path_factory.mktemp("runner")
        (folder / "runner.cpp").write_text(
            change((RUNNERS / "runner.cpp").read_text(encoding="utf-8")), encoding="utf-8"
        )
        words = ["g++", "-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "runner.cpp", "-o", "runner"]
        subprocess.run(words, cwd=folder, check=True)
        return [str(folder / "runner")]

    return build


def node(folder, change=str):
    """Return the command of a version of runner.js."""
    if shutil.which("node") is None:
        pytest.skip("Node is absent: runner.js is not run")
    (folder / "runner.js").write_text(change((RUNNERS / "runner.js").read_text(encoding="utf-8")), encoding="utf-8")
    return ["node", str(folder / "runner.js"), "{case_dir}"]


def outcomes(subject, *operations):
    """Put all core checks to a program, two at a time."""
    known = tuple(name for name in operations if name in OPERATIONS)
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda check: run_check(subject, check), checks_for(subject, operations=known)))


def widened(source):
    """Leave the pixels at the window's edge out."""
    assert "<= radius" in source
    return source.replace("<= radius", "< radius")


def test_sixty_lines_of_cpp_conform(compiled):
    subject = Executable(compiled(), capabilities=Capabilities(squares="direct"))
    seen = outcomes(subject, "local_matching", "global_matching", "embedding_distance")
    for outcome in seen:
        declined = (
            outcome.operation == "embedding_distance" or "_neighbours" in outcome.id or "few_pixels" in outcome.id
        )
        assert outcome.status == ("not claimed" if declined else "passed"), outcome
    assert sum(outcome.status == "passed" for outcome in seen) > 20


def test_a_window_in_cpp_that_is_too_small_fails(compiled):
    seen = outcomes(Executable(compiled(widened), capabilities=Capabilities(squares="direct")), "local_matching")
    failed = {outcome.id for outcome in seen if outcome.status == "failed"}
    assert {"local_matching/window_clipped@1#0:float32", "local_matching/radius_zero@1#0:float32"} <= failed


def test_sixty_lines_of_javascript_conform(tmp_path):
    subject = Executable(node(tmp_path), capabilities=Capabilities(squares="direct"))
    seen = outcomes(subject, "local_matching", "softmax_vote")
    assert {outcome.status for outcome in seen} == {"passed"}, seen
    once = Check("local_matching", "window_clipped", 0, "float64")
    doubled = Executable(node(tmp_path), capabilities=Capabilities(("float64", "float16"), squares="direct"))
    assert run_check(doubled, once).status == "passed"
    assert run_check(doubled, once._replace(dtype="float16")).status == "not claimed"
    assert run_check(subject, Check("global_matching", "three_objects", 0, "float32")).status == "not claimed"


def test_a_window_in_javascript_that_is_too_small_fails(tmp_path):
    outcome = run_check(Executable(node(tmp_path, widened)), Check("local_matching", "window_clipped", 0, "float32"))
    assert outcome.status == "failed"
    assert np.isfinite(outcome.margin)


def test_the_runners_are_short():
    for path in RUNNERS.iterdir():
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= 60, path
        assert max(map(len, lines)) <= 120, path
