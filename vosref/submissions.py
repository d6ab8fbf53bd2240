"""Archives of masks in the layout that each benchmark's server expects, checked against the data set before writing."""

import os
import zipfile
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from vosref.datasets import Dataset, Video, given, open_video_frames
from vosref.io import InputError, MissingInputError, atomic_path, davis_palette, output_folder, read_mask
from vosref.io.archives import File, files_below
from vosref.io.images import natural_key
from vosref.io.truth import MASK_SUFFIXES, PICTURES

__all__ = ["FORMS", "write_submission"]

FORMS = {  # kind of data set: what its server expects
    "davis2016": "SEQUENCE/FRAME.png, 0 and 255",
    "davis2017": "SEQUENCE/FRAME.png, palette PNG with the ids of the first mask",
    "youtube_vos": "Annotations/VIDEO/FRAME.png, palette PNG with the ids that are given",
}
_CHECKERS = 4  # threads; Pillow's decoders let each other run


def write_submission(results: str | os.PathLike[str], out: str | os.PathLike[str], /, *, dataset: Dataset) -> int:
    """Pack the masks of a method into the archive that the data set's server expects.

    The archive is the same bytes for the same masks: their order, times and permissions are fixed, and they are stored,
    for PNG is compressed already. A mask keeps its bytes where its mode is as expected, else it is encoded anew.

    Parameters
    ----------
    results : path
        A folder or a zip archive with ``SEQUENCE/FRAME.png`` at any depth. Files that are no masks are ignored.
    out : path
        The archive, which ends in .zip.
    dataset : Dataset
        DAVIS 2016, DAVIS 2017 or YouTube-VOS, and the set that is submitted. Of YouTube-VOS with all frames, the masks
        of those frames are taken that the set with every fifth frame has.

    Returns
    -------
    int
        The number of masks written.

    Raises
    ------
    InputError
        If the data set has no server; or once, with everything that is wrong: masks that are missing, too many, of
        another size, unreadable, or with ids that are not given. Nothing is written then.
    MissingInputError
        If it is, among others, that masks are missing.
    """
    out = Path(out)
    if dataset.kind not in FORMS:
        raise InputError(
            f"dataset: {dataset.kind} has no server that takes archives ({', '.join(FORMS)} have); score its masks here"
        )
    if out.suffix.lower() != ".zip" or out.is_dir() or out.resolve() == Path(results).resolve():
        raise InputError(f"out: {out} must be a file that ends in .zip, other than the results; name another one")
    output_folder(out.absolute().parent, argument="out")
    files, problems = _by_video(results, dataset)
    reports = [_check_video(video, files.get(name, {})) for name, video in dataset.items()]
    problems += [line for report in reports for line in report.problems]
    if problems:
        error = MissingInputError if any(report.missing for report in reports) else InputError
        lines = "\n".join(f"  {line}" for line in problems)
        raise error(f"results: {results} cannot be submitted, and nothing was written:\n{lines}")
    entries = [entry for report in reports for entry in report.entries]
    _write(out, entries)
    return len(entries)


class _Entry(NamedTuple):
    """A mask of the archive."""

    inside: str  # its name there
    content: File | bytes  # the file as it is, or what it is encoded to anew


class _Report(NamedTuple):
    """What checking the masks of one video found."""

    entries: list[_Entry]
    problems: list[str]
    missing: bool


class _Checked(NamedTuple):
    """What checking one mask found."""

    content: File | bytes
    problem: str = ""
    foreign: tuple[int, ...] = ()  # ids that are not given


def _by_video(results: str | os.PathLike[str], dataset: Dataset) -> tuple[dict[str, dict[str, File]], list[str]]:
    """Find the masks of each video by the folder they lie in, and name those that belong nowhere or come twice."""
    found: dict[str, dict[str, File]] = defaultdict(dict)
    problems = []
    for inside, file in files_below(results, argument="results").items():
        if inside.suffix.lower() not in MASK_SUFFIXES:
            continue
        masks = found[inside.parent.name]
        if inside.stem in masks:
            problems.append(f"{inside.parent.name}: {masks[inside.stem]} and {file} are both its mask {inside.stem}")
        masks[inside.stem] = file
    if not found:
        raise MissingInputError(f"results: {results} holds no mask ({' '.join(MASK_SUFFIXES)})")
    for name in sorted(set(found) - set(dataset), key=natural_key):
        masks = found[name]
        where = name or "in no folder"
        problems.append(
            f"{where}: {_masks(sorted(masks, key=natural_key), masks)} extra, for the set has no such video"
        )
    return found, problems


