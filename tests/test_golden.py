"""Every network against its golden file: weights by formula under the converter's names, run in each way there is."""

import os

import numpy as np
import pytest
from converted import converted
from golden import files, formula

from vosref.backend import use_cpu
from vosref.nn import deeplab, efficientnet, heads, resnet, xception
from vosref.nn.layers import fold

# Interpreted loops over networks of their real width would take minutes; the definitions run either way.
TIERS = ["numpy"] if os.environ.get("NUMBA_DISABLE_JIT") == "1" else ["numpy", "numba"]
# 150 layers at most, each a sum of at most 4608 rounded terms of the activations' own size: 150 × 4608 × 2^-53 < 1e-10.
# Some layers enlarge what came before them, hence ten times that.
DOUBLE = 1e-9
# The largest seen, with five of OpenBLAS's kernels: 2e-6 in TVOS's ResNets, 7e-6 in the others, but 8e-6 in the plain
# ResNets by Winograd, where yet another kernel may need more.
SINGLE, PLAIN_BY_WINOGRAD = 1e-5, 2e-5
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # specs TVOS §1.4
# Specification TVOS §6.7: (y, x, c) and value, then mean and unbiased standard deviation.
PUBLISHED = {(0, 0, 0): -1.1284174, (4, 6, 100): 1.1142019, (8, 11, 255): 1.0886523}
PUBLISHED_MEAN, PUBLISHED_STD = -0.0298963, 0.8567936


def frame(name):
    """The RGB frame of 0 to 255 that a golden file is of; ResNets' files give it normalised."""
    image = files.image(name)
    return (image * STD + MEAN) * 255 if "resnet" in name else image


def family(name):
    return next(found for prefix, found in FAMILIES.items() if name.startswith(prefix))


def run(name, weights, image):
    """The outputs that a network's golden file has, by their names there."""
    return family(name)[0](weights, image)


def epsilon_of(name):
    return family(name)[1]


def run_tvos(weights, image):
    return {"features": resnet.features(weights, image)}


def run_plain(weights, image):
    return {f"layer{n}": resnet.features(weights, image, n_groups=n) for n in (3, 4)}


def run_deeplab(encode, weights, image, stride):
    low_level, encoder = encode(weights, image, output_stride=stride)
    aspp = deeplab.pyramid(weights, encoder, rates=deeplab.RATES[stride])
    found = {"low_level": low_level, "encoder": encoder, "aspp": aspp}
    return found | {"decoder": deeplab.decode(weights, low_level, aspp)}


def run_feelvos(weights, image):
    outputs = {}
    for stride in (16, 8):
        found = run_deeplab(xception.encode, weights, image, stride)
        maps = formula.distance_maps(*found["decoder"].shape[:2], files.N_OBJECTS)
        cues = np.stack(maps, axis=-1).astype(image.dtype)
        found["embedding"] = heads.embedding(weights, found["decoder"])
        found["logits"] = heads.segmentation_head(weights, found["decoder"], cues)
        outputs |= {f"{stride}/{key}": array for key, array in found.items()}
    return outputs


def run_lite(weights, image):
    outputs = {}
    for label, kept in (("8", (2, 5, 7)), ("8-dilated", (5, 7)), ("32", (7,))):
        stride, _, dilated = label.partition("-")
        options = {"output_stride": int(stride), "dilate": dilated == "dilated"}
        maps = {n: efficientnet.features(weights, image, n_stages=n, **options) for n in kept}
        outputs |= {f"{label}/stage{n}": array for n, array in maps.items()}
    return outputs | {"32/classifier": efficientnet.classify(weights, image)[None, None, :]}


def run_lite_deeplab(weights, image):
    found = run_deeplab(efficientnet.encode, weights, image, 16)
    return {f"16-dilated/{key}": array for key, array in found.items()}


