"""`vosref.gradients.layers` and `.head` against differences of the definitions, against torch, and at the kinks."""

import itertools

import bounds
import numpy as np
import pytest
import thin_weights
from derivatives import along, directions, slopes, torch, torch_gradients
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import SEEDS, layers

from vosref.backend import use_cpu
from vosref.gradients import conv2d_vjp, depthwise_conv2d_vjp, segmentation_head_vjp
from vosref.nn.heads import segmentation_head
from vosref.nn.ops import conv2d, depthwise_conv2d
from vosref.shapes import window_geometry

pytestmark = pytest.mark.usefixtures("definitions")

KINDS = pytest.mark.parametrize(
    ("layer", "vjp", "depthwise"),
    [(conv2d, conv2d_vjp, False), (depthwise_conv2d, depthwise_conv2d_vjp, True)],
    ids=["conv2d", "depthwise"],
)


def plain_layer(image, kernel, *, stride, dilation, padding, groups=None):
    """Torch's convolution of arrays as they are here, channels and taps first."""
    pads = window_geometry(image.shape[:2], tuple(kernel.shape[:2]), stride=stride, dilation=dilation, padding=padding)[
        0
    ]
    padded = torch.nn.functional.pad(image.permute(2, 0, 1)[None], (*pads[1], *pads[0]))
    weight = kernel.permute(2, 0, 1)[:, None] if groups is None else kernel.permute(3, 2, 0, 1)
    groups = len(weight) if groups is None else groups
    # Torch refuses the gradient of some weights whose memory is in another order.
    return torch.nn.functional.conv2d(padded, weight.contiguous(), None, stride, 0, dilation, groups)[0].permute(
        1, 2, 0
    )


def rounding(layer, g, image, kernel, dtype=np.float64, **options):
    """Largest error of a gradient: a sum of products of up to N terms, N the taps or pixels and channels."""
    n, most = image.size + kernel.size + g.size, max(np.abs(image).max(), np.abs(kernel).max())
    return 2 * bounds.gamma(n, dtype) * np.abs(g).sum() * most


# ── convolution ──


@KINDS
@given(data=st.data(), seed=SEEDS)
def test_a_layers_gradient_is_torchs(xp, layer, vjp, depthwise, data, seed):
    image, kernel, _, options = data.draw(layers(depthwise=depthwise))
    g = np.random.default_rng(seed).standard_normal(layer(image, kernel, **options).shape)
    got = [xp.to_numpy(d) for d in vjp(*map(xp.asarray, (g, image, kernel)), **options)]
    expected = torch_gradients(lambda x, k: plain_layer(x, k, **options), g, image, kernel)
    for ours, theirs in zip(got, expected, strict=True):
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).max() <= rounding(layer, g, image, kernel)


@KINDS
@given(data=st.data(), seed=SEEDS)
def test_a_layers_gradient_is_its_slope_by_image_kernel_and_bias(layer, vjp, depthwise, data, seed):
    image, kernel, _, options = data.draw(layers(depthwise=depthwise))
    bias = np.random.default_rng(seed).standard_normal(kernel.shape[-1])
    g = np.random.default_rng(seed).standard_normal(layer(image, kernel, **options).shape)
    gradients = [*vjp(g, image, kernel, **options), g.sum((0, 1))]
    for direction in directions(seed, (image, kernel, bias)):
        # Along a line the result is a polynomial of degree 2, of which central differences are exact at any step.
        got = slopes(lambda *a: layer(*a, **options), g, (image, kernel, bias), direction, 1.0)
        bound = 10 * rounding(layer, g, image, kernel) * (1 + image.size**0.5 + kernel.size**0.5)
        assert abs(got - along(gradients, direction)) <= bound


