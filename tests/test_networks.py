"""`vosref.nn.networks`: each model's name leads to what runs it."""

import numpy as np
import pytest
import thin_weights
from numpy.testing import assert_allclose
from thin_weights import random_image

from vosref.nn import deeplab, efficientnet, heads, resnet
from vosref.nn.layers import fold
from vosref.nn.networks import network
from vosref.weights import MODELS

THIN = {
    "tvos-resnet": lambda: thin_weights.resnet(bottleneck=True),
    "resnet": lambda: thin_weights.resnet(bottleneck=False, released=False),
    "tvos-lite": thin_weights.efficientnet,
    "feelvos": lambda: thin_weights.xception() | thin_weights.deeplab() | thin_weights.heads(),
    "lite": thin_weights.efficientnet,
}


@pytest.mark.usefixtures("definitions")
@pytest.mark.parametrize("model", MODELS)
def test_a_model_runs_folded_as_it_does_unfolded(model):
    weights = next(make for family, make in THIN.items() if model.startswith(family))()
    net, image = network(model), random_image()
    plain, folded = (net.run(w, image) for w in (weights, fold(weights, epsilon=net.epsilon)))
    assert_allclose(folded, plain, atol=1e-9 * np.abs(plain).max())


@pytest.mark.usefixtures("definitions")
def test_feelvos_embeds_the_decoders_features():
    weights, image = THIN["feelvos"](), random_image()
    for output_stride in (8, 16):
        expected = heads.embedding(weights, deeplab.features(weights, image, output_stride=output_stride))
        got = network("feelvos-xception65").run(weights, image, output_stride=output_stride)
        assert np.array_equal(got, expected)


def test_the_other_families_are_their_files_own():
    for model, module in (("tvos-resnet50", resnet), ("resnet18", resnet), ("lite2", efficientnet)):
        assert network(model)[:2] == (module.features, module.epsilon)


@pytest.mark.usefixtures("definitions")
def test_a_folded_network_needs_no_plain_kernel_where_it_never_strides():
    weights, image = thin_weights.resnet(bottleneck=True, planes=(16, 17, 18)), random_image()
    folded = network("tvos-resnet50").fold(weights)
    alone = {name.removesuffix("/winograd") for name in folded if name.endswith("/winograd")}
    alone -= {name.removesuffix("/kernel") for name in folded if name.endswith("/kernel")}
    assert alone == {f"layer{g}/{b}/conv2" for g, n in enumerate((2, 2, 1, 2), 1) for b in range(1, n)}
    exact = network("tvos-resnet50").fold(weights, winograd=False)
    got, expected = (resnet.features(w, image) for w in (folded, exact))
    assert_allclose(got, expected, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize("model", ["", "vgg16", "xception"])
def test_a_name_that_no_network_has_is_refused(model):
    with pytest.raises(ValueError, match=f"model must begin with one of tvos-resnet, resnet, .*, got '{model}'"):
        network(model)
