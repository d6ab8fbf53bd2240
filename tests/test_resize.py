"""`vosref.resize` against its oracles and by its properties, and its twin against it."""

import bounds
import numba
import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from strategies import SEEDS

from vosref.backend import use_cpu
from vosref.kernels import numba_resize
from vosref.resize import resize_bilinear, resize_nearest

SIDES = st.integers(1, 9)
CONVENTIONS = pytest.mark.parametrize("align_corners", [False, True], ids=["half-pixel", "aligned"])
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
METHODS = pytest.mark.parametrize("resize", [resize_bilinear, resize_nearest])


def image(seed, height, width, dtype=np.float64, channels=2):
    return np.random.default_rng(seed).standard_normal((height, width, channels)).astype(dtype)


@DTYPES
@CONVENTIONS
@given(height=SIDES, width=SIDES, new=st.tuples(SIDES, SIDES), seed=SEEDS)
def test_it_equals_the_oracle(xp, align_corners, dtype, height, width, new, seed):
    values = image(seed, height, width, dtype)
    got = xp.to_numpy(resize_bilinear(xp.asarray(values), size=new, align_corners=align_corners))
    planes = [oracles.resize_bilinear(values[:, :, c].tolist(), *new, align_corners) for c in range(2)]
    assert got.dtype == dtype
    # The share is rounded to the dtype; ours and the oracle's positions, up to 9, in double precision before that.
    offset = np.finfo(dtype).eps / 2 + 2 * 9 * bounds.gamma(4, np.float64)
    bound = bounds.resize_bound(np.abs(values).max(), dtype, offset=offset)
    assert np.abs(got - np.stack(planes, axis=2)).max() <= bound


@DTYPES
@CONVENTIONS
@given(height=SIDES, width=SIDES, new=st.tuples(SIDES, SIDES), seed=SEEDS, flipped=st.booleans())
def test_the_twin_equals_its_definition(align_corners, dtype, height, width, new, seed, flipped):
    values = image(seed, height, width, dtype)[:, :: -1 if flipped else 1]
    values.flags.writeable = False
    options = {"size": new, "align_corners": align_corners}
    with use_cpu("numba"):
        fast = resize_bilinear(values, **options)
    slow = resize_bilinear.__wrapped__(values, **options)
    assert fast.dtype == slow.dtype == dtype
    assert fast.shape == slow.shape == (*new, 2)
    assert np.abs(fast - slow).max() <= 2 * bounds.resize_bound(np.abs(values).max(), dtype)


def test_small_bands_and_any_number_of_threads_change_no_byte(monkeypatch):
    values, threads = image(0, 9, 7), numba.get_num_threads()
    results = [resize_bilinear(values, size=(23, 20)).tobytes()]
    monkeypatch.setattr(numba_resize, "ROWS", 2)
    try:
        for n in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(n)
            results.append(resize_bilinear(values, size=(23, 20)).tobytes())
    finally:
        numba.set_num_threads(threads)
    assert results[0] == results[1] == results[2]


@METHODS
@given(height=SIDES, width=SIDES, seed=SEEDS)
def test_its_own_size_changes_nothing(xp, resize, height, width, seed):
    values = image(seed, height, width)
    options = [{}, {"align_corners": True}] if resize is resize_bilinear else [{}]
    for option in options:
        assert np.array_equal(xp.to_numpy(resize(xp.asarray(values), size=(height, width), **option)), values)


@CONVENTIONS
@given(height=SIDES, width=SIDES, new=st.tuples(SIDES, SIDES))
def test_a_constant_stays_and_mirroring_commutes(xp, align_corners, height, width, new):
    options = {"size": new, "align_corners": align_corners}
    constant = xp.asarray(np.full((height, width, 1), 3.5))
    assert_allclose(xp.to_numpy(resize_bilinear(constant, **options)), 3.5, rtol=1e-15)
    values = image(height * 31 + width, height, width)
    mirrored = xp.to_numpy(resize_bilinear(xp.asarray(values[::-1, ::-1].copy()), **options))
    straight = xp.to_numpy(resize_bilinear(xp.asarray(values), **options))
    if align_corners:  # one sample lies on the first, not in the middle
        new = tuple(slice(None) if n > 1 else slice(0) for n in new)
        mirrored, straight = mirrored[new], straight[new]
    assert_allclose(mirrored[::-1, ::-1], straight, atol=1e-13)


