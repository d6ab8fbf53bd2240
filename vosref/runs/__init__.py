"""A run on disk: masks written whole, one by one, the record of what ran, scores, and going on after a stop.

In the output folder stand the masks, named as the frames; `vosref.json`, the record; and, while frames are missing, a
hidden checkpoint: the method's state after some frame. The masks depend on frames, first mask and configuration alone,
so a run that was stopped and resumed ends with the same bytes as one that was not.
"""

import functools
import json
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vosref.evaluation import SequenceScores, sequence_scores
from vosref.io import InputError, write_mask, write_text
from vosref.kernels import buffers
from vosref.runs.budget import Budget
from vosref.runs.checkpoints import load_state, save_state
from vosref.runs.jobs import RECORD, Job, open_job, read_truth
from vosref.runs.overlap import Behind, ahead
from vosref.runs.records import Result, environment, peak_bytes
from vosref.video import Step, method_named, walk

__all__ = ["CHECKPOINT", "RECORD", "Job", "Result", "open_job", "segment", "written_mask"]

CHECKPOINT = ".vosref-checkpoint.safetensors"
CHECKPOINT_EVERY = 20  # frames; a killed run repeats fewer than this


def segment(
    job: Job, /, *, resume: bool = False, memory: int | None = None, progress: Callable[[int], None] = lambda _: None
) -> Result:
    """Write the mask of every frame, then score them where there is truth.

    Parameters
    ----------
    job : Job
    resume : bool
        Go on where an earlier run of the same job stopped; without one, start at the first frame.
    memory : int, optional
        Bytes that this process may hold. The run is refused after its first frame if that cannot suffice.
    progress : callable
        Called with the number of frames whose masks are written.

    Returns
    -------
    Result

    Raises
    ------
    InputError
        If `resume` is asked for and the folder holds another job, or `memory` does not suffice.
    """
    state = _state_to_resume(job) if resume else None
    done = before = len(job.frames) if state == "finished" else getattr(state, "t", 0)
    if done == 0:
        (job.out / CHECKPOINT).unlink(missing_ok=True)
    progress(done)
    began = time.perf_counter()
    if done < len(job.frames):
        _write_record(job, frames_done=done)
        for name in job.leading:
            write_mask(job.mask_path(name), np.zeros(job.frames.size, np.uint8), palette=job.mask.palette)
        budget = Budget(memory, job.method, len(job.frames))
        done = _write_masks(job, state, budget, progress)
    seconds = (time.perf_counter() - began) / (done - before) if done > before else None
    scored = tuple(name for name in job.frames.names if name in job.truth)
    result = Result(seconds, peak_bytes(), _score(job, scored) if scored else None, scored)
    _write_record(job, frames_done=done, result=result)
    return result


def _write_masks(job: Job, state: Any, budget: Budget, progress: Callable[[int], None]) -> int:
    """Write the masks from the state on; whatever ends the loop early leaves a checkpoint to go on from."""
    start = 0 if state is None else state.t
    ledger = _Ledger(job, start, state, progress)
    config = budget.configured(job.config)
    try:
        reading = closing(ahead(job.frames.iterate(start=start)))
        with buffers.limited(budget.share), reading as frames, Behind() as writer:
            later = {given.t: given.read().ids for given in job.later}
            for step in walk(frames, job.mask.ids, method=job.method, config=config, start=state, later=later):
                path = job.mask_path(job.frames.names[step.t])
                write = functools.partial(write_mask, path, step.mask, palette=job.mask.palette)
                writer.begin(write, then=functools.partial(ledger.enter, step))
                budget.check(step, config)
    finally:
        if start < ledger.done < len(job.frames):
            _save(job, ledger.state)
            _write_record(job, frames_done=ledger.done)
    (job.out / CHECKPOINT).unlink(missing_ok=True)
    return ledger.done


class _Ledger:
    """Which masks are on disk, and the state after the last of them."""

    def __init__(self, job: Job, done: int, state: Any, progress: Callable[[int], None]) -> None:
        self.job, self.done, self.state, self.progress = job, done, state, progress
        self.saved = done

    def enter(self, step: Step) -> None:
        self.state, self.done = step.state, step.t + 1
        if self.done - self.saved >= CHECKPOINT_EVERY:
            _save(self.job, self.state)
            self.saved = self.done
        self.progress(self.done)


def _score(job: Job, names: Sequence[str]) -> SequenceScores:
    predictions = (written_mask(job.mask_path(n)) for n in names)
    truths = (read_truth(job.truth[n]).ids for n in names)
    # The means leave out the ends because the first mask was given; without truth for it there is nothing to leave out.
    given = names[0] == job.frames.names[0]
    return sequence_scores(predictions, truths, ids=job.mask.objects, exclude_ends=given)


def written_mask(path: Path) -> NDArray[np.uint8]:
    """Read a mask of our own, which is what it is: `read_mask` would doubt one of many small remnants."""
    with Image.open(path) as image:
        return np.asarray(image)


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
        if result.seconds_per_frame is None:  # an earlier run has computed every frame, and has said what it took
            record["result"] |= _recorded_cost(job)
    write_text(job.out / RECORD, json.dumps(record, indent=1) + "\n")


def _recorded_cost(job: Job) -> dict[str, Any]:
    result = _read_record(job).get("result", {})
    return {key: result[key] for key in ("seconds_per_frame", "peak_bytes") if key in result}


def _read_record(job: Job) -> dict[str, Any]:
    path = job.out / RECORD
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise InputError(f"--resume: {path} is not the record of a run; leave out --resume to start over")
    return found
