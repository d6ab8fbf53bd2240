"""`samples`: the committed clips are what the renderer makes, and show what their catalogue says."""

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from vosref import samples
from vosref.samples import SAMPLES, main, render, sample_path, write_clip
from vosref.samples.png import _code_lengths, png

COMMITTED = Path(__file__).resolve().parents[1] / "data_samples"
SMALL = SAMPLES["three-hiding"]._replace(height=40, width=72, n_frames=3)
each_clip = pytest.mark.parametrize("name", SAMPLES)


@pytest.fixture(scope="module")
def regenerated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("samples")
    assert main([str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def clips():
    """Frames and masks of every committed clip, as Pillow reads them."""
    return {name: tuple(_read(COMMITTED / name / kind) for kind in ("frames", "masks")) for name in SAMPLES}


def _read(folder):
    images = []
    for path in sorted(folder.glob("*.png")):
        with Image.open(path) as image:
            images.append(np.asarray(image))
    return np.stack(images)


def _pictures(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.png")}


def _silhouette(mask, label):
    """Return where an object is, moved so that its centroid lies in the middle of twice the frame."""
    rows, columns = np.nonzero(mask == label)
    image = np.zeros((2 * mask.shape[0], 2 * mask.shape[1]), dtype=bool)
    image[rows - round(rows.mean()) + mask.shape[0], columns - round(columns.mean()) + mask.shape[1]] = True
    return image


def test_rendering_again_gives_the_committed_bytes(regenerated):
    assert (regenerated / "SHA256SUMS").read_text() == (COMMITTED / "SHA256SUMS").read_text()
    committed, again = _pictures(COMMITTED), _pictures(regenerated)
    assert sorted(committed) == sorted(again)
    assert [name for name in committed if committed[name] != again[name]] == []


def test_no_half_written_file_is_left_over(regenerated):
    assert {path.suffix for path in regenerated.rglob("*") if path.is_file()} == {".png", ""}


def test_the_checksums_of_the_committed_files_hold():
    lines = (COMMITTED / "SHA256SUMS").read_text().splitlines()
    sums = dict(reversed(line.split("  ")) for line in lines)
    assert sums == {name: hashlib.sha256(data).hexdigest() for name, data in _pictures(COMMITTED).items()}
    assert list(sums) == sorted(sums)


def test_the_committed_files_stay_small():
    assert sum(map(len, _pictures(COMMITTED).values())) < 4_000_000


@each_clip
def test_frames_and_masks_have_the_catalogued_size(clips, name):
    scene, (frames, masks) = SAMPLES[name], clips[name]
    assert frames.shape == (scene.n_frames, scene.height, scene.width, 3)
    assert masks.shape == frames.shape[:3]
    assert frames.dtype == masks.dtype == np.uint8


@each_clip
def test_masks_hold_the_catalogued_ids_and_frame_0_shows_them_all(clips, name):
    labels = [0, *sorted(creature.label for creature in SAMPLES[name].creatures)]
    assert np.unique(clips[name][1]).tolist() == labels
    assert np.unique(clips[name][1][0]).tolist() == labels


@each_clip
def test_every_object_is_whole_and_50_to_100_pixels_across_in_frame_0(clips, name):
    first = clips[name][1][0]
    assert not first[[0, -1]].any()
    assert not first[:, [0, -1]].any()
    for creature in SAMPLES[name].creatures:
        across = [np.ptp(where) + 1 for where in np.nonzero(first == creature.label)]
        assert 50 <= max(across) <= 100


@each_clip
def test_every_object_moves(clips, name):
    masks = clips[name][1]
    for creature in SAMPLES[name].creatures:
        start, end = (np.argwhere(mask == creature.label).mean(axis=0) for mask in masks[[0, -1]])
        assert np.sqrt(((end - start) ** 2).sum()) > 30


@each_clip
def test_every_object_deforms_and_stays_recognisable(clips, name):
    first, later = clips[name][1][[0, 4]]
    for creature in SAMPLES[name].creatures:
        a, b = (_silhouette(mask, creature.label) for mask in (first, later))
        assert 0.5 < (a & b).sum() / (a | b).sum() < 0.95


def test_one_object_is_covered_in_part(clips):
    areas = (clips["two-crossing"][1] == 1).sum(axis=(1, 2))
    assert 0.5 < areas.min() / areas[0] < 0.8
    assert areas[-1] > 0.95 * areas[0]


def test_one_object_is_hidden_for_some_frames_and_comes_back(clips):
    areas = (clips["three-hiding"][1] == 1).sum(axis=(1, 2))
    assert (areas == 0).sum() >= 2
    assert areas[-1] > 0.95 * areas[0]


def test_one_object_leaves_the_view_in_part(clips):
    masks = clips["three-hiding"][1]
    assert (masks[-1, :, -1] == 3).any()
    assert 0.3 < (masks[-1] == 3).sum() / (masks[0] == 3).sum() < 0.6


def test_the_same_seed_renders_the_same_clip():
    for again in (render(SMALL), render(SMALL, rng=np.random.Generator(np.random.PCG64(SMALL.seed)))):
        for first, second in zip(render(SMALL), again, strict=True):
            np.testing.assert_array_equal(first, second)


def test_another_seed_renders_another_clip():
    for first, second in zip(render(SMALL), render(SMALL._replace(seed=1)), strict=True):
        assert (first != second).any(axis=None)


def test_no_creature_changes_where_another_one_joins_in_front():
    front = SMALL.creatures[-1].label
    _, all_of_them = render(SMALL)
    _, without = render(SMALL._replace(creatures=SMALL.creatures[:-1]))
    np.testing.assert_array_equal(all_of_them[all_of_them != front], without[all_of_them != front])


def test_a_mask_holds_the_object_at_the_centre_of_its_pixels():
    # Three times as fine, every third centre is a centre of before; only rounding may part the two.
    _, coarse = render(SMALL)
    _, fine = render(SMALL._replace(height=3 * SMALL.height, width=3 * SMALL.width))
    assert (coarse != fine[:, ::3, ::3]).sum() <= 2


def test_a_creature_outside_the_frame_is_not_there():
    away = SMALL.creatures[0]._replace(path=((3.0, 3.0), (4.0, 4.0), (5.0, 5.0)))
    assert not render(SMALL._replace(creatures=(away,), n_frames=1))[1].any()


def test_masks_are_written_in_the_palette_of_davis(tmp_path):
    *_, file = write_clip(tmp_path, *render(SMALL._replace(n_frames=1)))
    with Image.open(file) as image:
        assert image.mode == "P"
        palette = np.reshape(image.getpalette(), (256, 3)).tolist()
    assert palette[:4] == [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]]
    for label, colour in enumerate(palette):
        bits = f"{label:09b}"  # three bits for each halving of the brightness, blue first
        assert colour == [sum(int(bits[8 - 3 * j - c]) << (7 - j) for j in range(3)) for c in range(3)]


def test_written_clips_read_back_as_they_were(tmp_path):
    frames, masks = render(SMALL)
    files = write_clip(tmp_path / "new" / "clip", frames, masks)
    assert [path.relative_to(tmp_path / "new" / "clip").as_posix() for path in files[2:4]] == [
        "frames/00002.png",
        "masks/00000.png",
    ]
    np.testing.assert_array_equal(_read(tmp_path / "new" / "clip" / "frames"), frames)
    np.testing.assert_array_equal(_read(tmp_path / "new" / "clip" / "masks"), masks)


@given(image=arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3)), fill=st.integers(0, 255)))
def test_any_image_survives_its_png(image):
    with Image.open(io.BytesIO(png(image))) as read:
        np.testing.assert_array_equal(np.asarray(read), image)


