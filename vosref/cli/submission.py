"""The command ``vosref submission``: an archive of masks as a benchmark's server expects it."""

from pathlib import Path
from typing import Annotated

import typer

from vosref.cli.console import err_console, out_console, stoppable

__all__ = ["submission"]


def submission(
    results: Annotated[
        Path,
        typer.Argument(metavar="RESULTS", help="A folder or zip archive of masks, SEQUENCE/FRAME.png at any depth."),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT.zip", help="The archive to write.")],
    dataset: Annotated[
        tuple[str, Path],
        typer.Option(
            metavar="KIND ROOT",
            help="davis2016, davis2017 or youtube_vos, and the folder or zip archive it is in; masks are checked "
            "against it.",
        ),
    ],
    subset: Annotated[
        str | None,
        typer.Option("--set", metavar="SET", help="Such as test-dev, or a file of names; by default val or valid."),
    ] = None,
    resolution: Annotated[str, typer.Option(help="Of DAVIS.")] = "480p",
) -> None:
    """Pack masks into the archive that a benchmark's server expects, if it would take every one of them.

    Masks that are missing, extra, of another size, unreadable or with foreign
    ids are named, all of them, and nothing is written.
    """
    from vosref import datasets, submissions  # noqa: PLC0415 - loads NumPy

    kind, root = dataset
    if kind not in submissions.FORMS:
        servers = ", ".join(submissions.FORMS)
        raise typer.BadParameter(f"--dataset must be one of {servers}, which have a server, got {kind}")
    with stoppable("nothing was written"), err_console.status("checking masks"):
        opened = datasets.open_dataset(kind, root, subset=subset, resolution=resolution)
        count = submissions.write_submission(results, out, dataset=opened)
    videos = "1 video" if len(opened) == 1 else f"{len(opened)} videos"
    out_console.print(f"wrote {out}: {count} masks of {videos}, {submissions.FORMS[kind]}", soft_wrap=True)
