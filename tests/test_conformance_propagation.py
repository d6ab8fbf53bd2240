"""The contract of affinities and propagations: bounds that hold in every arithmetic, and that are not vacuous."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vosref.conformance import Arithmetic, strategies
from vosref.conformance.arithmetic import DTYPES, ROUNDOFF, rounded
from vosref.conformance.draws import Seeded
from vosref.conformance.judge import bounds, judge, problem_for, reference
from vosref.conformance.mutants import dense_votes
from vosref.conformance.operations import OPERATIONS

FRAMES = ("propagate_online", "propagate_released")
NAMES = (*FRAMES, "softmax_vote", "affinity", "normalised_affinity")
ARITHMETICS = st.sampled_from(
    [("float32", "float32"), ("float16", "float32"), ("bfloat16", "float32"), ("bfloat16", "bfloat16")]
)


class Stepwise:
    """Dense propagations with every step rounded to a data type, and sums too where they are kept in it."""

    def __init__(self, dtype, accumulate):
        self.dtype, self.accumulate = dtype, accumulate

    def r(self, values):
        return rounded(np.asarray(values, np.float64), self.dtype).astype(np.float64)

    def sum(self, terms, axis):
        total = 0.0
        for term in np.moveaxis(terms, axis, 0):
            total = rounded(np.asarray(total + term), self.accumulate).astype(np.float64)
        return self.r(total)

    def product(self, x, y):
        return self.sum(x[:, :, None] * y[None, :, :], 1)

    def logits(self, query, reference, temperature):
        return self.r(temperature * self.product(query, reference.T))

    def exponents(self, here, there, sigma):
        apart = here[:, None, :] - there[None, :, :]
        return self.r(self.sum(self.r(apart * apart), 2) / self.r(self.r(sigma) ** 2))

    def frames(self, query, references, labels, grid, sigma):
        position = np.stack(np.divmod(np.arange(grid[0] * grid[1]), grid[1]), axis=1).astype(float)
        terms = [self.exponents(position, position, s) for s in sigma]
        return references.reshape(-1, query.shape[1]), labels.reshape(-1, labels.shape[2]), np.hstack(terms)

    def softmax(self, logits, term, labels):
        weights = self.r(np.exp(self.r(logits - np.max(logits, axis=1, keepdims=True))))
        votes = self.product(self.r(weights * term), labels)
        return self.r(votes / self.sum(weights, 1)[:, None])

    def log_sum(self, values, axis):
        top = np.max(values, axis=axis, keepdims=True)
        return self.r(np.squeeze(top, axis) + self.r(np.log(self.sum(self.r(np.exp(self.r(values - top))), axis))))

    def propagate_released(self, query, references, labels, *, grid, sigma, temperature):
        reference, given_, exponent = self.frames(query, references, labels, grid, sigma)
        return self.softmax(self.logits(query, reference, temperature), self.r(np.exp(-exponent)), given_)

    def propagate_online(self, query, references, labels, *, grid, sigma, temperature):
        reference, given_, exponent = self.frames(query, references, labels, grid, sigma)
        log_w = self.r(self.logits(query, reference, temperature) - exponent)
        log_s = self.r(self.r(log_w - self.log_sum(log_w, 1)[:, None] / 2) - self.log_sum(log_w, 0)[None, :] / 2)
        return self.product(self.r(np.exp(log_s)), given_)

    def softmax_vote(self, query, reference, labels, *, temperature):
        return self.softmax(self.logits(query, reference, temperature), 1.0, labels)

    def affinity(self, query, reference, here, there, *, sigma, temperature):
        appearance = self.r(np.exp(self.logits(query, reference, temperature)))
        return self.r(appearance * self.r(np.exp(-self.exponents(here, there, sigma))))

    def normalised_affinity(self, w):
        roots = []
        for axis in (1, 0):
            degree = self.sum(w, axis)
            with np.errstate(divide="ignore"):
                roots.append(np.where(degree > 0, self.r(1 / self.r(np.sqrt(degree))), 0.0))
        return self.r(self.r(roots[0][:, None] * w) * roots[1][None, :])


def margin(name, problem, got, arithmetic):
    (result,) = OPERATIONS[name].results
    (verdict,) = judge(OPERATIONS[name], *problem, {result.name: got}, arithmetic)
    return verdict.margin


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data(), types=ARITHMETICS)
def test_every_step_may_be_rounded_to_what_is_declared(name, data, types):
    dtype, accumulate = types
    problem = data.draw(strategies.problems(name, dtype=dtype))
    arithmetic = Arithmetic(dtype, accumulate=accumulate, intermediate=dtype)
    got = getattr(Stepwise(dtype, accumulate), name)(*problem.inputs.values(), **problem.options)
    assert margin(name, problem, got, arithmetic) <= 1


def test_a_stream_of_tiles_may_be_rounded_wherever_its_maximum_rises():
    stream, steps = np.random.default_rng(0), Stepwise("bfloat16", "float32")
    query, reference = (steps.r(stream.standard_normal((n, 4))) for n in (1, 160))
    reference = reference[np.argsort(reference @ query[0])]  # the maximum rises in every tile
    labels = np.eye(3)[stream.integers(0, 3, 160)]
    top, mass, votes = np.full((1, 1), -np.inf), np.zeros((1, 1)), np.zeros((1, 3))
    for tile in (slice(first, first + 16) for first in range(0, 160, 16)):
        logits = steps.logits(query, reference[tile], 2.0)
        higher = np.maximum(top, np.max(logits, axis=1, keepdims=True))
        shrink, weights = steps.r(np.exp(steps.r(top - higher))), steps.r(np.exp(steps.r(logits - higher)))
        mass = steps.r(steps.r(mass * shrink) + steps.sum(weights, 1)[:, None])
        votes = steps.r(steps.r(votes * shrink) + steps.product(weights, labels[tile]))
        top = higher
    problem = {"query": query, "reference": reference, "labels": labels}, {"temperature": 2.0}
    arithmetic = Arithmetic("bfloat16", intermediate="bfloat16")
    assert 0 < margin("softmax_vote", problem, steps.r(votes / mass), arithmetic) <= 1


@pytest.mark.parametrize("name", NAMES)
def test_in_single_precision_bounds_are_below_a_ten_thousandth(name):
    for sketch in OPERATIONS[name].sketches:
        if sketch.name in ("large_logits", "negative_logits"):  # logits of 100 are off by 1e-5 each
            continue
        inputs, options = problem_for(sketch.make(Seeded(0, sketch.name)), "float32")
        exact = reference(OPERATIONS[name], inputs, options)
        (bound,) = bounds(OPERATIONS[name], inputs, options, exact, Arithmetic("float32")).values()
        (value,) = exact.values()
        # At temperature 40 and D = 16 a logit is off by 40 (16 + 3) u = 5e-5, and S by twice that.
        limit = 2e-4 if sketch.name == "unit_embeddings" else 1e-4
        assert np.all(bound <= limit * np.maximum(value, 1)), sketch.name


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_in_half_precision_with_single_between_the_results_rounding_is_most_of_the_bound(name, dtype):
    for sketch in OPERATIONS[name].sketches:
        if "large" in sketch.flags or sketch.name == "negative_logits":
            continue
        inputs, options = problem_for(sketch.make(Seeded(0, sketch.name)), dtype)
        exact = reference(OPERATIONS[name], inputs, options)
        (bound,) = bounds(OPERATIONS[name], inputs, options, exact, Arithmetic(dtype)).values()
        (value,) = exact.values()
        least = {"float16": 2.0**-24, "bfloat16": 1e-30}[dtype]
        assert np.all(bound <= 1.5 * ROUNDOFF[dtype] * value + least), sketch.name


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_result_that_is_off_by_three_roundings_of_half_precision_is_found_out(name, dtype):
    off = 3 * max(ROUNDOFF[dtype], 1e-4)
    for sketch in OPERATIONS[name].sketches:
        if "large" in sketch.flags or sketch.name == "negative_logits":
            continue
        inputs, options = problem_for(sketch.make(Seeded(0, sketch.name)), dtype)
        ((_, value),) = reference(OPERATIONS[name], inputs, options).items()
        assert margin(name, (inputs, options), value * (1 + off), Arithmetic(dtype)) > 1, sketch.name


@pytest.mark.parametrize("name", NAMES[:3])
def test_what_wrong_propagations_are_made_of_is_right(name):
    form = {"propagate_online": "online", "propagate_released": "released", "softmax_vote": "vote"}[name]
    for sketch in OPERATIONS[name].sketches:
        inputs, options = problem_for(sketch.make(Seeded(0, sketch.name)), "float64")
        got = getattr(dense_votes, form)(*inputs.values(), **options)
        assert margin(name, (inputs, options), got, Arithmetic("float64")) <= 1, sketch.name


@pytest.mark.parametrize("name", FRAMES)
def test_tensor_cores_that_round_factors_may_say_so(name):
    sketch = next(s for s in OPERATIONS[name].sketches if s.name == "several_frames")
    inputs, options = problem_for(sketch.make(Seeded(0, "tf32")), "float32")
    query, references, labels = (rounded(a, "tf32").astype(np.float64) for a in inputs.values())
    got = reference(OPERATIONS[name], {"q": query, "r": references, "y": labels}, options)["votes"]
    assert margin(name, (inputs, options), got, Arithmetic("float32", product="tf32")) <= 1
    assert margin(name, (inputs, options), got, Arithmetic("float32")) > 1
