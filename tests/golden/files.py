"""The golden files: their inputs, their form, and how far an array is from what one says. NumPy alone."""

import json
from pathlib import Path

import numpy as np

from golden import formula

FOLDER = Path(__file__).parent
N_VALUES = 24
N_OBJECTS = 3
_TVOS = 72, 90  # specs TVOS §6.7
_PLAIN = 65, 90
# Odd beside even, where paddings differ; 20 columns at stride 16, enough for taps at the largest ASPP rate, 18.
_WIDE = 33, 308
INPUTS = {  # name of the file: the image, and its size
    "tvos-resnet18": (formula.normalised_image, _TVOS),
    "tvos-resnet50": (formula.normalised_image, _TVOS),
    "tvos-resnet101": (formula.normalised_image, _TVOS),
    "resnet18": (formula.normalised_image, _PLAIN),
    "resnet50": (formula.normalised_image, _PLAIN),
    "feelvos-xception65": (formula.image, _WIDE),
    "lite0": (formula.image, _WIDE),
    "lite1": (formula.image, _WIDE),
    "lite2": (formula.image, _WIDE),
    "lite0-deeplab": (formula.image, _WIDE),
}


def image(name):
    """Return the input of a golden file, (H, W, 3), float64."""
    function, size = INPUTS[name]
    return function(*size)


def read(name):
    """Return what a golden file says."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def document(name, outputs):
    """Return what a golden file says of `outputs`, arrays (H, W, C) by name."""
    function, size = INPUTS[name]
    source = {"shape": [*size, 3], "formula": function.__doc__.partition(" of ")[2].rstrip(".")}
    if name.startswith("feelvos"):
        source["head"] = f"golden.formula.distance_maps(height, width, {N_OBJECTS}) beside F"
    return {
        "network": name,
        "weights": f"golden.formula.network({name!r})",
        "input": source,
        "outputs": {key: _summary(array) for key, array in outputs.items()},
    }


def difference(array, said):
    """Largest error of an (H, W, C) array against one output of a golden file, its mean and deviation included.

    It is relative to the deviation where that is more than 1.
    """
    found = _summary(np.asarray(array, dtype=np.float64))
    assert found["shape"] == said["shape"], f"{found['shape']} for {said['shape']}"
    errors = np.abs(np.subtract(found["values"], said["values"]))
    errors = (*errors, abs(found["mean"] - said["mean"]), abs(found["std"] - said["std"]))
    return max(errors) / max(1.0, said["std"])


def _summary(array):
    flat = np.linspace(0, array.size - 1, N_VALUES).round().astype(int)
    return {
        "shape": list(array.shape),
        "mean": float(array.mean()),
        "std": float(array.std(ddof=1)),
        "indices": np.stack(np.unravel_index(flat, array.shape), axis=-1).tolist(),
        "values": array.reshape(-1)[flat].tolist(),
    }
