"""Resizes of images and labels under contract: other libraries pass, ties are free, and bounds say something."""

import numpy as np
import oracles
import pytest
import torch

from vosref import labels
from vosref.conformance.arithmetic import DTYPES, Arithmetic
from vosref.conformance.capabilities import Capabilities
from vosref.conformance.checks import checks_for, run_check
from vosref.conformance.draws import Seeded
from vosref.conformance.judge import AMBIGUOUS, allowed, bounds, problem_for, reference
from vosref.conformance.mutants.resizing import aligned, bilinear, centres
from vosref.conformance.operations.resizing import RESIZE_BILINEAR, TO_GRID, TO_MASK
from vosref.conformance.subjects import Functions, as_subject

SINGLE = Capabilities(("float32",))


def outcomes(functions, capabilities, level="extended"):
    subject = as_subject(Functions(functions, name="subject", capabilities=capabilities))
    return [run_check(subject, check) for check in checks_for(subject, operations=tuple(functions), level=level)]


def torch_bilinear(values, /, *, size, align_corners):
    channels = values.permute(2, 0, 1)[None]
    resized = torch.nn.functional.interpolate(channels, size=size, mode="bilinear", align_corners=align_corners)
    return resized[0].permute(1, 2, 0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_pytorchs_interpolation_conforms_in_every_data_type(dtype):
    found = outcomes({"resize_bilinear": torch_bilinear}, Capabilities((dtype,), namespace="torch"))
    assert {o.status for o in found} == {"passed"}, [o for o in found if o.status != "passed"][:3]
    assert max(o.margin for o in found) > (0.02 if dtype in ("float64", "float32") else 0.5)


def lerp_rows(values, new, align_corners):
    """Mix rows as a + (b - a) s, with positions in float32."""
    n, half = values.shape[0], np.float32(0.5)
    step = np.float32(n - 1) / np.float32(max(new - 1, 1)) if align_corners else np.float32(n) / np.float32(new)
    cell = np.arange(new, dtype=np.float32)
    at = np.clip(cell * step if align_corners else (cell + half) * step - half, 0, np.float32(n - 1))
    below = np.floor(at)
    lower, upper = (values[np.minimum(i, n - 1)] for i in (below.astype(int), below.astype(int) + 1))
    return lower + (upper - lower) * (at - below)[:, None, None]


def test_positions_in_float32_and_the_other_form_of_a_mixture_conform():
    def lerp(values, /, *, size, align_corners):
        rows = np.swapaxes(lerp_rows(values, size[0], align_corners), 0, 1)
        return np.swapaxes(lerp_rows(rows, size[1], align_corners), 0, 1)

    found = outcomes({"resize_bilinear": lerp}, SINGLE)
    assert {o.status for o in found} == {"passed"}
    assert max(o.margin for o in found) > 0.02


def test_a_bound_is_some_units_of_the_largest_sample_and_its_own_for_each_channel():
    problem = problem_for(RESIZE_BILINEAR.sketches[3].make(Seeded(0, "bound")), "float32")
    values = problem.inputs["values"] * np.array([1.0, 1000.0], np.float32)
    inputs = {"values": values}
    exact = reference(RESIZE_BILINEAR, inputs, problem.options)
    bound = bounds(RESIZE_BILINEAR, inputs, problem.options, exact, Arithmetic("float32"))["resized"]
    for c in range(2):
        # Positions of 7 rows and 4 columns by γ_4 each, 10 units a mixture, and steps of twice the largest sample.
        assert np.max(bound[..., c]) < (10 + 2 * 2 * (11 + 4 * 7)) * 2.0**-24 * np.max(np.abs(values[..., c]))
    flat = {"values": np.ones((7, 4, 2))}
    exact = reference(RESIZE_BILINEAR, flat, problem.options)
    bound = bounds(RESIZE_BILINEAR, flat, problem.options, exact, Arithmetic("float32"))["resized"]
    assert np.max(bound) < 10 * 2.0**-24


def test_the_oracles_resizes_conform():
    def by_planes(resize, values, size, *more):
        planes = [resize(values[:, :, c].tolist(), *size, *more) for c in range(values.shape[2])]
        return np.stack([np.asarray(p) for p in planes], axis=2)

    functions = {
        "resize_bilinear": lambda v, *, size, align_corners: by_planes(oracles.resize_bilinear, v, size, align_corners),
        "resize_nearest": lambda v, *, size: by_planes(oracles.resize_nearest, v, size),
    }
    assert {o.status for o in outcomes(functions, Capabilities(("float64",)))} == {"passed"}


def test_a_grid_may_come_in_a_wider_type_and_not_in_a_narrower_one():
    def wide(mask, /, **options):
        return labels.to_grid(mask, dtype=np.float64, **options)

    def narrow(mask, /, **options):
        return wide(mask, **options).astype(np.float16)

    for dtypes in (("float64",), ("float32",), ("float16",)):
        assert {o.status for o in outcomes({"to_grid": wide}, Capabilities(dtypes))} == {"passed"}
    assert "failed" in {o.status for o in outcomes({"to_grid": narrow}, SINGLE)}


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_ties_may_go_to_any_column(dtype):
    def last(labels, /, *, ids, grid, size, align_corners):
        scores = bilinear(labels.reshape(*grid, -1), size, aligned if align_corners else centres)
        return np.asarray(ids)[scores.shape[2] - 1 - np.argmax(scores[..., ::-1], axis=2)]

    found = outcomes({"to_mask": last}, Capabilities((dtype,)))
    assert {o.status for o in found} == {"passed"}
    assert 0 < max(o.ambiguous for o in found) <= AMBIGUOUS / 2


def test_an_id_is_bounded_by_those_that_its_pixel_may_have():
    problem = problem_for(next(s for s in TO_MASK.sketches if s.name == "tied_columns").make(Seeded(0, "")), "float32")
    exact = reference(TO_MASK, *problem)
    bound = bounds(TO_MASK, *problem, exact, Arithmetic("float32"))["mask"]
    may = allowed(TO_MASK.decide(*problem, Arithmetic("float32").checked()))
    assert np.array_equal(bound > 0, np.count_nonzero(may, axis=2) > 1)
    assert set(np.unique(bound)) <= {0.0, 2.0}  # a float32's ids 1 and 2, and a float64 reference's own


def test_labels_of_the_nearest_pixel_have_no_tolerance():
    problem = next(s for s in TO_GRID.sketches if s.name == "nearest").make(Seeded(0, ""))
    exact = reference(TO_GRID, *problem)
    assert not np.any(bounds(TO_GRID, *problem, exact, Arithmetic("bfloat16"))["labels"])
    assert set(np.unique(exact["labels"])) == {0.0, 1.0}
