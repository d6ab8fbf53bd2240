"""`vosref.resize` against its oracle and by its properties."""

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from strategies import SEEDS

from vosref.resize import resize_bilinear

SIDES = st.integers(1, 9)


@given(height=SIDES, width=SIDES, new=st.tuples(SIDES, SIDES), seed=SEEDS)
def test_it_equals_the_oracle(xp, height, width, new, seed):
    values = np.random.default_rng(seed).standard_normal((height, width, 2))
    got = xp.to_numpy(resize_bilinear(xp.asarray(values), size=new))
    expected = np.stack([oracles.resize_bilinear(values[:, :, c].tolist(), *new) for c in range(2)], axis=2)
    assert_allclose(got, expected, rtol=0, atol=1e-14)


@given(height=SIDES, width=SIDES, seed=SEEDS)
def test_its_own_size_changes_nothing(xp, height, width, seed):
    values = np.random.default_rng(seed).standard_normal((height, width, 1))
    assert np.array_equal(xp.to_numpy(resize_bilinear(xp.asarray(values), size=(height, width))), values)


@given(height=SIDES, width=SIDES, new=st.tuples(SIDES, SIDES))
def test_a_constant_stays_and_mirroring_commutes(xp, height, width, new):
    assert_allclose(
        xp.to_numpy(resize_bilinear(xp.asarray(np.full((height, width, 1), 3.5)), size=new)), 3.5, rtol=1e-15
    )
    ramp = np.random.default_rng(height * 31 + width).standard_normal((height, width, 1))
    mirrored = resize_bilinear(xp.asarray(ramp[::-1, ::-1].copy()), size=new)
    assert_allclose(
        xp.to_numpy(mirrored)[::-1, ::-1], xp.to_numpy(resize_bilinear(xp.asarray(ramp), size=new)), atol=1e-13
    )


def test_a_stride_of_8_samples_at_8i_plus_3_and_a_half(xp):  # specs TVOS §6.11
    columns = np.arange(256.0)[None, :, None] * np.ones((256, 1, 1))
    got = xp.to_numpy(resize_bilinear(xp.asarray(columns), size=(32, 32)))[0, :, 0]
    assert_allclose(got, 8 * np.arange(32) + 3.5)


def test_wrong_shapes_are_refused(xp):
    with pytest.raises(ValueError, match=r"values \(H, W, C\) and size \(h, w\) must be 1 or more, got \(3, 3\)"):
        resize_bilinear(xp.asarray(np.ones((3, 3))), size=(2, 2))
    with pytest.raises(ValueError, match=r"got \(3, 3, 1\) and \(0, 2\)"):
        resize_bilinear(xp.asarray(np.ones((3, 3, 1))), size=(0, 2))
