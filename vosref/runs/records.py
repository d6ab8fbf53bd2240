"""What a run says of itself: time, memory, scores, and the machine it ran on."""

import math
import platform
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_info

from vosref.evaluation import SequenceScores

__all__ = ["Result", "environment", "peak_bytes"]


class Result(NamedTuple):
    """What a run did."""

    seconds_per_frame: float | None  # of the frames computed this time, reading and writing included; None if none were
    peak_bytes: int | None  # largest resident size of this process; None where the system does not tell
    scores: SequenceScores | None
    scored_names: tuple[str, ...]  # the frames that have truth

    def summary(self, name: str) -> dict[str, Any]:
        """One row of the JSON report; scores are fractions and are absent without truth."""
        row: dict[str, Any] = {"name": name}
        if self.scores is not None:
            s = self.scores
            row |= {"J": _known(s.mean_region), "F": _known(s.mean_contour), "J&F": _known(s.j_and_f)}
        row |= {"seconds_per_frame": self.seconds_per_frame, "peak_bytes": self.peak_bytes}
        if self.scores is not None:
            objects = zip(s.ids, s.object_region, s.object_contour, strict=True)
            row["objects"] = [{"object": k, "J": _known(j), "F": _known(f)} for k, j, f in objects]
        return row


def environment() -> dict[str, str]:
    """Name the versions that a result may depend on in its last bits, and the BLAS kernel that its time depends on."""
    libraries = (library for library in threadpool_info() if library["user_api"] == "blas")
    kernels = sorted({f"{b['internal_api']} {b['version']} {b.get('architecture', '')}".strip() for b in libraries})
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": ", ".join(kernels),
        "platform": platform.platform(),
    }


def peak_bytes() -> int | None:
    """Largest resident size of this process so far; None where the system does not tell.

    Linux's getrusage starts a new process at the peak of the one that started it, so its status file is asked first.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        status = ""
    if found := re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE):
        return int(found[1]) * 1024
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _known(score: float) -> float | None:
    """JSON has no NaN, which is the mean over no frames."""
    return None if math.isnan(score) else score
