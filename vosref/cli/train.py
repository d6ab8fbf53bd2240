"""The command ``vosref train``: the papers' training, with a live line, and a folder that can be gone on with."""

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from vosref.cli.choices import cores, size_in_bytes
from vosref.cli.console import err_console, fail, out_console, stoppable
from vosref.train.allocation import keep_freed_memory

__all__ = ["train"]

DATA, START, MACHINE = "What is trained on", "What is trained, and how", "Time and machine"
RECENT = 20  # steps whose mean loss is shown


def train(
    method: Annotated[str, typer.Argument(metavar="METHOD", help="tvos or feelvos.")],
    data: Annotated[Path, typer.Option(metavar="ROOT", help="A data set: its folder or zip archive.")],
    out: Annotated[Path, typer.Option(help="Folder for weights, checkpoint, log, plot and recipe.")],
    kind: Annotated[
        str,
        typer.Option(rich_help_panel=DATA, help="davis2016, davis2017, youtube_vos, youtube_objects or folders."),
    ] = "davis2016",
    subset: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=DATA,
            show_default=False,
            help="A set, or a file of names; by default train of DAVIS and YouTube-VOS, else everything.",
        ),
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND:ROOT[:SUBSET]=WEIGHT",
            rich_help_panel=DATA,
            help="Mix in another data set, beside ROOT's weight of 1; may be repeated.",
        ),
    ] = None,
    composites: Annotated[
        float,
        typer.Option(
            min=0, metavar="WEIGHT", rich_help_panel=DATA, help="Mix in clips with objects pasted in from other clips."
        ),
    ] = 0.0,
    rendered: Annotated[
        float, typer.Option(min=0, metavar="WEIGHT", rich_help_panel=DATA, help="Mix in rendered clips.")
    ] = 0.0,
    model: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=START,
            show_default=False,
            help="A network of the method, such as tvos-resnet18 (see [bold]vosref weights list[/]); by default "
            "METHOD-lite0.",
        ),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            rich_help_panel=START,
            help="Weights to start from, of the network or of its trunk: a file that [bold]vosref convert[/] reads, "
            "or [bold]tvos-lite0[/], as our own FEELVOS did; by default ImageNet's EfficientNet-Lite0.",
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=START,
            show_default=False,
            help="[bold]released[/], as the authors' code trains, or [bold]lite0[/], as our own weights were trained, "
            "which is the default for a network on EfficientNet-Lite.",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            rich_help_panel=START,
            help="Replace a setting of the recipe, such as crop=224; may be repeated.",
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, rich_help_panel=START, help="Of the whole training; as --set steps=N.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, rich_help_panel=START, help="Of all that is drawn.")] = 0,
    licence: Annotated[str, typer.Option(rich_help_panel=START, help="What the weights' header says.")] = "unknown",
    float32: Annotated[
        bool, typer.Option("--float32", rich_help_panel=START, help="Write weights in float32, not float16.")
    ] = False,
    minutes: Annotated[
        float | None, typer.Option(min=0, rich_help_panel=MACHINE, help="Stop after so long, to be gone on with.")
    ] = None,
    until: Annotated[
        int | None,
        typer.Option(min=1, metavar="STEP", rich_help_panel=MACHINE, help="Stop after this step, to be gone on with."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", rich_help_panel=MACHINE, help="Go on with the run that OUT holds.")
    ] = False,
    device: Annotated[str, typer.Option(rich_help_panel=MACHINE, help="cpu or cuda.")] = "cpu",
    threads: Annotated[
        int | None,
        typer.Option(min=1, rich_help_panel=MACHINE, show_default=False, help="Threads of PyTorch; else all cores."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, rich_help_panel=MACHINE, help="Threads that draw samples ahead.")] = 1,
    memory: Annotated[
        str, typer.Option(metavar="SIZE", rich_help_panel=MACHINE, help="Decoded frames that are held.")
    ] = "4GiB",
) -> None:
    """Train a method's network as its paper does, in PyTorch (extra [bold]train[/]).

    OUT receives weights.safetensors, which every --weights takes; losses.png and
    log.jsonl; recipe.json, all that is needed to repeat the run; checkpoint.pt,
    all that is needed to go on, every five minutes. Ctrl-C ends the step first.
    """
    if threads is not None and threads > cores():
        raise typer.BadParameter(f"--threads must be at most the {cores()} cores of this machine, got {threads}")
    chosen = dict(map(_pair, settings or []))
    chosen |= {} if steps is None else {"steps": str(steps)}
    mixed = {"composites": composites, "rendered": rendered, "memory": size_in_bytes(memory), "seed": seed}
    begin = {"path": start, "seed": seed, "device": device, "resume": resume}
    with stoppable(f"the checkpoint in {out} is kept, and the same command with --resume goes on from it"):
        training = _opened(
            method,
            (kind, data, subset),
            also or [],
            out,
            mixed=mixed,
            model=model,
            recipe=(recipe, chosen),
            begin=begin,
        )
        keep_freed_memory()
        limits: dict[str, Any] = {"seconds": float("inf") if minutes is None else 60 * minutes, "until": until}
        ended: BaseException | None = None
        try:
            with _line(training, until) as talk:
                training.run(threads=threads, workers=workers, **limits, **talk)
        except (FloatingPointError, KeyboardInterrupt) as error:
            ended = error
        _leave(training, licence=licence, half=not float32)
        if isinstance(ended, FloatingPointError):
            fail(str(ended), 1)
        if ended is not None:
            raise ended


