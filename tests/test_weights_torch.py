"""`vosref.weights` against files that PyTorch itself writes, where it is installed."""

import argparse
import collections

import numpy as np
import pytest
from zip_torch import counters, network

from vosref.weights import header, load, read_torch_file

torch = pytest.importorskip("torch", reason="PyTorch is absent: its own files are not read")

FORMATS = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
TYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8)


def write(path, saved, *, zipped):
    torch.save(saved, path, _use_new_zipfile_serialization=zipped)
    return path


@FORMATS
@pytest.mark.parametrize("dtype", [*TYPES, torch.uint8, torch.bool], ids=str)
def test_every_type_is_read(tmp_path, zipped, dtype):
    tensor = torch.tensor([[0, 1, 2], [1, 0, 100]]).to(dtype)
    got = read_torch_file(write(tmp_path / "a.pth", {"x": tensor, "t": tensor.T, "row": tensor[1]}, zipped=zipped))
    expected = (tensor.float() if dtype is torch.bfloat16 else tensor).numpy()
    assert got["x"].dtype == expected.dtype
    for name, array in {"x": expected, "t": expected.T, "row": expected[1]}.items():
        assert np.array_equal(got[name], array)


@FORMATS
def test_a_training_checkpoint_is_read_past_all_that_stands_in_it(tmp_path, zipped):
    net = torch.nn.DataParallel(torch.nn.Sequential(torch.nn.Conv2d(2, 3, 1), torch.nn.BatchNorm2d(3)))
    optimiser = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9, nesterov=True, weight_decay=3e-4)
    net(torch.ones(2, 2, 3, 3)).sum().backward()
    optimiser.step()
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 240, 4e-5)
    steps = torch.optim.lr_scheduler.MultiStepLR(optimiser, [3, 5])
    saved = {
        "epoch": 240,
        "state_dict": net.state_dict(),
        "optimizer": optimiser.state_dict(),
        "scheduler": cosine.state_dict(),
        "steps": steps.state_dict(),
        "best": np.float64(0.3),
        "history": np.arange(3),
        "args": argparse.Namespace(lr=0.02, device=torch.device("cpu"), dtype=torch.float32),
        "size": torch.Size([1, 2]),
        "counts": collections.defaultdict(dict, a={}),
    }
    got = read_torch_file(write(tmp_path / "a.pth", saved, zipped=zipped))
    assert list(got) == list(net.state_dict())
    assert all(np.array_equal(got[key], tensor.numpy()) for key, tensor in net.state_dict().items())


@FORMATS
def test_parameters_are_read_as_their_numbers(tmp_path, zipped):
    saved = {"x": torch.nn.Parameter(torch.arange(3.0)), "y": torch.ones(2, requires_grad=True)}
    got = read_torch_file(write(tmp_path / "a.pth", saved, zipped=zipped))
    assert got["x"].tolist() == [0, 1, 2]
    assert got["y"].tolist() == [1, 1]


@FORMATS
def test_a_whole_module_is_refused_by_name(tmp_path, vosref, zipped):
    source = write(tmp_path / "a.pth", torch.nn.Linear(2, 2), zipped=zipped)
    code, _, said = vosref("convert", source, tmp_path / "out.safetensors", "--model", "resnet18")
    assert code == 1
    assert "asks to load torch.nn.modules.linear.Linear" in said
    assert "Save a plain state_dict instead" in said


@FORMATS
@pytest.mark.parametrize("wrapped", [True, False], ids=["DistributedDataParallel", "bare"])
def test_a_network_saved_by_torch_converts(tmp_path, vosref, zipped, wrapped):
    arrays = network("tvos-resnet18", seed=0)
    state = {f"module.{key}" if wrapped else key: torch.from_numpy(a) for key, a in arrays.items()}
    if wrapped:
        state |= {f"module.{key}": torch.tensor(3) for key in counters(arrays)}
    saved = {"epoch": 1, "state_dict": collections.OrderedDict(state)} if wrapped else state
    source, out = write(tmp_path / "a.pth.tar", saved, zipped=zipped), tmp_path / "out.safetensors"
    code, printed, said = vosref("convert", source, out, "--model", "tvos-resnet18")
    assert (code, said) == (0, "")
    assert f"a.pth.tar (PyTorch {'zip' if zipped else 'legacy'})" in printed
    assert header(out)["model"] == "tvos-resnet18"
    kernel = load(out)["layer3/0/conv1/kernel"]
    assert np.array_equal(kernel, arrays["backbone.6.0.conv1.weight"].transpose(2, 3, 1, 0))
