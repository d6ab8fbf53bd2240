"""The networks of `vosref.train` against their array definitions, layer by layer, within what rounding explains."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from recorder import frame, thin
from strategies import SEEDS

torch = pytest.importorskip("torch", reason="torch is not installed: training is not tested")

from torch_recorder import RecordedNetwork, head_points  # noqa: E402 - they need torch

from vosref import parity  # noqa: E402
from vosref.nn import heads, transfer  # noqa: E402
from vosref.train.layers import TorchLayers, from_array, to_array  # noqa: E402
from vosref.train.network import Network  # noqa: E402
from vosref.weights import MODELS  # noqa: E402

pytestmark = pytest.mark.usefixtures("definitions")

TVOS = [name for name in MODELS if not name.startswith("feelvos")]
FEELVOS = [name for name in MODELS if name.startswith("feelvos")]
UNIT = 2.0**-24  # float32's unit roundoff
MODES = pytest.mark.parametrize("training", [False, True], ids=["inference", "training with frozen norms"])


def batch(n, size=(25, 34)):
    """Frames, and the batch of them."""
    frames = [frame(*size, seed) for seed in range(n)]
    return frames, torch.from_numpy(np.stack(frames)).float().permute(0, 3, 1, 2)


def run_as(training, network, run):
    """Run a network as it is trained, with gradients, or as it is used."""
    network.train(training)
    with torch.set_grad_enabled(training):
        return run().detach().numpy()


def agrees(weights, points, model, **options):
    verdicts = parity.compare(weights, points, model=model, **options)
    assert verdicts.first is None, verdicts.first
    assert verdicts.unused == ()
    assert {row.key for row in verdicts.rows} == set(points) - {"image", "cues"}


@MODES
@pytest.mark.parametrize("name", TVOS)
def test_every_layer_of_an_embedding_is_its_definitions_for_every_image_of_a_batch(name, training):
    weights, (frames, images) = thin(name), batch(2)
    network, options = RecordedNetwork(weights), {"n_stages": 5} if name.startswith("tvos-lite") else {}
    features = run_as(training, network, lambda: network.embed(images, **options))
    for i, image in enumerate(frames):
        agrees(weights, {"image": image, **network.image(i), "features": features[i]}, name)


@MODES
@pytest.mark.parametrize("output_stride", [8, 16])
@pytest.mark.parametrize("name", FEELVOS)
def test_every_layer_of_feelvos_is_its_definitions_head_and_all(name, output_stride, training):
    weights, (frames, images), k = thin(name), batch(2), 2
    network = RecordedNetwork(weights)
    width = weights["head/logits/kernel"].shape[2]
    n_cues = weights["head/0/depthwise/kernel"].shape[2] - width

    def run():
        features = network.features(images, output_stride=output_stride)
        found.extend((features.detach().numpy(), network.embedding(features).detach().numpy()))
        seen.append(network.image(1))
        cues.append(torch.rand(k, n_cues, *features.shape[2:], generator=torch.Generator().manual_seed(0)))
        return network.head(features[1:], cues[0])

    found, seen, cues = [], [], []
    logits = run_as(training, network, run)
    points = seen[0] | {"image": frames[1], "features": found[0][1], "embedding": found[1][1], "logits": logits}
    for i in range(k):
        points |= {f"object{i + 1}/{name}": array for name, array in head_points(network.points, i).items()}
    points["cues"] = cues[0].numpy().transpose(2, 3, 0, 1)
    agrees(weights, points, name, output_stride=output_stride)


def test_objects_share_the_head_and_no_object_sees_another():
    weights = thin("feelvos-lite0")
    network, width = Network(weights).eval(), weights["head/logits/kernel"].shape[2]
    rng = np.random.default_rng(0)
    features = torch.from_numpy(rng.uniform(0, 1, (1, width, 6, 7)).astype(np.float32))
    cues = torch.from_numpy(rng.uniform(0, 1, (3, 3, 6, 7)).astype(np.float32))
    with torch.no_grad():
        together = network.head(features, cues).numpy()
        alone = np.concatenate([network.head(features, cues[k : k + 1]).numpy() for k in range(3)])
    definition = heads.segmentation_head(
        {name: array.astype(np.float64) for name, array in weights.items()},
        features[0].numpy().transpose(1, 2, 0).astype(np.float64),
        cues.numpy().transpose(2, 3, 0, 1).astype(np.float64),
    )
    for got in (together, alone):
        difference = got.transpose(1, 2, 0) - definition
        assert np.sqrt(np.mean(difference**2)) < 200 * UNIT * np.sqrt(np.mean(definition**2))


@pytest.mark.parametrize("name", ["tvos-lite0", "tvos-resnet18"])
def test_an_enlarged_and_normalised_embedding_is_that_of_the_definition(name):
    """In float64 the definition is exact beside a float32 network, which is held to `parity`'s rule of doubt."""
    weights, (frames, images) = thin(name), batch(2, (18, 25))
    exact = transfer.prepare({key: array.astype(np.float64) for key, array in weights.items()})
    stride = 16 if name == "tvos-lite0" else 8
    options = {"n_stages": 5} if name == "tvos-lite0" else {}
    with torch.no_grad():
        network = Network(weights).eval()
        got = network.embed(images, scale=2.0, normalise=True, output_stride=stride, **options)
    for i, image in enumerate(frames):
        expected = transfer.embed(exact, image, working_scale=2.0, n_stages=5, output_stride=stride, normalise=True)
        assert tuple(got.shape[2:]) == expected.shape[:2]
        difference = got[i].permute(1, 2, 0).numpy() - expected
        assert np.sqrt(np.mean(difference**2)) < parity.comparison.DOUBTFUL * UNIT * np.sqrt(np.mean(expected**2))


