"""Inputs for the property tests, as NumPy arrays; `xp.asarray` takes them to a namespace."""

import numpy as np
from hypothesis import strategies as st

SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def graphs(draw, *, min_points=2, max_points=7):
    """A symmetric affinity (N, N) without isolated points, and one-hot labels (N, K), zero where there is none."""
    n, k, rng = draw(st.integers(min_points, max_points)), draw(st.integers(1, 3)), np.random.default_rng(draw(SEEDS))
    w = rng.uniform(0.05, 1.0, (n, n))
    labelled = rng.random(n) < 0.6
    labelled[0] = True
    return (w + w.T) / 2, np.eye(k)[rng.integers(0, k, n)] * labelled[:, None], labelled.astype(float)


@st.composite
def propagation_problems(draw, *, dtype=np.float64):
    """Query (P, D), references (F, P, D), one-hot labels (F, P, K), and options: grid, sigma, temperature."""
    grid = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    frames, dimension, n_labels = draw(st.integers(1, 3)), draw(st.integers(1, 6)), draw(st.integers(1, 3))
    rng, size = np.random.default_rng(draw(SEEDS)), draw(st.floats(0.1, 3.0))
    pixels = grid[0] * grid[1]
    query = size * rng.standard_normal((pixels, dimension))
    references = size * rng.standard_normal((frames, pixels, dimension))
    labels = np.eye(n_labels)[rng.integers(0, n_labels, (frames, pixels))]
    sigma = tuple(draw(st.sampled_from([1.5, 8.0, 21.0])) for _ in range(frames))
    options = {"grid": grid, "sigma": sigma, "temperature": draw(st.floats(0.1, 5.0))}
    return query.astype(dtype), references.astype(dtype), labels.astype(dtype), options


@st.composite
def matching_problems(draw, *, dtype=np.float64, max_pixels=7):
    """Query (P, D), reference (R, D), one-hot labels (R, K): rows may be zero, and objects without a pixel."""
    p, r = draw(st.integers(1, max_pixels)), draw(st.integers(1, max_pixels))
    return _matched(draw, p, r, dtype)


@st.composite
def window_problems(draw, *, dtype=np.float64):
    """Query and previous frame (P, D), labels (P, K) as above, and options: grid, window_radius."""
    grid = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    pixels = grid[0] * grid[1]
    return *_matched(draw, pixels, pixels, dtype), {"grid": grid, "window_radius": draw(st.integers(0, 5))}


def _matched(draw, p, r, dtype):
    dimension, k = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    rng, size, known = np.random.default_rng(draw(SEEDS)), draw(st.floats(0.1, 1.0)), draw(st.sampled_from([0.6, 1.0]))
    query, reference = (size * rng.standard_normal((n, dimension)) for n in (p, r))
    labels = np.eye(k)[rng.integers(0, k, r)] * (rng.random(r) < known)[:, None]
    return query.astype(dtype), reference.astype(dtype), labels


@st.composite
def classified_pixels(draw):
    """Logits (P, K), multiples of 1/64 up to some size, and labels (P,)."""
    p, k, rng = draw(st.integers(1, 8)), draw(st.integers(1, 4)), np.random.default_rng(draw(SEEDS))
    logits = np.round(64 * draw(st.floats(0.1, 20.0)) * rng.standard_normal((p, k))) / 64
    return logits, rng.integers(0, k, p)


@st.composite
def cast_votes(draw):
    """Votes (P, K), whose rows sum to 1 or less and may hold zeros, and one-hot labels (P, K) with rows of zeros."""
    p, k, rng = draw(st.integers(1, 8)), draw(st.integers(1, 4)), np.random.default_rng(draw(SEEDS))
    votes = rng.random((p, k)) * (rng.random((p, k)) < draw(st.sampled_from([0.7, 1.0])))
    labels = np.eye(k)[rng.integers(0, k, p)] * (rng.random(p) < draw(st.sampled_from([0.6, 1.0])))[:, None]
    return votes / np.maximum(1, votes.sum(1, keepdims=True)), labels


@st.composite
def masks(draw, *, max_side=12, ids=(0, 1, 2, 5)):
    """A mask (H, W) of uint8 ids."""
    shape = draw(st.integers(1, max_side)), draw(st.integers(1, max_side))
    return np.random.default_rng(draw(SEEDS)).choice(np.asarray(ids, np.uint8), shape)


@st.composite
def layers(draw, *, depthwise=False, max_side=6):
    """An image (H, W, C), a kernel, a bias or None, and options: stride, dilation, padding, and groups if any."""
    height, width = draw(st.integers(1, max_side)), draw(st.integers(1, max_side))
    kernel = draw(st.sampled_from([(1, 1), (3, 3), (5, 5), (2, 3), (1, 4), (3, 1)]))
    options = {"stride": draw(st.integers(1, 3)), "dilation": draw(st.integers(1, 3)), "padding": draw(paddings())}
    if not fits((height, width), kernel, **options):
        options["padding"] = "same"
    rng, groups = np.random.default_rng(draw(SEEDS)), 1 if depthwise else draw(st.sampled_from([1, 1, 2, 3]))
    channels, out = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    shape = (*kernel, channels) if depthwise else (*kernel, channels, out * groups)
    image, bias = rng.standard_normal((height, width, channels * groups)), rng.standard_normal(shape[-1])
    options |= {} if depthwise else {"groups": groups}
    return image, rng.standard_normal(shape), draw(st.sampled_from([bias, None])), options


def paddings(most=3):
    """Each form in which padding is given."""
    pair = st.tuples(st.integers(0, most), st.integers(0, most))
    return st.one_of(st.just("same"), st.integers(0, most), st.tuples(pair, pair))


def fits(shape, kernel, *, stride, dilation, padding):
    """Tell whether the kernel fits the padded image."""
    if padding == "same":
        return True
    pads = ((padding, padding),) * 2 if isinstance(padding, int) else padding
    return all(n + sum(p) > dilation * (k - 1) for n, p, k in zip(shape, pads, kernel, strict=True))


@st.composite
def images(draw, *, max_side=7, max_channels=3):
    """An image (H, W, C)."""
    shape = draw(st.integers(1, max_side)), draw(st.integers(1, max_side)), draw(st.integers(1, max_channels))
    return np.random.default_rng(draw(SEEDS)).standard_normal(shape)


@st.composite
def pools(draw):
    """An image, and the options of a pool whose windows all meet it."""
    image, size, stride = draw(images()), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    padding = draw(paddings(size - 1))
    if not fits(image.shape[:2], (size, size), stride=stride, dilation=1, padding=padding):
        padding = "same"
    return image, {"size": size, "stride": stride, "padding": padding}
