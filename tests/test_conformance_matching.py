"""The contract of FEELVOS's distances: bounds that hold, and that are not vacuous."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vosref.conformance import Arithmetic, strategies
from vosref.conformance.arithmetic import DTYPES, rounded
from vosref.conformance.draws import Seeded
from vosref.conformance.judge import bounds, judge, problem_for, reference
from vosref.conformance.operations import OPERATIONS, matching
from vosref.conformance.operations.matching import pair_error

NAMES = ("embedding_distance", "global_matching", "local_matching")


def exact_squares(x, y):
    apart = x.astype(np.longdouble)[:, None, :] - y.astype(np.longdouble)[None, :, :]
    return np.sum(apart * apart, axis=2)


def stepped(x, y, dtype, squares):
    """Squared distances with every operation rounded to a data type, summed term by term."""

    def r(values):
        return rounded(values, dtype).astype(np.float64)

    def dot(a, b):
        total = np.zeros((len(a), len(b)))
        for d in range(a.shape[1]):
            total = r(total + r(a[:, None, d] * b[None, :, d]))
        return total

    if squares == "expanded":
        lengths = r(np.diag(dot(x, x))[:, None] + np.diag(dot(y, y))[None, :])
        return r(lengths - 2 * dot(x, y))
    total = np.zeros((len(x), len(y)))
    for d in range(x.shape[1]):
        apart = r(x[:, None, d] - y[None, :, d])
        total = r(total + r(apart * apart))
    return total


@given(
    problem=st.sampled_from(["random", "near_twins"]).flatmap(
        lambda case: strategies.problems("embedding_distance", case=case, dtype="float16")
    ),
    dtype=st.sampled_from(["float32", "float16", "bfloat16"]),
    squares=st.sampled_from(["expanded", "direct"]),
)
def test_a_pairs_squared_distance_is_within_its_bound_whatever_it_is_computed_in(problem, dtype, squares):
    x, y = (rounded(a.astype(np.float64), dtype).astype(np.float64) for a in problem.inputs.values())
    if 4 * max(np.max(np.sum(a * a, axis=1)) for a in (x, y)) > 6e4:
        return
    arithmetic = Arithmetic(dtype, accumulate=dtype, intermediate=dtype, squares=squares).checked()
    off = np.abs(stepped(x, y, dtype, squares) - exact_squares(x, y))
    assert np.all(off <= pair_error(x, y, arithmetic))


def test_the_bound_of_squares_is_within_an_order_of_what_is_attained():
    stream = np.random.default_rng(0)
    for squares in ("expanded", "direct"):
        arithmetic, attained = Arithmetic("float32", squares=squares).checked(), 0.0
        for _ in range(50):
            x, y = (rounded(stream.standard_normal((20, 2)), "float32").astype(np.float64) for _ in range(2))
            off = np.abs(stepped(x, y, "float32", squares) - exact_squares(x, y))
            attained = max(attained, float(np.max(off / pair_error(x, y, arithmetic))))
        assert 0.1 < attained <= 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_bounds_are_small_against_the_range_of_a_distance(name, dtype):
    operation = OPERATIONS[name]
    largest = {"float64": 1e-13, "float32": 1e-4, "float16": 2e-3, "bfloat16": 1e-2}[dtype]
    for sketch in operation.sketches:
        if sketch.name in ("near_twins", "far_apart"):
            continue

        inputs, options = problem_for(sketch.make(Seeded(0, sketch.name)), dtype)
        exact = reference(operation, inputs, options)
        assert np.max(bounds(operation, inputs, options, exact, Arithmetic(dtype))["distance"]) < largest


@given(problem=strategies.problems("global_matching", dtype="float32"))
def test_a_minimum_is_bounded_by_what_may_be_nearest_and_not_by_the_farthest_pixel(problem):
    query, far, labels = problem.inputs.values()
    bound = bounds_of("global_matching", problem)
    # A pixel a long way off, of the first object, whose square alone has an error of more than 1.
    more = {
        "query": query,
        "reference": np.concatenate([far, np.full((1, far.shape[1]), 2000.0, np.float32)]),
        "labels": np.concatenate([labels, np.eye(labels.shape[1])[:1] * (labels[:, 0] > 0).any()]),
    }
    if problem.options["n_neighbours"] == 1:
        np.testing.assert_allclose(bounds_of("global_matching", problem._replace(inputs=more)), bound, rtol=1e-9)


def bounds_of(name, problem):
    exact = reference(OPERATIONS[name], *problem)
    return bounds(OPERATIONS[name], *problem, exact, Arithmetic("float32"))["distance"]


def test_an_object_without_a_pixel_has_no_tolerance():
    problem = next(s for s in matching.GLOBAL_MATCHING.sketches if s.name == "object_absent")

    inputs, options = problem_for(problem.make(Seeded(0, "absent")), "float32")
    got = reference(matching.GLOBAL_MATCHING, inputs, options)["distance"].copy()
    got[:, -1] = np.nextafter(1.0, 0.0)
    (verdict,) = judge(matching.GLOBAL_MATCHING, inputs, options, {"distance": got}, Arithmetic("float32"))
    assert verdict.margin == np.inf
    assert verdict.worst[1] == got.shape[1] - 1


def test_who_searches_by_expanded_squares_may_be_off_by_two_of_their_errors():
    x, y = np.zeros((1, 4)), np.full((1, 4), 3.0)
    of = {s: pair_error(x, y, Arithmetic("float32", squares=s).checked()) for s in ("expanded", "direct", "searched")}
    np.testing.assert_allclose(of["searched"], 2 * of["expanded"] + of["direct"])
