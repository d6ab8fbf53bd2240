"""The weights of FEELVOS: Xception-65, DeepLabv3+, the embedding and the head, 752 TensorFlow variables."""

import re
from collections.abc import Iterator

from vosref.weights.feelvos import CUES, FEATURES, deeplab, feelvos, initial, separable
from vosref.weights.tables import Array, Model, Scheme, layer, layers, tensorflow_keys, torch_keys
from vosref.weights.tensorflow_file import TRAINING_STATE

__all__ = ["feelvos_xception65"]

MIDDLE_UNITS = 16
ENTRY = {1: (64, 128, 128, 128), 2: (128, 256, 256, 256), 3: (256, 728, 728, 728)}
EXIT = {1: (728, 728, 1024, 1024), 2: (1024, 1536, 1536, 2048)}
# Our names of layers, and the scopes of TensorFlow's; the first that matches is it.
SCOPES = {
    r"entry/conv(\d)": r"xception_65/entry_flow/conv1_\1",
    r"(entry|exit)/block(\d)/shortcut": r"xception_65/\1_flow/block\2/unit_1/xception_module/shortcut",
    r"(entry|exit)/block(\d)/(\d)/(\w+)": r"xception_65/\1_flow/block\2/unit_1/xception_module/separable_conv\3_\4",
    r"middle/(\d+)/(\d)/(\w+)": r"xception_65/middle_flow/block1/unit_\1/xception_module/separable_conv\2_\3",
    r"aspp/pooling": r"image_pooling",
    r"aspp/0": r"aspp0",
    r"aspp/(\d)/(\w+)": r"aspp\1_\2",
    r"aspp/projection": r"concat_projection",
    r"decoder/low_level": r"decoder/feature_projection0",
    r"decoder/(\d)/(\w+)": r"decoder/decoder_conv\1_\2",
    r"embedding/(\w+)": r"embedding/split_separable_conv2d_\1",
    r"head/(\d)/(\w+)": r"embedding_seg/split_separable_conv2d_\1_\2",
    r"head/logits": r"logits/semantic",
}


def feelvos_xception65(n_cues: int = CUES) -> Model:
    """FEELVOS's network, as released, or with a head that takes fewer cues, as the ablations of Table 6 do."""
    arrays = (*_backbone(), *deeplab(EXIT[2][-1], ENTRY[2][-1]), *feelvos(n_cues))
    names, channels = layers(arrays), FEATURES + n_cues
    return Model(
        name="feelvos-xception65" + ("" if n_cues == CUES else f"-{channels}"),
        title="FEELVOS, with Xception-65" + ("" if n_cues == CUES else f", ablated: head of {channels} channels"),
        origin="convert FEELVOS's file, or timm's in part",
        arrays=arrays,
        optional=(),
        schemes=(
            Scheme("TensorFlow's", "tensorflow", _tensorflow(names), TRAINING_STATE),
            Scheme("timm's", "torch", _timm(names), r".*num_batches_tracked"),
        ),
        initial=initial,
    )


def _unit(name: str, channels: tuple[int, ...], *, shortcut: bool) -> Iterator[Array]:
    for s in (1, 2, 3):
        yield from separable(f"{name}/{s}", 3, channels[s - 1], channels[s])
    if shortcut:
        yield from layer(f"{name}/shortcut", 1, 1, channels[0], channels[3])


def _backbone() -> Iterator[Array]:
    yield from layer("entry/conv1", 3, 3, 3, 32)
    yield from layer("entry/conv2", 3, 3, 32, 64)
    for b, channels in ENTRY.items():
        yield from _unit(f"entry/block{b}", channels, shortcut=True)
    for u in range(1, MIDDLE_UNITS + 1):
        yield from _unit(f"middle/{u}", (728, 728, 728, 728), shortcut=False)
    for b, channels in EXIT.items():
        yield from _unit(f"exit/block{b}", channels, shortcut=b == 1)


def _tensorflow(names: list[str]) -> dict[str, str]:
    keys: dict[str, str] = {}
    for name in names:
        pattern = next(p for p in SCOPES if re.fullmatch(p, name))
        keys |= tensorflow_keys(
            name,
            re.sub(pattern, SCOPES[pattern], name),
            depthwise=name.endswith("/depthwise"),
            bias=name.startswith(("embedding/", "head/")),
        )
    return keys


def _timm(names: list[str]) -> dict[str, str]:
    """Name the backbone as timm does: 21 blocks in a row, 3 of the entry, 16 of the middle, 2 of the exit."""
    keys: dict[str, str] = {}
    for name in names:
        flow, _, rest = name.partition("/")
        if flow not in ("entry", "middle", "exit"):
            continue
        unit, *part = rest.split("/")
        if unit.startswith("conv"):
            scope = f"stem.{int(unit[-1]) - 1}"
        else:
            first = {"entry": 0, "middle": 3, "exit": 19}[flow]
            scope = f"blocks.{first + int(unit.removeprefix('block')) - 1}"
        if len(part) == 2:
            short = {"depthwise": "dw", "pointwise": "pw"}[part[1]]
            keys |= torch_keys(
                name, f"{scope}.stack.conv{part[0]}.conv_{short}", f"{scope}.stack.conv{part[0]}.bn_{short}"
            )
        else:
            scope += ".shortcut" if part else ""
            keys |= torch_keys(name, f"{scope}.conv", f"{scope}.bn")
    return keys
