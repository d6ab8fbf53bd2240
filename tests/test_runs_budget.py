"""`vosref.runs.budget`: a run keeps to its bytes, or is refused with what it needs after its first frame."""

import re

import numpy as np
import pytest
from PIL import Image

from vosref.io import InputError
from vosref.kernels import buffers
from vosref.runs import budget, open_job, segment
from vosref.runs.budget import LEAST, Budget, spell_bytes
from vosref.tvos import TvosConfig, TvosState, frames_held
from vosref.video import Step

PIXELS = 10_000


@pytest.fixture
def clip(tmp_path):
    rng = np.random.default_rng(0)
    for t in range(3):
        path = tmp_path / "frames" / f"{t}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (24, 32, 3), np.uint8)).save(path)
    Image.fromarray(np.eye(24, 32, dtype=np.uint8)).save(tmp_path / "mask.png")
    return open_job(tmp_path / "frames", tmp_path / "mask.png", tmp_path / "out")


def after(t, frames=1):
    embedding, labels = np.zeros((PIXELS, 20), np.float32), np.zeros((PIXELS, 5), np.float32)
    return Step(t, None, TvosState((embedding,) * frames, (labels,) * frames, t + 1), None)


@pytest.mark.parametrize(("n_frames", "grows"), [(10, 9), (1000, 43)])
def test_a_state_that_will_grow_is_counted_at_its_full_length(monkeypatch, n_frames, grows):
    monkeypatch.setattr(budget, "peak_bytes", lambda: 300_000_000)
    assert frames_held(TvosConfig.released()) == 44
    need = 300_000_000 + grows * PIXELS * 25 * 4
    Budget(need, "tvos", n_frames).check(after(0), TvosConfig.released())
    with pytest.raises(
        InputError, match=rf"^--memory: {spell_bytes(need - 1)} is too little .* {grows} frames that tvos"
    ):
        Budget(need - 1, "tvos", n_frames).check(after(0), TvosConfig.released())


def test_a_full_state_grows_no_further(monkeypatch):
    monkeypatch.setattr(budget, "peak_bytes", lambda: 300_000_000)
    Budget(300_000_000, "tvos", 1000).check(after(60, 44), TvosConfig.released())
    with pytest.raises(InputError, match=r"held after frame 60; give more"):
        Budget(299_999_999, "tvos", 1000).check(after(60, 44), TvosConfig.released())


def test_without_a_budget_nothing_is_asked(monkeypatch):
    monkeypatch.setattr(budget, "peak_bytes", lambda: 10**15)
    config = TvosConfig.released()
    assert Budget(None, "tvos", 9).configured(config) is config
    Budget(None, "tvos", 9).check(after(0), config)


def test_tiles_get_a_share_and_never_so_little_that_results_would_move():
    config = TvosConfig.released()
    assert Budget(10**9, "tvos", 9).configured(config).memory == 125_000_000
    assert Budget(10**6, "tvos", 9).configured(config).memory == LEAST
    assert Budget(10**15, "tvos", 9).configured(config) == config


def test_a_run_under_a_budget_writes_the_same_bytes_and_lets_memory_go_afterwards(clip):
    segment(clip)
    masks = [clip.mask_path(name).read_bytes() for name in clip.frames.names]
    segment(clip, memory=10**12)
    assert [clip.mask_path(name).read_bytes() for name in clip.frames.names] == masks
    assert buffers._ASKED[0] == float("inf")


def test_a_run_that_cannot_keep_to_its_budget_is_refused_after_its_first_frame(clip):
    with pytest.raises(
        InputError, match=r"--memory: 1 MB is too little for frames of this size: .* are needed"
    ) as caught:
        segment(clip, memory=1_000_000)
    assert re.search(r"held after frame 0\b", str(caught.value))
    assert not clip.mask_path("2").exists()


@pytest.mark.parametrize(("count", "text"), [(950_000_000, "950 MB"), (1_250_000_000, "1.25 GB"), (999, "0 MB")])
def test_bytes_are_written_for_people(count, text):
    assert spell_bytes(count) == text
