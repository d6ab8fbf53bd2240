"""One frame looked into: a method is run up to it, and what it saw and decided there is kept."""

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from vosref.backend import Array
from vosref.labels import object_ids
from vosref.video import Step, method_named, walk

__all__ = ["Inspection", "ReferenceFrame", "inspect_frame"]


class Video(Protocol):
    """Frames that can be counted and gone through again: what `open_frames` returns, a list, an array (T, H, W, 3)."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Array]: ...


class ReferenceFrame(NamedTuple):
    """A frame that TVOS looked at."""

    t: int
    sigma: float  # width of the spatial term, in cells
    embedding: Array  # (P, D)
    labels: Array  # (P, K), as the step saw them


class Inspection(NamedTuple):
    """A frame, what was before it, and what the method saw in it."""

    frames: Mapping[int, Array]  # by number, ascending: the frames that were looked at, t itself last; (H, W, 3) uint8
    names: tuple[str, ...]  # of all frames of the video
    first_mask: Array  # (H, W)
    method: str
    config: Any
    before: Step  # the loop's, of the frame before
    step: Step  # and of the frame
    grid: tuple[int, int]  # of the embedding: height and width in cells

    @property
    def t(self) -> int:
        """Number of the frame."""
        return self.step.t

    @property
    def name(self) -> str:
        """Name of the frame."""
        return self.names[self.t]

    @property
    def ids(self) -> tuple[int, ...]:
        """Ids of the K columns of all labels, background 0 in front."""
        return object_ids(self.first_mask)

    @property
    def visible(self) -> Array:
        """Mask of the frame, or the first one where no object is left: where there is something to look at."""
        return self.step.mask if self.step.mask.any() else self.first_mask

    @property
    def title(self) -> str:
        """What ran, and at which frame."""
        nearest = getattr(self.config, "decision", "") == "nearest"  # by matching alone, which is not FEELVOS
        return f"{'Nearest neighbour' if nearest else self.method.upper()} at frame {self.name}"

    @property
    def query(self) -> Array:
        """TVOS's embedding of the frame, (P, D)."""
        self._must_be_of_tvos("query")
        return self.step.state.embeddings[-1]

    @property
    def references(self) -> tuple[ReferenceFrame, ...]:
        """The frames that TVOS looked at, oldest first."""
        self._must_be_of_tvos("references")
        past, info = self.before.state, self.step.info
        oldest = self.t - len(past.embeddings)
        return tuple(
            ReferenceFrame(frame, sigma, past.embeddings[frame - oldest], past.labels[frame - oldest])
            for frame, sigma in zip(info.frames, info.sigma, strict=True)
        )

    def cell(self, pixel: tuple[int, int], /) -> tuple[int, int]:
        """Return the row and column of the cell in which a pixel (row, column) lies."""
        sizes = zip(pixel, self.grid, self.first_mask.shape, strict=True)
        row, column = (int((n + 0.5) * cells / length) for n, cells, length in sizes)
        return row, column

    def _must_be_of_tvos(self, name: str) -> None:
        if self.method != "tvos":
            raise ValueError(f"only an inspection of method 'tvos' has {name}, got one of {self.method!r}")


def inspect_frame(
    frames: Video,
    first_mask: Array,
    t: int,
    /,
    *,
    method: str = "tvos",
    config: Any = None,
    progress: Callable[[int], None] | None = None,
) -> Inspection:
    """Run a method up to frame t, and keep what it saw and decided there.

    Parameters
    ----------
    frames : sequence of array of uint8, shape (H, W, 3), or what `open_frames` returns
        RGB; gone through twice, one frame at a time.
    first_mask : array of integers, shape (H, W)
        Object ids 0 to 254 of frame 0.
    t : int
        Number of the frame, 1 or more.
    method : str
        One of `METHODS`.
    config : NamedTuple, optional
        The method's configuration; its released one if not given.
    progress : callable, optional
        Called with the number of frames that are done.

    Returns
    -------
    Inspection

    Raises
    ------
    ValueError
        If t is not the number of a frame after the first.
    TypeError
        If the configuration is another method's.

    Examples
    --------
    >>> from vosref.samples import SAMPLES, render
    >>> frames, masks = render(SAMPLES["two-crossing"]._replace(n_frames=3, height=40, width=64))
    >>> at = inspect_frame(frames, masks[0], 2)
    >>> at.title, at.grid, at.ids
    ('TVOS at frame 00002', (5, 8), (0, 1, 6))
    >>> [(reference.t, reference.sigma, reference.embedding.shape) for reference in at.references]
    [(0, 8.0, (40, 112)), (1, 8.0, (40, 112))]
    """
    if not 1 <= t < len(frames):
        raise ValueError(f"t must be 1 to {len(frames) - 1}, a frame after the first, got {t}")
    system = method_named(method)
    config = system.CONFIGS["released"]() if config is None else config
    steps: deque[Step] = deque(maxlen=2)
    for after in walk(itertools.islice(frames, t + 1), first_mask, method=method, config=config):
        steps.append(after)
        if progress is not None:
            progress(after.t + 1)
    before, step = steps
    wanted = {*getattr(step.info, "frames", ()), t - 1, t}
    looked_at = {n: frame for n, frame in enumerate(itertools.islice(frames, t + 1)) if n in wanted}
    view = system.embedding(system.prepare(config), looked_at[t], config)
    grid = getattr(view, "embedding", view).shape[:2]
    names = getattr(frames, "names", None) or tuple(f"{n:05d}" for n in range(len(frames)))
    return Inspection(looked_at, names, first_mask, method, config, before, step, grid)
