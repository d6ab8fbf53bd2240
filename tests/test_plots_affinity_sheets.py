"""The sheet of TVOS: the references, the flow, and the affinity of one pixel."""

import numpy as np
import pytest
from drawn import GRID, PORTRAIT, SIZE, assert_nothing_overlaps, keep_sheets, mask, panels, picture, tvos

from vosref.affinity import affinity, grid_positions
from vosref.plots import central_pixel, flow_colours, overlay, pixel_affinity, plot_tvos


@pytest.fixture
def page(monkeypatch):
    return keep_sheets(monkeypatch)


def test_the_sheet_of_tvos_shows_the_result_the_flow_and_every_reference(tmp_path, page):
    references, flow = tvos(tmp_path / "a.png")
    now, motion, *rest = panels(page[0])
    np.testing.assert_array_equal(now.images[0].get_array(), overlay(picture(9), mask(), alpha=0.3))
    assert (now.get_title(loc="left"), motion.get_title(loc="left")) == (
        "frame 00020, the pixel ringed",
        "motion since frame 00019",
    )
    largest = np.quantile(np.hypot(*flow.reshape(-1, 2).T), 0.9)
    np.testing.assert_array_equal(motion.images[0].get_array(), flow_colours(flow, largest=largest))
    assert any(f"at the rim {largest:.2g} pixels" in text.get_text() for text in page[0].figure.texts)
    best = int(np.argmax([np.max(r.affinity) for r in references]))
    for n, (axes, reference) in enumerate(zip(rest[:3], references, strict=True)):
        assert axes.get_title(loc="left") == reference.title + (": the best match" if n == best else "")
        _, image = axes.images
        shown = np.where(image.get_alpha() > 0, image.get_array(), 0)
        np.testing.assert_array_equal(shown, np.where(reference.affinity >= 1e-8, reference.affinity, 0))
        assert (reference.affinity < 1e-8).any()
        assert (image.norm.vmin, image.norm.vmax) == (1e-8, 1)
        assert list(image.get_extent()) == [-0.5, 39.5, 23.5, -0.5]
    assert "affinity to the ringed pixel (largest: 1)" in [axes.get_xlabel() for axes in page[0].figure.axes]


def test_the_pixel_and_the_best_match_in_each_frame_are_ringed(tmp_path, page):
    references, _ = tvos(tmp_path / "a.png")
    now, _, *rest = panels(page[0])
    rings = [[(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines] for axes in (now, *rest[:3])]
    assert set(rings[0]) == {(5, 7)}
    for ring, reference in zip(rings[1:], references, strict=True):
        row, column = np.unravel_index(np.argmax(reference.affinity), GRID)
        assert set(ring) == {(4 * column + 1.5, 4 * row + 1.5)}  # the middle of a cell of 4 x 4 pixels


@pytest.mark.parametrize(
    ("n", "size"), [(1, SIZE), (9, SIZE), (10, SIZE), (3, PORTRAIT), (1, (200, 20)), (1, (20, 200))]
)
def test_on_a_sheet_of_tvos_nothing_overlaps(tmp_path, page, size, n):
    tvos(tmp_path / "a.png", n=n, size=size)
    assert_nothing_overlaps(page[0])
    assert len(panels(page[0])) == n + 3  # the frame, its motion and the wheel


def test_frames_at_rest_and_without_objects_can_be_drawn(tmp_path, page):
    tvos(tmp_path / "a.png", flow=np.zeros((*GRID, 2)), ids=np.zeros(SIZE, np.uint8))
    tvos(tmp_path / "b.png", ids=np.ones(SIZE, np.uint8))
    assert (panels(page[0])[1].images[0].get_array() == 255).all()


def test_a_sheet_without_references_is_refused(tmp_path):
    with pytest.raises(ValueError, match="references must hold at least one frame, got none"):
        plot_tvos(tmp_path / "a.png", picture(0), mask(), [], np.zeros((6, 10, 2)), pixel=(0, 0), names=("a", "b"))


def test_the_central_pixel_is_in_the_largest_object():
    ids = np.zeros((9, 12), np.uint8)
    ids[:2, :2], ids[3:8, 4:9] = 1, 7
    assert central_pixel(ids) == (5, 6)
    ids[4:8, 5:9] = 0  # leaves the shape of an L, whose centre lies outside it
    row, column = central_pixel(ids)
    assert ids[row, column] == 7
    with pytest.raises(ValueError, match="ids must mark an object, got background alone"):
        central_pixel(np.zeros((2, 2), np.uint8))


def test_the_affinity_of_a_pixel_is_its_row_of_w_over_the_largest():
    rng, sigma = np.random.default_rng(3), (2.0, 5.0)
    query, references = rng.standard_normal((60, 3)), list(rng.standard_normal((2, 60, 3)))
    got = pixel_affinity(query, references, index=23, grid=GRID, sigma=sigma, temperature=0.7)
    where = grid_positions(GRID, like=query)
    w = [affinity(query, r, where, where, sigma=s, temperature=0.7)[23] for r, s in zip(references, sigma, strict=True)]
    assert got.shape == (2, *GRID)
    assert got.max() == 1
    # Logarithms below 50 are off by some 50 × 2^-52 in either.
    np.testing.assert_allclose(got.reshape(2, 60), np.asarray(w) / np.max(w), rtol=1e-12)


def test_an_affinity_beyond_the_exponential_does_not_overflow():
    query = np.full((60, 1), 100, np.float32)
    got = pixel_affinity(query, [query], index=0, grid=GRID, sigma=(8.0,), temperature=1.0)
    assert got.max() == got[0, 0, 0] == 1
    assert np.isfinite(got).all()
