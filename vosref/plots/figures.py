"""A matplotlib figure and its PNG file: the same bytes on every run, whatever the user's style, and no pyplot."""

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vosref.io import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["LINES", "open_figure"]

# The style of plots of lines over an axis.
LINES: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # travels with matplotlib: the same letters on every machine
    "font.size": 12.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "0.5",
    "axes.titlepad": 10.0,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "0.9",
    "legend.frameon": False,
    "legend.fontsize": 11.0,
}


@contextmanager
def open_figure(
    path: str | PathLike[str], size: tuple[float, float], style: dict[str, Any], /, **options: Any
) -> Iterator["Figure"]:
    """Open a figure of so many inches, which the end of the block saves.

    Parameters
    ----------
    path : path
        Ends in `.png`.
    size : (float, float)
        Width and height in inches.
    style : dict
        Settings of matplotlib beside its defaults.
    **options
        Of the figure.

    Raises
    ------
    ValueError
        If the path ends otherwise.
    """
    import matplotlib.style  # noqa: PLC0415 - heavy
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - heavy
    from matplotlib.figure import Figure  # noqa: PLC0415 - heavy

    if Path(path).suffix.lower() != ".png":
        raise ValueError(f"path must end in .png, got {Path(path).name!r}")
    with matplotlib.style.context(["default", style]):
        figure = Figure(figsize=size, **options)
        FigureCanvasAgg(figure)
        yield figure
        with atomic_path(path) as temporary:
            # The version that matplotlib would note as "Software" would make the bytes depend on it.
            figure.savefig(temporary, dpi=150, format="png", metadata={"Software": None})
