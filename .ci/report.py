"""Draw the README's picture of a report into .assets/: two methods on the rendered clips, as Chromium shows it.

    python .ci/report.py

Needs the extra `test`, and chromium and chromedriver on the PATH.
"""

import base64
import io
import subprocess
import tempfile
from pathlib import Path

from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from vosref.io import atomic_path

ROOT = Path(__file__).resolve().parents[1]
METHODS = {"TVOS (paper)": ("tvos", "paper"), "nearest neighbour": ("feelvos", "nearest")}
WIDTH = 1400


def main():
    """Segment, evaluate, and take the picture."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "data_samples").symlink_to(ROOT / "data_samples")
        for out, (method, config) in METHODS.items():
            choice = ("--run", method, "--config", config, "--dataset", "folders")
            call(folder, *choice, "data_samples", "--out", out)
        first, second = METHODS
        call(folder, first, "data_samples", "--protocol", "strict", "--compare", second, "--html", "report.html")
        page = Path(folder) / "report.html"
        with Image.open(io.BytesIO(picture(page))) as image, atomic_path(ROOT / ".assets" / "report.png") as path:
            image.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


def call(folder, *words):
    """Run ``vosref evaluate`` in a folder."""
    subprocess.run(["vosref", "evaluate", *words], check=True, cwd=folder)  # noqa: S603, S607


def picture(page):
    """Return the page as PNG, at the worst frame, light."""
    options = webdriver.ChromeOptions()
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(flag)
    with webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver")) as browser:
        browser.get(page.as_uri())
        browser.find_element(By.CSS_SELECTOR, "#worst button").click()
        for _ in range(2):  # its height is known once it is as wide as it will be
            height = browser.execute_script("scrollTo(0, 0); return document.body.getBoundingClientRect().bottom")
            size = {"width": WIDTH, "height": int(height) + 24, "deviceScaleFactor": 1, "mobile": False}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        return base64.b64decode(browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})["data"])


if __name__ == "__main__":
    main()
