"""What training draws from: footage of data sets, mixtures, composites, rendered clips, and views of them all."""

import functools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import layouts
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vosref.datasets import annotation, open_dataset
from vosref.io import InputError
from vosref.samples import render
from vosref.train.composites import Composites
from vosref.train.footage import VOID, Clip, Footage, Mixture, resized
from vosref.train.rendered import Rendered, draw_scene
from vosref.train.sources import Data, open_sources, read_data
from vosref.train.views import View, draw_view, look

SEEDS = st.integers(0, 2**31)


def generator(seed=0):
    return np.random.default_rng(seed)


def first_two(n_frames, rng):
    return 0, 1


def all_frames(n_frames, rng):
    return range(n_frames)


@pytest.fixture
def davis(tmp_path):
    return layouts.write(tmp_path / "davis", layouts.davis2016())


@pytest.fixture
def everything(davis):
    """Three videos, of 4, 3 and 2 frames."""
    return open_dataset("davis2016", davis, subset="trainval")


class Painted:
    """A source of random masks, whose frames have a colour for each clip and each id."""

    def __init__(self, *, size=(9, 13), n_frames=3, ids=(0, 1, 2, VOID)):
        self.size, self.n_frames, self.ids, self.drawn = size, n_frames, ids, 0

    def draw(self, rng, times, /, *, at_least):
        self.drawn += 1
        ids = rng.choice(self.ids, (self.n_frames, *self.size)).astype(np.uint8)
        frames = np.stack([np.full_like(ids, self.drawn), ids, np.full_like(ids, 7)], 3)
        for array in (frames, ids):
            array.flags.writeable = False
        chosen = times(self.n_frames, rng)
        return Clip(tuple(frames[t] for t in chosen), tuple(ids[t] for t in chosen), str(self.drawn))


# ── footage ──


def test_footage_gives_the_frames_and_ids_of_its_data_set(everything):
    clip = Footage(everything).draw(generator(), all_frames, at_least=4)
    assert clip.name == "bear"  # the only one of 4 frames
    assert [image.shape for image in clip.frames] == [(*layouts.SIZE, 3)] * 4
    for frame, ids in zip(layouts.numbered(4), clip.masks, strict=True):
        assert ids.dtype == np.uint8
        assert np.array_equal(ids, annotation(everything["bear"], frame, size=layouts.SIZE).ids)
    assert set(np.unique(clip.masks)) == {0, 1}


def test_a_video_is_drawn_in_proportion_to_its_snippets(everything):
    footage, rng = Footage(everything), generator()
    names = [footage.draw(rng, lambda n, _: (), at_least=2).name for _ in range(1800)]
    counts = [names.count(name) for name in ("bear", "camel", "dog")]
    # 3, 2 and 1 snippets of two frames; 5 standard deviations of a binomial of 1800 draws are at most 106.
    assert np.abs(np.array(counts) - (900, 600, 300)).max() < 106


def test_footage_without_a_video_long_enough_is_refused(everything):
    with pytest.raises(
        InputError, match="no video has 5 annotated frames, which a snippet needs; the longest of 3 has 4"
    ):
        Footage(everything).draw(generator(), all_frames, at_least=5)


def test_of_youtube_vos_only_annotated_frames_are_drawn(tmp_path):
    dataset = open_dataset("youtube_vos", layouts.write(tmp_path / "ytvos", layouts.youtube_vos()), subset="valid")
    footage = Footage(dataset)
    assert footage.frames == {"early": ["00000"], "late": ["00005", "00010"]}
    clip = footage.draw(generator(), all_frames, at_least=2)
    assert [set(np.unique(ids)) for ids in clip.masks] == [{0, 2, 7}, {0, 5}]