def test_an_embedding_of_zeros_stays_zero_when_it_is_normalised_and_has_a_gradient():
    weights = {
        key: array * 0 if key.endswith(("scale", "offset")) else array for key, array in thin("tvos-lite0").items()
    }
    network = Network(weights)
    embedding = network.embed(batch(1)[1], normalise=True, n_stages=5, output_stride=16)
    embedding.sum().backward()
    assert not embedding.detach().any()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)


@pytest.mark.parametrize("name", MODELS)
def test_weights_survive_the_way_to_torch_and_back_to_the_bit(name):
    weights = thin(name)
    found = Network(weights).arrays()
    assert list(found) == list(weights)
    for key, array in weights.items():
        assert found[key].dtype == np.float32
        assert_array_equal(found[key], array)


@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=4), seed=SEEDS)
def test_an_array_of_any_axes_is_laid_out_and_back(shape, seed):
    array = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    array.flags.writeable = False
    assert_array_equal(to_array(from_array(array), array.ndim), array)


# ── norms that adapt ──


def norm_problem(seed, channels=5):
    rng = np.random.default_rng(seed)
    arrays = {
        "a/kernel": rng.standard_normal((1, 1, 3, channels)),
        "a/scale": rng.uniform(0.5, 1.5, channels),
        "a/offset": rng.standard_normal(channels),
        "a/mean": rng.standard_normal(channels),
        "a/variance": rng.uniform(0.5, 2, channels),
    }
    arrays = {name: array.astype(np.float32) for name, array in arrays.items()}
    return arrays, rng.standard_normal((2, 3, 4, 6)).astype(np.float32)


@given(seed=SEEDS, momentum=st.sampled_from([0.1, 0.01, 1.0]))
def test_an_adapting_norm_takes_the_statistics_of_its_batch_and_its_running_ones_follow(seed, momentum):
    """The formula in float64; float32 is off by its roundings, n + 20 at most of numbers up to the largest."""
    arrays, x = norm_problem(seed)
    weights = {name: from_array(array) for name, array in arrays.items()}
    layers = TorchLayers(weights, lambda _name: 1e-3, adapting=lambda _name: True, momentum=momentum)
    got = layers.conv("a", torch.from_numpy(x)).numpy()
    wide = {name: array.astype(np.float64) for name, array in arrays.items()}
    convolved = np.einsum("nihw,io->nohw", x.astype(np.float64), wide["a/kernel"][0, 0])
    n, axes = convolved.size / convolved.shape[1], (0, 2, 3)
    mean, variance = convolved.mean(axes), convolved.var(axes)
    whitened = (convolved - mean[:, None, None]) / np.sqrt(variance + 1e-3)[:, None, None]
    expected = whitened * wide["a/scale"][:, None, None] + wide["a/offset"][:, None, None]
    bound = (n + 20) * UNIT * max(1, np.abs(convolved).max() ** 2)
    assert_allclose(got, expected, rtol=0, atol=bound * (1 + np.abs(whitened).max()) / variance.min())
    for name, now in (("a/mean", mean), ("a/variance", variance * n / (n - 1))):
        followed = (1 - momentum) * wide[name] + momentum * now
        assert_allclose(weights[name].numpy(), followed, rtol=0, atol=bound)


