"""check_subject: outcomes, expectations, reactions and executors; assert_conforms and assert_invariant."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
import torch
from judged import Deadly, Right, Wrong

import vosref.conformance
from vosref.conformance import ConformanceError, Functions, assert_conforms, assert_invariant, check_subject
from vosref.conformance.arithmetic import Arithmetic, rounded
from vosref.matching import local_matching

LOCAL = ("local_matching",)
GRID = (4, 5)


def scene(dtype=np.float32):
    draw = np.random.default_rng(7)
    labels = np.eye(3)[draw.integers(0, 3, 20)]
    arrays = (draw.normal(0, 0.3, (20, 6)), draw.normal(0, 0.3, (20, 6)), labels)
    return tuple(a.astype(dtype) for a in arrays)


def processes(workers=2):
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


def without_time(outcomes):
    kept = [outcome._replace(seconds=0.0, verdict=None) for outcome in outcomes]
    return [(outcome, o.verdict and o.verdict.worst) for outcome, o in zip(kept, outcomes, strict=True)]


def test_a_right_subject_passes_and_what_it_lacks_is_not_claimed():
    report = check_subject(Right(), operations=("embedding_distance", "global_matching"))
    assert report.ok
    report.raise_if_failed()
    claimed = {outcome.operation for outcome in report.outcomes if outcome.status == "passed"}
    assert claimed == {"embedding_distance"}
    assert report.counts()["not claimed"] > 0


def test_every_public_name_of_the_package_is_there_and_documented():
    assert len(set(vosref.conformance.__all__)) == len(vosref.conformance.__all__)
    for name in vosref.conformance.__all__:
        assert getattr(vosref.conformance, name) is not None
        assert name in dir(vosref.conformance)
    with pytest.raises(AttributeError, match="has no attribute 'check_subjects'"):
        _ = vosref.conformance.check_subjects


def test_a_wrong_subject_is_told_its_element_its_cause_and_its_reproducer(tmp_path):
    report = check_subject(Wrong(), operations=LOCAL, reproducers=tmp_path / "some" / "folder")
    failed = next(o for o in report.failures if o.status == "failed")
    assert failed.margin > 1
    assert "instead of" in failed.note
    assert "the window is smaller by one" in failed.cause
    assert failed.reproducer.startswith(str(tmp_path))
    raised = next(o for o in report.failures if o.status == "error")
    assert raised.note.startswith("ValueError: no window in")
    with pytest.raises(ConformanceError, match="wrong: local_matching/window_clipped@1#0:float32 failed: distance"):
        report.raise_if_failed()


def test_without_diagnosis_and_reproducers_there_are_none():
    report = check_subject(Wrong(), operations=LOCAL, diagnose=False)
    assert {(o.cause, o.reproducer) for o in report.failures} == {("", "")}


def test_the_callback_sees_every_outcome_in_order_and_on_fail_the_failures():
    seen, failed = [], []
    report = check_subject(Wrong(), operations=LOCAL, callback=seen.append, on_fail=failed.append, diagnose=False)
    assert tuple(seen) == report.outcomes
    assert tuple(failed) == report.failures


def test_on_fail_raise_stops_at_the_first_failure():
    seen = []
    with pytest.raises(ConformanceError, match="window_clipped@1#0:float32"):
        check_subject(Wrong(), operations=LOCAL, callback=seen.append, on_fail="raise", diagnose=False)
    assert [outcome.status for outcome in seen].count("failed") == 1
    with pytest.raises(ValueError, match='on_fail must be "collect", "raise" or callable, got \'stop\''):
        check_subject(Right(), on_fail="stop")


def test_a_failure_that_was_expected_is_none_and_needs_no_reproducer(tmp_path):
    reasons = {"local_matching": "issue 12"}
    wrong = Wrong()
    report = check_subject(
        wrong, operations=LOCAL, expected_failed=reasons, xfail_strict=False, reproducers=tmp_path, diagnose=False
    )
    assert report.ok is False  # nothing passed plainly: what passed was expected to fail
    assert set(report.counts()) >= {"xfailed", "xpassed"}
    assert not report.failures
    assert {outcome.reason for outcome in report.outcomes} == {"issue 12"}
    assert not list(tmp_path.iterdir())


def test_an_expected_failure_that_passes_fails_where_that_is_strict():
    report = check_subject(Right(), operations=LOCAL, expected_failed={"local_matching/single_row": "issue 12"})
    assert [(o.status, o.reason) for o in report.failures] == [("xpassed", "issue 12")]
    with pytest.raises(ConformanceError, match="was expected to fail; take it off expected_failed"):
        report.raise_if_failed()


def test_an_expectation_that_means_no_check_is_an_error_that_says_which_may_be_meant():
    with pytest.raises(
        ValueError, match="'local_matching/single_rows', which means none; did you mean 'local_matching/s"
    ):
        check_subject(Right(), expected_failed={"local_matching/single_rows": "issue 12"})
    with pytest.raises(ValueError, match="must be a reason, in words, got ''"):
        check_subject(Right(), expected_failed={"local_matching": ""})
    with pytest.raises(TypeError, match="must be a mapping from checks to reasons, got list"):
        check_subject(Right(), expected_failed=["local_matching"])


def test_an_expectation_of_another_level_or_operation_may_stay_in_the_list():
    reasons = {"global_matching/random": "issue 12", "embedding_distance/random@1#3:float32": "issue 13"}
    assert check_subject(Right(), operations=LOCAL, expected_failed=reasons).ok


def test_names_that_there_are_not_are_errors():
    with pytest.raises(ValueError, match="operations must be some of"):
        check_subject(Right(), operations=("local",))
    with pytest.raises(TypeError, match=r"got 'local_matching'; write \['local_matching'\]"):
        check_subject(Right(), operations="local_matching")
    with pytest.raises(ValueError, match="level must be one of core, extended, exhaustive"):
        check_subject(Right(), level="all")


def test_threads_give_the_same_outcomes_in_the_same_order():
    here = check_subject(Wrong(), operations=LOCAL)
    with ThreadPoolExecutor(3) as executor:
        there = check_subject(Wrong(), operations=LOCAL, executor=executor)
    assert without_time(here.outcomes) == without_time(there.outcomes)


def test_processes_give_the_same_outcomes_and_a_subject_that_cannot_travel_is_refused(tmp_path):
    here = check_subject(Wrong(), operations=LOCAL, reproducers=tmp_path / "files")
    function = Functions({"local_matching": lambda *_, **__: None}, name="closure")
    with processes() as executor:
        there = check_subject(Wrong(), operations=LOCAL, executor=executor, reproducers=tmp_path / "files")
        with pytest.raises(ValueError, match="got closure, which cannot .* or use a ThreadPoolExecutor"):
            check_subject(function, operations=LOCAL, executor=executor)
    assert without_time(here.outcomes) == without_time(there.outcomes)


def test_a_worker_that_dies_raises():
    with (
        processes(1) as executor,
        pytest.raises(RuntimeError, match="a worker died, or could not work, on embedding_d"),
    ):
        check_subject(Deadly(), operations=("embedding_distance",), executor=executor)


def test_a_right_result_of_any_library_conforms_and_gives_the_verdict():
    arrays = scene()
    got = local_matching(*arrays, grid=GRID, window_radius=2)
    options = {"grid": GRID, "window_radius": 2}
    assert assert_conforms("local_matching", got, arrays, **options).margin <= 1
    tensors = dict(zip(("labels", "previous", "query"), map(torch.from_numpy, reversed(arrays)), strict=True))
    verdict = assert_conforms("local_matching", {"distance": torch.from_numpy(got)}, tensors, **options)
    assert verdict.output == "distance"


def test_integer_labels_stand_for_one_hot_floats():
    query, previous, labels = scene()
    got = local_matching(query, previous, labels, grid=GRID, window_radius=2)
    assert_conforms("local_matching", got, [query, previous, labels.astype(bool)], grid=GRID, window_radius=2)


def test_a_wrong_result_raises_with_element_margin_cause_and_reproducer(tmp_path):
    arrays = scene()
    got = local_matching(*arrays, grid=GRID, window_radius=1)
    with pytest.raises(ConformanceError) as caught:
        assert_conforms("local_matching", got, arrays, grid=GRID, window_radius=2, reproducers=tmp_path)
    told = str(caught.value)
    assert told.startswith("the result: local_matching@1:float32 failed: distance[")
    assert "margin" in told
    assert "cause: it agrees with: the window is smaller by one" in told
    assert str(next(tmp_path.glob("repro-local_matching-given-*.py"))) in told


def test_half_precision_is_judged_by_the_arithmetic_that_is_declared():
    arrays = [torch.from_numpy(a).bfloat16() for a in scene()]
    wide = [a.float().numpy() for a in arrays]
    exact = local_matching(*wide, grid=GRID, window_radius=2)
    got = torch.from_numpy(exact).bfloat16()
    options = {"grid": GRID, "window_radius": 2, "dtype": "bfloat16"}
    assert 0 < assert_conforms("local_matching", got, arrays, **options).margin <= 1
    kept = assert_conforms("local_matching", got, arrays, intermediate="bfloat16", **options)
    assert kept.margin < assert_conforms("local_matching", got, arrays, arithmetic=Arithmetic(), **options).margin


def test_inputs_that_the_kernel_cannot_have_seen_are_refused():
    query, previous, labels = scene(np.float64)
    with pytest.raises(ValueError, match=r"inputs must be float32, got query\[0, 0\] = .*round them first"):
        assert_conforms("local_matching", labels, (query, previous, labels), grid=GRID, window_radius=2)
    assert np.array_equal(rounded(query, "float32"), query.astype(np.float32))


def test_a_result_of_a_narrower_type_than_is_said_is_refused():
    arrays = scene()
    with pytest.raises(ValueError, match="got got in float16 and dtype='float32'; give dtype='float16'"):
        assert_conforms("local_matching", arrays[2].astype(np.float16), arrays, grid=GRID, window_radius=2)


@pytest.mark.parametrize(
    ("operation", "inputs", "options", "error", "sentence"),
    [
        ("local", (), {}, ValueError, "operation must be one of .*, got 'local'"),
        ("local_matching", scene()[:2], {"grid": GRID}, TypeError, "query, previous, labels, got 2 of 3"),
        ("local_matching", {"query": 1}, {"grid": GRID}, TypeError, "query, previous, labels, got query"),
        ("local_matching", scene(), {"radius": 2}, TypeError, "takes the options grid, window_radius, .*got radius"),
        ("local_matching", scene(), {"grid": GRID}, TypeError, "needs the options window_radius; give them by name"),
        ("local_matching", scene(), {"dtype": "int8"}, ValueError, "dtype must be one of"),
        ("local_matching", scene(), {"arithmetic": Arithmetic(), "ulps": 2.0}, ValueError, "whole or by its fields"),
    ],
)
def test_arguments_of_the_wrong_kind_are_errors(operation, inputs, options, error, sentence):
    with pytest.raises(error, match=sentence):
        assert_conforms(operation, np.zeros((20, 3), np.float32), inputs, **options)


def test_an_invariant_can_be_asserted_alone():
    arrays, options = scene(), {"grid": GRID, "window_radius": 2}
    assert assert_invariant("local_matching", "transposition", local_matching, arrays, **options).passed

    def lopsided(query, previous, labels, /, *, grid, window_radius):
        found = np.array(local_matching(query, previous, labels, grid=grid, window_radius=window_radius))
        found[: grid[1]] *= 0.5
        return found

    with pytest.raises(ConformanceError, match="local_matching@1:float32, transposition, failed: transposition"):
        assert_invariant("local_matching", "transposition", lopsided, arrays, **options)
    with pytest.raises(ValueError, match="invariant must be one of range, .* of local_matching, got 'symmetry'"):
        assert_invariant("local_matching", "symmetry", local_matching, arrays, **options)
