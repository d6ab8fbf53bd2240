"""Loss and learning rate over the steps of a training, or of several, on one sheet."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vosref.plots.colours import object_colours
from vosref.plots.figures import LINES, open_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_losses", "running_mean"]

_COLOURS = (6, 5, 3, 4, 7, 2, 1)  # ids of `object_colours`, dark ones first: lines are thin
_DRAWN = 2000  # points of a line; a plot has no more pixels
_SPAN = 1.5  # the running mean is over so many square roots of the number of steps
_COLUMNS = 2  # of the legend


def plot_losses(
    path: str | PathLike[str],
    logs: Mapping[str, Sequence[Mapping[str, float]]],
    /,
    *,
    title: str = "",
    log_y: bool = False,
) -> None:
    """Draw each run's loss, faint step by step and bold in its running mean, above its learning rate.

    Parameters
    ----------
    path : path
        Ends in `.png`.
    logs : mapping of str to sequence of mappings
        Rows by the name of the run, each with ``step``, ``loss`` and ``rate``, as the lines of ``log.jsonl``.
    title : str
    log_y : bool
        Whether equal ratios of the loss are equally far apart.

    Raises
    ------
    ValueError
        If there is no run, one has no row, or the path ends otherwise.
    """
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - heavy

    if not logs:
        raise ValueError("logs must hold at least one run, got none")
    if empty := [name for name, rows in logs.items() if not rows]:
        raise ValueError(f"logs must hold a row at least of each run, got none of {', '.join(empty)}")
    size = (9, 5.5)
    with open_figure(path, size, LINES, layout="constrained") as figure:
        upper, lower = figure.subplots(2, sharex=True, height_ratios=(3, 1))
        for n, (name, rows) in enumerate(logs.items()):
            _plot_run(upper, lower, name, rows, _colour(n))
        upper.set_title(title, loc="left")
        upper.set(ylabel="loss", yscale="log" if log_y else "linear")
        if not log_y:
            upper.set_ylim(0, _top([row["loss"] for rows in logs.values() for row in rows]))
        lower.set(xlabel="step", ylabel="learning rate")
        lower.set_ylim(bottom=0)
        lower.set_xlim(0, max(row["step"] for rows in logs.values() for row in rows) * 1.01 + 1)
        lower.ticklabel_format(axis="y", style="sci", scilimits=(0, 0), useMathText=True)
        lower.xaxis.set_major_locator(MaxNLocator(9, steps=[1, 2, 5, 10], integer=True))
        lower.xaxis.set_major_formatter("{x:,.0f}")
        figure.legend(loc="outside upper right", ncols=min(len(logs), _COLUMNS))


def running_mean(values: NDArray[np.floating], window: int, /) -> NDArray[np.floating]:
    """Mean of each value and those before it, `window` in all, fewer at the beginning.

    Parameters
    ----------
    values : array, shape (n,)
    window : int
        1 or more.

    Returns
    -------
    array, shape (n,)
    """
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - window, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)


def _plot_run(upper: "Axes", lower: "Axes", name: str, rows: Sequence[Mapping[str, float]], colour: str) -> None:
    steps, losses, rates = (np.array([row[key] for row in rows], float) for key in ("step", "loss", "rate"))
    window = min(len(rows), round(_SPAN * len(rows) ** 0.5))
    means = running_mean(losses, window)
    shown = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), _DRAWN)).astype(int))
    style: dict[str, Any] = {"color": colour, "solid_joinstyle": "round", "marker": "o" if len(rows) == 1 else ""}
    upper.plot(steps[shown], losses[shown], linewidth=0.8, alpha=0.3, **style)
    label = f"{name}: {means[-1]:.3f}" + (f", mean of {window:,} steps" if window > 1 else "")
    upper.plot(steps[shown], means[shown], linewidth=2.2, label=label, **style)
    lower.plot(steps[shown], rates[shown], linewidth=2.2, **style)


def _top(losses: Sequence[float]) -> float:
    """Return where the axis ends: a few wild steps shall not press all others flat."""
    return float(max(1.15 * np.quantile(losses, 0.99), 1e-6))


def _colour(n: int) -> str:
    """Colour of the run in place `n` as "#rrggbb"."""
    return "#" + object_colours(_COLOURS[n % len(_COLOURS)]).tobytes().hex()
