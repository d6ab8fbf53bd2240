"""Rendered clips of several objects."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from painted import SEEDS, all_frames, first_two, generator, small_pool

from vosref.io import InputError
from vosref.samples import render
from vosref.train.rendered import Rendered, draw_scene


def clips_of(pool, seeds):
    return [pool.draw(generator(seed), first_two, at_least=2) for seed in seeds]


def test_rendered_clips_are_the_same_in_any_order_and_from_any_thread():
    seeds = range(12)
    plain, turned, shared = clips_of(small_pool(), seeds), clips_of(small_pool(), reversed(seeds))[::-1], small_pool()
    with ThreadPoolExecutor(4) as threads:
        threaded = list(threads.map(lambda seed: clips_of(shared, [seed])[0], seeds))
    for clip, *others in zip(plain, turned, threaded, strict=True):
        for other in others:
            assert clip.name == other.name
            assert np.array_equal(clip.frames, other.frames)
            assert np.array_equal(clip.masks, other.masks)
    assert len({clip.name for clip in plain}) > 2
    assert not np.array_equal(plain[0].frames, clips_of(small_pool(seed=1), [0])[0].frames)


def test_a_rendered_scene_is_rendered_once(monkeypatch):
    rendered = []
    monkeypatch.setattr("vosref.train.rendered.render", lambda scene: rendered.append(scene.seed) or render(scene))
    clips_of(small_pool(n_scenes=2), range(20))
    assert sorted(rendered) == [0, 1]


@given(seed=SEEDS)
def test_a_drawn_scene_has_two_to_four_creatures_that_begin_in_the_picture(seed):
    scene = draw_scene(generator(seed))
    assert [c.label for c in scene.creatures] == list(range(1, len(scene.creatures) + 1))
    assert 2 <= len(scene.creatures) <= 4
    for creature in scene.creatures:
        assert all(0.15 <= x <= 0.85 for x in creature.path[0])
        assert 0 <= creature.reach <= 0.2
        assert creature.colours[0] != creature.colours[1]


def test_a_drawn_scene_shows_several_objects():
    _, masks = render(draw_scene(generator(1))._replace(height=24, width=40, n_frames=2))
    assert len(np.unique(masks[0])) >= 3  # background and two objects


def test_rendered_clips_that_cannot_be_drawn_are_refused():
    with pytest.raises(InputError, match="rendered clips have 4 frames, and a snippet needs 5"):
        small_pool().draw(generator(), all_frames, at_least=5)
    with pytest.raises(ValueError, match="n_scenes must be 1 or more, got 0"):
        Rendered(n_scenes=0)
