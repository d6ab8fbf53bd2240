"""Names of others: the modules of PyTorch as a forward hook gives them, in full networks, and TensorFlow's scopes."""

import functools

import numpy as np
import pytest
from recorder import frame, record, thin

from vosref import parity
from vosref.nn import networks
from vosref.parity.names import strip, their_names

STD = np.array([0.229, 0.224, 0.225])


def test_torch_and_tensorflow_names_have_their_points():
    tvos, plain = their_names("tvos-resnet50"), their_names("resnet50")
    assert tvos["backbone.4.0.conv1"] == "layer1/0/conv1/convolution"
    assert tvos["backbone.4.0.bn1"] == "layer1/0/conv1/norm"
    assert plain["layer1.0.conv1"] == tvos["layer1.0.conv1"] == "layer1/0/conv1/convolution"
    assert plain["layer1.0.downsample.1"] == "layer1/0/shortcut/norm"
    assert plain["layer1.0.downsample"] == "layer1/0/shortcut"
    assert plain["layer1.0"] == "layer1/0/conv3"
    assert plain["layer1"] == "layer1/2/conv3"
    assert (plain["relu"], plain["maxpool"], tvos["backbone.3"]) == ("stem", "pool", "pool")
    assert tvos["bn256"] == "projection/norm"
    assert "backbone.4.0.relu" not in tvos
    assert their_names("lite0")["_blocks.3._bn1"] == "blocks/3/depthwise/norm"
    assert their_names("lite0")["_fc"] == "classifier/convolution"
    feelvos = their_names("feelvos-xception65")
    scope = "xception_65/entry_flow/conv1_1"
    assert feelvos[scope] == feelvos[f"{scope}/Relu"] == "entry/conv1"
    assert feelvos[f"{scope}/Conv2D"] == "entry/conv1/convolution"
    assert feelvos[f"{scope}/BatchNorm/FusedBatchNormV3"] == "entry/conv1/norm"
    assert feelvos["logits/semantic/BiasAdd"] == "head/logits/convolution"
    assert "logits/semantic/Conv2D" not in feelvos
    assert feelvos["blocks.3.stack.conv1.bn_dw"] == "middle/1/1/depthwise/norm"
    assert strip("module.backbone.0") == "backbone.0"
    assert strip("logits/semantic/BiasAdd:0") == "logits/semantic/BiasAdd"


@pytest.mark.usefixtures("definitions")
def test_two_arrays_of_one_point_must_be_equal():
    weights = thin("resnet18")
    points = record(networks.network("resnet18").run, weights, frame(16, 24))
    twice = points | {"layer1.0": points["layer1/0/conv2"], "layer1.1": points["layer1/0/conv2"]}
    verdicts = parity.compare(weights, twice, model="resnet18")
    assert [row.key for row in verdicts.rows if row.name == "layer1/0/conv2"] == ["layer1/0/conv2", "layer1.0"]
    assert (verdicts.first.name, verdicts.first.key) == ("layer1/1/conv2", "layer1.1")


def hooked(net, image, prefix=""):
    """The output of every module, as a forward hook gives it."""
    torch = pytest.importorskip("torch")
    points = {}

    def keep(name, _module, _inputs, output):
        points[prefix + name] = output.clone().numpy()

    handles = [m.register_forward_hook(functools.partial(keep, name)) for name, m in net.named_modules() if name]
    with torch.no_grad():
        net(torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)[None])))
    for handle in handles:
        handle.remove()
    return points


def test_a_torch_network_under_its_own_names_agrees_until_an_epsilon_is_changed():
    torch = pytest.importorskip("torch")
    from twins.resnet import TvosResNet  # noqa: PLC0415 - needs torch

    from vosref.weights import model  # noqa: PLC0415
    from vosref.weights.fitting import fit  # noqa: PLC0415

    torch.manual_seed(0)
    net = TvosResNet(18).eval()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
    weights = fit({k: v.numpy() for k, v in net.state_dict().items()}, model("tvos-resnet18")).loaded()
    image = frame(24, 33)
    points = hooked(net, ((image / 255 - (0.485, 0.456, 0.406)) / STD).astype(np.float32), prefix="module.")
    verdicts = parity.compare(weights, {"image": image, **points}, model="tvos-resnet18")
    assert verdicts.first is None
    assert len(verdicts.rows) > 40
    assert all("downsample" in name for name in verdicts.unused)
    net.backbone[5][1].bn1.eps = 1e-3
    points = hooked(net, ((image / 255 - (0.485, 0.456, 0.406)) / STD).astype(np.float32))
    verdicts = parity.compare(weights, {"image": image, **points}, model="tvos-resnet18")
    assert [row.key for row in verdicts.rows if not row.agrees] == ["backbone.5.1.bn1"]
