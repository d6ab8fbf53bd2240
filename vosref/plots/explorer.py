"""A page on which a pixel is clicked: its affinity to the reference frames, the prior, and the vote for its label.

The page needs nothing but itself: its data are JSON, its pictures data URIs, and its policy forbids it the network.
"""

from os import PathLike
from typing import TYPE_CHECKING

from vosref.io import InputError, write_text
from vosref.plots.affinity_sheets import central_pixel
from vosref.plots.explorer_data import page_data
from vosref.plots.pages import assembled, embedded

if TYPE_CHECKING:
    from vosref.runs.inspection import Inspection

__all__ = ["write_explorer"]

_SCRIPTS = ("data", "affinity", "references", "votes", "words", "main")


def write_explorer(
    path: str | PathLike[str],
    inspection: "Inspection",
    /,
    *,
    pixel: tuple[int, int] | None = None,
    budget: int = 100_000_000,
) -> None:
    """Write what TVOS sees at a frame as one HTML file to click in, the same bytes for the same input.

    The page holds the embeddings, and computes the affinity of whichever pixel is clicked and its vote as the
    configuration does. They are stored as 16-bit floats (`explorer_data.storage_error` bounds what that costs, and the
    page states it), which makes 20 MB of 480×854 video with nine reference frames and D = 112.

    Parameters
    ----------
    path : path
        The file to write.
    inspection : Inspection
        Of a frame by method "tvos".
    pixel : (int, int), optional
        Row and column of the pixel that is shown first; by default in the middle of the largest object.
    budget : int
        Bytes that the embeddings may take. Browsers give up on pages of some hundred MB; fewer dimensions would fit,
        but would not show what the run computed.

    Raises
    ------
    ValueError
        If the inspection is of another method, the pixel lies outside the frame, or an embedding is too large for
        16-bit floats.
    InputError
        If the embeddings exceed the budget, or the file cannot be written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from vosref.runs.inspection import inspect_frame
    >>> from vosref.samples import SAMPLES, render
    >>> frames, masks = render(SAMPLES["two-crossing"]._replace(n_frames=3, height=40, width=64))
    >>> with TemporaryDirectory() as folder:
    ...     page = Path(folder) / "explorer.html"
    ...     write_explorer(page, inspect_frame(frames, masks[0], 2))
    ...     page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    True
    """
    size, (n_pixels, dimension) = inspection.first_mask.shape, inspection.query.shape
    if pixel is None:
        pixel = central_pixel(inspection.visible)
    if not all(0 <= n < length for n, length in zip(pixel, size, strict=True)):
        raise ValueError(f"pixel must lie in the frame of {size[0]} rows and {size[1]} columns, got {pixel}")
    n_frames = len(inspection.references)
    stored = 8 * (1 + n_frames) * n_pixels * dimension // 3  # bytes: two a number, and four letters for three bytes
    if stored > budget:
        raise InputError(
            f"{path} would hold {stored / 1e6:.0f} MB of embeddings ({1 + n_frames} frames of {n_pixels} cells and "
            f"{dimension} dimensions), more than {budget / 1e6:g} MB; take smaller frames, fewer reference frames "
            "(n_sparse=0) or weights with a smaller embedding"
        )
    write_text(path, assembled("explorer_page", _SCRIPTS, data=embedded(page_data(inspection, pixel))))
