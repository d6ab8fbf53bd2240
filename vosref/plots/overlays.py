"""Objects tinted over their frames: one overlay, and a sheet of thumbnails."""

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont

from vosref.io import Frames
from vosref.plots.colours import object_colours

__all__ = ["contact_sheet", "overlay", "paired"]

_NARROWEST = 40  # pixels across a thumbnail, below which its caption has no room


def overlay(
    frame: ArrayLike,
    ids: ArrayLike,
    /,
    *,
    palette: ArrayLike | bytes | None = None,
    alpha: float = 0.5,
    outline: bool = True,
) -> NDArray[np.uint8]:
    """Tint every object of a frame in its colour, and draw its contour just inside it.

    Parameters
    ----------
    frame : array, shape (H, W, 3), uint8
    ids : array, shape (H, W)
        Object of every pixel, whole numbers in [0, 255]; 0 is background, which stays as it is.
    palette : bytes, or array of n × 3 values in [0, 255], optional
        Colours by id, such as `vosref.io.davis_palette()`; `object_colours` without it.
    alpha : float
        Share of the colour in the tint, in [0, 1].
    outline : bool
        Whether to draw the contour: in full colour, 1 pixel wide, and wider with the frame (2 at 480 rows).

    Returns
    -------
    array, shape (H, W, 3), uint8

    Raises
    ------
    ValueError
        If an argument has another shape, type or range, or `palette` has no colour for an id.
    """
    picture, objects = _checked(frame, ids)
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha must be in [0, 1], got {alpha}")
    colours = _colour_table(palette)
    if (highest := int(objects.max(initial=0))) >= len(colours):
        raise ValueError(f"palette must have a colour for id {highest}, got {len(colours)} colours")
    thickness = max(1, round(min(objects.shape) / 240)) if outline else 0
    return _tinted(picture, objects, colours, alpha=alpha, thickness=thickness)


