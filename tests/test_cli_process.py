"""The command line as a process: signals, and what reaches a pipe."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from clips import CHEAP, contents, write_small_clip

CHEAPLY = [word for name, value in CHEAP.items() for word in ("--set", f"{name}={value}")]
# Children compile, also where this process must not: they are no part of what a coverage run counts.
SWITCHES = ("NUMBA_DISABLE_JIT", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "GITHUB_ACTIONS", "PY_COLORS")
OURS = {name: value for name, value in os.environ.items() if name not in SWITCHES}


PAUSING = """
import signal, sys, time
from pathlib import Path
from vosref import cli, runs

reached, frame, steps = Path(sys.argv.pop(1)), int(sys.argv.pop(1)), runs.walk

def walk(*arguments, **options):
    for step in steps(*arguments, **options):
        if step.t == frame:
            reached.touch()
            time.sleep(60)
        yield step

runs.walk = walk
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has its background jobs ignore it
cli.main()
"""


def start(*arguments, code=None):
    program = ["-m", "vosref"] if code is None else ["-c", code]
    command = [sys.executable, "-W", "error", *program, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=OURS, encoding="utf-8")


def run(*arguments):
    with start(*arguments) as process:
        printed, said = process.communicate(timeout=120)
    return process.returncode, printed, said


def wait_for(path, process):
    for _ in range(6000):
        if path.exists() or process.poll() is not None:
            return
        time.sleep(0.01)
    pytest.fail(f"{path} did not come within a minute")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to send")
def test_a_signal_stops_a_run_and_resume_completes_it_to_the_same_bytes(tmp_path):
    frames, mask = write_small_clip(tmp_path / "clip", n_frames=8)
    segment = ("segment", frames, "--mask", mask, *CHEAPLY, "--no-overlay", "--truth", mask.parent)
    assert run(*segment, "--out", tmp_path / "whole")[0] == 0
    whole, out = contents(tmp_path / "whole"), tmp_path / "stopped"
    for kind, t in ((signal.SIGINT, 2), (signal.SIGTERM, 5)):
        reached = tmp_path / f"reached-{t}"
        # The child waits at frame t for its signal: without that, a busy machine lets it run on or end before.
        with start(reached, t, *segment, "--out", out, "--resume", code=PAUSING) as process:
            wait_for(reached, process)
            process.send_signal(kind)
            printed, said = process.communicate(timeout=60)
        assert process.returncode == 1
        assert printed == ""
        assert "with --resume goes on from them\n" in said
        assert "Traceback" not in said
        assert contents(out) == {name: whole[name] for name in sorted(whole)[:t]}
        assert json.loads((out / "vosref.json").read_text())["frames_done"] == t
    assert run(*segment, "--out", out, "--resume")[0] == 0
    assert contents(out) == whole
    assert contents(out, ".*") == {}


def test_what_reaches_a_pipe_has_no_control_characters(tmp_path):
    frames, mask = write_small_clip(tmp_path / "größe", n_frames=3)
    segment = ("segment", frames, "--mask", mask, *CHEAPLY, "--out", tmp_path / "out", "--truth", mask.parent)
    for arguments in (segment, ("protocols", "tvos")):
        code, printed, said = run(*arguments)
        assert code == 0
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", printed + said)
    assert (tmp_path / "out" / "overlay.mp4").is_file()


def test_a_refusal_is_one_line_on_stderr_and_no_traceback(tmp_path):
    code, printed, said = run("segment", tmp_path / "none", "--mask", tmp_path / "none.png", "--out", tmp_path / "out")
    assert (code, printed) == (3, "")
    assert re.fullmatch("error: frames: .*none does not exist; give a folder of images or a video file\n", said)
