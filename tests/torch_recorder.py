"""A network of `vosref.train` that keeps what every layer puts out, by our names, as `vosref.parity` takes it."""

import functools

import numpy as np

from vosref.train.layers import TorchLayers
from vosref.train.network import Network


class Recorder(TorchLayers):
    """Layers that record what they put out."""

    def __init__(self, points, weights, epsilon, /, **options):
        super().__init__(weights, epsilon, **options)
        self.points = points

    def keep(self, name, x):
        self.points[name] = x.detach().numpy()
        return x

    def standardise(self, image, gain, offset):
        return self.keep("input", super().standardise(image, gain, offset))

    def conv(self, name, x, shortcut=None, **options):
        return self.keep(name, super().conv(name, x, shortcut, **options))

    def depthwise(self, name, x, **options):
        return self.keep(name, super().depthwise(name, x, **options))

    def max_pool(self, name, x, **options):
        return self.keep(name, super().max_pool(name, x, **options))

    def mean(self, name, x):
        return self.keep(name, super().mean(name, x))

    def resize(self, name, x, size):
        return self.keep(name, super().resize(name, x, size))

    def concat(self, name, parts):
        return self.keep(name, super().concat(name, parts))


class RecordedNetwork(Network):
    """A network whose layers record; `points` has (N, C, H, W) arrays by name."""

    def __init__(self, arrays, /, **options):
        super().__init__(arrays, **options)
        self.points = {}

    def layers(self, **options):
        made = super().layers(**options)
        return functools.partial(Recorder, self.points, *made.args, **made.keywords)

    def image(self, i):
        """What the layers put out for one image of the batch; where all share an array, that."""
        return {name: array[i : i + 1] for name, array in self.points.items()}


def head_points(points, k):
    """The head's points of object k, its first layer put together again as the weights have it."""
    names = [name for name in points if name.startswith("head/") and "head/0/" not in name]
    own = {name: points[name][k : k + 1] for name in names}
    parts = points["head/0/shared/depthwise"], points["head/0/own/depthwise"][k : k + 1]
    own["head/0/depthwise"] = np.concatenate(parts, axis=1)
    own["head/0/pointwise"] = points["head/0/own/pointwise"][k : k + 1]
    return own
