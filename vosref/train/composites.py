"""Videos with several objects, made of videos with one: what is object in one is pasted over the other, frame by frame.

A mask of foreground and background teaches no network to tell one object from the next. The pasted object keeps its own
motion, is turned or not, made smaller or not, and begins where chance puts it; what it covers is covered.
"""

import numpy as np

from vosref.train.footage import VOID, Clip, Source, Times, resized

__all__ = ["Composites"]


class Composites:
    """Clips of a source with objects of other clips of it in front.

    Parameters
    ----------
    source : Source
        Of the background, and of what is pasted.
    most : int
        Clips pasted on one, 1 to so many.
    scales : (float, float)
        Range of the factor by which what is pasted is resized.
    """

    def __init__(self, source: Source, /, *, most: int = 2, scales: tuple[float, float] = (0.5, 1.2)) -> None:
        self._source, self._most, self._scales = source, most, scales

    def draw(self, rng: np.random.Generator, times: Times, /, *, at_least: int) -> Clip:
        """Draw a background and what is pasted on it; ids follow one another."""
        clip = self._source.draw(rng, times, at_least=at_least)
        for _ in range(rng.integers(1, self._most + 1)):
            clip = self._pasted(clip, self._source.draw(rng, times, at_least=at_least), rng)
        return clip

    def _pasted(self, under: Clip, over: Clip, rng: np.random.Generator) -> Clip:
        scale, mirrored = rng.uniform(*self._scales), rng.random() < 0.5
        place = rng.random(2)  # of the middle of the pasted object in its first frame
        highest = max((int(m[m != VOID].max(initial=0)) for m in under.masks), default=0)
        frames, masks, shift = [], [], None
        for image, ids, new_image, new_ids in zip(under.frames, under.masks, over.frames, over.masks, strict=True):
            height, width = (max(1, int(n * scale)) for n in new_ids.shape)
            step = slice(None, None, -1 if mirrored else 1)
            new_image, new_ids = resized(new_image[:, step], new_ids[:, step], (height, width))  # noqa: PLW2901
            shown = (new_ids > 0) & (new_ids != VOID)
            if shift is None and shown.any():
                centre = np.array([np.mean(axis) for axis in np.nonzero(shown)])
                shift = np.rint(place * ids.shape - centre).astype(int)
            image, ids = _paste(image, ids, new_image, new_ids, shown, shift, highest)  # noqa: PLW2901
            frames.append(image)
            masks.append(ids)
        return Clip(tuple(frames), tuple(masks), f"{under.name}+{over.name}")


def _paste(image, ids, new_image, new_ids, shown, shift, highest):
    """Put the shown pixels of one frame, moved by `shift`, over another; only the box around them is touched."""
    if shift is None or not shown.any() or highest + int(new_ids[shown].max()) >= VOID:
        return image, ids
    rows, columns = (np.flatnonzero(shown.any(axis)) for axis in (1, 0))
    box = []
    for d, n, found in zip(shift, ids.shape, (rows, columns), strict=True):
        first, last = max(int(found[0]), -int(d)), min(int(found[-1]) + 1, n - int(d))
        if first >= last:
            return image, ids
        box.append((slice(first, last), slice(first + int(d), last + int(d))))
    source, target = (tuple(pair[i] for pair in box) for i in (0, 1))
    image, ids, seen = image.copy(), ids.copy(), shown[source]
    image[target] = np.where(seen[:, :, None], new_image[source], image[target])
    ids[target] = np.where(seen, new_ids[source] + np.uint8(highest), ids[target])
    return image, ids
