"""The loop: one mask a frame, frames drawn one by one, nothing held that cannot be reached, on every namespace."""

import weakref

import array_api_strict
import numpy as np
import pytest
from clips import CONFIGS, EchoState, cheap, register_echo, small_clip
from hypothesis import given, settings
from hypothesis import strategies as st

from vosref import tvos
from vosref.labels import to_grid, to_mask
from vosref.sampling import reach
from vosref.video import VanishedObjectWarning, configure, segment_video, walk

pytestmark = pytest.mark.usefixtures("definitions")

GRID = (10, 16)
both_configs = pytest.mark.parametrize("name", CONFIGS)


def masks_of(frames, first_mask, **options):
    return [np.asarray(m) for m in segment_video(frames, first_mask, config=cheap(**options))]


@both_configs
def test_every_namespace_gives_the_masks_that_numpy_gives(xp, name):
    frames, masks = small_clip(4)
    expected = masks_of(frames, masks[0], name=name)
    got = list(segment_video(map(xp.asarray, frames), xp.asarray(masks[0]), config=cheap(name)))
    rounding = 0.002 if xp.name == "cupy" else 0  # a share of the pixels
    for ours, theirs in zip(got, expected, strict=True):
        assert ours.dtype == xp.uint8
        assert np.mean(xp.to_numpy(ours) != theirs) <= rounding


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int64", "bool"])
def test_the_first_mask_comes_out_as_it_was_given_and_every_frame_gets_one(xp, dtype):
    frames, masks = small_clip(2)
    first = (masks[0] > 0).astype(np.uint8) if dtype == "bool" else masks[0]
    given_mask = xp.asarray(first, dtype=dtype)
    got = [xp.to_numpy(m) for m in segment_video(map(xp.asarray, frames), given_mask, config=cheap())]
    assert np.array_equal(got[0], first)
    assert [m.shape for m in got] == [first.shape] * 2
    assert {m.dtype.name for m in got} == {"uint8"}
    assert set(np.unique(got)) == set(np.unique(first))
    assert np.array_equal(xp.to_numpy(given_mask), first)


def test_a_video_of_one_frame_gives_one_mask_and_none_gives_none():
    frames, masks = small_clip(1)
    (only,) = segment_video(frames, masks[0])
    assert np.array_equal(only, masks[0])
    assert list(segment_video([], masks[0])) == []


def test_frames_are_drawn_one_at_a_time():
    frames, masks = small_clip(6)
    drawn = []
    got = segment_video((drawn.append(t) or f for t, f in enumerate(frames)), masks[0], config=cheap())
    assert drawn == []
    for n, _ in enumerate(got, start=1):
        assert len(drawn) == n


@both_configs
def test_what_no_later_frame_can_reach_is_let_go(monkeypatch, name):
    born = {"frames": [], "embeddings": []}

    def note(kind, array):
        born[kind].append(weakref.ref(array))
        return array

    def embedding(_, frame, __):
        return note("embeddings", np.full((2, 2, 1), frame[0, 0, 0] / 255))

    monkeypatch.setattr(tvos, "embedding", embedding)
    frames = (note("frames", np.full((8, 8, 3), t, np.uint8)) for t in range(60))
    most = reach(rule=cheap(name).sampling)
    for step in walk(frames, np.eye(8, dtype=np.uint8), config=cheap(name)):
        assert len(step.state.embeddings) == min(step.t + 1, most)
        alive = {kind: sum(ref() is not None for ref in refs) for kind, refs in born.items()}
        assert alive["embeddings"] <= most + 1  # and the one that the loop has in hand
        assert alive["frames"] <= 1
    assert len(born["frames"]) == 60


@pytest.mark.parametrize(("name", "feedback"), [("paper", "soft"), ("released", "soft"), ("released", "hard")])
def test_identical_frames_keep_the_mask_but_for_the_grid(name, feedback):
    frame = np.random.default_rng(5).integers(0, 256, (40, 64, 3)).astype(np.uint8)
    mask = small_clip()[1][0]
    kept = to_mask(to_grid(mask, ids=(0, 1, 5), grid=GRID), ids=(0, 1, 5), grid=GRID, size=mask.shape)
    got = masks_of([frame] * 12, mask, name=name, feedback=feedback, temperature=3000.0)
    assert np.array_equal(got[1], kept)
    # A hard label forgets how much of a cell an object had, so edges move within their cells; soft ones only round.
    changed = 0.03 if feedback == "hard" else 0.002
    assert all(np.mean(m != kept) <= changed for m in got[2:])


@given(ids=st.lists(st.integers(1, 254), min_size=2, max_size=2, unique=True))
@settings(max_examples=10)
def test_the_names_of_the_objects_do_not_matter(ids):
    frames, masks = small_clip(3)
    renamed = np.zeros(256, np.uint8)
    renamed[[1, 5]] = ids
    got = masks_of(frames, renamed[masks[0]])
    assert all(set(np.unique(m)) <= {0, *ids} for m in got)
    # Columns in another order are summed in another order, and a pixel on the fence may fall to the other side.
    for ours, theirs in zip(got, masks_of(frames, masks[0]), strict=True):
        assert np.mean(ours != renamed[theirs]) <= 0.002


