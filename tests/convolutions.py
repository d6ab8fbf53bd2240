"""Convolutions to compute, what they come to exactly, and how far rounding may take a result from that."""

import bounds
import numpy as np
import oracles_layers as oracles
import pytest

from vosref.nn.ops import conv2d, depthwise_conv2d

LAYERS = pytest.mark.parametrize(("layer", "depthwise"), [(conv2d, False), (depthwise_conv2d, True)])
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def random_layer(seed=0, *, height=13, width=11, channels=3, out=4, size=3, depthwise=False, dtype=np.float64):
    """An image, a kernel and a bias."""
    rng = np.random.default_rng(seed)
    shape = (size, size, channels) if depthwise else (size, size, channels, out)
    arrays = rng.standard_normal((height, width, channels)), rng.standard_normal(shape), rng.standard_normal(shape[-1])
    return tuple(a.astype(dtype) for a in arrays)


def exact_and_bound(image, kernel, bias=None, shortcut=None, *, activation=None, rectify=False, **options):
    """The oracle's result, and the bound on the rounding of arrays of their dtype."""
    convolve = oracles.convolution if kernel.ndim == 4 else oracles.depthwise_convolution

    def run(image, kernel, bias, shortcut):
        lists = (None if a is None else a.tolist() for a in (image, kernel, bias))
        result = convolve(*lists, **options)
        return result if shortcut is None else oracles.add(result, shortcut.tolist())

    arrays = np.maximum(image, 0) if rectify else image, kernel, bias, shortcut
    magnitude = run(*(None if a is None else np.abs(a) for a in arrays))
    n_products = kernel[..., 0].size if kernel.ndim == 4 else kernel[:, :, 0].size
    exact = np.asarray(oracles.activate(run(*arrays), activation))
    # The oracle rounds too, in double precision.
    slack = 2 if image.dtype == np.float64 else 1 + 1e-6
    return exact, slack * bounds.convolution_bound(magnitude, n_products, image.dtype)


def shortcut_for(exact, seed=0):
    """A shortcut of a result's shape."""
    return np.random.default_rng(seed).standard_normal(exact.shape)


def awkward(array):
    """The same numbers, read-only, with gaps or in another order in memory."""
    if array is None:
        return None
    array = np.asfortranarray(array) if array.ndim == 4 else np.repeat(array, 2, axis=0)[::2]
    array.flags.writeable = False
    return array
