"""`vosref.feelvos`, one step at a time: the maps, what the head sees of them, and what is fed back."""

import numpy as np
import oracles
import pytest
from clips import CUES
from numpy.testing import assert_allclose, assert_array_equal

from vosref import feelvos
from vosref.feelvos import FeelvosView, init, step
from vosref.labels import harden
from vosref.matching import global_matching, local_matching
from vosref.video import configure

GRID, SIZE = (5, 6), (12, 15)  # cells of the grid lie 2.75 and 2.8 pixels apart: between pixels
LOGITS = np.random.default_rng(14).standard_normal((*GRID, 3))
LABELS = np.eye(3)[np.random.default_rng(8).integers(0, 3, 30)]


def view(xp, seed, head=None):
    return FeelvosView(xp.asarray(np.random.default_rng(seed).standard_normal((*GRID, 3)) / 2), SIZE, head)


def says(xp, logits, seen=None):
    """A head that gives these logits whatever it sees, and notes what it sees."""

    def head(cues):
        if seen is not None:
            seen.append(xp.to_numpy(cues))
        return xp.asarray(logits)

    return head


def walked(xp, config, head=None):
    """The state that the second step starts from, the state after it, and its info."""
    state, *_ = step(init(view(xp, 0), xp.asarray(LABELS), config), view(xp, 1, head), config)
    following, _, info = step(state, view(xp, 2, head), config)
    return state, following, info


@pytest.mark.parametrize("name", ["released", "paper", "nearest", "nearest-global", "nearest-local", *CUES])
def test_a_steps_maps_are_the_matchings_to_its_state(xp, name):
    config = configure("feelvos", name, window_radius=1, n_neighbours=2)
    state, _, info = walked(xp, config, says(xp, LOGITS))
    query, first, previous = (xp.reshape(view(xp, t).embedding, (30, 3)) for t in (2, 0, 1))
    assert_array_equal(xp.to_numpy(state.first[0]), xp.to_numpy(first))
    assert_array_equal(xp.to_numpy(state.first[1]), LABELS)
    assert_array_equal(xp.to_numpy(state.previous[0]), xp.to_numpy(previous))
    maps = {
        "far": global_matching(query, *state.first, n_neighbours=2),
        "local": local_matching(query, *state.previous[:2], grid=GRID, window_radius=1),
        "global": global_matching(query, *state.previous[:2], n_neighbours=2),
    }
    expected = {"far": config.first_frame, "near": config.previous_frame != "none"}
    got = {"far": info.global_distance, "near": info.local_distance}
    assert {which: m is not None for which, m in got.items()} == expected
    for which, key in (("far", "far"), ("near", config.previous_frame)):
        if expected[which]:
            assert_array_equal(xp.to_numpy(got[which]), xp.to_numpy(maps[key]))


def test_the_matchings_get_the_configurations_neighbours_window_and_memory(monkeypatch):
    asked = []

    def noting(match):
        def run(*arrays, **options):
            asked.append((match.__name__, options))
            return match(*arrays, **options)

        return run

    for match in (global_matching, local_matching):
        monkeypatch.setattr(feelvos, match.__name__, noting(match))
    options = {"n_neighbours": 2, "window_radius": 3, "memory": 12345}
    state = init(view(np, 0), LABELS, configure("feelvos", **options))
    for name in ("released", "ablation-2"):
        step(state, view(np, 1, lambda cues: cues[:, :, :, 0]), configure("feelvos", name, **options))
    far = ("global_matching", {"n_neighbours": 2, "memory": 12345})
    near = ("local_matching", {"grid": GRID, "window_radius": 3, "memory": 12345})
    assert asked == [far, near, far, far]


