"""Sources of made-up clips, and ways to choose frames, for the tests of training."""

import numpy as np
from hypothesis import strategies as st

from vosref.train.footage import VOID, Clip
from vosref.train.rendered import Rendered

SEEDS = st.integers(0, 2**31)


def generator(seed=0):
    return np.random.default_rng(seed)


def first_two(n_frames, rng):
    return 0, 1


def all_frames(n_frames, rng):
    return range(n_frames)


class Painted:
    """A source of random masks, whose frames have a colour for each clip and each id."""

    def __init__(self, *, size=(9, 13), n_frames=3, ids=(0, 1, 2, VOID)):
        self.size, self.n_frames, self.ids, self.drawn = size, n_frames, ids, 0

    def draw(self, rng, times, /, *, at_least):
        self.drawn += 1
        ids = rng.choice(self.ids, (self.n_frames, *self.size)).astype(np.uint8)
        frames = np.stack([np.full_like(ids, self.drawn), ids, np.full_like(ids, 7)], 3)
        for array in (frames, ids):
            array.flags.writeable = False
        chosen = times(self.n_frames, rng)
        return Clip(tuple(frames[t] for t in chosen), tuple(ids[t] for t in chosen), str(self.drawn))


def small_pool(**options):
    return Rendered(**{"n_scenes": 5, "size": (24, 40), "n_frames": 4, **options})
