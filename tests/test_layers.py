"""`vosref.nn.layers`: what a layer does with the arrays under its name, and that folding changes no result."""

import numpy as np
import pytest
import thin_weights
from literal import Literal
from numpy.testing import assert_allclose

from vosref.nn import ops
from vosref.nn.layers import Layers, fold
from vosref.nn.winograd import transform_kernel


def epsilon(_name):
    return 1e-3


def drawn(*, bias=False, c_in=3, c_out=5):
    """A 3×3, a 1×1 and a depthwise layer, with norms or with biases."""
    drawing = thin_weights.Drawing(7)
    drawing.conv("three", 3, c_in, c_out, bias=bias)
    drawing.conv("one", 1, c_in, c_out, bias=bias)
    drawing.depthwise("deep", 5, c_in, bias=bias)
    return drawing.weights


def image(channels=3, seed=0):
    return np.random.default_rng(seed).standard_normal((6, 7, channels))


OPTIONS = [
    {},
    {"activation": "relu"},
    {"stride": 2, "activation": "relu6"},
    {"dilation": 2},
    {"stride": 2, "padding": "same"},
    {"padding": 2},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("folded", [False, True])
def test_a_layer_is_its_convolution_then_its_norm_or_bias_then_the_activation(xp, bias, folded, options):
    weights, x = drawn(bias=bias), image()
    literal = Literal(weights, 1e-3)
    arrays = {name: xp.asarray(a) for name, a in weights.items()}
    net = Layers(fold(arrays, epsilon=epsilon) if folded else arrays, epsilon)
    for name, run in (("three", net.conv), ("one", net.conv), ("deep", net.depthwise)):
        got = xp.to_numpy(run(name, xp.asarray(x), **options))
        # At most 28 terms of size 10: far below the tolerance in double precision.
        assert_allclose(got, literal(name, x.tolist(), **options), atol=1e-12)


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_the_shortcut_comes_after_the_norm_and_before_the_activation(xp, bias, folded):
    weights, x, shortcut = drawn(bias=bias), image(), image(5, seed=1)
    expected = Literal(weights, 1e-3)("three", x.tolist(), shortcut.tolist(), activation="relu")
    arrays = {name: xp.asarray(a) for name, a in weights.items()}
    net = Layers(fold(arrays, epsilon=epsilon) if folded else arrays, epsilon)
    got = net.conv("three", xp.asarray(x), xp.asarray(shortcut), activation="relu")
    assert_allclose(xp.to_numpy(got), expected, atol=1e-12)


def test_a_layer_without_norm_and_bias_is_the_convolution_alone(xp):
    x, kernel = xp.asarray(image()), xp.asarray(drawn()["three/kernel"])
    net = Layers({"plain/kernel": kernel}, epsilon)
    got = xp.to_numpy(net.conv("plain", x))
    assert np.array_equal(got, xp.to_numpy(ops.conv2d(x, kernel, padding=1)))
    assert list(fold({"plain/kernel": kernel}, epsilon=epsilon)) == ["plain/kernel"]


@pytest.mark.parametrize("dilation", [1, 2, 5])
@pytest.mark.parametrize("name", ["three", "one", "deep"])
def test_padding_keeps_the_size_unless_it_is_given(name, dilation):
    net = Layers(drawn(), epsilon)
    run = net.depthwise if name == "deep" else net.conv
    assert net.size(run(name, image(), dilation=dilation)) == (6, 7)
    assert net.size(run(name, image(), stride=2, dilation=dilation)) == (3, 4)


def test_folding_leaves_kernels_and_biases_and_changes_nothing_given():
    weights = {**drawn(), **{f"b/{name}": a for name, a in drawn(bias=True).items()}}
    before = {name: a.copy() for name, a in weights.items()}
    folded = fold(weights, epsilon=epsilon)
    layers = {name.rpartition("/")[0] for name in weights}
    assert folded.keys() == {f"{layer}/{part}" for layer in layers for part in ("kernel", "bias")}
    assert folded["b/one/kernel"] is weights["b/one/kernel"]
    assert folded["b/one/bias"] is weights["b/one/bias"]
    assert all(np.array_equal(a, weights[name]) for name, a in before.items())
    gain = weights["three/scale"] / np.sqrt(weights["three/variance"] + 1e-3)
    assert_allclose(folded["three/kernel"], weights["three/kernel"] * gain, rtol=1e-15)
    assert_allclose(folded["three/bias"], weights["three/offset"] - weights["three/mean"] * gain, atol=1e-15)


def test_every_layer_has_its_own_epsilon():
    asked = []

    def of_name(name):
        asked.append(name)
        return {"three": 1e-5, "one": 0.1, "deep": 1e-3}[name]

    weights = drawn()
    folded = fold(weights, epsilon=of_name)
    assert sorted(asked) == ["deep", "one", "three"]
    assert_allclose(
        folded["one/kernel"], weights["one/kernel"] * weights["one/scale"] / np.sqrt(weights["one/variance"] + 0.1)
    )
    assert_allclose(Layers(weights, of_name).conv("one", image()), Layers(folded, of_name).conv("one", image()))


WIDE = {"c_in": 16, "c_out": 17}


def test_3_by_3_kernels_of_16_channels_and_more_run_by_winograd_unless_refused():
    weights = drawn(**WIDE)
    folded, exact = fold(weights, epsilon=epsilon), fold(weights, epsilon=epsilon, winograd=False)
    assert folded.keys() - exact.keys() == {"three/winograd"}
    assert np.array_equal(folded["three/winograd"], transform_kernel(exact["three/kernel"]))
    assert "three/winograd" not in fold(drawn(c_in=15, c_out=40), epsilon=epsilon)
    x = image(16)
    fast, slow = (Layers(w, epsilon).conv("three", x, activation="relu") for w in (folded, exact))
    assert not np.array_equal(fast, slow)
    assert_allclose(fast, slow, atol=1e-11)  # 100 × 145 terms × 2^-53 × their size, below 10


@pytest.mark.parametrize("options", [*OPTIONS[2:], {"padding": 0}, {"padding": ((1, 0), (0, 1))}], ids=str)
def test_a_layer_sampled_in_another_way_keeps_the_direct_sum(options):
    weights, x = drawn(**WIDE), image(16)
    folded, exact = fold(weights, epsilon=epsilon), fold(weights, epsilon=epsilon, winograd=False)
    fast, slow = (Layers(w, epsilon).conv("three", x, **options) for w in (folded, exact))
    assert np.array_equal(fast, slow)


def test_the_small_methods_say_what_there_is(xp):
    x, net = xp.asarray(image()), Layers({name: xp.asarray(a) for name, a in drawn().items()}, epsilon)
    assert (net.has("three"), net.has("four")) == (True, False)
    assert (net.width("three"), net.channels(x), net.size(x)) == (5, 3, (6, 7))
    mean = xp.to_numpy(net.mean("mean", x))
    assert_allclose(mean, image().mean(axis=(0, 1), keepdims=True), atol=1e-15)
    assert net.resize("larger", x, (8, 9)).shape == (8, 9, 3)
    assert np.array_equal(xp.to_numpy(net.concat("twice", [x, x])), np.concatenate([image()] * 2, axis=2))
    assert net.max_pool("pool", x, size=3, stride=2, padding=1).shape == (3, 4, 3)


def test_an_image_is_brought_to_scale_channel_by_channel(xp):
    x, net = np.abs(image()), Layers({}, epsilon)
    gain, offset = [2.0, 0.5, -1.0], [-1.0, 0.0, 3.0]
    got = xp.to_numpy(net.standardise(xp.asarray(x), gain, offset))
    assert_allclose(got, x * gain + offset, rtol=1e-15, atol=1e-15)
    single = xp.to_numpy(net.standardise(xp.asarray(x.astype(np.float32)), gain, offset))
    assert single.dtype == np.float32
    with pytest.raises(ValueError, match=r"^image must be \(H, W, 3\), got \(6, 7, 1\)"):
        net.standardise(xp.asarray(x[:, :, :1].copy()), gain, offset)
    with pytest.raises(ValueError, match=r"^image must be \(H, W, 3\), got \(6, 7\)"):
        net.standardise(xp.asarray(x[:, :, 0].copy()), gain, offset)
