"""The report of several methods, in Chromium: a pane for each, their curves in one plot, their scores in one table."""

from browser import browser, complaints, every, one, open_page, value  # noqa: F401 - the fixture
from reported import clip_of, names_of, picture_of, report_of, results, shown_masks
from selenium.webdriver import Keys

from vosref.plots import write_report


def test_two_methods_stand_side_by_side_their_curves_dashed_and_their_dividers_moving_together(browser, tmp_path):  # noqa: F811
    path = tmp_path / "two.html"
    two = [results("ours", {"bear": (6, 1)}), results("theirs", {"bear": (6, 1)}, seed=1, seconds=0.5)]
    write_report(path, report_of(*two), [clip_of("bear", 6, 1, ("ours", "theirs"))])
    open_page(browser, path)
    panes = every(browser, "#panes figure")
    assert [p.text.split("\n")[0] for p in panes] == ["ours", "theirs"]
    assert panes[0].rect["y"] == panes[1].rect["y"]
    assert shown_masks(browser) == picture_of(browser, "bear", names_of(6)[1])["predictions"]
    assert len(set(shown_masks(browser))) == 2
    assert [bool(p.get_attribute("stroke-dasharray")) for p in every(browser, "#plot path.line")] == [
        True,
        True,
        False,
        False,
    ]
    every(browser, ".split")[1].send_keys(Keys.END)
    assert [s.get_attribute("value") for s in every(browser, ".split")] == ["100", "100"]
    theirs = two[1]["objects"][0]
    values = [value(o) for o in every(browser, '#legend output[data-method="1"]')]
    assert values == [theirs["J"][0], theirs["F"][0]]
    assert len(every(browser, "#global tbody tr")) == 2
    assert "The speed of ours is unknown" in one(browser, "#speed-words").text
    assert [line.get_attribute("data-method") for line in every(browser, "#speed-plot .unknown")] == ["ours"]
    assert len(every(browser, "#speed-plot .point.own")) == 1
    assert complaints(browser) == []