@pytest.mark.parametrize("memory", [0, 500, 1 << 20])
def test_what_memory_does_not_hold_is_decoded_again_to_the_same(everything, memory):
    footage, plenty = Footage(everything, memory=memory), Footage(everything)
    for seed in range(6):
        clip, expected = (f.draw(generator(seed), first_two, at_least=2) for f in (footage, plenty))
        assert clip.name == expected.name
        for arrays, others in zip(clip[:2], expected[:2], strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(arrays, others, strict=True))
    held = [image.nbytes + ids.nbytes for image, ids in footage._held.values()]
    assert sum(held) <= memory
    assert bool(held) == (memory >= 240)


def test_threads_draw_the_same_from_an_archive(tmp_path, everything):
    packed = open_dataset(
        "davis2016", layouts.write(tmp_path / "packed", layouts.davis2016(), packed=True), subset="trainval"
    )
    footage, alone = Footage(packed, memory=0), Footage(everything)

    def draw(seed, footage=footage):
        return footage.draw(generator(seed), first_two, at_least=2)

    with ThreadPoolExecutor(4) as threads:
        for seed, clip in enumerate(threads.map(draw, range(40))):
            expected = draw(seed, alone)
            assert clip.name == expected.name
            assert np.array_equal(clip.frames, expected.frames)
            assert np.array_equal(clip.masks, expected.masks)


def test_a_short_side_resizes_frames_and_keeps_the_ids_of_masks(tmp_path):
    files = layouts.davis2017()
    files["Annotations/480p/gold/00001.png"] = layouts.mask(1, 2, 255, 255)
    dataset = open_dataset("davis2017", layouts.write(tmp_path / "davis", files), subset="val")
    clip = Footage(dataset, short_side=12).draw(generator(), first_two, at_least=2)
    assert [image.shape for image in clip.frames] == [(12, 20, 3)] * 2
    assert [set(np.unique(ids)) for ids in clip.masks] == [{0, 1, 2}, {0, 1, 2, VOID}]


@given(seed=SEEDS, size=st.tuples(st.integers(1, 12), st.integers(1, 12)))
def test_resizing_keeps_within_the_values_there_are(seed, size):
    rng = generator(seed)
    image, ids = rng.integers(0, 256, (5, 7, 3), np.uint8), rng.integers(0, 256, (5, 7), np.uint8)
    new_image, new_ids = resized(image, ids, size)
    assert new_image.shape == (*size, 3)
    assert new_ids.shape == size
    assert set(np.unique(new_ids)) <= set(np.unique(ids))
    assert np.all(new_image >= image.min((0, 1)))
    assert np.all(new_image <= image.max((0, 1)))


# ── mixtures ──


class Named:
    """A source whose clips have only a name."""

    def __init__(self, name):
        self.name = name

    def draw(self, rng, times, /, *, at_least):
        return Clip((), (), self.name)


@given(weights=st.lists(st.sampled_from([0, 0.5, 1, 3]), min_size=1, max_size=4).filter(any), seed=SEEDS)
def test_a_mixture_draws_in_proportion_to_its_weights(weights, seed):
    mixture, rng = Mixture([(w, Named(str(n))) for n, w in enumerate(weights)]), generator(seed)
    names = [mixture.draw(rng, first_two, at_least=2).name for _ in range(400)]
    for n, weight in enumerate(weights):
        share, count = weight / sum(weights), names.count(str(n))
        # Six standard deviations: one draw of a billion lies beyond.
        assert abs(count - 400 * share) <= 6 * (400 * share * (1 - share)) ** 0.5


@pytest.mark.parametrize("weights", [[], [0, 0], [-1, 2], [float("nan")], [float("inf")]])
def test_weights_that_mean_nothing_are_refused(weights):
    with pytest.raises(ValueError, match="weights of sources must be 0 or more, one above 0, got"):
        Mixture([(w, Named("x")) for w in weights])


# ── composites ──


