"""The report as a file: what it holds, how its pictures keep to a budget, and what it refuses."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reported import (
    HOSTILE,
    clip_of,
    embedded,
    mask,
    names_of,
    photo,
    picture_from,
    report_of,
    results,
    scored,
    written,
)

from vosref.io import InputError, davis_palette
from vosref.plots import write_report
from vosref.plots.published import PUBLISHED

CLIPS = {"bear": (8, 1), "two-dogs": (9, 2)}


def uris(pictures):
    return [u for p in pictures for u in (p["frame"], p["truth"], *p["predictions"]) if u]


def test_the_page_holds_the_report_as_it_is_and_the_same_input_gives_the_same_bytes(tmp_path):
    report = written(tmp_path / "a.html", CLIPS)
    written(tmp_path / "b.html", CLIPS)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert embedded(tmp_path / "a.html")[0] == report
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.html", "b.html"]


def test_every_scored_frame_has_its_picture_and_masks_in_the_colours_of_davis(tmp_path):
    written(tmp_path / "r.html", CLIPS)
    _, page, clips = embedded(tmp_path / "r.html")
    assert page["clips"] == list(CLIPS)
    for (n_frames, n_objects), pictures in zip(CLIPS.values(), clips, strict=True):
        assert [p["name"] for p in pictures] == list(names_of(n_frames)[1:-1])
        for p in pictures:
            frame, truth, prediction = map(picture_from, (p["frame"], p["truth"], *p["predictions"]))
            assert frame.size == truth.size == prediction.size == tuple(p["size"]) == (40, 24)
            assert truth.info["transparency"] == 0
            assert truth.getpalette() == list(davis_palette()[: 3 * (n_objects + 1)])
            np.testing.assert_array_equal(np.asarray(truth), mask(p["name"], n_objects=n_objects))
            np.testing.assert_array_equal(np.asarray(prediction), mask(p["name"], n_objects=n_objects, shift=1))


def test_pictures_are_shrunk_to_one_size_and_masks_stay_hard(tmp_path):
    size = (900, 600)
    big = clip_of("bear", 3, 2, frame=lambda name: photo(name, size=(90, 60)), size=size)
    write_report(tmp_path / "r.html", report_of(results("ours", {"bear": (3, 2)})), [big])
    (picture,) = embedded(tmp_path / "r.html")[2][0]
    assert (
        picture_from(picture["frame"]).size
        == picture_from(picture["truth"]).size
        == tuple(picture["size"])
        == (427, 640)
    )
    assert set(np.unique(np.asarray(picture_from(picture["truth"])))) == {0, 1, 2}


def test_names_cannot_end_the_data_or_become_markup(tmp_path):
    report = written(tmp_path / "r.html", {HOSTILE: (4, 1)})
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert embedded(tmp_path / "r.html")[0] == report
    assert "onerror=" in text
    assert "<img src=x" not in text
    assert "\u2028" not in text


def test_the_policy_forbids_the_network_and_nothing_in_the_page_asks_for_it(tmp_path):
    written(tmp_path / "r.html", CLIPS)
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text).group(1)
    assert "default-src 'none'; img-src data:;" in policy
    assert "unsafe" not in policy
    assert set(re.findall(r"https?://[^\s\"'<]*", text)) == {"http://www.w3.org/2000/svg"}  # a name, not an address


@given(budget=st.integers(0, 60_000))
def test_pictures_keep_to_any_budget_and_the_worst_frames_are_the_last_to_go(tmp_path_factory, budget):
    path = tmp_path_factory.mktemp("budget") / "r.html"
    written(path, {"bear": (14, 1)}, budget=budget)
    _, page, clips = embedded(path)
    assert sum(map(len, uris(clips[0]))) <= budget
    names = [p["name"] for p in clips[0]]
    worst = [w["frame"] for w in page["worst"]]
    assert names == sorted(names)
    assert set(names) <= set(worst) or set(worst) <= set(names)
    ranks = sorted(worst.index(n) for n in names if n in worst)
    assert ranks == list(range(len(ranks)))


def test_a_smaller_budget_takes_size_first_and_frames_after_and_each_is_read_once(tmp_path):
    sizes, counts = [], []
    for budget in (10**9, 700_000, 60_000):
        read = []

        def frame(name, read=read):
            read.append(name)
            return photo(name, size=(480, 640))

        clip = clip_of("bear", 10, 1, frame=frame, size=(480, 640))
        write_report(tmp_path / "r.html", report_of(results("ours", {"bear": (10, 1)})), [clip], budget=budget)
        pictures = embedded(tmp_path / "r.html")[2][0]
        sizes.append(max(p["size"][0] for p in pictures))
        counts.append(len(pictures))
        assert len(set(read)) == len(read)
        assert 0 < sum(map(len, uris(pictures))) <= budget
    assert sizes == [640, 360, 240]
    assert counts[0] == counts[1] == 8 > counts[2]


def test_a_missing_prediction_a_missing_video_and_a_method_without_masks_leave_their_places_empty(tmp_path):
    report = report_of(results("ours", {"bear": (4, 1)}), results("theirs", {"bear": (4, 1)}, seed=1))
    clip = clip_of("bear", 4, 1, missing=("00001",), frame=lambda _: None)
    write_report(tmp_path / "r.html", report, [clip])
    first, second = embedded(tmp_path / "r.html")[2][0]
    assert (first["frame"], first["predictions"]) == (None, [None, None])
    assert second["predictions"][0] is not None
    assert second["predictions"][1] is None


def test_the_worst_frames_come_lowest_first_at_most_three_of_an_object_and_none_beside_another(tmp_path):
    report = written(tmp_path / "r.html", {f"s{n:02d}": (40, 1) for n in range(10)}, budget=0)
    worst = embedded(tmp_path / "r.html")[1]["worst"]
    assert len(worst) == 24
    assert [w["score"] for w in worst] == sorted(w["score"] for w in worst)
    by_sequence = {o["sequence"]: o for o in report["objects"]}
    lowest = min((j + f) / 2 for o in report["objects"] for j, f in zip(o["J"], o["F"], strict=True))
    assert worst[0]["score"] == lowest
    for sequence in by_sequence:
        own = sorted(w["index"] for w in worst if w["sequence"] == sequence)
        assert len(own) <= 3
        assert all(b - a > 5 for a, b in itertools.pairwise(own))
    for w in worst:
        o = by_sequence[w["sequence"]]
        assert w["frame"] == o["frames"][w["index"]]
        assert w["score"] == (o["J"][w["index"]] + o["F"][w["index"]]) / 2


def test_scores_that_do_not_exist_are_no_worst_frames_and_j_alone_suffices(tmp_path):
    report = report_of(results("ours", {"bear": (5, 1)}, measures=("J",)), protocol="youtube_objects")
    report["objects"][0]["J"] = [None, 0.25, 0.75]
    report["objects"].append(scored("bear", 2, ()))
    write_report(tmp_path / "r.html", report, [])
    assert [(w["frame"], w["score"]) for w in embedded(tmp_path / "r.html")[1]["worst"]] == [("00002", 0.25)]


@pytest.mark.parametrize("protocol", ["davis2016", "davis2017", "youtube_vos"])
def test_the_published_points_are_those_of_the_data_of_the_protocol_with_their_sources(tmp_path, protocol):
    write_report(tmp_path / "r.html", report_of(results("ours", {"bear": (4, 1)}), protocol=protocol), [])
    points = embedded(tmp_path / "r.html")[1]["published"]
    assert {p["data"] for p in points} == {"DAVIS 2016" if protocol == "davis2016" else "DAVIS 2017"}
    assert all(re.match(r"(FEELVOS|TVOS), Table \d", p["source"]) for p in points)


def test_the_numbers_of_the_two_papers_are_as_they_print_them():
    found = {(p.method, p.data): (p.score, p.seconds) for p in PUBLISHED}
    assert len(found) == len(PUBLISHED)
    assert all(0.5 < p.score < 0.9 and 0 < p.seconds < 40 for p in PUBLISHED)
    assert found["TVOS", "DAVIS 2017"] == (0.723, 1 / 37)
    assert found["FEELVOS", "DAVIS 2017"] == (0.715, 0.51)
    assert found["FEELVOS", "DAVIS 2016"] == (0.817, 0.45)


def test_what_cannot_be_shown_is_refused(tmp_path):
    report = report_of(results("ours", {"bear": (4, 1)}))
    with pytest.raises(ValueError, match="clips must be of sequences of the report, got 'wolf'"):
        write_report(tmp_path / "r.html", report, [clip_of("wolf", 4, 1)])
    with pytest.raises(ValueError, match="budget must be 0 or more bytes, got -1"):
        write_report(tmp_path / "r.html", report, [], budget=-1)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_report(tmp_path / "r.html", report | {"seconds_per_frame": float("nan")}, [])
    with pytest.raises(InputError, match="cannot be written"):
        write_report(tmp_path / "no" / "r.html", report, [])
    assert list(tmp_path.iterdir()) == []
