"""A network run in float32 that keeps what every layer gives, as someone's export would, with a mistake where asked."""

import functools

import numpy as np

from vosref.nn import networks, ops
from vosref.nn.layers import NORM, Layers
from vosref.weights import model

WIDTH = 16  # a thin network has a channel for so many of the real one


class Recorder(Layers):
    """Layers that record all points; `mistakes` changes what the layer of a name is made of."""

    def __init__(self, points, mistakes, weights, epsilon, /):
        super().__init__(weights, epsilon)
        self.points, self.mistakes = points, mistakes

    def keep(self, name, x):
        assert x.dtype == np.float32
        self.points[name] = x
        return x

    def standardise(self, image, gain, offset):
        return self.keep("input", super().standardise(image, gain, offset))

    def conv(self, name, x, shortcut=None, **options):
        return self.layer(ops.conv2d, name, x, shortcut, options)

    def depthwise(self, name, x, **options):
        return self.layer(ops.depthwise_conv2d, name, x, None, options)

    def layer(self, operation, name, x, shortcut, options):
        kernel, dilation = self.weights[f"{name}/kernel"], options.get("dilation", 1)
        padding = tuple((dilation * (k - 1) // 2,) * 2 for k in kernel.shape[:2])
        parts = {"kernel": kernel, "shortcut": shortcut, "activation": None, "padding": padding, **options}
        parts["epsilon"] = self.epsilon(name) if f"{name}/scale" in self.weights else None
        parts |= self.mistakes.get(name, {}) if not callable(self.mistakes.get(name)) else self.mistakes[name](parts)
        kernel, shortcut, activation, epsilon = (parts.pop(k) for k in ("kernel", "shortcut", "activation", "epsilon"))
        x = self.keep(f"{name}/convolution", operation(x, kernel, self.weights.get(f"{name}/bias"), **parts))
        if epsilon is not None:
            norm = (self.weights[f"{name}/{part}"] for part in NORM)
            x = self.keep(f"{name}/norm", ops.batch_norm(x, *norm, epsilon=epsilon))
        return self.keep(name, ops.finish(x, None, shortcut, activation))

    def max_pool(self, name, x, **options):
        return self.keep(name, super().max_pool(name, x, **options))

    def mean(self, name, x):
        return self.keep(name, super().mean(name, x))

    def resize(self, name, x, size):
        if self.mistakes.get(name) == "half-pixel centres":
            return self.keep(name, ops.resize_bilinear(x, size=size))
        return self.keep(name, super().resize(name, x, size))

    def concat(self, name, parts):
        return self.keep(name, super().concat(name, parts))


def record(network, weights, image, mistakes=None, **options):
    """Return the points of a run in float32, with the frame."""
    points = {}
    layers = functools.partial(Recorder, points, mistakes or {})
    network(weights, image.astype(np.float32), layers=layers, **options)
    return {"image": image, **points}


def recorded(name, mistakes=None, size=(24, 33), seed=0):
    """Return the thin weights of a model, and the points of a run."""
    weights = thin(name, seed)
    return weights, record(run_of(name), weights, frame(*size, seed), mistakes)


def run_of(name):
    return networks.network(name).run


def frame(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def thin(name, seed=0):
    """Random weights of a model with a sixteenth of its channels."""
    rng = np.random.default_rng(seed)
    return {array.name: _drawn(rng, array.name, _thinned(array.shape)) for array in model(name).arrays}


def _thinned(shape):
    taps = shape[:2] if len(shape) > 2 else ()
    return (*taps, *(n // WIDTH + n % WIDTH for n in shape[len(taps) :]))


def _drawn(rng, name, shape):
    part = name.rpartition("/")[2]
    if part == "kernel":
        fan_in = np.prod(shape[:2] if len(shape) == 3 else shape[:-1])
        return (rng.standard_normal(shape) * np.sqrt(2 / fan_in)).astype(np.float32)
    low, high = {"scale": (0.5, 1.5), "variance": (0.5, 2.0)}.get(part, (-0.5, 0.5))
    return rng.uniform(low, high, shape).astype(np.float32)
