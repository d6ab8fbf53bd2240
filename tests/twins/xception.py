"""FEELVOS: Xception-65, ASPP, decoder, embedding layer and segmentation head. The keys are TensorFlow's (load_tf)."""

from typing import NamedTuple

import torch
from torch import nn

from twins.deeplab import RATES, Aspp, Decoder
from twins.tensorflow import Conv, load_tf, separable

__all__ = ["Features", "Feelvos", "Xception65", "load_tf"]

EPS = 1e-3


class Features(NamedTuple):
    low_level: torch.Tensor  # (B, 256, h, w) at stride 4, before its ReLU
    encoder: torch.Tensor  # (B, 2048, ...) at the output stride
    aspp: torch.Tensor  # (B, 256, ...) at the output stride
    decoder: torch.Tensor  # (B, 256, h, w), the paper's backbone feature F
    embedding: torch.Tensor  # (B, 100, h, w)


class Feelvos(nn.Module):
    """Image (B, 3, H, W) of values 0 to 255 to `Features`."""

    def __init__(self, output_stride=16, rates=None):
        super().__init__()
        self.encoder = Xception65(output_stride)
        self.aspp = Aspp(2048, rates or RATES[output_stride])
        self.decoder = Decoder(256)
        self.embedding = separable("embedding/split_separable_conv2d", 256, 100)
        self.segmentation = nn.Sequential(
            *(separable(f"embedding_seg/split_separable_conv2d_{i}", 256 if i else 259, 256, size=7) for i in range(4)),
            Conv("logits/semantic", 256, 1),
        )

    def forward(self, image):
        low_level, encoder = self.encoder(image * (2 / 255) - 1)
        aspp = self.aspp(encoder)
        decoder = self.decoder(aspp, low_level)
        return Features(low_level, encoder, aspp, decoder, self.embedding(decoder))

    def head(self, features, global_distance, previous, local_distance):
        """Logits (B, K, h, w) from F (B, 256, h, w) and three maps (B, K, h, w), object by object."""
        logits = []
        for k in range(global_distance.shape[1]):
            own = (m[:, k : k + 1] for m in (global_distance, previous, local_distance))
            logits.append(self.segmentation(torch.cat([features, *own], dim=1)))
        return torch.cat(logits, dim=1)


class Xception65(nn.Module):
    """Image in [-1, 1] to the low-level feature and the output of the exit flow."""

    def __init__(self, output_stride=16):
        super().__init__()
        last_stride = {16: 2, 8: 1}[output_stride]
        rate = 2 // last_stride
        self.conv1_1 = Conv("xception_65/entry_flow/conv1_1", 3, 32, size=3, stride=2, eps=EPS, relu=True)
        self.conv1_2 = Conv("xception_65/entry_flow/conv1_2", 32, 64, size=3, eps=EPS, relu=True)
        self.entry1 = Unit("entry_flow/block1/unit_1", 64, (128, 128, 128), stride=2)
        self.entry2 = Unit("entry_flow/block2/unit_1", 128, (256, 256, 256), stride=2)
        self.entry3 = Unit("entry_flow/block3/unit_1", 256, (728, 728, 728), stride=last_stride)
        self.middle = nn.Sequential(
            *(Unit(f"middle_flow/block1/unit_{u}", 728, (728, 728, 728), rate=rate) for u in range(1, 17))
        )
        self.exit1 = Unit("exit_flow/block1/unit_1", 728, (728, 1024, 1024), rate=rate)
        self.exit2 = ExitUnit("exit_flow/block2/unit_1", 1024, (1536, 1536, 2048), rate=2 * rate)

    def forward(self, x):
        x = self.entry1(self.conv1_2(self.conv1_1(x)))
        low_level = self.entry2.after_two(x)
        return low_level, self.exit2(self.exit1(self.middle(self.entry3(self.entry2(x)))))


class Unit(nn.Module):
    """Three times ReLU and separable convolution, beside a shortcut that takes the input before its ReLU."""

    def __init__(self, scope, c_in, channels, *, stride=1, rate=1):
        super().__init__()
        self.convs = _separables(scope, c_in, channels, stride=stride, rate=rate, relu=False)
        self.shortcut = nn.Identity()
        if stride > 1 or c_in != channels[-1]:
            scope = f"xception_65/{scope}/xception_module/shortcut"
            self.shortcut = Conv(scope, c_in, channels[-1], stride=stride, eps=EPS)

    def after_two(self, x):
        for conv in self.convs[:2]:
            x = conv(x.relu())
        return x

    def forward(self, x):
        return self.convs[2](self.after_two(x).relu()) + self.shortcut(x)


class ExitUnit(nn.Module):
    """Three separable convolutions with a ReLU after each half, and no shortcut."""

    def __init__(self, scope, c_in, channels, *, rate):
        super().__init__()
        self.convs = _separables(scope, c_in, channels, stride=1, rate=rate, relu=True)

    def forward(self, x):
        for conv in self.convs:
            x = conv(x)
        return x


def _separables(scope, c_in, channels, *, stride, rate, relu):
    """Return the three of a unit; the last one carries the stride."""
    layers = nn.ModuleList()
    for i, (c, c_out) in enumerate(zip((c_in, *channels[:-1]), channels, strict=True), start=1):
        name = f"xception_65/{scope}/xception_module/separable_conv{i}"
        layers.append(separable(name, c, c_out, stride=stride if i == 3 else 1, rate=rate, eps=EPS, relu=relu))
    return layers
