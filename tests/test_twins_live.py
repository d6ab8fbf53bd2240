"""The networks beside their PyTorch twins on random weights and frames: every layer within its bound, and the ends."""

import os

import numpy as np
import pytest
from converted import converted
from golden import formula

from vosref import parity
from vosref.backend import use_cpu
from vosref.nn import deeplab, efficientnet, heads, resnet
from vosref.nn.layers import fold

pytest.importorskip("torch", reason="torch is absent: the networks are not run beside their PyTorch twins")

from twins import running

# Interpreted loops over networks of their real width would take minutes; the definitions run either way.
TIER = "numpy" if os.environ.get("NUMBA_DISABLE_JIT") == "1" else "numba"
# 150 layers at most, each a sum of at most 4608 rounded terms of the activations' own size: 150 × 4608 × 2^-53 < 1e-10.
DOUBLE = 1e-10
# With 2^-24 that is 0.04, but roundings cancel: the largest seen, Xception-65's, is 4e-6 of the largest number.
SINGLE = 2e-5
N_OBJECTS = 2
CASES = {  # a network of `formula.NETWORKS`, and how it is run
    "tvos-resnet18": ("tvos-resnet18", {}),
    "tvos-resnet50": ("tvos-resnet50", {}),
    "tvos-resnet101": ("tvos-resnet101", {}),
    "resnet18": ("resnet18", {}),
    "resnet50": ("resnet50", {}),
    "feelvos-xception65 at 16": ("feelvos-xception65", {"output_stride": 16}),
    "feelvos-xception65 at 8": ("feelvos-xception65", {"output_stride": 8}),
    "lite0 at 32": ("lite0", {"output_stride": 32}),
    "lite1 at 8, dilated": ("lite1", {"output_stride": 8, "dilate": True}),
    "lite2 at 16": ("lite2", {"output_stride": 16}),
    "lite0-deeplab at 16": ("lite0-deeplab", {"output_stride": 16}),
    "lite0-deeplab at 8": ("lite0-deeplab", {"output_stride": 8}),
}
EPSILONS = {"tvos": resnet.epsilon, "resnet": resnet.epsilon, "feelvos": deeplab.epsilon, "lite": deeplab.epsilon}


def drawn(name, seed):
    """Random float32 weights under their makers' names; signals keep about their size, and norms do much."""
    rng = np.random.default_rng(seed)
    return {key: _drawn(rng, key.replace("/", ".").rpartition(".")[2], s) for key, s in formula.NETWORKS[name][0]()}


def _drawn(rng, part, shape):
    if len(shape) > 1:
        n_products = np.prod({"weights": shape[:-1], "depthwise_weights": shape[:2]}.get(part, shape[1:]))
        return rng.standard_normal(shape, np.float32) * np.float32((2 / n_products) ** 0.5)
    spread = {"running_var": (0.5, 2), "moving_variance": (0.5, 2), "weight": (0.5, 1.2), "gamma": (0.5, 1.2)}
    return rng.uniform(*spread.get(part, (-0.3, 0.3)), shape).astype(np.float32)


def random_frame(seed, size=None):
    """Whole grey levels in 1 to 66 rows and columns, odd numbers of both where the seed is odd."""
    rng = np.random.default_rng(seed)
    height, width = size or rng.integers(1, 66, 2) | seed % 2
    return rng.integers(0, 256, (height, width, 3)).astype(np.float64)


def run_twin(name, theirs, image, dtype, options):
    """The twin's points and results; FEELVOS's with its head on some objects."""
    if name.startswith("feelvos"):
        height, width = (-(-n // 4) for n in image.shape[:2])
        options = {**options, "cues": np.random.default_rng(width).uniform(0, 1, (height, width, N_OBJECTS, 3))}
    return running.run(name, {key: a.astype(dtype) for key, a in theirs.items()}, image, **options)


def compare(name, weights, points, options):
    """Compare every layer of ours with the twin's, in bounds."""
    if name.endswith("-deeplab"):
        return parity.compare(weights, points, network=deeplab.features, **options)
    return parity.compare(weights, points, model=name, **({} if "resnet" in name else options))


def run_ours(name, weights, image, cues, options):
    """Our results, under the names of the twin's."""
    if "resnet" in name:
        return {"features": resnet.features(weights, image)}
    if name.endswith("-deeplab"):
        return {"features": deeplab.features(weights, image, **options)}
    if name.startswith("lite"):
        features = efficientnet.features(weights, image, **options)
        if options["output_stride"] < 32:
            return {"features": features}
        return {"features": features, "logits": efficientnet.classify(weights, image)[None, None, :]}
    features = deeplab.features(weights, image, **options)
    logits = heads.segmentation_head(weights, features, cues.astype(image.dtype))
    return {"features": features, "embedding": heads.embedding(weights, features), "logits": logits}


def largest_error(ours, theirs):
    """Largest difference of a result, relative to the largest number of it."""
    return max(float(np.abs(ours[key] - theirs[key]).max() / np.abs(theirs[key]).max()) for key in ours)


def ways(name, weights):
    """Each way to run a network in float32: its weights by what the way is called."""
    epsilon = next(found for family, found in EPSILONS.items() if name.startswith(family))
    return {
        "as in a file": weights,
        "folded": fold(weights, epsilon=epsilon, winograd=False),
        "folded, by Winograd": fold(weights, epsilon=epsilon),
    }


@pytest.fixture(scope="module", params=CASES)
def case(request):
    """A network, its random weights under its maker's names, and how it is run."""
    name, options = CASES[request.param]
    return name, drawn(name, len(request.param)), options


@pytest.mark.usefixtures("definitions")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", [3, 12])
def test_every_layer_of_the_twin_is_within_its_bound(case, dtype, seed):
    name, theirs, options = case
    weights = converted(name, theirs, np.float32)
    verdicts = compare(name, weights, run_twin(name, theirs, random_frame(seed), dtype, options), options)
    assert verdicts.first is None
    assert verdicts.unused == ()
    layers = {key.removesuffix("/kernel") for key in weights if key.endswith("/kernel")}
    layers -= {"classifier"} if "resnet" in name else set()  # those twins stop before it
    seen = {row.name.removeprefix("object1/") for row in verdicts.rows}
    assert {f"{layer}/convolution" for layer in layers} <= seen


@pytest.mark.parametrize(
    "frame",
    [random_frame(5), random_frame(8), random_frame(0, size=(1, 2))],
    ids=lambda f: f"{f.shape[0]}x{f.shape[1]}",
)
def test_every_way_to_run_a_network_ends_where_its_twin_does(case, frame):
    name, theirs, options = case
    expected = run_twin(name, theirs, frame, np.float64, options)
    cues = expected.get("cues")
    with use_cpu(TIER):
        ours = run_ours(name, converted(name, theirs, np.float64), frame, cues, options)
        assert largest_error(ours, expected) < DOUBLE
        for way, weights in ways(name, converted(name, theirs, np.float32)).items():
            ours = run_ours(name, weights, frame.astype(np.float32), cues, options)
            assert largest_error(ours, expected) < SINGLE, way
