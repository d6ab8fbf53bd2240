"""Scenes of soft creatures over a sea bed, and their painter, for `samples`.

Painting again gives the same pixels on every machine. So only what is specified exactly is computed: integers, and
float64 ``+ - * /``, square root and comparison, one at a time. Random numbers are the bit generator's raw output, which
NumPy promises to keep. `_surface` takes a point of the frame, in radii from a creature, to the creature's skin: a
texture on the unit disk, which turns and stretches with the outline.
"""

import math
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Rgb = tuple[int, int, int]
Point = tuple[float, float]


class Creature(NamedTuple):
    """One object of a scene; its lengths are fractions, so that a scene can be rendered at any size."""

    label: int  # id in the masks, 1 to 255
    radius: float  # of the frame's height
    path: tuple[Point, Point, Point]  # start, control and end of a Bézier curve, (x, y) of the frame
    lobes: int  # arms of the outline, 2 to 5
    reach: float  # how far the arms stand out, of the radius, 0 to 0.2
    spin: float  # tangent of half the angle it is turned by at the end; at the start it is turned as far the other way
    pattern: str  # "stripes" or "patches", else spots
    colours: tuple[Rgb, Rgb]


class Scene(NamedTuple):
    """A clip before it is rendered; the last creature is the front-most."""

    event: str
    seed: int
    ground: tuple[Rgb, Rgb]
    creatures: tuple[Creature, ...]
    height: int = 160  # pixels
    width: int = 288  # pixels
    n_frames: int = 24  # the same motion, cut finer or coarser


def paint_scene(scene: Scene, /, *, rng: np.random.Generator) -> tuple[Bytes, Bytes]:
    """Paint all frames of a scene, back to front.

    Parameters
    ----------
    scene : Scene
        What is seen.
    rng : numpy.random.Generator
        Draws textures and outlines.

    Returns
    -------
    frames, masks : array, shape (T, H, W, 3) and (T, H, W)
        uint8.
    """
    bodies = [_Body(creature, _skin(creature, rng), _uniform(rng, (4, 4))) for creature in scene.creatures]
    ground = _ground(scene, rng)  # the last to draw, for it draws more in a larger frame
    frames = np.empty((scene.n_frames, scene.height, scene.width, 3), dtype=np.uint8)
    masks = np.zeros(frames.shape[:3], dtype=np.uint8)
    for t in range(scene.n_frames):
        time = t / max(scene.n_frames - 1, 1)
        image = _panned(ground, time, scene)
        for body in bodies:
            _paint(image, masks[t], body, time)
        brightness = 1.0 + 0.06 * _sine(0.8 * time + 0.1)
        frames[t] = np.minimum(image * brightness + 0.5, 255.0)
    return frames, masks


class _Body(NamedTuple):
    creature: Creature
    skin: Floats  # (192, 192, 3), the colours of the square around the unit disk
    phases: Floats  # (4, 4), of the sway of the outline's harmonics


