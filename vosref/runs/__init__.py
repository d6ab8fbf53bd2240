"""A run on disk: masks written whole, one by one, the record of what ran, scores, and going on after a stop.

In the output folder stand the masks, named as the frames; `vosref.json`, the record; and, while frames are missing, a
hidden checkpoint: the method's state after some frame. The masks depend on frames, first mask and configuration alone,
so a run that was stopped and resumed ends with the same bytes as one that was not.
"""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vosref import __version__
from vosref.evaluation import SequenceScores, sequence_scores
from vosref.io import (
    Frames,
    InputError,
    Mask,
    open_frames,
    output_folder,
    read_mask,
    truth_masks,
    write_mask,
    write_text,
)
from vosref.runs.checkpoints import load_state, save_state
from vosref.runs.records import Result, environment, peak_bytes
from vosref.video import configure, method_named, walk

__all__ = ["Job", "Result", "open_job", "segment", "written_mask"]

RECORD = "vosref.json"
CHECKPOINT = ".vosref-checkpoint.safetensors"
CHECKPOINT_EVERY = 20  # frames; a killed run repeats fewer than this


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


def segment(
    job: Job, /, *, resume: bool = False, memory: int | None = None, progress: Callable[[int], None] = lambda _: None
) -> Result:
    """Write the mask of every frame, then score them where there is truth.

    Parameters
    ----------
    job : Job
    resume : bool
        Go on where an earlier run of the same job stopped; without one, start at the first frame.
    progress : callable
        Called with the number of frames whose masks are written.

    Returns
    -------
    Result

    Raises
    ------
    InputError
        If `resume` is asked for and the folder holds another job.
    """
    state = _state_to_resume(job) if resume else None
    done = before = len(job.frames) if state == "finished" else getattr(state, "t", 0)
    if done == 0:
        (job.out / CHECKPOINT).unlink(missing_ok=True)
    progress(done)
    began = time.perf_counter()
    if done < len(job.frames):
        _write_record(job, frames_done=done)
        done = _write_masks(job, state, progress)
    seconds = (time.perf_counter() - began) / (done - before) if done > before else None
    scored = tuple(name for name in job.frames.names if name in job.truth)
    result = Result(seconds, peak_bytes(), _score(job, scored) if scored else None, scored)
    _write_record(job, frames_done=done, result=result)
    return result


def _write_masks(job: Job, state: Any, progress: Callable[[int], None]) -> int:
    """Write the masks from the state on; whatever ends the loop early leaves a checkpoint to go on from."""
    done = saved = start = 0 if state is None else state.t
    frames = job.frames.iterate(start=start)
    try:
        for step in walk(frames, job.mask.ids, method=job.method, config=job.config, start=state):
            write_mask(job.mask_path(job.frames.names[step.t]), step.mask, palette=job.mask.palette)
            state, done = step.state, step.t + 1
            if done - saved >= CHECKPOINT_EVERY:
                _save(job, state)
                saved = done
            progress(done)
    finally:
        if start < done < len(job.frames):
            _save(job, state)
            _write_record(job, frames_done=done)
    (job.out / CHECKPOINT).unlink(missing_ok=True)
    return done


def _score(job: Job, names: Sequence[str]) -> SequenceScores:
    predictions = (written_mask(job.mask_path(n)) for n in names)
    truths = (_read_truth(job.truth[n]).ids for n in names)
    # The means leave out the ends because the first mask was given; without truth for it there is nothing to leave out.
    given = names[0] == job.frames.names[0]
    return sequence_scores(predictions, truths, ids=job.mask.objects, exclude_ends=given)


def written_mask(path: Path) -> NDArray[np.uint8]:
    """Read a mask of our own, which is what it is: `read_mask` would doubt one of many small remnants."""
    with Image.open(path) as image:
        return np.asarray(image)


def _read_truth(path: Path) -> Mask:
    return read_mask(path, argument="--truth", allow_empty=True, allow_void=True)


def _check_objects(first: Mask, truth: Path) -> None:
    objects = _read_truth(truth).objects
    if objects != first.objects:
        raise InputError(
            f"--truth: {truth} shows objects {list(objects)} where the first mask has {list(first.objects)}, so they "
            "cannot be paired; give a first mask and truth with the same ids"
        )


def _save(job: Job, state: Any) -> None:
    save_state(job.out / CHECKPOINT, state, identity=json.dumps(job.identity()))


def _state_to_resume(job: Job) -> Any:
    """Return the state to go on from, "finished", or None to start at the first frame."""
    if not (job.out / RECORD).is_file():
        return None
    found = _read_record(job)
    differ = [key for key, value in job.identity().items() if found.get(key) != value]
    if differ:
        raise InputError(
            f"--resume: {job.out} holds another run (not the same {', '.join(differ)}); name another folder, or leave "
            "out --resume to start over"
        )
    if found.get("frames_done") == len(job.frames):
        return "finished" if _masks_exist(job, len(job.frames)) else None
    kind = method_named(job.method).State
    state = load_state(job.out / CHECKPOINT, kind, identity=json.dumps(job.identity()))
    return state if state is not None and _masks_exist(job, state.t) else None


def _masks_exist(job: Job, count: int) -> bool:
    return all(job.mask_path(name).is_file() for name in job.frames.names[:count])


def _write_record(job: Job, *, frames_done: int, result: Result | None = None) -> None:
    record = {
        **job.identity(),
        "frames_done": frames_done,
        "environment": environment(),
    }
    if result is not None:
        record["result"] = result.summary(job.name)
    write_text(job.out / RECORD, json.dumps(record, indent=1) + "\n")


def _read_record(job: Job) -> dict[str, Any]:
    path = job.out / RECORD
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise InputError(f"--resume: {path} is not the record of a run; leave out --resume to start over")
    return found


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
