"""A folder of images: what is a frame, in which order, in which colours, and what is refused before work starts."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, features

from vosref.io import InputError, MissingInputError, open_frames


def picture(height=6, width=8):
    return (np.arange(height * width * 3).reshape(height, width, 3) * 5 % 256).astype(np.uint8)


def save(path, values=None, **options):
    Image.fromarray(picture() if values is None else values).save(path, **options)


def png(values):
    """Bytes of a 16-bit RGB or grey PNG, which Pillow does not write."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, 2 if values.ndim == 3 else 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def test_frames_are_read_lazily_in_natural_order(tmp_path):
    for t in (10, 2, 1):
        save(tmp_path / f"frame{t}.png", np.full((6, 8, 3), t, np.uint8))
    frames = open_frames(tmp_path)
    assert frames.names == ("frame1", "frame2", "frame10")
    assert (frames.size, len(frames), frames.count) == ((6, 8), 3, 3)
    assert [f[0, 0, 0] for f in frames] == [1, 2, 10]
    assert [f[0, 0, 0] for f in frames] == [1, 2, 10]
    assert [f[0, 0, 0] for f in frames.iterate(start=1)] == [2, 10]
    assert list(frames.iterate(start=3)) == []
    assert frames[2][0, 0, 0] == frames[-1][0, 0, 0] == 10
    first = next(iter(frames))
    assert (first.shape, first.dtype, first.flags.writeable) == ((6, 8, 3), np.uint8, True)


def test_an_index_or_start_beyond_the_frames_is_refused(tmp_path):
    save(tmp_path / "0.png")
    frames = open_frames(str(tmp_path))
    for index in (1, -2):
        with pytest.raises(IndexError, match=f"index must be below the 1 frames, got {index}"):
            frames[index]
    with pytest.raises(TypeError):
        frames[0:1]
    for start in (-1, 2):
        with pytest.raises(ValueError, match=f"start must be 0 to the 1 frames, got {start}"):
            frames.iterate(start=start)


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG", ".png", ".PNG", ".bmp", ".tif", ".TIFF", ".webp"])
def test_every_type_of_image_is_a_frame(tmp_path, suffix):
    if suffix == ".webp" and not features.check("webp"):
        pytest.skip("this Pillow has no WebP")
    save(tmp_path / f"0{suffix}")
    frame = open_frames(tmp_path)[0]
    lossy = suffix.lower() in (".jpg", ".jpeg", ".webp")
    assert frame.shape == (6, 8, 3)
    assert lossy or np.array_equal(frame, picture())


def test_other_files_hidden_files_and_folders_are_ignored(tmp_path):
    save(tmp_path / "0.png")
    save(tmp_path / ".1.png")
    (tmp_path / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "2.png").mkdir()
    assert open_frames(tmp_path).names == ("0",)


def test_names_may_hold_spaces_dots_and_any_letter(tmp_path):
    folder = tmp_path / "ein Ordner, größer 視頻"
    folder.mkdir()
    for name in ("bild ä 1", "bild ä 2.v2", "кадр 3"):
        save(folder / f"{name}.png")
    assert open_frames(folder).names == ("bild ä 1", "bild ä 2.v2", "кадр 3")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA"])
def test_grey_palette_one_bit_and_transparent_images_become_rgb(tmp_path, mode):
    image = Image.fromarray(picture()).convert(mode)
    if mode == "P":
        image.info["transparency"] = bytes(range(256))
    image.save(tmp_path / "0.png")
    image.info.pop("transparency", None)
    frame = open_frames(tmp_path)[0]
    assert np.array_equal(frame, np.asarray(image.convert("RGB")))


def test_the_orientation_of_the_camera_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera stood on its left side
    save(tmp_path / "0.png", exif=exif)
    frames = open_frames(tmp_path)
    assert frames.size == (8, 6)
    assert np.array_equal(frames[0], np.rot90(picture(), -1))


def test_a_folder_that_is_not_there_is_missing(tmp_path):
    for path in (tmp_path / "none", tmp_path / ("n" * 300)):
        with pytest.raises(MissingInputError, match="does not exist; give a folder of images or a video file"):
            open_frames(path)


