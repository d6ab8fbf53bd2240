"""Writes PyTorch's zip format without torch, and makes the arrays of whole networks under their makers' names."""

import io
import zipfile

import numpy as np
from legacy_torch import dump, small_state_dict, tensor

from vosref.weights import model
from vosref.weights.tables import LAYOUTS

# Copied from the bytes of files that torch wrote: what stands beside the arrays changes nothing.
COMPANY = {".format_version": b"1", ".storage_alignment": b"64", "version": b"3\n", ".data/serialization_id": b"0" * 40}


def entries(state_dict, *, protocol=2, byteorder=b"little"):
    """The entries of an archive in torch's order, without their folder."""
    pickled, storages = dump(state_dict, protocol=protocol)
    first = {"data.pkl": pickled} | ({} if byteorder is None else {"byteorder": byteorder})
    return first | {f"data/{s.key}": s.numbers.tobytes() for s in storages} | COMPANY


def archive(parts, *, root="archive/", compression=zipfile.ZIP_STORED):
    """The bytes of an archive of these entries; a list may hold a name twice."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as file:
        for name, data in parts.items() if isinstance(parts, dict) else parts:
            file.writestr(zipfile.ZipInfo(f"{root}{name}"), data, compression)
    return stream.getvalue()


def content(state_dict, **options):
    """The bytes of a file."""
    return archive(entries(state_dict, **options))


def with_pickle(payload, state_dict=None):
    """The bytes of a file with another pickle in it."""
    return archive(entries(small_state_dict() if state_dict is None else state_dict) | {"data.pkl": payload})


def network(name, scheme=0, *, width=7, seed=None):
    """The arrays of a network under one of its makers' names; each of its own number, or random with a seed."""
    known, rng = model(name), np.random.default_rng(seed)
    names, arrays = known.schemes[scheme], {}
    for i, array in enumerate((*known.arrays, *known.optional)):
        if (key := names.keys.get(array.name)) is not None:
            shape = [width if n is None else n for n in LAYOUTS[names.layout].shape(array.shape)]
            drawn = np.full(shape, i + 1, "<f4") if seed is None else rng.standard_normal(shape, dtype="<f4")
            arrays[key] = 1 + drawn**2 if array.name.endswith("/variance") else drawn
    return arrays


def counters(arrays):
    """The `num_batches_tracked` of a network's norms."""
    names = [key.removesuffix("running_var") for key in arrays if key.endswith("running_var")]
    return {f"{name}num_batches_tracked": np.asarray(3, "<i8") for name in names}


def tensors(arrays, prefix=""):
    """A state dict of arrays, each in a storage of its own."""
    return {f"{prefix}{key}": tensor(a, f"{i:05}") for i, (key, a) in enumerate(arrays.items())}
