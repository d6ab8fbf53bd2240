"""Watch the memory of `vosref segment` over a long video.

    python .ci/memory.py SEQUENCE MASK FRAMES OUT.png [OPTION …]

The frames of the folder SEQUENCE, there and back again until there are FRAMES of them, are segmented by a process of
their own with the OPTIONs; its resident size is read every second. Drawn against the masks written, and kept beside
OUT.png as JSON.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from vosref import io, plots

PERIOD = 1.0  # seconds


def main(sequence, mask, count, picture, *options):
    """Segment, watch, draw."""
    files = sorted(Path(sequence).iterdir())
    around = files + files[-2:0:-1]
    with tempfile.TemporaryDirectory() as folder:
        frames, out = Path(folder) / "frames", Path(folder) / "out"
        frames.mkdir()
        for t in range(int(count)):
            (frames / f"{t:05d}{files[0].suffix}").symlink_to(around[t % len(around)])
        command = ["vosref", "segment", frames, "--mask", mask, "--out", out, *options]
        began, process = time.perf_counter(), subprocess.Popen(command)  # noqa: S603
        watched = []
        while process.poll() is None:
            if (size := resident(process.pid)) is not None:
                watched.append((time.perf_counter() - began, sum(1 for _ in out.glob("[0-9]*.png")), size))
            time.sleep(PERIOD)
        if process.returncode:
            sys.exit(process.returncode)
        record = json.loads((out / "vosref.json").read_text())
    seconds, done, sizes = (np.array(column) for column in zip(*watched, strict=True))
    io.write_text(
        Path(picture).with_suffix(".json"),
        json.dumps(
            {"seconds": seconds.tolist(), "masks": done.tolist(), "bytes": sizes.tolist(), "result": record["result"]}
        ),
    )
    counts = np.unique(done)
    counts = counts[:: max(1, len(counts) // 100)]
    largest = np.maximum.accumulate(sizes)
    plots.plot_curve(
        picture,
        counts,
        {
            "resident size": [np.median(sizes[done == n]) / 1e6 for n in counts],
            "its largest so far": [largest[done <= n].max() / 1e6 for n in counts],
        },
        x_label="masks written",
        y_label="MB",
        title=f"vosref segment {' '.join(options)}".strip(),
    )


def resident(pid):
    """Bytes that a process holds; None when it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS:"))
    except (OSError, StopIteration):
        return None


if __name__ == "__main__":
    main(*sys.argv[1:])
