"""`vosref.weights.model`: the tables of arrays against the specifications, and how arrays are drawn."""

import ast
import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from vosref.nn import deeplab, heads
from vosref.weights import MODELS, WeightsError, model
from vosref.weights.tables import LAYOUTS

SPECS = Path(__file__).resolve().parents[2] / "shared" / "specs"


@pytest.fixture(scope="session")
def specs():
    """The folder of specifications, which never travels with the project."""
    if not SPECS.is_dir():
        pytest.skip("the specifications (../shared/specs) are absent")
    return SPECS


def their_table(name, scheme):
    """What an array is called and shaped where it comes from."""
    known = model(name)
    names = known.schemes[scheme]
    shape = LAYOUTS[names.layout].shape
    return [(names.keys[a.name], shape(a.shape)) for a in known.arrays if a.name in names.keys]


@pytest.mark.parametrize(
    ("name", "n_parameters", "n_arrays"),
    [
        ("tvos-resnet18", 5_144_128, 95),
        ("tvos-resnet50", 12_157_504, 265),
        ("tvos-resnet101", 31_149_632, 520),
        ("resnet18", 11_689_512 - 513_000, 100),  # torchvision's counts, less the classifier
        ("resnet50", 25_557_032 - 2_049_000, 265),
        ("feelvos-xception65", 41_393_819, 752),
        ("feelvos-xception65-258", 41_393_819 - 306, 752),  # a cue's 49 + 1 of the depthwise layer, 256 of the next
        ("feelvos-xception65-257", 41_393_819 - 2 * 306, 752),
        ("lite0", 4_652_008, 247),
        ("lite1", 5_416_680, 322),
        ("lite2", 6_092_072, 322),
        ("tvos-lite0", 700_768, 165),
        ("feelvos-lite0", 1_674_939, 257),
        ("feelvos-lite0-258", 1_674_939 - 306, 257),
    ],
)
def test_every_network_has_as_many_parameters_as_it_should(name, n_parameters, n_arrays):
    known = model(name)
    assert known.n_parameters == n_parameters
    assert len(known.arrays) == n_arrays


def test_the_numbers_of_feelvos_add_up_part_by_part():
    arrays = model("feelvos-xception65").arrays
    parts = {  # trained, and all, and arrays
        ("entry", "middle", "exit"): (37_867_312, 38_052_512, 660),
        ("aspp",): (3_019_776, 3_035_136, 45),
        ("decoder",): (162_928, 165_168, 25),
        ("embedding",): (28_260, 28_260, 4),
        ("head",): (315_543, 315_543, 18),
    }
    for places, counts in parts.items():
        part = [array for array in arrays if array.name.split("/")[0] in places]
        trained = sum(array.size for array in part if array.trained)
        assert (trained, sum(array.size for array in part), len(part)) == counts
    assert sum(array.size for array in arrays) == 41_596_619


def test_ablated_networks_of_feelvos_differ_in_the_first_layer_of_the_head_alone():
    whole = {array.name: array.shape for array in model("feelvos-xception65").arrays}
    for channels in (258, 257):
        ablated = {array.name: array.shape for array in model(f"feelvos-xception65-{channels}").arrays}
        assert {name: ablated[name] for name in whole if ablated[name] != whole[name]} == {
            "head/0/depthwise/kernel": (7, 7, channels),
            "head/0/depthwise/bias": (channels,),
            "head/0/pointwise/kernel": (1, 1, channels, 256),
        }
        assert their_table(f"feelvos-xception65-{channels}", 0)[-18] == (
            "embedding_seg/split_separable_conv2d_0_depthwise/depthwise_weights",
            (7, 7, channels, 1),
        )


def test_the_released_state_of_tvos_has_as_many_entries_as_it_should():
    for name, n_entries in (("tvos-resnet18", 114), ("tvos-resnet50", 318), ("tvos-resnet101", 624)):
        arrays = model(name).arrays
        counters = sum(array.name.endswith("/variance") for array in arrays)
        assert len(arrays) + counters == n_entries


