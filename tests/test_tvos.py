"""`vosref.tvos`: the released code's golden values, the state, and where paper and released code part."""

import math

import numpy as np
import oracles
import pytest
import thin_weights
from hypothesis import given
from numpy.testing import assert_allclose
from strategies import SEEDS

from vosref import tvos
from vosref.labels import to_grid
from vosref.nn import resnet
from vosref.sampling import reach
from vosref.tvos import TvosConfig, TvosState, init, soften, step

RAW = {"temperature": 1.0, "normalise": False}  # as for a network trained with TVOS's loss
GOLDEN = {  # specs TVOS §6.6: t → Σ_j p[c, j], p[0, 0], p[1, 7], p[2, 19], argmax
    5: ((6.43335, 6.23840, 6.24999), (0.330079, 0.279161, 0.308372), "12102202100102110110"),
    12: ((6.17533, 6.19851, 6.19773), (0.268426, 0.358532, 0.190512), "21021021012121002121"),
    20: ((6.45036, 6.28014, 6.52903), (0.261467, 0.314223, 0.231128), "10210020201010221221"),
    50: ((6.41078, 6.48349, 6.45874), (0.252448, 0.320925, 0.178364), "10210010201210220220"),
}
SHAPE = (4, 5, 8)


def golden_features(n):
    y, x, c = np.meshgrid(*map(np.arange, SHAPE), indexing="ij")
    return np.sin(0.9 * (c + 1) + 0.5 * y * (c + 1) + 0.3 * x * (c + 2) + 0.2 * n)


def golden_labels(n):
    y, x = np.meshgrid(np.arange(4), np.arange(5), indexing="ij")
    return np.eye(3)[((n + y + 2 * x) % 3).ravel()]


@pytest.mark.parametrize("t", GOLDEN)
def test_a_released_step_has_the_golden_values(xp, t):
    config = TvosConfig.released()._replace(**RAW)
    past = range(max(0, t - reach(rule="released")), t)
    embeddings = tuple(xp.asarray(golden_features(n).reshape(-1, SHAPE[2])) for n in past)
    state = TvosState(embeddings, tuple(xp.asarray(golden_labels(n)) for n in past), t)
    _, probabilities, info = step(state, xp.asarray(golden_features(t)), config)
    p, (sums, points, winners) = xp.to_numpy(probabilities), GOLDEN[t]
    assert_allclose(p.sum(axis=0), sums, atol=1e-5)
    assert_allclose([p[0, 0], p[7, 1], p[19, 2]], points, atol=1e-5)
    assert "".join(map(str, np.argmax(p, axis=1))) == winners
    assert np.array_equal(xp.to_numpy(info.labels), np.eye(3)[np.argmax(p, axis=1)])


