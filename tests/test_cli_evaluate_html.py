"""The page that ``vosref evaluate --html`` writes shows the numbers that ``--json`` writes."""

import json

import numpy as np
import pytest
from browser import browser, complaints, every, one, open_page, value  # noqa: F401 - the fixture
from PIL import Image
from verdicts import SIZE, results_and_truth

pytestmark = pytest.mark.usefixtures("definitions")


def test_the_page_shows_the_reports_numbers_and_the_frames_beside_the_truth(browser, vosref, tmp_path):  # noqa: F811
    results, truth = results_and_truth(tmp_path)
    truth = truth.rename(tmp_path / "Annotations")
    for sequence in truth.iterdir():
        (tmp_path / "JPEGImages" / sequence.name).mkdir(parents=True)
        for mask in sequence.iterdir():
            Image.new("RGB", SIZE[::-1], "teal").save(tmp_path / "JPEGImages" / sequence.name / f"{mask.stem}.jpg")
    page, report = tmp_path / "r.html", tmp_path / "r.json"
    words = ("--protocol", "davis2017", "--json", report, "--html", page)
    assert vosref("evaluate", results, truth, *words)[0] == 0
    open_page(browser, page)
    found = json.loads(report.read_text())
    for key in ("J-Mean", "F-Mean", "J-Recall", "F-Decay"):
        shown = [value(cell) for cell in every(browser, f'#table td[data-key="{key}"]')]
        assert shown == [o[key] for o in found["objects"]]
    shown = {e.get_attribute("data-key"): value(e) for e in every(browser, "#global [data-value]")}
    assert {found["global"][key] for key in ("J&F-Mean", "J-Mean", "F-Recall")} <= set(shown.values())
    assert one(browser, "img").get_attribute("src").startswith("data:image/jpeg")
    assert complaints(browser) == []


def test_the_page_is_the_same_bytes_again_and_stays_whole_where_frames_are_broken(vosref, tmp_path):
    results, truth = results_and_truth(tmp_path)
    pages = []
    for n in range(2):
        page = tmp_path / f"{n}.html"
        assert vosref("evaluate", results, truth, "--protocol", "strict", "--html", page)[0] == 0
        pages.append(page.read_bytes())
    assert pages[0] == pages[1]
    frames = tmp_path / "frames"
    (frames / "bear").mkdir(parents=True)
    (frames / "bear" / "00001.jpg").write_bytes(b"broken")
    Image.fromarray(np.zeros((*SIZE, 3), np.uint8)).save(frames / "bear" / "00002.png")
    page = tmp_path / "broken.html"
    code, _, _ = vosref("evaluate", results, truth, "--protocol", "strict", "--html", page, "--frames", frames)
    assert code == 0
    assert page.read_bytes() != pages[0]
