"""`vosref.nn.xception` spelt out by the oracles at both output strides, and its grids."""

import numpy as np
import pytest
import thin_weights
from hypothesis import given
from hypothesis import strategies as st
from literal import Literal, relu
from numpy.testing import assert_allclose
from thin_weights import random_image

from vosref.nn import xception
from vosref.nn.layers import fold

# Stride of entry/block3, and dilation of the middle flow, of exit/block1 and exit/block2 [specs FEELVOS §1.3].
SAMPLING = {16: (2, 1, 1, 2), 8: (1, 2, 2, 4)}
# 130 layers, each a sum of at most 70 rounded terms of the activations' own size, whose sums may cancel.
TOLERANCE = 1e-10


def literal_unit(net, name, x, stride=1, dilation=1):
    """Output of a unit, and of its second separable convolution, which is taken before the ReLU."""
    first = net.separable(f"{name}/1", relu(x), dilation=dilation)
    second = net.separable(f"{name}/2", relu(first), dilation=dilation)
    third = net(f"{name}/3/depthwise", relu(second), stride=stride, dilation=dilation)
    shortcut = net(f"{name}/shortcut", x, stride=stride) if net.has(f"{name}/shortcut") else x
    return net(f"{name}/3/pointwise", third, shortcut), second


def literal(weights, image, output_stride):
    net, (stride, middle, first, second) = Literal(weights, 1e-3), SAMPLING[output_stride]
    x = net("entry/conv1", (image / 127.5 - 1).tolist(), stride=2, activation="relu")
    x = net("entry/conv2", x, activation="relu")
    x, _ = literal_unit(net, "entry/block1", x, stride=2)
    x, low_level = literal_unit(net, "entry/block2", x, stride=2)
    x, _ = literal_unit(net, "entry/block3", x, stride=stride)
    for unit in range(1, 17):
        x, _ = literal_unit(net, f"middle/{unit}", x, dilation=middle)
    x, _ = literal_unit(net, "exit/block1", x, dilation=first)
    for part in (1, 2, 3):
        x = net.separable(f"exit/block2/{part}", x, dilation=second, activation="relu")
    return np.asarray(low_level), np.asarray(x)


@pytest.fixture(scope="module")
def thin():
    return thin_weights.xception()


@pytest.fixture(scope="module", params=SAMPLING)
def spelt_out(request, thin):
    image = random_image(size=(33, 22))
    return request.param, image, literal(thin, image, request.param)


@pytest.mark.parametrize("folded", [False, True])
def test_every_namespace_computes_what_the_oracles_do(xp, thin, spelt_out, folded):
    output_stride, image, expected = spelt_out
    weights = {name: xp.asarray(array) for name, array in thin.items()}
    weights = fold(weights, epsilon=xception.epsilon) if folded else weights
    for ours, theirs in zip(
        xception.encode(weights, xp.asarray(image), output_stride=output_stride), expected, strict=True
    ):
        assert ours.shape == theirs.shape
        assert_allclose(xp.to_numpy(ours), theirs, atol=TOLERANCE * np.abs(theirs).max())


@pytest.mark.usefixtures("definitions")
@given(height=st.integers(1, 70), width=st.integers(1, 40), output_stride=st.sampled_from([8, 16]))
def test_every_image_size_gives_its_grids(thin, height, width, output_stride):
    low_level, features = xception.encode(thin, random_image(size=(height, width)), output_stride=output_stride)
    assert low_level.shape == (-(-height // 4), -(-width // 4), 5)
    assert features.shape == (-(-height // output_stride), -(-width // output_stride), 7)


@pytest.mark.usefixtures("definitions")
def test_low_level_features_may_be_negative_and_the_last_ones_may_not(thin):
    low_level, features = xception.encode(thin, random_image())
    assert low_level.min() < 0 < low_level.max()
    assert features.min() == 0 < features.max()


@pytest.mark.usefixtures("definitions")
def test_both_output_strides_share_the_low_level_features(thin):
    fine, coarse = (xception.encode(thin, random_image(), output_stride=s)[0] for s in (8, 16))
    assert np.array_equal(fine, coarse)


@pytest.mark.usefixtures("definitions")
@pytest.mark.parametrize("size", [(64, 48), (33, 22)])
def test_dilation_makes_up_for_a_removed_stride(thin, size):
    fine, coarse = (xception.encode(thin, random_image(size=size), output_stride=s)[1] for s in (8, 16))
    # Each second cell sees what it saw on the coarse grid; those between are new.
    assert_allclose(fine[::2, ::2], coarse, atol=TOLERANCE * np.abs(coarse).max())


@pytest.mark.parametrize("output_stride", [0, 4, 32])
def test_a_stride_that_does_not_exist_is_refused(thin, output_stride):
    with pytest.raises(ValueError, match=f"output_stride must be 8 or 16, got {output_stride}"):
        xception.encode(thin, random_image(), output_stride=output_stride)


def test_an_image_without_three_channels_is_refused(thin):
    with pytest.raises(ValueError, match=r"^image must be \(H, W, 3\), got \(17, 22, 1\)"):
        xception.encode(thin, random_image()[:, :, :1])
