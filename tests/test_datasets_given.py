"""Which objects a method is given, and where: lists before masks, masks in their order, and what 255 means."""

import layouts
import numpy as np
import pytest
from hypothesis import given as each
from hypothesis import strategies as st
from layouts import frames_of, mask, meta, numbered, write

from vosref.datasets import annotation, given, given_mask, open_dataset
from vosref.io import InputError


def plain(tmp_path, masks):
    """One video in plain folders, with these masks of its first frames."""
    files = frames_of("frames", numbered(len(masks)))
    files |= {f"masks/{n:05d}.png": content for n, content in enumerate(masks)}
    return open_dataset("folders", write(tmp_path / "one", files))["one"]


@each(shown=st.lists(st.sets(st.integers(1, 9), max_size=4), min_size=1, max_size=5).filter(any))
def test_without_a_list_every_object_is_given_where_a_mask_first_shows_it(tmp_path_factory, shown):
    video = plain(tmp_path_factory.mktemp("set"), [mask(*ids) for ids in shown])
    first = {}
    for n, ids in enumerate(shown):
        for k in ids:
            first.setdefault(k, f"{n:05d}")
    expected = {frame: tuple(sorted(k for k in first if first[k] == frame)) for frame in sorted(set(first.values()))}
    assert given(video) == expected
    for frame, ids in expected.items():
        assert set(np.unique(given_mask(video, frame, ids).ids)) - {0} == set(ids)


def test_of_davis_all_is_given_in_the_first_frame_and_later_masks_are_not_read(tmp_path):
    files = layouts.davis2017() | {"Annotations/480p/gold/00002.png": b"broken"}
    root = write(tmp_path / "set", files)
    gold = open_dataset("davis2017", root)["gold"]
    assert given(gold) == {"00000": (1, 2)}
    merged = open_dataset("davis2016", root)["gold"]
    assert given(merged) == {"00000": (1,)}
    assert given_mask(merged, "00000", (1,)).ids[0].tolist() == [1, 1, 1, *[0] * 7]


def test_a_list_of_objects_saves_reading_masks(tmp_path):
    files = layouts.youtube_vos() | {"valid/Annotations/late/00010.png": b"broken"}
    late = open_dataset("youtube_vos", write(tmp_path / "vos", files))["late"]
    assert given(late) == {"00005": (2, 7), "00010": (5,)}
    with pytest.raises(InputError, match=r"late: .*00010\.png is not an image"):
        given_mask(late, "00010", (5,))


def test_what_a_list_leaves_open_the_masks_tell_and_other_objects_are_none(tmp_path):
    partly = meta(late={"2": ("ape", ["00005"]), "5": ("ape", ["00000"])}, early={"1": ("ape", ["00000"])})
    late = open_dataset("youtube_vos", write(tmp_path / "vos", layouts.youtube_vos() | {"valid/meta.json": partly}))
    assert given(late["late"]) == {"00005": (2,), "00010": (5,)}


def test_a_video_without_any_object_is_refused(tmp_path):
    with pytest.raises(InputError, match="one: all its 2 masks are background, so no object is given"):
        given(plain(tmp_path, [mask(), mask()]))


def test_255_is_void_where_masks_hold_ids_and_the_object_where_they_are_binary(tmp_path):
    files = layouts.davis2017() | {"Annotations/480p/gold/00001.png": mask(255, mode="L")}
    gold = open_dataset("davis2017", write(tmp_path / "set", files))["gold"]
    found = annotation(gold, "00001")
    assert (found.objects, int(found.void.sum())) == ((), layouts.SIZE[0])
    video = plain(tmp_path, [mask(255, mode="L"), mask(2, 255)])
    assert (annotation(video, "00000").objects, annotation(video, "00000").void) == ((1,), None)
    assert annotation(video, "00001").objects == (2,)
    assert annotation(video, "00001").void[0].tolist() == [False, True, *[False] * 8]
