"""A matplotlib figure and its PNG file: the same bytes on every run, whatever the user's style, and no pyplot."""

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vosref.io import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["LINES", "open_figure", "styled_figure", "write_png"]

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
def styled_figure(size: tuple[float, float], style: dict[str, Any], /, **options: Any) -> Iterator["Figure"]:
    """Open a figure of so many inches; until the block ends matplotlib has this style over its defaults.

    Parameters
    ----------
    size : (float, float)
        Width and height in inches.
    style : dict
        Settings of matplotlib beside its defaults.
    **options
        Of the figure.
    """
    import matplotlib.style  # noqa: PLC0415 - heavy
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - heavy
    from matplotlib.figure import Figure  # noqa: PLC0415 - heavy

    with matplotlib.style.context(["default", style]):
        figure = Figure(figsize=size, **options)
        FigureCanvasAgg(figure)
        yield figure


@contextmanager
def open_figure(
    path: str | PathLike[str], size: tuple[float, float], style: dict[str, Any], /, **options: Any
) -> Iterator["Figure"]:
    """Open a figure of so many inches, which the end of the block saves.

    Parameters
    ----------
    path : path
        Ends in `.png`.
    size, style, **options
        As for `styled_figure`.

    Raises
    ------
    ValueError
        If the path ends otherwise.
    """
    if Path(path).suffix.lower() != ".png":
        raise ValueError(f"path must end in .png, got {Path(path).name!r}")
    with styled_figure(size, style, **options) as figure:
        yield figure
        with atomic_path(path) as temporary:
            write_png(figure, temporary, dots_per_inch=150)


def write_png(figure: "Figure", file: Any, /, *, dots_per_inch: int) -> None:
    """Write a figure as PNG to a path or an open file, the same bytes on every run."""
    # The version that matplotlib would note as "Software" would make the bytes depend on it.
    figure.savefig(file, dpi=dots_per_inch, format="png", metadata={"Software": None})
