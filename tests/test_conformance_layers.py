"""conv2d, depthwise_conv2d and segmentation_head under contract: other libraries pass, and bounds say something."""

import numpy as np
import pytest
import torch

from vosref.conformance.arithmetic import DTYPES, Arithmetic, rounded
from vosref.conformance.capabilities import Capabilities
from vosref.conformance.checks import checks_for, run_check
from vosref.conformance.draws import Seeded
from vosref.conformance.judge import bounds, problem_for, reference
from vosref.conformance.mutants import MUTANTS
from vosref.conformance.mutants.convolutions import head
from vosref.conformance.operations.layers import CONV2D, DEPTHWISE_CONV2D, SEGMENTATION_HEAD
from vosref.conformance.subjects import Functions, as_subject
from vosref.nn import heads, ops
from vosref.shapes import window_geometry

UNIT = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}


def outcomes(subject, *names, level="core"):
    subject = as_subject(subject)
    return [run_check(subject, check) for check in checks_for(subject, operations=names, level=level)]


def torch_convolution(image, kernel, bias, /, *, stride, dilation, padding, activation, groups=1):
    """PyTorch's own, on images of channels first."""
    options = {"stride": stride, "dilation": dilation}
    (top, bottom), (left, right) = window_geometry(image.shape[:2], kernel.shape[:2], **options, padding=padding)[0]
    taps = kernel.permute(3, 2, 0, 1) if kernel.ndim == 4 else kernel.permute(2, 0, 1)[:, None]
    padded = torch.nn.functional.pad(image.permute(2, 0, 1)[None], (left, right, top, bottom))
    groups = groups if kernel.ndim == 4 else kernel.shape[2]
    out = torch.nn.functional.conv2d(padded, taps, bias, groups=groups, **options)[0].permute(1, 2, 0)
    return torch.relu(out) if activation == "relu" else out


@pytest.mark.parametrize("dtype", DTYPES)
def test_pytorchs_own_convolutions_conform_in_every_data_type(dtype):
    functions = {"conv2d": torch_convolution, "depthwise_conv2d": torch_convolution}
    subject = Functions(functions, name="torch", capabilities=Capabilities((dtype,), namespace="torch"))
    found = outcomes(subject, *functions, level="extended")
    assert {o.status for o in found} == {"passed"}, [o for o in found if o.status != "passed"][:3]
    # A result is off by half an ulp at least somewhere; in half precision that is all that the bound allows.
    assert max(o.margin for o in found) > (0.05 if dtype in ("float64", "float32") else 0.9)


@pytest.mark.parametrize("operation", [CONV2D, DEPTHWISE_CONV2D])
def test_a_convolutions_bound_is_a_few_units_for_each_product(operation):
    for dtype in DTYPES:
        problem = problem_for(operation.sketches[0].make(Seeded(0, "bound")), dtype)
        exact = reference(operation, *problem)
        bound = bounds(operation, *problem, exact, Arithmetic(dtype))["result"]
        n = problem.inputs["kernel"][..., 0].size
        magnitude = reference(operation, {k: np.abs(v) for k, v in problem.inputs.items()}, problem.options)["result"]
        assert np.all(bound <= (n + 5) * (UNIT[dtype] + UNIT["float64"]) * magnitude)
        assert np.all(bound >= UNIT[dtype] * np.abs(exact["result"]))


def test_products_in_tf32_conform_where_they_are_declared():
    def product(image, kernel, bias, /, **options):
        return ops.conv2d(rounded(image, "tf32"), rounded(kernel, "tf32"), bias, **options)

    declared, silent = Capabilities(("float32",), product={"float32": "tf32"}), Capabilities(("float32",))
    found = outcomes(Functions({"conv2d": product}, name="tf32", capabilities=declared), "conv2d", level="extended")
    assert {o.status for o in found} == {"passed"}
    assert max(o.margin for o in found) > 0.2
    found = outcomes(Functions({"conv2d": product}, name="tf32", capabilities=silent), "conv2d")
    assert {o.status for o in found} == {"passed", "failed"}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_head_that_shares_nothing_between_objects_conforms(dtype):
    subject = Functions({"segmentation_head": head}, name="unshared", capabilities=Capabilities((dtype,)))
    found = outcomes(subject, "segmentation_head", level="extended")
    assert {o.status for o in found} == {"passed"}
    assert max(o.margin for o in found) > 0


class Kept:
    """The head's layers, each result of which is kept in half precision."""

    def __init__(self, dtype, declared):
        more = {"intermediate": {dtype: dtype}} if declared else {}
        self.dtype, self.capabilities = dtype, Capabilities((dtype,), accumulate={dtype: "float32"}, **more)

    def segmentation_head(self, weights, features, cues, *, relu):
        dtype = self.dtype

        class Layers(heads.Layers):
            def conv(self, *arrays, **options):
                return rounded(super().conv(*arrays, **options), dtype).astype(np.float32)

            def depthwise(self, *arrays, **options):
                return rounded(super().depthwise(*arrays, **options), dtype).astype(np.float32)

        single = {name: a.astype(np.float32) for name, a in weights.items()}
        arrays = (features.astype(np.float32), cues.astype(np.float32))
        return heads.segmentation_head(single, *arrays, relu=relu, layers=Layers)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_activations_in_half_precision_conform_where_they_are_declared(dtype):
    found = outcomes(Kept(dtype, declared=True), "segmentation_head", level="extended")
    assert {o.status for o in found} == {"passed"}
    # All roundings of nine layers never point the same way.
    assert max(o.margin for o in found) > 0.05
    assert "failed" in {o.status for o in outcomes(Kept(dtype, declared=False), "segmentation_head")}


def test_the_heads_bound_in_float32_is_small_beside_its_logits():
    problem = problem_for(SEGMENTATION_HEAD.sketches[0].make(Seeded(0, "bound")), "float32")
    exact = reference(SEGMENTATION_HEAD, *problem)
    bound = bounds(SEGMENTATION_HEAD, *problem, exact, Arithmetic("float32"))["logits"]
    assert np.max(bound) < 1e-4 * np.max(np.abs(exact["logits"]))
    # Nine layers round at least once each.
    assert np.min(bound) > UNIT["float32"] * np.min(np.abs(exact["logits"]))


def test_a_sum_in_half_precision_that_is_declared_is_no_mistake():
    wrong = next(m for m in MUTANTS if m.name == "conv-half-sums")
    declared = Capabilities(("float16",), accumulate={"float16": "float16"})
    found = outcomes(Functions({"conv2d": wrong.function}, name="half", capabilities=declared), "conv2d")
    assert {o.status for o in found} == {"passed"}
