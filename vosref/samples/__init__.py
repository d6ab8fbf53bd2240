"""Small video clips rendered from a seed, with exact masks: for the tests, the notebooks and `data_samples/`.

Rendering and writing them again gives the same bytes on every machine.
"""

import hashlib
import sys
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import numpy as np

from vosref.io import atomic_path, davis_palette
from vosref.samples.clip import Clip, open_clip
from vosref.samples.painting import Bytes, Creature, Scene, paint_scene
from vosref.samples.png import png

__all__ = ["SAMPLES", "Clip", "main", "open_clip", "render", "sample_path", "write_clip"]

SAMPLES: dict[str, Scene] = {
    "one-drifting": Scene(
        event="object 1 drifts along an arc and turns",
        seed=43,
        ground=((206, 184, 140), (120, 132, 108)),
        creatures=(
            Creature(
                label=1,
                radius=0.25,
                path=((0.32, 0.42), (0.48, 0.7), (0.64, 0.42)),
                lobes=5,
                reach=0.2,
                spin=0.3,
                pattern="spots",
                colours=((214, 98, 50), (238, 204, 146)),
            ),
        ),
    ),
    "two-crossing": Scene(
        event="object 6 crosses in front of object 1",
        seed=47,
        ground=((60, 120, 130), (150, 190, 170)),
        creatures=(
            Creature(
                label=1,
                radius=0.24,
                path=((0.3, 0.7), (0.5, 0.6), (0.66, 0.72)),
                lobes=2,
                reach=0.2,
                spin=0.2,
                pattern="stripes",
                colours=((40, 84, 168), (226, 184, 70)),
            ),
            Creature(
                label=6,
                radius=0.25,
                path=((0.69, 0.3), (0.5, 0.42), (0.34, 0.34)),
                lobes=3,
                reach=0.1,
                spin=-0.3,
                pattern="patches",
                colours=((226, 214, 192), (170, 44, 70)),
            ),
        ),
    ),
    "three-hiding": Scene(
        event="object 1 hides behind object 2 and comes back; object 3 leaves in part",
        seed=41,
        ground=((168, 140, 144), (222, 194, 164)),
        creatures=(
            Creature(
                label=1,
                radius=0.17,
                path=((0.18, 0.34), (0.41, 0.64), (0.66, 0.34)),
                lobes=2,
                reach=0.14,
                spin=-0.2,
                pattern="stripes",
                colours=((222, 182, 62), (70, 62, 70)),
            ),
            Creature(
                label=2,
                radius=0.28,
                path=((0.5, 0.44), (0.46, 0.54), (0.38, 0.56)),
                lobes=4,
                reach=0.06,
                spin=0.2,
                pattern="patches",
                colours=((60, 120, 84), (176, 190, 104)),
            ),
            Creature(
                label=3,
                radius=0.23,
                path=((0.82, 0.62), (0.88, 0.8), (1.01, 0.68)),
                lobes=4,
                reach=0.1,
                spin=0.3,
                pattern="spots",
                colours=((116, 70, 150), (226, 178, 206)),
            ),
        ),
    ),
}
"""The clips of `data_samples/`, by name."""


def render(scene: Scene | str, /, *, rng: np.random.Generator | None = None) -> tuple[Bytes, Bytes]:
    """Render a scene.

    Parameters
    ----------
    scene : Scene or str
        The scene, or its name in `SAMPLES`.
    rng : numpy.random.Generator, optional
        Draws textures and outlines; by default PCG64 seeded with ``scene.seed``.

    Returns
    -------
    frames, masks : array, shape (T, H, W, 3) and (T, H, W)
        uint8 RGB, averaged over 3 x 3 points a pixel; uint8 id of the front-most object at the pixel's centre, else 0.

    Raises
    ------
    ValueError
        If `SAMPLES` has no such name.

    Examples
    --------
    >>> import numpy as np
    >>> from vosref.samples import SAMPLES, render
    >>> frames, masks = render(SAMPLES["two-crossing"]._replace(n_frames=2, height=40, width=64))
    >>> frames.shape, masks.shape, np.unique(masks)
    ((2, 40, 64, 3), (2, 40, 64), array([0, 1, 6], dtype=uint8))
    """
    if isinstance(scene, str):
        scene = SAMPLES[_known(scene, argument="scene")]
    return paint_scene(scene, rng=np.random.Generator(np.random.PCG64(scene.seed)) if rng is None else rng)


def write_clip(folder: Path | str, frames: Bytes, masks: Bytes, /) -> list[Path]:
    """Write a clip as ``frames/00000.png`` (RGB) and ``masks/00000.png`` (ids, in the palette of DAVIS).

    Parameters
    ----------
    folder : path
        Made if absent. A file is written under another name first, so none is ever there in part.
    frames, masks : array, shape (T, H, W, 3) and (T, H, W)
        uint8.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    ValueError
        If the shapes do not belong together, or an array is not uint8.
    """
    if frames.ndim != 4 or frames.shape != (*masks.shape, 3):
        raise ValueError(f"frames must be (T, H, W, 3) and masks (T, H, W), got {frames.shape} and {masks.shape}")
    if frames.dtype != np.uint8 or masks.dtype != np.uint8:
        raise ValueError(f"frames and masks must be uint8, got {frames.dtype} and {masks.dtype}")
    files = []
    for kind, images, colours in (("frames", frames, b""), ("masks", masks, davis_palette())):
        target = Path(folder) / kind
        target.mkdir(parents=True, exist_ok=True)
        files += [_write(target / f"{t:05d}.png", png(image, palette=colours)) for t, image in enumerate(images)]
    return files


def sample_path(name: str, /) -> Path:
    """Find the folder of a clip: the one installed with vosref, else the one in its repository.

    Parameters
    ----------
    name : str
        Its name in `SAMPLES`.

    Returns
    -------
    Path
        The folder that holds ``frames`` and ``masks``.

    Raises
    ------
    ValueError
        If `SAMPLES` has no such name.
    FileNotFoundError
        If the clip is in neither place.

    Examples
    --------
    >>> from vosref.samples import sample_path
    >>> folder = sample_path("two-crossing")
    >>> len(list((folder / "frames").glob("*.png"))), len(list((folder / "masks").glob("*.png")))
    (24, 24)
    """
    package = Path(str(resources.files("vosref")))
    folders = [root / "data_samples" / _known(name, argument="name") for root in (package, package.parent)]
    for folder in folders:
        if (folder / "masks").is_dir():
            return folder
    raise FileNotFoundError(
        f"no clip at {folders[0]} or {folders[1]}: `python -m vosref.samples DIR` renders it to DIR"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Render every clip of `SAMPLES`, and write SHA256SUMS, into the folder named on the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.

    Returns
    -------
    int
        Exit status: 0, or 2 where there is not exactly one argument.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m vosref.samples DIR\n")
        return 2
    root = Path(arguments[0])
    files = {f.relative_to(root).as_posix(): f for name in SAMPLES for f in write_clip(root / name, *render(name))}
    sums = [f"{hashlib.sha256(files[name].read_bytes()).hexdigest()}  {name}\n" for name in sorted(files)]
    _write(root / "SHA256SUMS", "".join(sums).encode())
    return 0


def _known(name: str, *, argument: str) -> str:
    if name not in SAMPLES:
        raise ValueError(f"{argument} must be one of {', '.join(SAMPLES)}, got {name!r}")
    return name


def _write(file: Path, data: bytes) -> Path:
    with atomic_path(file) as part:
        part.write_bytes(data)
    return file
