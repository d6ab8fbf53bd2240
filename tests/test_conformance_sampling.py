"""reference_frames and motion_prior under contract: other ways to write them pass, and nothing is tolerated."""

import numpy as np
import oracles_sampling

from vosref.conformance.capabilities import Capabilities
from vosref.conformance.checks import checks_for, run_check
from vosref.conformance.draws import Seeded
from vosref.conformance.mutants.sampling import MUTANTS
from vosref.conformance.operations.sampling import MOTION_PRIOR, REFERENCE_FRAMES
from vosref.conformance.subjects import Functions, as_subject
from vosref.sampling import motion_prior, reference_frames


def outcomes(functions, level="extended", dtype="float32"):
    subject = as_subject(Functions(functions, name="subject", capabilities=Capabilities((dtype,))))
    return [run_check(subject, check) for check in checks_for(subject, operations=tuple(functions), level=level)]


def whole(first, last, count):
    """Evenly spread frames by integer arithmetic on arrays."""
    return first + np.arange(count) * (last - first) // max(count - 1, 1)


def frames(*, t, rule, n_recent, n_sparse, horizon):
    if t <= n_recent + n_sparse:
        return list(range(t))
    if rule == "uniform":
        return oracles_sampling.uniform_frames(t, n_recent + n_sparse, horizon)
    if rule == "paper":
        sparse = whole(max(t - horizon, 0), t - n_recent - 1, n_sparse)
    else:
        sparse = whole(max(t - n_recent - horizon, 0), t - n_recent, n_sparse + 1)[:-1]
    return [*sparse.tolist(), *range(t - n_recent, t)]


def widths(frames, /, *, t, rule, n_recent, sigma_recent, sigma_distant):
    age = t - frames
    one = rule == "single" or (rule == "released" and t < 16)
    return np.where((age <= n_recent) | one, sigma_recent, sigma_distant)


def test_another_way_to_write_them_conforms():
    found = outcomes({"reference_frames": frames, "motion_prior": widths})
    assert {o.status for o in found} == {"passed"}


def test_the_librarys_tuples_conform_in_every_data_type():
    functions = {
        "reference_frames": lambda *, t, **options: reference_frames(t, **options),
        "motion_prior": lambda frames, *, t, **options: motion_prior(frames.tolist(), t, **options),
    }
    for dtype in ("float64", "float32", "float16", "bfloat16"):
        assert {o.status for o in outcomes(functions, "core", dtype)} == {"passed"}


def test_a_frame_that_is_off_by_one_fails_whatever_the_data_type():
    def late(*, t, **options):
        found = frames(t=t, **options)
        return [found[0] + (t == 41), *found[1:]]

    for dtype in ("float64", "bfloat16"):
        failed = [o for o in outcomes({"reference_frames": late}, "core", dtype) if o.status == "failed"]
        assert {o.id.partition("@")[0].partition("/")[2] for o in failed} >= {"past_the_horizon"}


def test_random_cases_reach_every_rule_on_either_side_of_its_switch():
    drawn = [REFERENCE_FRAMES.random(Seeded(i, "drawn")).options for i in range(100)]
    for rule in ("paper", "released", "uniform"):
        kinds = {o["t"] > o["n_recent"] + o["n_sparse"] for o in drawn if o["rule"] == rule}
        assert kinds == {True, False}
    drawn = [MOTION_PRIOR.random(Seeded(i, "drawn")).options for i in range(100)]
    assert {o["t"] > 15 for o in drawn if o["rule"] == "released"} == {True, False}


def test_no_mutant_passes_two_hundred_random_cases():
    for mutant in MUTANTS:
        subject = as_subject(mutant.subject())
        checks = (c for c in checks_for(subject, operations=(mutant.operation,), level="exhaustive"))
        random = [c for c in checks if c.name == "random"][:200]
        assert any(run_check(subject, c).status in ("failed", "error") for c in random), mutant.name
