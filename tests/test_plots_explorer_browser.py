"""The page that explores an affinity as its reader uses it, in Chromium: numbers against the run's, keys, pointer."""

import io
import re

import numpy as np
import pytest
from browser import browser, complaints, emulated, every, one, open_page, value  # noqa: F401 - the fixture
from clips import cheap, small_clip
from explored import run_votes, seen
from PIL import Image
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.support.ui import WebDriverWait

from vosref.plots import pixel_affinity, write_explorer
from vosref.runs.inspection import inspect_frame

pytestmark = pytest.mark.usefixtures("definitions")

GRID = (10, 16)  # cells of 4 x 4 pixels
CELLS = [(0, 0), (5, 8), (9, 15)]
SETTINGS = {"n_recent": 2, "n_sparse": 1, "sigma_recent": 3.0, "sigma_distant": 6.0}
ROUNDING = 1e-4  # of the run's logits up to 40, single precision and 24 channels: 40 × (24 + 2) × 2^-24 = 6e-5


@pytest.fixture(scope="module")
def explorers(tmp_path_factory):
    """Inspections under both configurations, and the pages of them."""
    folder = tmp_path_factory.mktemp("explorer")
    frames, masks = small_clip()
    made = {}
    for name in ("released", "paper"):
        at = inspect_frame(frames, masks[0], 5, config=cheap(name, **SETTINGS))
        write_explorer(folder / f"{name}.html", at)
        made[name] = at, folder / f"{name}.html"
    return made


@pytest.fixture(params=["released", "paper"])
def explorer(request, browser, explorers):  # noqa: F811
    """A page, freshly opened, which must not have complained by the end of the test; and its inspection."""
    at, path = explorers[request.param]
    open_page(browser, path)
    yield browser, at
    assert complaints(browser) == []


@pytest.fixture
def page(browser, explorers):  # noqa: F811
    """The page of the released configuration alone."""
    open_page(browser, explorers["released"][1])
    yield browser
    assert complaints(browser) == []


def towards(page, stage, cell):
    """Point at the middle of a cell."""
    page.execute_script("arguments[0].scrollIntoView({ block: 'center' })", stage)
    size = stage.rect["height"], stage.rect["width"]
    down, right = ((n + 0.5) / cells * length - length / 2 for n, cells, length in zip(cell, GRID, size, strict=True))
    return ActionChains(page, duration=0).move_to_element_with_offset(stage, round(right), round(down))


def shown_cell(page):
    stage = one(page, "#stage")
    return int(stage.get_attribute("data-row")) // 4, int(stage.get_attribute("data-column")) // 4


def click(page, cell):
    towards(page, one(page, "#stage"), cell).click().perform()
    WebDriverWait(page, 10).until(lambda _: shown_cell(page) == cell)  # drawn with the next picture


def press(page, *keys):
    ActionChains(page).send_keys(*keys).perform()


def values(page, css, key="value"):
    """What elements hold in data-value, or another attribute of that kind, in one go."""
    script = "return [...document.querySelectorAll(arguments[0])].map((node) => Number(node.dataset[arguments[1]]));"
    return page.execute_script(script, css, key)


def parts(page):
    """Votes by reference frame, newest first, and label."""
    return np.reshape(values(page, "#votes .segment"), (3, -1)).T


def votes(page):
    return values(page, "#votes .raw")


def pixels_of(page, figure):
    """The heat map of a reference frame, (h, w, 4)."""
    script = """const canvas = arguments[0].querySelector("canvas");
        return [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data];"""
    return np.asarray(page.execute_script(script, figure)).reshape(*GRID, 4)


def test_the_page_opens_without_errors_asks_the_network_for_nothing_and_is_not_blank(explorer):
    page, at = explorer
    assert page.title == one(page, "h1").text == "TVOS at frame 00005"
    assert one(page, "html").get_attribute("lang") == "en"
    assert page.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert shown_cell(page)
    assert len(every(page, "#references figure")) == len(at.references) == 3
    for area in ("#stage", "#references figure:first-child .stage", "#votes"):
        seen_there = np.asarray(Image.open(io.BytesIO(one(page, area).screenshot_as_png)).convert("RGB"))
        assert len(np.unique(seen_there.reshape(-1, 3), axis=0)) > 20, area


def test_a_request_to_the_network_is_refused_by_the_pages_policy(browser, explorers):  # noqa: F811
    open_page(browser, explorers["paper"][1])
    script = """const done = arguments[0];
        const said = [];
        document.addEventListener("securitypolicyviolation", (event) => said.push(event.effectiveDirective));
        document.body.append(Object.assign(new Image(), { src: "http://127.0.0.1:9/" }));
        fetch("http://127.0.0.1:9/").catch(() => setTimeout(() => done(said.sort()), 50));"""
    assert browser.execute_async_script(script) == ["connect-src", "img-src"]


