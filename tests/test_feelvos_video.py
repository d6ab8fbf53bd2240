"""FEELVOS in the loop: what it holds, objects that the grid does not show, both CPU tiers, going on after a stop."""

import shutil
import weakref

import numpy as np
import pytest
from clips import contents, small_clip, thin, thin_feelvos, write_small_clip
from numpy.testing import assert_array_equal

from vosref import feelvos
from vosref.backend import use_cpu
from vosref.feelvos import FeelvosView
from vosref.labels import to_grid
from vosref.runs import open_job, segment
from vosref.video import VanishedObjectWarning, walk

NAMES = pytest.mark.parametrize("name", ["released", "paper"])
SCENE = {"n_frames": 6, "height": 24, "width": 32}
BETWEEN = (3, 3)  # a pixel that the grid of a 24 x 32 frame does not show


def steps_of(frames, mask, config, **options):
    return list(walk(frames, mask, method="feelvos", config=config, **options))


@NAMES
def test_every_namespace_gives_the_masks_that_numpy_gives(monkeypatch, definitions, xp, name):
    thin_feelvos(monkeypatch)
    frames, masks = small_clip(**SCENE)
    expected = steps_of(frames, masks[0], thin(name))
    got = steps_of(map(xp.asarray, frames), xp.asarray(masks[0]), thin(name))
    assert all(set(np.unique(s.mask)) == {0, 1, 5} for s in expected)
    rounding = 0.002 if xp.name == "cupy" else 0  # a share of the pixels
    for ours, theirs in zip(got, expected, strict=True):
        assert ours.mask.dtype == xp.uint8
        assert np.mean(xp.to_numpy(ours.mask) != theirs.mask) <= rounding


@NAMES
def test_definitions_and_twins_give_the_same_masks_but_for_ties(monkeypatch, name):
    thin_feelvos(monkeypatch)
    frames, masks = small_clip(**SCENE)
    runs = []
    for tier in ("numpy", "numba"):
        with use_cpu(tier):
            runs.append(steps_of(frames, masks[0], thin(name)))
    for definition, twin in zip(*runs, strict=True):
        assert twin.mask.dtype == np.uint8
        assert np.mean(definition.mask != twin.mask) <= 0.005  # 3 of 768 pixels, whose largest logits all but tie
        if definition.t > 0:
            assert (
                np.std(definition.info.logits, axis=0).min()
                > 1e3 * np.abs(definition.info.logits - twin.info.logits).max()
            )


@NAMES
def test_the_first_and_the_previous_frame_are_held_and_no_other(monkeypatch, name):
    born = {"frames": [], "embeddings": []}

    def note(kind, array):
        born[kind].append(weakref.ref(array))
        return array

    def embedding(_, frame, __):
        x = note("embeddings", np.full((2, 2, 1), frame[0, 0, 0] / 255))
        return FeelvosView(x, (8, 8), lambda cues: -cues[:, :, :, 0])

    thin_feelvos(monkeypatch)
    monkeypatch.setattr(feelvos, "embedding", embedding)
    frames, first = (note("frames", np.full((8, 8, 3), t, np.uint8)) for t in range(30)), None
    for step in walk(frames, np.eye(8, dtype=np.uint8), method="feelvos", config=thin(name)):
        first = step.state.first if first is None else first
        assert all(ours is kept for ours, kept in zip(step.state.first, first, strict=True))
        assert step.state._fields == ("first", "previous", "t")
        assert (len(step.state.first), len(step.state.previous), step.state.t) == (2, 3, step.t + 1)
        assert step.state.previous[0][0, 0] == step.t / 255
        alive = {kind: [t for t, ref in enumerate(refs) if ref() is not None] for kind, refs in born.items()}
        assert alive["embeddings"] == sorted({0, step.t})
        assert alive["frames"] in ([], [step.t])
    assert step.t == 29


