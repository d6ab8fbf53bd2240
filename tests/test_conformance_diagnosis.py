"""The diagnosis: every mutant is recognised, and so are mistakes that no mutant makes."""

import numpy as np
import pytest

from vosref.conformance.arithmetic import Arithmetic
from vosref.conformance.checks import checks_for, run_check
from vosref.conformance.diagnosis import diagnose
from vosref.conformance.draws import Seeded
from vosref.conformance.judge import judge, problem_for, reference
from vosref.conformance.mutants import MUTANTS
from vosref.conformance.operations import OPERATIONS
from vosref.conformance.subjects import as_subject

SINGLE = Arithmetic("float32").checked()


def said_of(mutant):
    """What is said of the first case that a mutant fails."""
    subject = as_subject(mutant.subject())
    for check in checks_for(subject, operations=(mutant.operation,)):
        outcome = run_check(subject, check) if not check.is_invariant else None
        if outcome is not None and outcome.status == "failed":
            arithmetic = subject.capabilities.arithmetic(check.dtype)
            return diagnose(OPERATIONS[mutant.operation], check.problem(), outcome.verdict, arithmetic)
    return []


def test_nearly_every_mutant_is_named_at_the_first_case_that_it_fails_and_others_are_placed():
    named, placed, silent = [], [], []
    for mutant in MUTANTS:
        said = said_of(mutant)
        places = ("NaN", "infinity", "rows and columns", "elements fail", "1 of", "every element")
        if f"it agrees with: {mutant.wrong}" in said:
            named.append(mutant.name)
        elif any(place in sentence for sentence in said for place in places):
            placed.append(mutant.name)
        elif said:
            silent.append(mutant.name)
    assert silent == []
    assert len(named) > 4 * len(placed)


def diagnosed(change, *, operation="local_matching", case="window_clipped"):
    """What is said of the reference's result, changed."""
    known = OPERATIONS[operation]
    sketch = next(s for s in known.sketches if s.name == case)
    problem = problem_for(sketch.make(Seeded(0, "planted")), "float32")
    exact = reference(known, *problem)
    got = {name: change(value.copy(), problem) for name, value in exact.items()}
    (verdict,) = judge(known, *problem, got, SINGLE)
    assert not verdict.passed
    return diagnose(known, problem, verdict, SINGLE)


def planted(where, value):
    def change(result, _problem):
        result[where] = value
        return result

    return change


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda d, _: 1.5 * d, "it agrees with the reference, multiplied by 1.5"),
        (lambda d, _: d + 0.25, "it agrees with the reference, with 0.25 added"),
        (lambda d, _: -d, "it agrees with the reference, with its sign changed"),
        (lambda d, _: 1 - d, "it agrees with the reference, subtracted from 1"),
        (lambda d, _: d**2, "it agrees with the reference, squared"),
        (lambda d, _: np.sqrt(d), "it agrees with the reference, with its root taken"),
        (lambda d, _: d[:, ::-1], "it agrees with the reference, with its columns in the opposite order"),
        (lambda d, _: d / d.sum(1, keepdims=True), "it agrees with the reference, each row scaled to sum to 1"),
        (
            lambda d, p: d.reshape(*p.options["grid"], -1).swapaxes(0, 1).reshape(d.shape),
            "it agrees with the reference, written column by column of the grid",
        ),
        (
            lambda d, p: np.roll(d.reshape(*p.options["grid"], -1), 1, axis=1).reshape(d.shape),
            "it agrees with the reference, moved by 1 column of the grid",
        ),
        (lambda d, _: d.T, "rows and columns of the result are exchanged"),
        (planted((slice(None), 1), 0.5), "54 of 162 elements fail: all in column 1 of 3"),
        (
            planted(slice(16, 24), -1.0),
            "24 of 162 elements fail: all in the rows 16 to 23, 8 of them: the size of a tile",
        ),
        (
            planted(slice(0, 9), -1.0),
            "27 of 162 elements fail: all in the row at the top edge: a window or tile is clipped wrongly there; "
            "all in the rows 0 to 8, 9 of them",
        ),
        (planted((7, 2), np.nan), "NaN at 1 of 162 elements, in column 2 alone"),
        (lambda d, _: d * np.nan, "NaN everywhere: an exponential that overflowed, or a subtraction of infinities"),
    ],
)
def test_a_planted_mistake_is_told(change, sentence):
    assert sentence in diagnosed(change)


def test_a_band_along_all_edges_is_told():
    def change(result, problem):
        frame = result.reshape(*problem.options["grid"], -1)
        inner = frame[1:-1, 1:-1].copy()
        frame[:] = 2.0
        frame[1:-1, 1:-1] = inner
        return frame.reshape(result.shape)

    assert any("at most 1 pixel from the border: windows are clipped wrongly" in said for said in diagnosed(change))


def test_no_number_where_the_reference_is_0_is_a_division_by_0():
    def change(result, _problem):
        result[result == 0] = np.nan
        return result

    said = diagnosed(change, operation="normalised_affinity", case="isolated_pixels")
    assert any("where the reference is 0: a division by 0" in sentence for sentence in said)


def test_the_values_around_the_worst_element_are_shown_as_they_lie_on_the_grid():
    (shown,) = [said for said in diagnosed(planted((10, 0), 9.0)) if said.startswith("around")]
    assert shown.startswith("around row 1, column 1 of the grid: [")
    got, exact = (part.strip("[]").split(";") for part in shown.partition("grid: ")[2].split(" instead of "))
    assert [len(row.split()) for row in got] == [3, 3, 3] == [len(row.split()) for row in exact]
    assert got[1].split()[1] == "9"


def test_a_single_wrong_element_has_nothing_in_common_with_others():
    assert "1 of 162 elements fails" in diagnosed(planted((10, 0), 9.0))
