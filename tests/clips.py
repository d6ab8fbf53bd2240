"""Small clips, cheap configurations and a method of no paper: for the tests of videos, runs and the command line."""

import functools
import re
import sys
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import thin_weights

from vosref.labels import to_grid, to_mask
from vosref.runs import open_job
from vosref.samples import SAMPLES, render, write_clip
from vosref.video import configure

CHEAP = {"working_scale": 1.0, "n_stages": 2, "output_stride": 4}  # 10 x 16 cells for a clip of 40 x 64
CONFIGS = ("released", "paper")
LENGTHS = {"short": 5, "long": 32, "middle": 9}  # frames
CUES = {  # specs FEELVOS §6: what the head of each line of Table 6 sees, in the order of the released weights
    "ablation-1": ("global", "previous", "local"),
    "ablation-2": ("global", "previous", "local"),
    "ablation-3": ("global", "previous"),
    "ablation-4": ("global",),
    "ablation-5": ("global", "local"),
    "ablation-6": ("previous", "local"),
}


@functools.cache
def small_clip(n_frames=6, height=40, width=64):
    """Frames, and masks of objects 1 and 5, which cross."""
    scene = SAMPLES["two-crossing"]
    creatures = tuple(c._replace(label=k) for c, k in zip(scene.creatures, (1, 5), strict=True))
    clip = render(scene._replace(creatures=creatures, n_frames=n_frames, height=height, width=width))
    for array in clip:
        array.flags.writeable = False
    return clip


def cheap(name="released", **fields):
    return configure("tvos", name, **CHEAP | fields)


def thin_feelvos(monkeypatch, *, n_cues=3, dtype=np.float32, seed=0):
    """Offer FEELVOS's network, thin and random, as the file "thin.safetensors"; return its weights."""
    parts = (
        thin_weights.xception(seed),
        thin_weights.deeplab(seed),
        thin_weights.heads(seed, n_cues=n_cues, embedding=6),
    )
    weights = {name: a.astype(dtype) for part in parts for name, a in part.items()}
    monkeypatch.setattr("vosref.feelvos.load", {"thin.safetensors": weights}.__getitem__)
    return weights


def thin(name="released", **fields):
    return configure("feelvos", name, weights="thin.safetensors", **fields)


def write_small_clip(folder, **scene):
    """Write a clip's frames/ and masks/; return the paths of its frames and of its first mask."""
    write_clip(folder, *small_clip(**scene))
    return folder / "frames", folder / "masks" / "00000.png"


def write_clips(folder):
    """Write a clip of each of `LENGTHS` under its name; return the folder."""
    frames, masks = small_clip(max(LENGTHS.values()), 32, 48)
    for name, n in LENGTHS.items():
        write_clip(folder / name, frames[:n], masks[:n])
    return folder


def open_all(clips, out, *, names=tuple(LENGTHS), **options):
    """Open clips of `write_clips` as jobs, with masks that go to folders of their names in `out`."""
    options = options or {"config": cheap()}
    folders = [clips / name for name in names]
    return [
        open_job(f / "frames", f / "masks" / "00000.png", out / f.name, truth=f / "masks", **options)._replace(
            name=f.name
        )
        for f in folders
    ]


class EchoConfig(NamedTuple):
    reach: int = 2
    weights: str = "none"

    @classmethod
    def released(cls):
        return cls()

    paper = released


class EchoState(NamedTuple):
    past: tuple[Any, ...]
    nothing: tuple[Any, ...]
    t: int


def register_echo(monkeypatch, *, embedding=None):
    """Offer a method "echo": each frame gets the labels of the oldest frame held, turned upside down."""

    def step(state, _, config):
        labels = state.past[0][::-1]
        return EchoState((*state.past, labels)[-config.reach :], (), state.t + 1), labels, {"t": state.t}

    def add_object(state, _, labels, __):
        return state._replace(past=tuple(np.concatenate([past, labels], axis=1) for past in state.past))

    echo = SimpleNamespace(
        Config=EchoConfig,
        State=EchoState,
        CONFIGS={"released": EchoConfig.released, "paper": EchoConfig.paper},
        EXPLAINED={},
        NOTES={},
        prepare=lambda _: {"unit": np.ones(1, np.float32)},
        embedding=embedding or (lambda weights, frame, _: frame[::4, ::4].astype(np.float32) * weights["unit"]),
        annotate=lambda seen, mask, ids: to_grid(mask, ids=ids, grid=seen.shape[:2]),
        decide=lambda seen, labels, ids, size: to_mask(labels, ids=ids, grid=seen.shape[:2], size=size),
        init=lambda _, labels, __: EchoState((labels,), (), 1),
        step=step,
        add_object=add_object,
    )
    monkeypatch.setattr("vosref.video.METHODS", ("tvos", "echo"))
    monkeypatch.setitem(sys.modules, "vosref.echo", echo)


def contents(folder, pattern="*.png"):
    """Bytes of the files of a folder, by name; hidden ones too where the pattern asks for them."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob(pattern))}


def plain(text):
    """Print of a terminal without colours, line ends and boxes."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m|[─-╿]", " ", text).split())