def test_votes_are_those_of_the_step_within_the_bound_that_the_page_states(explorer):
    page, at = explorer
    factor = 1.5 if at.config.propagation == "paper" else 2.0
    bound = np.expm1(factor * (value(one(page, "#bound")) + ROUNDING))
    for cell in CELLS:
        click(page, cell)
        expected = run_votes(at, cell)
        np.testing.assert_allclose(votes(page), expected, rtol=bound, atol=1e-30)
        decided = one(page, "#votes .decided").get_attribute("data-object")
        assert int(decided) == at.ids[int(np.argmax(expected))]
        assert value(one(page, "#sum")) == pytest.approx(expected.sum(), rel=bound)


def test_votes_and_shares_are_exact_for_the_embeddings_as_they_are_stored(explorer):
    page, at = explorer
    for cell in CELLS:
        click(page, cell)
        expected = seen(at, cell).parts
        # Degrees are logarithms up to 50 in single precision: off by 50 × 2^-24 = 3e-6.
        rtol = 1e-5 if at.config.propagation == "paper" else 1e-10
        np.testing.assert_allclose(parts(page), expected, rtol=rtol, atol=1e-30)
        np.testing.assert_allclose(votes(page), expected.sum(axis=0), rtol=rtol, atol=1e-30)
        shares = values(page, "figcaption output")
        np.testing.assert_allclose(shares, expected.sum(axis=1) / expected.sum(), rtol=2 * rtol)
        shares = values(page, "#votes .share")
        np.testing.assert_allclose(shares, expected.sum(axis=0) / expected.sum(), rtol=2 * rtol, atol=1e-30)


