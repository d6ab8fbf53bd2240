"""A video as the library sees it: names, one size, and frames that are read when they are asked for."""

import operator
from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

__all__ = ["Frame", "Frames"]

Frame = npt.NDArray[np.uint8]  # shape (H, W, 3), RGB, 0 to 255


class Frames(ABC):
    """The frames of one video, in order; only the one being read is in memory.

    Attributes
    ----------
    names : tuple of str
        One name a frame, without suffix: what its mask is called.
    size : tuple of int
        (height, width) in pixels, the same for every frame.
    """

    names: tuple[str, ...]
    size: tuple[int, int]

    @property
    def count(self) -> int:
        """The number of frames; opening has counted them, whatever a container claims."""
        return len(self.names)

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Frame]:
        return self.iterate()

    def __getitem__(self, index: int) -> Frame:
        """Read one frame. In a video this decodes everything before it, so iterate where you can."""
        t = operator.index(index)
        if not -len(self) <= t < len(self):
            raise IndexError(f"index must be below the {len(self)} frames, got {index}")
        return next(self.iterate(start=t % len(self)))

    def iterate(self, *, start: int = 0) -> Iterator[Frame]:
        """Read the frames from `start` to the end, each (H, W, 3) uint8 RGB.

        Raises
        ------
        ValueError
            If `start` is negative or above the number of frames.
        InputError
            While iterating, if a file has gone or broken since it was opened.
        """
        if not 0 <= start <= len(self):
            raise ValueError(f"start must be 0 to the {len(self)} frames, got {start}")
        return self._read_from(start)

    @abstractmethod
    def _read_from(self, start: int) -> Iterator[Frame]: ...
