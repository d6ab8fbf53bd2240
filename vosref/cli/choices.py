"""What is segmented, by which system and how: the options that commands share, and the configuration they name."""

import os
import re
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = [
    "Config",
    "FirstMask",
    "Frames",
    "Method",
    "Settings",
    "Weights",
    "anywhere",
    "check_threads",
    "chosen",
    "cores",
    "is_of_a_file",
    "settings_named",
    "size_in_bytes",
    "tried",
]

Frames = Annotated[Path, typer.Argument(help="A folder of images, or a video file (extra [bold]video[/]).")]
FirstMask = Annotated[Path, typer.Option(help="The first frame's mask: a palette PNG of object ids, or a 0/255 image.")]

Method = Annotated[str, typer.Option(help="The system: tvos or feelvos.")]
Config = Annotated[
    str,
    typer.Option(
        help="As the authors' code computes (released) or as the [bold]paper[/] says; or a row of the papers' "
        "ablations, ablation-ROW ([bold]vosref ablations[/] lists them). For feelvos also nearest, nearest-global and "
        "nearest-local (matching alone decides, without the head)."
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Weights that [bold]vosref convert[/] or [bold]vosref train[/] wrote, instead of those that come with "
        "vosref; as --set weights=FILE",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Replace a setting, such as temperature=40; may be repeated."),
]


def chosen(method: str, name: str, settings: list[str] | None = None, weights: str | None = None) -> Any:
    """Return the configuration, tried on two tiny frames unless it is known to run: it must not fail later."""
    from vosref import video  # noqa: PLC0415 - `vosref --help` needs none of it

    replaced = settings_named(settings or []) | ({} if weights is None else {"weights": weights})
    try:
        config = video.configure(method, name, **replaced)
        return tried(method, config) if replaced or name.startswith("ablation-") else config
    except ValueError as error:
        if is_of_a_file(error, replaced.get("weights", "")):
            raise
        raise typer.BadParameter(str(error)) from None


def tried(method: str, config: Any) -> Any:
    """Return a configuration that has run on two tiny frames; ValueError where it cannot."""
    import numpy as np  # noqa: PLC0415

    from vosref.backend import use_cpu  # noqa: PLC0415
    from vosref.video import segment_video  # noqa: PLC0415

    with use_cpu("numpy"):  # the definitions, which check what the twins take as given
        tiny = np.zeros((2, 16, 16, 3), np.uint8)
        list(segment_video(tiny, np.eye(16, dtype=np.uint8), method=method, config=config))
    return config


def is_of_a_file(error: ValueError, weights: str) -> bool:
    """Tell a file of weights that is missing or damaged, which is no wrong call."""
    from vosref.weights import WeightsError  # noqa: PLC0415

    return isinstance(error, WeightsError) and weights.endswith(".safetensors")


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def anywhere(config: Any) -> Any:
    """Name a file of weights by its whole path; other weights have names that are no files."""
    if not config.weights.endswith(".safetensors"):
        return config
    return config._replace(weights=str(Path(config.weights).absolute()))


def check_threads(threads: int | None, *, scheduler: str | None, workers: int) -> None:
    """Refuse threads, workers and a scheduler that do not go together."""
    if scheduler is not None and workers > 1:
        raise typer.BadParameter("--workers are processes here, and --scheduler has its own; give one of them")
    if scheduler is None and threads is not None and threads > cores():
        raise typer.BadParameter(f"--threads must be at most the {cores()} cores of this machine, got {threads}")


def size_in_bytes(text: str) -> int:
    """Read ``800M``, ``1.5GB`` (powers of 1000), ``2GiB`` (powers of 1024) or a plain number of bytes."""
    found = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)\s*(?:([kmgt])(i?)b?|b)?", text.strip(), re.IGNORECASE)
    if found is None or not (size := int(float(found[1]) * _unit(found[2] or "", binary=bool(found[3])))):
        raise typer.BadParameter(f"--memory takes a size such as 800M, 1.5GB or 2GiB, got {text!r}")
    return size


def _unit(prefix: str, *, binary: bool) -> int:
    return (1024 if binary else 1000) ** " kmgt".index(prefix.lower() or " ")


def settings_named(pairs: list[str]) -> dict[str, str]:
    """Read settings, NAME=VALUE each."""
    for pair in pairs:
        if "=" not in pair:
            raise typer.BadParameter(f"--set takes NAME=VALUE, got {pair!r}")
    return dict(pair.split("=", 1) for pair in pairs)