def test_the_five_best_matches_are_those_of_the_affinity(explorer):
    page, at = explorer
    for cell in CELLS:
        click(page, cell)
        expected = seen(at, cell)
        best = np.argsort(-expected.affinity, axis=None, kind="stable")[:5]
        assert values(page, "#table tbody tr", "cell") == (best % 160).tolist()
        newest_first = [r.t for r in at.references[::-1]]
        assert values(page, "#table tbody tr", "t") == [newest_first[n] for n in best // 160]
        for key in ("appearance", "prior", "affinity"):
            numbers = values(page, f'#table [data-key="{key}"]')
            np.testing.assert_allclose(numbers, getattr(expected, key).ravel()[best], rtol=1e-10)


def test_pointing_at_a_reference_frame_reads_numbers_of_the_library_within_the_bound(explorer):
    page, at = explorer
    click(page, (5, 8))
    affinity = pixel_affinity(
        at.query,
        [r.embedding for r in at.references],
        index=5 * 16 + 8,
        grid=GRID,
        sigma=[r.sigma for r in at.references],
        temperature=40.0,
    )[::-1]
    exact = seen(at, (5, 8))
    bound = np.expm1(2 * (value(one(page, "#bound")) + ROUNDING))  # of one affinity over another
    for n, stage in enumerate(every(page, "#references .stage")):
        for cell in ((1, 2), (5, 9)):
            towards(page, stage, cell).perform()
            shown = {key: value(one(page, f'#pointed [data-key="{key}"]')) for key in ("prior", "affinity")}
            np.testing.assert_allclose(shown["affinity"], affinity[n][cell], rtol=bound, atol=1e-30)
            np.testing.assert_allclose(shown["prior"], exact.prior[n][cell[0] * 16 + cell[1]], rtol=1e-12)
            assert f"row {4 * cell[0] + 2}, column {4 * cell[1] + 2}" in one(page, "#pointed").text
    towards(page, one(page, "#stage"), (5, 8)).perform()
    assert one(page, "#pointed").text == "Point at a reference frame to read its numbers there."


@pytest.mark.parametrize("view", ["appearance", "prior", "affinity"])
def test_heat_maps_show_what_is_chosen_ringed_where_it_is_largest(page, explorers, view):
    at = explorers["released"][0]
    click(page, (3, 10))
    one(page, f'input[value="{view}"]').click()
    expected = getattr(seen(at, (3, 10)), view)
    expected = expected / expected.max()
    faintest = 0.01 if view == "prior" else 1e-8
    for n, figure in enumerate(every(page, "#references figure")):
        drawn = pixels_of(page, figure)[..., 3].ravel() > 0
        sure = np.abs(np.log(expected[n] / faintest)) > 1e-6
        np.testing.assert_array_equal(drawn[sure], expected[n][sure] >= faintest)
        best = divmod(int(expected[n].argmax()), 16)
        ring = page.execute_script("const s = arguments[0].style; return [s.top, s.left];", one(figure, ".ring"))
        assert [float(r.rstrip("%")) for r in ring] == pytest.approx([10 * best[0] + 5, 6.25 * best[1] + 3.125])
        assert one(figure, ".best").is_displayed() == (view != "prior" and expected[n].max() == 1)


def test_the_colours_run_from_blue_to_yellow_with_the_affinity(page, explorers):
    from matplotlib import colormaps  # noqa: PLC0415

    click(page, (5, 8))
    values = seen(explorers["released"][0], (5, 8)).affinity
    for n, figure in enumerate(every(page, "#references figure")):
        level = 1 - np.log(np.maximum(values[n], 1e-8)) / np.log(1e-8)
        expected = 255 * colormaps["plasma"](level)[:, :3]
        drawn = pixels_of(page, figure).reshape(160, 4)
        # Of 256 colours a neighbour may be hit, which is 4 of 255 away; a canvas keeps colours times opacity: 1 more.
        assert np.abs(drawn[drawn[:, 3] > 0][:, :3] - expected[drawn[:, 3] > 0]).max() <= 5


def test_arrow_keys_move_by_a_cell_with_shift_by_five_and_home_goes_back(page):
    begin = shown_cell(page)
    click(page, (5, 8))
    press(page, Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ARROW_DOWN)  # the click has given it the focus
    assert shown_cell(page) == (7, 9)
    press(page, Keys.ARROW_LEFT, Keys.ARROW_UP)
    assert shown_cell(page) == (6, 8)
    ActionChains(page).key_down(Keys.SHIFT).send_keys(Keys.ARROW_LEFT).key_up(Keys.SHIFT).perform()
    assert shown_cell(page) == (6, 3)
    press(page, *[Keys.ARROW_DOWN] * 12)
    assert shown_cell(page) == (9, 3)
    press(page, Keys.HOME)
    assert shown_cell(page) == begin


def test_dragging_moves_the_pixel(page):
    stage = one(page, "#stage")
    drag = towards(page, stage, (2, 3)).click_and_hold()
    drag.move_by_offset(round(6 * stage.rect["width"] / 16), round(4 * stage.rect["height"] / 10)).release().perform()
    WebDriverWait(page, 10).until(lambda _: shown_cell(page) == (6, 9))


def test_the_page_can_be_used_by_keyboard_alone(page):
    stops = []
    for _ in range(4):
        press(page, Keys.TAB)
        stops.append(page.execute_script("const a = document.activeElement; return a.id || a.name || a.className;"))
    assert stops[:2] == ["stage", "view"]
    page.execute_script("document.querySelector('input[value=affinity]').focus()")
    before = one(page, "#unit").text
    press(page, Keys.ARROW_UP)
    assert one(page, 'input[value="prior"]').is_selected()
    assert one(page, "#unit").text != before


def test_a_line_says_in_words_what_is_seen(explorer):
    page, at = explorer
    click(page, (3, 10))
    expected = seen(at, (3, 10))
    k = int(expected.parts.sum(axis=0).argmax())
    share, newest = expected.parts[:, k].sum() / expected.parts.sum(), int(expected.parts[:, k].argmax())
    line = one(page, "#words")
    assert line.get_attribute("aria-live") == "polite"
    said = re.fullmatch(
        r"Row (\d+), column (\d+): (.+) gets ([\d.]+) % of the vote; ([\d.]+) % of it from t−(\d+)\. "
        r"The best match is row \d+, column \d+ of t−\d+\.",
        line.text,
    )
    assert int(said[1]) // 4 == 3
    assert int(said[2]) // 4 == 10
    assert said[3] == (f"object {at.ids[k]}" if k else "background")
    assert float(said[4]) == pytest.approx(100 * share, abs=0.6)
    assert float(said[5]) == pytest.approx(100 * expected.parts[newest, k] / expected.parts[:, k].sum(), abs=0.6)
    assert int(said[6]) == 5 - at.references[::-1][newest].t


def test_titles_and_formulas_are_those_of_the_configuration(explorer):
    page, at = explorer
    titles = [title.text for title in every(page, "figcaption strong")]
    assert titles == [f"t−{5 - r.t}, σ = {r.sigma:g}" for r in at.references[::-1]]
    formulas = " ".join(formula.text for formula in every(page, ".formula"))
    assert ("softmax" in formulas) == (at.config.propagation == "released")
    assert ("√" in formulas) == (at.config.propagation == "paper")
    assert "Eq. 6" in formulas


@pytest.mark.parametrize("width", [360, 800, 1100])
def test_no_screen_is_too_narrow_for_the_page(page, width):
    with emulated(page, width=width):
        inside, outside = page.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
        assert inside <= outside == width
        tops = [one(page, area).rect["y"] for area in ("#now", "#vote", "#past", "#matches")]
        assert width > 360 or tops == sorted(tops)


def test_the_page_follows_the_readers_light_or_dark(page):
    def ground():
        return page.execute_script("return getComputedStyle(document.documentElement).backgroundColor")

    light = ground()
    with emulated(page, dark=True):
        assert ground() != light


def test_every_picture_of_the_page_can_be_decoded(page):
    script = """const done = arguments[0];
        Promise.all([...document.images].map((i) => i.decode())).then(() => done("yes"), done);"""
    assert page.execute_async_script(script) == "yes"
    assert len(every(page, "img")) == 8
