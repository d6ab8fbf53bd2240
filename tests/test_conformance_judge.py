"""The judge: margins, what cannot be compared, sets of allowed labels and their cap, claims of invariants."""

import numpy as np
import pytest

from vosref.conformance.arithmetic import Arithmetic
from vosref.conformance.checks import sentence
from vosref.conformance.judge import AMBIGUOUS, allowed, bounds, judge, judge_claims, problem_for, reference
from vosref.conformance.operations import OPERATIONS
from vosref.conformance.operations.operation import Argument, Claim, Operation, Problem, Scored

DISTANCE = OPERATIONS["embedding_distance"]
SINGLE = Arithmetic("float32").checked()
VALUES = np.array([[0.0, 0.25], [0.5, 1.0]])
BOUND = np.array([[0.0, 0.125], [0.25, 0.25]])


def operation(*, exact=False, bound=None, decide=None):
    """Return an operation whose result is its input, with some bounds."""
    limits = BOUND / 2 if bound is None else bound  # the reference's own are added, and are the same
    return Operation(
        "identity",
        1,
        "y = x",
        (Argument("x", "(P, K) float", "anything"),),
        (),
        (Argument("y", "(P, K) float", "the same"),),
        lambda x: {"y": x},
        lambda *_: {"y": limits},
        "none",
        lambda draw: Problem({"x": draw.stream().uniform(2, 2)}, {}),
        (),
        exact=exact,
        decide=decide,
    )


def verdict_of(got, **made):
    (verdict,) = judge(operation(**made), {"x": VALUES}, {}, {"y": got}, SINGLE)
    return verdict


def test_a_margin_is_the_error_in_bounds_and_the_largest_counts():
    verdict = verdict_of(VALUES + np.array([[0.0, 0.0625], [0.5, 0.0]]))
    assert (verdict.margin, verdict.worst, verdict.passed) == (2.0, (1, 0), False)
    assert verdict.failing.tolist() == [[False, False], [True, False]]
    assert sentence(verdict, 0.0) == "y[1, 0] is 1 instead of 0.5, bound 0.25: margin 2 (allowed 1)"


def test_an_error_of_exactly_the_bound_passes():
    verdict = verdict_of(VALUES + BOUND)
    assert (verdict.margin, verdict.passed) == (1.0, True)
    assert sentence(verdict, 0.0) == ""


def test_without_a_bound_only_equality_passes():
    assert verdict_of(VALUES, bound=0 * BOUND).margin == 0
    assert verdict_of(VALUES, exact=True).margin == 0
    assert verdict_of(np.nextafter(VALUES, 2), exact=True).margin == np.inf


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_what_is_no_finite_number_is_infinitely_wrong(odd):
    got = VALUES.copy()
    got[0, 1] = odd
    verdict = verdict_of(got)
    assert (verdict.margin, verdict.worst) == (np.inf, (0, 1))
    assert verdict.failing.sum() == 1


def test_an_infinite_bound_lets_no_nan_pass():
    got = np.full((2, 2), np.nan)
    assert verdict_of(got, bound=np.full((2, 2), np.inf)).margin == np.inf


def test_equal_infinities_agree():
    unbounded = np.array([[np.inf, -np.inf]])
    (verdict,) = judge(operation(bound=np.zeros((1, 2))), {"x": unbounded}, {}, {"y": unbounded.copy()}, SINGLE)
    assert verdict.margin == 0


@pytest.mark.parametrize(
    ("got", "note"),
    [
        (None, "nothing was returned"),
        (VALUES[:1], "shape (1, 2) instead of (2, 2)"),
        (VALUES.T[..., None], "shape (2, 2, 1) instead of (2, 2)"),
        (VALUES + 1j, "complex128 instead of numbers"),
        (VALUES.astype(str), "<U32 instead of numbers"),
    ],
)
def test_what_cannot_be_compared_is_infinitely_wrong_and_says_why(got, note):
    verdict = verdict_of(got)
    assert (verdict.margin, verdict.note) == (np.inf, note)
    assert sentence(verdict, 0.0) == f"y: {note}"


def test_nothing_is_right_where_there_is_nothing():
    (verdict,) = judge(operation(bound=np.zeros((0, 2))), {"x": np.zeros((0, 2))}, {}, {"y": np.zeros((0, 2))}, SINGLE)
    assert verdict.passed


def test_an_output_that_is_missing_fails():
    (verdict,) = judge(operation(), {"x": VALUES}, {}, {}, SINGLE)
    assert verdict.note == "nothing was returned"


def test_bounds_have_the_results_shape_and_hold_the_references_own_error():
    problem = problem_for(Problem({"query": np.ones((2, 3)), "reference": np.zeros((4, 3))}, {}), "float64")
    exact = reference(DISTANCE, problem.inputs, {})
    limits = bounds(DISTANCE, problem.inputs, {}, exact, Arithmetic("float64"))["distance"]
    assert limits.shape == exact["distance"].shape == (2, 4)
    own = DISTANCE.bound(problem.inputs, {}, exact, Arithmetic("float64").checked())["distance"]
    assert np.allclose(limits, 2 * own, rtol=1e-12, atol=0)