def _uniform(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Return numbers in [0, 1) from raw bits; what a Generator makes of the bits may change between releases."""
    raw = np.asarray(rng.bit_generator.random_raw(math.prod(shape)))
    return (raw % 65536).reshape(shape) / 65536.0


def _sine(turns: Floats | float) -> Floats:
    """Return sin(2π turns) to 0.001, by two parabolas."""
    z = 2.0 * (turns - np.floor(turns)) - 1.0
    bow = 4.0 * z * (np.abs(z) - 1.0)
    return bow + 0.225 * (bow * np.abs(bow) - bow)


def _step(x: Floats, low: float, high: float) -> Floats:
    """Return 0 below `low`, 1 above `high`, and a smooth rise between."""
    f = np.minimum(np.maximum((x - low) / (high - low), 0.0), 1.0)
    return f * f * (3.0 - 2.0 * f)


def _spline(knots: Floats, n: int, cell: float) -> Floats:
    """Return a cubic B-spline along the first axis at n points, `cell` points from knot to knot."""
    x = np.arange(n) / cell
    i = x.astype(np.int64)
    f = (x - i)[:, None]
    g = 1.0 - f
    outer = g * g * g * knots[i] + f * f * f * knots[i + 3]
    return (
        outer + (4.0 - 3.0 * f * f * (1.0 + g)) * knots[i + 1] + (4.0 - 3.0 * g * g * (1.0 + f)) * knots[i + 2]
    ) / 6.0


def _noise(rng: np.random.Generator, height: int, width: int, cell: float, octaves: int) -> Floats:
    """Return smooth noise about 0, each octave half as coarse and half as strong as the one before."""
    total = np.zeros((height, width))
    for scale in (1 << octave for octave in range(octaves)):
        size = cell / scale
        knots = _uniform(rng, (int(height / size) + 4, int(width / size) + 4)) - 0.5
        total += _spline(_spline(knots, height, size).T, width, size).T / scale
    return total


def _mix(colours: tuple[Rgb, Rgb], share: Floats, light: Floats) -> Floats:
    first, second = (np.asarray(colour, dtype=np.float64) for colour in colours)
    return (first + (second - first) * share[..., None]) * light[..., None]


def _ground(scene: Scene, rng: np.random.Generator) -> Floats:
    """Return rippled sand under a web of light, an eighth larger than the frame for the camera to pan over."""
    h, w, unit = scene.height * 9 // 8 + 2, scene.width * 9 // 8 + 2, scene.height / 160.0
    broad, web, fine = (_noise(rng, h, w, cell * unit, n) for cell, n in ((56, 3), (32, 2), (9, 1)))
    y, x = np.arange(h)[:, None] / h, np.arange(w)[None, :] / w
    web = 1.0 - _step(np.abs(web), 0.0, 0.1)
    light = 1.0 + 0.06 * _sine(9.0 * y + 3.0 * x + 3.0 * broad) + 0.14 * web * web + 0.14 * fine
    return _mix(scene.ground, _step(broad + 0.35 * (y - 0.5), -0.45, 0.45), light)


def _panned(ground: Floats, time: float, scene: Scene) -> Floats:
    for axis, n, start in ((0, scene.height, time * scene.height / 16.0), (1, scene.width, time * scene.width / 8.0)):
        whole = np.arange(n) + int(start)
        first, second = np.take(ground, whole, axis), np.take(ground, whole + 1, axis)
        ground = first + (second - first) * (start - int(start))
    return ground


def _skin(creature: Creature, rng: np.random.Generator) -> Floats:
    """Return the creature's texture: two colours in a pattern, roughened."""
    v, u = np.meshgrid(np.arange(192) / 96.0 - 1.0, np.arange(192) / 96.0 - 1.0, indexing="ij")
    rough, fine = _noise(rng, 192, 192, 40.0, 3), _noise(rng, 192, 192, 9.0, 2)
    if creature.pattern == "stripes":
        share = _step(_sine(2.2 * u + 0.2 * v + 0.5 * rough), -0.35, 0.35)
    elif creature.pattern == "patches":
        share = _step(_noise(rng, 192, 192, 24.0, 1), -0.02, 0.08)
    else:
        y = 4.0 * v + 4.0
        x = 4.0 * u + 4.0 + 0.5 * (np.floor(y) % 2.0)
        jitter = (_uniform(rng, (2, 8, 9)) * 0.4 + 0.3)[:, y.astype(np.int64), x.astype(np.int64)]
        dy, dx = y - np.floor(y) - jitter[0], x - np.floor(x) - jitter[1]
        share = 1.0 - _step(dx * dx + dy * dy, 0.03, 0.09)
    return _mix(creature.colours, share, 1.0 + 0.35 * rough + 0.3 * fine)


def _paint(image: Floats, mask: Bytes, body: _Body, time: float) -> None:
    """Paint a creature and its shadow over `image`, and its id over `mask`."""
    box, y, x = _window(mask.shape, body.creature, time)
    u, v, _, _ = _surface(x - 0.1, y - 0.2, body, time)
    image[box] *= (0.55 + 0.45 * _step(u * u + v * v, 0.55, 1.35))[..., None]
    cover, colour = np.zeros_like(u), np.zeros((*u.shape, 3))
    third = 1.0 / (3.0 * body.creature.radius * mask.shape[0])
    for i, j in product((-1, 0, 1), repeat=2):
        u, v, nx, ny = _surface(x + j * third, y + i * third, body, time)
        inside = u * u + v * v < 1.0
        cover += inside
        colour[inside] += _lit(_albedo(body.skin, u[inside], v[inside]), nx[inside], ny[inside])
        if i == j == 0:
            mask[box][inside] = body.creature.label
    image[box] = image[box] * (1.0 - cover / 9.0)[..., None] + colour / 9.0


def _window(shape: tuple[int, ...], creature: Creature, time: float) -> tuple[tuple[slice, slice], Floats, Floats]:
    """Return the part of the frame the creature can touch, and its pixels' y and x in radii from the creature."""
    radius = creature.radius * shape[0]
    (x0, y0), (x1, y1), (x2, y2) = creature.path
    a, b, c = (1.0 - time) * (1.0 - time), 2.0 * time * (1.0 - time), time * time
    centres = (a * y0 + b * y1 + c * y2) * shape[0], (a * x0 + b * x1 + c * x2) * shape[1]
    rows, columns = (
        slice(*(min(max(int(centre + side * radius), 0), size) for side in (-1.8, 1.8)))
        for centre, size in zip(centres, shape, strict=True)
    )
    y, x = ((np.arange(n.start, n.stop) - centre) / radius for n, centre in zip((rows, columns), centres, strict=True))
    return (rows, columns), y[:, None], x[None, :]


def _surface(x: Floats, y: Floats, body: _Body, time: float) -> tuple[Floats, ...]:
    """Return where points lie on the skin, whose unit disk is the creature, and how far its surface leans there."""
    h = body.creature.spin * (2.0 * time - 1.0)
    cos, sin = (1.0 - h * h) / (1.0 + h * h), 2.0 * h / (1.0 + h * h)
    u, v = x * cos + y * sin, y * cos - x * sin
    r = np.maximum(np.sqrt(u * u + v * v), 1e-6)
    cos_1, sin_1 = cos_k, sin_k = u / r, v / r
    outline = np.ones_like(r)
    for k, (a, b, c, d) in zip((2, 3, 4, 5), body.phases, strict=True):
        cos_k, sin_k = cos_k * cos_1 - sin_k * sin_1, sin_k * cos_1 + cos_k * sin_1
        still = body.creature.reach if k == body.creature.lobes else 0.0
        outline += (still + 0.18 / k * _sine(a + (0.6 + b) * time)) * cos_k
        outline += 0.18 / k * _sine(c + (0.6 + d) * time) * sin_k
    return u / outline, v / outline, x / outline, y / outline


def _albedo(skin: Floats, u: Floats, v: Floats) -> Floats:
    y, x = 95.0 * (v + 1.0), 95.0 * (u + 1.0)
    i, j = y.astype(np.int64), x.astype(np.int64)
    f, g = (y - i)[:, None], (x - j)[:, None]
    upper = skin[i, j] * (1.0 - g) + skin[i, j + 1] * g
    return upper * (1.0 - f) + (skin[i + 1, j] * (1.0 - g) + skin[i + 1, j + 1] * g) * f


def _lit(albedo: Floats, nx: Floats, ny: Floats) -> Floats:
    """Return the colour under a lamp at the upper left, with a soft gloss."""
    nz = np.sqrt(1.05 - np.minimum(nx * nx + ny * ny, 1.0))
    diffuse = np.maximum(0.72 * nz - 0.42 * nx - 0.55 * ny, 0.0)
    gloss = np.maximum(0.9 * nz - 0.24 * nx - 0.32 * ny, 0.0)
    for _ in range(5):
        gloss = gloss * gloss
    return albedo * (0.42 + 0.64 * diffuse)[:, None] + (45.0 * gloss)[:, None]
