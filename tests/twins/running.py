"""A twin run on one frame: its results, and what every module of it puts out, by our names for them."""

import contextlib

import numpy as np
import torch
from golden.cases import channels_last, nchw
from torch import nn

import twins
from twins import efficientnet, resnet, xception
from twins.tensorflow import Conv
from vosref.parity.names import their_names

MEAN, STD = np.array((0.485, 0.456, 0.406)), np.array((0.229, 0.224, 0.225))  # specs TVOS §1.4
FEELVOS = "feelvos-xception65"
RESULTS = "low_level", "encoded", "context", "features", "embedding"  # FEELVOS's, in the order of its twin


def run(name, arrays, image, **options):
    """Run a twin in the precision of its arrays.

    `image` is (H, W, 3) of 0 to 255, and the result (H, W, C) and (C, H, W) arrays by name, as `vosref.parity.compare`
    takes them. FEELVOS also takes `cues`, (h, w, K, 3), to the head.
    """
    dtype, cues = next(iter(arrays.values())).dtype, options.pop("cues", None)
    known = their_names(FEELVOS) | their_names(name.removesuffix("-deeplab"))
    module, points, x = _twin(name, arrays, options), {}, image.astype(dtype)
    if "resnet" in name:
        x = points["input"] = ((image / 255 - MEAN) / STD).astype(dtype)
    with _recording(module, known, points):
        found = module(nchw(x))
        if isinstance(module, efficientnet.EfficientNetLite):
            points["logits"] = channels_last(module.classify(nchw(x))[:, :, None, None])
    if name == FEELVOS:
        points |= dict(zip(RESULTS, map(channels_last, found), strict=True))
        points["cues"] = cues.astype(dtype)
        points["logits"] = _head(module.segmentation, known, points)
    else:
        points["features"] = channels_last(found if torch.is_tensor(found) else found[-1])
    return {"image": image, **points}


def _twin(name, arrays, options):
    if name == FEELVOS:
        return xception.load_tf(xception.Feelvos(**options), arrays)
    if name.endswith("-deeplab"):
        return efficientnet.load_deeplab(efficientnet.LiteDeepLab(name.removesuffix("-deeplab"), **options), arrays)
    if name.startswith("lite"):
        return twins.load(efficientnet.EfficientNetLite(name, **options), arrays)
    kind = resnet.TvosResNet if name.startswith("tvos") else resnet.ResNet
    return twins.load(kind(int(name.rpartition("resnet")[2])), arrays)


def _head(segmentation, known, points):
    """Logits of every object by itself; the points of more than one begin with its number."""
    features, cues, logits = points["features"], points["cues"], []
    for k in range(cues.shape[2]):
        with _recording(segmentation, known, points, prefix=f"object{k + 1}/" if cues.shape[2] > 1 else ""):
            logits.append(channels_last(segmentation(nchw(np.concatenate((features, cues[:, :, k]), axis=2)))))
    return np.concatenate(logits, axis=2)


@contextlib.contextmanager
def _recording(module, known, points, prefix=""):
    """Inside the block, what the modules put out goes to `points`; `known` has our name for each of their makers'."""

    def keep(name):
        def hook(_module, _inputs, output):
            points[prefix + name] = output.numpy()

        return hook

    handles = [part.register_forward_hook(keep(known[key])) for part, key in _named(module) if key in known]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _named(module):
    """Yield each module with the name that its maker has for what it puts out."""
    for path, part in module.named_modules():
        if isinstance(part, Conv):
            convolution = "depthwise" if part.depthwise else "Conv2D"
            yield part.conv, f"{part.scope}/{convolution if part.conv.bias is None else 'BiasAdd'}"
            if part.conv.bias is None:
                yield part.norm, f"{part.scope}/BatchNorm"
            if part.relu:
                yield part, f"{part.scope}/Relu"
        elif isinstance(part, xception.Unit):
            yield part, part.convs[-1][-1].scope  # its shortcut is part of our last layer
        elif not isinstance(part, nn.Identity):
            yield part, path.removeprefix("trunk.")
