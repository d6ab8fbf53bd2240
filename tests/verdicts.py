"""Tiny results and truth on disk, right or spoilt in one place, for the tests of evaluations."""

import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from vosref.io import davis_palette

SIZE = (12, 16)
NAMES = ("bear", "dog")
N = 6


def masks(seed=0, *, n=N, ids=(1, 2)):
    """Return a drifting block for each object."""
    frames = np.zeros((n, *SIZE), np.uint8)
    for t in range(n):
        for i, k in enumerate(ids):
            top, left = (seed + 5 * i + t) % 8, (3 + 7 * i + t) % 12
            frames[t, top : top + 4, left : left + 4] = k
    return frames


def write(folder, frames, *, names=None, mode="P"):
    """Write masks as palette PNGs, or, with mode L, as grey ones."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for t, frame in enumerate(frames):
        image = Image.fromarray(frame)
        if mode == "P":
            image.putpalette(davis_palette())
        image.save(folder / f"{names[t] if names else f'{t:05d}'}.png")
    return folder


def results_and_truth(folder, *, shift=1):
    """Write two sequences of truth, and predictions that are a little off."""
    for n, name in enumerate(NAMES):
        truth = masks(n)
        write(Path(folder) / "truth" / name, truth)
        write(Path(folder) / "results" / name, np.roll(truth, shift, axis=2))
    return Path(folder) / "results", Path(folder) / "truth"


def zipped(folder, archive, *, inside=""):
    """Pack a folder, under one more folder of the name `inside`."""
    with zipfile.ZipFile(archive, "w") as z:
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file():
                z.write(path, Path(inside) / path.relative_to(folder))
    return archive
