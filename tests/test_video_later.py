"""Objects that appear later: they enter the state of either method, as they were given, and are found from then on."""

import numpy as np
import pytest
from clips import CONFIGS, cheap, small_clip, thin, thin_feelvos
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from vosref import feelvos, tvos
from vosref.feelvos import FeelvosConfig, FeelvosState
from vosref.tvos import TvosState
from vosref.video import VanishedObjectWarning, segment_video, walk

pytestmark = pytest.mark.usefixtures("definitions")

SCENE = {"n_frames": 6, "height": 24, "width": 32}
SEEDS = st.integers(0, 2**32 - 1)


def configured(monkeypatch, method):
    if method == "tvos":
        return {"method": method, "config": cheap("paper")}
    thin_feelvos(monkeypatch)
    return {"method": method, "config": thin("released")}


def split():
    """A clip whose object 5 is given in frame 2 only: frames, the first mask, and what is given later."""
    frames, masks = small_clip(**SCENE)
    return frames, np.where(masks[0] == 5, 0, masks[0]).astype(np.uint8), {2: masks[2]}


METHODS = pytest.mark.parametrize("method", ["tvos", "feelvos"])


@METHODS
def test_a_late_object_comes_out_as_it_was_given_and_nothing_before_it_changes(monkeypatch, xp, method):
    options = configured(monkeypatch, method)
    frames, first, later = split()
    mask = later[2]
    got = [
        xp.to_numpy(m)
        for m in segment_video(map(xp.asarray, frames), xp.asarray(first), later={2: xp.asarray(later[2])}, **options)
    ]
    alone = [xp.to_numpy(m) for m in segment_video(map(xp.asarray, frames), xp.asarray(first), **options)]
    assert all(np.array_equal(a, b) for a, b in zip(got[:2], alone[:2], strict=True))
    assert_array_equal(got[2] == 5, mask == 5)
    assert_array_equal(got[2][mask != 5], alone[2][mask != 5])
    assert not any((m == 5).any() for m in got[:2])


def test_a_still_video_keeps_a_late_object(monkeypatch):
    frames, first, later = split()
    still = [frames[2]] * 6
    masks = list(segment_video(still, first, later={2: later[2]}, config=cheap("paper", temperature=200.0)))
    given_mask = later[2] == 5
    for mask in masks[3:]:
        found = mask == 5
        assert (found & given_mask).sum() / (found | given_mask).sum() > 0.7


@METHODS
def test_a_run_that_goes_on_after_the_entry_gives_the_same_masks(monkeypatch, method):
    options = configured(monkeypatch, method)
    frames, first, later = split()
    steps = list(walk(frames, first, later=later, **options))
    for at in (0, 1, 2, 3):
        rest = walk(frames[at + 1 :], first, later=later, start=steps[at].state, **options)
        for ours, theirs in zip(rest, steps[at + 1 :], strict=True):
            assert_array_equal(ours.mask, theirs.mask)


def test_ids_that_are_known_are_left_alone():
    frames, masks = small_clip(**SCENE)
    plain = list(segment_video(frames, masks[0], config=cheap()))
    other = {3: np.where(masks[3] > 0, 1, 0).astype(np.uint8)}  # object 1 again, elsewhere
    again = list(segment_video(frames, masks[0], later=other, config=cheap()))
    assert all(np.array_equal(a, b) for a, b in zip(plain, again, strict=True))


def test_a_late_object_that_the_grid_does_not_show_is_reported():
    frames, first, _ = split()
    speck = np.zeros_like(first)
    speck[3, 3] = 7
    config = {"method": "tvos", "config": cheap(working_scale=0.25)}
    with pytest.warns(VanishedObjectWarning, match="object 7 is too small"):
        masks = list(segment_video(frames, first, later={2: speck}, **config))
    assert masks[2][3, 3] == 7


