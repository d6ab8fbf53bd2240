"""The CUDA twins of both matchings against the float64 definition within the bound, on a GPU or its stand-in."""

import numpy as np
import pytest
from bounds import matching_bound
from cuda_devices import DEVICES, SMALL, Device
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import matching_problems, window_problems

from vosref import matching
from vosref.kernels import cupy_matching

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
FEW = settings(max_examples=10)


@pytest.fixture(scope="module", params=DEVICES)
def device(request):
    return Device(request.param)


def within(device, match, query, reference, labels, *, tile=None, memory=10**6, **options):
    """Tell whether the twin keeps to its bound; half precision is computed in single and rounded once."""
    got = device.run(getattr(cupy_matching, match), query, reference, labels, tile=tile, memory=memory, **options)
    assert got.dtype == query.dtype
    assert got.shape == (len(query), labels.shape[1])
    wide, n = [a.astype(np.float64) for a in (query, reference)], options.get("n_neighbours", 1)
    exact = getattr(matching, match).__wrapped__(*wide, labels, **options)
    half = query.dtype == np.float16
    bound = matching_bound(*wide, np.float32 if half else query.dtype, n) + matching_bound(*wide, np.float64, n)
    return bool(np.all(np.abs(got.astype(np.float64) - exact) <= bound + half * 2.0**-12))


def frames(rng, *counts, dimension=3, dtype=np.float32):
    return [(rng.standard_normal((n, dimension)) / 2).astype(dtype) for n in counts]


def one_hot(rng, n_pixels, n_objects=3, known=0.8):
    return np.eye(n_objects)[rng.integers(0, n_objects, n_pixels)] * (rng.random(n_pixels) < known)[:, None]


@DTYPES
@FEW
@given(data=st.data(), n=st.integers(1, 9), memory=st.sampled_from([1, 100, 10**6]))
def test_global_matching_keeps_to_the_bound_whatever_its_memory(device, dtype, data, n, memory):
    problem = data.draw(matching_problems(dtype=dtype, max_pixels=30))
    assert within(device, "global_matching", *problem, n_neighbours=n, memory=memory, tile=SMALL)


@DTYPES
@FEW
@given(problem=st.data())
def test_local_matching_keeps_to_the_bound(device, dtype, problem):
    query, previous, labels, options = problem.draw(window_problems(dtype=dtype))
    assert within(device, "local_matching", query, previous, labels, tile=SMALL, **options)


@DTYPES
@pytest.mark.parametrize("n_neighbours", [1, 3])
@pytest.mark.parametrize("counts", [(1, 1), (5, 70), (70, 5), (64, 64)])
def test_frames_below_and_beyond_the_tile_that_a_gpu_gets(device, dtype, n_neighbours, counts):
    rng = np.random.default_rng(counts)
    problem = *frames(rng, *counts, dimension=19, dtype=dtype), one_hot(rng, counts[1], 2)
    assert within(device, "global_matching", *problem, n_neighbours=n_neighbours)


@DTYPES
@pytest.mark.parametrize("grid", [(1, 1), (9, 9), (1, 20), (17, 3)])
@pytest.mark.parametrize("window_radius", [0, 2, 10**6])
def test_windows_from_one_pixel_to_more_than_all_on_the_tile_that_a_gpu_gets(device, dtype, grid, window_radius):
    rng, n_pixels = np.random.default_rng(grid), grid[0] * grid[1]
    problem = *frames(rng, n_pixels, n_pixels, dimension=5, dtype=dtype), one_hot(rng, n_pixels)
    assert within(device, "local_matching", *problem, grid=grid, window_radius=window_radius)


@pytest.mark.parametrize("n_objects", [1, 2, 3, 7])
def test_objects_below_and_beyond_what_a_block_looks_for(device, n_objects):
    rng = np.random.default_rng(n_objects)
    problem = *frames(rng, 40, 40), one_hot(rng, 40, n_objects)
    assert within(device, "local_matching", *problem, grid=(5, 8), window_radius=3, tile=SMALL)
    assert within(device, "global_matching", *problem, tile=SMALL)