def test_norms_adapt_where_they_are_told_to_while_training_and_nowhere_else():
    weights, (_, images) = thin("tvos-lite0"), batch(2)
    network, options = Network(weights, adapting=r"blocks/[34]/"), {"n_stages": 5, "output_stride": 16}
    with torch.no_grad():
        network.eval().embed(images, **options)
        assert_array_equal(network.arrays()["blocks/3/project/mean"], weights["blocks/3/project/mean"])
        network.train().embed(images, **options)
    changed = {name for name, array in network.arrays().items() if not np.array_equal(array, weights[name])}
    assert changed == {n for n in weights if re.match(r"blocks/[34]/", n) and n.endswith(("/mean", "/variance"))}


def test_a_norm_that_stays_has_the_gradients_of_torchs_norm_at_inference():
    arrays, x = norm_problem(1)
    weights = {
        name: from_array(array).requires_grad_(name.endswith(("kernel", "scale", "offset")))
        for name, array in arrays.items()
    }
    trained = [weights[f"a/{part}"] for part in ("kernel", "scale", "offset")]
    rng = np.random.default_rng(2)
    pull = torch.from_numpy(rng.standard_normal((2, 5, 4, 6)).astype(np.float32))
    folded = TorchLayers(weights, lambda _name: 1e-3).conv("a", torch.from_numpy(x))
    plain = torch.nn.functional.batch_norm(
        torch.nn.functional.conv2d(torch.from_numpy(x), weights["a/kernel"]),
        weights["a/mean"],
        weights["a/variance"],
        weights["a/scale"],
        weights["a/offset"],
        eps=1e-3,
    )
    ours, theirs = (torch.autograd.grad((y * pull).sum(), trained) for y in (folded, plain))
    for a, b in zip(
        ours, theirs, strict=True
    ):  # sums of 48 products of normal numbers, up to 10, with norms of up to 2
        assert_allclose(a.numpy(), b.numpy(), rtol=0, atol=48 * 60 * 10 * UNIT)


def test_frozen_layers_get_no_gradient_and_every_other_array_gets_one():
    weights, (_, images) = thin("tvos-lite0"), batch(2)
    network = Network(weights, frozen=r"stem/|blocks/[0-4]/")
    network.embed(images, n_stages=5, output_stride=16).square().sum().backward()
    got = {name for name, p in network.named_parameters() if p.grad is not None}
    statistics = ("/mean", "/variance")
    assert got == {n for n in weights if not re.match(r"stem/|blocks/[0-4]/", n) and not n.endswith(statistics)}


@pytest.mark.parametrize("name", ["tvos-lite0", "tvos-resnet18"])
def test_brief_arithmetic_stays_near_and_is_for_training_alone(name):
    """Bfloat16 has 8 bits; a whole network is off by a few of its unit roundoffs, 2⁻⁹, and at inference by nothing."""
    weights, (_, images) = thin(name), batch(1)
    options = {"n_stages": 5} if name == "tvos-lite0" else {}
    plain, brief = Network(weights), Network(weights, brief=True)
    with torch.no_grad():
        assert torch.equal(plain.eval().embed(images, **options), brief.eval().embed(images, **options))
        exact, near = (n.train().embed(images, **options) for n in (plain, brief))
    assert near.dtype == torch.float32
    off = float((near - exact).square().mean().sqrt() / exact.square().mean().sqrt())
    assert 2.0**-20 < off < 20 * 2.0**-9
