"""`vosref.nn.deeplab` spelt out by the oracles, on Xception-65 and on a light encoder."""

import numpy as np
import pytest
import thin_weights
from literal import Literal, concat, resize
from numpy.testing import assert_allclose
from thin_weights import random_image

from vosref.nn import deeplab, efficientnet, xception
from vosref.nn.layers import fold
from vosref.resize import resize_bilinear

RATES = {16: (6, 12, 18), 8: (12, 24, 36)}  # specs FEELVOS §1.4
# 20 layers, each a sum of at most 63 rounded terms of the activations' own size.
TOLERANCE = 1e-11


def literal_pyramid(weights, encoded, rates):
    net = Literal(weights, 1e-5)
    pooled = net("aspp/pooling", np.mean(encoded, axis=(0, 1), keepdims=True).tolist(), activation="relu")
    views = [np.broadcast_to(pooled, (*np.shape(encoded)[:2], 4)), net("aspp/0", encoded, activation="relu")]
    views += [net.separable(f"aspp/{i}", encoded, dilation=r, activation="relu") for i, r in enumerate(rates, 1)]
    return net("aspp/projection", concat(*views), activation="relu")


def literal_decoder(weights, low_level, context):
    net = Literal(weights, 1e-5)
    fine = net("decoder/low_level", low_level, activation="relu")
    x = concat(resize(context, len(fine), len(fine[0])), fine)
    for i in (0, 1):
        x = net.separable(f"decoder/{i}", x, activation="relu")
    return x


