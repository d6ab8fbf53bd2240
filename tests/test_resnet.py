"""`vosref.nn.resnet` spelt out by the oracles, its grids, and the ways its weights decide its form."""

import numpy as np
import oracles_layers
import pytest
import thin_weights
from hypothesis import given
from hypothesis import strategies as st
from literal import Literal
from numpy.testing import assert_allclose
from thin_weights import random_image

from vosref.backend import use_cpu
from vosref.nn import resnet
from vosref.nn.layers import fold

STRIDES = {4: (1, 1, 1, 1), 8: (1, 2, 1, 1), 16: (1, 2, 2, 1), 32: (1, 2, 2, 2)}  # of the groups, by output stride
FORMS = {
    "basic, released": {"bottleneck": False},
    "bottleneck, released": {"bottleneck": True},
    "basic, plain": {"bottleneck": False, "released": False},
    "bottleneck, plain": {"bottleneck": True, "released": False},
}
# 50 layers, each a sum of at most 1200 rounded terms of the activations' own size: 50 × 1200 × 2^-53 < 1e-11.
TOLERANCE = 1e-10


def literal(weights, image, output_stride):
    net = Literal(weights, 1e-5)
    x = (image / 255 - np.asarray([0.485, 0.456, 0.406])) / np.asarray([0.229, 0.224, 0.225])
    x = net("stem", x.tolist(), stride=2, padding=3, activation="relu")
    x = oracles_layers.max_pool(x, size=3, stride=2, padding=1)
    for group, group_stride in enumerate(STRIDES[output_stride], 1):
        for block in range(9):
            name, stride = f"layer{group}/{block}", group_stride if block == 0 else 1
            if not net.has(f"{name}/conv1"):
                break
            shortcut = net(f"{name}/shortcut", x, stride=stride) if net.has(f"{name}/shortcut") else x
            if net.has(f"{name}/conv3"):
                out = net(f"{name}/conv1", x, activation="relu")
                out = net(f"{name}/conv2", out, stride=stride, activation="relu")
                x = net(f"{name}/conv3", out, shortcut, activation="relu")
            else:
                out = net(f"{name}/conv1", x, stride=stride, activation="relu")
                x = net(f"{name}/conv2", out, shortcut, activation="relu")
    return np.asarray(net("projection", x) if net.has("projection") else x)


@pytest.fixture(scope="module", params=FORMS)
def form(request):
    """Weights, an image, and what the oracles make of them, by output stride."""
    weights, image = thin_weights.resnet(**FORMS[request.param]), random_image(size=(33, 22))
    # The released last group has no shortcut that could stride.
    possible = [s for s in STRIDES if s < 32 or "layer4/0/shortcut/kernel" in weights]
    return weights, image, {s: literal(weights, image, s) for s in possible}


def test_every_namespace_computes_what_the_oracles_do(xp, form):
    weights, image, expected = form
    arrays = {name: xp.asarray(array) for name, array in weights.items()}
    for output_stride, features in expected.items():
        for used in (arrays, fold(arrays, epsilon=resnet.epsilon)):
            got = xp.to_numpy(resnet.features(used, xp.asarray(image), output_stride=output_stride))
            assert got.shape == features.shape
            assert_allclose(got, features, atol=TOLERANCE * np.abs(features).max())


@pytest.mark.usefixtures("definitions")
@given(height=st.integers(1, 70), width=st.integers(1, 40), output_stride=st.sampled_from([4, 8, 16, 32]))
def test_every_image_size_gives_its_grid(height, width, output_stride):
    weights = thin_weights.resnet(bottleneck=True, released=False, repeats=(1, 1, 1, 1))
    got = resnet.features(weights, random_image(size=(height, width)), output_stride=output_stride)
    assert got.shape == (-(-height // output_stride), -(-width // output_stride), 12)


@pytest.mark.usefixtures("definitions")
@pytest.mark.parametrize(("n_groups", "channels"), [(1, 6), (2, 8), (3, 10), (4, 4)])
def test_it_stops_after_a_group_and_projects_after_the_last_alone(n_groups, channels):
    weights, image = thin_weights.resnet(bottleneck=True), random_image(size=(33, 22))
    got = resnet.features(weights, image, n_groups=n_groups)
    assert got.shape == (*((9, 6) if n_groups == 1 else (5, 3)), channels)
    assert (got.min() >= 0) == (n_groups < 4)


@pytest.mark.usefixtures("definitions")
def test_the_released_last_group_has_no_shortcut_and_the_plain_one_has():
    image = random_image()
    for form in FORMS.values():
        weights = thin_weights.resnet(**form)
        assert ("layer4/0/shortcut/kernel" in weights) != form.get("released", True)
    # Where the blocks of layer4 add nothing, its identity shortcuts carry layer3's features through.
    weights = thin_weights.resnet(bottleneck=False)
    last = [name for name in weights if name.startswith("layer4/") and name.split("/")[2] == "conv2"]
    silent = weights | {name: 0 * weights[name] for name in last if not name.endswith("variance")}
    assert np.array_equal(resnet.features(silent, image), resnet.features(silent, image, n_groups=3))


@pytest.mark.usefixtures("definitions")
def test_a_removed_stride_leaves_nothing_out_and_does_not_dilate():
    weights, image = thin_weights.resnet(bottleneck=True, repeats=(1, 1, 1, 1)), random_image(size=(64, 64))
    fine, coarse = (resnet.features(weights, image, n_groups=2, output_stride=s) for s in (4, 8))
    # The one block of layer2 strides in its 3×3 layer, whose padding starts it at cell 0.
    assert_allclose(fine[::2, ::2], coarse, atol=1e-12)


def test_the_tiers_agree_on_single_precision():
    weights = {
        name: a.astype(np.float32) for name, a in thin_weights.resnet(bottleneck=True, planes=(16, 18, 20)).items()
    }
    folded, image = fold(weights, epsilon=resnet.epsilon), random_image().astype(np.float32)
    assert "layer1/0/conv2/winograd" in folded
    with use_cpu("numpy"):
        expected = resnet.features(weights, image)
    for used in (weights, folded):
        got = resnet.features(used, image)
        assert got.dtype == np.float32
        # Of the same derivation with 2^-24, and Winograd's hundredfold bound.
        assert_allclose(got, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("option", "rule"),
    [
        ({"n_groups": 0}, "n_groups must be 1 to 4, got 0"),
        ({"n_groups": 5}, "n_groups must be 1 to 4, got 5"),
        ({"output_stride": 2}, "output_stride must be 4, 8, 16 or 32, got 2"),
        ({"output_stride": 64}, "output_stride must be 4, 8, 16 or 32, got 64"),
    ],
)
def test_what_does_not_exist_is_refused(option, rule):
    with pytest.raises(ValueError, match=rule):
        resnet.features(thin_weights.resnet(bottleneck=False), random_image(), **option)


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_an_image_without_three_channels_is_refused(channels):
    with pytest.raises(ValueError, match=rf"^image must be \(H, W, 3\), got \(5, 4, {channels}\)"):
        resnet.features(thin_weights.resnet(bottleneck=False), np.ones((5, 4, channels)))


def test_a_group_without_a_shortcut_convolution_cannot_stride():
    released = thin_weights.resnet(bottleneck=True)
    with pytest.raises(ValueError, match="output_stride must be at most 16 for these weights, whose layer4 .* got 32"):
        resnet.features(released, random_image(), output_stride=32)
