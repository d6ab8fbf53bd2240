"""The networks' layers by name, computed by the oracles: what the tests spell a network out in, step by step."""

import numpy as np
import oracles
import oracles_layers


class Literal:
    """Layers of weights that have norms or biases, on nested lists."""

    def __init__(self, weights, epsilon):
        self.weights, self.epsilon = weights, epsilon

    def __call__(self, name, x, shortcut=None, *, activation=None, **options):
        """The layer, its norm, the shortcut, the activation; padding keeps the size if not given."""
        kernel = self.weights[f"{name}/kernel"]
        convolve = oracles_layers.convolution if kernel.ndim == 4 else oracles_layers.depthwise_convolution
        options = {"padding": options.get("dilation", 1) * (kernel.shape[0] // 2), **options}
        bias = self.weights[f"{name}/bias"].tolist() if f"{name}/bias" in self.weights else None
        out = convolve(x, kernel.tolist(), bias, **options)
        if bias is None:
            norm = (self.weights[f"{name}/{part}"].tolist() for part in ("scale", "offset", "mean", "variance"))
            out = oracles_layers.batch_norm(out, *norm, self.epsilon)
        return oracles_layers.activate(out if shortcut is None else oracles_layers.add(out, shortcut), activation)

    def has(self, name):
        return f"{name}/kernel" in self.weights

    def separable(self, name, x, *, activation=None, **options):
        x = self(f"{name}/depthwise", x, activation=activation, **options)
        return self(f"{name}/pointwise", x, activation=activation)


def relu(x):
    return oracles_layers.activate(x, "relu")


def resize(x, height, width):
    """Bilinear, with aligned corners."""
    planes = [oracles.resize_bilinear(plane, height, width, True) for plane in np.moveaxis(x, 2, 0).tolist()]
    return np.moveaxis(planes, 0, 2).tolist()


def concat(*parts):
    return np.concatenate(parts, axis=2).tolist()
