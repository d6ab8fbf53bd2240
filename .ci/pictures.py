"""Draw the README's pictures into .assets/: a demo, a sheet of `vosref inspect`, and the scores behind the temperature.

    python .ci/pictures.py RESULTS.json …

RESULTS are what `.ci/tune.py` wrote. Only settings of the temperature alone, on every third sequence, whole, enter the
curves: points from other sequences would not compare.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from vosref import io, plots, samples, video

ASSETS = Path(__file__).resolve().parents[1] / ".assets"
SETTING = re.compile(r"(paper,)?temperature=([\d.]+) frames=1000 skip=1 every=3")


def main(results):
    """Draw all three."""
    frames, masks = samples.render("two-crossing")
    found = video.segment_video(frames, masks[0], config=video.configure("tvos", "paper"))
    sheet = Image.fromarray(plots.contact_sheet(frames, found, columns=4, rows=2))
    with io.atomic_path(ASSETS / "demo.png") as path:
        sheet.save(path, optimize=True)

    folder = samples.sample_path("three-hiding")
    with tempfile.TemporaryDirectory() as out:
        options = ["--mask", folder / "masks" / "00000.png", "--frame", "4", "--out", out]
        choice = ["--method", "feelvos", "--config", "nearest"]
        subprocess.run(["vosref", "inspect", folder / "frames", *options, *choice], check=True)  # noqa: S603, S607
        with Image.open(Path(out) / "inspect-00004.png") as sheet, io.atomic_path(ASSETS / "inspect.png") as path:
            sheet.convert("RGB").reduce(2).save(path, optimize=True)

    curves = {"released": {}, "paper": {}}
    for setting, scores in ((s, v) for file in results for s, v in json.loads(Path(file).read_text()).items()):
        if match := SETTING.fullmatch(setting):
            curves["paper" if match[1] else "released"][float(match[2])] = np.mean(list(scores.values()))
    temperatures = sorted(set().union(*curves.values()))
    plots.plot_curve(
        ASSETS / "temperature.png",
        temperatures,
        {f"--config {name}": [curve.get(t, np.nan) for t in temperatures] for name, curve in curves.items()},
        x_label="temperature",
        y_label="J&F",
        title="Nine train sequences of DAVIS 2016, every frame",
        log_x=True,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
