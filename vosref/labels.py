"""Masks ↔ one-hot ↔ strided grid: the one home for every change of form of a label.

A mask is (H, W) of object ids; `ids` lists those that count, background 0 first. Labels on the feature grid are (P, K),
P = h·w pixels in row-major order, K = len(ids) columns in the order of `ids`.
"""

from vosref.backend import array_namespace, device
from vosref.resize import resize_bilinear, resize_nearest

__all__ = ["harden", "object_ids", "to_grid", "to_mask", "upsample"]


def object_ids(mask, /):
    """List the ids in a mask, ascending, with background 0 in front whether or not any pixel has it.

    Examples
    --------
    >>> import numpy as np
    >>> import vosref
    >>> vosref.object_ids(np.array([[6, 1], [6, 6]]))
    (0, 1, 6)
    """
    xp = array_namespace(mask)
    present = xp.unique_values(mask)
    return tuple(sorted({0} | {int(present[i]) for i in range(present.shape[0])}))


def to_grid(mask, /, *, ids, grid, dtype=None, nearest=False):
    """Bring a mask to the feature grid: one-hot, and bilinear, where labels stay soft, or by the nearest pixel.

    TVOS resizes bilinearly [specs TVOS §2.2], FEELVOS by the nearest pixel with aligned corners [specs FEELVOS §1.1].

    Parameters
    ----------
    mask : array, shape (H, W)
        Integer ids; pixels of ids not in `ids` belong to no column.
    ids : sequence of int
        The K ids, background included.
    grid : (int, int)
        Height h and width w of the feature grid.
    dtype : data type, optional
        Floating-point type of the result; float32 if not given.
    nearest : bool
        Take the nearest pixel's label instead of a mean.

    Returns
    -------
    array, shape (h * w, K)
        In [0, 1]; rows sum to 1 where every pixel of the mask has one of the `ids`.

    Examples
    --------
    Two by four pixels on a grid of one by two: the left cell is background, the right one half of object 6.

    >>> import numpy as np
    >>> import vosref
    >>> mask = np.array([[0, 0, 0, 6], [0, 0, 0, 6]])
    >>> vosref.to_grid(mask, ids=(0, 6), grid=(1, 2), dtype=np.float64)
    array([[1. , 0. ],
           [0.5, 0.5]])
    """
    xp = array_namespace(mask)
    dtype = xp.float32 if dtype is None else dtype
    if nearest:
        mask = resize_nearest(mask[:, :, None], size=grid)[:, :, 0]
    columns = [resize_bilinear(xp.astype(mask == k, dtype)[:, :, None], size=grid) for k in ids]
    return xp.reshape(xp.concat(columns, axis=2), (grid[0] * grid[1], len(ids)))


def harden(labels, /):
    """Replace each pixel's labels by the one-hot of its largest; ties go to the first column.

    Parameters
    ----------
    labels : array, shape (P, K)

    Returns
    -------
    array, shape (P, K)
        Zeros and ones, one 1 a row.

    Examples
    --------
    >>> import numpy as np
    >>> import vosref
    >>> vosref.harden(np.array([[0.2, 0.8], [0.5, 0.5]]))
    array([[0., 1.],
           [1., 0.]])
    """
    xp = array_namespace(labels)
    columns = xp.arange(labels.shape[1], dtype=xp.int64, device=device(labels))
    return xp.astype(xp.astype(xp.argmax(labels, axis=1), xp.int64)[:, None] == columns[None, :], labels.dtype)


def upsample(labels, /, *, grid, size, align_corners=False):
    """Bring labels from the feature grid to video resolution, bilinearly [specs TVOS §2.5, FEELVOS §6].

    Parameters
    ----------
    labels : array, shape (h * w, K)
    grid, size : (int, int)
        Height and width of the feature grid and of the video.
    align_corners : bool
        As for `resize.resize_bilinear`: False for TVOS, True for FEELVOS.

    Returns
    -------
    array, shape (H, W, K)

    Examples
    --------
    >>> import numpy as np
    >>> import vosref
    >>> labels = np.array([[0.0], [1.0]])  # of one object, on a grid of one by two
    >>> vosref.upsample(labels, grid=(1, 2), size=(1, 4))[:, :, 0]
    array([[0.  , 0.25, 0.75, 1.  ]])
    >>> vosref.upsample(labels, grid=(1, 2), size=(1, 5), align_corners=True)[:, :, 0]
    array([[0.  , 0.25, 0.5 , 0.75, 1.  ]])
    """
    xp = array_namespace(labels)
    values = xp.reshape(labels, (grid[0], grid[1], labels.shape[1]))
    return resize_bilinear(values, size=size, align_corners=align_corners)


def to_mask(labels, /, *, ids, grid, size, align_corners=False):
    """Upsample labels and take each pixel's largest; ties go to the id listed first.

    One column at a time is at video resolution, so the memory does not grow with the number of objects.

    Parameters
    ----------
    labels : array, shape (h * w, K)
    ids : sequence of int
        The K ids, each 0 to 254.
    grid, size : (int, int)
        Height and width of the feature grid and of the video.
    align_corners : bool
        As for `upsample`.

    Returns
    -------
    array of uint8, shape (H, W)

    Examples
    --------
    >>> import numpy as np
    >>> import vosref
    >>> vosref.to_mask(np.eye(2), ids=(0, 6), grid=(1, 2), size=(2, 4))
    array([[0, 0, 6, 6],
           [0, 0, 6, 6]], dtype=uint8)
    """
    xp = array_namespace(labels)
    if len(ids) != labels.shape[1]:
        raise ValueError(f"ids must name the {labels.shape[1]} columns of labels, got {len(ids)} ids")
    options = {"grid": grid, "size": size, "align_corners": align_corners}
    best = upsample(labels[:, :1], **options)
    mask = xp.full(best.shape, ids[0], dtype=xp.uint8, device=device(labels))
    for k in range(1, len(ids)):
        candidate = upsample(labels[:, k : k + 1], **options)
        better = candidate > best
        best = xp.where(better, candidate, best)
        mask = xp.where(better, xp.full_like(mask, ids[k]), mask)
    return mask[:, :, 0]
