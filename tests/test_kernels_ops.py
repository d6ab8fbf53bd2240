"""The twins of `vosref.nn.ops` against their definitions, whatever the memory order, the bands and the threads."""

import numba
import numpy as np
import pytest
from convolutions import DTYPES, LAYERS, awkward, exact_and_bound, random_layer, shortcut_for
from hypothesis import given
from hypothesis import strategies as st
from strategies import layers, pools

from vosref.backend import use_cpu
from vosref.kernels import numba_ops
from vosref.nn.ops import conv2d, max_pool

OPTIONS = pytest.mark.parametrize(
    "options",
    [
        {},
        {"padding": 1, "activation": "relu"},
        {"stride": 2, "padding": "same", "activation": "relu6"},
        {"stride": 3, "dilation": 2, "padding": ((1, 0), (4, 2))},
    ],
    ids=str,
)


@DTYPES
@LAYERS
@given(
    data=st.data(),
    activation=st.sampled_from([None, "relu", "relu6"]),
    change=st.sampled_from([lambda a: a, awkward]),
    extra=st.booleans(),
)
def test_a_twin_equals_its_definition(layer, depthwise, dtype, data, activation, change, extra):
    *arrays, options = data.draw(layers(depthwise=depthwise))
    options |= {"activation": activation} | ({"rectify": extra} if depthwise else {})
    arrays = [None if a is None else a.astype(dtype) for a in arrays]
    if extra and not depthwise:
        arrays.append(shortcut_for(exact_and_bound(*arrays, **options)[0]).astype(dtype))
    before = [None if a is None else a.copy() for a in arrays]
    bound = exact_and_bound(*arrays, **options)[1]
    with use_cpu("numba"):
        fast = layer(*map(change, arrays), **options)
    slow = layer.__wrapped__(*arrays, **options)
    assert fast.dtype == slow.dtype == dtype
    assert fast.shape == slow.shape
    assert (np.abs(fast - slow) <= 2 * bound).all()
    assert all(a is b is None or np.array_equal(a, b) for a, b in zip(arrays, before, strict=True))


@pytest.fixture
def small_bands(monkeypatch):
    for constant, small in (("PIXELS", 5), ("PRODUCTS", 1), ("BANDS", 99), ("GATHERED", 1000), ("RUN", 7), ("ROWS", 2)):
        monkeypatch.setattr(numba_ops, constant, small)


@LAYERS
@OPTIONS
@pytest.mark.usefixtures("small_bands")
def test_a_twin_in_small_bands_equals_its_definition(layer, depthwise, options):
    arrays = random_layer(depthwise=depthwise)
    bound = exact_and_bound(*arrays, **options)[1]
    assert (np.abs(layer(*arrays, **options) - layer.__wrapped__(*arrays, **options)) <= 2 * bound).all()


@pytest.mark.usefixtures("small_bands")
@pytest.mark.parametrize("size", [1, 3])
def test_bands_meet_their_own_part_of_the_shortcut(size):
    image, kernel, bias = random_layer(size=size)
    exact, _ = exact_and_bound(image, kernel, bias, padding=size // 2)
    shortcut = shortcut_for(exact)
    exact, bound = exact_and_bound(image, kernel, bias, shortcut, padding=size // 2)
    assert (np.abs(conv2d(image, kernel, bias, shortcut, padding=size // 2) - exact) <= bound).all()


@DTYPES
@LAYERS
@OPTIONS
@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.usefixtures("small_bands")
def test_the_number_of_threads_changes_no_byte(layer, depthwise, size, dtype, options):
    arrays = random_layer(height=17, size=size, depthwise=depthwise, dtype=dtype)
    first, second = on_one_and_two_threads(lambda: layer(*arrays, **options).tobytes())
    assert first == second


@pytest.mark.usefixtures("small_bands")
def test_the_number_of_threads_changes_no_pool(monkeypatch):
    image = random_layer(height=17)[0]
    first, second = on_one_and_two_threads(lambda: max_pool(image, size=3, stride=2, padding=1).tobytes())
    assert first == second


def on_one_and_two_threads(work):
    threads = numba.get_num_threads()
    try:
        for n in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(n)
            yield work()
    finally:
        numba.set_num_threads(threads)


@DTYPES
@given(pool=pools(), missing=st.booleans())
def test_a_pool_equals_its_definition_to_the_bit(dtype, pool, missing):
    image, options = pool[0].astype(dtype), pool[1]
    if missing:
        image[0, 0] = np.nan
    fast, slow = max_pool(awkward(image), **options), max_pool.__wrapped__(image, **options)
    assert fast.dtype == slow.dtype == dtype
    assert np.array_equal(fast, slow, equal_nan=True)


@pytest.mark.parametrize("channels", [3, 300])  # fewer, and more, than make a run of their own
@LAYERS
def test_a_kernel_may_lie_in_memory_in_any_order(layer, depthwise, channels):
    image, kernel, bias = random_layer(height=3, width=4, channels=channels, out=2, depthwise=depthwise)
    transposed = np.ascontiguousarray(kernel.T).T  # as PyTorch's kernels are, seen with their taps first
    assert not transposed.flags.c_contiguous
    assert np.array_equal(layer(image, transposed, bias, padding=1), layer(image, kernel, bias, padding=1))
