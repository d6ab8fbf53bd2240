"""Strategies: problems of every operation, in every namespace, that shrink to small ones."""

import array_api_strict
import numpy as np
import pytest
import torch
from hypothesis import find, given, settings
from hypothesis import strategies as st

from vosref.conformance import Arithmetic, strategies
from vosref.conformance.arithmetic import DTYPES, rounded
from vosref.conformance.judge import bounds, reference
from vosref.conformance.operations import OPERATIONS

MODULES = {"numpy": None, "array-api-strict": array_api_strict, "torch": torch}


@pytest.mark.parametrize("name", OPERATIONS)
@settings(max_examples=10)
@given(data=st.data())
def test_a_problem_of_any_operation_is_one_that_the_reference_solves_and_bounds(name, data):
    operation = OPERATIONS[name]
    dtype = data.draw(st.sampled_from(operation.dtypes))
    inputs, options = data.draw(strategies.problems(name, dtype=dtype))
    exact = reference(operation, inputs, options)
    assert all(value.dtype.kind in "iubf" for value in exact.values())
    if not operation.exact and operation.decide is None:
        for bound in bounds(operation, inputs, options, exact, Arithmetic(dtype)).values():
            assert np.all(bound >= 0)


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@settings(max_examples=10)
@given(data=st.data())
def test_arrays_are_of_the_namespace_and_data_type_that_were_asked_for(module, dtype, data):
    namespace = np if module is None else module
    problem = data.draw(strategies.problems("local_matching", xp=module, dtype=dtype))
    drawn = [*problem.inputs.values(), data.draw(strategies.embeddings(xp=module, dtype=dtype))]
    for array in (*drawn, data.draw(strategies.labels(xp=module, dtype=dtype))):
        assert isinstance(array, type(namespace.asarray(0.0)))
        assert array.dtype == getattr(namespace, dtype)
    assert data.draw(strategies.masks(xp=module)).dtype == namespace.uint8


@given(data=st.data(), dtype=st.sampled_from(DTYPES))
def test_values_are_ones_that_the_data_type_holds(data, dtype):
    values = data.draw(strategies.embeddings(dtype=dtype))
    np.testing.assert_array_equal(values, rounded(values.astype(np.float64), dtype))


@given(labels=strategies.labels(absent=False))
def test_labels_without_absent_objects_have_a_pixel_of_each_and_one_object_a_pixel(labels):
    assert (labels.sum(0) >= 1).all()
    assert (labels.sum(1) == 1).all()


def test_they_shrink():
    smallest = find(strategies.problems("local_matching"), lambda p: p.options["grid"][1] >= 3)
    assert smallest.options["grid"] == (1, 3)
    assert smallest.inputs["query"].shape == (3, 1)


def test_names_that_there_are_not_are_refused():
    with pytest.raises(ValueError, match="operation must be one of embedding_distance, .*, got 'matching'"):
        strategies.problems("matching")
    with pytest.raises(ValueError, match="case must be one of random, .* got 'none' and 'float64'"):
        strategies.problems("local_matching", case="none")
