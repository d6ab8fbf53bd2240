"""Many videos in a folder, and the first mask of each, as DAVIS lays them out: JPEGImages/480p, Annotations/480p."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from vosref import runs  # its names are used when it is whole: it may import this file
from vosref.io import InputError, MissingInputError
from vosref.io.frames import FRAME_SUFFIXES
from vosref.io.images import examples, kind_of, list_images, natural_key
from vosref.io.video import VIDEO_SUFFIXES

__all__ = ["each", "find_first_mask", "find_videos", "holds_many", "open_jobs"]


def open_jobs(
    frames: str | Path,
    masks: str | Path,
    out: str | Path,
    /,
    *,
    method: str = "tvos",
    config: Any = None,
    truth: str | Path | None = None,
    only: Collection[str] = (),
    opened: Callable[[int, int], None] = lambda _, __: None,
) -> list[Any]:
    """Check every input of every video before anything is computed, and open the output folders.

    Parameters
    ----------
    frames, masks, out : path
        ``frames`` holds the videos, folders of images or video files; ``masks`` the first mask of each, as
        ``<video>/<first frame>.png`` or ``<video>.png``. Results go to ``out/<video>``.
    method, config
        As for `vosref.runs.open_job`.
    truth : path, optional
        Folder of folders of true masks, one named like each video.
    only : collection of str
        Names of the videos wanted; all without one.
    opened : callable
        Called with the number of videos checked, and of all.

    Returns
    -------
    list of Job

    Raises
    ------
    InputError
        Once, with all that cannot be used; MissingInputError if any of it is not there.
    """
    frames, masks, out = Path(frames), Path(masks), Path(out)
    if not masks.is_dir():
        kind = InputError if masks.exists() else MissingInputError
        reason = "is one file" if masks.exists() else "does not exist"
        raise kind(
            f"--mask: {masks} {reason}, and {frames} holds many videos; give a folder with each one's first mask"
        )
    videos = find_videos(frames, only=only)
    firsts = each(videos, lambda name, video: find_first_mask(masks, name, video))
    jobs: list[Any] = []

    def open_one(name: str, video: Path) -> None:
        known = None if truth is None else Path(truth) / name
        job = runs.open_job(video, firsts[name], out / name, method=method, config=config, truth=known)
        jobs.append(job)
        opened(len(jobs), len(videos))

    with _emptied((out / name for name in videos), out):
        each(videos, open_one)
    return jobs


def holds_many(folder: Path, /) -> bool:
    """Tell whether a path is a folder that holds no images, but folders or video files."""
    if kind_of(folder) != "folder" or list_images(folder, suffixes=FRAME_SUFFIXES, argument="frames"):
        return False
    return bool(_videos(folder))


def find_videos(folder: Path, /, *, only: Collection[str] = ()) -> dict[str, Path]:
    """Find the videos of a folder, each a folder of images or a video file.

    Parameters
    ----------
    folder : Path
        Hidden folders and files in it are ignored, and files that are no videos.
    only : collection of str
        Names of those wanted; all without one.

    Returns
    -------
    dict of str to Path
        Name, without suffix, to path, in natural order.

    Raises
    ------
    MissingInputError
        If one of `only` is not there.
    InputError
        If two have the same name.
    """
    found: dict[str, Path] = {}
    for path in _videos(folder):
        name = path.name if path.is_dir() else path.stem
        if name in found:
            raise InputError(f"frames: {folder} holds both {found[name].name} and {path.name}; move one of them away")
        found[name] = path
    if absent := [name for name in only if name not in found]:
        raise MissingInputError(
            f"--only: {folder} holds no video {', '.join(map(repr, absent))}; it holds {examples(found)}"
        )
    return {name: path for name, path in found.items() if not only or name in only}


def find_first_mask(masks: Path, name: str, video: Path, /) -> Path:
    """Find the mask of a video's first frame: ``<name>.png``, or in the folder ``<name>`` that of the frame's name.

    A folder may also hold one PNG of any other name, unless it is that of a later frame.

    Raises
    ------
    MissingInputError
        If there is none.
    InputError
        If the frames or masks cannot be listed.
    """
    folder = masks / name
    if (single := masks / f"{name}.png").is_file():
        return single
    if kind_of(folder) != "folder":
        raise MissingInputError(f"--mask: {masks} holds neither {name}.png nor a folder {name}")
    files = list_images(folder, suffixes=(".png",), argument="--mask")
    if not files:
        raise MissingInputError(f"--mask: {folder} holds no PNG")
    names = _frame_names(video)
    first = next(iter(names), "")
    if first in files:
        return files[first]
    (stem, file), *more = files.items()
    if more or stem in names or (video.is_file() and re.fullmatch(r"\d{5}", stem)):
        raise MissingInputError(
            f"--mask: {folder} holds {examples(files)}, none of them named like the first frame, {first!r}"
        )
    return file


def _videos(folder: Path) -> list[Path]:
    try:
        inside = [path for path in folder.iterdir() if not path.name.startswith(".")]
        found = [path for path in inside if path.is_dir() or path.suffix.lower() in VIDEO_SUFFIXES]
    except OSError as error:
        raise InputError(f"frames: {folder} cannot be listed ({error.strerror})") from error
    return sorted(found, key=lambda path: natural_key(path.name))


def _frame_names(video: Path) -> Collection[str]:
    """Names of the frames; of a video file, which is not decoded here, that of the first."""
    return list_images(video, suffixes=FRAME_SUFFIXES, argument="frames") if video.is_dir() else ("00000",)


def each(videos: Mapping[str, Any], use: Callable[[str, Any], Any], /) -> dict[str, Any]:
    """Call `use` with the name of each video and what it is; raise what it refuses all together.

    Raises
    ------
    InputError
        With every refusal; MissingInputError if one of them is.
    """
    made, refused = {}, {}
    for name, video in videos.items():
        try:
            made[name] = use(name, video)
        except InputError as error:
            refused[name] = error
    if not refused:
        return made
    kind = MissingInputError if any(isinstance(e, MissingInputError) for e in refused.values()) else InputError
    lines = "".join(f"\n  {name}: {error}" for name, error in refused.items())
    raise kind(f"{len(refused)} of {len(videos)} videos cannot be used:{lines}")


@contextmanager
def _emptied(folders: Iterator[Path], parent: Path) -> Iterator[None]:
    """Take away the folders that a failure has left empty, and that were not there before."""
    new = [folder for folder in (*folders, parent) if not folder.exists()]
    try:
        yield
    except BaseException:
        for folder in new:
            with suppress(OSError):
                folder.rmdir()
        raise