def test_a_wider_accumulator_narrows_the_bound():
    problem = problem_for(Problem({"query": np.ones((1, 64)), "reference": np.zeros((1, 64))}, {}), "float16")
    exact = reference(DISTANCE, problem.inputs, {})
    wide, narrow = (
        float(bounds(DISTANCE, problem.inputs, {}, exact, Arithmetic("float16", sums))["distance"][0, 0])
        for sums in ("float32", "float16")
    )
    assert wide < narrow


def test_problems_are_rounded_and_the_reference_sees_them_so():
    inputs = {"query": np.array([[0.1]]), "labels": np.array([3]), "weights": {"a": np.array([0.1])}}
    rounded = problem_for(Problem(inputs, {"k": 1}), "bfloat16")
    assert rounded.inputs["query"][0, 0] == rounded.inputs["weights"]["a"][0] == np.float32(0.10009765625)
    assert rounded.inputs["labels"].dtype.kind == "i"
    assert rounded.options == {"k": 1}
    seen = reference(operation(), {"x": rounded.inputs["query"]}, {})["y"]
    assert seen.dtype == np.float64
    assert seen[0, 0] == 0.10009765625


SCORES = np.array([[0.9, 0.5, 0.0], [0.5, 0.55, 0.0], [0.2, 0.2, 0.2], [0.0, 0.0, 1.0]])
IDS = (0, 7, 9)


def labels_of(got, bound, scores=SCORES):
    decided = operation(decide=lambda *_: Scored(scores, np.asarray(bound), IDS))
    (verdict,) = judge(decided, {"x": scores}, {}, {"label": np.asarray(got)}, SINGLE)
    return verdict


def test_a_label_is_allowed_where_none_is_better_by_more_than_both_bounds():
    tight = allowed(Scored(SCORES, np.asarray(0.01), IDS))
    assert tight.tolist() == [[True, False, False], [False, True, False], [True, True, True], [False, False, True]]
    loose = allowed(Scored(SCORES, np.asarray(0.03), IDS))
    assert loose[1].tolist() == [True, True, False]


def test_any_allowed_label_is_right_and_any_other_wrong():
    assert labels_of([0, 7, 9, 9], 0.01).margin <= 1
    assert labels_of([0, 7, 0, 9], 0.01).margin <= 1
    wrong = labels_of([7, 7, 0, 9], 0.01)
    assert (wrong.worst, wrong.failing.tolist()) == ((0,), [True, False, False, False])
    assert wrong.margin == pytest.approx(20)
    assert sentence(wrong, wrong.ambiguous) == "label[0] is 7 instead of 0"


def test_a_label_that_nobody_has_is_infinitely_wrong():
    assert labels_of([0, 7, 0, 1], 0.01).margin == np.inf
    assert labels_of([0, 7, 0], 0.01).note == "shape (3,) instead of (4,)"


def test_many_pixels_that_may_have_several_labels_are_counted_and_capped():
    some, most = labels_of([0, 7, 0, 9], 0.01), labels_of([0, 7, 0, 9], 0.03)
    assert (some.ambiguous, most.ambiguous) == (0.25, 0.5)
    assert some.ambiguous <= AMBIGUOUS < most.ambiguous
    assert (some.passed, most.passed) == (True, False)
    assert sentence(most, most.ambiguous) == "50% of the pixels may have several labels: nothing is said of the rest"


def claim_of(left, right, relation, slack):
    (verdict,) = judge_claims("rule", [Claim(np.asarray(left), np.asarray(right), relation, slack)])
    return verdict


def test_a_claim_of_equality_holds_within_its_slack():
    assert claim_of([1.0, 2.0], [1.5, 2.0], "==", 0.5).passed
    assert claim_of([1.0, 2.0], [1.5, 2.0], "==", np.array([0.25, 1.0])).margin == 2


def test_a_claim_of_order_is_broken_by_the_larger_left_side_alone():
    assert claim_of([0.0, 1.0], [1.0, 1.0], "<=", 0.0).margin == 0
    broken = claim_of([1.0, 2.0], [1.0, 1.0], "<=", 0.0)
    assert (broken.margin, broken.worst) == (np.inf, (1,))
    assert sentence(broken, 0.0) == "rule[1]: 2 should be at most 1"


def test_elements_without_a_bound_are_counted_and_capped():
    exact = np.zeros(8)
    for unbound, passed in ((2, True), (3, False)):
        limit = np.where(np.arange(8) < unbound, np.inf, 0.0)
        (verdict,) = judge_claims("y", [Claim(np.where(np.isinf(limit), 9.0, 0.0), exact, "==", limit)])
        assert verdict.margin == 0
        assert verdict.ambiguous == unbound / 8
        assert verdict.passed is passed
    assert sentence(verdict, verdict.ambiguous) == "38% of the elements have no bound: nothing is said of the rest"
    (verdict,) = judge_claims("y", [Claim(np.array([np.nan]), np.zeros(1), "==", np.array([np.inf]))])
    assert verdict.margin == np.inf


def test_no_claim_holds_for_nan_or_another_shape():
    assert claim_of([np.nan], [1.0], "<=", 1.0).margin == np.inf
    assert claim_of([np.nan], [np.nan], "==", 1.0).margin == np.inf
    assert claim_of([1.0], [1.0, 2.0], "==", 1.0).note == "shape (1,) where (2,) is due"
    assert claim_of(np.zeros(0), np.zeros(0), "==", 0.0).passed
