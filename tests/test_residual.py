"""The inverted-residual block: the definition is its layers; the twin, in bands of any size, is within their bounds."""

import tracemalloc

import numpy as np
import pytest
from bounds import convolution_bound
from hypothesis import given
from hypothesis import strategies as st
from strategies import SEEDS

from vosref.backend import use_cpu, use_threads
from vosref.kernels import numba_residual
from vosref.nn.efficientnet import features
from vosref.nn.layers import FusedLayers, Layers
from vosref.nn.ops import conv2d, depthwise_conv2d
from vosref.nn.residual import inverted_residual


def block(rng, channels, wide, out, taps, *, expanded=True):
    """Expand, depthwise and project kernels with their biases."""
    kernels = (rng.standard_normal(s) / 2 for s in ((1, 1, channels, wide), (taps, taps, wide), (1, 1, wide, out)))
    arrays = [a for kernel in kernels for a in (kernel, rng.standard_normal(kernel.shape[-1]))]
    return arrays if expanded else [None, None, *arrays[2:]]


@st.composite
def blocks(draw, *, dtype=np.float64):
    """An image, a block's arrays and its options."""
    rng, size = np.random.default_rng(draw(SEEDS)), (draw(st.integers(3, 9)), draw(st.integers(3, 8)))
    channels, taps, stride, dilation = (draw(st.sampled_from(v)) for v in ((1, 2, 3), (3, 5), (1, 2), (1, 2)))
    expanded, shortcut = draw(st.booleans()), draw(st.booleans()) and stride == 1
    wide = draw(st.integers(1, 5)) if expanded else channels
    arrays = block(rng, channels, wide, channels if shortcut else 2, taps, expanded=expanded)
    arrays = [rng.standard_normal((*size, channels)), *arrays]
    options = {"stride": stride, "dilation": dilation, "padding": "same", "shortcut": shortcut}
    return [a if a is None else a.astype(dtype) for a in arrays], options


def by_layers(image, expand, expand_bias, depthwise, depthwise_bias, project, project_bias, *, shortcut, **sampling):
    wide = image if expand is None else np.clip(conv2d(image, expand, expand_bias), 0, 6)
    wide = np.clip(depthwise_conv2d(wide, depthwise, depthwise_bias, **sampling), 0, 6)
    return conv2d(wide, project, project_bias) + (image if shortcut else 0)


@given(problem=blocks())
def test_the_definition_is_its_layers_on_every_namespace(xp, problem):
    arrays, options = problem
    with use_cpu("numpy"):
        expected = by_layers(*arrays, **options)
        got = inverted_residual.__wrapped__(*(a if a is None else xp.asarray(a) for a in arrays), **options)
    np.testing.assert_allclose(xp.to_numpy(got), expected, rtol=1e-12, atol=1e-12)


@given(problem=blocks(), band=st.integers(1, 600))
def test_bands_of_any_size_give_what_the_whole_gives(problem, band):
    arrays, options = problem
    expected = inverted_residual.__wrapped__(*arrays, **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numba_residual, "FUSED", 0)
        patch.setattr(numba_residual, "BAND", band)
        got = inverted_residual(*arrays, **options)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


@given(problem=blocks(dtype=np.float32))
def test_float32_keeps_to_the_bounds_of_its_layers(problem):
    arrays, options = problem
    wide_arrays = [a if a is None else a.astype(np.float64) for a in arrays]
    exact = inverted_residual.__wrapped__(*wide_arrays, **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numba_residual, "FUSED", 0)
        got = inverted_residual(*arrays, **options)
    assert got.dtype == np.float32
    assert np.all(np.abs(got - exact) <= rounding(*wide_arrays, **options))