FAMILIES = {  # the first that a network's name begins with: what runs it, and the epsilon of its norms
    "tvos-resnet": (run_tvos, resnet.epsilon),
    "resnet": (run_plain, resnet.epsilon),
    "feelvos": (run_feelvos, deeplab.epsilon),
    "lite0-deeplab": (run_lite_deeplab, deeplab.epsilon),
    "lite": (run_lite, efficientnet.epsilon),
}


def largest_difference(name, outputs):
    said = files.read(name)["outputs"]
    assert outputs.keys() == said.keys()
    return max(files.difference(array, said[key]) for key, array in outputs.items())


def assert_published(features, tolerance):
    assert features.shape == (9, 12, 256)
    features = features.astype(np.float64)
    assert abs(features.mean() - PUBLISHED_MEAN) < tolerance
    assert abs(features.std(ddof=1) - PUBLISHED_STD) < tolerance
    for index, value in PUBLISHED.items():
        assert abs(features[index] - value) < tolerance, index


@pytest.fixture(scope="module", params=files.INPUTS)
def golden(request):
    """The name of a golden file, and the weights that it is of under their makers' names."""
    return request.param, formula.network(request.param)


@pytest.mark.parametrize("tier", TIERS)
def test_every_golden_file_holds_in_double_precision(golden, tier):
    name, theirs = golden
    with use_cpu(tier):
        outputs = run(name, converted(name, theirs, np.float64), frame(name))
    assert largest_difference(name, outputs) < DOUBLE


@pytest.mark.parametrize("way", ["as in a file", "folded", "folded, by Winograd"])
def test_every_golden_file_holds_in_single_precision_in_every_way_to_run_it(golden, way):
    name, theirs = golden
    weights = converted(name, theirs, np.float32)
    if way != "as in a file":
        weights = fold(weights, epsilon=epsilon_of(name), winograd=way.endswith("Winograd"))
    # Lite0, 1 and 2 have no 3×3 layer wide enough that is not depthwise.
    assert any(key.endswith("/winograd") for key in weights) == (way.endswith("Winograd") and "lite" not in name)
    with use_cpu(TIERS[-1]):
        outputs = run(name, weights, frame(name).astype(np.float32))
    assert {str(array.dtype) for array in outputs.values()} == {"float32"}
    plain_by_winograd = name.startswith("resnet") and way.endswith("Winograd")
    assert largest_difference(name, outputs) < (PLAIN_BY_WINOGRAD if plain_by_winograd else SINGLE)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("winograd", [False, True])
def test_tvos_resnet50_gives_the_numbers_of_the_specification(dtype, winograd):
    weights = converted("tvos-resnet50", formula.network("tvos-resnet50"), dtype)
    weights = fold(weights, epsilon=resnet.epsilon, winograd=winograd)
    with use_cpu(TIERS[-1]):
        features = resnet.features(weights, frame("tvos-resnet50").astype(dtype))
    # They are given to 7 decimals, computed in float32.
    assert_published(features, 1e-6 if dtype == np.float64 else SINGLE)


def other_epsilon(name, weights, image):
    ours = epsilon_of(name)
    return fold(weights, epsilon=lambda layer: 1e-3 if ours(layer) == 1e-5 else 1e-5), image


def taps_transposed(name, weights, image):
    turned = {key: np.ascontiguousarray(a.swapaxes(0, 1)) for key, a in weights.items() if a.ndim > 2}
    return weights | turned, image


def channels_reversed(name, weights, image):
    return weights, image[:, :, ::-1]


@pytest.mark.parametrize("mistake", [other_epsilon, taps_transposed, channels_reversed])
@pytest.mark.parametrize("name", ["tvos-resnet18", "lite0-deeplab", "feelvos-xception65"])
def test_no_golden_file_holds_for_a_network_that_is_slightly_another(name, mistake):
    weights = converted(name, formula.network(name), np.float32)
    with use_cpu(TIERS[-1]):
        outputs = run(name, *mistake(name, weights, frame(name).astype(np.float32)))
    assert largest_difference(name, outputs) > 10 * SINGLE
