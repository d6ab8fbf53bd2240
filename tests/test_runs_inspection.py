"""Looking into one frame: what is kept is what the loop knows there, and what TVOS looked at."""

import numpy as np
import pytest
from clips import cheap, small_clip, thin, thin_feelvos, write_small_clip

from vosref.io import open_frames
from vosref.runs.inspection import inspect_frame
from vosref.video import walk

pytestmark = pytest.mark.usefixtures("definitions")

FEW = {"n_recent": 1, "n_sparse": 1, "sigma_recent": 3.0}


def same_step(one, other):
    assert one.t == other.t
    np.testing.assert_array_equal(one.mask, other.mask)
    for a, b in zip(one.state.embeddings, other.state.embeddings, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["released", "paper"])
def test_the_steps_are_the_loops_at_the_frame_and_before(name):
    frames, masks = small_clip()
    at = inspect_frame(frames, masks[0], 4, config=cheap(name))
    *_, before, step = walk(frames[:5], masks[0], config=cheap(name))
    same_step(at.before, before)
    same_step(at.step, step)
    assert (at.t, at.method, at.config) == (4, "tvos", cheap(name))
    assert (at.grid, at.ids, at.name) == ((10, 16), (0, 1, 5), "00004")
    assert at.title == "TVOS at frame 00004"


def test_references_are_what_the_step_saw_of_the_frames_that_it_names():
    frames, masks = small_clip()
    at = inspect_frame(frames, masks[0], 4, config=cheap(**FEW))
    assert [(seen.t, seen.sigma) for seen in at.references] == [(0, 3.0), (3, 3.0)]
    assert tuple(at.frames) == (0, 3, 4)
    for seen in at.references:
        np.testing.assert_array_equal(seen.embedding, at.before.state.embeddings[seen.t])
        np.testing.assert_array_equal(seen.labels, at.before.state.labels[seen.t])
        np.testing.assert_array_equal(at.frames[seen.t], frames[seen.t])
    np.testing.assert_array_equal(at.query, at.step.state.embeddings[-1])


def test_references_are_found_where_the_state_has_let_go_of_the_first_frames():
    frames, masks = small_clip()
    at = inspect_frame(frames, masks[0], 5, config=cheap("paper", **FEW, horizon=2))
    every = list(walk(frames, masks[0], config=cheap("paper", **FEW, horizon=2)))
    assert [seen.t for seen in at.references] == [3, 4]
    for seen in at.references:
        np.testing.assert_array_equal(seen.embedding, every[seen.t].state.embeddings[-1])


def test_frames_come_from_files_or_a_list_and_files_keep_their_names(tmp_path):
    frames, masks = small_clip()
    opened = open_frames(write_small_clip(tmp_path / "clip")[0])
    one, other = (inspect_frame(given, masks[0], 2, config=cheap()) for given in (opened, list(frames)))
    same_step(one.step, other.step)
    assert one.names == other.names == opened.names
    np.testing.assert_array_equal(list(one.frames.values()), list(other.frames.values()))


def test_progress_is_told_frame_by_frame():
    frames, masks = small_clip()
    said = []
    inspect_frame(frames, masks[0], 3, config=cheap(), progress=said.append)
    assert said == [1, 2, 3, 4]


def test_another_method_can_be_looked_into_but_has_no_references(monkeypatch):
    thin_feelvos(monkeypatch)
    frames, masks = small_clip()
    at = inspect_frame(frames, masks[0], 1, method="feelvos", config=thin())
    assert at.title == "FEELVOS at frame 00001"
    assert tuple(at.frames) == (0, 1)
    assert at.step.info.probabilities.shape == (at.grid[0] * at.grid[1], 3)
    for name in ("references", "query"):
        with pytest.raises(ValueError, match=f"only an inspection of method 'tvos' has {name}, got one of 'feelvos'"):
            getattr(at, name)


def test_a_pixel_lies_in_the_cell_whose_square_holds_it():
    frames, masks = small_clip()
    at = inspect_frame(frames, masks[0], 1, config=cheap())  # cells of 4 x 4 pixels
    cells = {(r, c): at.cell((r, c)) for r in range(40) for c in range(64)}
    assert cells == {(r, c): (r // 4, c // 4) for r in range(40) for c in range(64)}


@pytest.mark.parametrize("t", [-1, 0, 6])
def test_a_frame_that_is_not_after_the_first_is_refused(t):
    frames, masks = small_clip()
    with pytest.raises(ValueError, match=f"t must be 1 to 5, a frame after the first, got {t}"):
        inspect_frame(frames, masks[0], t)


def test_the_configuration_of_another_method_is_refused():
    frames, masks = small_clip()
    with pytest.raises(TypeError, match="config must be a FeelvosConfig for method 'feelvos', got TvosConfig"):
        inspect_frame(frames, masks[0], 1, method="feelvos", config=cheap())
