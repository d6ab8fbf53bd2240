"""Rendered clips as a source: several objects with exact masks, drawn from a seed, rendered when first asked for.

Creatures over a sea bed are no photographs. What they teach is to tell one object from the next, and to follow what
turns, stretches, hides and leaves the picture.
"""

import threading

import numpy as np

from vosref.io import InputError
from vosref.samples import render
from vosref.samples.painting import Creature, Rgb, Scene
from vosref.train.footage import Clip, Times

__all__ = ["Rendered", "draw_scene"]

PATTERNS = ("stripes", "patches", "spots")
LEAST_CONTRAST = 90  # sum of the differences of red, green and blue


class Rendered:
    """A pool of rendered clips.

    Parameters
    ----------
    seed : int
        Of all scenes; each is drawn and rendered from it and from its own number, so that threads change nothing.
    n_scenes : int
        Scenes that there are. They are held once they are rendered, 10 MB each at the default size.
    size : (int, int)
        Rows and columns of a frame.
    n_frames : int
        Of each clip.
    """

    def __init__(
        self, *, seed: int = 0, n_scenes: int = 24, size: tuple[int, int] = (240, 426), n_frames: int = 24
    ) -> None:
        if n_scenes < 1:
            raise ValueError(f"n_scenes must be 1 or more, got {n_scenes}")
        self.seed, self.n_scenes, self.size, self.n_frames = seed, n_scenes, size, n_frames
        self._held: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._lock = threading.Lock()

    def draw(self, rng: np.random.Generator, times: Times, /, *, at_least: int) -> Clip:
        """Draw a scene, and frames of it."""
        if at_least > self.n_frames:
            raise InputError(f"rendered clips have {self.n_frames} frames, and a snippet needs {at_least}")
        n = int(rng.integers(self.n_scenes))
        frames, masks = self._read(n)
        chosen = times(self.n_frames, rng)
        return Clip(tuple(frames[t] for t in chosen), tuple(masks[t] for t in chosen), f"rendered-{n}")

    def _read(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        with self._lock:  # a thread that asks for a scene waits for the one that renders it
            if n not in self._held:
                scene = draw_scene(np.random.default_rng([self.seed, n]), seed=n)
                height, width = self.size
                self._held[n] = render(scene._replace(height=height, width=width, n_frames=self.n_frames))
            return self._held[n]


def draw_scene(rng: np.random.Generator, /, *, seed: int = 0) -> Scene:
    """Draw a scene of two to four creatures, the last one in front.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws colours, shapes and paths.
    seed : int
        Of the textures.

    Returns
    -------
    Scene
        Its objects are 1, 2 and so on.
    """
    creatures = tuple(_creature(rng, label) for label in range(1, int(rng.integers(2, 5)) + 1))
    return Scene(event="drawn", seed=seed, ground=_two_colours(rng), creatures=creatures)


def _creature(rng: np.random.Generator, label: int) -> Creature:
    """Draw a creature that begins in the picture, and may leave it."""
    start, end, control = rng.uniform(0.15, 0.85, 2), rng.uniform(-0.05, 1.05, 2), rng.uniform(0.1, 0.9, 2)
    return Creature(
        label=label,
        radius=float(rng.uniform(0.12, 0.27)),
        path=tuple((float(x), float(y)) for x, y in (start, control, end)),  # type: ignore[arg-type]
        lobes=int(rng.integers(2, 6)),
        reach=float(rng.uniform(0.04, 0.2)),
        spin=float(rng.uniform(-0.3, 0.3)),
        pattern=str(rng.choice(PATTERNS)),
        colours=_two_colours(rng),
    )


def _two_colours(rng: np.random.Generator) -> tuple[Rgb, Rgb]:
    """Draw two colours that can be told apart."""
    while True:
        first, second = rng.integers(30, 241, (2, 3)).tolist()
        if sum(abs(a - b) for a, b in zip(first, second, strict=True)) >= LEAST_CONTRAST:
            return tuple(first), tuple(second)
