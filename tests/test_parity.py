"""The comparison of a port: it agrees with a right one, and names the layer of every mistake, and no other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorder import frame, record, recorded, run_of, thin
from strategies import SEEDS

from vosref import parity
from vosref.nn import networks
from vosref.nn.layers import fold
from vosref.weights import MODELS

pytestmark = pytest.mark.usefixtures("definitions")


@pytest.mark.parametrize("name", MODELS)
def test_a_right_port_agrees_at_every_point(name):
    weights, points = recorded(name)
    verdicts = parity.compare(weights, points, model=name)
    assert verdicts.first is None
    assert {row.name for row in verdicts.rows} == set(points) - {"image"}
    assert verdicts.unused == ()
    assert 0.05 < max(row.ratio for row in verdicts.rows) <= 1


@given(name=st.sampled_from(["tvos-resnet18", "resnet50", "lite0", "feelvos-xception65"]), seed=SEEDS, keep=st.data())
def test_rounding_stays_within_the_bounds_whichever_points_are_given(name, seed, keep):
    height, width = keep.draw(st.integers(9, 33)), keep.draw(st.integers(9, 33))
    weights, points = recorded(name, size=(height, width), seed=seed)
    share = keep.draw(st.sampled_from([0.1, 0.5, 1.0]))
    kept = {k: v for k, v in points.items() if k == "image" or np.random.default_rng(seed).random() < share}
    kept = {**kept, "input": points["input"]}
    assert all(row.ratio <= 1 for row in parity.compare(weights, kept, model=name).rows)


@pytest.mark.parametrize("name", ["tvos-resnet50", "feelvos-xception65", "lite0"])
def test_norms_folded_into_the_convolutions_stay_within_the_bounds(name):
    weights, image = thin(name), frame(24, 33)
    folded = fold(weights, epsilon=networks.network(name).epsilon, winograd=False)
    points = record(run_of(name), folded, image)
    # A folded convolution gives the norm's result, and nothing before it.
    as_norms = {k.replace("/convolution", "/norm"): v for k, v in points.items()}
    kept = {k: v for k, v in as_norms.items() if k.removesuffix("/norm") + "/scale" in weights or "/norm" not in k}
    verdicts = parity.compare(weights, kept, model=name)
    assert verdicts.first is None
    assert any(name.endswith("/convolution") for name in verdicts.absent)


def test_float64_activations_are_held_to_float64():
    weights, points = recorded("tvos-resnet18")
    image = points["image"]
    exact = run_of("tvos-resnet18")({k: v.astype(np.float64) for k, v in weights.items()}, image.astype(np.float64))
    assert parity.compare(weights, {"image": image, "features": exact}, model="tvos-resnet18").first is None
    single = {"image": image, "stem/convolution": points["stem/convolution"].astype(np.float64)}
    assert parity.compare(weights, single, model="tvos-resnet18").first.name == "stem/convolution"


# ── mistakes ──


def exchanged(parts):
    return {"kernel": np.swapaxes(parts["kernel"], 0, 1)}


MISTAKES = {
    "epsilon": ("tvos-resnet50", "layer2/1/conv2", {"epsilon": 1e-3}, "/norm", "an epsilon of 0.001"),
    "epsilon-of-pytorch": ("lite0", "blocks/4/project", {"epsilon": 1e-5}, "/norm", "an epsilon of 1e-05"),
    "kernel": ("tvos-resnet50", "layer3/0/conv2", exchanged, "/convolution", "rows and columns exchanged"),
    "activation": ("tvos-resnet18", "layer1/0/conv1", {"activation": None}, "", "without its activation"),
    "relu6": ("lite0", "blocks/2/expand", {"activation": "relu"}, "", "with the activation relu"),
    "shortcut": ("tvos-resnet50", "layer4/2/conv3", {"shortcut": None}, "", "without its shortcut"),
    "padding": ("tvos-resnet18", "stem", {"padding": "same"}, "/convolution", "TensorFlow's 'same' padding"),
    "shifted": ("resnet18", "layer1/1/conv1", {"padding": ((2, 0), (1, 1))}, "/convolution", ""),
    "dilation": (
        "feelvos-xception65",
        "middle/3/2/depthwise",
        {"dilation": 1, "padding": 1},
        "/convolution",
        "dilation 1 instead of 2",
    ),
    "rectified": (
        "feelvos-xception65",
        "middle/1/1/depthwise",
        {"rectify": False},
        "/convolution",
        "without max(x, 0)",
    ),
    "pytorch-padding": ("lite0", "stem", {"padding": 1}, "/convolution", "equal padding on both sides"),
    "aligned": ("feelvos-xception65", "decoder/enlarged", "half-pixel centres", "", "half-pixel centres"),
}


@pytest.mark.parametrize(("name", "layer", "mistake", "point", "hint"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_where_it_is_made_and_nowhere_else(name, layer, mistake, point, hint):
    weights = thin(name)
    if f"{layer}/scale" in weights:  # so that the layer matters, and reaches beyond 6
        weights[f"{layer}/scale"] *= 8
    points, right = (record(run_of(name), weights, frame(26, 36), m) for m in ({layer: mistake}, None))
    after = list(points)[list(points).index(layer + point) :]
    assert np.mean([not np.allclose(points[k], right[k], atol=1e-4, rtol=1e-3) for k in after]) > 0.8
    verdicts = parity.compare(weights, points, model=name)
    assert [row.name for row in verdicts.rows if not row.agrees] == [layer + point]
    assert verdicts.first.verdict == "differs"
    assert hint in verdicts.first.hint
    assert bool(hint) == bool(verdicts.first.hint)


def test_with_points_missing_bounds_are_wider_and_the_mistake_is_still_found():
    weights, points = recorded("tvos-resnet50", {"layer2/1/conv2": {"activation": None}})
    blocks = {k: v for k, v in points.items() if k == "image" or k.endswith("/conv3")}
    verdicts = parity.compare(weights, blocks, model="tvos-resnet50")
    assert [row.name for row in verdicts.rows if not row.agrees] == ["layer2/1/conv3"]
    every = {row.name: row for row in parity.compare(weights, points, model="tvos-resnet50").rows}
    assert all(row.width > every[row.name].width for row in verdicts.rows)


def test_a_mistake_within_a_wide_bound_raises_a_doubt():
    weights, points = recorded("tvos-resnet50", {"layer2/1/conv2": {"epsilon": 1e-3}})
    verdicts = parity.compare(
        weights, {"image": points["image"], "features": points["projection"]}, model="tvos-resnet50"
    )
    (row,) = verdicts.rows
    assert (row.verdict, row.name) == ("doubtful", "features")
    assert row.ratio < 1 < row.width


def test_an_overwritten_norm_is_recognised():
    weights, points = recorded("resnet18")
    inplace = {k: points.get(k.removesuffix("/norm"), v) for k, v in points.items()}
    for k in list(inplace):
        if not k.endswith(("/norm", "/convolution", "image")):
            del inplace[k]
    verdicts = parity.compare(weights, inplace, model="resnet18")
    assert verdicts.first is None
    noted = [row.name for row in verdicts.rows if "overwritten in place" in row.note]
    assert noted == [r.name for r in verdicts.rows if r.name.endswith("/norm") and "shortcut" not in r.name]


def test_bgr_is_recognised_where_image_and_input_are_given():
    weights, points = recorded("resnet18")
    points["image"] = points["image"][:, :, ::-1]
    verdicts = parity.compare(weights, points, model="resnet18")
    assert verdicts.first.name == "input"
    assert "BGR" in verdicts.first.hint
