"""`vosref.nn.efficientnet`: shapes and strides with random weights, and photographs with the trained ones."""

import os

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.cbook import get_sample_data
from numpy.testing import assert_allclose
from PIL import Image

from vosref.backend import use_cpu
from vosref.nn.efficientnet import LITE0, classify, features, fold
from vosref.weights import load

SIZE = 33, 41  # odd, and a multiple of no stride
STAGE_STRIDES = (2, 4, 8, 16, 16, 32, 32)
# Interpreted loops over a photograph would take minutes; the interpreted twins are tested on small layers instead.
TIERS = ["numpy"] if os.environ.get("NUMBA_DISABLE_JIT") == "1" else ["numpy", "numba"]


def random_weights(seed=0, *, thinner=8, n_classes=5):
    """Folded weights in the shapes of Lite0, every width divided by `thinner`; variances keep the signal's size."""
    rng, weights = np.random.default_rng(seed), {}

    def layer(name, *shape, fan_in):
        weights[f"{name}/kernel"] = rng.standard_normal(shape) * (2 / fan_in) ** 0.5
        weights[f"{name}/bias"] = rng.standard_normal(shape[-1]) / 10

    channels, block = 32 // thinner, 0
    layer("stem", 3, 3, 3, channels, fan_in=27)
    for stage in LITE0:
        for _ in range(stage.repeats):
            inner, out = channels * stage.expansion, stage.channels // thinner
            if stage.expansion > 1:
                layer(f"blocks/{block}/expand", 1, 1, channels, inner, fan_in=channels)
            layer(f"blocks/{block}/depthwise", stage.kernel, stage.kernel, inner, fan_in=stage.kernel**2)
            layer(f"blocks/{block}/project", 1, 1, inner, out, fan_in=inner)
            channels, block = out, block + 1
    layer("head", 1, 1, channels, 1280 // thinner, fan_in=channels)
    weights["classifier/kernel"] = rng.standard_normal((1280 // thinner, n_classes))
    weights["classifier/bias"] = rng.standard_normal(n_classes)
    return weights


def random_image(seed=0, size=SIZE):
    return np.random.default_rng(seed).uniform(0, 255, (*size, 3))


def grid(size, stride):
    return tuple(-(-n // stride) for n in size)


@pytest.fixture(scope="module")
def thin():
    return random_weights()


@pytest.fixture(scope="module")
def trained():
    return fold(load())


@pytest.mark.parametrize("output_stride", [2, 4, 8, 16, 32])
@pytest.mark.parametrize("n_stages", range(1, 8))
def test_the_grid_is_the_image_divided_by_the_stride_rounded_up(thin, n_stages, output_stride):
    with use_cpu("numpy"):
        got = features(thin, random_image(size=(33, 17)), n_stages=n_stages, output_stride=output_stride)
    stride = min(output_stride, STAGE_STRIDES[n_stages - 1])
    assert got.shape == (*grid((33, 17), stride), LITE0[n_stages - 1].channels // 8)


@given(height=st.integers(1, 40), width=st.integers(1, 40), output_stride=st.sampled_from([4, 8, 16, 32]))
def test_every_image_size_gives_its_grid(thin, height, width, output_stride):
    with use_cpu("numpy"):
        got = features(thin, random_image(size=(height, width)), output_stride=output_stride)
    assert got.shape[:2] == grid((height, width), output_stride)


@pytest.mark.parametrize(("n_stages", "channels"), [*enumerate((16, 24, 40, 80, 112, 192, 320), start=1)])
def test_the_stages_have_the_published_channels(trained, n_stages, channels):
    with use_cpu("numpy"):
        image = random_image().astype(np.float32)
        got = features(trained, image, n_stages=n_stages, output_stride=32)
    assert got.shape == (*grid(SIZE, STAGE_STRIDES[n_stages - 1]), channels)
    assert got.dtype == np.float32


def test_every_namespace_computes_the_same_features_and_logits(xp, thin):
    image = random_image()
    with use_cpu("numpy"):
        expected = features(thin, image, output_stride=8), classify(thin, image)
    weights = {name: xp.asarray(array) for name, array in thin.items()}
    got = features(weights, xp.asarray(image), output_stride=8), classify(weights, xp.asarray(image))
    for ours, theirs in zip(got, expected, strict=True):
        # 50 layers, each a sum of at most 1152 rounded terms of the activations' own size: 50 × 1153 × 2^-53 < 1e-11.
        assert_allclose(xp.to_numpy(ours), theirs, atol=1e-10 * np.abs(theirs).max())


def test_a_block_is_expansion_depthwise_and_projection_with_a_shortcut_between_equal_shapes():
    weights = random_weights(thinner=8)
    image = random_image(size=(5, 6))

    def layer(x, name, *, stride=1, relu6=True):
        kernel, bias = weights[f"{name}/kernel"], weights[f"{name}/bias"]
        out = oracles.convolution(x.tolist(), kernel.tolist(), bias.tolist(), stride, kernel.ndim == 3)
        return np.clip(out, 0, 6) if relu6 else np.asarray(out)

    x = layer((image - 127) / 128, "stem", stride=2)
    x = layer(layer(x, "blocks/0/depthwise"), "blocks/0/project", relu6=False)
    x = layer(layer(layer(x, "blocks/1/expand"), "blocks/1/depthwise", stride=2), "blocks/1/project", relu6=False)
    inner = layer(layer(x, "blocks/2/expand"), "blocks/2/depthwise")
    x = x + layer(inner, "blocks/2/project", relu6=False)
    assert_allclose(features(weights, image, n_stages=2), x, atol=1e-11)


def test_up_to_stride_8_nothing_is_removed(thin):
    fine, coarse = (features(thin, random_image(), n_stages=3, output_stride=s) for s in (8, 32))
    assert np.array_equal(fine, coarse)


def test_a_removed_stride_leaves_the_weights_alone_and_computes_the_cells_between(thin):
    # Blocks 6 and 7 add nothing to their shortcut, so that stage 4 is its first block, which strides from 8 to 16.
    silent = {
        name: 0 * a if name.startswith(("blocks/6/project", "blocks/7/project")) else a for name, a in thin.items()
    }
    fine, coarse = (features(silent, random_image(), n_stages=4, output_stride=s) for s in (8, 16))
    assert (fine.shape[:2], coarse.shape[:2]) == (grid(SIZE, 8), grid(SIZE, 16)) == ((5, 6), (3, 3))
    # 'same' padding starts a stride of 2 at cell 0 of an odd length, 5, and at cell 1 of an even one, 6.
    assert_allclose(fine[::2, 1::2], coarse, atol=1e-11)


def test_the_features_ignore_a_shift_of_the_image_by_whole_strides(thin):
    image = random_image(size=(96, 96))
    moved = np.roll(image, 8, axis=1)
    first, second = (features(thin, x, n_stages=2, output_stride=4)[8:16, 8:16] for x in (image, moved))
    whole = features(thin, moved, n_stages=2, output_stride=4)[8:16, 10:18]
    assert_allclose(whole, first, atol=1e-11)
    assert not np.allclose(second, first)


@pytest.mark.parametrize("n_stages", [0, 8, -1])
def test_a_stage_that_does_not_exist_is_refused(thin, n_stages):
    with pytest.raises(ValueError, match=f"n_stages must be 1 to 7, got {n_stages}"):
        features(thin, random_image(), n_stages=n_stages)


@pytest.mark.parametrize("output_stride", [0, 1, 3, 64])
def test_a_stride_that_does_not_exist_is_refused(thin, output_stride):
    with pytest.raises(ValueError, match=f"output_stride must be 2, 4, 8, 16 or 32, got {output_stride}"):
        features(thin, random_image(), output_stride=output_stride)


def test_an_image_without_three_channels_is_refused(thin):
    with pytest.raises(ValueError, match=r"image \(H, W, 3\)"):
        features(thin, random_image()[:, :, :1])


def test_folding_leaves_a_kernel_and_a_bias_per_layer_and_changes_nothing_given():
    weights = load()
    folded = fold(weights)
    layers = {name.rpartition("/")[0] for name in weights}
    assert folded.keys() == {f"{layer}/{part}" for layer in layers for part in ("kernel", "bias")}
    assert folded["classifier/kernel"] is weights["classifier/kernel"]
    gain = weights["stem/scale"] / np.sqrt(weights["stem/variance"] + np.float32(1e-3))  # TensorFlow's epsilon
    assert_allclose(folded["stem/kernel"], weights["stem/kernel"] * gain, rtol=1e-6)
    assert all(folded[name].dtype == np.float32 for name in folded)


def test_the_trained_network_has_the_published_number_of_parameters():  # 4.7 M [EfficientNet-Lite README]
    trainable = {name: a for name, a in load().items() if not name.endswith(("/mean", "/variance"))}
    assert sum(a.size for a in trainable.values()) == 4_652_008


@pytest.fixture(scope="module")
def hopper():
    """A portrait in uniform, 600 × 512, that travels with Matplotlib."""
    with Image.open(get_sample_data("grace_hopper.jpg", asfileobj=False)) as photograph:
        return photograph.convert("RGB")


@pytest.mark.parametrize("tier", TIERS)
def test_a_portrait_in_uniform_is_a_military_uniform(trained, hopper, tier):
    # The evaluation of EfficientNet-Lite crops the central 7/8 of the shorter side, 448 pixels, and resizes it to 224
    # by TensorFlow's old rule, whose samples fall on every second pixel exactly.
    crop = np.asarray(hopper, np.float32)[76:524:2, 32:480:2]
    square = np.asarray(hopper.crop((0, 44, 512, 556)).resize((224, 224), Image.Resampling.BICUBIC), np.float32)
    with use_cpu(tier):
        assert int(np.argmax(classify(trained, crop))) == 652
        assert int(np.argmax(classify(trained, square))) == 652


@pytest.mark.parametrize(("name", "label"), [("blackswan", 100), ("flamingo", 130), ("camel", 354)])
def test_a_davis_frame_is_what_it_shows(trained, shared_data, name, label):
    path = shared_data / "davis2016" / "JPEGImages" / "480p" / name / "00000.jpg"
    with Image.open(path) as frame:
        image = np.asarray(frame, np.float32)
    logits = {}
    for tier in TIERS:
        with use_cpu(tier):
            logits[tier] = classify(trained, image)
        assert logits[tier].shape == (1000,)
        assert int(np.argmax(logits[tier])) == label
    # 2^-24 rounding through 50 layers; the winner leads by 0.9.
    assert_allclose(logits[TIERS[-1]], logits["numpy"], atol=1e-4)
