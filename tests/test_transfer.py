"""`vosref.nn.transfer`: an ImageNet network's features as an embedding, and the grid that they are brought to."""

import numpy as np
import oracles
import pytest
import thin_weights
from numpy.testing import assert_allclose, assert_array_equal

from vosref.nn import efficientnet, resnet, transfer

OPTIONS = {"working_scale": 1.0, "n_stages": 4, "output_stride": 8, "normalise": False}
FRAME = np.random.default_rng(0).integers(0, 256, (21, 34, 3)).astype(np.uint8)
KINDS = pytest.mark.parametrize("kind", ["resnet", "lite"])


def network(kind, dtype=np.float64):
    weights = thin_weights.resnet(bottleneck=True) if kind == "resnet" else thin_weights.efficientnet()
    return {name: a.astype(dtype) for name, a in weights.items()}


def features(kind, weights, image):
    if kind == "resnet":
        return resnet.features(weights, image, output_stride=8)
    return efficientnet.features(weights, image, n_stages=4, output_stride=8)


def embedded(xp, weights, **changes):
    arrays = {name: xp.asarray(a) for name, a in weights.items()}
    return xp.to_numpy(transfer.embed(arrays, xp.asarray(FRAME), **OPTIONS | changes))


def resized(values, size, *, align_corners):
    planes = [oracles.resize_bilinear(p.tolist(), *size, align_corners) for p in np.moveaxis(values, 2, 0)]
    return np.stack(planes, axis=2)


@KINDS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_encoder_is_told_by_its_weights_and_run_in_their_type(xp, definitions, kind, dtype):
    weights = network(kind, dtype)
    assert transfer.is_encoder(weights)
    got = embedded(xp, weights)
    assert got.dtype == dtype
    assert got.shape[:2] == (3, 5)
    exact = features(kind, network(kind), FRAME.astype(np.float64))
    # 2^-24 rounding through 20 layers.
    assert_allclose(got, exact, atol=(1e-5 if dtype == np.float32 else 1e-12) * np.abs(exact).max())
    assert not transfer.is_encoder(thin_weights.xception() | thin_weights.deeplab() | thin_weights.heads())


@KINDS
def test_features_are_brought_to_a_grid_with_aligned_corners_before_they_are_scaled(xp, definitions, kind):
    weights = network(kind)
    plain = embedded(xp, weights)
    for grid in ((6, 9), (2, 4)):
        expected = resized(plain, grid, align_corners=True)
        bound = 1e-12 * np.abs(plain).max()
        assert_allclose(embedded(xp, weights, grid=grid), expected, atol=bound)
        scaled = embedded(xp, weights, grid=grid, normalise=True)
        assert_allclose(scaled, expected / np.linalg.norm(expected, axis=2, keepdims=True), atol=1e-10)
    assert_array_equal(embedded(xp, weights, grid=plain.shape[:2]), plain)


@KINDS
def test_the_frame_is_enlarged_before_the_network(xp, definitions, kind):
    weights = network(kind)
    exact = features(kind, weights, resized(FRAME.astype(np.float64), (42, 68), align_corners=False))
    got = embedded(xp, weights, working_scale=2.0)
    assert got.shape[:2] == (6, 9)
    assert_allclose(got, exact, atol=1e-11 * np.abs(exact).max())


@KINDS
def test_prepared_weights_give_the_same_embedding(definitions, kind):
    weights = network(kind)
    prepared = transfer.prepare(weights)
    assert not any(name.endswith("/variance") for name in prepared)
    exact = transfer.embed(weights, FRAME, **OPTIONS)
    assert_allclose(transfer.embed(prepared, FRAME, **OPTIONS), exact, atol=1e-10 * np.abs(exact).max())


def test_an_embedding_of_length_0_stays_0(xp, definitions):
    weights = {
        name: np.zeros_like(a) if "kernel" in name or "offset" in name else a for name, a in network("lite").items()
    }
    weights |= {name: np.zeros_like(a) for name, a in weights.items() if name.endswith("/mean")}
    got = embedded(xp, weights, normalise=True)
    assert_array_equal(got, np.zeros_like(got))