def contact_sheet(
    frames: Frames | Sequence[ArrayLike],
    masks: Iterable[ArrayLike],
    /,
    *,
    columns: int = 5,
    rows: int = 2,
    width: int = 1200,
    labels: Sequence[str] | None = None,
) -> NDArray[np.uint8]:
    """Overlays of evenly picked frames, the first and the last among them, side by side over their captions.

    Parameters
    ----------
    frames, masks : T arrays each, shape (H, W, 3) and (H, W), uint8
        Gone through once, in order, one frame at a time; `frames` has a length.
    columns, rows : int
        Thumbnails across and, at most, down.
    width : int
        Pixels across the sheet, which may be up to `columns` pixels narrower; 40 or more a column.
    labels : sequence of T str, optional
        Captions; the numbers of the frames without it.

    Returns
    -------
    array, shape (h, w, 3), uint8

    Raises
    ------
    ValueError
        If the frames, masks or labels differ in number, there is none, or a frame has another shape than the first.
    """
    if min(columns, rows) < 1 or width < _NARROWEST * columns:
        raise ValueError(
            f"columns and rows must be 1 or more and width {_NARROWEST} a column, got {columns}, {rows} and {width}"
        )
    captions = [f"frame {t}" for t in range(len(frames))] if labels is None else labels
    if not len(captions) == len(frames) >= 1:
        raise ValueError(f"frames must be 1 or more, and labels as many, got {len(frames)} and {len(captions)}")
    n_tiles = min(len(frames), columns * rows)
    picked = set(np.rint(np.linspace(0, len(frames) - 1, n_tiles)).astype(int).tolist())
    columns, gutter = min(columns, n_tiles), max(2, width // 200)
    across = (width - gutter * (columns - 1)) // columns
    pairs = enumerate(paired(frames, masks))
    return _sheet([_thumbnail(*pair, captions[t], across) for t, pair in pairs if t in picked], columns, gutter)


def paired(frames: Iterable[ArrayLike], masks: Iterable[ArrayLike], /) -> Iterator[tuple[ArrayLike, ArrayLike]]:
    """Frames with their masks, one by one.

    Parameters
    ----------
    frames, masks : iterables of arrays

    Yields
    ------
    (array, array)

    Raises
    ------
    ValueError
        When one comes to its end before the other.
    """
    for t, (frame, ids) in enumerate(itertools.zip_longest(frames, masks)):
        if frame is None or ids is None:
            raise ValueError(f"masks must be as many as frames, got {t} {'frames' if frame is None else 'masks'} only")
        yield frame, ids


def _checked(frame: ArrayLike, ids: ArrayLike) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return a frame and its ids as arrays, or raise ValueError."""
    picture, objects = np.asarray(frame), np.asarray(ids)
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise ValueError(f"frame must be uint8 of shape (H, W, 3), got {picture.dtype} of shape {picture.shape}")
    if objects.shape != picture.shape[:2] or not objects.size:
        raise ValueError(f"ids must have the shape of the frame, {picture.shape[:2]}, got {objects.shape}")
    if objects.dtype.kind not in "biu" or not 0 <= objects.min() <= objects.max() <= 255:
        found = f"{objects.dtype} from {objects.min()} to {objects.max()}"
        raise ValueError(f"ids must be whole numbers in [0, 255], got {found}")
    return picture, objects.astype(np.uint8)


def _colour_table(palette: ArrayLike | bytes | None) -> NDArray[np.uint8]:
    """Colour of every id, shape (n, 3)."""
    if palette is None:
        return object_colours(np.arange(256))
    values = np.frombuffer(palette, np.uint8) if isinstance(palette, bytes) else np.asarray(palette)
    if not values.size or values.size % 3 or values.min() < 0 or values.max() > 255:
        raise ValueError(f"palette must hold n × 3 values in [0, 255], got {values.size} values")
    return values.astype(np.uint8).reshape(-1, 3)


def _tinted(
    picture: NDArray[np.uint8], ids: NDArray[np.uint8], colours: NDArray[np.uint8], *, alpha: float, thickness: int
) -> NDArray[np.uint8]:
    """Tint, and draw the contours `thickness` pixels wide."""
    tinted, inside = picture.copy(), ids > 0
    share = np.float32(alpha)
    mixed = (1 - share) * picture[inside] + (share * colours)[ids[inside]]
    tinted[inside] = np.rint(mixed).astype(np.uint8)
    edge = inside & _near_another(ids, thickness)
    tinted[edge] = colours[ids[edge]]
    return tinted


def _near_another(ids: NDArray[np.uint8], radius: int) -> NDArray[np.bool_]:
    """Where another id lies within `radius` pixels; beyond the border of the frame there is none."""
    padded = np.pad(ids, radius, mode="edge")
    near = np.zeros(ids.shape, dtype=np.bool_)
    for down, right in itertools.product(range(2 * radius + 1), repeat=2):
        if math.hypot(down - radius, right - radius) < radius + 0.5:
            near |= padded[down : down + ids.shape[0], right : right + ids.shape[1]] != ids
    return near


def _thumbnail(frame: ArrayLike, ids: ArrayLike, caption: str, width: int) -> NDArray[np.uint8]:
    """Overlay `width` pixels wide with its caption below."""
    picture, objects = _checked(frame, ids)
    height = max(1, round(picture.shape[0] * width / picture.shape[1]))
    # The contour is drawn 2 pixels wide at twice the size, then halved: 1 smooth pixel, whatever the frame's size.
    twice = (2 * width, 2 * height)
    large = np.asarray(Image.fromarray(picture).resize(twice, Image.Resampling.LANCZOS))
    large_ids = np.asarray(Image.fromarray(objects).resize(twice, Image.Resampling.NEAREST))
    tinted = _tinted(large, large_ids, _colour_table(None), alpha=0.5, thickness=2)
    size = min(max(11, width // 15), 20)  # pixels a line of the caption
    tile = Image.new("RGB", (width, height + round(1.5 * size)), "white")
    tile.paste(Image.fromarray(tinted).reduce(2))
    middle = (width / 2, height + 0.75 * size)
    ImageDraw.Draw(tile).text(middle, caption, fill="#404040", font=ImageFont.load_default(size), anchor="mm")
    return np.asarray(tile)


def _sheet(tiles: list[NDArray[np.uint8]], columns: int, gutter: int) -> NDArray[np.uint8]:
    """Lay tiles of one shape out in rows, on white."""
    shapes = {tile.shape for tile in tiles}
    if len(shapes) > 1:
        raise ValueError(f"frames must all have one shape, got thumbnails of {sorted(shapes)}")
    height, width, _ = tiles[0].shape
    n_rows = -(-len(tiles) // columns)
    sheet = np.full((n_rows * (height + gutter), columns * (width + gutter), 3), 255, dtype=np.uint8)
    for n, tile in enumerate(tiles):
        top, left = n // columns * (height + gutter), n % columns * (width + gutter)
        sheet[top : top + height, left : left + width] = tile
    return sheet[:-gutter, :-gutter]
