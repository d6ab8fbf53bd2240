"""parametrize_with_checks, in a pytest of its own."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from judged import Right, Wrong

from vosref.conformance import ConformanceError, parametrize_with_checks
from vosref.conformance.checks import Check
from vosref.conformance.testing import TestedCheck

FILE = """
import sys
sys.path.insert(0, {tests!r})
from judged import Right, Wrong
from vosref.conformance import parametrize_with_checks

@parametrize_with_checks(
    [Right(), Wrong()],
    operations=("embedding_distance", "local_matching"),
    expected_failed={{"local_matching/window_clipped": "issue 12", "local_matching/range": "issue 13"}},
    xfail_strict={strict},
    reproducers={files!r},
)
def test_vosref(subject, check):
    check(subject)
"""


def run(folder, *, strict):
    text = FILE.format(tests=str(Path(__file__).parent), strict=strict, files=str(folder / "files"))
    (folder / "test_it.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-vv", "-rA", "--tb=short", "test_it.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout


def test_every_check_is_a_test_by_its_name_and_pytest_tells_what_became_of_it(tmp_path):
    out = run(tmp_path, strict=True)
    names = {
        "Right-embedding_distance/pairs@1#0:float32": "PASSED",
        "Right-local_matching/radius_zero@1#0:float32": "PASSED",
        "Right-local_matching/window_clipped@1#0:float32": "FAILED",  # it was expected to fail
        "wrong-embedding_distance/pairs@1#0:float64": "SKIPPED",
        "wrong-local_matching/window_clipped@1#0:float32": "XFAIL",
        "wrong-local_matching/object_absent@1#0:float64": "FAILED",
        "wrong-local_matching/radius_zero@1#0:float64": "FAILED",
    }
    for name, became in names.items():
        assert re.search(rf"test_vosref\[{re.escape(name)}\] {became}", out), name
    assert "not claimed: embedding_distance in float32" in out
    assert "[XPASS(strict)] issue 12" in out
    assert "the window is smaller by one" in out
    assert list((tmp_path / "files").glob("repro-local_matching-object_absent-*.py"))
    assert not list((tmp_path / "files").glob("repro-local_matching-window_clipped-*.py"))


def test_what_passes_against_a_lenient_expectation_is_xpassed(tmp_path):
    out = run(tmp_path, strict=False)
    assert re.search(r"Right-local_matching/window_clipped@1#0:float32\] XPASS", out)


def test_a_check_can_be_called_by_hand():
    check = TestedCheck(Check("local_matching", "single_row", 0, "float32"))
    assert repr(check) == "local_matching/single_row@1#0:float32"
    check(Right())
    with pytest.raises(ConformanceError, match="wrong: local_matching/single_row@1#0:float32 failed: distance"):
        check(Wrong())


def test_subjects_are_a_list_of_objects():
    with pytest.raises(TypeError, match=r"subjects must be a list, got Right; write \[subject\]"):
        parametrize_with_checks(Right())
    with pytest.raises(TypeError, match=r"must be objects, got the class Right; write Right\(\)"):
        parametrize_with_checks([Right])
    with pytest.raises(ValueError, match="level must be one of"):
        parametrize_with_checks([Right()], level="all")


def test_where_pytest_is_missing_that_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "pytest", None)
    with pytest.raises(ModuleNotFoundError, match="pip install pytest, or use check_subject"):
        parametrize_with_checks([Right()])
