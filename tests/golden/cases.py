"""What each golden file holds, computed from the PyTorch twins in float64."""

import numpy as np
import torch
import twins
from twins import efficientnet, resnet, xception

from golden import files, formula

# Specification TVOS §6.7: (y, x, c) and value, then mean and unbiased standard deviation.
PUBLISHED = {(0, 0, 0): -1.1284174, (4, 6, 100): 1.1142019, (8, 11, 255): 1.0886523}
PUBLISHED_MEAN, PUBLISHED_STD = -0.0298963, 0.8567936


def compute(name):
    """Run one case: its outputs by name, each an (H, W, C) array."""
    outputs = _CASES[name](name, formula.network(name), nchw(files.image(name)))
    return {key: channels_last(tensor) for key, tensor in outputs.items()}


def nchw(image):
    """(H, W, C) array to (1, C, H, W) tensor."""
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(image, -1, 0)[None]))


def channels_last(tensor):
    """(1, C, H, W) tensor to (H, W, C) array."""
    return np.ascontiguousarray(np.moveaxis(tensor[0].numpy(), 0, -1))


def assert_published(features):
    """Hold TVOS's ResNet-50 to the numbers of the specification."""
    assert features.shape == (9, 12, 256)
    assert abs(features.mean() - PUBLISHED_MEAN) < 1e-6  # they are given to 7 decimals, computed in float32
    assert abs(features.std(ddof=1) - PUBLISHED_STD) < 1e-6
    for index, value in PUBLISHED.items():
        assert abs(features[index] - value) < 1e-6, f"{index}: {features[index]}"


def _depth(name):
    return int(name.rpartition("resnet")[2])


def _tvos(name, weights, image):
    return {"features": twins.load(resnet.TvosResNet(_depth(name)), weights)(image)}


def _plain(name, weights, image):
    return {f"layer{i}": twins.load(resnet.ResNet(_depth(name), layer=i), weights)(image) for i in (3, 4)}


def _feelvos(name, weights, image):
    outputs = {}
    for stride in (16, 8):
        module = xception.load_tf(xception.Feelvos(stride), weights)
        features = module(image)
        maps = formula.distance_maps(*features.decoder.shape[2:], files.N_OBJECTS)
        outputs |= {f"{stride}/{key}": tensor for key, tensor in features._asdict().items()}
        outputs[f"{stride}/logits"] = module.head(features.decoder, *map(nchw, maps))
    return outputs


def _lite(name, weights, image):
    outputs = {}
    for label, stride, kept in (("8", 8, (2, 5, 7)), ("8-dilated", 8, (5, 7)), ("32", 32, (7,))):
        module = efficientnet.EfficientNetLite(name, output_stride=stride, dilate=label.endswith("dilated"))
        stages = twins.load(module, weights)(image)
        outputs |= {f"{label}/stage{i}": stages[i - 1] for i in kept}
    outputs["32/classifier"] = module.classify(image)[:, :, None, None]
    return outputs


def _lite_deeplab(name, weights, image):
    module = efficientnet.LiteDeepLab(name.partition("-")[0], output_stride=16, dilate=True)
    features = efficientnet.load_deeplab(module, weights)(image)
    return {f"16-dilated/{key}": tensor for key, tensor in features._asdict().items()}


_CASES = {
    "tvos-resnet18": _tvos,
    "tvos-resnet50": _tvos,
    "tvos-resnet101": _tvos,
    "resnet18": _plain,
    "resnet50": _plain,
    "feelvos-xception65": _feelvos,
    "lite0": _lite,
    "lite1": _lite,
    "lite2": _lite,
    "lite0-deeplab": _lite_deeplab,
}
