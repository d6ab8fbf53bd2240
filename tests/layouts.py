"""Tiny data sets in the layouts of their archives: files by their paths, for a folder or a zip archive."""

import json
import zipfile
from io import BytesIO

import numpy as np
from PIL import Image

SIZE = (6, 10)
PALETTE = [*range(256)] * 3  # some palette that is not ours


def picture(seed, size=SIZE, *, form="JPEG"):
    """Bytes of a frame."""
    values = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    return encoded(Image.fromarray(values), form)


def mask(*ids, size=SIZE, mode="P", form="PNG"):
    """Bytes of a mask with one column for each id, the rest background."""
    values = np.zeros(size, np.uint8)
    values[:, : len(ids)] = ids
    image = Image.fromarray(values)
    if mode == "P":
        image.putpalette(PALETTE)
    return encoded(image if mode in ("P", "L") else image.convert(mode), form)


def encoded(image, form):
    buffer = BytesIO()
    image.save(buffer, format=form)
    return buffer.getvalue()


def write(root, files, *, packed=False):
    """Write files by their paths to a folder, or to a zip archive of that name."""
    if packed:
        path = root.with_name(f"{root.name}.zip")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def frames_of(folder, names, *, suffix=".jpg"):
    form = "PNG" if suffix == ".png" else "JPEG"
    return {f"{folder}/{name}{suffix}": picture(n, form=form) for n, name in enumerate(names)}


def numbered(count, step=1):
    return [f"{n * step:05d}" for n in range(count)]


def davis2016(*, pairs=True):
    """Two sequences of val and one of train; pairs of paths, as published, or names."""
    files, names = {}, {"bear": 4, "camel": 3, "dog": 2}
    for name, count in names.items():
        files |= frames_of(f"JPEGImages/480p/{name}", numbered(count))
        files |= {f"Annotations/480p/{name}/{t}.png": mask(255, 255, mode="L") for t in numbered(count)}
    for subset, inside in (("val", ("camel", "bear")), ("train", ("dog",)), ("trainval", ("dog", "camel", "bear"))):
        lines = [
            f"/JPEGImages/480p/{n}/{t}.jpg /Annotations/480p/{n}/{t}.png" for n in inside for t in numbered(names[n])
        ]
        files[f"ImageSets/480p/{subset}.txt"] = "\n".join(lines if pairs else inside).encode()
    return files


def davis2017():
    """One sequence of val with all masks, one of test-dev with the first alone, and DAVIS 2016's sets."""
    files = frames_of("JPEGImages/480p/gold", numbered(4)) | frames_of("JPEGImages/480p/new", numbered(3))
    files |= {f"Annotations/480p/gold/{t}.png": mask(1, 1, 2) for t in numbered(4)}
    files["Annotations/480p/new/00000.png"] = mask(1, 2, 3)
    files |= {"JPEGImages/Full-Resolution/gold/00000.jpg": picture(0, (12, 20))}
    files |= {"Annotations/Full-Resolution/gold/00000.png": mask(1, 2, size=(12, 20))}
    files |= {"ImageSets/2017/val.txt": b"gold\n", "ImageSets/2017/test-dev.txt": b"new\n"}
    files |= {"ImageSets/2017/train.txt": b"old\n", "ImageSets/2016/val.txt": b"\xef\xbb\xbfgold  # one\n\n"}
    return files


def youtube_vos():
    """Valid with two videos, in one of which objects 2 and 5 come later and ids have gaps; all frames; train's list."""
    late = {"2": ("penguin", ["00005", "00010"]), "5": ("ape", ["00010"]), "7": ("penguin", ["00005"])}
    early = {"1": ("ape", ["00000", "00005"])}
    files = frames_of("valid/JPEGImages/late", numbered(4, 5)) | frames_of("valid/JPEGImages/early", numbered(2, 5))
    files |= {
        "valid/Annotations/late/00005.png": mask(2, 7),
        "valid/Annotations/late/00010.png": mask(5),
        "valid/Annotations/early/00000.png": mask(1),
        "valid/meta.json": meta(late=late, early=early),
        "train/meta.json": meta(other={"1": ("ape", ["00000"]), "3": ("zebra", ["00000"])}),
    }
    files |= frames_of("valid_all_frames/JPEGImages/late", numbered(16))
    files |= frames_of("valid_all_frames/JPEGImages/early", numbered(6))
    return files


def meta(**videos):
    listed = {
        name: {"objects": {k: {"category": c, "frames": frames} for k, (c, frames) in objects.items()}}
        for name, objects in videos.items()
    }
    return json.dumps({"videos": listed}).encode()


def youtube_objects():
    """Two classes, videos and shots at different depths; masks of some frames."""
    files = {}
    for name, count in (("cat/0001", 4), ("cow/0002/001", 3), ("cow/0002/002", 2)):
        files |= frames_of(f"JPEGImages/{name}", numbered(count))
        files[f"Annotations/{name}/00001.png"] = mask(255, mode="L")
    return files


def youtube_objects_as_published():
    """The masks' own layout: labels are JPEG, and named by numbers alone."""
    files = {}
    for name in ("cat/data/0001/shots/001", "cow/data/0002/shots/001", "cow/data/0002/shots/003"):
        files |= frames_of(f"youtube_masks/{name}/images", ["frame0001", "frame0002", "frame0011"])
        for label in ("00001", "00011"):
            files[f"youtube_masks/{name}/labels/{label}.jpg"] = mask(*[255] * 8, mode="L", form="JPEG")
    return files


def folders():
    """Frames beside masks, of one video and of several, at different depths."""
    files = frames_of("one/frames", numbered(3), suffix=".png") | {"one/masks/00001.png": mask(4)}
    files |= frames_of("more/JPEGImages/a/x", numbered(2)) | frames_of("more/JPEGImages/b", ["t2", "t10"])
    files |= {"more/Annotations/a/x/00000.png": mask(1), "more/Annotations/b/t2.png": mask(1, 3)}
    return files
