"""FEELVOS's own network: a head for each line of the ablation, orders of channels, rectifications, strides."""

import numpy as np
import pytest
from clips import CUES, small_clip, thin, thin_feelvos
from literal import Literal, concat
from numpy.testing import assert_allclose, assert_array_equal

from vosref import feelvos
from vosref.feelvos import init, step
from vosref.nn import deeplab
from vosref.video import walk

LINES = pytest.mark.parametrize("name", CUES)


@LINES
def test_each_line_of_the_ablation_runs_with_a_head_of_its_channels_and_no_other(monkeypatch, definitions, name):
    frames, masks = small_clip(3, 24, 32)
    for n_cues in (1, 2, 3):
        thin_feelvos(monkeypatch, n_cues=n_cues)
        if n_cues == len(CUES[name]):
            steps = list(walk(frames, masks[0], method="feelvos", config=thin(name)))
            assert all(np.isfinite(s.info.logits).all() and np.ptp(s.info.logits) > 0 for s in steps[1:])
        else:
            needed = rf"head of {4 + len(CUES[name])} channels for the features and {', '.join(CUES[name])}, got "
            remedy = "; with missing_cues=neutral it runs without" if n_cues == 3 else ""
            message = rf"^weights must have a {needed}{4 + n_cues} in 'thin.safetensors'{remedy}$"
            with pytest.raises(ValueError, match=message):
                feelvos.prepare(thin(name))


@LINES
def test_weights_whose_channels_are_in_the_papers_order_give_the_same_logits(monkeypatch, definitions, name):
    frames, masks = small_clip(3, 24, 32)
    weights = thin_feelvos(monkeypatch, n_cues=len(CUES[name]))
    expected = [s.info.logits for s in list(walk(frames, masks[0], method="feelvos", config=thin(name)))[1:]]
    features = ["f0", "f1", "f2", "f3"]
    ours = [*features, *CUES[name]]
    theirs = [*(cue for cue in ("global", "local", "previous") if cue in CUES[name]), *features]
    order = [ours.index(channel) for channel in theirs]
    for array in ("depthwise/kernel", "depthwise/bias"):
        weights[f"head/0/{array}"] = weights[f"head/0/{array}"][..., order]
    weights["head/0/pointwise/kernel"] = weights["head/0/pointwise/kernel"][:, :, order]
    config = thin(name, input_order="paper")
    got = [s.info.logits for s in list(walk(frames, masks[0], method="feelvos", config=config))[1:]]
    assert_array_equal(got, expected)
    misread = [s.info.logits for s in list(walk(frames, masks[0], method="feelvos", config=thin(name)))[1:]]
    assert not np.allclose(misread, expected, rtol=1e-3)


@pytest.mark.parametrize("relu", [True, False])
def test_embedding_and_head_rectify_where_the_weights_were_trained_so(monkeypatch, xp, relu):
    weights = thin_feelvos(monkeypatch, dtype=np.float64)
    config, activation = thin(embedding_relu=relu, head_relu=relu), "relu" if relu else None
    frame, cues = small_clip(1, 24, 32)[0][0], np.random.default_rng(0).uniform(0, 1, (6, 8, 2, 3))
    prepared = {name: xp.asarray(a) for name, a in feelvos.prepare(config).items()}
    got, net = feelvos.embedding(prepared, xp.asarray(frame), config), Literal(weights, None)
    assert got.size == (24, 32)
    features = xp.to_numpy(deeplab.features(prepared, xp.asarray(frame.astype(np.float64)), output_stride=8))
    # Some 2000 roundings of numbers up to about 10.
    assert_allclose(
        xp.to_numpy(got.embedding), net.separable("embedding", features.tolist(), activation=activation), atol=1e-11
    )
    assert (xp.to_numpy(got.embedding) >= 0).all() == relu
    logits = xp.to_numpy(got.head(xp.asarray(cues)))
    for k in range(2):
        x = concat(features, cues[:, :, k])
        for i in range(4):
            x = net(f"head/{i}/pointwise", net(f"head/{i}/depthwise", x, activation=activation), activation="relu")
        assert_allclose(logits[:, :, k : k + 1], net("head/logits", x), atol=1e-11)


@pytest.mark.parametrize("field", ["embedding_relu", "head_relu"])
def test_each_rectification_is_switched_by_its_own_field(monkeypatch, definitions, field):
    thin_feelvos(monkeypatch)
    frame, cues = small_clip(1, 24, 32)[0][0], np.full((6, 8, 1, 3), 0.5, np.float32)
    weights = feelvos.prepare(thin())
    with_relu, without = (feelvos.embedding(weights, frame, thin(**{field: on})) for on in (True, False))
    changed = {
        "embedding_relu": not np.allclose(with_relu.embedding, without.embedding),
        "head_relu": not np.allclose(with_relu.head(cues), without.head(cues)),
    }
    assert changed == {f: f == field for f in changed}


def test_the_encoders_stride_is_the_configurations(monkeypatch, definitions):
    thin_feelvos(monkeypatch)
    frame, weights = small_clip(1, 24, 32)[0][0], feelvos.prepare(thin())
    fine, coarse = (feelvos.embedding(weights, frame, thin(output_stride=s)).embedding for s in (8, 16))
    assert fine.shape == coarse.shape == (6, 8, 6)
    assert not np.allclose(fine, coarse)


@pytest.mark.parametrize("order", [(0, 2, 1), (2, 0, 1)])
def test_permuting_objects_permutes_their_logits(monkeypatch, definitions, xp, order):
    thin_feelvos(monkeypatch)
    config, frames = thin("paper"), small_clip(2, 24, 32)[0]
    weights = {name: xp.asarray(a) for name, a in feelvos.prepare(config).items()}
    views = [feelvos.embedding(weights, xp.asarray(frame), config) for frame in frames]
    labels = np.eye(3, dtype=np.float32)[np.random.default_rng(0).integers(0, 3, 48)]
    one, other = (
        xp.to_numpy(step(init(views[0], xp.asarray(y), config), views[1], config)[1])
        for y in (labels, labels[:, list(order)].copy())
    )
    assert_array_equal(other, one[:, list(order)])
    assert np.ptp(one, axis=1).min() > 0