@pytest.mark.parametrize(
    ("later", "message"),
    [
        ({0: np.ones((24, 32), np.uint8)}, "later must hold masks of frames 1 or later, got one of frame 0"),
        ({2: np.ones((3, 4), np.uint8)}, r"later must hold masks of size \(24, 32\), got \(3, 4\) at frame 2"),
        ({2: np.zeros((24, 32), np.uint8)}, r"later\[2\] must mark at least one object"),
        ({2: np.full((24, 32), 0.5)}, r"later\[2\] must be \(H, W\) integers"),
        ({2: np.full((24, 32), 255, np.uint8)}, r"later\[2\] must hold ids 0 to 254"),
    ],
)
def test_bad_masks_of_later_objects_are_refused_by_name(later, message):
    frames, first, _ = split()
    with pytest.raises(ValueError, match=message):
        list(segment_video(frames, first, later=later, config=cheap()))


@given(seed=SEEDS, n=st.integers(1, 3), held=st.integers(1, 3), name=st.sampled_from(CONFIGS))
def test_tvos_labels_stay_labels_and_only_background_turns_out_to_be_a_new_object(xp, seed, n, held, name):
    rng = np.random.default_rng(seed)
    config = cheap(name)
    embeddings = tuple(xp.asarray(rng.standard_normal((6, 4))) for _ in range(held))
    state = TvosState(embeddings, tuple(xp.asarray(rng.dirichlet(np.ones(2), 6)) for _ in range(held)), held)
    labels = rng.dirichlet(np.ones(n + 1), 6)[:, 1:]
    got = tvos.add_object(state, xp.reshape(embeddings[-1], (2, 3, 4)), xp.asarray(labels), config)
    assert got.t == state.t
    assert all(a is b for a, b in zip(got.embeddings, state.embeddings, strict=True))
    for before, after in zip(map(xp.to_numpy, state.labels[:-1]), map(xp.to_numpy, got.labels[:-1]), strict=True):
        assert_array_equal(after[:, 1:2], before[:, 1:])
        assert (after[:, 0] <= before[:, 0] + 1e-12).all()
    for after in map(xp.to_numpy, got.labels):
        assert after.shape == (6, 2 + n)
        assert_allclose(after.sum(axis=1), 1, atol=1e-9)
        assert (after > -1e-9).all()
    assert_array_equal(xp.to_numpy(got.labels[-1])[:, 2:], labels)


@given(seed=SEEDS, n=st.integers(1, 3))
def test_feelvos_matches_a_late_object_to_its_own_pixels_and_the_others_as_before(xp, seed, n):
    rng = np.random.default_rng(seed)
    first, previous = (rng.standard_normal((6, 3)) for _ in range(2))
    known, predicted = (np.eye(2)[rng.integers(0, 2, 6)] for _ in range(2))
    labels = np.eye(n + 1)[rng.integers(0, n + 1, 6)][:, 1:]
    arrays = [xp.asarray(a) for a in (first, known, previous, predicted, labels)]
    state = FeelvosState((arrays[0], arrays[1]), (arrays[2], arrays[3], arrays[3]), 4)
    got = feelvos.add_object(state, None, arrays[4], FeelvosConfig.nearest())
    embedding, hot = map(xp.to_numpy, got.first)
    shown = labels.sum(axis=1) > 0
    assert_array_equal(embedding, np.concatenate([first, previous[shown]]))
    nearest = np.argmin(((first[:, None] - previous[None]) ** 2).sum(axis=2), axis=1)
    lost = shown[nearest] & (known[:, 0] == 1)
    assert_array_equal(hot[:6], np.concatenate([np.where(lost[:, None], 0, known), np.zeros((6, n))], axis=1))
    assert_array_equal(hot[6:], np.concatenate([np.zeros((shown.sum(), 2)), labels[shown]], axis=1))
    for after in map(xp.to_numpy, got.previous[1:]):
        assert_array_equal(after[shown, 2:], labels[shown])
        assert not after[shown, :2].any()
        assert_array_equal(after[~shown, :2], predicted[~shown])
    assert got.t == 4
