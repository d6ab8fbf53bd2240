"""The report as its reader uses it, in Chromium: numbers, sorting, selecting, the divider, light and dark, narrow."""

import io
import re

import numpy as np
import pytest
from browser import browser, complaints, emulated, every, one, open_page, value  # noqa: F401 - the fixture
from PIL import Image
from reported import names_of, picture_from, picture_of, shown_masks, written
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

CLIPS = {"bear": (12, 1), "two-dogs": (9, 2), "zebra": (30, 1)}


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    return path, written(path, CLIPS)


@pytest.fixture
def page(browser, page_file):  # noqa: F811
    """The page, freshly opened, which must not have complained by the end of the test."""
    open_page(browser, page_file[0])
    yield browser
    assert complaints(browser) == []


def column(page, key):
    return [value(cell) for cell in every(page, f'#table td[data-key="{key}"]')]


def sequences(page):
    return [row.get_attribute("data-sequence") for row in every(page, "#table tbody tr")]


def press(page, *keys):
    ActionChains(page).send_keys(*keys).perform()


def test_the_page_opens_without_errors_and_asks_the_network_for_nothing(page):
    assert page.title == "ours: davis2017"
    assert one(page, "h1").text == "ours"
    assert one(page, "html").get_attribute("lang") == "en"
    assert page.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert len(every(page, "#table tbody tr")) == 4


def test_a_request_to_the_network_is_refused_by_the_pages_policy(page):
    script = """const done = arguments[0];
        const said = [];
        document.addEventListener("securitypolicyviolation", (event) => said.push(event.effectiveDirective));
        document.body.append(Object.assign(new Image(), { src: "http://127.0.0.1:9/" }));
        fetch("http://127.0.0.1:9/").catch(() => setTimeout(() => done(said.sort()), 50));"""
    assert page.execute_async_script(script) == ["connect-src", "img-src"]
    assert len(complaints(page)) >= 2


def test_the_numbers_are_those_of_the_report_to_the_last_digit(page, page_file):
    report = page_file[1]
    objects = report["objects"]
    for key in ("J-Mean", "F-Mean", "J-Recall", "F-Decay"):
        assert column(page, key) == [o[key] for o in objects]
    assert column(page, "J&F-Mean") == [(o["J-Mean"] + o["F-Mean"]) / 2 for o in objects]
    cell = one(page, '#table td[data-key="J-Mean"]')
    assert cell.text == f"{objects[0]['J-Mean']:.3f}"
    assert float(cell.get_attribute("title")) == objects[0]["J-Mean"]
    totals = {cell.get_attribute("data-key"): value(cell) for cell in every(page, "#global td")}
    assert totals == report["global"]
    one(page, '#level [data-level="sequences"]').click()
    assert column(page, "J&F-Mean") == [row["J&F-Mean"] for row in report["sequences"]]


def test_a_heading_sorts_by_pointer_and_by_keyboard_and_says_so(page, page_file):
    given = column(page, "J-Mean")
    one(page, '#table th[data-key="J-Mean"] button').click()
    assert column(page, "J-Mean") == sorted(given)
    assert one(page, '#table th[data-key="J-Mean"]').get_attribute("aria-sort") == "ascending"
    press(page, Keys.ENTER)  # the heading has kept the focus
    assert column(page, "J-Mean") == sorted(given, reverse=True)
    assert one(page, '#table th[data-key="J-Mean"]').get_attribute("aria-sort") == "descending"
    one(page, '#table th[data-key="sequence"] button').click()
    assert sequences(page) == sorted(sequences(page))
    assert one(page, '#table th[data-key="J-Mean"]').get_attribute("aria-sort") == "none"


def test_a_row_shows_its_object_and_its_picture(page):
    every(page, "#table tbody tr")[2].click()
    assert one(page, "#detail-title").text == "two-dogs, object 2"
    assert [row.get_attribute("aria-current") for row in every(page, "#table tbody tr")] == [None, None, "true", None]
    picture = picture_of(page, "two-dogs", names_of(9)[1])
    assert shown_masks(page) == picture["predictions"]
    assert one(page, "#panes img.frame").get_attribute("src") == picture["frame"]
    every(page, "#table tbody th button")[3].send_keys(Keys.ENTER)
    assert one(page, "#detail-title").text == "zebra, object 1"


