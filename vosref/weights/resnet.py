"""The weights of ResNets: as TVOS released them, and the plain ImageNet trunk of torchvision."""

from collections.abc import Iterator

import numpy as np

from vosref.weights.initial import he_normal, torch_uniform, vector
from vosref.weights.tables import Array, Model, Scheme, layer, layers, torch_keys

__all__ = ["plain_resnet", "tvos_resnet"]

BLOCKS = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
# TVOS narrows its last layer to 256 planes [TVOS §3.5, released].
PLAIN_PLANES, TVOS_PLANES = (64, 128, 256, 512), (64, 128, 256, 256)
EMBEDDING = 256
COUNTERS = r".*num_batches_tracked"
# MoCo v2 trains under a head of two layers and throws it away.
MLP_HEAD = r"fc\.\d+\.(weight|bias)"


def tvos_resnet(depth: int, /) -> Model:
    """TVOS's embedding network of depth 18, 50 or 101, as released."""
    arrays = [*_trunk(depth, TVOS_PLANES)]
    if depth > 18:
        arrays += layer("projection", 1, 1, 4 * EMBEDDING, EMBEDDING)
    torchvision = _keys(layers(tuple(arrays)))
    released = {name: _released(key) for name, key in torchvision.items()}
    return Model(
        name=f"tvos-resnet{depth}",
        title=f"TVOS's ResNet-{depth}, layer4 narrowed",
        origin="convert TVOS's file, or torchvision's in part",
        arrays=tuple(arrays),
        optional=(),
        schemes=(
            Scheme("TVOS's", "torch", released, COUNTERS),
            Scheme("torchvision's", "torch", torchvision, COUNTERS),
        ),
        initial=_initial,
    )


def plain_resnet(depth: int, /) -> Model:
    """Torchvision's ResNet-18 or -50, for representations trained elsewhere; its classifier may be missing."""
    arrays = tuple(_trunk(depth, PLAIN_PLANES))
    width = PLAIN_PLANES[-1] * _expansion(depth)
    classifier = (Array("classifier/kernel", (width, None)), Array("classifier/bias", (None,)))
    keys = _keys(layers(arrays)) | torch_keys("classifier", "fc")
    return Model(
        name=f"resnet{depth}",
        title=f"torchvision's ResNet-{depth}",
        origin="convert torchvision's, MoCo's, InstDisc's",
        arrays=arrays,
        optional=classifier,
        schemes=(Scheme("torchvision's", "torch", keys, f"{COUNTERS}|{MLP_HEAD}"),),
        initial=_initial,
    )


def _expansion(depth: int) -> int:
    return 1 if depth == 18 else 4


def _trunk(depth: int, planes: tuple[int, ...]) -> Iterator[Array]:
    yield from layer("stem", 7, 7, 3, 64)
    c_in = 64
    for i, (repeats, p) in enumerate(zip(BLOCKS[depth], planes, strict=True), 1):
        c_out = p * _expansion(depth)
        for b in range(repeats):
            name = f"layer{i}/{b}"
            if depth == 18:
                yield from layer(f"{name}/conv1", 3, 3, c_in, p)
                yield from layer(f"{name}/conv2", 3, 3, p, p)
            else:
                yield from layer(f"{name}/conv1", 1, 1, c_in, p)
                yield from layer(f"{name}/conv2", 3, 3, p, p)
                yield from layer(f"{name}/conv3", 1, 1, p, c_out)
            if c_in != c_out:
                yield from layer(f"{name}/shortcut", 1, 1, c_in, c_out)
            c_in = c_out


def _keys(names: list[str]) -> dict[str, str]:
    """Torchvision's keys; TVOS calls what it adds ``adjust_dim`` and ``bn256``."""
    special = {"stem": ("conv1", "bn1"), "projection": ("adjust_dim", "bn256")}
    keys: dict[str, str] = {}
    for name in names:
        block, _, part = name.replace("/", ".").rpartition(".")
        inside = ("downsample.0", "downsample.1") if part == "shortcut" else (part, part.replace("conv", "bn"))
        keys |= torch_keys(name, *special.get(name, tuple(f"{block}.{key}" for key in inside)))
    return keys


def _released(key: str) -> str:
    """Rename a key as the release does, which keeps the ResNet as a list of its children."""
    for i, child in {0: "conv1.", 1: "bn1.", 4: "layer1.", 5: "layer2.", 6: "layer3.", 7: "layer4."}.items():
        if key.startswith(child):
            return f"backbone.{i}.{key.removeprefix(child)}"
    return key


def _initial(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """As the release draws what ImageNet does not give: He by fan-out, and PyTorch's default for the projection."""
    if not name.endswith("/kernel"):
        return vector(name, shape)
    return torch_uniform(rng, shape) if name.startswith(("projection/", "classifier/")) else he_normal(rng, shape)
