"""How time grows with each number of a problem: log-log plots, small multiples on one scale of seconds."""

import textwrap
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from vosref.plots.colours import object_colours
from vosref.plots.figures import LINES, open_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_scaling"]

_STYLE = {**LINES, "font.size": 11.0, "axes.titlesize": 11.0}
_COLUMNS = 3
_PANEL = (3.9, 3.4)  # inches
_LETTERS = 36  # of a title in a line
_MARKERS = "osD^vP"
_COLOURS = (6, 5, 3, 4, 7, 2)  # ids of `object_colours`, dark ones first: lines are thin


def plot_scaling(
    path: str | PathLike[str], fitted: Sequence[Mapping[str, Any]], /, *, labels: Mapping[str, str] | None = None
) -> None:
    """Draw seconds over each number: a panel for each, a line for each benchmark, its exponent at the line's end.

    Parameters
    ----------
    path : path
        Ends in `.png`.
    fitted : sequence of dict
        From `vosref.bench.scaling`: ``benchmark``, ``sweep``, ``sizes``, ``seconds``, ``floor_seconds`` and
        ``exponent``. Floors are dotted.
    labels : mapping of str to str, optional
        What each sweep's number counts.

    Raises
    ------
    ValueError
        If nothing is fitted, or the path ends otherwise.
    """
    if not fitted:
        raise ValueError("fitted must hold at least one sweep, got none")
    sweeps, benchmarks = (tuple(dict.fromkeys(fit[key] for fit in fitted)) for key in ("sweep", "benchmark"))
    columns = min(_COLUMNS, len(sweeps))
    shape = -(-len(sweeps) // columns), columns
    size = _PANEL[0] * max(columns, 2), _PANEL[1] * shape[0] + 0.5
    with open_figure(path, size, _STYLE, layout="constrained") as figure:
        panels = figure.subplots(*shape, sharey=True, squeeze=False).ravel()
        figure.suptitle("Seconds, and the exponent fitted to each line", x=0.01, ha="left", fontsize=13)
        for axes, sweep in zip(panels, sweeps, strict=False):
            drawn = [fit for fit in fitted if fit["sweep"] == sweep]
            for fit in drawn:
                _line(axes, fit, benchmarks.index(fit["benchmark"]))
            _label(axes, drawn, (labels or {}).get(sweep, sweep))
        for axes, sweep in zip(panels, sweeps, strict=False):  # now that seconds have their scale
            _write_exponents(axes, [fit for fit in fitted if fit["sweep"] == sweep], benchmarks)
        for axes in panels[len(sweeps) :]:
            axes.set_axis_off()
        for axes in panels[:: shape[1]]:
            axes.set_ylabel("seconds")
        handles, names = _legend(panels[0], benchmarks)
        figure.legend(handles, names, loc="outside lower center", ncols=min(len(names), 5), fontsize=10)


def _line(axes: "Axes", fit: Mapping[str, Any], n: int) -> None:
    style = {"color": _colour(n), "linewidth": 2.0, "marker": _MARKERS[n % len(_MARKERS)], "markersize": 6}
    axes.loglog(fit["sizes"], fit["seconds"], **style)
    axes.loglog(fit["sizes"], fit["floor_seconds"], ":", color=_colour(n), linewidth=1.6)


def _write_exponents(axes: "Axes", fits: Sequence[Mapping[str, Any]], benchmarks: Sequence[str]) -> None:
    """Write exponents right of the lines' ends, apart from each other where lines end together."""
    ends = sorted(fits, key=lambda fit: fit["seconds"][-1])
    low, apart = -np.inf, 0.06 * np.ptp(np.log10(axes.get_ylim()))
    for fit in ends:
        low = max(np.log10(fit["seconds"][-1]), low + apart)
        where, colour = (fit["sizes"][-1], 10**low), _colour(benchmarks.index(fit["benchmark"]))
        axes.annotate(
            f"{fit['exponent']:.2f}".replace("-", "−"),
            where,
            xytext=(8, 0),
            textcoords="offset points",
            color=colour,
            va="center",
            annotation_clip=False,
        )


def _label(axes: "Axes", fits: Sequence[Mapping[str, Any]], title: str) -> None:
    from matplotlib.ticker import NullFormatter, NullLocator  # noqa: PLC0415 - heavy

    sizes = sorted({n for fit in fits for n in fit["sizes"]})
    ticks: list[float] = []
    for n in sizes:  # those that leave room for each other's digits
        if not ticks or np.log(n / ticks[-1]) > 0.16 * np.log(sizes[-1] / sizes[0]):
            ticks.append(n)
    axes.set_title(textwrap.fill(title, _LETTERS), loc="left")
    axes.set_xticks(ticks, [f"{n:,}" for n in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(sizes[0] / (sizes[-1] / sizes[0]) ** 0.06, sizes[-1] * (sizes[-1] / sizes[0]) ** 0.06)


def _legend(axes: "Axes", benchmarks: Sequence[str]) -> tuple[list[Any], list[str]]:
    lines = []
    for n, _ in enumerate(benchmarks):
        lines += axes.plot([], [], color=_colour(n), linewidth=2.0, marker=_MARKERS[n % len(_MARKERS)], markersize=6)
    lines += axes.plot([], [], ":", color="0.35", linewidth=1.6)
    return lines, [*benchmarks, "floor"]


def _colour(n: int) -> str:
    """Colour of the benchmark in place `n` as "#rrggbb"."""
    return "#" + object_colours(_COLOURS[n % len(_COLOURS)]).tobytes().hex()
