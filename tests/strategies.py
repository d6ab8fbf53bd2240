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
def masks(draw, *, max_side=12, ids=(0, 1, 2, 5)):
    """A mask (H, W) of uint8 ids."""
    shape = draw(st.integers(1, max_side)), draw(st.integers(1, max_side))
    return np.random.default_rng(draw(SEEDS)).choice(np.asarray(ids, np.uint8), shape)


@st.composite
def layers(draw, *, depthwise=False):
    """An image (H, W, C), a kernel, a bias and a stride."""
    height, width = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    channels, out, size = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.sampled_from([1, 3, 5]))
    rng = np.random.default_rng(draw(SEEDS))
    shape = (size, size, channels) if depthwise else (size, size, channels, out)
    bias = rng.standard_normal(shape[-1])
    return rng.standard_normal((height, width, channels)), rng.standard_normal(shape), bias, draw(st.integers(1, 3))