def test_a_file_that_is_no_video_is_refused(tmp_path):
    save(tmp_path / "0.png")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(InputError, match=r"0\.png is one image; give the folder that holds"):
        open_frames(tmp_path / "0.png")
    with pytest.raises(InputError, match=r"notes\.txt is neither a folder nor a video.*\.mp4"):
        open_frames(tmp_path / "notes.txt")


def test_a_folder_of_folders_says_what_it_holds(tmp_path):
    (tmp_path / "libby").mkdir()
    with pytest.raises(InputError, match=r"holds no image .*, but the folder 'libby'; give the folder that holds"):
        open_frames(tmp_path)
    (tmp_path / "bear").mkdir()
    with pytest.raises(InputError, match="but the folders 'bear', 'libby'"):
        open_frames(tmp_path)


def test_two_frames_of_one_name_are_refused(tmp_path):
    save(tmp_path / "0.jpg")
    save(tmp_path / "0.png")
    with pytest.raises(InputError, match=r"holds both 0\.jpg and 0\.png; each name must occur once"):
        open_frames(tmp_path)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".tif"])
@pytest.mark.parametrize("share", [0.0, 0.02, 1 / 3, 0.9])
def test_a_truncated_frame_is_named(tmp_path, suffix, share):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (48, 64, 3)).astype(np.uint8)
    for name in ("0", "1"):
        save(tmp_path / f"{name}{suffix}", noise)
    broken = tmp_path / f"1{suffix}"
    data = broken.read_bytes()
    broken.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match=rf"frames: .*1\{suffix} is (truncated or corrupt|not an image) \(") as caught:
        open_frames(tmp_path)
    assert "frames cannot be used" not in str(caught.value)


def test_a_flipped_byte_in_a_png_is_found_by_its_checksum(tmp_path):
    save(tmp_path / "0.png")
    data = bytearray((tmp_path / "0.png").read_bytes())
    data[data.index(b"IDAT") + 20] ^= 1
    (tmp_path / "0.png").write_bytes(data)
    with pytest.raises(InputError, match=r"0\.png is truncated or corrupt"):
        open_frames(tmp_path)


def test_a_frame_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "0.png").symlink_to(tmp_path / "gone.png")
    with pytest.raises(MissingInputError, match=r"0\.png does not exist"):
        open_frames(tmp_path)


def test_a_folder_that_cannot_be_listed_is_refused(tmp_path, monkeypatch):
    def closed(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(tmp_path), "iterdir", closed)
    with pytest.raises(InputError, match=r"cannot be listed \(Permission denied\)"):
        open_frames(tmp_path)


@pytest.mark.parametrize("shape", [(6, 8), (6, 8, 3)])
def test_images_of_sixteen_bits_are_refused(tmp_path, shape):
    (tmp_path / "0.png").write_bytes(png(np.full(shape, 300)))
    with pytest.raises(InputError, match=r"0\.png (has 16 bits a channel|has mode 'I).*8.bit"):
        open_frames(tmp_path)


@pytest.mark.parametrize("mode", ["F", "CMYK"])
def test_modes_without_one_meaning_in_rgb_are_refused(tmp_path, mode):
    Image.new(mode, (8, 6)).save(tmp_path / "0.tif")
    with pytest.raises(InputError, match=rf"0\.tif has mode '{mode}'; convert it to 8-bit RGB or grey"):
        open_frames(tmp_path)


def test_a_frame_that_breaks_after_opening_is_refused_when_it_is_read(tmp_path):
    save(tmp_path / "0.png")
    frames = open_frames(tmp_path)
    (tmp_path / "0.png").unlink()
    with pytest.raises(MissingInputError, match=r"0\.png does not exist"):
        next(iter(frames))


def test_real_frames_open(shared_data):
    frames = open_frames(shared_data / "davis2016" / "JPEGImages" / "480p" / "libby")
    assert (frames.size, len(frames), frames.names[0], frames.names[-1]) == ((480, 854), 49, "00000", "00048")
    assert frames[0].shape == (480, 854, 3)