@KINDS
def test_single_precision_stays_single(xp, layer, vjp, depthwise):
    rng = np.random.default_rng(0)
    image, kernel = rng.standard_normal((5, 4, 4)), rng.standard_normal((3, 3, 4) if depthwise else (3, 3, 2, 6))
    options = {"stride": 2, "padding": ((0, 1), (2, 1))} | ({} if depthwise else {"groups": 2})
    g = rng.standard_normal(layer(image, kernel, **options).shape)
    double = vjp(g, image, kernel, **options)
    single = [xp.to_numpy(d) for d in vjp(*(xp.asarray(a, np.float32) for a in (g, image, kernel)), **options)]
    assert [d.dtype for d in single] == [np.float32] * 2
    for a, b in zip(single, double, strict=True):
        assert np.abs(a - b).max() <= rounding(layer, g, image, kernel, np.float32)


@KINDS
def test_what_does_not_fit_is_refused(xp, layer, vjp, depthwise):
    image, g = (xp.asarray(np.ones(s)) for s in ((5, 4, 2), (5, 4, 2)))
    kernel = xp.asarray(np.ones((3, 3, 2) if depthwise else (3, 3, 2, 2)))
    with pytest.raises(ValueError, match=r"^cotangent must have the result's shape \(3, 2, 2\), got \(5, 4, 2\)$"):
        vjp(g, image, kernel)
    with pytest.raises(ValueError, match=r"takes an image \(H, W, 2\) for this kernel, got "):
        vjp(g, image[:, :, :1], kernel, padding=1)
    with pytest.raises(ValueError, match="^stride and dilation must be 1 or more, got 0 and 1$"):
        vjp(g, image, kernel, stride=0)


# ── the head ──


def problem(seed=0, *, height=5, width=4, n_objects=2, n_cues=3, dtype=np.float64):
    """Weights of the head, and others; a cotangent; features and cues."""
    rng = np.random.default_rng(seed)
    weights = {name: a.astype(dtype) for name, a in thin_weights.heads(seed, n_cues=n_cues).items()}
    features = np.abs(rng.standard_normal((height, width, 4)))
    cues = rng.uniform(0, 1, (height, width, n_objects, n_cues))
    g = rng.standard_normal((height, width, n_objects))
    return weights, *(a.astype(dtype) for a in (g, features, cues))


def plain_head(weights, features, cues, *, relu):
    """The head run on each object by itself, all its channels in one array."""
    logits = []
    for k in range(cues.shape[2]):
        x = torch.cat([features, cues[:, :, k]], 2)
        for i, part in (*itertools.product(range(4), ("depthwise", "pointwise")), (4, "logits")):
            name = f"head/{i}/{part}" if i < 4 else "head/logits"
            groups = None if part == "depthwise" else 1
            pad = 3 if part == "depthwise" else 0
            x = plain_layer(x, weights[f"{name}/kernel"], stride=1, dilation=1, padding=pad, groups=groups)
            x = x + weights[f"{name}/bias"]
            if part == "pointwise" or (part == "depthwise" and relu):
                x = torch.relu(x)
        logits.append(x)
    return torch.cat(logits, 2)


def of_the_head(xp, weights, g, features, cues, *, relu):
    arrays = {name: xp.asarray(a) for name, a in weights.items()}
    d_weights, *others = segmentation_head_vjp(xp.asarray(g), arrays, *map(xp.asarray, (features, cues)), relu=relu)
    return {name: xp.to_numpy(d) for name, d in d_weights.items()}, *map(xp.to_numpy, others)


@pytest.mark.parametrize("relu", [True, False])
@settings(max_examples=3)
@given(seed=SEEDS, n_objects=st.integers(1, 2), n_cues=st.integers(1, 3))
def test_the_heads_gradient_is_torchs(xp, relu, seed, n_objects, n_cues):
    weights, g, features, cues = problem(seed, n_objects=n_objects, n_cues=n_cues)
    d_weights, d_features, d_cues = of_the_head(xp, weights, g, features, cues, relu=relu)
    names = [name for name in weights if name.startswith("head/")]
    assert list(d_weights) == names

    def head(features, cues, *arrays):
        return plain_head(dict(zip(names, arrays, strict=True)), features, cues, relu=relu)

    expected = torch_gradients(head, g, features, cues, *(weights[n] for n in names))
    for ours, theirs in zip((d_features, d_cues, *d_weights.values()), expected, strict=True):
        assert ours.shape == theirs.shape
        # Nine layers of up to 49 · 7 products each round, each way, and signals keep about their size.
        assert np.abs(ours - theirs).max() <= bounds.gamma(18 * 343, np.float64) * max(1, np.abs(theirs).max()) * 10


