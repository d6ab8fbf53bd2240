"""`vosref.weights` against files that would run something: they are refused by name, and nothing runs."""

import builtins
import copyreg
import os
import pickle

import legacy_torch
import numpy as np
import pytest
import zip_torch
from legacy_torch import Storage, Tensor, refused, with_pickle

from vosref.weights import read_torch_file, unpickler

POSITIONS = pytest.mark.parametrize("position", range(5), ids=["magic", "version", "system", "arrays", "storages"])


class Calls:
    """What a malicious file holds: an object that calls a function when it is unpickled."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def names(module, name):
    """Protocol 4: the name comes from the stack and may hold dots."""
    return b"\x80\x04" + b"".join(b"\x8c" + bytes([len(s)]) + s.encode() for s in (module, name)) + b"\x93."


ATTACKS = {
    "os.system": (lambda m: pickle.dumps(Calls(os.system, f"echo > {m}"), 2), f"{os.system.__module__}.system"),
    "os.system, protocol 0": (lambda m: b"cos\nsystem\n(S'echo > " + bytes(m) + b"'\ntR.", "os.system"),
    "os.system, INST": (lambda m: b"(S'echo > " + bytes(m) + b"'\nios\nsystem\n.", "os.system"),
    "eval": (lambda m: pickle.dumps(Calls(builtins.eval, f"open({str(m)!r}, 'w')"), 4), "builtins.eval"),
    "open": (lambda m: pickle.dumps(Calls(open, str(m), "w"), 2), "io.open"),
    "dotted": (lambda _: names("collections", "OrderedDict.fromkeys"), "collections.OrderedDict.fromkeys"),
    "globals": (lambda _: names("torch._utils", "_rebuild_tensor_v2.__globals__"), "_rebuild_tensor_v2.__globals__"),
    "own name": (lambda _: names("vosref.weights.torch_file", "read_torch_file"), "vosref.weights.torch_file.read_"),
    "module": (lambda _: b"\x80\x02ctorch.nn.modules.linear\nLinear\n)\x81.", "torch.nn.modules.linear.Linear"),
    "quantised": (lambda _: b"\x80\x02ctorch._utils\n_rebuild_qtensor\n.", "torch._utils._rebuild_qtensor"),
}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("weights") / "weights.pth"


@POSITIONS
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_malicious_pickle_is_named_and_never_run(file, tmp_path, attack, position):
    marker = tmp_path / "it-was-run"
    make, name = ATTACKS[attack]
    message = f"{name.replace('.', '[.]')}.*nothing of it was run"
    refused(file, with_pickle(position, make(marker)), message)
    refused(file, zip_torch.with_pickle(make(marker)), message)
    assert not marker.exists()


def test_an_attack_would_work_on_an_unpickler_that_names_everything(tmp_path):  # so that the test above tests something
    pickle.loads(ATTACKS["os.system"][0](tmp_path / "it-was-run"))
    assert (tmp_path / "it-was-run").exists()


@pytest.mark.parametrize("writer", [legacy_torch, zip_torch])
@pytest.mark.parametrize("where", ["value", "key", "attribute", "argument"])
def test_a_malicious_object_deep_inside_a_state_dict_is_never_run(file, tmp_path, where, writer):
    marker = tmp_path / "it-was-run"
    evil, state = Calls(open, str(marker), "w"), legacy_torch.small_state_dict()
    if where == "value":
        state["more"] = {"a": [(1, evil)]}
    elif where == "key":
        state[evil] = 1
    elif where == "attribute":
        state._metadata = evil
    else:
        state["bias"].shape = (evil,)
    refused(file, writer.content(state), r"io\.open, which is not among")
    assert not marker.exists()


@POSITIONS
def test_copyreg_extensions_are_refused_even_where_the_process_has_used_them(file, tmp_path, position):
    marker, code = tmp_path / "it-was-run", 240
    payload = b"\x80\x02\x82" + bytes([code]) + pickle.dumps((str(marker), "w"), 2)[2:-1] + b"R."
    copyreg.add_extension("builtins", "open", code)
    try:
        assert pickle.loads(b"\x80\x02\x82" + bytes([code]) + b".") is open  # now it is cached
        refused(file, with_pickle(position, payload), "extension code 240")
    finally:
        copyreg.remove_extension("builtins", "open", code)
        copyreg.clear_extension_cache()
    assert not marker.exists()


@pytest.mark.parametrize(
    "name", ["torch._utils\n_rebuild_tensor_v2", "torch\nFloatStorage", "collections\nOrderedDict"]
)
def test_a_file_sets_no_attributes_on_what_it_may_name(file, name):
    state = pickle.dumps((None, {"__doc__": "changed", "__defaults__": (1,), "fromkeys": 1}), 2)[2:-1]
    file.write_bytes(with_pickle(3, b"\x80\x02}X\x01\x00\x00\x00ac" + name.encode() + b"\n" + state + b"bs.", {}))
    before = {key: (value.__doc__, dir(value)) for key, value in unpickler._ALLOWED.items()}
    assert read_torch_file(file) == {}
    assert {key: (value.__doc__, dir(value)) for key, value in unpickler._ALLOWED.items()} == before
    assert unpickler._rebuild_tensor.__defaults__ is None


def test_a_storage_of_another_kind_is_named(file):
    half = Storage(np.zeros(2, "<i2"), "1", kind="QInt8Storage")
    refused(file, legacy_torch.content({"x": Tensor(half, 0, (2,), (1,))}), r"torch\.QInt8Storage")


@pytest.mark.parametrize("module", ["numpy.core.multiarray", "argparse", "lib.NCEAverage", "builtins"])
def test_what_keeps_arrays_company_is_stood_for_by_something_that_does_nothing(file, module):
    names = {name: kind for (m, name), kind in unpickler._ALLOWED.items() if m == module}
    assert set(names.values()) == {unpickler.Inert}
    called = b"".join(f"X\x01\x00\x00\x00ac{module}\n{name}\n".encode() + b"(K\x01K\x02tRs" for name in names)
    file.write_bytes(zip_torch.with_pickle(b"\x80\x02}" + called + b"."))
    assert read_torch_file(file) == {}


def test_the_memory_bank_that_instdisc_saves_whole_is_passed_over(file):
    numbers = legacy_torch.dump({"x": legacy_torch.tensor(np.arange(3, dtype="<f4"), "1")})[0][2:-1]
    word = lambda text: b"X" + len(text).to_bytes(4, "little") + text  # noqa: E731 - an opcode
    named = b"(" + word(b"module") + b"clib.NCEAverage\nNCEAverage\n" + word(b"file") + word(b"source") + b"tQ"
    bank = word(b"lemniscate") + named + b")\x81}" + word(b"training") + b"\x88sbs"
    state = {"x": legacy_torch.tensor(np.arange(3, dtype="<f4"), "1")}
    file.write_bytes(with_pickle(3, b"\x80\x02}" + word(b"state_dict") + numbers + b"s" + bank + b".", state))
    assert read_torch_file(file)["x"].tolist() == [0, 1, 2]
