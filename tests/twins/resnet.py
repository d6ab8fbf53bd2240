"""ResNets: as TVOS releases them, and torchvision's with the strides of layer3 and layer4 removed."""

from torch import nn

REPEATS = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
STRIDES = (1, 2, 1, 1)  # of layer1 to layer4; no dilation replaces the two that are gone


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, c_in, planes, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, planes, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = _downsample(c_in, planes, stride)

    def forward(self, x):
        residual = self.bn1(self.conv1(x)).relu()
        residual = self.bn2(self.conv2(residual))
        return (residual + self.downsample(x)).relu()


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, c_in, planes, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, 4 * planes, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * planes)
        self.downsample = _downsample(c_in, 4 * planes, stride)

    def forward(self, x):
        residual = self.bn1(self.conv1(x)).relu()
        residual = self.bn2(self.conv2(residual)).relu()
        residual = self.bn3(self.conv3(residual))
        return (residual + self.downsample(x)).relu()


class TvosResNet(nn.Module):
    """Normalised image (B, 3, H, W) to features (B, 256, ceil(H / 8), ceil(W / 8)); the keys are the release's."""

    def __init__(self, depth):
        super().__init__()
        layers = _layers(depth, (64, 128, 256, 256))
        self.backbone = nn.Sequential(*_stem(), nn.ReLU(), nn.MaxPool2d(3, 2, padding=1), *layers)
        self.has_projection = depth > 18
        if self.has_projection:
            self.adjust_dim = nn.Conv2d(1024, 256, 1, bias=False)
            self.bn256 = nn.BatchNorm2d(256)

    def forward(self, image):
        features = self.backbone(image)
        return self.bn256(self.adjust_dim(features)) if self.has_projection else features


class ResNet(nn.Module):
    """Normalised image to the output of `layer` (3 or 4), at stride 8; the keys are torchvision's, `fc` included."""

    def __init__(self, depth, *, layer=4, n_classes=1000):
        super().__init__()
        self.layer = layer
        self.conv1, self.bn1 = _stem()
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        self.layer1, self.layer2, self.layer3, self.layer4 = _layers(depth, (64, 128, 256, 512))
        self.fc = nn.Linear(512 * _block(depth).expansion, n_classes)

    def forward(self, image):
        x = self.maxpool(self.bn1(self.conv1(image)).relu())
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.layer4(x) if self.layer == 4 else x


def _block(depth):
    return BasicBlock if depth == 18 else Bottleneck


def _stem():
    return nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False), nn.BatchNorm2d(64)


def _layers(depth, planes):
    block, channels = _block(depth), 64
    for repeats, width, stride in zip(REPEATS[depth], planes, STRIDES, strict=True):
        first = block(channels, width, stride)
        channels = width * block.expansion
        yield nn.Sequential(first, *(block(channels, width, 1) for _ in range(repeats - 1)))


def _downsample(c_in, c_out, stride):
    if c_in == c_out and stride == 1:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(c_in, c_out, 1, stride, bias=False), nn.BatchNorm2d(c_out))
