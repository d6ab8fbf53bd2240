"""`vosref.nn.heads`: the head that shares what objects share, against the head run on each object by itself."""

import itertools

import bounds
import numpy as np
import pytest
import thin_weights
from hypothesis import given
from hypothesis import strategies as st
from literal import Literal, concat
from numpy.testing import assert_allclose
from strategies import SEEDS

from vosref.backend import use_cpu
from vosref.nn import heads, ops
from vosref.nn.layers import fold

WIDTH = 4
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def problem(seed=0, *, height=5, width=6, n_objects=3, n_cues=3, dtype=np.float64):
    """Weights, the decoder's features, and each object's cues."""
    rng = np.random.default_rng(seed)
    weights = {name: a.astype(dtype) for name, a in thin_weights.heads(seed, n_cues=n_cues).items()}
    features = np.abs(rng.standard_normal((height, width, WIDTH))).astype(dtype)
    return weights, features, rng.uniform(0, 1, (height, width, n_objects, n_cues)).astype(dtype)


def one_object(weights, features, cues):
    """The logit of one object, all its channels in one array, and the bound on the rounding of each way to it."""
    x = np.concatenate([features, cues], axis=2)
    error = np.zeros(x.shape)
    for layer, part in (*itertools.product(range(4), ("depthwise", "pointwise")), (4, "logits")):
        name = f"head/{layer}/{part}" if layer < 4 else "head/logits"
        kernel, bias = weights[f"{name}/kernel"], weights[f"{name}/bias"]
        convolve = ops.depthwise_conv2d if part == "depthwise" else ops.conv2d
        options, absolute = {"padding": 3 if part == "depthwise" else 0}, np.abs(kernel).astype(np.float64)
        n_products = 49 if part == "depthwise" else kernel.shape[2]
        magnitude = convolve(np.abs(x) + error, absolute, np.abs(bias).astype(np.float64), **options)
        # What the layer rounds, and what it makes of the errors before it; a ReLU adds none.
        error = bounds.convolution_bound(magnitude, n_products, x.dtype) + convolve(error, absolute, **options)
        x = convolve(x, kernel, bias, activation="relu" if layer < 4 else None, **options)
    return x[:, :, 0], error[:, :, 0]


@DTYPES
@given(
    seed=SEEDS,
    height=st.integers(1, 6),
    width=st.integers(1, 6),
    n_objects=st.integers(1, 3),
    n_cues=st.integers(1, 3),
    folded=st.booleans(),
)
def test_sharing_changes_no_object_beyond_rounding(xp, dtype, seed, height, width, n_objects, n_cues, folded):
    sizes = {"height": height, "width": width, "n_objects": n_objects, "n_cues": n_cues}
    weights, features, cues = problem(seed, **sizes, dtype=dtype)
    arrays = {name: xp.asarray(a) for name, a in weights.items()}
    used = fold({k: a for k, a in arrays.items() if k.startswith("head")}, epsilon=heads.epsilon) if folded else arrays
    got = xp.to_numpy(heads.segmentation_head(used, xp.asarray(features), xp.asarray(cues)))
    assert got.dtype == dtype
    assert got.shape == (height, width, n_objects)
    for k in range(n_objects):
        alone, bound = one_object(weights, features, cues[:, :, k])
        assert (np.abs(got[:, :, k] - alone) <= 2 * bound).all()


def test_an_objects_logit_is_what_the_oracles_make_of_its_channels_in_their_order():
    weights, features, cues = problem()
    net, got = Literal(weights, None), heads.segmentation_head(weights, features, cues)
    for k in range(3):
        x = concat(features, cues[:, :, k])
        for i in range(4):
            x = net.separable(f"head/{i}", x, activation="relu")
        assert_allclose(got[:, :, k : k + 1], net("head/logits", x), atol=1e-11)


@pytest.mark.parametrize("tier", ["numpy", "numba"])
@given(seed=SEEDS, order=st.permutations(range(4)), kept=st.integers(1, 4))
def test_objects_neither_see_nor_count_each_other(tier, seed, order, kept):
    weights, features, cues = problem(seed, n_objects=4)
    with use_cpu(tier):
        every = heads.segmentation_head(weights, features, cues)
        chosen = heads.segmentation_head(weights, features, cues[:, :, order[:kept]])
    assert np.array_equal(chosen, every[:, :, order[:kept]])


def test_objects_with_equal_cues_have_equal_logits(xp):
    weights, features, cues = problem(n_objects=1)
    arrays = {name: xp.asarray(a) for name, a in weights.items()}
    both = xp.asarray(np.repeat(cues, 2, axis=2))
    got = xp.to_numpy(heads.segmentation_head(arrays, xp.asarray(features), both))
    assert np.array_equal(got[:, :, 0], got[:, :, 1])


def test_the_split_parts_add_up_to_the_first_layer():
    weights, features, cues = problem(n_objects=1)
    split = heads.split_head(weights, WIDTH)
    assert {name: split[name] for name in weights if name.startswith("head/")}.keys() <= split.keys()
    assert not any(name.startswith("embedding/") for name in split)
    assert "head/0/own/pointwise/bias" not in split
    net = Literal(weights, None)
    whole = net("head/0/pointwise", net("head/0/depthwise", concat(features, cues[:, :, 0])))
    parts = 0.0
    for part, x in (("shared", features), ("own", cues[:, :, 0])):
        deep = ops.depthwise_conv2d(x, *(split[f"head/0/{part}/depthwise/{a}"] for a in ("kernel", "bias")), padding=3)
        parts = parts + ops.conv2d(deep, split[f"head/0/{part}/pointwise/kernel"])
    assert_allclose(parts + split["head/0/shared/pointwise/bias"], whole, atol=1e-11)


