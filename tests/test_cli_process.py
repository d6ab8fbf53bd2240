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


def start(*arguments):
    command = [sys.executable, "-W", "error", "-m", "vosref", *map(str, arguments)]
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
    frames, mask = write_small_clip(tmp_path / "clip", n_frames=18)
    segment = ("segment", frames, "--mask", mask, *CHEAPLY, "--no-overlay", "--truth", mask.parent)
    assert run(*segment, "--out", tmp_path / "whole")[0] == 0
    out = tmp_path / "stopped"
    for kind, t in ((signal.SIGINT, 2), (signal.SIGTERM, 9)):
        with start(*segment, "--out", out, "--resume") as process:
            wait_for(out / f"{t:05d}.png", process)
            process.send_signal(kind)
            printed, said = process.communicate(timeout=60)
        assert process.returncode == 1
        assert printed == ""
        assert "with --resume goes on from them\n" in said
        assert "Traceback" not in said
        stopped, whole = contents(out), contents(tmp_path / "whole")
        assert t < len(stopped) < 18
        assert stopped.items() <= whole.items()
        assert json.loads((out / "vosref.json").read_text())["frames_done"] == len(stopped)
    assert run(*segment, "--out", out, "--resume")[0] == 0
    assert contents(out) == contents(tmp_path / "whole")
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
