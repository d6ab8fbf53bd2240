"""The two modules of DeepLabv3+ that FEELVOS keeps: atrous spatial pyramid pooling, and the decoder to stride 4."""

import torch
from torch import nn
from torch.nn.functional import interpolate

from twins.tensorflow import Conv, separable

EPS = 1e-5
RATES = {16: (6, 12, 18), 8: (12, 24, 36)}  # by output stride


class Aspp(nn.Module):
    def __init__(self, c_in, rates):
        super().__init__()
        self.image_pooling = Conv("image_pooling", c_in, 256, eps=EPS, relu=True)
        self.aspp0 = Conv("aspp0", c_in, 256, eps=EPS, relu=True)
        self.atrous = nn.ModuleList(
            separable(f"aspp{i}", c_in, 256, rate=rate, eps=EPS) for i, rate in enumerate(rates, start=1)
        )
        self.projection = Conv("concat_projection", 1280, 256, eps=EPS, relu=True)

    def forward(self, x):
        pooled = self.image_pooling(x.mean(dim=(2, 3), keepdim=True)).expand(-1, -1, *x.shape[2:])
        return self.projection(torch.cat([pooled, self.aspp0(x), *(branch(x) for branch in self.atrous)], dim=1))


class Decoder(nn.Module):
    def __init__(self, c_low_level):
        super().__init__()
        self.low_level = Conv("decoder/feature_projection0", c_low_level, 48, eps=EPS, relu=True)
        self.conv0 = separable("decoder/decoder_conv0", 304, 256, eps=EPS)
        self.conv1 = separable("decoder/decoder_conv1", 256, 256, eps=EPS)

    def forward(self, aspp, low_level):
        low_level = self.low_level(low_level)
        aspp = interpolate(aspp, low_level.shape[2:], mode="bilinear", align_corners=True)
        return self.conv1(self.conv0(torch.cat([aspp, low_level], dim=1)))
