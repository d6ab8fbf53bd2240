"""The page that explores an affinity: its bytes, the numbers it holds, the errors it bounds, what it refuses."""

import base64
import io
import json
import math
import re

import numpy as np
import pytest
from clips import cheap, small_clip, thin, thin_feelvos
from PIL import Image

from vosref.affinity import affinity, degrees, grid_positions
from vosref.io import InputError
from vosref.plots import central_pixel, object_colours, write_explorer
from vosref.plots.explorer_data import log_column_degrees, storage_error
from vosref.runs.inspection import inspect_frame

pytestmark = pytest.mark.usefixtures("definitions")


def inspected(name="released", t=4, **fields):
    frames, masks = small_clip()
    return inspect_frame(frames, masks[0], t, config=cheap(name, **fields))


def data_of(path):
    text = path.read_text(encoding="utf-8")
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL).group(1))


def array(text, dtype):
    return np.frombuffer(base64.b64decode(text), dtype)


def picture(uri):
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


@pytest.mark.parametrize("name", ["released", "paper"])
def test_the_same_inspection_gives_the_same_bytes_and_the_page_holds_its_arrays(tmp_path, name):
    at = inspected(name, n_recent=2, n_sparse=1, sigma_distant=5.0)
    for file in ("a.html", "b.html"):
        write_explorer(tmp_path / file, at)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    data = data_of(tmp_path / "a.html")
    assert (data["grid"], data["size"], data["ids"], data["propagation"]) == ([10, 16], [40, 64], [0, 1, 5], name)
    assert data["pixel"] == list(central_pixel(at.step.mask))
    assert data["colours"] == ["#" + object_colours(k).tobytes().hex() for k in at.ids]
    np.testing.assert_array_equal(array(data["query"], "<f2"), at.query.astype(np.float16).ravel())
    assert [r["t"] for r in data["references"]] == [seen.t for seen in at.references][::-1]
    for held, seen in zip(data["references"], at.references[::-1], strict=True):
        assert (held["name"], held["sigma"]) == (at.names[seen.t], seen.sigma)
        np.testing.assert_array_equal(array(held["embedding"], "<f2"), seen.embedding.astype(np.float16).ravel())
        np.testing.assert_array_equal(array(held["labels"], "<f4"), seen.labels.ravel())
        assert (held["degrees"] is None) == (name == "released")


def test_outlines_are_in_the_colours_of_the_objects_on_a_clear_ground(tmp_path):
    at = inspected()
    write_explorer(tmp_path / "a.html", at)
    data = data_of(tmp_path / "a.html")
    drawn = np.asarray(picture(data["outline"]).convert("RGBA"))
    lines = drawn[..., 3] > 0
    assert 0 < lines.mean() < 0.5
    np.testing.assert_array_equal(drawn[lines][:, :3], object_colours(at.step.mask[lines]))
    assert picture(data["picture"]).size == (64, 40)


@pytest.mark.parametrize("scale", [1.0, 1e-4, 3e-7, 50.0])
@pytest.mark.parametrize("dimension", [1, 24, 112])
def test_no_logit_is_off_by_more_than_the_bound(dimension, scale):
    rng = np.random.default_rng(dimension)
    f, g = rng.standard_normal((2, 400, dimension)) * scale
    rounded = (f.astype(np.float16).astype(float) * g.astype(np.float16).astype(float)).sum(axis=1)
    off = 40 * np.abs(rounded - (f * g).sum(axis=1))
    norms = np.linalg.norm(f, axis=1), np.linalg.norm(g, axis=1)
    bounds = [storage_error(*pair, dimension=dimension, temperature=40.0) for pair in zip(*norms, strict=True)]
    assert (off <= np.asarray(bounds) * (1 + 1e-9)).all()


def test_the_bound_is_nearly_reached_by_numbers_between_two_halves():
    value = 1 + 2.0**-11  # as far as can be from both neighbours; ties go to the even one, 1
    bound = storage_error(value, value, dimension=1, temperature=1.0)
    off = value**2 - float(np.float16(value)) ** 2
    assert 0.99 * bound < off <= bound


