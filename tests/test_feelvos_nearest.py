"""FEELVOS without a head: the nearest reference pixel's label decides; and objects that go, and come back."""

import numpy as np
import pytest
from clips import small_clip
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import SEEDS

from vosref import feelvos
from vosref.feelvos import FeelvosConfig, FeelvosView, init, step
from vosref.nn import transfer
from vosref.video import configure, walk

NEAREST = pytest.mark.parametrize("matching", ["both", "global", "local"])
IDS = (0, 1, 5)


def lite0(matching="both", **fields):
    """A cheap transferred embedding: the frame as it is, two stages of stride 4."""
    name = "nearest" if matching == "both" else f"nearest-{matching}"
    return configure(
        "feelvos", name, **{"weights": "lite0", "working_scale": 1.0, "n_stages": 2, "transfer_stride": 4} | fields
    )


def line(xp, values, head=None):
    """A frame of one row of pixels, each embedded by a number; the grid is the frame."""
    return FeelvosView(xp.asarray(np.asarray(values, float)[None, :, None]), (1, len(values)), head)


@NEAREST
@given(seed=SEEDS, grid=st.tuples(st.integers(1, 4), st.integers(1, 5)), window_radius=st.integers(0, 3))
def test_a_pixel_gets_the_label_of_its_nearest_reference_pixel(xp, matching, seed, grid, window_radius):
    rng, n_pixels = np.random.default_rng(seed), grid[0] * grid[1]
    first, previous, query = rng.standard_normal((3, n_pixels, 3)) / 2
    config = FeelvosConfig.nearest(matching)._replace(window_radius=window_radius)
    labels = np.eye(3)[rng.integers(0, 3, n_pixels)]
    views = [FeelvosView(xp.asarray(x.reshape(*grid, 3)), grid) for x in (first, previous, query)]
    state, once, _ = step(init(views[0], xp.asarray(labels), config), views[1], config)
    _, got, info = step(state, views[2], config)
    where, past = np.divmod(np.arange(n_pixels), grid[1]), np.argmax(xp.to_numpy(once), axis=1)
    expected = []
    for p in range(n_pixels):
        candidates = []
        if matching != "local":
            candidates += [(np.sum((query[p] - first[q]) ** 2), np.argmax(labels[q])) for q in range(n_pixels)]
        if matching != "global":
            near = np.max([np.abs(axis - axis[p]) for axis in where], axis=0) <= window_radius
            candidates += [(np.sum((query[p] - previous[q]) ** 2), past[q]) for q in np.flatnonzero(near)]
        expected.append(min(candidates)[1])
    assert_array_equal(xp.to_numpy(got), np.eye(3)[expected])
    assert info.probabilities is got
    assert info.logits is None


def test_the_first_object_wins_a_tie(xp):
    config = FeelvosConfig.nearest("global")
    state = init(line(xp, [1.0, -1.0]), xp.asarray(np.eye(2)), config)
    assert xp.to_numpy(step(state, line(xp, [0.0, 0.0]), config)[1]).tolist() == [[1, 0], [1, 0]]


@pytest.mark.parametrize("decision", ["nearest", "head"])
def test_an_object_that_was_lost_is_exactly_1_far_locally_and_comes_back_by_the_first_frame(xp, decision):
    config = FeelvosConfig.released()._replace(decision=decision, window_radius=1)
    head = None if decision == "nearest" else lambda cues: -cues[:, :, :, 0]
    state = init(line(xp, [0, 1, 0, 0]), xp.asarray(np.eye(2)[[0, 1, 0, 0]]), config)
    state, lost, _ = step(state, line(xp, [0, 0, 0, 0], head), config)
    assert np.argmax(xp.to_numpy(lost), axis=1).tolist() == [0, 0, 0, 0]
    state, back, info = step(state, line(xp, [0, 0, 0, 1], head), config)
    assert_array_equal(xp.to_numpy(info.local_distance)[:, 1], 1)
    assert (xp.to_numpy(info.local_distance)[:, 0] < 1).all()
    assert xp.to_numpy(info.global_distance)[3, 1] == 0
    assert np.argmax(xp.to_numpy(back), axis=1).tolist() == [0, 0, 0, 1]
    _, _, info = step(state, line(xp, [0, 0, 0, 1], head), config)
    assert xp.to_numpy(info.local_distance)[3, 1] == 0
    assert xp.to_numpy(info.local_distance)[1, 1] == 1  # two pixels away, and the window has one


@NEAREST
def test_identical_frames_keep_the_mask_on_the_grid(definitions, xp, matching):
    rng = np.random.default_rng(5)
    frame, first = rng.integers(0, 256, (40, 64, 3)).astype(np.uint8), small_clip()[1][0]
    config = lite0(matching)
    frames = [xp.asarray(frame)] * 4
    steps = list(walk(frames, xp.asarray(first), method="feelvos", config=config))
    view = FeelvosView(np.zeros((10, 16, 1)), (40, 64))
    labels = feelvos.annotate(view, first, IDS)
    assert_array_equal(xp.to_numpy(steps[0].mask), first)
    for later in steps[1:]:
        assert_array_equal(xp.to_numpy(later.state.previous[1]), labels)
        assert_array_equal(xp.to_numpy(later.mask), feelvos.decide(view, labels, IDS, first.shape))


@pytest.mark.parametrize("name", ["nearest", "nearest-global", "nearest-local"])
def test_objects_are_followed_without_a_head(definitions, name):
    frames, masks = small_clip()
    steps = list(walk(frames, masks[0], method="feelvos", config=configure("feelvos", name, weights="lite0")))

    def overlap(mask, k, t):
        return np.sum((mask == k) & (masks[t] == k)) / np.sum((mask == k) | (masks[t] == k))

    for t in (4, 5):
        for k in (1, 5):
            assert overlap(masks[0], k, t) < 0.06  # that is how far they went
            assert overlap(steps[t].mask, k, t) > 0.45


def test_a_mask_over_the_whole_frame_stays(definitions, xp):
    frames = map(xp.asarray, small_clip(3)[0])
    full = np.full((40, 64), 9, np.uint8)
    for later in walk(frames, xp.asarray(full), method="feelvos", config=lite0()):
        assert_array_equal(xp.to_numpy(later.mask), full)
    assert_array_equal(xp.to_numpy(later.info.global_distance)[:, 0], 1)  # no pixel is background


def test_the_transferred_embedding_is_on_the_stride_4_grid_and_of_length_1(definitions):
    frame = np.random.default_rng(0).integers(0, 256, (33, 50, 3)).astype(np.uint8)
    config = FeelvosConfig.nearest()._replace(weights="lite0")
    weights = feelvos.prepare(config)
    view = feelvos.embedding(weights, frame, config)
    assert (view.embedding.shape, view.size, view.head) == ((9, 13, 112), (33, 50), None)
    assert np.abs(np.linalg.norm(view.embedding, axis=2) - 1).max() < 1e-5  # in single precision
    options = {"working_scale": 2.0, "n_stages": 5, "output_stride": 16, "normalise": True, "grid": (9, 13)}
    assert_array_equal(view.embedding, transfer.embed(weights, frame, **options))
    raw = feelvos.embedding(weights, frame, config._replace(normalise=False)).embedding
    assert np.linalg.norm(raw, axis=2).min() > 2
