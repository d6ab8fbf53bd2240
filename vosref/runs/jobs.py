"""A segmentation that can run: every input checked before anything is computed, and what its masks depend on."""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

from vosref import __version__
from vosref.io import Frames, InputError, Mask, open_frames, output_folder, read_mask, truth_masks
from vosref.video import configure

__all__ = ["RECORD", "Job", "open_job", "read_truth"]

RECORD = "vosref.json"


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
                "names": _digest("\n".join(self.frames.names).encode()),
                "first": self.first_frame,
            },
            "first_mask": _digest(self.mask.ids.tobytes() + self.mask.palette),
            "objects": list(self.mask.objects),
        }


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
    path = Path(out)
    if path.resolve() == Path(frames).resolve():
        raise InputError(f"--out: {path} is the folder of the frames; name another one, so that masks stay apart")
    job = Job(
        Path(frames).resolve().stem if Path(frames).is_file() else Path(frames).resolve().name,
        opened,
        first,
        path,
        known,
        method,
        configure(method) if config is None else config,
        _digest(opened[0].tobytes()),
    )
    stranger = next((name for name in opened.names if job.mask_path(name).exists()), None)
    if stranger is not None and not (path / RECORD).is_file():
        raise InputError(
            f"--out: {path} already holds {stranger}.png, which vosref did not write and will not overwrite; "
            "name another folder"
        )
    return job._replace(out=output_folder(path))


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


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