@pytest.mark.parametrize("name", CUES)
def test_the_head_gets_the_cues_that_are_not_switched_off_in_the_released_order(xp, name):
    seen = []
    _, _, info = walked(xp, configure("feelvos", name, window_radius=2), says(xp, LOGITS, seen))
    maps = {"global": info.global_distance, "previous": info.previous, "local": info.local_distance}
    assert seen[-1].shape == (*GRID, 3, len(CUES[name]))
    for place, cue in enumerate(CUES[name]):
        assert_array_equal(seen[-1][..., place].reshape(30, 3), xp.to_numpy(maps[cue]))


def brought_back(logits):
    """The argmax at full resolution, on the grid by the nearest pixel: one-hot (P, K), and that of the grid itself."""
    planes = [oracles.resize_bilinear(plane.tolist(), *SIZE, align_corners=True) for plane in np.moveaxis(logits, 2, 0)]
    back = np.ravel(oracles.resize_nearest(np.argmax(planes, axis=0).tolist(), *GRID))
    return np.eye(3)[back], np.eye(3)[np.ravel(np.argmax(logits, axis=2))]


def softmax(logits):
    weights = np.exp(logits).reshape(30, 3)
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("name", "place", "fed_back"),
    [("released", "full", "hard"), ("paper", "grid", "soft"), ("ablation-3", "full", "soft")],
)
def test_what_is_fed_back_is_hard_from_full_resolution_or_soft_from_the_grid(xp, name, place, fed_back):
    full, grid = brought_back(LOGITS)
    assert (full != grid).any(axis=1).sum() == 5  # hand-picked so that they part
    state, following, info = walked(xp, configure("feelvos", name), says(xp, LOGITS))
    labels = full if place == "full" else grid
    for past in (state, following):
        assert_array_equal(xp.to_numpy(past.previous[1]), labels)
        # Some 10 roundings of numbers up to 1.
        expected = labels if fed_back == "hard" else softmax(LOGITS)
        assert_allclose(xp.to_numpy(past.previous[2]), expected, atol=0 if fed_back == "hard" else 10 * 2.0**-52)
    assert info.previous is state.previous[2]
    assert_array_equal(xp.to_numpy(info.logits), LOGITS.reshape(30, 3))
    assert_allclose(xp.to_numpy(info.probabilities), softmax(LOGITS), atol=10 * 2.0**-52)


def test_the_first_step_sees_the_annotation(xp):
    seen, config = [], configure("feelvos", "paper")
    state = init(view(xp, 0), xp.asarray(LABELS), config)
    step(state, view(xp, 1, says(xp, LOGITS, seen)), config)
    assert_array_equal(seen[0][..., 1].reshape(30, 3), LABELS)


def test_logits_of_any_size_have_a_softmax(xp):
    extreme = np.zeros((*GRID, 3))
    extreme[..., 1], extreme[..., 2] = 1e4, -1e4
    _, following, _ = walked(xp, configure("feelvos", "paper"), says(xp, extreme))
    assert_array_equal(xp.to_numpy(following.previous[2]), np.tile([0.0, 1.0, 0.0], (30, 1)))


def test_the_annotation_comes_to_the_grid_by_the_nearest_pixel_and_logits_go_back_with_aligned_corners(xp):
    mask = np.random.default_rng(0).choice(np.asarray([0, 1, 7, 200], np.uint8), SIZE)
    got = xp.to_numpy(feelvos.annotate(view(xp, 0), xp.asarray(mask), (0, 1, 7, 200)))
    nearest = np.ravel(oracles.resize_nearest(mask.tolist(), *GRID))
    assert_array_equal(got, nearest[:, None] == [0, 1, 7, 200])
    decided = xp.to_numpy(feelvos.decide(view(xp, 0), xp.asarray(LOGITS.reshape(30, 3)), (0, 7, 200), SIZE))
    planes = [oracles.resize_bilinear(LOGITS[..., k].tolist(), *SIZE, align_corners=True) for k in range(3)]
    assert_array_equal(decided, np.asarray([0, 7, 200], np.uint8)[np.argmax(planes, axis=0)])
    assert_array_equal(xp.to_numpy(harden(xp.asarray(got.astype(float)))), got)
