"""The contract of the methods from end to end: what is ambiguous is carried on, and what is not is decided."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vosref.backend import use_cpu
from vosref.conformance import Arithmetic, strategies
from vosref.conformance.arithmetic import rounded
from vosref.conformance.checks import Check
from vosref.conformance.draws import Seeded
from vosref.conformance.judge import allowed, bounds, judge, problem_for, reference
from vosref.conformance.mutants import feelvos_video as feelvos_mutants
from vosref.conformance.mutants import tvos_video as tvos_mutants
from vosref.conformance.operations import OPERATIONS, feelvos_video, tvos_video
from vosref.conformance.operations.feelvos_video_problems import video as feelvos_clip
from vosref.conformance.operations.tvos_video_problems import PAPER
from vosref.conformance.operations.tvos_video_problems import video as tvos_clip

TVOS, FEELVOS = OPERATIONS["tvos_video"], OPERATIONS["feelvos_video"]
HALVES = {"float16": 2.0**-11, "bfloat16": 2.0**-8}


def drawn(make, dtype, seed=0):
    return problem_for(make(Seeded(seed, "methods")), dtype)


def named(operation, dtype):
    """The named cases as they are put to everyone."""
    for sketch in operation.sketches:
        yield sketch.name, Check(operation.name, sketch.name, 0, dtype).problem()


def verdict(operation, problem, got, arithmetic):
    (found,) = judge(operation, *problem, {operation.results[0].name: got}, arithmetic)
    return found


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_every_named_video_is_decided_beyond_doubt(dtype):
    for name, problem in named(FEELVOS, dtype):
        wide = {name: a.astype(np.float64) for name, a in problem.inputs.items()}
        scored = FEELVOS.decide(wide, problem.options, Arithmetic(dtype).checked())
        assert np.all(np.sum(allowed(scored), axis=-1) == 1), name
    for name, problem in named(TVOS, dtype):
        exact = reference(TVOS, *problem)
        bound = bounds(TVOS, *problem, exact, Arithmetic(dtype))["votes"]
        # Errors of votes that are fed back add up, a rounding to half precision a frame.
        limit = {"float32": 1e-4}.get(dtype, 16 * HALVES.get(dtype, 0))
        assert np.all(bound <= limit * np.maximum(exact["votes"], 1)), name


@pytest.mark.parametrize("feedback", ["hard", "soft", "literal"])
@given(data=st.data())
def test_votes_that_are_rounded_to_bfloat16_as_they_are_fed_back_are_within_the_bound(feedback, data):
    problem = data.draw(strategies.problems("tvos_video", dtype="bfloat16"))
    options = problem.options | {"feedback": feedback}

    def fed_back(votes, given_options):
        return rounded(tvos_mutants.fed_back(rounded(votes, "bfloat16"), given_options), "bfloat16")

    got = rounded(tvos_mutants.video(*problem.inputs.values(), feed=fed_back, **options), "bfloat16")
    assert verdict(TVOS, (problem.inputs, options), got, Arithmetic("bfloat16")).margin <= 1


def tied_clip():
    """A pixel in the middle of a row that belongs to either side, in a clip of four frames."""
    look = np.array([[1.0, 0, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 0]])
    labels = np.array([[1.0, 0], [1, 0], [0.5, 0.5], [0, 1], [0, 1]])
    options = tvos_clip(2)(Seeded(0, "tie")).options
    return {"embeddings": np.repeat(2 * look[None, None], 4, axis=0), "labels": labels}, options


def test_whatever_a_pixel_that_is_tied_is_decided_to_be_later_votes_are_within_the_bound():
    problem = tied_clip()

    def last_of_equals(votes, _options):
        nearly = votes >= np.max(votes, axis=1, keepdims=True) * (1 - 1e-9)
        return np.eye(votes.shape[1])[votes.shape[1] - 1 - np.argmax(nearly[:, ::-1], axis=1)]

    got = tvos_mutants.video(*problem[0].values(), feed=last_of_equals, **problem[1])
    exact = reference(TVOS, *problem)["votes"]
    assert np.max(np.abs(got - exact)) > 0.1
    assert verdict(TVOS, problem, got, Arithmetic("float32")).margin <= 1
    # The first step has no doubt, nor have the far ends of the row much: a difference there is found out.
    bound = bounds(TVOS, *problem, {"votes": exact}, Arithmetic("float32"))["votes"]
    assert np.max(bound[0]) < 1e-4
    assert np.max(bound[1:, [0, -1]]) < 0.1


def test_soft_labels_hand_errors_on_and_they_add_up():
    problem = drawn(tvos_clip(10, PAPER), "float32")
    exact = reference(TVOS, *problem)
    bound = bounds(TVOS, *problem, exact, Arithmetic("float32"))["votes"]
    relative = np.max(bound / np.maximum(exact["votes"], 0.1), axis=(1, 2))
    assert relative[0] < relative[-1] < 10 * relative[0]


@pytest.mark.parametrize("seed", range(5))
def test_the_parts_that_wrong_methods_are_made_of_are_right(seed):
    for operation, mutants in ((TVOS, tvos_mutants), (FEELVOS, feelvos_mutants)):
        problem = drawn(operation.random, "float64", seed)
        with np.errstate(invalid="ignore"):
            got = mutants.video(*problem.inputs.values(), **problem.options)
        assert verdict(operation, problem, got, Arithmetic("float64")).margin <= 1


@given(data=st.data())
def test_labels_of_distances_that_are_rounded_to_bfloat16_are_allowed(data):
    problem = data.draw(strategies.problems("feelvos_video", dtype="bfloat16"))

    def nearest(distances):
        return np.argmin(rounded(distances, "bfloat16"), axis=1)

    with np.errstate(invalid="ignore"):
        got = feelvos_mutants.video(*problem.inputs.values(), decide=nearest, **problem.options)
    arithmetic = Arithmetic("bfloat16", intermediate="bfloat16")
    assert verdict(FEELVOS, problem, got, arithmetic).margin <= 1


def test_a_label_in_doubt_frees_what_is_matched_to_it_and_nothing_else():
    # Of three pixels in a row the middle one lies between the others in look too: which it is, nobody can say.
    look = np.array([[[0.0, 0], [1, 0], [2, 0]]])
    labels = np.array([[1.0, 0], [0, 0], [0, 1]])
    options = feelvos_clip(2)(Seeded(0, "tie")).options | {"window_radius": 2}
    inputs = {"embeddings": np.repeat(look[None], 3, axis=0), "labels": labels}
    for middle in (0, 1):
        got = np.array([[0, middle, 1]] * 2)
        assert verdict(FEELVOS, (inputs, options), got, Arithmetic("float32")).margin <= 1
    for wrong in ([1, 0, 1], [0, 0, 0]):
        assert verdict(FEELVOS, (inputs, options), np.array([wrong] * 2), Arithmetic("float32")).margin > 1


@pytest.mark.parametrize("namespace", ["numpy", "array_api_strict"])
def test_methods_run_in_any_namespace(namespace):
    xp = pytest.importorskip(namespace)
    for run, operation in ((tvos_video.tvos_video, TVOS), (feelvos_video.feelvos_video, FEELVOS)):
        problem = drawn(operation.random, "float64")
        arrays = [xp.asarray(a) for a in problem.inputs.values()]
        with use_cpu("numpy"):
            got = run(*arrays, **problem.options)
        assert verdict(operation, problem, np.asarray(got), Arithmetic("float64")).margin <= 1
