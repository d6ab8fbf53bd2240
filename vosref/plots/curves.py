"""Scores over the frames and over a parameter, as PNG files that are the same bytes on every run."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vosref.plots.colours import object_colours
from vosref.plots.figures import LINES, open_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_curve", "plot_scores"]

_SPARSE = 30  # points; fewer are marked one by one, for the eye takes a line as dense
_ROWS = 13  # of the legend in a column
_LISTED = 2 * _ROWS - 4  # objects, beside three lines of heading and one of rest: a third column would leave no room


def plot_scores(
    path: str | PathLike[str],
    names: Sequence[str],
    scores: Mapping[int, tuple[ArrayLike, ArrayLike]],
    /,
    *,
    title: str = "",
) -> None:
    """Draw J and F of every object over the frames, in the colour of the object, with their means beside.

    Parameters
    ----------
    path : path
        Ends in `.png`.
    names : sequence of T str
        Names of the frames.
    scores : mapping of int to (J, F), arrays of shape (T,)
        Scores in [0, 1] by object id; NaN where a frame has no truth: curve and mean pass over it.
    title : str

    Raises
    ------
    ValueError
        If there is no object, its scores are not as many as the names, or the path ends otherwise.
    """
    from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: PLC0415 - heavy

    if not scores:
        raise ValueError("scores must hold at least one object, got none")
    ticks = [str(int(name)) if name.isdecimal() else name for name in names]
    with _axes(path, (8, 3.5), title) as axes:
        for style, width, name in (("-", 2.2, "J, region"), ("--", 1.2, "F, contour")):
            axes.plot([], [], style, color="0.35", linewidth=width, label=name)
        axes.plot([], [], " ", label="Means by object")
        for n, (k, (region, contour)) in enumerate(scores.items()):
            pair = (np.asarray(region, dtype=float), np.asarray(contour, dtype=float))
            if any(values.shape != (len(names),) for values in pair):
                raise ValueError(
                    f"scores of object {k} must be {len(names)}, one a name, got {[v.shape for v in pair]}"
                )
            _plot_object(axes, k, *pair, listed=n < _LISTED)
        if len(scores) > _LISTED:
            axes.plot([], [], " ", label=f"and {len(scores) - _LISTED} more")
        axes.set(xlabel="frame", ylabel="score", ylim=(0, 1), xlim=(-0.5, len(names) - 0.5))
        axes.xaxis.set_major_locator(MaxNLocator(9, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: ticks[int(x)] if 0 <= x < len(ticks) else ""))


def plot_curve(
    path: str | PathLike[str],
    x: ArrayLike,
    series: Mapping[str, ArrayLike],
    /,
    *,
    x_label: str,
    y_label: str,
    title: str = "",
    log_x: bool = False,
) -> None:
    """Draw named curves over a parameter, such as mean J, F and J&F.

    Parameters
    ----------
    path : path
        Ends in `.png`.
    x : array, shape (n,)
        Positive where `log_x`.
    series : mapping of str to array, shape (n,)
        Values by the name in the legend; NaN leaves a gap.
    x_label, y_label, title : str
    log_x : bool
        Whether equal ratios of x, rather than equal differences, are equally far apart.

    Raises
    ------
    ValueError
        If there is no curve, one has not as many values as x, or the path ends otherwise.
    """
    if not series:
        raise ValueError("series must hold at least one curve, got none")
    where = np.asarray(x, dtype=float)
    if log_x and not (where > 0).all():
        raise ValueError(f"x must be positive where log_x, got {where.min()}")
    with _axes(path, (7, 3.5), title) as axes:
        for n, (name, values) in enumerate(series.items(), start=1):
            curve = np.asarray(values, dtype=float)
            if curve.shape != where.shape or curve.ndim != 1:
                raise ValueError(f"series {name!r} must have the shape (n,) of x, got {curve.shape} and {where.shape}")
            axes.plot(where, curve, "o-", color=_line_colour(n), linewidth=2.2, markersize=6, label=name)
        axes.set(xlabel=x_label, ylabel=y_label, xscale="log" if log_x else "linear")
        if len(where) <= 10:
            axes.set_xticks(where, [f"{value:g}" for value in where])
            axes.minorticks_off()


def _plot_object(
    axes: "Axes", k: int, region: NDArray[np.floating], contour: NDArray[np.floating], *, listed: bool
) -> None:
    """One object's two curves; the legend gives its means where it is `listed` there."""
    means = []
    for letter, values, style, width in (("J", region, "-", 2.2), ("F", contour, "--", 1.2)):
        known = np.flatnonzero(np.isfinite(values))
        means.append(f"{letter} {values[known].mean():.3f}" if known.size else f"{letter} –")
        axes.plot(
            known,
            values[known],
            style,
            color=_line_colour(k),
            linewidth=width,
            marker="o" if known.size < _SPARSE else "",
            markersize=2 * width,
            clip_on=False,  # a perfect score lies on the edge of the axes, and would be drawn by half
            in_layout=False,  # nor may an empty curve, which has no place, push the axes aside
            label="_",
        )
    if listed:
        axes.plot([], [], color=_line_colour(k), linewidth=4, label=f"{k}:  {'  '.join(means)}")


def _line_colour(k: int) -> str:
    """Colour of object `k` as "#rrggbb"."""
    return "#" + object_colours(k).tobytes().hex()


@contextmanager
def _axes(path: str | PathLike[str], size: tuple[float, float], title: str) -> Iterator["Axes"]:
    """Axes to draw in, saved to `path` with their legend on the right; they need no pyplot and leave no trace in it."""
    with open_figure(path, size, LINES, layout="constrained") as figure:
        axes = figure.add_subplot()
        yield axes
        axes.set_title(title, loc="left")
        columns = -(-len(axes.get_legend_handles_labels()[0]) // _ROWS)
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.03), ncols=columns)
