"""J and F under contract: oracles pass, in float32 too, and the bounds are a few units."""

import numpy as np
import oracles
import pytest

from vosref.conformance.arithmetic import Arithmetic
from vosref.conformance.capabilities import Capabilities
from vosref.conformance.checks import checks_for, run_check
from vosref.conformance.draws import Seeded
from vosref.conformance.judge import bounds, reference
from vosref.conformance.mutants.scores import MUTANTS
from vosref.conformance.operations.scores import CONTOUR_ACCURACY, REGION_SIMILARITY
from vosref.conformance.subjects import Functions, as_subject


def outcomes(functions, dtype, level="extended"):
    subject = as_subject(Functions(functions, name="subject", capabilities=Capabilities((dtype,))))
    return [run_check(subject, check) for check in checks_for(subject, operations=tuple(functions), level=level)]


def test_the_oracles_of_j_and_f_conform():
    functions = {
        "region_similarity": lambda p, t: oracles.region_similarity(p.tolist(), t.tolist()),
        "contour_accuracy": lambda p, t, *, tolerance: oracles.contour_accuracy(p.tolist(), t.tolist(), tolerance),
    }
    assert {o.status for o in outcomes(functions, "float64")} == {"passed"}


def single_region(prediction, truth, /):
    union = np.float32(np.count_nonzero(prediction | truth))
    return np.float32(np.count_nonzero(prediction & truth)) / union if union else np.float32(1)


def single_contour(prediction, truth, /, *, tolerance):
    """F from shares in float32, by 1 / p and 1 / r instead."""
    boundaries = [np.asarray(oracles.boundary_map(mask.tolist())) for mask in (prediction, truth)]
    ours, theirs = map(np.argwhere, boundaries)
    if len(ours) == 0 or len(theirs) == 0:
        return np.float32(len(ours) == len(theirs))
    radius = tolerance if tolerance >= 1 else np.ceil(np.float32(tolerance) * np.float32(np.hypot(*truth.shape)))
    near = np.sum((ours[:, None] - theirs) ** 2, axis=2) <= radius**2
    shares = [np.float32(np.count_nonzero(near.any(axis=i))) / np.float32(near.shape[1 - i]) for i in (1, 0)]
    return 2 / (1 / shares[0] + 1 / shares[1]) if min(shares) else np.float32(0)


def test_scores_computed_in_float32_conform_and_come_near_their_bounds():
    found = outcomes({"region_similarity": single_region, "contour_accuracy": single_contour}, "float32")
    assert {o.status for o in found} == {"passed"}
    assert max(o.margin for o in found) > 0.1


@pytest.mark.parametrize(("operation", "units"), [(REGION_SIMILARITY, 3), (CONTOUR_ACCURACY, 10)])
def test_bounds_are_a_few_units_of_the_score(operation, units):
    problem = operation.sketches[0].make(Seeded(0, "bound"))
    (exact,) = reference(operation, *problem).values()
    (bound,) = bounds(operation, *problem, reference(operation, *problem), Arithmetic("float32")).values()
    assert 0 < exact < 1
    assert units * 2.0**-24 * exact < bound < (units + 0.01) * 2.0**-24 * exact


def test_no_tolerance_of_a_random_case_lies_near_a_whole_pixel():
    for seed in range(200):
        problem = CONTOUR_ACCURACY.random(Seeded(seed, "tolerance"))
        tolerance, diagonal = problem.options["tolerance"], np.hypot(*problem.inputs["truth"].shape)
        if 0 < tolerance < 1:
            assert 0.01 < tolerance * diagonal % 1 < 0.99


def test_no_mutant_passes_a_hundred_random_cases():
    for mutant in MUTANTS:
        subject = as_subject(mutant.subject())
        checks = (c for c in checks_for(subject, operations=(mutant.operation,), level="exhaustive"))
        random = [c for c in checks if c.name == "random"][:100]
        assert any(run_check(subject, c).status == "failed" for c in random), mutant.name