def test_arrows_clicks_and_the_pointer_go_to_a_frame_and_leaving_returns_to_the_one_clicked(page, page_file):
    bear = page_file[1]["objects"][0]

    def at():
        name = one(page, "#frame").text
        n = bear["frames"].index(name)
        for measure in ("J", "F"):
            assert value(one(page, f'#legend output[data-measure="{measure}"]')) == bear[measure][n]
        assert shown_masks(page) == picture_of(page, "bear", name)["predictions"]
        assert f"Frame {name}." in one(page, "#shown").text
        assert name in one(page, "#plot").get_attribute("aria-valuetext")
        return n

    assert at() == 0
    plot = one(page, "#plot")
    plot.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    assert at() == 1
    plot.send_keys(Keys.END, Keys.ARROW_RIGHT)
    assert at() == 9
    ActionChains(page).move_to_element_with_offset(plot, plot.rect["width"] // 4, 20).click().perform()
    clicked = at()
    assert 0 < clicked < 9
    ActionChains(page).move_to_element_with_offset(plot, -plot.rect["width"] // 4, 20).perform()
    assert 0 < at() < clicked
    ActionChains(page).move_to_element(one(page, "h1")).perform()
    assert at() == clicked


def test_the_divider_moves_by_keyboard_and_by_pointer_and_cuts_both_masks(page):
    def cuts():
        return [one(page, f"#panes .{c}").value_of_css_property("clip-path") for c in ("truth", "prediction")]

    assert all("50%" in cut for cut in cuts())
    split = one(page, ".split")
    split.send_keys(Keys.HOME)
    assert re.search(r"\b0%", cuts()[1])
    assert re.search(r"\b100%", cuts()[0])
    width = split.rect["width"]
    ActionChains(page).move_to_element(split).click_and_hold().move_by_offset(int(width / 4), 0).release().perform()
    assert float(split.get_attribute("value")) == pytest.approx(75, abs=1)
    assert float(re.search(r"([\d.]+)%", cuts()[1]).group(1)) == pytest.approx(75, abs=1)


def test_masks_fade_and_lose_their_outline_on_request(page):
    mask = one(page, "#panes .prediction")
    assert float(mask.value_of_css_property("opacity")) == pytest.approx(0.6)
    one(page, "#opacity").send_keys(Keys.END)
    assert float(mask.value_of_css_property("opacity")) == 1
    assert "drop-shadow" in mask.value_of_css_property("filter")
    one(page, "#outline").click()
    assert mask.value_of_css_property("filter") == "none"


def test_what_differs_can_be_seen_alone(page):
    every(page, "#table tbody tr")[2].click()
    one(page, "#differences").click()
    seen = np.asarray(Image.open(io.BytesIO(one(page, ".stage").screenshot_as_png)).convert("RGB"))
    picture = picture_of(page, "two-dogs", names_of(9)[1])
    truth, prediction = (np.asarray(picture_from(uri)) for uri in (picture["truth"], *picture["predictions"]))
    scale = seen.shape[1] / truth.shape[1]
    for where, lit in ((truth != prediction, True), ((truth == prediction) & (truth > 0), False)):
        y, x = np.argwhere(where)[0]
        assert (seen[int((y + 0.5) * scale), int((x + 0.5) * scale)].max() > 60) == lit


def test_the_page_follows_the_readers_light_or_dark_and_its_button_turns_it_round(page):
    def ground():
        return page.execute_script("return getComputedStyle(document.documentElement).backgroundColor")

    light = ground()
    with emulated(page, dark=True):
        dark = ground()
        assert dark != light
        WebDriverWait(page, 10).until(lambda _: one(page, "#theme").text == "Light")  # it is told with the next picture
        one(page, "#theme").click()
        assert ground() == light
    one(page, "#theme").click()
    assert ground() == dark


@pytest.mark.parametrize("width", [360, 390, 768, 1100])
def test_no_screen_is_too_narrow_for_the_page(page, width):
    with emulated(page, width=width):
        page.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
        inside, outside = page.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
        assert inside <= outside == width
        assert page.execute_script("const t = arguments[0]; return t.scrollWidth >= t.clientWidth", one(page, ".tall"))


def test_a_worst_frame_jumps_to_its_object_and_frame(page, page_file):
    thumbnails = every(page, "#worst button")
    scores = [value(score) for score in every(page, "#worst .score")]
    assert scores == sorted(scores)
    assert 4 < len(thumbnails) <= 24
    chosen = next(t for t in thumbnails if t.get_attribute("data-object") == "3")
    frame = chosen.get_attribute("data-frame")
    assert every(page, "#worst button img")
    page.execute_script("arguments[0].click()", chosen)  # it may lie beyond the end of the strip
    assert one(page, "#detail-title").text == "zebra, object 1"
    assert one(page, "#frame").text == frame
    zebra = page_file[1]["objects"][3]
    n = zebra["frames"].index(frame)
    assert value(chosen.find_element(By.CSS_SELECTOR, ".score")) == (zebra["J"][n] + zebra["F"][n]) / 2


def test_every_picture_of_the_page_can_be_decoded(page):
    script = """const done = arguments[0];
        Promise.all([...document.images].filter((i) => i.src).map((i) => i.decode())).then(() => done("yes"), done);"""
    assert page.execute_async_script(script) == "yes"
