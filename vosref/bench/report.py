"""What `vosref bench` prints: a block of lines for every case, the exponents of the sweeps, and the machine."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vosref.bench.sweeps import GROWS

__all__ = ["describe", "scaling_lines", "table"]

WIDTH = 80  # columns of a terminal
HEADING = ("", "seconds", "quartiles", "/ vosref", "/ floor", "peak MB", "extra")
COLUMNS = (16, 9, 16, 10, 9, 10, 8)  # characters


def describe(environment: Mapping[str, Any], /) -> str:
    """Say what the timings were taken on."""
    versions = {name: environment[name] for name in ("python", "vosref", "numpy", "numba")} | environment["peers"]
    lines = [
        f"{environment['cpu']}, {environment['cores']} cores; threads: {environment['threads']}",
        f"BLAS: {'; '.join(environment['blas']) or 'unknown'}; GPU: {environment['gpu'] or 'none'}",
        ", ".join(f"{name} {version}" for name, version in versions.items()),
    ]
    return "\n".join(part for line in lines for part in textwrap.wrap(line, WIDTH, break_on_hyphens=False))


def table(rows: Sequence[Mapping[str, Any]], /) -> str:
    """Lay out every case that is not of a sweep, each implementation on a line, the floor between ours and theirs."""
    lines = [
        "Median seconds a frame, their quartiles, ratios to ours and to the floor, which",
        "the machine's peak rates allow; the most memory that the process held, and how",
        "much more that is than before it ran (extra, MB).",
    ]
    for row in rows:
        if "sweep" not in row:
            lines += ["", *textwrap.wrap(f"{row['benchmark']}: {row['case']}", WIDTH)]
            lines += [_cells(HEADING), *(_cells(cells) for cells in _implementations(row))]
    return "\n".join(lines)


def scaling_lines(fitted: Sequence[Mapping[str, Any]], /) -> str:
    """Lay out the exponents: seconds ∝ size ^ exponent; empty without any."""
    if not fitted:
        return ""
    lines = [
        "How seconds grow: the exponent of each number and its standard error; below it,",
        "the seconds at its values.",
    ]
    for sweep in dict.fromkeys(fit["sweep"] for fit in fitted):
        lines += ["", GROWS[sweep]]
        for fit in (fit for fit in fitted if fit["sweep"] == sweep):
            error = "" if fit["standard_error"] is None else f"± {fit['standard_error']:.2f}"
            points = "".join(f"{f'{n}: {_short(s)}':<18}" for n, s in zip(fit["sizes"], fit["seconds"], strict=True))
            lines.append(f"  {fit['benchmark']:<22}{fit['exponent']:>6.2f} {error}".rstrip())
            lines += textwrap.wrap(points, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)
    return "\n".join(lines)


def _implementations(row: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    ours, floor = row["seconds"], row["floor_seconds"]
    yield _line("vosref", row, ours, row["quartiles"], row["peak_bytes"], row["extra_bytes"])
    yield ("floor", _short(floor), "", f"{floor / ours:.2f}", "1.00", "", "")
    for name, seconds in row["peers"].items():
        others = (row[f"peer_{what}"][name] for what in ("quartiles", "peak_bytes", "extra_bytes"))
        yield _line(name, row, seconds, *others)


def _line(
    name: str, row: Mapping[str, Any], seconds: float, quartiles: Sequence[float], peak: int, extra: int | None
) -> tuple[str, ...]:
    return (
        name,
        _short(seconds),
        " ".join(map(_short, quartiles)),
        f"{seconds / row['seconds']:.2f}",
        f"{seconds / row['floor_seconds']:.2f}",
        f"{peak / 1e6:.0f}",
        "" if extra is None else f"{extra / 1e6:.0f}",
    )


def _short(seconds: float) -> str:
    """Three digits behind the point, or as many as tell a short time."""
    return f"{seconds:.3f}" if seconds >= 0.1 else f"{seconds:.2g}" if seconds < 0.001 else f"{seconds:.4f}"


def _cells(cells: Sequence[str]) -> str:
    first, *others = cells
    line = f"  {first:<{COLUMNS[0]}}" + "".join(f"{c:>{w}}" for c, w in zip(others, COLUMNS[1:], strict=True))
    return line.rstrip()
