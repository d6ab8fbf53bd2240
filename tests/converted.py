"""Arrays under their makers' names, brought to ours by the converter's maps, and kept in float64 where asked."""

import numpy as np

from vosref.weights import model
from vosref.weights.fitting import fit
from vosref.weights.tables import LAYOUTS

LITE0_LOW_LEVEL, LITE0_ENCODED = 24, 320  # channels of the stages that DeepLabv3+ takes of Lite0


def converted(name, arrays, dtype):
    """Return a network's arrays under our names; none may be missing, left over or of another shape."""
    weights = {}
    for table, theirs in _tables(name, arrays):
        fitted = fit(theirs, table)
        assert fitted.complete, fitted.report()
        weights |= fitted.loaded() if dtype == np.float32 else _unrounded(fitted, dtype)
    return weights


def _unrounded(fitted, dtype):
    """As `Fit.loaded`, in another precision than float32."""
    to_ours = LAYOUTS[fitted.scheme.layout].to_ours
    return {a.name: np.ascontiguousarray(to_ours(fitted.found[a.name], len(a.shape)), dtype) for a in fitted.table}


def _tables(name, arrays):
    """Yield each table that the network is made of, with the arrays that it names."""
    if name != "lite0-deeplab":
        yield model(name), arrays
        return
    trunk = {key for key in arrays if key.startswith("_")}
    for table, ours, keys in (
        (model("lite0"), ("stem", "blocks"), trunk),
        (model("feelvos-xception65"), ("aspp", "decoder"), arrays.keys() - trunk),
    ):
        parts = tuple(_of_lite0(a) for a in table.arrays if a.name.partition("/")[0] in ours)
        yield table._replace(arrays=parts), {key: arrays[key] for key in keys}


def _of_lite0(array):
    """Give an array of FEELVOS's pyramid or decoder the channels that Lite0 has instead of Xception-65."""
    if array.name == "decoder/low_level/kernel":
        return array._replace(shape=(1, 1, LITE0_LOW_LEVEL, 48))
    return array._replace(shape=tuple(LITE0_ENCODED if n == 2048 else n for n in array.shape))