def encoder_output(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.fixture(scope="module")
def thin():
    return thin_weights.deeplab()


@pytest.mark.parametrize("output_stride", RATES)
@pytest.mark.parametrize("folded", [False, True])
def test_the_pyramid_is_what_the_oracles_make_of_it(xp, thin, output_stride, folded):
    encoded = encoder_output(0, 9, 7, 7)
    expected = literal_pyramid(thin, encoded.tolist(), RATES[output_stride])
    weights = {name: xp.asarray(array) for name, array in thin.items()}
    weights = fold(weights, epsilon=deeplab.epsilon) if folded else weights
    got = deeplab.pyramid(weights, xp.asarray(encoded), rates=deeplab.RATES[output_stride])
    assert_allclose(xp.to_numpy(got), expected, atol=TOLERANCE * np.max(expected))


@pytest.mark.parametrize(("fine", "coarse"), [((9, 12), (5, 6)), ((9, 12), (3, 3)), ((7, 5), (7, 5)), ((3, 2), (1, 1))])
@pytest.mark.parametrize("folded", [False, True])
def test_the_decoder_is_what_the_oracles_make_of_it(xp, thin, fine, coarse, folded):
    low_level, context = encoder_output(1, *fine, 5), np.abs(encoder_output(2, *coarse, 4))
    expected = literal_decoder(thin, low_level.tolist(), context.tolist())
    weights = {name: xp.asarray(array) for name, array in thin.items()}
    weights = fold(weights, epsilon=deeplab.epsilon) if folded else weights
    got = deeplab.decode(weights, xp.asarray(low_level), xp.asarray(context))
    assert got.shape == (*fine, 4)
    assert_allclose(xp.to_numpy(got), expected, atol=TOLERANCE * np.max(expected))


def test_the_order_of_the_views_is_the_order_of_the_projections_channels(thin):
    encoded = encoder_output(0, 6, 5, 7)
    whole = deeplab.pyramid(thin, encoded, rates=(6, 12, 18))
    # The pooling comes first: without its four channels, a mean that differs changes nothing.
    kernel = thin["aspp/projection/kernel"].copy()
    kernel[:, :, :4] = 0
    no_pooling = thin | {"aspp/projection/kernel": kernel}
    other = no_pooling | {"aspp/pooling/offset": thin["aspp/pooling/offset"] + 1}
    without = deeplab.pyramid(no_pooling, encoded, rates=(6, 12, 18))
    assert np.array_equal(without, deeplab.pyramid(other, encoded, rates=(6, 12, 18)))
    assert not np.allclose(without, whole)
    # Two branches that change places, with their rates and with their channels, make the same sum.
    parts = [name.removeprefix("aspp/1/") for name in thin if name.startswith("aspp/1/")]
    swapped = {f"aspp/{i}/{part}": thin[f"aspp/{4 - i}/{part}"] for i in (1, 3) for part in parts}
    order = [*range(8), *range(16, 20), *range(12, 16), *range(8, 12)]
    swapped |= {"aspp/projection/kernel": thin["aspp/projection/kernel"][:, :, order]}
    assert_allclose(deeplab.pyramid(thin | swapped, encoded, rates=(18, 12, 6)), whole, atol=1e-12)


def test_the_decoder_takes_the_context_before_the_low_level_features(thin):
    low_level, context = encoder_output(1, 6, 5, 5), np.abs(encoder_output(2, 3, 3, 4))
    kernel = thin["decoder/0/depthwise/kernel"].copy()
    kernel[:, :, :4] = 0
    blind = thin | {"decoder/0/depthwise/kernel": kernel}
    assert np.array_equal(deeplab.decode(blind, low_level, context), deeplab.decode(blind, low_level, 2 * context))
    assert not np.array_equal(deeplab.decode(thin, low_level, context), deeplab.decode(thin, low_level, 2 * context))


ENCODERS = {
    "xception": (thin_weights.xception, thin_weights.deeplab, xception.encode),
    "lite0": (thin_weights.efficientnet, lambda: thin_weights.deeplab(low_level=3, encoded=40), efficientnet.encode),
}


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("output_stride", RATES)
@pytest.mark.parametrize("size", [(33, 22), (64, 5), (1, 1)])
def test_the_network_is_encoder_pyramid_and_decoder(encoder, output_stride, size):
    trunk, top, encode = ENCODERS[encoder]
    weights, image = trunk() | top(), random_image(size=size)
    got = deeplab.features(weights, image, output_stride=output_stride)
    low_level, encoded = encode(weights, image, output_stride=output_stride)
    context = deeplab.pyramid(weights, encoded, rates=RATES[output_stride])
    assert np.array_equal(got, deeplab.decode(weights, low_level, context))
    assert got.shape == (-(-size[0] // 4), -(-size[1] // 4), 4)
    assert got.min() >= 0
    folded = fold(weights, epsilon=deeplab.epsilon)
    assert_allclose(deeplab.features(folded, image, output_stride=output_stride), got, atol=1e-9 * np.max(got))


@pytest.mark.parametrize("size", [(33, 22), (8, 5), (1, 1)])
@pytest.mark.parametrize("lite", [0, 1])
def test_a_trunk_of_five_stages_sees_the_frame_enlarged_twice_whatever_the_stride(lite, size):
    trunk, image, seen = thin_weights.efficientnet(lite), random_image(size=size), (2 * size[0], 2 * size[1])
    beyond = tuple(f"blocks/{i}/" for i in range(11 if lite == 0 else 15, 30))
    trunk = {name: array for name, array in trunk.items() if not name.startswith(beyond)}
    weights = trunk | thin_weights.deeplab(low_level=5, encoded=14)
    larger = resize_bilinear(image, size=seen, align_corners=True)
    options = [{"n_stages": 3, "output_stride": 8}, {"n_stages": 5, "output_stride": 16}]
    low_level, encoded = (efficientnet.features(trunk, larger, dilate=True, **each) for each in options)
    context = deeplab.pyramid(weights, encoded, rates=RATES[16])
    expected = deeplab.decode(weights, low_level, context)
    for output_stride in RATES:
        got = deeplab.features(weights, image, output_stride=output_stride)
        assert_allclose(got, expected, atol=1e-9 * np.max(expected))
    assert expected.shape == (-(-size[0] // 4), -(-size[1] // 4), 4)
    assert encoded.shape[:2] == (-(-size[0] // 8), -(-size[1] // 8))


def test_the_norms_of_the_encoder_have_another_epsilon():
    assert {deeplab.epsilon(name) for name in ("aspp/0", "aspp/1/depthwise", "decoder/low_level")} == {1e-5}
    assert {deeplab.epsilon(name) for name in ("entry/conv1", "middle/3/1/pointwise", "stem", "blocks/0/project")} == {
        1e-3
    }


@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_stride_that_does_not_exist_is_refused(encoder):
    trunk, top, _ = ENCODERS[encoder]
    with pytest.raises(ValueError, match="output_stride must be 8 or 16, got 4"):
        deeplab.features(trunk() | top(), random_image(), output_stride=4)
