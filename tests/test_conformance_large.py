"""Frames of any size: bounds are derived block by block where pixels know nothing of each other, else refused."""

import numpy as np
import pytest

from vosref.conformance import Arithmetic, assert_conforms
from vosref.conformance.draws import Seeded
from vosref.conformance.judge import bounds, problem_for, reference
from vosref.conformance.operations import OPERATIONS, matching, pair_bounds, propagation
from vosref.matching import local_matching


def bounds_of(name, case):
    operation = OPERATIONS[name]
    sketch = next(s for s in operation.sketches if s.name == case)
    inputs, options = problem_for(sketch.make(Seeded(0, name)), "float32")
    exact = reference(operation, inputs, options)
    return bounds(operation, inputs, options, exact, Arithmetic("float32"))


@pytest.mark.parametrize(
    ("name", "case", "module", "limit"),
    [
        ("global_matching", "three_objects", matching, "BLOCK"),
        ("global_matching", "few_pixels", matching, "BLOCK"),
        ("local_matching", "window_clipped", matching, "BLOCK"),
        ("local_matching", "radius_covers", matching, "BLOCK"),
        ("propagate_released", "several_frames", propagation, "PAIRS"),
        ("softmax_vote", "three_objects", propagation, "PAIRS"),
    ],
)
def test_the_bound_is_the_same_in_blocks_of_a_row(monkeypatch, name, case, module, limit):
    (whole,) = bounds_of(name, case).values()
    monkeypatch.setattr(module, limit, 1)
    monkeypatch.setattr(pair_bounds, "PAIRS", 100)
    (rows,) = bounds_of(name, case).values()
    np.testing.assert_allclose(rows, whole, rtol=1e-9)


@pytest.mark.parametrize("name", ["propagate_online", "propagate_online_vjp", "softmax_vote_vjp", "local_matching_vjp"])
def test_more_pairs_than_should_be_held_at_once_are_refused(monkeypatch, name):
    monkeypatch.setattr(pair_bounds, "PAIRS", 10)
    with pytest.raises(ValueError, match=r"at most 10, got \d+ x \d+; judge a crop of the frames"):
        bounds_of(name, OPERATIONS[name].sketches[0].name)


def test_where_pairs_are_many_squares_are_products_of_matrices_and_the_bound_counts_it(monkeypatch):
    (few,) = bounds_of("local_matching", "window_clipped").values()
    monkeypatch.setattr(matching, "FEW", 0)
    (many,) = bounds_of("local_matching", "window_clipped").values()
    assert np.all(many >= few)
    np.testing.assert_allclose(many, few, rtol=1e-4)


def test_a_kernel_is_judged_on_a_whole_frame():
    rng, grid = np.random.default_rng(0), (24, 40)
    query = (0.1 * rng.standard_normal((grid[0] * grid[1], 100))).astype(np.float32)
    previous = (query + 0.02 * rng.standard_normal(query.shape)).astype(np.float32)
    labels = np.eye(3, dtype=np.float32)[rng.integers(0, 3, len(query))]
    got = local_matching(query, previous, labels, grid=grid, window_radius=7)
    verdict = assert_conforms("local_matching", got, (query, previous, labels), grid=grid, window_radius=7)
    assert 0 < verdict.margin <= 1
