"""Random problems: the same bits for the same seed, everywhere and for ever, and within their ranges."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vosref.conformance.draws import Seeded, Stream

STREAM = "e972ba0e32c8fa86e0b4dd3ae3b14cbcf6df688ff7314b701a90bd6fb18de0e0"
PROBLEM = "b1840b94a23e78611b277cc211c01f1204e50cc0869d2ded419533285fe413bd"


def digest(*arrays):
    whole = hashlib.sha256()
    for array in arrays:
        whole.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
    return whole.hexdigest()


def test_a_stream_is_the_same_bits_on_every_machine():
    stream = Stream(2019, 5)
    arrays = stream.uniform(3, 4), stream.normal(5), stream.integers(-3, 9, 7), stream.permutation(11)
    assert digest(*arrays, stream.one_hot(6, 3, known=0.5)) == STREAM


def test_named_problems_are_the_same_bits_on_every_machine():
    draw = Seeded(0, "local_matching/window_clipped")
    numbers = [draw.integer(0, 1000), draw.choice([1, 2, 3]), draw.real(-1, 1)]
    assert digest(np.array(numbers), draw.stream().normal(4)) == PROBLEM


@given(st.integers(0, 2**40))
def test_numbers_are_in_their_ranges(seed):
    stream = Stream(seed)
    uniform = stream.uniform(50)
    assert np.all((uniform >= 0) & (uniform < 1))
    assert np.all(uniform * 2.0**32 == np.floor(uniform * 2.0**32))
    assert np.all(np.abs(stream.normal(50)) <= 6)
    integers = stream.integers(-2, 3, 200)
    assert set(integers.tolist()) <= {-2, -1, 0, 1, 2}
    assert sorted(stream.permutation(9).tolist()) == list(range(9))


def test_normal_numbers_have_mean_0_and_variance_1():
    normal = Stream(1).normal(20000)
    assert abs(float(np.mean(normal))) < 0.03
    assert abs(float(np.var(normal)) - 1) < 0.03


def test_shapes_are_what_was_asked_for_and_nothing_is_drawn_twice():
    stream = Stream(4)
    assert stream.uniform().shape == ()
    assert stream.uniform(0, 3).shape == (0, 3)
    assert not np.array_equal(stream.uniform(8), stream.uniform(8))


def test_one_hot_rows_belong_to_one_object_or_to_none():
    stream = Stream(5)
    assert np.all(np.sum(stream.one_hot(300, 4), axis=1) == 1)
    some = stream.one_hot(2000, 4, known=0.6)
    assert set(np.unique(some)) == {0.0, 1.0}
    assert abs(float(np.mean(np.sum(some, axis=1))) - 0.6) < 0.05
    assert np.all(np.sum(some, axis=0) > 0)


def test_the_same_seed_and_name_give_the_same_problem_and_another_name_another():
    def drawn(seed, name):
        draw = Seeded(seed, name)
        return [draw.integer(0, 2**31) for _ in range(4)] + draw.stream().uniform(3).tolist()

    assert drawn(1, "a/b") == drawn(1, "a/b")
    assert len({tuple(drawn(seed, name)) for seed in (1, 2) for name in ("a/b", "a/c")}) == 4


@pytest.mark.parametrize("seed", range(5))
def test_sizes_and_settings_are_within_their_ends_both_included(seed):
    draw = Seeded(seed, "sizes")
    integers = {draw.integer(2, 4) for _ in range(100)}
    assert integers == {2, 3, 4}
    assert {draw.choice("ab") for _ in range(50)} == {"a", "b"}
    reals = [draw.real(0.25, 0.5) for _ in range(100)]
    assert 0.25 <= min(reals) < max(reals) < 0.5