def test_a_stride_of_8_samples_at_8i_plus_3_and_a_half(xp):  # specs TVOS §6.11
    columns = np.arange(256.0)[None, :, None] * np.ones((256, 1, 1))
    got = xp.to_numpy(resize_bilinear(xp.asarray(columns), size=(32, 32)))[0, :, 0]
    assert_allclose(got, 8 * np.arange(32) + 3.5)


@given(height=SIDES, width=SIDES, new=st.tuples(st.integers(2, 9), st.integers(2, 9)), seed=SEEDS)
def test_aligned_corners_stay_where_they_are_and_a_ramp_is_one_from_end_to_end(xp, height, width, new, seed):
    values, corners = image(seed, height, width), np.ix_((0, -1), (0, -1))
    got = xp.to_numpy(resize_bilinear(xp.asarray(values), size=new, align_corners=True))
    assert_allclose(got[corners], values[corners], rtol=0, atol=1e-14)
    ramp = np.arange(float(width))[None, :, None] * np.ones((height, 1, 1))
    got = xp.to_numpy(resize_bilinear(xp.asarray(ramp), size=new, align_corners=True))
    assert_allclose(got[:, :, 0], np.tile(np.linspace(0, width - 1, new[1]), (new[0], 1)), atol=1e-13)


def test_one_pixel_spreads_over_the_frame(xp):  # as the image pooling of DeepLab's pyramid does
    got = resize_bilinear(xp.asarray(np.asarray([[[2.5, -1.0]]])), size=(3, 4), align_corners=True)
    assert np.array_equal(xp.to_numpy(got), np.tile([2.5, -1.0], (3, 4, 1)))


@pytest.mark.parametrize("dtype", [np.float64, np.uint8, np.int64, bool])
@given(height=SIDES, width=SIDES, new=st.tuples(SIDES, SIDES), seed=SEEDS)
def test_nearest_equals_the_oracle_for_any_data_type(xp, dtype, height, width, new, seed):
    values = np.random.default_rng(seed).integers(0, 200, (height, width, 2)).astype(dtype)
    got = xp.to_numpy(resize_nearest(xp.asarray(values), size=new))
    planes = [oracles.resize_nearest(values[:, :, c].tolist(), *new) for c in range(2)]
    assert got.dtype == dtype
    assert np.array_equal(got, np.stack(planes, axis=2))


def rows_shown(xp, n_in, n_out):
    """The rows that TensorFlow's nearest shows."""
    return xp.to_numpy(resize_nearest(xp.asarray(np.arange(n_in).reshape(-1, 1, 1)), size=(n_out, 1))).ravel()


def test_nearest_shows_the_rows_of_the_released_labels(xp):  # specs FEELVOS §1.1
    rows = rows_shown(xp, 480, 120)
    assert (rows[:3].tolist(), rows[-4:].tolist()) == ([0, 4, 8], [467, 471, 475, 479])
    assert np.array_equal(rows_shown(xp, 465, 117), 4 * np.arange(117))


@given(n_in=st.integers(1, 2000), n_out=st.integers(1, 2000))
def test_nearest_is_no_further_than_half_a_row_from_its_position(xp, n_in, n_out):
    rows, exact = rows_shown(xp, n_in, n_out), np.arange(n_out) * (n_in - 1) / max(n_out - 1, 1)
    assert np.abs(rows - exact).max() <= 0.5 + bounds.gamma(2, np.float32) * n_in
    assert np.array_equal(rows, np.sort(rows))
    assert (rows[0], rows[-1]) == (0, n_in - 1 if n_out > 1 else 0)


@METHODS
def test_wrong_shapes_are_refused(xp, resize):
    rule = r"values \(H, W, C\) and size \(h, w\) must be 1 or more, got "
    with pytest.raises(ValueError, match=rule + r"\(3, 3\)"):
        resize(xp.asarray(np.ones((3, 3))), size=(2, 2))
    with pytest.raises(ValueError, match=rule + r"\(3, 3, 1\) and \(0, 2\)"):
        resize(xp.asarray(np.ones((3, 3, 1))), size=(0, 2))
    with pytest.raises(ValueError, match=rule + r"\(3, 0, 1\)"):
        resize(xp.asarray(np.ones((3, 0, 1))), size=(2, 2))