@given(seed=SEEDS, most=st.integers(1, 3))
def test_a_composite_moves_pixels_and_ids_together(seed, most):
    source = Painted()
    clip = Composites(source, most=most, scales=(1.0, 1.0)).draw(generator(seed), all_frames, at_least=3)
    assert 2 <= source.drawn <= most + 1
    assert len(clip.frames) == len(clip.masks) == 3
    ids_of = {}
    for image, ids in zip(clip.frames, clip.masks, strict=True):
        assert image.shape == (9, 13, 3)
        for (drawn, original, _), k in zip(image.reshape(-1, 3).tolist(), ids.ravel().tolist(), strict=True):
            # Background and void are never pasted; what the first clip shows keeps its id; an object has one id.
            assert drawn == 1 or original in (1, 2)
            assert drawn != 1 or original == k
            assert ids_of.setdefault((drawn, original), k) == k
    assert len(set(ids_of.values())) == len(ids_of)


def test_composites_draw_the_same_from_the_same_numbers_and_change_no_clip():
    first, second = (
        Composites(Painted(size=(20, 30)), scales=(0.5, 1.5)).draw(generator(3), all_frames, at_least=3) for _ in "ab"
    )
    assert first.name == second.name
    assert all(np.array_equal(a, b) for a, b in zip((*first[0], *first[1]), (*second[0], *second[1]), strict=True))


def test_nothing_is_pasted_where_ids_would_run_out():
    source = Painted(ids=(0, 200))
    clip = Composites(source, most=1, scales=(1.0, 1.0)).draw(generator(), all_frames, at_least=3)
    assert source.drawn == 2
    assert all(set(np.unique(image[:, :, 0])) == {1} for image in clip.frames)


# ── rendered clips ──


def small_pool(**options):
    return Rendered(**{"n_scenes": 5, "size": (24, 40), "n_frames": 4, **options})


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


# ── views ──


@given(seed=SEEDS, crop=st.integers(1, 20), vertical=st.booleans(), horizontal=st.booleans())
def test_a_view_crops_and_flips_frames_and_masks_alike(seed, crop, vertical, horizontal):
    clip = Painted().draw(generator(seed), all_frames, at_least=3)
    view = draw_view(generator(seed), crop=crop, flips=(float(vertical), float(horizontal)))
    frames, masks = look(clip.frames, clip.masks, view)
    assert frames.shape == (3, crop, crop, 3)
    assert frames.dtype == np.float32
    padded = frames[..., 2] == 127.5
    assert np.array_equal(frames[..., 1][~padded], masks[~padded])
    assert np.all(masks[padded] == VOID)
    assert np.all(frames[padded] == 127.5)
    assert padded[0].sum() == crop * crop - min(crop, 9) * min(crop, 13)
    assert view.flip == (vertical, horizontal)
    plain = look(clip.frames, clip.masks, view._replace(flip=(False, False)))[1]
    axes = [axis for axis, flipped in ((1, vertical), (2, horizontal)) if flipped]
    assert np.array_equal(masks, np.flip(plain, axes))


def test_a_view_of_the_whole_frame_is_the_frame():
    clip = Painted().draw(generator(), all_frames, at_least=3)
    frames, masks = look(clip.frames, clip.masks, View(1.0, (0.3, 0.9), (9, 13), (False, False)))
    assert np.array_equal(frames, np.stack(clip.frames))
    assert np.array_equal(masks, np.stack(clip.masks))


@given(seed=SEEDS)
def test_every_place_of_a_crop_can_be_drawn_and_none_beyond(seed):
    ramp = np.arange(5 * 6, dtype=np.uint8).reshape(5, 6)
    view = draw_view(generator(seed), crop=4)
    corner = look([np.stack([ramp] * 3, 2)], [ramp], view._replace(flip=(False, False)))[1][0, 0, 0]
    assert corner in (0, 1, 2, 6, 7, 8)


def test_the_corners_of_crops_are_drawn_evenly():
    ramp, rng = np.arange(5 * 6, dtype=np.uint8).reshape(5, 6), generator()
    corners = [
        int(look([np.stack([ramp] * 3, 2)], [ramp], draw_view(rng, crop=4, flips=(0, 0)))[1][0, 0, 0])
        for _ in range(1200)
    ]
    # 200 of each are expected; 5 standard deviations are 65.
    assert all(abs(corners.count(corner) - 200) < 65 for corner in (0, 1, 2, 6, 7, 8))