def _check_video(video: Video, files: Mapping[str, File]) -> _Report:
    if video.asked is None:
        raise MissingInputError(
            f"{video.name}: which frames the server asks for is told by the set with every fifth frame, and that is "
            "not beside this one; get it"
        )
    problems = []
    if missing := [frame for frame in video.asked if frame not in files]:
        problems.append(f"{video.name}: {_masks(missing, video.asked)} missing")
    if extra := sorted((f for f in files if f not in video.frames and f not in PICTURES), key=natural_key):
        problems.append(f"{video.name}: {_masks(extra, files)} extra, for the video has no such frame")
    frames = [frame for frame in video.asked if frame in files]
    ids, size = {k for at in given(video).values() for k in at}, open_video_frames(video).size
    with ThreadPoolExecutor(_CHECKERS) as pool:
        checked = list(pool.map(lambda frame: _check(video, files[frame], ids, size), frames))
    problems += [c.problem for c in checked if c.problem]
    for k in sorted({k for c in checked for k in c.foreign}):
        showing = [frame for frame, c in zip(frames, checked, strict=True) if k in c.foreign]
        known = ", ".join(map(str, sorted(ids)))
        problems.append(f"{video.name}: id {k} in {_spans(showing, video.asked)} is not given, but {known}")
    folder = "Annotations/" if video.kind == "youtube_vos" else ""
    named = zip(frames, checked, strict=True)
    entries = [_Entry(f"{folder}{video.name}/{frame}.png", c.content) for frame, c in named]
    return _Report(entries, problems, bool(missing))


def _check(video: Video, file: File, ids: Collection[int], size: tuple[int, int]) -> _Checked:
    """Read one mask, and encode it anew where its mode is not what the server expects."""
    merged = video.kind == "davis2016"
    try:
        # 255 alone is the object where there is only one, else it is an id that was not given.
        mask = read_mask(
            file, size=size, argument=video.name, allow_empty=True, allow_void=True, void_alone=set(ids) != {1}
        )
        form = _form(file)
    except InputError as error:
        return _Checked(file, problem=str(error))
    foreign = () if merged else tuple(k for k in mask.objects if k not in ids)
    if mask.void is not None:
        foreign += (255,)
    if merged:
        kept = form == ("PNG", "L") and (mask.binary or not mask.objects)
        return _Checked(file if kept else _encoded(np.where(mask.ids > 0, 255, 0), palette=False), foreign=foreign)
    kept = form == ("PNG", "P") and not mask.binary
    return _Checked(file if kept else _encoded(mask.ids, palette=True), foreign=foreign)


def _form(file: File) -> tuple[str | None, str]:
    image = Image.open(BytesIO(file.read_bytes()))
    return image.format, image.mode


def _encoded(values: npt.NDArray[np.integer], *, palette: bool) -> bytes:
    image = Image.fromarray(values.astype(np.uint8))
    if palette:
        image.putpalette(davis_palette())
    buffer = BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def _write(out: Path, entries: Iterable[_Entry]) -> None:
    try:
        with atomic_path(out) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            for inside, content in entries:
                about = zipfile.ZipInfo(inside)  # of 1980, as nothing but the masks decides
                about.create_system, about.external_attr = 3, 0o100644 << 16
                archive.writestr(about, content if isinstance(content, bytes) else content.read_bytes())
    except OSError as error:
        raise InputError(f"out: {out} cannot be written ({error.strerror or error}); choose another place") from error


def _masks(frames: Sequence[str], order: Collection[str]) -> str:
    """Count masks and name them all: ``all 3 masks (00000 to 00002) are``."""
    count = f"all {len(frames)} masks" if len(frames) == len(order) > 1 else f"{len(frames)} masks"
    spans = _spans(frames, sorted(order, key=natural_key))
    return f"1 mask ({spans}) is" if len(frames) == 1 else f"{count} ({spans}) are"


def _spans(frames: Sequence[str], order: Sequence[str]) -> str:
    """Name frames, neighbours of an order as one span: ``00000 to 00003, 00007``."""
    place = {frame: n for n, frame in enumerate(order)}
    return ", ".join(a if a == b else f"{a} to {b}" for a, b in _runs(frames, place))


def _runs(frames: Sequence[str], place: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    start = frames[0]
    for frame, following in pairwise((*frames, "")):
        if place.get(following) != place[frame] + 1:
            yield start, frame
            start = following
