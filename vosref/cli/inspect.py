"""The command ``vosref inspect``: one sheet of what a method saw and decided at one frame."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from vosref.cli.choices import Config, FirstMask, Frames, Method, Settings, Weights, chosen
from vosref.cli.console import err_console, out_console, probe, stoppable

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
    html_file: Annotated[
        Path | None,
        typer.Option(
            "--html", metavar="FILE", help="For tvos, write a page to click in: any pixel's affinity and vote."
        ),
    ] = None,
) -> None:
    """Draw what a method saw and decided at one frame: distance maps and probabilities, or affinity and flow."""
    from vosref import io, plots  # noqa: PLC0415 - loads NumPy

    place = None if pixel is None else _pixel(pixel, method)
    if html_file is not None and method != "tvos":
        raise typer.BadParameter(f"--html is for tvos, whose affinity it shows, got it with {method}")
    choice = chosen(method, config, settings, weights)
    with stoppable("nothing was written"):
        opened = io.open_frames(frames)
        first = io.read_mask(mask, size=opened.size)
        _check_within(opened, frame, place, pixel)
        if out.resolve() == frames.resolve():
            raise io.InputError(
                f"--out: {out} is the folder of the frames; name another one, so that sheets stay apart"
            )
        if html_file is not None:
            probe("--html", html_file)
        path = io.output_folder(out) / f"inspect-{opened.names[frame]}.png"
        at = _inspected(opened, first.ids, frame, method, choice)
        if method == "tvos":
            place = place or plots.central_pixel(at.visible)
            _draw_tvos(path, at, place)
        else:
            _draw_feelvos(path, at)
        if html_file is not None:
            plots.write_explorer(html_file, at, pixel=place)
    out_console.print(f"look at {path}", soft_wrap=True)
    if html_file is not None:
        out_console.print(f"open {html_file} in a browser", soft_wrap=True)


def _check_within(opened: Any, frame: int, place: tuple[int, int] | None, pixel: str | None) -> None:
    """Refuse a frame that is not in the video, and a pixel that is not in the frame."""
    if not 1 <= frame < len(opened):
        last = len(opened) - 1
        raise typer.BadParameter(f"--frame must be 1 to {last}, a frame after the first, got {frame}")
    if place is not None and not all(0 <= n < size for n, size in zip(place, opened.size, strict=True)):
        size = " and ".join(f"0 to {n - 1}" for n in opened.size)
        raise typer.BadParameter(f"--pixel must lie in the frame, rows and columns {size}, got {pixel}")


def _inspected(opened: Any, first_mask: Any, t: int, method: str, config: Any) -> Any:
    """Run the method up to frame t under a progress bar."""
    from vosref.runs.inspection import inspect_frame  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err_console) as bar:
        task = bar.add_task(method, total=t + 1)

        def show(done: int) -> None:
            bar.update(task, completed=done)

        return inspect_frame(opened, first_mask, t, method=method, config=config, progress=show)


def _draw_feelvos(path: Path, at: Any) -> None:
    from vosref import plots  # noqa: PLC0415

    t = at.t
    masks = at.before.mask, at.step.mask
    names = at.names[t - 1 : t + 1]
    frames = [at.frames[t - 1], at.frames[t]]
    plots.plot_feelvos(path, frames, masks, at.step.info, ids=at.ids, grid=at.grid, names=names, title=at.title)


def _draw_tvos(path: Path, at: Any, pixel: tuple[int, int]) -> None:
    from vosref import plots  # noqa: PLC0415
    from vosref.labels import to_mask  # noqa: PLC0415

    t, size, (row, column) = at.t, at.first_mask.shape, at.cell(pixel)
    affinity = plots.pixel_affinity(
        at.query,
        [reference.embedding for reference in at.references],
        index=row * at.grid[1] + column,
        grid=at.grid,
        sigma=at.step.info.sigma,
        temperature=at.config.temperature,
    )
    references = [
        plots.Reference(
            at.frames[seen.t],
            to_mask(seen.labels, ids=at.ids, grid=at.grid, size=size),
            w,
            f"t-{t - seen.t}, σ = {seen.sigma:g}",
        )
        for seen, w in zip(at.references, affinity, strict=True)
    ]
    plots.plot_tvos(
        path,
        at.frames[t],
        at.step.mask,
        references[::-1],
        _flow(at) * [n / cells for n, cells in zip(size, at.grid, strict=True)],
        pixel=pixel,
        names=at.names[t - 1 : t + 1],
        title=at.title,
    )


def _flow(at: Any) -> Any:
    """Motion since the frame before, (h, w, 2), in cells."""
    from vosref.flow import affinity_flow  # noqa: PLC0415

    newer, older = at.query, at.before.state.embeddings[-1]
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
