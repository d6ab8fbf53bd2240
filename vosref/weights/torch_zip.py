"""PyTorch's zip format, which `torch.save` writes since 1.6.

The archive holds, in one folder, ``data.pkl`` (the object), ``data/0``, ``data/1``, … (the storages, raw numbers) and
``byteorder``. All entries are stored, not compressed, so that no entry can be larger than the file.
"""

import io
import zipfile
from typing import Any

import numpy as np

from vosref.weights.errors import WeightsError, shown
from vosref.weights.unpickler import Storage, Unpickler, storage_numbers

__all__ = ["ZIP_MAGIC", "read_zip"]

ZIP_MAGIC = b"PK\x03\x04"


def read_zip(content: bytes, /) -> tuple[Any, dict[str, np.ndarray]]:
    """Return the saved object, with descriptions in place of its arrays, and the storages by key."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = _entries(archive, len(content))
        root = _root(entries)
        order = archive.read(entries[f"{root}byteorder"]) if f"{root}byteorder" in entries else b"little"
        if order != b"little":
            raise WeightsError("big-endian files are not read")
        reader = Unpickler(io.BytesIO(archive.read(entries[f"{root}data.pkl"])))
        saved = reader.load()
        storages = {s.key: _read_storage(archive, entries, f"{root}data/{s.key}", s) for s in reader.storages.values()}
        return saved, storages


def _entries(archive: zipfile.ZipFile, n_bytes: int) -> dict[str, zipfile.ZipInfo]:
    """Return the archive's entries by name, once none of them can make more of its bytes than there are."""
    entries = {entry.filename: entry for entry in archive.infolist()}
    if len(entries) != len(archive.infolist()):
        raise WeightsError("the archive holds two entries of one name")
    for name, entry in entries.items():
        if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
            raise WeightsError(f"the archive's entry {shown(name)} is compressed, which PyTorch's never are")
    if sum(entry.file_size for entry in entries.values()) > n_bytes:
        raise WeightsError("the archive's entries overlap, or are longer than the file")
    return entries


def _root(entries: dict[str, zipfile.ZipInfo]) -> str:
    """Return the folder that holds ``data.pkl``, with its slash."""
    roots = [name.removesuffix("data.pkl") for name in entries if f"/{name}".endswith("/data.pkl")]
    if any(name.rpartition("/")[2] == "constants.pkl" for name in entries):
        raise WeightsError("this is a TorchScript program, not weights: save model.state_dict() with torch.save")
    if len(roots) != 1:
        raise WeightsError("this zip archive is not one that PyTorch wrote: a single data.pkl is missing in it")
    return roots[0]


def _read_storage(
    archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo], name: str, storage: Storage
) -> np.ndarray:
    if name not in entries:
        raise WeightsError(f"storage {shown(storage.key)} is missing from the archive")
    if entries[name].file_size != storage.n_bytes:
        raise WeightsError(
            f"storage {shown(storage.key)} should hold {storage.length} numbers in {storage.n_bytes} bytes, "
            f"but has {entries[name].file_size} bytes"
        )
    return storage_numbers(storage, archive.read(entries[name]))