@DTYPES
def test_the_embedding_is_depthwise_then_pointwise_with_a_relu_after_each(xp, dtype):
    weights, features, _ = problem(dtype=dtype)
    expected = Literal(weights, None).separable("embedding", features.tolist(), activation="relu")
    arrays = {name: xp.asarray(a) for name, a in weights.items()}
    got = xp.to_numpy(heads.embedding(arrays, xp.asarray(features)))
    assert got.dtype == dtype
    assert got.shape == (5, 6, 3)
    assert got.min() == 0
    assert_allclose(got, expected, atol=1e-5 if dtype == np.float32 else 1e-13)


@pytest.mark.parametrize("relu", [True, False])
def test_without_its_relus_embedding_and_head_rectify_where_the_paper_does(xp, relu):
    weights, features, cues = problem(n_objects=1)
    net, activation = Literal(weights, None), "relu" if relu else None
    arrays = {name: xp.asarray(a) for name, a in weights.items()}
    got = xp.to_numpy(heads.embedding(arrays, xp.asarray(features), relu=relu))
    assert_allclose(got, net.separable("embedding", features.tolist(), activation=activation), atol=1e-13)
    assert (got.min() < 0) == (not relu)
    x = concat(features, cues[:, :, 0])
    for i in range(4):
        x = net(f"head/{i}/pointwise", net(f"head/{i}/depthwise", x, activation=activation), activation="relu")
    logits = xp.to_numpy(heads.segmentation_head(arrays, xp.asarray(features), xp.asarray(cues), relu=relu))
    assert_allclose(logits, net("head/logits", x), atol=1e-11)


PARTS = ["features", "global", "previous", "local"]


@given(
    seed=SEEDS, theirs=st.permutations(PARTS), ours=st.permutations(PARTS), left_out=st.sets(st.sampled_from(PARTS[1:]))
)
def test_reordered_weights_take_the_same_channels_in_another_order(xp, seed, theirs, ours, left_out):
    theirs, ours = ([part for part in order if part not in left_out] for order in (theirs, ours))
    weights, features, cues = problem(seed, n_cues=3 - len(left_out), n_objects=1)
    parts = [part for part in PARTS if part not in left_out]
    split = np.split(np.concatenate([features, cues[:, :, 0]], axis=2), range(WIDTH, WIDTH + len(parts) - 1), axis=2)
    channels = dict(zip(parts, split, strict=True))

    def first_layer(w, order):
        x = np.concatenate([channels[part] for part in order], axis=2)
        deep = ops.depthwise_conv2d(x, w["head/0/depthwise/kernel"], w["head/0/depthwise/bias"], padding=3)
        return ops.conv2d(deep, w["head/0/pointwise/kernel"], w["head/0/pointwise/bias"])

    arrays = {name: xp.asarray(a) for name, a in weights.items()}
    reordered = {name: xp.to_numpy(a) for name, a in heads.reorder(arrays, theirs, ours).items()}
    assert reordered.keys() == weights.keys()
    moved = {"head/0/depthwise/kernel", "head/0/depthwise/bias", "head/0/pointwise/kernel"}
    assert all(np.array_equal(reordered[name], weights[name]) for name in weights.keys() - moved)
    # Another order of the sum: some 400 roundings of numbers up to about 10.
    assert_allclose(first_layer(reordered, ours), first_layer(weights, theirs), atol=1e-12)


def test_features_and_cues_that_do_not_belong_together_are_refused(xp):
    weights, features, cues = problem()
    arrays = {name: xp.asarray(a) for name, a in weights.items()}
    rule = r"features \(h, w, C\) and cues \(h, w, K, n\) must share h and w, with C \+ n = 7 and K 1 or more, got "
    for wrong, message in (
        ((features, cues[..., :2]), r"\(5, 6, 4\) and \(5, 6, 3, 2\)"),
        ((features[..., :3], cues), r"\(5, 6, 3\) and \(5, 6, 3, 3\)"),
        ((features, cues[:4]), r"\(5, 6, 4\) and \(4, 6, 3, 3\)"),
        ((features, cues[:, :5]), r"\(5, 6, 4\) and \(5, 5, 3, 3\)"),
        ((features, cues[:, :, 0]), r"\(5, 6, 4\) and \(5, 6, 3\)"),
        ((features, cues[:, :, :0]), r"\(5, 6, 4\) and \(5, 6, 0, 3\)"),
    ):
        with pytest.raises(ValueError, match=rule + message):
            heads.segmentation_head(arrays, *(xp.asarray(a.copy()) for a in wrong))


def test_a_norm_where_there_should_be_none_is_refused():
    weights = thin_weights.heads()
    weights |= {f"head/2/depthwise/{part}": np.ones(WIDTH) for part in ("scale", "offset", "mean", "variance")}
    with pytest.raises(
        ValueError, match="head/2/depthwise has a batch norm, but FEELVOS's embedding and head have none"
    ):
        fold(weights, epsilon=heads.epsilon)