@NAMES
def test_objects_keep_their_ids_gaps_and_all(monkeypatch, definitions, name):
    thin_feelvos(monkeypatch)
    frames, masks = small_clip(**SCENE)
    first = np.asarray([0, 1, 0, 0, 0, 200], np.uint8)[masks[0]]
    first[:, 26:] = 7
    plain = np.asarray([0, 1, *[0] * 5, 2, *[0] * 192, 3], np.uint8)
    steps = steps_of(frames, first, thin(name))
    for ours, theirs in zip(steps, steps_of(frames, plain[first], thin(name)), strict=True):
        assert set(np.unique(ours.mask)) <= {0, 1, 7, 200}
        assert_array_equal(plain[ours.mask], theirs.mask)
    assert {k for s in steps[1:] for k in np.unique(s.mask)} == {0, 1, 7, 200}


# ── an object that the grid does not show ──


def with_a_speck():
    frames, masks = small_clip(**SCENE)
    first = np.where(masks[0] == 5, 0, masks[0])
    first[BETWEEN] = 5
    return frames, first


def test_a_vanished_object_is_reported_and_kept_as_a_column_far_from_everything(monkeypatch, definitions, xp):
    thin_feelvos(monkeypatch)
    frames, first = with_a_speck()
    assert not to_grid(first, ids=(5,), grid=(6, 8), nearest=True).any()
    with pytest.warns(VanishedObjectWarning, match="^object 5 is too small for the grid of features: ") as caught:
        steps = steps_of(map(xp.asarray, frames), xp.asarray(first), thin())
    assert len(caught) == 1
    assert_array_equal(xp.to_numpy(steps[0].mask), first)
    for later in steps[1:]:
        far = xp.to_numpy(later.info.global_distance)
        assert far.shape == (48, 3)
        assert_array_equal(far[:, 2], 1)
        assert far[:, 1].max() < 1


def test_each_vanished_object_is_named_and_background_never(monkeypatch, definitions):
    thin_feelvos(monkeypatch)
    first = np.full((24, 32), 9, np.uint8)
    first[3, 3], first[3, 2] = 3, 200
    with pytest.warns(VanishedObjectWarning) as caught:
        steps_of(small_clip(**SCENE)[0][:1], first, thin())
    assert [str(w.message).split(" is ")[0] for w in caught] == ["object 3", "object 200"]


def test_a_mask_over_the_whole_frame_runs_without_background(monkeypatch, definitions):
    thin_feelvos(monkeypatch)
    frames, full = small_clip(**SCENE)[0], np.full((24, 32), 9, np.uint8)
    for later in steps_of(frames, full, thin())[1:]:
        assert_array_equal(later.info.global_distance[:, 0], 1)
        assert set(np.unique(later.mask)) <= {0, 9}


# ── going on ──


@NAMES
@pytest.mark.parametrize("cut", [1, 3])
def test_a_walk_goes_on_from_a_state_as_if_it_had_not_stopped(monkeypatch, definitions, name, cut):
    thin_feelvos(monkeypatch)
    frames, masks = small_clip(**SCENE)
    whole = steps_of(frames, masks[0], thin(name))
    rest = steps_of(frames[cut:], masks[0], thin(name), start=whole[cut - 1].state)
    assert [s.t for s in rest] == list(range(cut, 6))
    for ours, theirs in zip(rest, whole[cut:], strict=True):
        assert ours.mask.tobytes() == theirs.mask.tobytes()
        for part in ("first", "previous"):
            assert [a.tobytes() for a in getattr(ours.state, part)] == [
                a.tobytes() for a in getattr(theirs.state, part)
            ]


@NAMES
def test_a_stopped_and_a_killed_run_go_on_to_the_same_bytes(tmp_path, monkeypatch, definitions, name):
    thin_feelvos(monkeypatch)
    monkeypatch.setattr("vosref.runs.CHECKPOINT_EVERY", 2)
    clip = write_small_clip(tmp_path / "clip", **SCENE)
    options = {"method": "feelvos", "config": thin(name)}
    whole = open_job(*clip, tmp_path / "whole", **options)
    segment(whole, progress=lambda done: done == 5 and shutil.copytree(whole.out, tmp_path / "killed"))

    def stop(done):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        segment(open_job(*clip, tmp_path / "stopped", **options), progress=stop)
    for out, done in (("killed", 4), ("stopped", 3)):
        counted = []
        segment(open_job(*clip, tmp_path / out, **options), resume=True, progress=counted.append)
        assert counted == [*range(done, 7)]
        assert contents(tmp_path / out) == contents(whole.out)
    assert len(set(contents(whole.out).values())) > 2
