"""Undo the rounding of the weights that come with vosref, to see what storing float16 costs.

    python .ci/rounding.py tvos OUT.safetensors
    vosref evaluate --run tvos --dataset davis2016 DAVIS_ROOT --set val --weights OUT.safetensors

Kernels that training left alone are again those that it started from. Of the others the float32 numbers are gone: each
is drawn evenly from those that float16 rounds to what is stored, as training's own was one.
"""

import argparse
from pathlib import Path

import numpy as np

from vosref import io, weights

STARTS = {"tvos": "lite0", "feelvos": "tvos-lite0"}


def main():
    """Write the method's weights in float32, every number one that float16 rounds to what ships."""
    parser = argparse.ArgumentParser()
    parser.add_argument("method", choices=STARTS)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    name = f"{arguments.method}-lite0"
    start, rng = weights.load(STARTS[arguments.method]), np.random.default_rng(arguments.seed)
    arrays, drawn = dict(weights.load(name)), 0
    for key in [key for key, array in arrays.items() if array.ndim > 1]:  # all others are stored in float32
        stored = arrays[key]
        if key in start and np.array_equal(start[key].astype(np.float16), stored):
            arrays[key] = start[key]
        else:
            arrays[key], drawn = unrounded(stored, rng), drawn + stored.size
    with io.atomic_path(arguments.out) as part:
        weights.write_safetensors(part, arrays, weights.header(name))
    print(f"{arguments.out}: {drawn:,} numbers drawn")  # noqa: T201


def unrounded(array, rng):
    """Draw float32 numbers, each from those that float16 rounds to an element of `array`."""
    half = array.astype(np.float16)
    below, above = (np.nextafter(half, half.dtype.type(end)).astype(np.float32) for end in (-np.inf, np.inf))
    low, high = (below + array) / 2, (above + array) / 2
    drawn = (low + (high - low) * rng.uniform(1e-3, 1 - 1e-3, array.shape)).astype(np.float32)
    np.testing.assert_array_equal(drawn.astype(np.float16), half)
    return drawn


if __name__ == "__main__":
    main()
