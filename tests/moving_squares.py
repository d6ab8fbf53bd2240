"""A source of clips for training that costs nothing: squares that move over noise, each frame from its place alone."""

import numpy as np

from vosref.train.footage import Clip


class Squares:
    """Videos whose objects, 1 and 2, move a pixel a frame; `frame_of` may replace a frame and its mask."""

    def __init__(self, *, n_videos=3, n_frames=8, size=(48, 56), frame_of=None):
        self.n_videos, self.n_frames, self.size = n_videos, n_frames, size
        self.frame_of = frame_of or self._frame

    def draw(self, rng, times, /, *, at_least):
        assert at_least <= self.n_frames
        video = int(rng.integers(self.n_videos))
        frames, masks = zip(*(self.frame_of(video, t) for t in times(self.n_frames, rng)), strict=True)
        return Clip(frames, masks, f"video {video}")

    def _frame(self, video, t):
        rng = np.random.default_rng([video, t])
        image, mask = rng.integers(0, 90, (*self.size, 3), np.uint8), np.zeros(self.size, np.uint8)
        for k, (top, left) in enumerate(((2 + t, 3 + 2 * t), (24 - t, 28 + video)), 1):
            image[top : top + 20, left : left + 20] += np.uint8(60 * k)
            mask[top : top + 20, left : left + 20] = k
        return image, mask


def marked(video, t):
    """A frame that says which it is: (t, row, column), with objects on the left and on the right."""
    rows, columns = np.indices((40, 40), np.uint8)
    mask = np.zeros((40, 40), np.uint8)
    mask[:, :16], mask[:, 28:] = 1, 2
    return np.stack([np.full_like(rows, t), rows, columns], 2), mask
