"""The pickles inside PyTorch files, read without executing them.

A pickle is a program that may call anything it can name, so the names it may use are listed here: those that build
arrays, and those of the harmless company that arrays keep in a checkpoint (an optimiser's state, a scheduler's, a best
score), in whose place stands something that does nothing. Whatever else a pickle asks for ends the reading.
"""

import io
import math
import operator
import pickle
from typing import Any, ClassVar, NamedTuple

import numpy as np

from vosref.weights.errors import WeightsError, shown

__all__ = ["Storage", "Tensor", "Unpickler", "storage_numbers", "tensor_array", "widen_bfloat16"]

DTYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": "<u2",  # NumPy has no such type: widened once it is read
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}


class _Kind(NamedTuple):
    """A class of storages, as its name."""

    name: str


class Storage(NamedTuple):
    """Where an array's numbers will come from, before the storages are read."""

    key: str
    kind: str
    length: int

    @property
    def n_bytes(self) -> int:
        """Size in the file."""
        return self.length * np.dtype(DTYPES[self.kind]).itemsize


class Tensor(NamedTuple):
    """An array described by the pickle: a strided view of a storage."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Inert:
    """Stands for what a checkpoint holds beside its arrays: made from anything, keeps nothing, does nothing."""

    def __new__(cls, *_anything: object, **_named: object) -> "Inert":
        return super().__new__(cls)

    def __setitem__(self, _key: object, _value: object) -> None:
        pass

    def append(self, _value: object) -> None:
        """Forget a value."""

    def extend(self, _values: object) -> None:
        """Forget values."""


def _rebuild_tensor(storage: Storage, offset: int, shape: tuple, strides: tuple, *_gradients: object) -> Tensor:
    if not isinstance(storage, Storage):
        raise WeightsError(f"an array must be built from a storage, got {type(storage).__name__}")
    return Tensor(
        storage, operator.index(offset), tuple(map(operator.index, shape)), tuple(map(operator.index, strides))
    )


def _rebuild_parameter(data: Any, *_gradients: object) -> Any:
    return data


def _size(numbers: tuple = ()) -> tuple:
    return numbers


_ARRAYS: dict[tuple[str, str], Any] = {
    ("torch._utils", "_rebuild_tensor"): _rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): _rebuild_parameter,
    ("torch.nn.parameter", "Parameter"): _rebuild_parameter,  # before PyTorch 0.4
    ("torch", "Size"): _size,
    **{("torch", name): _Kind(name) for name in DTYPES},
}
_COMPANY = {
    "argparse": ["Namespace"],
    "_codecs": ["encode"],
    "numpy": ["dtype", "ndarray"],
    "numpy.core.multiarray": ["scalar", "_reconstruct"],
    "numpy._core.multiarray": ["scalar", "_reconstruct"],
    "builtins": ["dict", "list", "set", "int", "float"],
    "__builtin__": ["dict", "list", "set", "int", "float"],
    "pathlib": ["Path", "PosixPath", "WindowsPath"],
    "torch": ["device", "float16", "float32", "float64", "bfloat16", "int64", "bool"],
    # The memory bank of InstDisc, which its checkpoints hold whole.
    "lib.NCEAverage": ["NCEAverage"],
    "lib.LinearAverage": ["LinearAverage"],
    "lib.alias_multinomial": ["AliasMethod"],
    "torch.nn.backends.thnn": ["_get_thnn_function_backend"],
}
_ALLOWED: dict[tuple[str, str], Any] = {
    **{(module, name): Inert for module, names in _COMPANY.items() for name in names},
    **_ARRAYS,
}


class Unpickler(pickle._Unpickler):
    """Builds dicts, numbers, strings and array descriptions; refuses every name that is not among the allowed.

    Python's own unpickler in Python: the one in C reserves whatever memory a damaged file asks for, and hands out what
    the extension codes of `copyreg` named earlier in the process without asking `find_class`.

    Parameters
    ----------
    stream : io.BytesIO
        Stands at the pickle's first byte.
    """

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream, encoding="latin1")  # Python 2's strings, whatever they hold
        self.storages: dict[str, Storage] = {}
        start = stream.tell()
        self._copies_left = stream.seek(0, io.SEEK_END)
        stream.seek(start)

    def find_class(self, module: str, name: str) -> Any:
        """Look a name up among the allowed."""
        if module == "collections" and name in ("OrderedDict", "Counter", "defaultdict"):
            return self._dict
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise WeightsError(
                f"the file asks to load {shown(f'{module}.{name}')}, which is not among the types that weights are "
                "made of; it may be malicious, so nothing of it was run. Save a plain state_dict instead"
            ) from None

    def get_extension(self, code: int) -> None:
        """Refuse what other code of this process may have registered."""
        raise WeightsError(f"the file asks for copyreg's extension code {code}, which weights are not made of")

    def persistent_load(self, pid: Any) -> Any:
        """Describe a storage, whose numbers stand outside the pickle."""
        if pid[0] == "module" and pid[1] is Inert:  # the legacy format's way to name a class
            return Inert
        what, kind, key, _location, length, *view = pid
        if what != "storage" or not isinstance(kind, _Kind) or not isinstance(key, str) or any(view):
            raise WeightsError("an outside reference must be a whole storage of numbers")
        storage = Storage(key, kind.name, operator.index(length))
        if storage.length < 0:
            raise WeightsError(f"storage {shown(key)} should hold {length} numbers, which no storage can")
        if self.storages.setdefault(key, storage) != storage:
            raise WeightsError(f"storage {shown(key)} is described twice, differently")
        return storage

    def _dict(self, items: Any = (), /) -> dict:
        """Make a dict; Python 2 and counters give its items here, from which a file could copy without end."""
        if items is Inert:  # what a defaultdict makes
            return {}
        self._copies_left -= len(items)
        if self._copies_left < 0:
            raise WeightsError("the dicts that the file copies outgrow it")
        return dict(items)

    def _ignore_attributes(self: Any) -> None:  # a state dict's `_metadata`; nothing that is built here needs any
        self.stack.pop()

    def _refuse_bytearray(self) -> None:  # it would be allocated at the length that the file claims
        raise WeightsError("weights hold no bytearrays")

    dispatch: ClassVar[dict[int, Any]] = {
        **pickle._Unpickler.dispatch,
        pickle.BUILD[0]: _ignore_attributes,
        pickle.BYTEARRAY8[0]: _refuse_bytearray,
    }


def storage_numbers(storage: Storage, raw: bytes | memoryview, /) -> np.ndarray:
    """Return the numbers of a storage, read-only and not copied unless their type has to be widened."""
    numbers = np.frombuffer(raw, DTYPES[storage.kind])
    return widen_bfloat16(numbers) if storage.kind == "BFloat16Storage" else numbers


def widen_bfloat16(halves: np.ndarray, /) -> np.ndarray:
    """Widen bfloat16, given as uint16, to float32: the upper half of its bits."""
    widened = np.asarray(halves.astype("<u4") << np.uint32(16)).view("<f4")
    widened.flags.writeable = False
    return widened


def tensor_array(tensor: Tensor, numbers: np.ndarray, /) -> np.ndarray:
    """Return the array that a pickle describes: a read-only view of its storage.

    Raises
    ------
    WeightsError
        If it reaches outside its storage, or repeats so many of its numbers that it is larger.
    """
    if min((tensor.offset, *tensor.shape, *tensor.strides)) < 0:
        raise WeightsError(f"an array has a negative offset, shape or stride: {tensor[1:]}")
    if 0 in tensor.shape:
        return numbers[:0].reshape(tensor.shape)
    reach = tensor.offset + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides, strict=True))
    # An array larger than its storage repeats numbers, which weights do not, so that it could claim any size.
    if reach >= len(numbers) or math.prod(tensor.shape) > len(numbers):
        raise WeightsError(f"an array of shape {tensor.shape} reaches outside its storage of {len(numbers)} numbers")
    strides = [s * numbers.itemsize for s in tensor.strides]
    return np.lib.stride_tricks.as_strided(numbers[tensor.offset :], tensor.shape, strides, writeable=False)
