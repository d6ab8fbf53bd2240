"""The contract of the losses: bounds that hold in every arithmetic, and that are not vacuous."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vosref.conformance import Arithmetic, strategies
from vosref.conformance.arithmetic import rounded
from vosref.conformance.draws import Seeded
from vosref.conformance.judge import bounds, judge, problem_for, reference
from vosref.conformance.operations import OPERATIONS

NAMES = ("transductive_loss", "cross_entropy", "bootstrapped_cross_entropy")


def stepped(name, inputs, options, dtype):
    """A loss with every step rounded to a data type."""

    def r(values):
        return rounded(np.asarray(values, np.float64), dtype).astype(np.float64)

    def total(terms, axis=0):
        out = 0.0
        for term in np.moveaxis(np.asarray(terms), axis, 0):
            out = r(out + term)
        return out

    if name == "transductive_loss":
        votes, labels = inputs.values()
        judged = np.any(labels > 0, axis=1)
        own = r(np.sum(votes * labels, axis=1)[judged] + r(options["epsilon"]))
        n = max(1, np.count_nonzero(judged)) if options["reduction"] == "mean" else 1
        return r(-np.asarray(total(r(np.log(own)))) / n)
    logits, labels = inputs.values()
    top = np.max(logits, axis=1, keepdims=True)
    # The largest logit is taken off, added to the logarithm again, and the pixel's own logit subtracted last.
    mass = r(top[:, 0] + r(np.log(total(r(np.exp(r(logits - top))), 1))))
    losses = r(mass - np.take_along_axis(logits, labels[:, None], axis=1)[:, 0])
    if name == "cross_entropy":
        return losses
    return r(total(np.sort(losses)[::-1][: options["n_hardest"]]) / options["n_hardest"])


def margin(name, problem, got, arithmetic):
    (verdict,) = judge(OPERATIONS[name], *problem, {"loss": got}, arithmetic)
    return verdict.margin


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data(), dtype=st.sampled_from(["float32", "bfloat16"]))
def test_every_step_may_be_rounded_to_what_is_declared(name, data, dtype):
    problem = data.draw(strategies.problems(name, dtype=dtype))
    wide = {k: a.astype(np.float64) if a.dtype.kind == "f" else a for k, a in problem.inputs.items()}
    arithmetic = Arithmetic(dtype, accumulate=dtype, intermediate=dtype)
    assert margin(name, problem, stepped(name, wide, problem.options, dtype), arithmetic) <= 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_bounds_are_a_few_hundred_roundings_of_the_numbers_that_are_kept(name, dtype):
    for sketch in OPERATIONS[name].sketches:
        inputs, options = problem_for(sketch.make(Seeded(0, sketch.name)), dtype)
        exact = reference(OPERATIONS[name], inputs, options)["loss"]
        (bound,) = bounds(OPERATIONS[name], inputs, options, {"loss": exact}, Arithmetic(dtype)).values()
        first = next(iter(inputs.values()))
        kept = np.max(exact, initial=1.0) + np.max(np.abs(first))
        assert np.all(bound <= 500 * np.finfo(dtype).eps * kept), sketch.name


def test_nothing_is_said_where_what_is_kept_cannot_hold_epsilon():
    sketch = next(s for s in OPERATIONS["transductive_loss"].sketches if s.name == "no_vote")
    problem = problem_for(sketch.make(Seeded(0, "epsilon")), "float16")
    half = Arithmetic("float16", intermediate="float16")
    assert margin("transductive_loss", problem, np.asarray(1000.0), half) == 0
    assert margin("transductive_loss", problem, np.asarray(1000.0), Arithmetic("float16")) > 1


def test_a_loss_without_a_judged_pixel_is_0_with_hardly_a_tolerance():
    sketch = next(s for s in OPERATIONS["transductive_loss"].sketches if s.name == "nothing_judged")
    problem = problem_for(sketch.make(Seeded(0, "nothing")), "float32")
    assert margin("transductive_loss", problem, np.asarray(0.0), Arithmetic("float32")) == 0
    assert margin("transductive_loss", problem, np.asarray(1e-30), Arithmetic("float32")) > 1
