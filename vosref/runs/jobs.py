"""A segmentation that can run: every input checked before anything is computed, and what its masks depend on."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from vosref import __version__
from vosref.io import Frames, InputError, Mask, open_frames, output_folder, read_mask, truth_masks
from vosref.video import configure

__all__ = ["RECORD", "Job", "Later", "digest", "make_job", "open_job", "read_truth"]

RECORD = "vosref.json"


class Later(NamedTuple):
    """Objects that are given in a later frame."""

    t: int  # number of the frame
    read: Callable[[], Mask]  # with these objects and no others; it pickles
    digest: str  # of what it reads


class Job(NamedTuple):
    """A segmentation that has been checked and can run."""

    name: str
    frames: Frames
    mask: Mask
    out: Path
    truth: dict[str, Path]  # by frame name; empty without truth
    method: str
    config: Any
    first_frame: str  # digest of its pixels, for other videos have frames of the same names
    later: tuple[Later, ...] = ()  # objects that appear later, in the order of their frames
    leading: tuple[str, ...] = ()  # names of frames before `frames`, in which nothing is given: their masks are empty

    def mask_path(self, name: str) -> Path:
        """Path of the mask of a frame."""
        return self.out / f"{name}.png"

    def identity(self) -> dict[str, Any]:
        """Tell what the masks depend on, for the record and for deciding whether a stopped run can go on."""
        return {
            "vosref": __version__,
            "method": self.method,
            "config": self.config._asdict(),
            "frames": {
                "count": len(self.frames),
                "size": list(self.frames.size),
                "names": digest("\n".join(self.frames.names).encode()),
                "first": self.first_frame,
            },
            "first_mask": digest(self.mask.ids.tobytes() + self.mask.palette),
            "objects": list(self.mask.objects),
        } | ({"later": {str(later.t): later.digest for later in self.later}} if self.later else {})


def open_job(
    frames: str | Path,
    mask: str | Path,
    out: str | Path,
    /,
    *,
    method: str = "tvos",
    config: Any = None,
    truth: str | Path | None = None,
) -> Job:
    """Check every input before anything is computed, and open the output folder.

    Raises
    ------
    InputError
        If something cannot be used; MissingInputError if it is not there.
    """
    opened = open_frames(Path(frames))
    first = read_mask(Path(mask), size=opened.size)
    known = {} if truth is None else truth_masks(Path(truth), opened.names, size=opened.size)
    if opened.names[0] in known:
        _check_objects(first, known[opened.names[0]])
    if Path(out).resolve() == Path(frames).resolve():
        raise InputError(f"--out: {out} is the folder of the frames; name another one, so that masks stay apart")
    name = Path(frames).resolve().stem if Path(frames).is_file() else Path(frames).resolve().name
    return make_job(name, opened, first, out, method=method, config=config, truth=known)


def make_job(
    name: str,
    frames: Frames,
    mask: Mask,
    out: str | Path,
    /,
    *,
    method: str = "tvos",
    config: Any = None,
    truth: dict[str, Path] | None = None,
    later: tuple[Later, ...] = (),
    leading: tuple[str, ...] = (),
) -> Job:
    """Open the output folder of a segmentation whose other inputs have been checked.

    Raises
    ------
    InputError
        If the folder cannot be written, or holds masks that vosref did not write.
    """
    job = Job(
        name,
        frames,
        mask,
        Path(out),
        truth or {},
        method,
        configure(method) if config is None else config,
        digest(frames[0].tobytes()),
        later,
        leading,
    )
    stranger = next((n for n in (*leading, *frames.names) if job.mask_path(n).exists()), None)
    if stranger is not None and not (job.out / RECORD).is_file():
        raise InputError(
            f"--out: {job.out} already holds {stranger}.png, which vosref did not write and will not overwrite; "
            "name another folder"
        )
    return job._replace(out=output_folder(job.out))


def read_truth(path: Path, /) -> Mask:
    """Read a true mask, which may be empty and may have void pixels."""
    return read_mask(path, argument="--truth", allow_empty=True, allow_void=True)


def _check_objects(first: Mask, truth: Path) -> None:
    objects = read_truth(truth).objects
    if objects != first.objects:
        raise InputError(
            f"--truth: {truth} shows objects {list(objects)} where the first mask has {list(first.objects)}, so they "
            "cannot be paired; give a first mask and truth with the same ids"
        )


def digest(data: bytes, /) -> str:
    """Return the SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
