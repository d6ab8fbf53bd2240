"""`vosref.nn.efficientnet`: spelt out by the oracles with random weights, and photographs with the trained ones."""

import os

import numpy as np
import pytest
import thin_weights
from hypothesis import given
from hypothesis import strategies as st
from literal import Literal
from matplotlib.cbook import get_sample_data
from numpy.testing import assert_allclose
from PIL import Image
from thin_weights import random_image

from vosref.backend import use_cpu
from vosref.nn.efficientnet import STAGES, classify, encode, epsilon, features
from vosref.nn.layers import fold
from vosref.weights import load

SIZE = 33, 41  # odd, and a multiple of no stride
STAGE_STRIDES = (2, 4, 8, 16, 16, 32, 32)
# Interpreted loops over a photograph would take minutes; the interpreted twins are tested on small layers instead.
TIERS = ["numpy"] if os.environ.get("NUMBA_DISABLE_JIT") == "1" else ["numpy", "numba"]
# 60 layers, each a sum of at most 1200 rounded terms of the activations' own size: 60 × 1200 × 2^-53 < 1e-11.
TOLERANCE = 1e-10


def grid(size, stride):
    return tuple(-(-n // stride) for n in size)


@pytest.fixture(scope="module")
def thin():
    return thin_weights.efficientnet()


@pytest.fixture(scope="module")
def trained():
    return fold(load("lite0"), epsilon=epsilon)


def literal(weights, image, *, size, output_stride, dilate):
    """Every stage's map."""
    net, repeats = Literal(weights, 1e-3), thin_weights.REPEATS[size > 0]
    x = net("stem", ((image - 127) / 128).tolist(), stride=2, padding="same", activation="relu6")
    block, reached, dilation, maps = 0, 2, 1, []
    for stage, stride in enumerate((1, 2, 2, 2, 1, 2, 1)):
        for repeat in range(repeats[stage]):
            name = f"blocks/{block}"
            step = stride if repeat == 0 and reached * stride <= output_stride else 1
            inner = net(f"{name}/expand", x, activation="relu6") if stage > 0 else x
            sampling = {"stride": step, "dilation": dilation, "padding": "same", "activation": "relu6"}
            inner = net(f"{name}/depthwise", inner, **sampling)
            x = net(f"{name}/project", inner, x if repeat > 0 else None)
            if repeat == 0 and reached * stride > output_stride:
                dilation *= stride if dilate else 1
            elif repeat == 0:
                reached *= stride
            block += 1
        maps.append(np.asarray(x))
    return maps


@pytest.fixture(
    scope="module",
    params=[
        {"size": 0, "output_stride": 32, "dilate": False},
        {"size": 0, "output_stride": 8, "dilate": True},
        {"size": 1, "output_stride": 16, "dilate": False},
        {"size": 2, "output_stride": 4, "dilate": True},
    ],
    ids=str,
)
def spelt_out(request):
    size, image = request.param["size"], random_image(size=(17, 14))
    weights = thin_weights.efficientnet(size)
    options = {key: request.param[key] for key in ("output_stride", "dilate")}
    return weights, image, options, literal(weights, image, size=size, **options)


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("n_stages", [2, 7])
def test_every_namespace_computes_what_the_oracles_do(xp, spelt_out, folded, n_stages):
    weights, image, options, maps = spelt_out
    weights = {name: xp.asarray(array) for name, array in weights.items()}
    weights = fold(weights, epsilon=epsilon) if folded else weights
    got = xp.to_numpy(features(weights, xp.asarray(image), n_stages=n_stages, **options))
    expected = maps[n_stages - 1]
    assert got.shape == expected.shape
    assert_allclose(got, expected, atol=TOLERANCE * np.abs(expected).max())


def test_every_namespace_computes_the_same_logits(xp, thin):
    weights = {name: xp.asarray(array) for name, array in thin.items()}
    got = xp.to_numpy(classify(weights, xp.asarray(random_image())))
    last = features(thin, random_image())
    mean = np.asarray(Literal(thin, 1e-3)("head", last.tolist(), activation="relu6")).mean(axis=(0, 1))
    assert_allclose(got, mean @ thin["classifier/kernel"] + thin["classifier/bias"], atol=1e-9)


@pytest.mark.usefixtures("definitions")
@pytest.mark.parametrize("output_stride", [2, 4, 8, 16, 32])
@pytest.mark.parametrize("n_stages", range(1, 8))
def test_the_grid_is_the_image_divided_by_the_stride_rounded_up(thin, n_stages, output_stride):
    got = features(thin, random_image(size=(33, 17)), n_stages=n_stages, output_stride=output_stride)
    stride = min(output_stride, STAGE_STRIDES[n_stages - 1])
    assert got.shape == (*grid((33, 17), stride), thin_weights.CHANNELS[0][n_stages - 1] // 8)


@pytest.mark.usefixtures("definitions")
@given(height=st.integers(1, 40), width=st.integers(1, 40), output_stride=st.sampled_from([4, 8, 16, 32]))
def test_every_image_size_gives_its_grid(thin, height, width, output_stride):
    for dilate in (False, True):
        options = {"output_stride": output_stride, "dilate": dilate}
        got = features(thin, random_image(size=(height, width)), **options)
        assert got.shape[:2] == grid((height, width), output_stride)


@pytest.mark.usefixtures("definitions")
@pytest.mark.parametrize("output_stride", [4, 8, 16, 32])
@pytest.mark.parametrize("size", [0, 1, 2])
def test_an_encoder_gives_stride_4_and_the_last_stage_dilated(size, output_stride):
    weights, image = thin_weights.efficientnet(size), random_image(size=(33, 22))
    low_level, last = encode(weights, image, output_stride=output_stride)
    assert np.array_equal(low_level, features(weights, image, n_stages=2, output_stride=output_stride))
    assert np.array_equal(last, features(weights, image, output_stride=output_stride, dilate=True))
    assert low_level.shape == (*grid((33, 22), 4), 3)
    assert last.shape == (*grid((33, 22), output_stride), thin_weights.CHANNELS[size > 1][-1] // 8)


@pytest.mark.parametrize(("n_stages", "channels"), [*enumerate((16, 24, 40, 80, 112, 192, 320), start=1)])
def test_the_stages_have_the_published_channels(trained, n_stages, channels):
    with use_cpu("numpy"):
        image = random_image(size=SIZE).astype(np.float32)
        got = features(trained, image, n_stages=n_stages, output_stride=32)
    assert got.shape == (*grid(SIZE, STAGE_STRIDES[n_stages - 1]), channels)
    assert got.dtype == np.float32


@pytest.mark.usefixtures("definitions")
def test_up_to_stride_8_nothing_is_removed(thin):
    fine, coarse = (features(thin, random_image(size=SIZE), n_stages=3, output_stride=s) for s in (8, 32))
    assert np.array_equal(fine, coarse)


@pytest.mark.usefixtures("definitions")
def test_a_removed_stride_leaves_the_weights_alone_and_computes_the_cells_between(thin):
    # Blocks 6 and 7 add nothing to their shortcut, so that stage 4 is its first block, which strides from 8 to 16.
    silent = {
        name: 0 * a if name.startswith(("blocks/6/project", "blocks/7/project")) else a for name, a in thin.items()
    }
    fine, coarse = (features(silent, random_image(size=SIZE), n_stages=4, output_stride=s) for s in (8, 16))
    assert (fine.shape[:2], coarse.shape[:2]) == (grid(SIZE, 8), grid(SIZE, 16)) == ((5, 6), (3, 3))
    # 'same' padding starts a stride of 2 at cell 0 of an odd length, 5, and at cell 1 of an even one, 6.
    assert_allclose(fine[::2, 1::2], coarse, atol=1e-11)


@pytest.mark.usefixtures("definitions")
def test_the_features_ignore_a_shift_of_the_image_by_whole_strides(thin):
    image = random_image(size=(96, 96))
    moved = np.roll(image, 8, axis=1)
    first, second = (features(thin, x, n_stages=2, output_stride=4)[8:16, 8:16] for x in (image, moved))
    whole = features(thin, moved, n_stages=2, output_stride=4)[8:16, 10:18]
    assert_allclose(whole, first, atol=1e-11)
    assert not np.allclose(second, first)


@pytest.mark.parametrize("n_stages", [0, 8, -1])
def test_a_stage_that_does_not_exist_is_refused(thin, n_stages):
    with pytest.raises(ValueError, match=f"n_stages must be 1 to {len(STAGES)}, got {n_stages}"):
        features(thin, random_image(), n_stages=n_stages)


@pytest.mark.parametrize("output_stride", [0, 1, 3, 64])
def test_a_stride_that_does_not_exist_is_refused(thin, output_stride):
    with pytest.raises(ValueError, match=f"output_stride must be 2, 4, 8, 16 or 32, got {output_stride}"):
        features(thin, random_image(), output_stride=output_stride)


def test_an_image_without_three_channels_is_refused(thin):
    with pytest.raises(ValueError, match=r"image must be \(H, W, 3\), got \(17, 22, 1\)"):
        features(thin, random_image()[:, :, :1])


def test_the_trained_network_has_the_published_number_of_parameters():  # 4.7 M [EfficientNet-Lite README]
    trainable = {name: a for name, a in load("lite0").items() if not name.endswith(("/mean", "/variance"))}
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