def test_tvos_resnet50_is_the_released_one_key_by_key(specs):
    listed = []
    for line in (specs / "tvos_resnet50_keys.txt").read_text(encoding="utf-8").splitlines():
        key, rest = line.removeprefix("module.").split(" ", 1)
        if not key.endswith("num_batches_tracked"):
            listed.append((key, ast.literal_eval(rest.rpartition(" ")[0])))
    assert their_table("tvos-resnet50", 0) == listed


def test_feelvos_is_the_released_one_variable_by_variable(specs):
    with (specs / "feelvos_tf_variables.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    listed = [(row["tf_variable"], tuple(ast.literal_eval(row["shape"]))) for row in rows]
    assert their_table("feelvos-xception65", 0) == listed
    assert [a.trained for a in model("feelvos-xception65").arrays] == [row["trainable"] == "1" for row in rows]


@pytest.mark.parametrize(
    ("name", "scheme", "ours", "theirs"),
    [
        ("tvos-resnet50", 0, "layer3/5/conv2/kernel", "backbone.6.5.conv2.weight"),
        ("tvos-resnet50", 0, "layer1/0/shortcut/mean", "backbone.4.0.downsample.1.running_mean"),
        ("tvos-resnet50", 0, "projection/offset", "bn256.bias"),
        ("tvos-resnet50", 1, "stem/scale", "bn1.weight"),
        ("tvos-resnet18", 1, "layer4/1/conv2/variance", "layer4.1.bn2.running_var"),
        ("resnet50", 0, "classifier/kernel", "fc.weight"),
        ("lite0", 0, "blocks/9/expand/scale", "_blocks.9._bn0.weight"),
        ("lite2", 0, "blocks/20/project/kernel", "_blocks.20._project_conv.weight"),
        ("lite1", 0, "classifier/bias", "_fc.bias"),
        (
            "feelvos-xception65",
            0,
            "middle/16/3/pointwise/offset",
            "xception_65/middle_flow/block1/unit_16/xception_module/separable_conv3_pointwise/BatchNorm/beta",
        ),
        ("feelvos-xception65", 0, "head/3/depthwise/bias", "embedding_seg/split_separable_conv2d_3_depthwise/biases"),
        ("feelvos-xception65", 1, "entry/conv2/kernel", "stem.1.conv.weight"),
        ("feelvos-xception65", 1, "entry/block3/shortcut/scale", "blocks.2.shortcut.bn.weight"),
        ("feelvos-xception65", 1, "middle/1/2/depthwise/kernel", "blocks.3.stack.conv2.conv_dw.weight"),
        ("feelvos-xception65", 1, "exit/block2/3/pointwise/mean", "blocks.20.stack.conv3.bn_pw.running_mean"),
        ("lite0", -1, "stem/kernel", "stem/kernel"),
    ],
)
def test_our_names_stand_for_theirs(name, scheme, ours, theirs):
    assert model(name).schemes[scheme].keys[ours] == theirs


@pytest.mark.parametrize("name", MODELS)
def test_no_name_stands_for_two_arrays(name):
    known = model(name)
    ours = [array.name for array in (*known.arrays, *known.optional)]
    assert len(set(ours)) == len(ours)
    for scheme in known.schemes:
        assert set(scheme.keys) <= set(ours)
        assert len(set(scheme.keys.values())) == len(scheme.keys)
        assert not any(scheme.ignores(key) for key in scheme.keys.values())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_moves_the_taps_first_and_gives_the_shape_that_it_says(layout):
    for shape in ((5, 4, 3, 2), (5, 4, 3), (3, 2), (3,)):
        theirs = np.arange(np.prod(shape)).reshape(LAYOUTS[layout].shape(shape))
        assert LAYOUTS[layout].to_ours(theirs, len(shape)).shape == shape
    if layout == "torch":
        kernel = np.arange(120).reshape(2, 3, 5, 4)
        assert LAYOUTS[layout].to_ours(kernel, 4)[4, 1, 2, 0] == kernel[0, 2, 4, 1]
        depthwise = np.arange(60).reshape(3, 1, 5, 4)
        assert LAYOUTS[layout].to_ours(depthwise, 3)[4, 1, 2] == depthwise[2, 0, 4, 1]
    if layout == "tensorflow":
        depthwise = np.arange(60).reshape(5, 4, 3, 1)
        assert LAYOUTS[layout].to_ours(depthwise, 3)[4, 1, 2] == depthwise[4, 1, 2, 0]


@pytest.mark.parametrize(
    ("name", "kernel", "deviation"),
    [
        ("tvos-resnet50", "layer4/1/conv1", 0.0884),
        ("tvos-resnet50", "layer4/1/conv2", 0.0295),
        ("tvos-resnet50", "layer4/1/conv3", 0.0442),
        ("tvos-resnet50", "projection", 1 / 32 / 3**0.5),
        ("feelvos-xception65", "head/1/pointwise", 0.06 * 0.8796),  # a normal cut at two deviations is narrower
        ("feelvos-xception65", "head/1/depthwise", 0.33 * 0.8796),
        ("lite0", "blocks/3/depthwise", (2 / 25) ** 0.5),
    ],
)
def test_kernels_are_drawn_as_wide_as_the_release_draws_them(name, kernel, deviation):
    known = model(name)
    (shape,) = (array.shape for array in known.arrays if array.name == f"{kernel}/kernel")
    drawn = known.initial(np.random.default_rng(0), f"{kernel}/kernel", shape)
    assert drawn.shape == shape
    assert drawn.dtype == np.float32
    assert drawn.std() == pytest.approx(deviation, rel=0.05)
    assert abs(drawn.mean()) < 0.1 * deviation
    if kernel == "projection":
        assert np.abs(drawn).max() <= 1 / 32
    if kernel == "head/1/pointwise":
        assert np.abs(drawn).max() <= 2 * 0.06 + 1e-7


def test_norms_and_biases_start_without_effect_and_the_embedding_near_the_identity():
    rng, initial = np.random.default_rng(0), model("feelvos-xception65").initial
    for part, value in {"scale": 1, "offset": 0, "mean": 0, "variance": 1, "bias": 0}.items():
        assert (initial(rng, f"aspp/0/{part}", (256,)) == value).all()
    pointwise = initial(rng, "embedding/pointwise/kernel", (1, 1, 256, 100))[0, 0]
    assert np.abs(pointwise - np.eye(256, 100)).max() <= 0.06 + 1e-6
    depthwise = initial(rng, "embedding/depthwise/kernel", (3, 3, 256))
    assert depthwise[1, 1, 0] == pytest.approx(1, abs=0.061)
    assert np.abs(depthwise[:, :, 1:]).max() <= 0.06 + 1e-6


@pytest.fixture
def without_noise(monkeypatch):
    """What a light FEELVOS begins with beside its trunk, less the noise."""
    monkeypatch.setattr("vosref.weights.feelvos.NOISE", 0.0)
    known, rng = model("feelvos-lite0"), np.random.default_rng(0)
    own = [array for array in known.arrays if not array.name.startswith(("stem/", "blocks/"))]
    return {array.name: known.initial(rng, array.name, array.shape) for array in own}


def test_the_embedding_of_a_light_feelvos_begins_as_a_projection_of_its_encoders_features(without_noise):
    weights, rng = without_noise, np.random.default_rng(1)
    encoded, low_level = 5 * rng.standard_normal((6, 7, 112)), rng.standard_normal((6, 7, 40))
    context = deeplab.pyramid(weights, encoded, rates=(6, 12, 18))
    embedding = heads.embedding(weights, deeplab.decode(weights, low_level, context))
    directions = weights["embedding/pointwise/kernel"][0, 0, :112, :50]
    assert_allclose(embedding[..., :50] - embedding[..., 50:], 0.1 * encoded @ directions, rtol=1e-3, atol=1e-3)
    assert np.minimum(embedding[..., :50], embedding[..., 50:]).max() == 0
    assert np.linalg.norm(directions, axis=1).mean() == pytest.approx(0.3, rel=0.05)


def test_the_head_of_a_light_feelvos_begins_by_weighing_its_cues(without_noise):
    cues = np.random.default_rng(1).uniform(0, 1, (5, 6, 2, 3))
    logits = heads.segmentation_head(without_noise, np.zeros((5, 6, 256)), cues)
    assert_allclose(logits, cues @ np.array([-2, 1, -4]), atol=3 * 0.02)


def test_an_unknown_network_is_refused_with_those_that_are_known():
    with pytest.raises(WeightsError, match="model must be one of tvos-resnet18, .*lite2, got 'lite3'"):
        model("lite3")
