"""Weights and inputs by formula, the rule of specs TVOS §6.7 for every network: NumPy alone, float64.

For the k-th float array of a network, flattened in the layout of its maker, z_i = sin(p_i + k / 2):

* a kernel, convolution or dense, is gain · z / sqrt(fan_in), where fan_in counts the products that make one output;
* a running variance is 1 + z² / 2; a norm's weight is 1 + z / 10; every mean, offset and bias is z / 10.

TVOS's networks keep the phase p_i = i and the gain 2 of the specification. With that phase every 1×1 kernel has rank 2,
as sin(a + b) has, and no gain carries an image through Xception: FEELVOS's embedding is the same at every pixel to 17
digits for gain 3, and beyond 1e5 for gain 6. So the others take p_i = i² mod 10007, whose kernels have full rank, and
gains that keep every output near 1, and reach the 6 of the ReLU6 of EfficientNet-Lite.
"""

from functools import partial

import numpy as np

from golden import keys

PRIME = 10007


def _squares(i):
    return i * i % PRIME


def _plain(i):
    return i


NETWORKS = {  # name: its (key, shape) pairs, the phase, the gain
    "tvos-resnet18": (partial(keys.tvos_resnet, 18), _plain, 2.0),
    "tvos-resnet50": (partial(keys.tvos_resnet, 50), _plain, 2.0),
    "tvos-resnet101": (partial(keys.tvos_resnet, 101), _plain, 2.0),
    "resnet18": (partial(keys.resnet, 18), _squares, 1.7),
    "resnet50": (partial(keys.resnet, 50), _squares, 1.7),
    "feelvos-xception65": (keys.feelvos, _squares, 1.7),
    "lite0": (partial(keys.lite, "lite0"), _squares, 1.95),
    "lite1": (partial(keys.lite, "lite1"), _squares, 1.95),
    "lite2": (partial(keys.lite, "lite2"), _squares, 1.95),
    "lite0-deeplab": (partial(keys.lite_deeplab, "lite0"), _squares, 1.95),
    "lite1-deeplab": (partial(keys.lite_deeplab, "lite1"), _squares, 1.95),
    "lite2-deeplab": (partial(keys.lite_deeplab, "lite2"), _squares, 1.95),
}


def network(name):
    """Return every float array of a network of `NETWORKS` under its maker's keys, in order."""
    shapes, phase, gain = NETWORKS[name]
    return weights(shapes(), phase=phase, gain=gain)


def weights(shapes, *, phase=_plain, gain=2.0):
    """Fill (key, shape) pairs in their order; counts of batches are no float arrays and must not be among them."""
    return {key: _fill(key, shape, k, phase, gain) for k, (key, shape) in enumerate(shapes)}


def _fill(key, shape, k, phase, gain):
    z = np.sin(phase(np.arange(np.prod(shape, dtype=np.int64))) + 0.5 * k).reshape(shape)
    leaf = key.rsplit("/", 1)[-1].rsplit(".", 1)[-1]
    if len(shape) > 1:
        return z * (gain / np.sqrt(_fan_in(leaf, shape)))
    if leaf in ("running_var", "moving_variance"):
        return 1 + 0.5 * z * z
    if leaf in ("weight", "gamma"):
        return 1 + 0.1 * z
    return 0.1 * z


def _fan_in(leaf, shape):
    if leaf == "weights":  # TensorFlow: (kh, kw, in, out)
        return np.prod(shape[:3])
    if leaf == "depthwise_weights":  # TensorFlow: (kh, kw, C, 1)
        return np.prod(shape[:2])
    return np.prod(shape[1:])  # PyTorch: (out, in / groups, kh, kw), and (out, in)


def normalised_image(height, width):
    """(height, width, 3) of sin(0.2 x + 0.3 y + 1.1 c)."""
    y, x, c = np.ogrid[:height, :width, :3]
    return np.sin(0.2 * x + 0.3 * y + 1.1 * c)


def image(height, width):
    """(height, width, 3) of 127.5 (1 + sin(0.2 x + 0.3 y + 1.1 c)), not rounded to whole grey levels."""
    return 127.5 * (1 + normalised_image(height, width))


def distance_maps(height, width, n_objects):
    """G, M and L, each (height, width, n_objects): two within [0, 1], and between them one-hot slanted bars."""
    y, x, k = np.ogrid[:height, :width, :n_objects]
    global_distance = 0.5 + 0.5 * np.sin(0.11 * x + 0.07 * y + 1.3 * k)
    previous = ((x + 2 * y) // 5 % n_objects == k).astype(np.float64)
    local_distance = 0.5 + 0.5 * np.sin(0.05 * x - 0.13 * y + 0.9 * k + 0.4)
    return global_distance, previous, local_distance
