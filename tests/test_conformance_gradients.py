"""The contract of gradients: bounds that hold, choices that are free, and rules that are not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vosref.conformance import Arithmetic, strategies
from vosref.conformance.draws import Seeded
from vosref.conformance.judge import bounds, judge, problem_for, reference
from vosref.conformance.operations import OPERATIONS, gradients_layers, gradients_matching

MATCHINGS = ("global_matching_vjp", "local_matching_vjp")
TIED = {
    "cotangent": np.ones((1, 1)),
    "query": np.zeros((1, 2)),
    "reference": np.array([[3.0, 0.0], [1.0, 0.0], [1.0, 0.0]]),
    "labels": np.ones((3, 1)),
}
SLOPE = 4 * np.exp(-1.0) / (1 + np.exp(-1.0)) ** 2


def gradients_of(shares):
    """Gradients of the tied problem, with the pixels' shares of the minimum."""
    towards = SLOPE * np.asarray(shares)[:, None] * (TIED["query"] - TIED["reference"])
    return {"d_query": towards.sum(0, keepdims=True), "d_reference": -towards}


def passes(got, tie_break):
    arithmetic = Arithmetic("float64", tie_break=tie_break)
    verdicts = judge(gradients_matching.GLOBAL_MATCHING_VJP, TIED, {"n_neighbours": 1}, got, arithmetic)
    return all(verdict.passed for verdict in verdicts)


@pytest.mark.parametrize("shares", [(0, 1, 0), (0, 0, 1), (0, 0.5, 0.5)])
def test_equal_distances_may_share_a_gradient_as_they_like_unless_a_rule_is_declared(shares):
    assert passes(gradients_of(shares), "any")
    assert passes(gradients_of(shares), "first") == (shares == (0, 1, 0))


@pytest.mark.parametrize("shares", [(1, 0, 0), (0, 1, 1), (0, 0, 0)])
def test_a_gradient_goes_to_the_nearest_and_is_whole(shares):
    assert not passes(gradients_of(shares), "any")
    assert not passes(gradients_of(shares), "first")


@pytest.mark.parametrize("name", MATCHINGS)
@given(data=st.data())
def test_where_the_nearest_pixel_is_beyond_doubt_the_bound_is_rounding(name, data):
    problem = data.draw(strategies.problems(name, dtype="float32"))
    exact = reference(OPERATIONS[name], *problem)
    narrow = bounds(OPERATIONS[name], *problem, exact, Arithmetic("float32"))
    sizes = [np.max(np.abs(value), initial=1.0) for value in problem.inputs.values()]
    # γ of all that is summed, cotangent times twice the largest difference, and the slope's own error.
    limit = sizes[0] * (2 * (sizes[1] + sizes[2])) ** 3 * 2000 * 2.0**-24
    share = np.mean([np.mean(bound > limit) for bound in narrow.values()])
    assert share <= 0.5


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name.endswith("_vjp")])
def test_a_gradient_that_is_off_by_a_thousandth_is_found_out_in_single_precision(name):
    operation = OPERATIONS[name]
    for sketch in operation.sketches[:1]:
        inputs, options = problem_for(sketch.make(Seeded(0, name)), "float32")
        got = {key: value * 1.001 for key, value in reference(operation, inputs, options).items()}
        verdicts = judge(operation, inputs, options, got, Arithmetic("float32"))
        assert max(verdict.margin for verdict in verdicts) > 1


def test_a_relu_that_may_be_open_or_not_makes_its_cotangent_doubtful():
    problem = problem_for(OPERATIONS["segmentation_head_vjp"].sketches[0].make(Seeded(0, "head")), "float64")
    sure = bound_of_head(problem, Arithmetic("float64"))
    doubtful = bound_of_head(problem, Arithmetic("float16", accumulate="float16", intermediate="float16"))
    assert np.max(sure) < 1e-9
    assert np.max(doubtful) > 1


def bound_of_head(problem, arithmetic):
    exact = reference(gradients_layers.SEGMENTATION_HEAD_VJP, *problem)
    return bounds(gradients_layers.SEGMENTATION_HEAD_VJP, *problem, exact, arithmetic)["d_features"]
