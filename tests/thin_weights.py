"""Random weights under the networks' own names, with few channels: every network in a fraction of a second."""

import numpy as np

CHANNELS = (16, 24, 40, 80, 112, 192, 320), (16, 24, 48, 88, 120, 208, 352)  # of Lite0 and Lite1, and of Lite2
REPEATS = (1, 2, 2, 3, 3, 4, 1), (1, 3, 3, 4, 4, 5, 1)  # of Lite0, and of Lite1 and Lite2
KERNELS, EXPANSIONS = (3, 3, 5, 3, 5, 5, 3), (1, 6, 6, 6, 6, 6, 6)


class Drawing:
    """Weights as they are drawn, layer by layer; signals keep about their size."""

    def __init__(self, seed):
        self.rng, self.weights = np.random.default_rng(seed), {}

    def conv(self, name, size, c_in, c_out, *, bias=False):
        self._layer(name, (size, size, c_in, c_out), c_in * size**2, bias)

    def depthwise(self, name, size, channels, *, bias=False):
        self._layer(name, (size, size, channels), size**2, bias)

    def separable(self, name, size, c_in, c_out, *, bias=False):
        self.depthwise(f"{name}/depthwise", size, c_in, bias=bias)
        self.conv(f"{name}/pointwise", 1, c_in, c_out, bias=bias)

    def _layer(self, name, shape, fan_in, bias):
        rng, n = self.rng, shape[-1]
        self.weights[f"{name}/kernel"] = rng.standard_normal(shape) * (2 / fan_in) ** 0.5
        if bias:
            self.weights[f"{name}/bias"] = rng.standard_normal(n) / 4
        else:
            norm = rng.uniform(0.5, 1.5, n), *(rng.standard_normal((2, n)) / 4), rng.uniform(0.5, 1.5, n)
            parts = (f"{name}/{part}" for part in ("scale", "offset", "mean", "variance"))
            self.weights |= dict(zip(parts, norm, strict=True))


def resnet(seed=0, *, bottleneck, released=True, planes=(3, 4, 5), repeats=(2, 2, 1, 2)):
    """A ResNet; released TVOS does not widen the last group, and projects what bottlenecks put out."""
    drawing, expansion, c_in = Drawing(seed), 2 if bottleneck else 1, planes[0]
    drawing.conv("stem", 7, 3, c_in)
    for group, (p, blocks) in enumerate(zip((*planes, planes[2] + (not released)), repeats, strict=True), 1):
        for block in range(blocks):
            name, c_out = f"layer{group}/{block}", p * expansion
            drawing.conv(f"{name}/conv1", 1 if bottleneck else 3, c_in, p)
            drawing.conv(f"{name}/conv2", 3, p, p)
            if bottleneck:
                drawing.conv(f"{name}/conv3", 1, p, c_out)
            if c_in != c_out:
                drawing.conv(f"{name}/shortcut", 1, c_in, c_out)
            c_in = c_out
    if bottleneck and released:
        drawing.conv("projection", 1, c_in, 4)
    return drawing.weights


def efficientnet(size=0, seed=0, *, thinner=8, n_classes=5):
    """EfficientNet-Lite0, -Lite1 or -Lite2, every width divided by `thinner`."""
    drawing, block, channels = Drawing(seed), 0, 32 // thinner
    drawing.conv("stem", 3, 3, channels)
    stages = zip(REPEATS[size > 0], CHANNELS[size > 1], KERNELS, EXPANSIONS, strict=True)
    for repeats, c_out, kernel, expansion in stages:
        for _ in range(repeats):
            name, inner, out = f"blocks/{block}", channels * expansion, c_out // thinner
            if expansion > 1:
                drawing.conv(f"{name}/expand", 1, channels, inner)
            drawing.depthwise(f"{name}/depthwise", kernel, inner)
            drawing.conv(f"{name}/project", 1, inner, out)
            channels, block = out, block + 1
    drawing.conv("head", 1, channels, 1280 // thinner)
    drawing.weights["classifier/kernel"] = drawing.rng.standard_normal((1280 // thinner, n_classes))
    drawing.weights["classifier/bias"] = drawing.rng.standard_normal(n_classes)
    return drawing.weights


def xception(seed=0):
    """Xception-65: all its units, with 2 to 7 channels."""
    drawing = Drawing(seed)
    drawing.conv("entry/conv1", 3, 3, 2)
    drawing.conv("entry/conv2", 3, 2, 3)
    units = {"entry/block1": (3, 4, 4, 4), "entry/block2": (4, 5, 5, 5), "entry/block3": (5, 4, 4, 4)}
    units |= {f"middle/{unit}": (4, 4, 4, 4) for unit in range(1, 17)}
    units |= {"exit/block1": (4, 4, 6, 6), "exit/block2": (6, 7, 7, 7)}
    for name, channels in units.items():
        for part in (1, 2, 3):
            drawing.separable(f"{name}/{part}", 3, channels[part - 1], channels[part])
        if channels[0] != channels[3]:
            drawing.conv(f"{name}/shortcut", 1, channels[0], channels[3])
    return drawing.weights


def deeplab(seed=0, *, low_level=5, encoded=7, width=4):
    """Pyramid and decoder."""
    drawing = Drawing(seed)
    drawing.conv("aspp/pooling", 1, encoded, width)
    drawing.conv("aspp/0", 1, encoded, width)
    for i in (1, 2, 3):
        drawing.separable(f"aspp/{i}", 3, encoded, width)
    drawing.conv("aspp/projection", 1, 5 * width, width)
    drawing.conv("decoder/low_level", 1, low_level, 2)
    drawing.separable("decoder/0", 3, width + 2, width)
    drawing.separable("decoder/1", 3, width, width)
    return drawing.weights


def heads(seed=0, *, width=4, n_cues=3, embedding=3):
    """Embedding and segmentation head."""
    drawing = Drawing(seed)
    drawing.separable("embedding", 3, width, embedding, bias=True)
    for i in range(4):
        drawing.separable(f"head/{i}", 7, width + n_cues * (i == 0), width, bias=True)
    drawing.conv("head/logits", 1, width, 1, bias=True)
    return drawing.weights


def random_image(seed=0, size=(17, 22)):
    """An RGB image, 0 to 255; its size is odd, or a multiple of no stride."""
    return np.random.default_rng(seed).uniform(0, 255, (*size, 3))
