"""Writes PyTorch's legacy format without torch, from stand-ins for the few names that its pickles hold."""

import collections
import io
import pickle
import sys
import types

import numpy as np
import pytest
from hypothesis import strategies as st
from strategies import SEEDS

from vosref.weights import WeightsError, read_torch_file

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001
SYSTEM = {"protocol_version": VERSION, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
STORAGES = {
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
DTYPES = st.sampled_from([np.dtype(code) for code in STORAGES.values()])

_TORCH, _UTILS = types.ModuleType("torch"), types.ModuleType("torch._utils")


def _rebuild_tensor_v2(*arguments):
    raise NotImplementedError  # it is only named


_rebuild_tensor_v2.__module__ = "torch._utils"
_UTILS._rebuild_tensor_v2 = _rebuild_tensor_v2
for _name in (*STORAGES, "BFloat16Storage", "QInt8Storage"):
    setattr(_TORCH, _name, type(_name, (), {"__module__": "torch"}))


class Storage:
    """Numbers in a row, which any number of tensors may view; bfloat16 is given as its upper halves, uint16."""

    def __init__(self, numbers, key, *, kind=None, length=None, view=None):
        self.numbers, self.key, self.view = np.asarray(numbers), str(key), view
        self.kind = kind or next(name for name, code in STORAGES.items() if np.dtype(code) == self.numbers.dtype)
        self.length = self.numbers.size if length is None else length

    def reference(self):
        return "storage", getattr(_TORCH, self.kind), self.key, "cpu", self.length, self.view


class Tensor:
    """A strided view of a storage, in numbers."""

    def __init__(self, storage, offset, shape, strides):
        self.storage, self.offset, self.shape, self.strides = storage, offset, tuple(shape), tuple(strides)

    def __reduce__(self):
        hooks = collections.OrderedDict()
        return _rebuild_tensor_v2, (self.storage, self.offset, self.shape, self.strides, False, hooks)


class _Pickler(pickle.Pickler):
    def __init__(self, stream, protocol):
        super().__init__(stream, protocol)
        self.storages = {}

    def persistent_id(self, value):
        if not isinstance(value, Storage):
            return None
        self.storages[value.key] = value
        return value.reference()


def tensor(array, key):
    """An array alone in a storage of its own, in C order."""
    array = np.asarray(array)
    strides = [int(np.prod(array.shape[i + 1 :])) for i in range(array.ndim)]
    return Tensor(Storage(array.ravel(), key), 0, array.shape, strides)


def dump(state_dict, *, protocol=2):
    """The pickle of a state dict, and the storages that it refers to."""
    stream = io.BytesIO()
    pickler = _Pickler(stream, protocol)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "torch", _TORCH)
        patch.setitem(sys.modules, "torch._utils", _UTILS)
        pickler.dump(state_dict)
    return stream.getvalue(), [pickler.storages[key] for key in sorted(pickler.storages)]


def parts(state_dict, *, protocol=2, magic=MAGIC, version=VERSION, system=SYSTEM):
    """The five pickles of a file, and the bytes of its storages."""
    pickled, storages = dump(state_dict, protocol=protocol)
    raw = b"".join((s.length % 2**64).to_bytes(8, "little") + s.numbers.tobytes() for s in storages)
    head = [pickle.dumps(value, protocol) for value in (magic, version, system)]
    return [*head, pickled, pickle.dumps([s.key for s in storages], protocol)], raw


def content(state_dict, **options):
    """The bytes of a file."""
    pickles, raw = parts(state_dict, **options)
    return b"".join(pickles) + raw


def small_state_dict():
    """Three arrays in two storages, with the attribute that torch leaves on a state dict."""
    shared = Storage(np.arange(12, dtype="<f4"), "10")
    state = collections.OrderedDict(weight=Tensor(shared, 0, (3, 4), (4, 1)), bias=Tensor(shared, 8, (4,), (1,)))
    state["steps"] = tensor(np.asarray(7, "<i8"), "20")
    state._metadata = collections.OrderedDict([("", {"version": 1})])
    return state


def with_pickle(position, payload, state_dict=None):
    """The bytes of a file with another pickle in the place of one of its five."""
    pickles, raw = parts(small_state_dict() if state_dict is None else state_dict)
    pickles[position] = payload
    return b"".join(pickles) + raw


def refused(path, data, message):
    """Check that a file is refused with a message that names the file."""
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=message) as caught:
        read_torch_file(path)
    assert str(caught.value).startswith(str(path))


@st.composite
def views(draw):
    """A storage's numbers, an (offset, shape, strides) in them, and the array which that describes."""
    dtype, rng = draw(DTYPES), np.random.default_rng(draw(SEEDS))
    shape = tuple(draw(st.lists(st.integers(0, 4), max_size=4)))
    numbers = rng.integers(0, 2 if dtype.kind == "b" else 100, int(np.prod(shape)) + 3).astype(dtype)
    start = draw(st.integers(0, 3))
    whole = numbers[start : start + int(np.prod(shape))].reshape(shape)
    steps = tuple(slice(draw(st.integers(0, 1)), None, draw(st.integers(1, 2))) for _ in shape)
    view = whole.transpose(draw(st.permutations(range(len(shape)))))[
        (*steps, ...)
    ]  # the ellipsis keeps a view of a single number a view
    offset = (view.__array_interface__["data"][0] - numbers.__array_interface__["data"][0]) // dtype.itemsize
    return numbers, (offset if view.size else start, view.shape, [s // dtype.itemsize for s in view.strides]), view
