"""Read a PyTorch checkpoint in the legacy (non-zip) format without torch, and without executing its pickles.

The file is five pickles in a row (magic number, protocol version, type sizes, the object, the storage keys), then the
storages: 8 bytes of length and raw numbers each. A pickle is a program that may call anything it can name, so the
names it may use are listed here; whatever else it asks for ends the reading.
"""

import collections
import io
import math
import operator
import pickle
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

__all__ = ["WeightsError", "read_torch_file"]

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001
ZIP_MAGIC = b"PK\x03\x04"
DTYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}


class WeightsError(ValueError):
    """A file of weights that is missing something, holds something it must not, or is not what it says."""


class _Storage(NamedTuple):
    """Where an array's numbers will come from, before the storages are read."""

    key: str
    dtype: np.dtype
    length: int


class _Tensor(NamedTuple):
    """An array described by the pickle: a strided view of a storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _rebuild_tensor(storage: _Storage, offset: int, shape: tuple, strides: tuple, *_gradients: object) -> _Tensor:
    if not isinstance(storage, _Storage):
        raise WeightsError(f"an array must be built from a storage, got {type(storage).__name__}")
    return _Tensor(
        storage, operator.index(offset), tuple(map(operator.index, shape)), tuple(map(operator.index, strides))
    )


_ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    **{("torch", name): np.dtype(code) for name, code in DTYPES.items()},
}


class _Unpickler(pickle._Unpickler):
    """Builds dicts, numbers, strings and array descriptions; refuses every other name.

    Python's own unpickler in Python: the one in C reserves whatever memory a damaged file asks for, and hands out what
    the extension codes of `copyreg` named earlier in the process without asking `find_class`.
    """

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise WeightsError(
                f"the file asks to load {module}.{name}, which is not among the types that weights are made of; "
                "it may be malicious, so nothing of it was run. Save a plain state_dict instead"
            ) from None

    def get_extension(self, code: int) -> None:
        raise WeightsError(f"the file asks for copyreg's extension code {code}, which weights are not made of")

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _location, length, *view = pid
        if kind != "storage" or not isinstance(dtype, np.dtype) or not isinstance(key, str) or any(view):
            raise WeightsError("an outside reference must be a whole storage of numbers")
        storage = _Storage(key, dtype, operator.index(length))
        if self.storages.setdefault(key, storage) != storage:
            raise WeightsError(f"storage {key} is described twice, differently")
        return storage

    def _ignore_attributes(self: Any) -> None:  # a state dict's `_metadata`; nothing that is built here needs any
        self.stack.pop()

    def _refuse_bytearray(self) -> None:  # it would be allocated at the length that the file claims
        raise WeightsError("weights hold no bytearrays")

    dispatch: ClassVar[dict[int, Any]] = {
        **pickle._Unpickler.dispatch,
        pickle.BUILD[0]: _ignore_attributes,
        pickle.BYTEARRAY8[0]: _refuse_bytearray,
    }


def read_torch_file(path: str | Path, /) -> dict[str, np.ndarray]:
    """Read the named arrays of a legacy-format PyTorch state dict.

    Parameters
    ----------
    path : path
        A file written by ``torch.save(model.state_dict())`` before PyTorch 1.6, or with the legacy option since.

    Returns
    -------
    dict of str to numpy.ndarray
        C-ordered copies, in the file's order and under its names.

    Raises
    ------
    WeightsError
        If the file is not in that format, is truncated, or names a type that weights are not made of; nothing of it
        is executed.
    """
    content = Path(path).read_bytes()
    try:
        return _read(io.BytesIO(content))
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None
    except Exception as error:
        raise WeightsError(f"{path}: not a legacy PyTorch file, or damaged ({type(error).__name__}: {error})") from None


def _read(stream: io.BytesIO) -> dict[str, np.ndarray]:
    if stream.getvalue().startswith(ZIP_MAGIC):
        raise WeightsError(
            "this is PyTorch's zip format, which is not read yet. Save the weights again in the legacy format: "
            "torch.save(state_dict, path, _use_new_zipfile_serialization=False)"
        )
    if _Unpickler(stream).load() != MAGIC:
        raise WeightsError("the magic number of a legacy PyTorch file is missing")
    version, system = _Unpickler(stream).load(), _Unpickler(stream).load()
    if version != PROTOCOL_VERSION:
        raise WeightsError(f"the legacy format has protocol version {PROTOCOL_VERSION}, this file has another")
    if not system["little_endian"]:
        raise WeightsError("big-endian files are not read")
    reader = _Unpickler(stream)
    tensors, keys = reader.load(), _Unpickler(stream).load()
    if not isinstance(tensors, dict) or not all(isinstance(name, str) for name in tensors):
        raise WeightsError(f"a state dict, names to arrays, is expected, got a {type(tensors).__name__}")
    if sorted(keys) != sorted(reader.storages):
        raise WeightsError("the storages that the file lists are not those that its arrays use")
    storages = {key: _read_storage(stream, reader.storages[key]) for key in keys}
    return {name: _array(t, storages[t.storage.key]) for name, t in tensors.items() if isinstance(t, _Tensor)}


def _read_storage(stream: io.BytesIO, storage: _Storage) -> np.ndarray:
    header = stream.read(8)
    raw = stream.read(min(storage.length * storage.dtype.itemsize, stream.getbuffer().nbytes))
    if len(header) < 8 or len(raw) != storage.length * storage.dtype.itemsize:
        raise WeightsError(f"storage {storage.key} should hold {storage.length} numbers; the file is truncated there")
    if (length := int.from_bytes(header, "little")) != storage.length:
        raise WeightsError(f"storage {storage.key} should hold {storage.length} numbers, but says {length}")
    return np.frombuffer(raw, storage.dtype)


def _array(tensor: _Tensor, numbers: np.ndarray) -> np.ndarray:
    if min((tensor.offset, *tensor.shape, *tensor.strides)) < 0:
        raise WeightsError(f"an array has a negative offset, shape or stride: {tensor[1:]}")
    if 0 in tensor.shape:
        return np.empty(tensor.shape, numbers.dtype)
    reach = tensor.offset + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides, strict=True))
    # An array larger than its storage repeats numbers, which weights do not, so that it could claim any size.
    if reach >= len(numbers) or math.prod(tensor.shape) > len(numbers):
        raise WeightsError(f"an array of shape {tensor.shape} reaches outside its storage of {len(numbers)} numbers")
    strides = [s * numbers.itemsize for s in tensor.strides]
    return np.lib.stride_tricks.as_strided(numbers[tensor.offset :], tensor.shape, strides).copy()
