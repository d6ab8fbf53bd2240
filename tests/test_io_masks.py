"""A mask of object ids: what is understood, what is refused and how its message mends it."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from vosref.io import InputError, MissingInputError, davis_palette, read_mask

OWN = bytes(range(255, -1, -1)) * 3  # a palette that nobody else has


def blocks(*ids, height=12):
    """Ids beside each other, each in a block of `height` by 12 pixels."""
    return np.repeat(np.repeat(np.array([ids], np.int64), height, axis=0), 12, axis=1)


def save(path, ids, *, mode="L", palette=OWN, **options):
    image = Image.fromarray(np.asarray(ids).astype(np.uint16 if mode == "I;16" else np.uint8))
    if mode == "P":
        image.putpalette(palette)
    image.save(path, **options)
    return path


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".gif"])
def test_a_palette_mask_keeps_its_ids_and_its_palette(tmp_path, suffix):
    mask = read_mask(save(tmp_path / f"m{suffix}", blocks(0, 1, 2), mode="P"))
    assert np.array_equal(mask.ids, blocks(0, 1, 2))
    assert (mask.ids.dtype, mask.objects, mask.binary) == (np.uint8, (1, 2), False)
    assert len(mask.palette) == 768
    assert mask.palette[:9] == OWN[:9]


def test_a_short_palette_is_completed_with_that_of_davis(tmp_path):
    mask = read_mask(save(tmp_path / "m.png", blocks(0, 1), mode="P", palette=bytes([9, 8, 7, 6, 5, 4])))
    assert mask.palette == bytes([9, 8, 7, 6, 5, 4]) + davis_palette()[6:]


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
@pytest.mark.parametrize("ids", [(0, 1), (0, 3, 254), (0, *range(5, 37))])
def test_a_grey_mask_may_have_gaps_and_gets_the_palette_of_davis(tmp_path, suffix, ids):
    mask = read_mask(save(tmp_path / f"m{suffix}", blocks(*ids)))
    assert np.array_equal(mask.ids, blocks(*ids))
    assert mask.objects == ids[1:]
    assert mask.palette == davis_palette()
    assert not mask.binary


def test_a_palette_mask_may_hold_many_objects(tmp_path):
    mask = read_mask(save(tmp_path / "m.png", blocks(*range(255), height=3), mode="P"))
    assert mask.objects == tuple(range(1, 255))


@pytest.mark.parametrize("mode", ["L", "P"])
def test_in_a_mask_of_0_and_255_object_1_is_what_was_255(tmp_path, mode):
    mask = read_mask(save(tmp_path / "m.png", blocks(0, 255), mode=mode))
    assert np.array_equal(mask.ids, blocks(0, 1))
    assert (mask.objects, mask.binary) == ((1,), True)
    own = OWN[:3] + OWN[765:] + OWN[6:]
    assert mask.palette == (own if mode == "P" else davis_palette())


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_a_mask_of_one_bit_is_binary(tmp_path, suffix):
    Image.fromarray(blocks(0, 1).astype(bool)).save(tmp_path / f"m{suffix}")
    mask = read_mask(tmp_path / f"m{suffix}")
    assert np.array_equal(mask.ids, blocks(0, 1))
    assert (mask.objects, mask.binary) == ((1,), True)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_mask_of_sixteen_bits_is_read_where_its_ids_fit(tmp_path, suffix):
    mask = read_mask(save(tmp_path / f"m{suffix}", blocks(0, 1, 254), mode="I;16"))
    assert np.array_equal(mask.ids, blocks(0, 1, 254))
    assert mask.ids.dtype == np.uint8
    path = save(tmp_path / f"n{suffix}", blocks(0, 1, 1000), mode="I;16")
    with pytest.raises(InputError, match=r"holds id 1000; ids are 0 to 254, so number the objects from 1"):
        read_mask(path)


def test_a_negative_id_is_refused(tmp_path):
    Image.fromarray(blocks(-3, 0, 1).astype(np.int32)).save(tmp_path / "m.tif")
    with pytest.raises(InputError, match="holds id -3; ids are 0 to 254"):
        read_mask(tmp_path / "m.tif")


def test_a_missing_mask_a_folder_and_an_unreadable_file_are_told_apart(tmp_path):
    with pytest.raises(MissingInputError, match=r"--mask: .*m\.png does not exist"):
        read_mask(tmp_path / "m.png")
    with pytest.raises(InputError, match=r"--first: .* cannot be read \(Is a directory\); give an image file"):
        read_mask(tmp_path, argument="--first")
    with pytest.raises(InputError, match=r"cannot be read \(.*null"):
        read_mask("\0")


def test_what_is_not_an_image_is_refused(tmp_path):
    (tmp_path / "m.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"m\.png is not an image \(the file is empty\)"):
        read_mask(tmp_path / "m.png")


@pytest.mark.parametrize("share", [0.05, 0.4, 0.95, 0.99])
def test_a_truncated_mask_is_refused(tmp_path, share):
    path = save(tmp_path / "m.png", blocks(0, 1, 2), mode="P")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match=r"m\.png is truncated or corrupt \(.*\); copy or export it again"):
        read_mask(path)


def test_a_mask_of_another_size_is_refused(tmp_path):
    path = save(tmp_path / "m.png", blocks(0, 1), mode="P")
    assert read_mask(path, size=(12, 24)).objects == (1,)
    with pytest.raises(InputError, match=r"is 24x12 but the frames are 12x24 \(width x height\); .* nearest neighbour"):
        read_mask(path, size=(24, 12))


@pytest.mark.parametrize(("mode", "count"), [("RGB", "3"), ("RGBA", "3"), ("LA", "3")])
def test_a_mask_in_colour_is_refused_with_its_number_of_colours(tmp_path, mode, count):
    image = Image.fromarray((blocks(0, 1, 2) * 100).astype(np.uint8)).convert(mode)
    image.save(tmp_path / "m.png")
    message = rf"is a {mode} image with {count} distinct colours, not object ids; save it as a palette PNG \(mode P\)"
    with pytest.raises(InputError, match=message):
        read_mask(tmp_path / "m.png")


def test_a_photo_saved_as_png_is_refused(tmp_path):
    photo = np.random.default_rng(0).integers(0, 255, (40, 40, 3)).astype(np.uint8)
    Image.fromarray(photo).save(tmp_path / "m.png")
    with pytest.raises(InputError, match="is a RGB image with more than 256 distinct colours"):
        read_mask(tmp_path / "m.png")
    Image.fromarray(photo).convert("L").save(tmp_path / "grey.png")
    with pytest.raises(
        InputError, match=r"holds 2\d\d grey levels: a photo or a soft mask, not object ids; save it as"
    ):
        read_mask(tmp_path / "grey.png")


@pytest.mark.parametrize("mode", ["F", "CMYK", "LAB"])
def test_a_mask_in_an_odd_mode_is_refused(tmp_path, mode):
    Image.new(mode, (8, 6)).save(tmp_path / "m.tif")
    with pytest.raises(InputError, match=f"is a {mode} image with 1 distinct colours, not object ids"):
        read_mask(tmp_path / "m.tif")


def test_a_lossy_format_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"is a JPEG image, a photo's format; a mask must not be lossy: save it as"):
        read_mask(save(tmp_path / "m.jpg", blocks(0, 255)))
    with pytest.raises(InputError, match="is a JPEG image"):  # whatever its name says
        read_mask(save(tmp_path / "m.png", blocks(0, 255), format="JPEG"))


@pytest.mark.parametrize("mode", ["L", "P"])
def test_an_anti_aliased_mask_is_refused(tmp_path, mode):
    soft = Image.fromarray((blocks(0, 1, 0) * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(1.5))
    soft = soft.rotate(20, Image.Resampling.BICUBIC)
    path = save(tmp_path / "m.png", np.asarray(soft) // 9, mode=mode)
    with pytest.raises(
        InputError, match=r"anti-aliased or noise: of its 2\d ids, \d+ fill no block of 3x3 .*hard edges"
    ):
        read_mask(path)


def test_a_softly_edged_mask_of_few_levels_is_refused_for_its_255(tmp_path):
    path = save(tmp_path / "m.png", blocks(0, 85, 170, 255))
    message = r"holds id 255 beside \[0, 85, 170\]: 255 is DAVIS's void label, .* paint those pixels"
    with pytest.raises(InputError, match=message):
        read_mask(path)


def test_thin_objects_are_objects(tmp_path):
    lines = np.zeros((40, 40), np.uint8)
    lines[::5] = np.arange(1, 9)[:, None]
    assert read_mask(save(tmp_path / "m.png", lines)).objects == tuple(range(1, 9))
    solid = np.kron(np.arange(1, 17, dtype=np.uint8).reshape(4, 4), np.ones((10, 10), np.uint8))
    solid[lines == 3], solid[lines == 4] = 20, 21
    assert read_mask(save(tmp_path / "m.png", solid)).objects == (*range(1, 17), 20, 21)


@pytest.mark.parametrize("mode", ["L", "P"])
def test_a_mask_that_is_all_background_needs_leave(tmp_path, mode):
    path = save(tmp_path / "m.png", blocks(0), mode=mode)
    with pytest.raises(InputError, match="is all background; paint at least one object with id 1 to 254"):
        read_mask(path)
    mask = read_mask(path, allow_empty=True)
    assert (mask.objects, mask.binary, mask.ids.any()) == ((), False, False)


def test_void_becomes_background_where_it_is_allowed(tmp_path):
    path = save(tmp_path / "m.png", blocks(0, 2, 255), mode="P")
    with pytest.raises(InputError, match="255 is DAVIS's void label"):
        read_mask(path)
    mask = read_mask(path, allow_void=True)
    assert np.array_equal(mask.ids, blocks(0, 2, 0))
    assert (mask.objects, mask.binary) == ((2,), False)


def test_a_mask_of_255_alone_is_an_object_that_fills_the_frame_only_in_ground_truth(tmp_path):
    path = save(tmp_path / "m.png", blocks(255))
    with pytest.raises(
        InputError, match="is 255 everywhere; in a binary mask the background is 0, and 255 is the object"
    ):
        read_mask(path)
    mask = read_mask(path, allow_void=True, allow_empty=True)
    assert (mask.objects, mask.binary, mask.ids.min()) == ((1,), True, 1)


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (1, 50), (50, 2)])
def test_masks_too_small_for_a_block_are_read(tmp_path, shape):
    ids = np.ones(shape, np.uint8)
    assert np.array_equal(read_mask(save(tmp_path / "m.png", ids)).ids, ids)


def test_the_palette_of_davis_is_that_of_pascal_voc():
    colours = [tuple(davis_palette()[3 * k : 3 * k + 3]) for k in (0, 1, 2, 3, 4, 8, 9, 255)]
    assert colours[:4] == [(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0)]
    assert colours[4:] == [(0, 0, 128), (64, 0, 0), (192, 0, 0), (224, 224, 192)]
    assert len(davis_palette()) == 768


def test_real_masks_of_several_objects_are_read_as_they_are(shared_data):
    paths = sorted((shared_data / "davis2017" / "Annotations").rglob("*.png"))
    objects = {p.parent.name: read_mask(p, size=(480, 854)) for p in paths}
    assert {k: m.objects for k, m in objects.items()} == {"gold-fish": (1, 2, 3, 4, 5), "horsejump-high": (1, 2)}
    assert all(m.palette == davis_palette() and not m.binary for m in objects.values())