@DTYPES
def test_an_object_without_a_pixel_is_at_distance_1_and_an_equal_pixel_at_0(device, dtype):
    query = np.ones((20, 4), dtype)
    labels = np.zeros((20, 3), bool)
    labels[3:, 1] = True
    for match, options in (
        ("global_matching", {}),
        ("global_matching", {"n_neighbours": 30}),
        ("local_matching", {"grid": (4, 5), "window_radius": 9}),
    ):
        got = device.run(getattr(cupy_matching, match), query, query, labels, tile=SMALL, **options)
        assert_array_equal(got[:, [0, 2]], 1)
        assert_array_equal(got[:, 1], 0)


def test_half_precision_cannot_overflow_and_is_rounded_once(device):
    query = np.full((2, 3), 60000, np.float16)  # 2^5 · 1875: in single precision every sum here is exact
    far = device.run(cupy_matching.global_matching, query, -query, np.eye(2), tile=SMALL)
    near = device.run(cupy_matching.local_matching, query, query, np.eye(2), grid=(1, 2), tile=SMALL)
    assert far.dtype == near.dtype == np.float16
    assert far.tolist() == [[1, 1], [1, 1]]
    assert near.tolist() == [[0, 0], [0, 0]]
    problem = *frames(np.random.default_rng(0), 6, 6, dtype=np.float16), np.eye(3)[[0, 0, 1, 1, 1, 0]]
    assert within(device, "global_matching", *problem, n_neighbours=2, tile=SMALL)
    assert within(device, "local_matching", *problem, grid=(2, 3), window_radius=1, tile=SMALL)


@pytest.mark.parametrize("budget", [200, 500])
def test_the_smallest_of_a_few_neighbours_stay_within_the_memory(device, budget):
    rng, noted = np.random.default_rng(0), []
    query, reference = frames(rng, 30, 12)
    options = {"n_neighbours": 3, "tile": SMALL, "memory": budget, "noted": noted}
    device.run(cupy_matching.global_matching, query, reference, one_hot(rng, 12, 2), **options)
    smallest = [sizes[6] for _, sizes in noted]
    assert sum(smallest) == 4 * 3 * 2 * len(query) > budget
    assert max(smallest) <= budget


@pytest.mark.parametrize("match", ["global_matching", "local_matching"])
def test_frames_of_two_types_strided_and_read_only_and_labels_of_any_type(device, match):
    rng = np.random.default_rng(0)
    query, previous = frames(rng, 12, 12)
    labels, options = one_hot(rng, 12), {"grid": (3, 4), "window_radius": 1} if match == "local_matching" else {}
    assert within(device, match, query, previous.astype(np.float64), labels, tile=SMALL, **options)
    twin, whole = getattr(cupy_matching, match), []
    for dtype in (bool, np.uint8, np.float32):
        arrays = np.asfortranarray(query), np.repeat(previous, 2, axis=0)[::2], labels.astype(dtype)
        for array in arrays:
            array.flags.writeable = False
        whole.append(device.run(twin, *arrays, tile=SMALL, **options).tobytes())
    assert set(whole) == {device.run(twin, query, previous, labels, tile=SMALL, **options).tobytes()}


@pytest.mark.parametrize("match", ["global_matching", "local_matching"])
def test_wrong_calls_are_refused(device, match):
    twin, options = getattr(cupy_matching, match), {"grid": (2, 3)} if match == "local_matching" else {}
    frame, labels = np.ones((6, 2), np.float32), np.eye(2)[[0, 0, 0, 1, 1, 1]]
    for value, row, message in [
        (float("nan"), [1, 0], "^embeddings must be finite, "),
        (1e25, [1, 0], "^embeddings must be finite, "),
        (1.0, [0.5, 0.5], "^labels must be one-hot, "),
        (1.0, [1, 1], "^labels must be one-hot, "),
        (1.0, [float("nan"), 0], "^labels must be one-hot, "),
    ]:
        wrong, others = frame.copy(), labels.copy()
        wrong[4, 1], others[4] = value, row
        with pytest.raises(ValueError, match=message):
            device.run(twin, frame, wrong, others, **options)
    with pytest.raises(ValueError, match="^memory must be a positive number of bytes, got 0$"):
        device.run(twin, frame, frame, labels, memory=0, **options)
