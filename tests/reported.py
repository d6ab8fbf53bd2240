"""Made-up reports and their clips, for the tests of the page that shows them."""

import base64
import io
import json
import re

import numpy as np
from browser import every
from PIL import Image

from vosref.plots import Clip, write_report

SIZE = (24, 40)
HOSTILE = '</script><img src=x onerror="document.title=1">\u2028&amp;'


def mean(values):
    there = [v for v in values if v is not None]
    return sum(there) / len(there) if there else None


def scored(sequence, k, names, *, seed=0, measures=("J", "F")):
    """An object's row; its scores are drawn."""
    rng = np.random.default_rng([seed, k, len(names)])
    row = {"sequence": sequence, "object": k, "frames": list(names)}
    for m in measures:
        row[m] = rng.uniform(size=len(names)).tolist()
        row |= {f"{m}-Mean": mean(row[m]), f"{m}-Recall": 0.5, f"{m}-Decay": -0.123456789}
    return row


def results(name, clips, *, seed=0, measures=("J", "F"), seconds=None):
    """What a report says of one method; `clips` is how many frames and objects every sequence has."""
    objects = [
        scored(sequence, k, names_of(n_frames)[1:-1] or names_of(n_frames), seed=seed, measures=measures)
        for sequence, (n_frames, n_objects) in clips.items()
        for k in range(1, n_objects + 1)
    ]
    rows = []
    for sequence in clips:
        own = [o for o in objects if o["sequence"] == sequence]
        row = {f"{m}-Mean": mean([o[f"{m}-Mean"] for o in own]) for m in measures}
        rows.append({"sequence": sequence, **joint(row)})
    everything = joint({f"{m}-Mean": mean([o[f"{m}-Mean"] for o in objects]) for m in measures})
    return {
        "name": name,
        "results": f"runs/{name}",
        "global": everything,
        "sequences": rows,
        "objects": objects,
        "seconds_per_frame": seconds,
        "peak_bytes": None,
        "notes": [],
    }


def joint(row):
    if "F-Mean" in row:
        return {"J&F-Mean": None if row["J-Mean"] is None else (row["J-Mean"] + row["F-Mean"]) / 2, **row}
    return row


def report_of(*methods, protocol="davis2017"):
    """The report of one method, or of the first beside the others."""
    return {
        "vosref": "0.1.0",
        **methods[0],
        "protocol": {"name": protocol, "rules": {"objects": "every one", "first frame": "left out"}},
        "truth": "truth",
        "set": "val",
        "compared": list(methods[1:]),
    }


def names_of(n_frames):
    return tuple(f"{t:05d}" for t in range(n_frames))


def mask(name, *, n_objects=1, shift=0, size=SIZE):
    out = np.zeros(size, np.uint8)
    for k in range(n_objects):
        left = (2 * int(name) + 4 * k + shift) % (size[1] - 6)
        out[2 + k % 12 : 10 + k % 12, left : left + 6] = k + 1
    return out


def photo(name, *, size=SIZE):
    return np.random.default_rng(int(name)).integers(0, 256, (*size, 3), dtype=np.uint8)


def clip_of(sequence, n_frames, n_objects, methods=("ours",), *, frame=photo, missing=(), size=SIZE):
    """A clip whose masks move; frames in `missing` have no prediction."""

    def prediction(shift):
        return lambda name: None if name in missing else mask(name, n_objects=n_objects, shift=shift, size=size)

    return Clip(
        sequence,
        names_of(n_frames),
        lambda name: mask(name, n_objects=n_objects, size=size),
        {method: prediction(n + 1) for n, method in enumerate(methods)},
        frame,
    )


def written(path, clips, **options):
    """Write the page of one method over drawn pictures; return its report."""
    report = report_of(results("ours", clips))
    write_report(path, report, [clip_of(s, *shape) for s, shape in clips.items()], **options)
    return report


def picture_from(uri):
    """The picture that a data URI holds, which is of the format that it says."""
    head, _, data = uri.partition(";base64,")
    image = Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
    assert head == f"data:image/{image.format.lower()}"
    return image


def embedded(path):
    """What the page holds: the report, the page's own data, and the pictures of every clip."""
    text = path.read_text(encoding="utf-8")
    found = re.findall(r'<script type="application/json" (?:id|class)="(\w+)">(.*?)</script>', text, re.DOTALL)
    data = [(name, json.loads(value)) for name, value in found]
    assert [name for name, _ in data[:2]] == ["report", "page"]
    assert {name for name, _ in data[2:]} <= {"clip"}
    return data[0][1], data[1][1], [value for _, value in data[2:]]


def shown_masks(browser):
    """What the panes show of the predictions."""
    return [image.get_attribute("src") for image in every(browser, "#panes .prediction")]


def picture_of(browser, sequence, name):
    """What the page holds of a frame."""
    script = """
        const index = JSON.parse(document.getElementById("page").textContent).clips.indexOf(arguments[0]);
        const clip = JSON.parse(document.querySelectorAll("script.clip")[index].textContent);
        return clip.find((picture) => picture.name === arguments[1]);"""
    return browser.execute_script(script, sequence, name)
