"""What a file of activations may hold: layouts, other results, numbers that are none; and what is refused."""

import numpy as np
import pytest
from recorder import frame, record, recorded, run_of, thin

from vosref import parity
from vosref.nn import deeplab, heads
from vosref.nn.layers import Layers
from vosref.weights import WeightsError

pytestmark = pytest.mark.usefixtures("definitions")


@pytest.mark.parametrize("batch", [(), (None,)])
def test_channels_may_come_first_or_last(batch):
    weights, points = recorded("feelvos-xception65", size=(17, 24))
    points = {k: v.transpose(2, 0, 1)[batch or ...] for k, v in points.items()}
    assert parity.compare(weights, points, model="feelvos-xception65").first is None


def test_a_shape_that_fits_both_layouts_is_read_as_the_arrays_before_it_and_said():
    weights = thin("resnet18")
    points = record(run_of("resnet18"), weights, frame(16, 16), n_groups=1)
    assert points["pool"].shape == (4, 4, 4)

    def network(weights, image, *, layers):
        return run_of("resnet18")(weights, image, n_groups=1, layers=layers)

    for turned in (points, {k: v.transpose(2, 0, 1) for k, v in points.items()}):
        verdicts = parity.compare(weights, turned, network=network)
        assert verdicts.first is None
        notes = {row.name: row.note for row in verdicts.rows}
        assert "fits both layouts" in notes["pool"]
        assert notes["stem"] == ""


def test_vectors_of_a_pooled_map_come_in_any_shape():
    weights, points = recorded("lite0")
    net = Layers(weights, lambda name: 1e-3)
    head = net.conv("head", points["blocks/15/project"], activation="relu6")
    pooled = np.mean(head, axis=(0, 1))
    logits = pooled @ weights["classifier/kernel"] + weights["classifier/bias"]
    for shape in ((-1,), (1, -1), (1, -1, 1, 1)):
        given = {**points, "pool": pooled.reshape(shape), "logits": logits.reshape(shape)}
        verdicts = parity.compare(weights, given, model="lite0")
        assert verdicts.first is None
        assert verdicts.rows[-1].name == "logits"


@pytest.mark.parametrize("n_objects", [1, 2])
def test_the_head_runs_where_there_are_cues(n_objects):
    weights, points = recorded("feelvos-xception65", size=(17, 24))
    features = points["decoder/1/pointwise"]
    points |= {"features": features, "embedding": points["embedding/pointwise"]}
    points["cues"] = np.random.default_rng(0).random((*features.shape[:2], n_objects, 3), dtype=np.float32)
    points["logits"] = heads.segmentation_head(weights, features, points["cues"])
    verdicts = parity.compare(weights, points, model="feelvos-xception65")
    assert verdicts.first is None
    assert verdicts.rows[-1].name == "logits"
    prefix = "object2/" if n_objects == 2 else ""
    assert f"{prefix}head/3/depthwise/convolution" in verdicts.absent


def test_another_network_can_be_run():
    weights = {k: v for k, v in thin("feelvos-xception65").items() if not k.startswith(("head", "embedding"))}
    points = record(deeplab.features, weights, frame(17, 24), output_stride=16)
    verdicts = parity.compare(weights, points, network=deeplab.features, output_stride=16)
    assert verdicts.first is None
    assert verdicts.absent == ("features",)


def test_only_the_standardised_input_is_enough():
    weights, points = recorded("resnet18")
    del points["image"]
    for given_input in (points["input"], points["input"].transpose(2, 0, 1)[None]):
        verdicts = parity.compare(weights, points | {"input": given_input}, model="resnet18")
        assert verdicts.first is None
        assert verdicts.rows[0].name == "stem/convolution"


def test_unused_names_are_listed():
    weights, points = recorded("resnet18")
    verdicts = parity.compare(weights, {**points, "layer1.0.relu": points["stem"]}, model="resnet18")
    assert verdicts.unused == ("layer1.0.relu",)


def test_another_shape_is_a_difference_and_what_follows_is_still_judged():
    weights, points = recorded("resnet18", {"layer2/0/conv1": {"stride": 1}, "layer2/0/shortcut": {"stride": 1}})
    verdicts = parity.compare(weights, points, model="resnet18")
    assert verdicts.first.name == "layer2/0/shortcut/convolution"
    assert "shape (6, 9, 8), where ours is (3, 5, 8)" in verdicts.first.note
    points = {k: v for k, v in points.items() if not k.startswith(("layer2", "layer3", "layer4"))}
    assert parity.compare(weights, points, model="resnet18").first is None


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_a_difference(value):
    weights, points = recorded("resnet18")
    points["layer1/0/conv1/norm"] = points["layer1/0/conv1/norm"].copy()
    points["layer1/0/conv1/norm"][1, 2, 3] = value
    points = {k: v for k, v in points.items() if k != "layer1/0/conv1"}
    verdicts = parity.compare(weights, points, model="resnet18")
    assert verdicts.first.name == "layer1/0/conv1/norm"
    assert verdicts.first.ratio == np.inf
    assert verdicts.first.where == (1, 2, 3)
    assert "1 of 216 numbers not finite" in verdicts.first.note


REFUSED = {
    "frame": (lambda p: {"stem": p["stem"]}, "lack the frame"),
    "channels": (lambda p: p | {"image": p["image"][:, :, :2]}, "image must be one frame"),
    "half": (lambda p: p | {"stem": p["stem"].astype(np.float16)}, "must be float32 or float64, stem is float16"),
    "names": (
        lambda p: {"image": p["image"], "stam": p["stem"]},
        "no array of the activations has the name of a point",
    ),
    "cues": (lambda p: p | {"cues": p["stem"]}, "cues must be (h, w, K, 3)"),
}


@pytest.mark.parametrize(("change", "sentence"), REFUSED.values(), ids=REFUSED)
def test_activations_that_cannot_be_used_are_refused(change, sentence):
    weights, points = recorded("resnet18")
    with pytest.raises(WeightsError) as caught:
        parity.compare(weights, change(points), model="resnet18")
    assert sentence in str(caught.value)


def test_weights_of_another_network_are_refused():
    weights, points = recorded("resnet18")
    with pytest.raises(
        WeightsError, match=r"the weights are not of lite0: they lack \d+ of its arrays, first blocks/0"
    ):
        parity.compare(weights, points, model="lite0")
    with pytest.raises(TypeError, match="model must be named"):
        parity.compare(weights, points)
