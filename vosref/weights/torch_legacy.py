"""PyTorch's legacy (non-zip) format, which `torch.save` wrote before 1.6 and writes on demand since.

The file is five pickles in a row (magic number, protocol version, type sizes, the object, the storage keys), then the
storages: 8 bytes of length and raw numbers each.
"""

import io
from typing import Any

import numpy as np

from vosref.weights.errors import WeightsError, shown
from vosref.weights.unpickler import Storage, Unpickler, storage_numbers

__all__ = ["read_legacy"]

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001


def read_legacy(content: bytes, /) -> tuple[Any, dict[str, np.ndarray]]:
    """Return the saved object, with descriptions in place of its arrays, and the storages by key."""
    stream = io.BytesIO(content)
    if Unpickler(stream).load() != MAGIC:
        raise WeightsError("the magic number of a legacy PyTorch file is missing")
    version, system = Unpickler(stream).load(), Unpickler(stream).load()
    if version != PROTOCOL_VERSION:
        raise WeightsError(f"the legacy format has protocol version {PROTOCOL_VERSION}, this file has another")
    if not system["little_endian"]:
        raise WeightsError("big-endian files are not read")
    reader = Unpickler(stream)
    saved, keys = reader.load(), Unpickler(stream).load()
    if sorted(keys) != sorted(reader.storages):
        raise WeightsError("the storages that the file lists are not those that its arrays use")
    return saved, {key: _read_storage(content, stream, reader.storages[key]) for key in keys}


def _read_storage(content: bytes, stream: io.BytesIO, storage: Storage) -> np.ndarray:
    header, start = stream.read(8), stream.tell()
    raw = memoryview(content)[start : start + storage.n_bytes]
    should = f"storage {shown(storage.key)} should hold {storage.length} numbers"
    if len(header) < 8 or len(raw) != storage.n_bytes:
        raise WeightsError(f"{should}; the file is truncated there")
    if (length := int.from_bytes(header, "little")) != storage.length:
        raise WeightsError(f"{should}, but says {length}")
    stream.seek(start + storage.n_bytes)
    return storage_numbers(storage, raw)