@pytest.mark.parametrize("shape", [(1, 1), (1, 257), (1, 258), (1, 259), (1, 269), (700, 700)])
def test_any_run_survives_its_png(shape):
    mask = np.full(shape, 7, dtype=np.uint8)
    with Image.open(io.BytesIO(png(mask, palette=bytes(768)))) as read:
        np.testing.assert_array_equal(np.asarray(read), mask)


def test_no_code_is_longer_than_deflate_allows():
    fibonacci = [1, 1]
    while len(fibonacci) < 40:  # the counts of the deepest tree
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    lengths = _code_lengths(fibonacci + [1] * 246)
    assert max(lengths) <= 15
    assert sum(2.0**-length for length in lengths) == 1.0


@each_clip
def test_samples_are_found_in_the_repository(name):
    assert sample_path(name).samefile(COMMITTED / name)


def test_installed_samples_come_first(tmp_path, monkeypatch):
    monkeypatch.setattr(samples.resources, "files", lambda package: tmp_path / package)
    (tmp_path / "data_samples/one-drifting/masks").mkdir(parents=True)
    assert sample_path("one-drifting") == tmp_path / "data_samples/one-drifting"
    (tmp_path / "vosref/data_samples/one-drifting/masks").mkdir(parents=True)
    assert sample_path("one-drifting") == tmp_path / "vosref/data_samples/one-drifting"


def test_a_missing_sample_says_how_to_make_it(tmp_path, monkeypatch):
    monkeypatch.setattr(samples.resources, "files", lambda package: tmp_path / package)
    with pytest.raises(
        FileNotFoundError, match=r"no clip at .*one-drifting.*`python -m vosref.samples DIR` renders it"
    ):
        sample_path("one-drifting")


@pytest.mark.parametrize(("function", "argument"), [(render, "scene"), (sample_path, "name")])
def test_an_unknown_clip_is_refused(function, argument):
    with pytest.raises(ValueError, match=f"{argument} must be one of one-drifting, .*, got 'bear'"):
        function("bear")


def test_frames_and_masks_that_do_not_belong_together_are_refused(tmp_path):
    frames, masks = render(SMALL)
    with pytest.raises(ValueError, match=r"frames must be \(T, H, W, 3\) and masks \(T, H, W\), got .*\(2, 40, 72\)"):
        write_clip(tmp_path, frames, masks[:2])
    with pytest.raises(ValueError, match="frames and masks must be uint8, got uint8 and int64"):
        write_clip(tmp_path, frames, masks.astype(np.int64))
    assert list(tmp_path.iterdir()) == []


def test_the_command_wants_one_folder(capsys):
    assert main([]) == 2
    assert capsys.readouterr().err == "usage: python -m vosref.samples DIR\n"