def test_the_page_states_the_bound_of_its_longest_vectors(tmp_path):
    at = inspected()
    write_explorer(tmp_path / "a.html", at)
    query, references = (np.linalg.norm(e, axis=-1).max() for e in (at.query, [r.embedding for r in at.references]))
    expected = storage_error(float(query), float(references), dimension=24, temperature=40.0)
    assert data_of(tmp_path / "a.html")["error"] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("memory", [1, 4000, 2**28])
def test_degrees_of_the_columns_are_those_of_the_whole_matrix(xp, memory):
    rng, sigma, grid = np.random.default_rng(5), (2.0, 5.0), (6, 7)
    query, *references = (xp.asarray(rng.standard_normal((42, 3))) for _ in range(3))
    got = log_column_degrees(query, references, grid=grid, sigma=sigma, temperature=0.7, memory=memory)
    where = grid_positions(grid, like=query)
    w = [affinity(query, r, where, where, sigma=s, temperature=0.7) for r, s in zip(references, sigma, strict=True)]
    expected = np.log([xp.to_numpy(degrees(one)[1]) for one in w])
    np.testing.assert_allclose(xp.to_numpy(got), expected, rtol=0, atol=1e-12)


def test_degrees_beyond_the_exponential_do_not_overflow():
    query = np.full((6, 1), 100, np.float32)
    got = log_column_degrees(query, [query], grid=(2, 3), sigma=(math.inf,))
    np.testing.assert_allclose(got, 1e4 + math.log(6), rtol=1e-6)


def test_a_prior_that_is_switched_off_is_written_as_null_for_json_has_no_infinity(tmp_path):
    write_explorer(tmp_path / "a.html", inspected(t=1, sigma_recent=math.inf))
    assert [r["sigma"] for r in data_of(tmp_path / "a.html")["references"]] == [None]


def test_the_first_pixel_is_the_one_given_or_one_of_the_first_mask_where_no_object_is_left(tmp_path):
    at = inspected(t=1)
    write_explorer(tmp_path / "a.html", at, pixel=(3, 62))
    assert data_of(tmp_path / "a.html")["pixel"] == [3, 62]
    empty = at._replace(step=at.step._replace(mask=np.zeros_like(at.step.mask)))
    write_explorer(tmp_path / "a.html", empty)
    assert data_of(tmp_path / "a.html")["pixel"] == list(central_pixel(at.first_mask))


def test_no_name_can_become_markup(tmp_path):
    at = inspected(t=1)
    hostile = '</script><img src=x onerror="document.title=1">&amp;'
    write_explorer(tmp_path / "a.html", at._replace(names=(hostile,) * 6))
    assert hostile not in (tmp_path / "a.html").read_text(encoding="utf-8")
    assert data_of(tmp_path / "a.html")["name"] == hostile


@pytest.mark.parametrize("pixel", [(-1, 0), (40, 0), (0, 64)])
def test_a_pixel_outside_the_frame_is_refused(tmp_path, pixel):
    with pytest.raises(ValueError, match=re.escape(f"the frame of 40 rows and 64 columns, got {pixel}")):
        write_explorer(tmp_path / "a.html", inspected(t=1), pixel=pixel)


def test_an_inspection_of_another_method_is_refused(tmp_path, monkeypatch):
    thin_feelvos(monkeypatch)
    frames, masks = small_clip()
    at = inspect_frame(frames, masks[0], 1, method="feelvos", config=thin())
    with pytest.raises(ValueError, match="only an inspection of method 'tvos' has query, got one of 'feelvos'"):
        write_explorer(tmp_path / "a.html", at)


def test_a_page_beyond_its_budget_is_refused_with_what_makes_it_large(tmp_path):
    with pytest.raises(InputError, match=r"5 frames of 160 cells and 24 dimensions\), more than 0.05 MB; take smaller"):
        write_explorer(tmp_path / "a.html", inspected(), budget=50_000)
    assert list(tmp_path.iterdir()) == []


def test_embeddings_too_large_for_16_bits_are_refused(tmp_path):
    at = inspected(t=1)
    *older, newest = at.step.state.embeddings
    large = at.step.state._replace(embeddings=(*older, newest * 1e6))
    with pytest.raises(ValueError, match="embeddings must be at most 65504 to be stored as 16-bit floats, got "):
        write_explorer(tmp_path / "a.html", at._replace(step=at.step._replace(state=large)))


def test_a_page_that_cannot_be_written_is_an_error_in_the_input(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        write_explorer(tmp_path / "none" / "a.html", inspected(t=1))
