"""The CUDA twins of the online functions against the float64 definition within the bound, on a GPU or its stand-in."""

import numpy as np
import pytest
from bounds import propagation_bound
from cuda_devices import DEVICES, SMALL, Device
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import propagation_problems

from vosref import backend, propagation
from vosref.kernels import cuda, cupy_propagation
from vosref.matching import global_matching, local_matching

FORMS = pytest.mark.parametrize("form", ["released", "paper"])
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
NAMES = {"released": "propagate_released", "paper": "propagate_online"}
FEW = settings(max_examples=10)


@pytest.fixture(scope="module", params=DEVICES)
def device(request):
    return Device(request.param)


def within(device, form, query, references, labels, *, tile=None, memory=10**6, blocks=512, **options):
    """Tell whether the twin keeps to its bound; half precision is computed in single and rounded once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cupy_propagation, "BLOCKS", blocks)
        twin = getattr(cupy_propagation, NAMES[form])
        got = device.run(twin, query, references, labels, tile=tile, memory=memory, **options)
    assert got.dtype == query.dtype
    wide = [a.astype(np.float64) for a in (query, references, labels)]
    exact = getattr(propagation, NAMES[form]).__wrapped__(*wide, **options)
    computed = np.result_type(query.dtype, np.float32)
    n_pixels = (tile or cuda.TILES[computed.itemsize]).pixels
    n_tiles = len(references) * -(-len(query) // n_pixels) + 1
    bound = propagation_bound(
        exact, query.astype(computed), references, form=form, n_tiles=n_tiles, **{"temperature": 1.0, **options}
    )
    if computed != query.dtype:
        bound += 2.0**-11 * np.abs(exact) + 2.0**-24
    return bool(np.all(np.abs(got.astype(np.float64) - exact) <= bound))


def random_problem(grid, *, frames=2, dimension=3, n_labels=2, dtype=np.float32, size=1.0):
    rng, n_pixels = np.random.default_rng([*grid, dimension, n_labels]), grid[0] * grid[1]
    query, *references = size * rng.standard_normal((frames + 1, n_pixels, dimension))
    labels = rng.random((frames, n_pixels, n_labels))
    return query.astype(dtype), np.stack(references).astype(dtype), labels.astype(dtype)


@FORMS
@DTYPES
@FEW
@given(data=st.data(), blocks=st.sampled_from([1, 4, 512]), memory=st.sampled_from([1, 300, 10**6]))
def test_the_twin_keeps_to_the_bound_whatever_its_parts_and_memory(device, form, dtype, data, blocks, memory):
    query, references, labels, options = data.draw(propagation_problems(dtype=dtype))
    assert within(device, form, query, references, labels, tile=SMALL, blocks=blocks, memory=memory, **options)


@FORMS
@DTYPES
@pytest.mark.parametrize("grid", [(1, 1), (3, 5), (1, 70), (9, 8)])
def test_grids_below_and_beyond_the_tile_that_a_gpu_gets(device, form, dtype, grid):
    problem = random_problem(grid, dimension=19, n_labels=3, dtype=dtype)
    assert within(device, form, *problem, grid=grid, sigma=(2.0, float("inf")), blocks=1)


@FORMS
@pytest.mark.parametrize("n_labels", [1, 4, 5, 9])
@pytest.mark.parametrize("dimension", [1, 4, 7])
def test_labels_and_dimensions_below_and_beyond_what_a_block_takes_at_once(device, form, n_labels, dimension):
    problem = random_problem((5, 4), dimension=dimension, n_labels=n_labels)
    assert within(device, form, *problem, grid=(5, 4), sigma=(8.0, 1.5), tile=SMALL)


@FORMS
def test_half_precision_is_computed_in_single(device, form):
    problem = random_problem((3, 4), dtype=np.float16)
    assert within(device, form, *problem, grid=(3, 4), sigma=(8.0, 8.0), tile=SMALL)


@FORMS
@DTYPES
def test_logits_far_beyond_the_exponential_neither_overflow_nor_vanish(device, form, dtype):
    problem = random_problem((4, 5), n_labels=3, dtype=dtype, size=2.0)
    assert within(device, form, *problem, grid=(4, 5), sigma=(8.0, 3.0), temperature=1e3, tile=SMALL, blocks=1)
    query = 40 * np.eye(2, dtype=dtype)
    options = {"grid": (1, 2), "sigma": (8.0,), "temperature": 1e3, "tile": SMALL}
    got = device.run(
        getattr(cupy_propagation, NAMES[form]), query, query[None], np.eye(2, dtype=dtype)[None], **options
    )
    np.testing.assert_array_equal(got, np.eye(2))  # w = exp(1.6e6)


@FORMS
def test_frames_may_come_one_by_one_and_need_not_be_contiguous_or_writable(device, form):
    query, references, labels = random_problem((3, 4))
    strided = np.repeat(query, 2, axis=0)[::2], [np.asfortranarray(r) for r in references], list(labels)
    for array in (query, references, labels):
        array.flags.writeable = False
    twin, options = getattr(cupy_propagation, NAMES[form]), {"grid": (3, 4), "sigma": (8.0, 2.0), "tile": SMALL}
    whole = device.run(twin, query, references, labels, **options)
    assert device.run(twin, *strided, **options).tobytes() == whole.tobytes()


@given(n_pixels=st.integers(1, 200), n_frames=st.integers(1, 4), n_sums=st.integers(2, 9), memory=st.integers(1, 10**5))
def test_bands_cover_all_targets_and_their_slots_fit_into_the_memory(n_pixels, n_frames, n_sums, memory):
    bands = list(cupy_propagation._bands(np.empty((n_pixels, 1)), n_frames, n_sums, SMALL, memory))
    assert [p for rows, _ in bands for p in range(rows.start, rows.stop)] == list(range(n_pixels))
    for rows, parts in bands:
        n_rows = rows.stop - rows.start
        assert 1 <= parts <= -(-n_pixels // SMALL.pixels)
        assert n_rows * parts * n_frames * n_sums * 8 <= memory or n_rows == parts == 1


@FORMS
def test_slots_stay_within_the_memory_and_bands_of_targets_are_the_same_bytes(device, form):
    problem, twin, results = random_problem((5, 4), n_labels=6), getattr(cupy_propagation, NAMES[form]), []
    for memory in (10**6, 700):  # which holds the slots of some of the 20 targets
        noted, options = [], {"grid": (5, 4), "sigma": (8.0, 2.0), "tile": SMALL, "memory": memory}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(cupy_propagation, "BLOCKS", 1)
            results.append(device.run(twin, *problem, noted=noted, **options))
        slots = [sum(sizes[:-1]) for kernel, sizes in noted if kernel == f"combine_{form}"]
        assert max(slots) <= memory
    assert len(slots) > 2
    assert results[0].tobytes() == results[1].tobytes()


@FORMS
def test_wrong_calls_are_refused(device, form):
    query, references, labels = random_problem((2, 3))
    twin = getattr(cupy_propagation, NAMES[form])
    for wrong, message in [
        ({"sigma": (8.0,)}, "^sigma must have one width a reference frame, 2, got 1$"),
        ({"sigma": (8.0, 0.0)}, "^sigma must be a positive number of cells, got 0.0$"),
        ({"grid": (2, 2)}, "the grid's 2x2 pixels, got 6$"),
        ({"memory": 0}, "^memory must be a positive number of bytes, got 0$"),
    ]:
        with pytest.raises(ValueError, match=message):
            device.run(twin, query, references, labels, **{"grid": (2, 3), "sigma": (8.0, 8.0)} | wrong)
    for few in (labels[:1], labels[:, :5], labels[:, :, 0]):
        with pytest.raises(ValueError, match=r"^labels must be \(pixels, K\) for every reference, got \["):
            device.run(twin, query, references, few, grid=(2, 3), sigma=(8.0, 8.0))


@pytest.mark.parametrize(
    "definition", [propagation.propagate_released, propagation.propagate_online, global_matching, local_matching]
)
def test_an_array_of_cupys_runs_through_the_twin(definition):
    twin = backend._twin(definition.__wrapped__, "cupy")
    assert twin.__name__ == definition.__name__
    assert twin.__module__ == definition.__module__.replace("vosref.", "vosref.kernels.cupy_")