@pytest.mark.parametrize("relu", [True, False])
@settings(max_examples=8)
@given(seed=SEEDS)
def test_the_heads_gradient_is_its_slope_where_no_step_meets_a_kink(relu, seed):
    weights, g, features, cues = problem(seed, n_objects=1)
    d_weights, d_features, d_cues = segmentation_head_vjp(g, weights, features, cues, relu=relu)
    names, arrays = list(d_weights), [features, cues, *(weights[n] for n in d_weights)]

    def head(features, cues, *arrays):
        return segmentation_head(dict(zip(names, arrays, strict=True)), features, cues, relu=relu)

    gradients = [d_features, d_cues, *d_weights.values()]
    size = sum(np.abs(d).sum() for d in gradients)
    for direction in directions(seed, arrays):
        got, finer = (slopes(head, g, arrays, direction, step) for step in (1e-6, 2.5e-7))
        assume(abs(got - finer) <= 1e-8 * size)  # a kink between the steps makes their slopes differ
        assert abs(got - along(gradients, direction)) <= 1e-7 * size


def test_the_heads_gradient_is_the_same_by_the_twins_but_for_rounding():
    weights, g, features, cues = problem()
    d_weights, *others = segmentation_head_vjp(g, weights, features, cues)
    with use_cpu("numba"):
        theirs, *rest = segmentation_head_vjp(g, weights, features, cues)
    for a, b in zip((*d_weights.values(), *others), (*theirs.values(), *rest), strict=True):
        assert np.abs(a - b).max() <= bounds.gamma(18 * 343, np.float64) * max(1, np.abs(a).max()) * 10  # as above


def test_at_0_a_relu_passes_nothing_on(xp):
    weights, g, features, cues = problem()
    for name in weights:
        if name.startswith("head/3/pointwise"):
            weights[name] = np.zeros_like(weights[name])  # every result of the layer is 0
    d_weights, d_features, d_cues = of_the_head(xp, weights, g, features, cues, relu=True)
    assert not d_features.any()
    assert not d_cues.any()
    assert {name for name, d in d_weights.items() if d.any()} == {"head/logits/bias"}


def test_the_heads_single_precision_stays_single(xp):
    weights, g, features, cues = problem(dtype=np.float32)
    d_weights, *others = of_the_head(xp, weights, g, features, cues, relu=True)
    assert {d.dtype for d in (*d_weights.values(), *others)} == {np.dtype(np.float32)}
    assert all(d.shape == weights[name].shape for name, d in d_weights.items())


def test_features_cues_and_cotangents_that_do_not_belong_together_are_refused(xp):
    weights, g, features, cues = problem()
    arrays = {name: xp.asarray(a) for name, a in weights.items()}
    rule = r"^features \(h, w, C\) and cues \(h, w, K, n\) must share h and w, with C \+ n = 7 and K 1 or more, got "
    for wrong in (
        (g, features, cues[..., :2]),
        (g, features, cues[:, :, 0]),
        (g, features, cues[:, :, :0]),
        (g, features, cues[:4]),
    ):
        with pytest.raises(ValueError, match=rule):
            segmentation_head_vjp(*map(xp.asarray, wrong[:1]), arrays, *(xp.asarray(a.copy()) for a in wrong[1:]))
    with pytest.raises(ValueError, match=r"^cotangent must have the result's shape \(5, 4, 2\), got \(5, 4, 1\)$"):
        segmentation_head_vjp(xp.asarray(g[:, :, :1].copy()), arrays, xp.asarray(features), xp.asarray(cues))