def _opened(
    method: str,
    data: tuple[str, Path, str | None],
    also: list[str],
    out: Path,
    *,
    mixed: Mapping[str, Any],
    model: str | None,
    recipe: tuple[str | None, Mapping[str, str]],
    begin: Mapping[str, Any],
) -> Any:
    """Open the run; what the call has wrong is one sentence."""
    from vosref.io import InputError  # noqa: PLC0415 - `vosref --help` needs none of it
    from vosref.weights import WeightsError  # noqa: PLC0415

    if importlib.util.find_spec("torch") is None:
        raise InputError("vosref train needs PyTorch: pip install 'vosref[train]'")
    from vosref.train import runs, settings, sources  # noqa: PLC0415 - loads PyTorch

    model = f"{method}-lite0" if model is None else model
    try:
        chosen = settings.named_recipe(method, recipe[0] or settings.usual_recipe(model), recipe[1])
        runs.check_model(method, model)
        opened = sources.open_sources([sources.Data(*data), *map(sources.read_data, also)], method=method, **mixed)
        return runs.open_training(method, opened, out, model=model, recipe=chosen, **begin)
    except ValueError as error:
        if isinstance(error, InputError | WeightsError):
            raise
        raise typer.BadParameter(str(error)) from None


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"--set takes NAME=VALUE, got {text!r}")
    return name, value


@contextmanager
def _line(training: Any, until: int | None) -> Iterator[dict[str, Callable[..., None]]]:
    """Show steps, loss, learning rate and the time left; yield what training tells it."""
    last = min(training.recipe.steps, until or training.recipe.steps)
    fields = ("{task.fields[loss]}", "{task.fields[rate]}", "{task.fields[left]}")
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    redirect = out_console.is_terminal  # else what is printed to a pipe would be led to the terminal
    with Progress(*columns, *map(TextColumn, fields), console=err_console, redirect_stdout=redirect) as bar:
        task = bar.add_task(training.model, total=last, completed=training.done, loss="", rate="", left="")
        losses: list[float] = []
        times: list[float] = []

        def report(progress: Any) -> None:
            losses.append(progress.loss)
            times.append(progress.seconds)
            mean = sum(losses[-RECENT:]) / len(losses[-RECENT:])
            recent = times[-RECENT:]
            pace = (recent[-1] - recent[0]) / (len(recent) - 1) if len(recent) > 1 else progress.seconds
            said: dict[str, Any] = {"loss": f"loss {mean:.4f}", "rate": f"rate {progress.rate:.2e}"}
            bar.update(task, completed=progress.step, left=f"{_clock(pace * (last - progress.step))} left", **said)

        def held() -> None:
            bar.update(task, description=f"{training.model}, stopping after this step")

        yield {"report": report, "held": held}


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def _leave(training: Any, *, licence: str, half: bool) -> None:
    """Write weights and plot, and say what there is; nothing where no step was kept."""
    from vosref.plots import plot_losses  # noqa: PLC0415
    from vosref.train.runs import kept, read_log  # noqa: PLC0415

    rows, weights = read_log(training.out), training.export(licence=licence, half=half)
    if weights is None or not rows:
        return
    plot_losses(training.out / "losses.png", {training.model: rows})
    step = kept(training.out)  # there may be rows beyond, of steps that are lost
    recent = [row["loss"] for row in rows[max(0, step - RECENT) : step]]
    spent = _clock(rows[step - 1]["seconds"])
    progress = f"step {step} of {training.recipe.steps}, loss {sum(recent) / len(recent):.4f}, {spent} spent"
    out_console.print(f"{training.model}: {progress}", soft_wrap=True)
    if step < training.recipe.steps:
        out_console.print("the same command with --resume goes on", soft_wrap=True)
    out_console.print(f"{weights}, {weights.stat().st_size / 1e6:.1f} MB", soft_wrap=True)
    options = "".join(f" --set {setting}" for setting in training.settings())
    out_console.print(f"  vosref segment … --method {training.method} --weights {weights}{options}", soft_wrap=True)
    out_console.print(f"  look at {training.out / 'losses.png'}", soft_wrap=True)
