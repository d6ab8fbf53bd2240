"""Made-up sheets for the tests of plots, and what must hold for each."""

import itertools
from contextlib import contextmanager

import numpy as np
from PIL import Image

from vosref.feelvos import FeelvosInfo
from vosref.plots import Reference, affinity_sheets, plot_feelvos, plot_tvos, sheets

SIZE, GRID = (24, 40), (6, 10)
PORTRAIT = (80, 45)


def keep_sheets(monkeypatch):
    """Return the list of the sheets that will be drawn."""
    kept = []

    @contextmanager
    def keeping(*arguments):
        with real(*arguments) as sheet:
            kept.append(sheet)
            yield sheet

    real = sheets.open_sheet
    monkeypatch.setattr(sheets, "open_sheet", keeping)
    monkeypatch.setattr(affinity_sheets, "open_sheet", keeping)
    return kept


def picture(seed, size=SIZE):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def mask(*, ids=(1,), size=SIZE):
    out = np.zeros(size, np.uint8)
    for n, k in enumerate(ids):
        out[4 + n : 12 + n, 3 * n + 2 : 3 * n + 8] = k
    return out


def feelvos(path, *, ids=(0, 1, 5), size=SIZE, grid=GRID, seed=0, **fields):
    """Draw made-up intermediates, and return them."""
    rng, shape = np.random.default_rng(seed), (grid[0] * grid[1], len(ids))
    maps = dict(zip(FeelvosInfo._fields, rng.random((5, *shape)), strict=True))
    maps["logits"] = 8 * maps["logits"] - 3
    info = FeelvosInfo(**maps | fields)
    frames, masks = [picture(n, size) for n in (1, 2)], [mask(ids=ids[1:3], size=size) for _ in range(2)]
    plot_feelvos(
        path, frames, masks, info, ids=ids, grid=grid, names=("00003", "00004"), title="FEELVOS at frame 00004"
    )
    return info, frames, masks


def tvos(path, *, n=3, size=SIZE, grid=GRID, flow=None, ids=None):
    """Draw made-up affinities, and return what was drawn."""
    affinities = np.random.default_rng(n).random((n, *grid)) ** 20
    affinities /= affinities.max()
    references = [
        Reference(picture(t, size), mask(size=size), w, f"t-{t + 1}, σ = 8") for t, w in enumerate(affinities)
    ]
    flow = np.random.default_rng(1).standard_normal((*grid, 2)) if flow is None else flow
    ids = mask(size=size) if ids is None else ids
    names = ("00019", "00020")
    plot_tvos(path, picture(9, size), ids, references, flow, pixel=(7, 5), names=names, title="TVOS at frame 00020")
    return references, flow


def panels(sheet):
    """Axes of pictures and maps by their titles and places."""
    return [axes for axes in sheet.figure.axes if axes.images]


def assert_nothing_overlaps(sheet):
    """Neither panels nor words, and all of them lie on the page."""
    sheet.figure.canvas.draw()
    renderer, page = sheet.figure.canvas.get_renderer(), sheet.figure.bbox
    words = list(sheet.figure.texts)
    for axes in sheet.figure.axes:
        low, high = axes.get_xlim()
        ticks = [t for t in axes.get_xticklabels() if low <= t.get_position()[0] <= high]
        title = axes.set_title(axes.get_title(loc="left"), loc="left")  # the same, and its Text
        words += [axes.xaxis.label, title, *ticks]
    boxes = {text: text.get_window_extent(renderer) for text in words if text.get_text()}
    boxes |= {axes: axes.get_window_extent(renderer) for axes in sheet.figure.axes}
    for thing, box in boxes.items():
        assert box.x0 >= page.x0 - 1, thing
        assert box.y0 >= page.y0 - 1, thing
        assert box.x1 <= page.x1 + 1, thing
        assert box.y1 <= page.y1 + 1, thing
    for (one, a), (other, b) in itertools.combinations(boxes.items(), 2):
        wide, high = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert min(wide, high) < 1, (one, other)


def saved(path):
    with Image.open(path) as image:
        assert "Software" not in image.info
        return image.size
