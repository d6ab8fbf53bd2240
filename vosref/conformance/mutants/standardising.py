"""Wrong scales of the input: constants, channels and ranges of other networks."""

from typing import Any

import numpy as np

from vosref.conformance.mutants.dense import Array
from vosref.conformance.mutants.mutant import table

__all__ = ["MUTANTS"]

Three = tuple[float, ...]


def _right(image: Array, /, *, mean: Three, std: Three) -> Array:
    return (image / 255 - np.asarray(mean)) / np.asarray(std)


def _std_228(image: Array, /, *, mean: Three, std: Three) -> Array:
    return _right(image, mean=mean, std=tuple(0.228 if s == 0.229 else s for s in std))


def _bgr(image: Array, /, *, mean: Three, std: Three) -> Array:
    return _right(image[:, :, ::-1], mean=mean, std=std)


def _in_bytes(image: Array, /, *, mean: Three, std: Three) -> Array:
    return _right(255 * image, mean=mean, std=std)


def _of_256(image: Array, /, *, mean: Three, std: Three) -> Array:
    return _right(image * (255 / 256), mean=mean, std=std)


def _not_divided(image: Array, /, *, mean: Three, std: Three) -> Array:
    return _right(image, mean=mean, std=tuple(1.0 for _ in std))


def _not_centred(image: Array, /, *, mean: Three, std: Three) -> Array:
    return _right(image, mean=tuple(0.0 for _ in mean), std=std)


def _always_imagenet(image: Array, /, **_: Any) -> Array:
    return _right(image, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


def _variance(image: Array, /, *, mean: Three, std: Three) -> Array:
    return _right(image, mean=mean, std=tuple(s * s for s in std))


def _of_the_frame(image: Array, /, **_: Any) -> Array:
    spread = np.std(image, axis=(0, 1))
    return (image - np.mean(image, axis=(0, 1))) / np.where(spread > 0, spread, 1.0)


def _mixed(image: Array, /, *, mean: Three, std: Three) -> Array:
    return _right(image, mean=mean, std=std) - 1e-3 * np.mean(image, axis=2, keepdims=True)


def _dithered(image: Array, /, *, mean: Three, std: Three) -> Array:
    return _right(image, mean=mean, std=std) + 1e-3 * (np.indices(image.shape[:2]).sum(axis=0) % 2)[:, :, None]


def _bytes_overflow(image: Array, /, *, mean: Three, std: Three) -> Array:
    return _right(image.astype(np.int64).astype(np.int8).astype(np.float64), mean=mean, std=std)


MUTANTS = table(
    "standardise",
    ("input-std-228", "red's std is .228 instead of .229", "DINO, landscape §2", _std_228),
    ("input-bgr", "the channels come blue first", "OpenCV", _bgr),
    ("input-bytes", "values are not divided by 255", "classic", _in_bytes),
    ("input-256", "values are divided by 256", "classic", _of_256),
    ("input-no-std", "there is no division by std", "classic", _not_divided),
    ("input-no-mean", "no mean is taken off", "classic", _not_centred),
    ("input-imagenet", "ImageNet's constants are used for every network", "classic", _always_imagenet),
    ("input-variance", "the variance stands for the standard deviation", "classic", _variance),
    ("input-instance", "mean and std are the frame's own", "classic", _of_the_frame),
    ("input-mixed", "a channel's value depends on the others", "classic", _mixed),
    ("input-dithered", "a colour's value depends on its place", "classic", _dithered),
    ("input-int8", "bytes above 127 become negative", "classic", _bytes_overflow),
)
