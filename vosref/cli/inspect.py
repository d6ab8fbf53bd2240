"""The command ``vosref inspect``: one sheet of what a method saw and decided at one frame."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from vosref.cli.choices import Config, FirstMask, Frames, Method, Settings, Weights, chosen
from vosref.cli.console import err_console, out_console, stoppable

__all__ = ["inspect"]


def inspect(
    frames: Frames,
    mask: FirstMask,
    frame: Annotated[int, typer.Option(metavar="T", help="Number of the frame to look at; the first one is 0.")],
    out: Annotated[Path, typer.Option(help="Folder for the sheet, inspect-<name of the frame>.png.")],
    method: Method = "tvos",
    config: Config = "released",
    weights: Weights = None,
    settings: Settings = None,
    pixel: Annotated[
        str | None,
        typer.Option(
            metavar="ROW,COLUMN", help="For tvos, whose affinity to draw; by default in the middle of an object."
        ),
    ] = None,
) -> None:
    """Draw what a method saw and decided at one frame: distance maps and probabilities, or affinity and flow."""
    from vosref import io  # noqa: PLC0415 - loads NumPy

    place = None if pixel is None else _pixel(pixel, method)
    choice = chosen(method, config, settings, weights)
    with stoppable("nothing was written"):
        opened = io.open_frames(frames)
        first = io.read_mask(mask, size=opened.size)
        if not 1 <= frame < len(opened):
            last = len(opened) - 1
            raise typer.BadParameter(f"--frame must be 1 to {last}, a frame after the first, got {frame}")
        if place is not None and not all(0 <= n < size for n, size in zip(place, opened.size, strict=True)):
            size = " and ".join(f"0 to {n - 1}" for n in opened.size)
            raise typer.BadParameter(f"--pixel must lie in the frame, rows and columns {size}, got {pixel}")
        if out.resolve() == frames.resolve():
            raise io.InputError(
                f"--out: {out} is the folder of the frames; name another one, so that sheets stay apart"
            )
        path = io.output_folder(out) / f"inspect-{opened.names[frame]}.png"
        at = _run(opened, first.ids, frame, method, choice)
        if method == "tvos":
            _draw_tvos(path, at, place)
        else:
            _draw_feelvos(path, at)
    out_console.print(f"look at {path}", soft_wrap=True)


class _Moment(NamedTuple):
    """A frame, and what was before."""

    opened: Any
    first_mask: Any
    method: str
    config: Any
    before: Any  # the loop's Step of the frame before
    step: Any  # and of the frame
    grid: tuple[int, int]

    @property
    def names(self) -> tuple[str, str]:
        return self.opened.names[self.step.t - 1], self.opened.names[self.step.t]

    @property
    def title(self) -> str:
        nearest = getattr(self.config, "decision", "") == "nearest"  # by matching alone, which is not FEELVOS
        return f"{'Nearest neighbour' if nearest else self.method.upper()} at frame {self.names[1]}"

    def frames(self, wanted: Sequence[int]) -> dict[int, Any]:
        """Read frames by their numbers, all in one go, for a video is decoded from its start."""
        some = itertools.islice(enumerate(self.opened), max(wanted) + 1)
        return {t: frame for t, frame in some if t in wanted}


def _run(opened: Any, first_mask: Any, t: int, method: str, config: Any) -> _Moment:
    """Run the method up to frame t."""
    from vosref import video  # noqa: PLC0415

    last: list[Any] = []

    def remembered() -> Any:
        for frame in itertools.islice(opened, t + 1):
            last[:] = [frame]
            yield frame

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    before = step = None
    with Progress(*columns, console=err_console) as bar:
        walked = video.walk(remembered(), first_mask, method=method, config=config)
        for after in bar.track(walked, total=t + 1, description=method):
            before, step = step, after
    system = video.method_named(method)
    view = system.embedding(system.prepare(config), last[0], config)
    return _Moment(opened, first_mask, method, config, before, step, getattr(view, "embedding", view).shape[:2])


def _draw_feelvos(path: Path, at: _Moment) -> None:
    from vosref import plots  # noqa: PLC0415
    from vosref.labels import object_ids  # noqa: PLC0415

    t = at.step.t
    plots.plot_feelvos(
        path,
        list(at.frames((t - 1, t)).values()),
        (at.before.mask, at.step.mask),
        at.step.info,
        ids=object_ids(at.first_mask),
        grid=at.grid,
        names=at.names,
        title=at.title,
    )


def _draw_tvos(path: Path, at: _Moment, pixel: tuple[int, int] | None) -> None:
    from vosref import plots  # noqa: PLC0415
    from vosref.labels import object_ids, to_mask  # noqa: PLC0415

    t, info, past, config, size = at.step.t, at.step.info, at.before.state, at.config, at.first_mask.shape
    oldest, frames = t - len(past.embeddings), at.frames((*info.frames, t))
    if pixel is None:
        pixel = plots.central_pixel(at.step.mask if at.step.mask.any() else at.first_mask)
    row, column = (int((n + 0.5) * cells / length) for n, cells, length in zip(pixel, at.grid, size, strict=True))
    affinity = plots.pixel_affinity(
        at.step.state.embeddings[-1],
        [past.embeddings[frame - oldest] for frame in info.frames],
        index=row * at.grid[1] + column,
        grid=at.grid,
        sigma=info.sigma,
        temperature=config.temperature,
    )
    references = [
        plots.Reference(
            frames[frame],
            to_mask(past.labels[frame - oldest], ids=object_ids(at.first_mask), grid=at.grid, size=size),
            w,
            f"t-{t - frame}, σ = {sigma:g}",
        )
        for frame, sigma, w in zip(info.frames, info.sigma, affinity, strict=True)
    ]
    plots.plot_tvos(
        path,
        frames[t],
        at.step.mask,
        references[::-1],
        _flow(at) * [n / cells for n, cells in zip(size, at.grid, strict=True)],
        pixel=pixel,
        names=at.names,
        title=at.title,
    )


def _flow(at: _Moment) -> Any:
    """Motion since the frame before, (h, w, 2), in cells."""
    from vosref.flow import affinity_flow  # noqa: PLC0415

    newer, older = at.step.state.embeddings[-1], at.before.state.embeddings[-1]
    sigma, temperature, memory = at.config.sigma_recent, at.config.temperature, at.config.memory
    flow = affinity_flow(newer, older, grid=at.grid, sigma=sigma, temperature=temperature, memory=memory)
    return flow.reshape(*at.grid, 2)


def _pixel(text: str, method: str) -> tuple[int, int]:
    """Read ROW,COLUMN."""
    if method != "tvos":
        raise typer.BadParameter(f"--pixel is for tvos, whose affinity it draws, got it with {method}")
    try:
        row, column = (int(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"--pixel takes ROW,COLUMN, two whole numbers, got {text!r}") from None
    return row, column