@given(seed=SEEDS, scale=st.floats(0.3, 2))
def test_a_view_scales_before_it_crops(seed, scale):
    view = draw_view(generator(seed), crop=40, scales=(scale, scale))
    clip = Painted().draw(generator(seed), all_frames, at_least=3)
    frames, masks = look(clip.frames, clip.masks, view)
    assert view.scale == pytest.approx(scale)
    assert (frames[0, :, :, 2] != 127.5).sum() == int(9 * view.scale) * int(13 * view.scale)
    assert set(np.unique(masks)) <= {0, 1, 2, VOID}


# ── all of them together ──


def test_sources_are_opened_with_their_weights_and_say_what_they_are(davis, tmp_path, monkeypatch):
    monkeypatch.setattr("vosref.train.sources.Rendered", functools.partial(small_pool, n_scenes=3))
    other = layouts.write(tmp_path / "folders", layouts.folders())
    opened = open_sources(
        [Data("davis2016", davis), Data("folders", other, weight=0.5)],
        method="feelvos",
        composites=2,
        rendered=3,
        seed=4,
    )
    assert opened.said == [
        {"kind": "davis2016", "root": str(davis), "subset": "train", "weight": 1.0, "videos": 1, "frames": 2},
        {"kind": "folders", "root": str(other), "subset": "all", "weight": 0.5, "videos": 3, "frames": 3},
        {"kind": "composites", "weight": 2, "most": 1},
        {"kind": "rendered", "weight": 3, "scenes": 3, "seed": 4},
    ]
    rng = generator()
    clips = [opened.source.draw(rng, lambda n, _: range(min(n, 1)), at_least=1) for _ in range(12)]
    names = {"rendered" if "rendered" in clip.name else "composite" if "+" in clip.name else "video" for clip in clips}
    assert names == {"rendered", "composite", "video"}


def test_tvos_sees_youtube_vos_at_384_pixels(tmp_path):
    files = layouts.youtube_vos() | layouts.frames_of("train/JPEGImages/other", layouts.numbered(3, 5))
    files |= {f"train/Annotations/other/{t}.png": layouts.mask(1, 3) for t in layouts.numbered(2, 5)}
    root = layouts.write(tmp_path / "ytvos", files)
    for method, size in (("tvos", (384, 640)), ("feelvos", layouts.SIZE)):
        opened = open_sources([Data("youtube_vos", root)], method=method)
        assert (opened.said[0]["subset"], opened.said[0]["frames"]) == ("train", 2)
        clip = opened.source.draw(generator(), lambda n, _: (0,), at_least=1)
        assert clip.masks[0].shape == size


def test_another_data_set_is_read_from_its_text(tmp_path):
    assert read_data("davis2017:some/where=0.5") == Data("davis2017", Path("some/where"), None, 0.5)
    assert read_data("davis2017:some/where:val=2")[1:] == (Path("some/where"), "val", 2.0)
    odd = tmp_path / "a:b=c"
    odd.mkdir()
    assert read_data(f"folders:{odd}=1")[1:] == (odd, None, 1.0)
    assert read_data(f"folders:{odd}:names.txt=1")[1:] == (odd, "names.txt", 1.0)


@pytest.mark.parametrize("text", ["davis2017", "davis2017:x", "davis2017:=1", "davis2017:x=much", "davis2017:x=-1"])
def test_a_data_set_written_otherwise_is_refused(text):
    with pytest.raises(ValueError, match="--also takes KIND:ROOT=WEIGHT or KIND:ROOT:SUBSET=WEIGHT, got '"):
        read_data(text)


def test_unknown_kinds_and_weights_below_nothing_are_refused(davis):
    with pytest.raises(ValueError, match="the kind of a data set must be one of davis2016, .*, got 'coco'"):
        open_sources([Data("coco", davis)], method="tvos")
    with pytest.raises(ValueError, match="--composites must be 0 or more, got nan"):
        open_sources([Data("davis2016", davis)], method="tvos", composites=float("nan"))
