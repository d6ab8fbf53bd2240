"""Footage of data sets, and mixtures of it: what is drawn, how often, and from what memory."""

from concurrent.futures import ThreadPoolExecutor

import layouts
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from painted import SEEDS, all_frames, first_two, generator

from vosref.datasets import annotation, open_dataset
from vosref.io import InputError
from vosref.train.footage import VOID, Clip, Footage, Mixture, resized


@pytest.fixture
def everything(tmp_path):
    """Three videos, of 4, 3 and 2 frames."""
    return open_dataset("davis2016", layouts.write(tmp_path / "davis", layouts.davis2016()), subset="trainval")


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