def rounding(image, expand, expand_bias, depthwise, depthwise_bias, project, project_bias, *, shortcut, **sampling):
    """Bound the error of three layers in float32, each given the error of what it takes in."""
    wide, off = image, np.zeros_like(image)
    if expand is not None:
        magnitude = conv2d(np.abs(image), np.abs(expand), np.abs(expand_bias))
        off = convolution_bound(magnitude, expand.shape[2], np.float32)
        wide = np.clip(conv2d(image, expand, expand_bias), 0, 6)
    magnitude = depthwise_conv2d(np.abs(wide) + off, np.abs(depthwise), np.abs(depthwise_bias), **sampling)
    off = depthwise_conv2d(off, np.abs(depthwise), **sampling) + convolution_bound(
        magnitude, depthwise[:, :, 0].size, np.float32
    )
    wide = np.clip(depthwise_conv2d(wide, depthwise, depthwise_bias, **sampling), 0, 6)
    magnitude = conv2d(wide + off, np.abs(project), np.abs(project_bias), np.abs(image) if shortcut else None)
    return conv2d(off, np.abs(project)) + convolution_bound(magnitude, project.shape[2], np.float32)


def test_any_number_of_threads_gives_the_same_bytes(monkeypatch):
    monkeypatch.setattr(numba_residual, "FUSED", 0)
    monkeypatch.setattr(numba_residual, "BAND", 2000)
    rng, results = np.random.default_rng(0), set()
    arrays = [rng.standard_normal((13, 9, 3)), *block(rng, 3, 8, 3, 5)]
    for threads in (1, 2, 3):
        with use_threads(threads):
            results.add(inverted_residual(*(a.astype(np.float32) for a in arrays), shortcut=True).tobytes())
    assert len(results) == 1


def test_the_widest_map_never_exists(monkeypatch):
    monkeypatch.setattr(numba_residual, "FUSED", 0)
    monkeypatch.setattr(numba_residual, "BAND", 20_000)
    rng = np.random.default_rng(0)
    image, arrays = rng.standard_normal((40, 10, 2)), block(rng, 2, 64, 2, 3)
    widest = 40 * 10 * 64 * 8
    with use_threads(1):
        inverted_residual(image[:9], *arrays)
        tracemalloc.start()
        inverted_residual(image, *arrays)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < widest / 4


@pytest.mark.parametrize("fused", [0, 10**12])
def test_what_does_not_belong_together_is_refused(monkeypatch, fused):
    monkeypatch.setattr(numba_residual, "FUSED", fused)
    rng = np.random.default_rng(0)
    image, arrays = rng.standard_normal((6, 5, 2)), block(rng, 2, 4, 3, 3)
    with pytest.raises(ValueError, match=r"conv2d takes a shortcut of its result's shape \(6, 5, 3\), got \(6, 5, 2\)"):
        inverted_residual(image, *arrays, shortcut=True)
    with pytest.raises(ValueError, match=r"conv2d takes an image \(H, W, 2\)"):
        inverted_residual(image[:, :, :1], *arrays)
    with pytest.raises(ValueError, match=r"depthwise_conv2d takes an image \(H, W, 4\)"):
        inverted_residual(image, None, None, *arrays[2:])


def test_a_network_of_fused_layers_is_the_network(definitions):
    rng = np.random.default_rng(1)
    weights = {"stem/kernel": rng.standard_normal((3, 3, 3, 4)), "stem/bias": rng.standard_normal(4)}
    channels = 4
    for i, (out, taps) in enumerate([(4, 3), (6, 3), (6, 3)]):
        kernels = block(rng, channels, 8 if i else channels, out, taps, expanded=bool(i))
        for name, kernel, bias in zip(("expand", "depthwise", "project"), kernels[::2], kernels[1::2], strict=True):
            if kernel is not None:
                weights |= {f"blocks/{i}/{name}/kernel": kernel, f"blocks/{i}/{name}/bias": bias}
        channels = out
    image = rng.uniform(0, 255, (12, 9, 3))
    fused, layered = (features(weights, image, n_stages=2, layers=kind) for kind in (FusedLayers, Layers))
    np.testing.assert_array_equal(fused, layered)