def test_zero_features_average_the_labels_under_the_spatial_term(xp):  # specs TVOS §6.3
    config = TvosConfig.released()._replace(**RAW)
    labels = xp.asarray(golden_labels(0))
    zeros = xp.asarray(np.zeros(SHAPE))
    _, p, info = step(init(zeros, labels, config), zeros, config)
    y, x = (np.arange(20) // 5)[:, None], (np.arange(20) % 5)[:, None]
    prior = np.exp(-((y - y.T) ** 2 + (x - x.T) ** 2) / 64)
    assert_allclose(xp.to_numpy(p), prior @ golden_labels(0) / 20, rtol=1e-12)
    assert (info.frames, info.sigma) == ((0,), (8.0,))


@pytest.mark.parametrize("config", [TvosConfig.paper(), TvosConfig.released()], ids=["paper", "released"])
def test_constant_labels_stay(xp, config):  # specs TVOS §6.3
    labels = xp.asarray(np.tile([0.0, 1.0], (20, 1)))
    state = init(xp.asarray(golden_features(0)), labels, config._replace(**RAW))
    for n in range(1, 12):
        state, p, _ = step(state, xp.asarray(golden_features(n)), config._replace(**RAW))
        assert np.all(np.argmax(xp.to_numpy(p), axis=1) == 1)


@given(seed=SEEDS)
def test_a_paper_step_is_the_oracles_s_times_soft_labels(xp, seed):
    config = TvosConfig.paper()._replace(**RAW)
    rng = np.random.default_rng(seed)
    frames, labels = 0.5 * rng.standard_normal((3, 2, 3, 4)), np.eye(2)[rng.integers(0, 2, 6)]
    state = init(xp.asarray(frames[0]), xp.asarray(labels), config)
    state, first, _ = step(state, xp.asarray(frames[1]), config)
    _, second, info = step(state, xp.asarray(frames[2]), config)
    cells = [(i // 3, i % 3) for i in range(6)]
    past, query = [f.reshape(6, 4).tolist() for f in frames[:2]], frames[2].reshape(6, 4).tolist()
    blocks = [oracles.affinity(query, f, cells, cells, 8.0) for f in past]
    s = oracles.normalised_affinity([a + b for a, b in zip(*blocks, strict=True)])
    soft = xp.to_numpy(first) / xp.to_numpy(first).sum(axis=1, keepdims=True)
    assert_allclose(xp.to_numpy(second), oracles.propagate_online(s, [*labels.tolist(), *soft.tolist()]), rtol=1e-9)
    assert info.frames == (0, 1)


def test_literal_feedback_grows_without_bound_and_soft_feedback_does_not(xp):
    largest = {}
    for feedback in ("literal", "soft"):
        config = TvosConfig.paper()._replace(feedback=feedback, sigma_distant=8.0, **RAW)
        zeros = xp.asarray(np.zeros((2, 2, 1)))
        state = init(zeros, xp.asarray(np.ones((4, 1))), config)
        for _ in range(40):
            state, p, _ = step(state, zeros, config)
        largest[feedback] = float(np.max(xp.to_numpy(p)))
    assert largest["literal"] > 1000
    assert_allclose(largest["soft"], math.sqrt(9))  # S maps ones on 9 frames to √9


def test_softening_leaves_a_pixel_without_votes_alone(xp):
    got = xp.to_numpy(soften(xp.asarray([[1.0, 3.0], [0.0, 0.0]])))
    assert got.tolist() == [[0.25, 0.75], [0.0, 0.0]]


@pytest.mark.parametrize("config", [TvosConfig.paper(), TvosConfig.released()], ids=["paper", "released"])
def test_the_state_holds_what_can_be_reached_and_nothing_else(config):
    keep = reach(rule=config.sampling)
    state = init(np.zeros((1, 2, 1)), np.eye(2), config)
    for t in range(1, 60):
        state, _, info = step(state, np.full((1, 2, 1), float(t)), config._replace(temperature=0.0))
        assert state.t == t + 1
        assert len(state.embeddings) == len(state.labels) == min(t + 1, keep)
        assert state.embeddings[-1][0, 0] == t
        assert info.frames[-1] == t - 1


def test_paper_and_released_differ_in_four_named_fields():
    paper, released = TvosConfig.paper(), TvosConfig.released()
    differ = [f for f in paper._fields if getattr(paper, f) != getattr(released, f)]
    assert differ == ["sampling", "motion", "propagation", "feedback"]
    for config in (paper, released):
        for field in differ:
            assert tvos.EXPLAINED[field, getattr(config, field)]


@pytest.mark.parametrize("field", ["sampling", "motion", "propagation", "feedback"])
def test_an_unknown_choice_is_refused_by_name(field):
    config = TvosConfig.released()._replace(**{field: "guess"})
    with pytest.raises(ValueError, match=r"must be one of .*, got 'guess'"):
        step(init(np.zeros((1, 2, 1)), np.eye(2), config), np.zeros((1, 2, 1)), config)


@pytest.mark.parametrize("field", ["sigma_recent", "sigma_distant", "working_scale", "memory"])
def test_a_setting_that_must_be_positive_is_refused_at_0(field):
    with pytest.raises(ValueError, match=f"{field} must be positive, got 0"):
        init(np.zeros((1, 2, 1)), np.eye(2), TvosConfig.released()._replace(**{field: 0}))


def test_the_embedding_has_the_stride_8_grid_and_unit_length():
    config = TvosConfig.released()
    weights, frame = tvos.prepare(config), np.random.default_rng(0).integers(0, 256, (33, 50, 3)).astype(np.uint8)
    for change in ({}, {"working_scale": 1.0, "output_stride": 8}):
        embedding = tvos.embedding(weights, frame, config._replace(**change))
        assert embedding.shape == (5, 7, 112)
        assert_allclose(np.linalg.norm(embedding, axis=2), 1, rtol=1e-5)
    raw = tvos.embedding(weights, frame, config._replace(normalise=False))
    assert np.linalg.norm(raw, axis=2).min() > 2


def test_a_resnet_embeds_the_frame_with_its_own_norms_and_strides(monkeypatch):
    weights = {name: a.astype(np.float32) for name, a in thin_weights.resnet(bottleneck=True).items()}
    monkeypatch.setattr(tvos, "load", {"resnet.safetensors": weights}.__getitem__)
    config = TvosConfig.released()._replace(weights="resnet.safetensors", working_scale=1.0, output_stride=8)
    frame = np.random.default_rng(0).integers(0, 256, (33, 50, 3)).astype(np.uint8)
    prepared = tvos.prepare(config)
    assert prepared.keys() == {name.rpartition("/")[0] + part for name in weights for part in ("/kernel", "/bias")}
    expected = resnet.features(weights, frame.astype(np.float32))
    raw, scaled = (tvos.embedding(prepared, frame, config._replace(normalise=n)) for n in (False, True))
    assert raw.shape == (5, 7, 4)
    assert_allclose(raw, expected, atol=1e-5 * np.abs(expected).max())  # 2^-24 rounding through 20 layers
    assert_allclose(scaled, raw / np.linalg.norm(raw, axis=2, keepdims=True), rtol=1e-5)


def test_a_moved_scene_moves_its_mask():
    """A shift by a whole number of cells moves the prediction by it, away from the border."""
    rng = np.random.default_rng(3)
    scene = rng.standard_normal((14, 16, 32))
    scene /= np.linalg.norm(scene, axis=2, keepdims=True)
    mask = np.zeros((12, 12), np.uint8)
    mask[4:8, 4:8] = 1
    config = TvosConfig.released()._replace(temperature=60.0)
    state = init(scene[:12, :12], to_grid(mask, ids=(0, 1), grid=(12, 12), dtype=np.float64), config)
    _, p, _ = step(state, scene[1:13, 2:14], config)
    moved = np.roll(mask, (-1, -2), (0, 1))
    assert np.array_equal(np.argmax(p, axis=1).reshape(12, 12)[:-1, :-2], moved[:-1, :-2])


def test_weights_of_another_kind_of_network_are_refused(monkeypatch):
    monkeypatch.setattr(tvos, "load", lambda _name: {"entry/conv1/kernel": np.zeros((3, 3, 3, 32))})
    with pytest.raises(ValueError, match="weights must be of a ResNet or an EfficientNet-Lite for TVOS, got 'x.safe"):
        tvos.prepare(TvosConfig(weights="x.safetensors"))
