"""A foreign implementation from start to finish: right ones conform, wrong ones are told what they do."""

import pytest
from foreign_torch import Broken, TorchKernels

from vosref.conformance import check_subject

OPERATIONS = ("local_matching", "propagate_released")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_pytorch_kernels_of_somebody_else_conform_in_single_precision_and_in_bfloat16(operation):
    report = check_subject(TorchKernels(), operations=[operation], level="extended")
    report.raise_if_failed()
    assert {row.dtype for row in report.rows()} == {"float32", "bfloat16"}
    assert all(row.not_claimed == 0 for row in report.rows())


@pytest.mark.parametrize(
    ("mistake", "operation", "cause"),
    [
        ("radius", "local_matching", "it agrees with: the window is smaller by one: < instead of ≤"),
        ("transposed", "local_matching", "it agrees with: height and width of the grid are exchanged"),
        ("tile", "local_matching", "all in the rows 8 to 15, 8 of them: the size of a tile"),
        ("sigma", "propagate_released", "the exponent is d² / 2σ²"),
        ("temperature", "propagate_released", "temperature"),
    ],
)
def test_a_planted_mistake_is_named(mistake, operation, cause):
    report = check_subject(Broken(mistake), operations=[operation])
    assert not report.ok
    assert any(cause in outcome.cause for outcome in report.failures)