@both_configs
@pytest.mark.parametrize("cut", [1, 3, 12])
def test_a_walk_goes_on_from_a_state_as_if_it_had_not_stopped(name, cut):
    frames, masks = small_clip(14, height=24, width=40)
    whole = list(walk(frames, masks[0], config=cheap(name)))
    rest = list(walk(frames[cut:], masks[0], config=cheap(name), start=whole[cut - 1].state))
    assert [s.t for s in rest] == list(range(cut, 14))
    for ours, theirs in zip(rest, whole[cut:], strict=True):
        assert ours.mask.tobytes() == theirs.mask.tobytes()
        assert (ours.info.frames, ours.info.sigma) == (theirs.info.frames, theirs.info.sigma)
        assert [a.tobytes() for a in ours.state.embeddings] == [a.tobytes() for a in theirs.state.embeddings]
        assert [a.tobytes() for a in ours.state.labels] == [a.tobytes() for a in theirs.state.labels]


def test_a_step_tells_the_frame_the_state_and_the_method_s_intermediates():
    frames, masks = small_clip(3)
    steps = list(walk(frames, masks[0], config=cheap()))
    assert [(s.t, s.state.t) for s in steps] == [(0, 1), (1, 2), (2, 3)]
    assert steps[0].info is None
    assert steps[2].info.frames == (0, 1)
    assert np.array_equal(steps[2].info.labels, steps[2].state.labels[-1])


def test_an_object_that_the_grid_does_not_show_is_reported_and_the_others_go_on(xp):
    frames, masks = small_clip(3)
    first = np.where(masks[0] == 5, 0, masks[0])
    expected = masks_of(frames, first)
    first[0, 0] = 5  # cells of TVOS's grid take their labels from rows and columns 1 and 2 of 4
    message = "^object 5 is too small for the grid of features: no pixel of the grid shows it, so none can match$"
    with pytest.warns(VanishedObjectWarning, match=message) as caught:
        got = list(segment_video(map(xp.asarray, frames), xp.asarray(first), config=cheap()))
    assert len(caught) == 1
    assert np.array_equal(xp.to_numpy(got[0]), first)
    for ours, theirs in zip(got[1:], expected[1:], strict=True):
        assert np.mean(xp.to_numpy(ours) != theirs) <= (0.002 if xp.name == "cupy" else 0)


def test_the_loop_knows_no_paper(monkeypatch):
    register_echo(monkeypatch)
    frames, masks = small_clip(4)
    steps = list(walk(frames, masks[0], method="echo"))
    still = to_mask(to_grid(masks[0], ids=(0, 1, 5), grid=GRID), ids=(0, 1, 5), grid=GRID, size=masks[0].shape)
    assert all(isinstance(s.state, EchoState) for s in steps)
    assert [s.info for s in steps] == [None, {"t": 1}, {"t": 2}, {"t": 3}]
    # Upside down at odd frames: the oldest of the two held is then one that stands upright.
    upright = [np.array_equal(s.mask, still) for s in steps[1:]]
    assert upright == [False, False, True]


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.zeros((4, 5)), r"first_mask must be \(H, W\) integers, got \(4, 5\) of .*float64"),
        (np.zeros((4, 5, 3), int), r"first_mask must be \(H, W\) integers, got \(4, 5, 3\) of .*int64"),
        (np.zeros((4, 5), int), "first_mask must mark at least one object, got background alone"),
        (np.zeros((4, 5), bool), "first_mask must mark at least one object, got background alone"),
        (np.full((4, 5), 255), r"ids 0 to 254, got 0 to 255; write a 0/255 mask as \(mask > 0\)"),
        (np.full((4, 5), -1), "first_mask must hold ids 0 to 254, got -1 to 0"),
        (np.full((4, 5), 2**40), "first_mask must hold ids 0 to 254, got 0 to 1099511627776"),
    ],
)
def test_a_mask_that_names_no_objects_is_refused(xp, mask, message):
    with pytest.raises(ValueError, match=message):
        next(segment_video([xp.asarray(np.zeros((4, 5, 3), np.uint8))], xp.asarray(mask)))


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (np.zeros((4, 5), np.uint8), r"frames must be \(H, W, 3\) uint8, got \(4, 5\) of .*uint8"),
        (np.zeros((4, 5, 4), np.uint8), r"frames must be \(H, W, 3\) uint8, got \(4, 5, 4\) of .*uint8"),
        (np.zeros((4, 5, 3), np.float32), r"frames must be \(H, W, 3\) uint8, got \(4, 5, 3\) of .*float32"),
        (np.zeros((5, 4, 3), np.uint8), r"frames must have the size of first_mask, \(4, 5\), got \(5, 4\)"),
    ],
)
def test_a_frame_of_another_kind_is_refused_wherever_it_comes(xp, frame, message):
    mask = xp.asarray(np.eye(4, 5, dtype=np.uint8))
    for frames in ([frame], [np.zeros((4, 5, 3), np.uint8), frame]):
        with pytest.raises(ValueError, match=message):
            list(segment_video(map(xp.asarray, frames), mask, config=cheap()))


def test_a_mask_of_another_namespace_is_refused():
    with pytest.raises(TypeError, match="Multiple namespaces"):
        next(segment_video([array_api_strict.zeros((4, 4, 3), dtype=array_api_strict.uint8)], np.eye(4, dtype=int)))


@pytest.mark.parametrize(("method", "other"), [("tvos", "feelvos"), ("feelvos", "tvos")])
def test_a_configuration_of_the_other_method_is_refused(method, other):
    frames, masks = small_clip(2)
    message = f"config must be a {method.title()}Config for method '{method}', got {other.title()}Config"
    with pytest.raises(TypeError, match=message):
        list(segment_video(frames, masks[0], method=method, config=configure(other)))
