"""Rounding to data types, roundoff and its growth, and what a subject may declare."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vosref.conformance.arithmetic import DTYPES, ROUNDOFF, UNDERFLOW, Arithmetic, carrier, gamma, grown, rounded
from vosref.conformance.capabilities import Capabilities

ODD = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, -1e-45, 1e-40, 65504.0, 65520.0, 3.4e38, 1.8e308, 1e39])


def doubles(n=20000):
    draw = np.random.default_rng(3)
    return np.concatenate([ODD, draw.normal(0, 1, n) * 2.0 ** draw.integers(-140, 130, n)])


def same(one, other):
    assert one.dtype == other.dtype
    assert np.array_equal(one, other, equal_nan=True)
    assert np.array_equal(np.signbit(one[one == one]), np.signbit(other[one == one]))  # noqa: PLR0124 - but for NaN


def test_float16_is_rounded_as_numpy_rounds():
    values = doubles()
    with np.errstate(over="ignore"):
        same(rounded(values, "float16"), values.astype(np.float16))
        same(rounded(values.astype(np.float32), "float16"), values.astype(np.float32).astype(np.float16))


def test_bfloat16_of_single_precision_is_rounded_as_torch_rounds():
    with np.errstate(over="ignore"):
        values = doubles().astype(np.float32)
    same(rounded(values, "bfloat16"), torch.from_numpy(values).to(torch.bfloat16).to(torch.float32).numpy())


def nearest(value, bits, least):
    """Round to so many significant bits, ties to even, by exact fractions; `least` is the smallest exponent."""
    if value == 0 or not math.isfinite(value):
        return value
    exponent = max(math.frexp(value)[1] - bits, least)
    whole = Fraction(value) / Fraction(2) ** exponent
    return math.ldexp(round(whole), exponent)


@given(st.floats(-1e30, 1e30))
def test_bfloat16_and_tf32_of_double_precision_are_rounded_once(value):
    assert rounded(np.array([value]), "bfloat16")[0] == nearest(value, 8, -133)
    assert rounded(np.array([value]), "tf32")[0] == nearest(value, 11, -136)


def test_a_tie_goes_to_the_even_neighbour():
    step = 2.0**-7
    ties = np.array([1 + step / 2, 1 + 3 * step / 2, -1 - step / 2])
    assert rounded(ties, "bfloat16").tolist() == [1.0, 1 + 2 * step, -1.0]


def test_what_is_hardly_above_a_tie_in_double_precision_is_not_taken_for_one():
    hardly = np.array([1 + 2.0**-8 + 2.0**-40, 1 + 3 * 2.0**-8 - 2.0**-40])
    assert rounded(hardly, "bfloat16").tolist() == [1 + 2.0**-7, 1 + 2.0**-7]
    twice = hardly.astype(np.float32)  # a second rounding would see a tie
    assert rounded(twice, "bfloat16").tolist() == [1.0, 1 + 2.0**-6]


def test_what_is_too_large_becomes_infinity():
    assert rounded(np.array([65519.9, 65520.0, -1e6]), "float16").tolist() == [65504.0, np.inf, -np.inf]
    largest = (2 - 2.0**-7) * 2.0**127
    assert rounded(np.array([largest * (1 + 2.0**-10), largest * (1 + 2.0**-8)]), "bfloat16").tolist() == [
        largest,
        np.inf,
    ]
    assert rounded(np.array([1e39, -1e39]), "float32").tolist() == [np.inf, -np.inf]


@pytest.mark.parametrize("dtype", [*DTYPES, "tf32"])
def test_rounding_twice_is_rounding_once_and_the_error_is_within_the_roundoff(dtype):
    values = np.random.default_rng(0).normal(0, 1, 1000)
    once = rounded(values, dtype)
    same(rounded(once, dtype), once)
    assert once.dtype == (np.float32 if dtype == "tf32" else carrier(dtype))
    assert np.all(
        np.abs(once.astype(np.float64) - values) <= ROUNDOFF[dtype] * np.abs(values) + UNDERFLOW.get(dtype, 0)
    )


def test_gamma_is_highams_and_infinite_where_nothing_is_left():
    assert gamma(0, 2.0**-24) == 0
    assert gamma(1000, 2.0**-24) == 1000 * 2.0**-24 / (1 - 1000 * 2.0**-24)
    assert gamma(256, 2.0**-8) == gamma(300, 2.0**-8) == math.inf


@given(st.lists(st.floats(0, 0.5), max_size=5))
def test_grown_is_the_product_of_the_factors_less_1(errors):
    exact = math.prod(1 + Fraction(e) for e in errors) - 1
    assert grown(*errors) == pytest.approx(float(exact), rel=1e-12, abs=1e-300)


def test_grown_of_an_infinite_error_is_infinite():
    assert grown(0.1, math.inf) == math.inf


@pytest.mark.parametrize(
    ("given_fields", "accumulate", "intermediate", "ulps"),
    [
        (("float64",), "float64", "float64", 4.0),
        (("float32",), "float32", "float32", 4.0),
        (("float16",), "float32", "float32", 4.0),
        (("bfloat16", "float32", "bfloat16"), "float32", "bfloat16", 1.0),
        (("float16", "float16"), "float16", "float16", 1.0),
        (("float32", "float64"), "float64", "float64", 4.0),
    ],
)
def test_what_is_left_open_follows_from_the_data_type(given_fields, accumulate, intermediate, ulps):
    whole = Arithmetic(*given_fields).checked()
    assert (whole.accumulate, whole.intermediate, whole.ulps) == (accumulate, intermediate, ulps)
    assert whole.checked() == whole


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"dtype": "float8"}, "dtype must be one of float64, float32, float16, bfloat16, got 'float8'"),
        ({"accumulate": "tf32"}, "accumulate must be one of"),
        ({"intermediate": "int8"}, "intermediate must be one of"),
        ({"product": "float8"}, "product must be one of .*tf32.*, or empty, got 'float8'"),
        ({"squares": "fused"}, "squares must be .*got 'fused'"),
        ({"tie_break": "last"}, "tie_break .*got .*'last'"),
    ],
)
def test_an_arithmetic_that_there_is_not_is_an_error(fields, sentence):
    with pytest.raises(ValueError, match=sentence):
        Arithmetic(**fields).checked()


def test_errors_of_sums_and_products_hold_the_roundoff_of_what_is_kept():
    single, mixed = Arithmetic("float32").checked(), Arithmetic("float32", product="tf32").checked()
    u = 2.0**-24
    assert single.sum(10) == pytest.approx((1 + gamma(10, u)) * (1 + u) - 1, rel=1e-9)
    assert mixed.dot(10) == pytest.approx((1 + 2.0**-11) ** 2 * (1 + gamma(10, u)) * (1 + u) - 1, rel=1e-9)
    half = Arithmetic("float16", accumulate="float16", product="tf32").checked()  # its factors have no more bits
    assert half.dot(10) == half._replace(product="").dot(10)
    kept = Arithmetic("float16", product="tf32").checked()  # what it keeps between steps has
    assert kept.dot(10) > kept._replace(product="").dot(10)


def test_a_result_is_rounded_once_more_where_it_is_kept_wider():
    exact, error = np.array([1.0]), np.array([0.0])
    same_type = Arithmetic("float32").checked().returned(exact, error)
    narrower = Arithmetic("float16").checked().returned(exact, error)
    assert same_type[0] <= 2.0**-126
    assert narrower[0] == 2.0**-11 + 2.0**-25


def test_capabilities_give_an_arithmetic_by_data_type():
    claimed = Capabilities(("float32", "bfloat16"), product={"float32": "tf32"}, accumulate={"bfloat16": "bfloat16"})
    assert claimed.checked() is claimed
    assert claimed.arithmetic("float32").product == "tf32"
    assert claimed.arithmetic("bfloat16").accumulate == "bfloat16"
    for wrong in (Capabilities(()), Capabilities(("int8",))):
        with pytest.raises(ValueError, match="dtypes must be some of float64, float32, float16, bfloat16"):
            wrong.checked()
    with pytest.raises(ValueError, match="accumulate must be one of"):
        Capabilities(accumulate={"float32": "int8"}).checked()
