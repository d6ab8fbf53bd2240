"""The report of odd data, in Chromium: hostile names, gaps, single frames, many objects, no pictures, J alone."""

import pytest
from browser import browser, complaints, every, one, open_page, value  # noqa: F401 - the fixture
from reported import HOSTILE, clip_of, names_of, report_of, results
from selenium.webdriver import Keys

from vosref.plots import write_report


@pytest.fixture
def opened(browser, tmp_path):  # noqa: F811
    """Write a report and open it; it must not have complained by the end of the test."""

    def opening(report, clips=(), **options):
        write_report(tmp_path / "report.html", report, clips, **options)
        open_page(browser, tmp_path / "report.html")
        return browser

    yield opening
    assert complaints(browser) == []


def test_hostile_names_are_shown_as_they_are_and_do_nothing(opened):
    names = (HOSTILE, "__proto__", "constructor", "a\u2029b<b>c</b>")
    methods = [results(name, dict.fromkeys(names, (4, 1)), seed=n) for n, name in enumerate((HOSTILE, "<i>theirs</i>"))]
    report = report_of(*methods)
    report |= {"notes": [HOSTILE], "truth": HOSTILE, "results": HOSTILE, "set": HOSTILE}
    report["protocol"] = {"name": HOSTILE, "rules": {HOSTILE: HOSTILE, "__proto__": "kept"}}
    for o in report["objects"]:
        o["frames"] = [HOSTILE, "toString"]
    clips = [clip_of(name, 4, 1, (HOSTILE,)) for name in names]
    clips = [c._replace(names=(HOSTILE, "toString"), truth=lambda _, c=c: c.truth("1")) for c in clips]
    clips = [c._replace(predictions={HOSTILE: lambda _, c=c: c.truth("1")}, frame=lambda _: None) for c in clips]
    page = opened(report, clips)
    assert page.execute_script("return document.title") != "1"
    assert every(page, 'img[onerror], img[src="x"], b, i') == []
    assert one(page, "#notes li").get_property("textContent") == f"{HOSTILE}: {HOSTILE}"
    buttons = every(page, "#table tbody th button")
    assert [b.get_property("textContent") for b in buttons] == list(names)
    for button, name in zip(buttons, names, strict=True):
        button.send_keys(Keys.ENTER)
        assert one(page, "#detail-title").get_property("textContent") == f"{name}, object 1"
        assert one(page, "#frame").get_property("textContent") == HOSTILE
        assert one(page, "#panes .truth").get_attribute("src").startswith("data:image/png")


def test_scores_that_do_not_exist_leave_gaps_and_are_sorted_last(opened):
    report = report_of(results("ours", {"bear": (7, 1), "none": (3, 1), "zebra": (5, 1)}))
    bear, none, _ = report["objects"]
    bear["J"][1] = bear["F"][1] = bear["F-Decay"] = None
    none |= {"frames": [], "J": [], "F": [], "J-Mean": None, "F-Mean": None}
    report["sequences"][1] |= {"J-Mean": None, "F-Mean": None, "J&F-Mean": None}
    report["global"]["J-Recall"] = None
    page = opened(report, [clip_of("bear", 7, 1), clip_of("none", 3, 1)])
    assert one(page, "#plot path.line.J").get_attribute("d").count("M") == 2
    one(page, "#plot").send_keys(Keys.ARROW_RIGHT)
    assert one(page, '#legend output[data-measure="J"]').text == "–"
    assert one(page, '#global td[data-key="J-Recall"]').text == "–"
    for _ in range(2):
        one(page, '#table th[data-key="J-Mean"] button').click()
        cells = every(page, '#table td[data-key="J-Mean"]')
        assert [value(c) is None for c in cells] == [False, False, True]
    every(page, "#table tbody tr")[2].click()
    assert one(page, "#shown").text == "No frame of this object was scored."
    assert not one(page, "#panes figure").is_displayed()


def test_one_frame_is_a_dot_and_a_missing_mask_is_said(opened):
    page = opened(report_of(results("ours", {"bear": (1, 1)})), [clip_of("bear", 1, 1, missing=("00000",))])
    assert one(page, "#plot path.line.J").get_attribute("d").endswith("h0")
    one(page, "#plot").send_keys(Keys.ARROW_RIGHT, Keys.END)
    assert one(page, "#frame").text == "00000"
    assert one(page, "#panes .words").text == "There is no mask for this frame."
    assert not one(page, "#panes .prediction").is_displayed()
    assert one(page, "#panes .truth").is_displayed()


def test_sixty_objects_are_sixty_rows_and_their_sequences_can_be_shown_instead(opened):
    clips = {f"s{n:02d}": (5, 6) for n in range(10)}
    page = opened(report_of(results("ours", clips)))
    assert len(every(page, "#table tbody tr")) == 60
    assert len({s.value_of_css_property("background-color") for s in every(page, ".swatch")}) == 6
    one(page, '#level [data-level="sequences"]').click()
    assert len(every(page, "#table tbody tr")) == 10
    every(page, "#table tbody tr")[7].click()
    assert one(page, "#detail-title").text == "s07, object 1"
    assert one(page, "#shown").text == "Frame 00001. There is no picture of this sequence here."


def test_a_frame_whose_picture_did_not_fit_shows_the_nearest_and_says_which(opened):
    names = names_of(40)
    report = report_of(results("ours", {"bear": (40, 1)}))
    o = report["objects"][0]
    o["J"], o["F"] = ([1 - 0.001 * n for n in range(38)] for _ in "JF")  # the worst are the last
    page = opened(report, [clip_of("bear", 40, 1)], budget=24_000)
    plot, shown = one(page, "#plot"), one(page, "#shown")
    plot.send_keys(Keys.END)
    assert shown.text == f"Frame {names[38]}."
    plot.send_keys(Keys.ARROW_LEFT)
    assert shown.text == f"Frame {names[37]} has no picture here; this is the nearest, {names[38]}."


def test_without_f_there_is_one_curve_and_no_plot_of_speed(opened):
    ours = results("ours", {"cat": (6, 1)}, measures=("J",))
    page = opened(report_of(ours, protocol="youtube_objects"), [clip_of("cat", 6, 1)])
    assert [p.get_attribute("class") for p in every(page, "#plot path.line")] == ["line J"]
    assert not one(page, "#speed").is_displayed()
    assert every(page, '#table [data-key="J&F-Mean"]') == []
    assert one(page, "#worst button").text.split("\n")[-1].startswith("J 0.")


def test_without_any_object_the_page_is_its_head(opened):
    report = report_of(results("ours", {}))
    report["global"] = {"J&F-Mean": None, "J-Mean": None, "F-Mean": None}
    page = opened(report)
    assert one(page, "h1").text == "ours"
    assert not one(page, "#detail").is_displayed()
    assert not one(page, "#worst").is_displayed()
