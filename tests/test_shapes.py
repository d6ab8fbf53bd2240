"""`vosref.shapes`: what definitions and twins alike refuse, and in which words."""

import re

import numpy as np
import pytest
from convolutions import LAYERS, random_layer

from vosref.backend import use_cpu
from vosref.nn.ops import average_pool, conv2d, max_pool
from vosref.nn.winograd import winograd_conv2d

TIERS = pytest.mark.parametrize("tier", ["numpy", "numba"])
NAMES = {False: "conv2d", True: "depthwise_conv2d"}
PADDING = r'^padding must be "same", pixels, or \(\(top, bottom\), \(left, right\)\), 0 or more each, got '


def refused(tier, message, layer, *arrays, **options):
    with use_cpu(tier), pytest.raises(ValueError, match=message):
        layer(*arrays, **options)


@TIERS
@LAYERS
def test_arrays_that_do_not_belong_together_are_refused(xp, layer, depthwise, tier):
    image, kernel, bias = map(xp.asarray, random_layer(depthwise=depthwise, out=2))
    name, n_out, axes = NAMES[depthwise], 3 if depthwise else 2, 3 if depthwise else 4
    image_rule = rf"^{name} takes an image \(H, W, 3\) for this kernel, got "
    refused(tier, rf"{image_rule}\(13, 11, 2\)", layer, image[:, :, :2], kernel, bias)
    refused(tier, rf"{image_rule}\(13, 11\)", layer, image[:, :, 0], kernel, bias)
    refused(tier, rf"^{name} takes a bias \({n_out},\) for this kernel, got \(1,\)", layer, image, kernel, bias[:1])
    refused(tier, rf"^{name} takes a kernel with {axes} axes, got \(3, 3", layer, image, kernel[..., 0], bias)
    refused(tier, rf"^{name} takes a kernel with {axes} axes, got \(3, 3", layer, image, kernel[..., None], bias)


@TIERS
def test_a_kernel_of_two_axes_is_refused(xp, tier):
    image, kernel = (xp.asarray(a) for a in (np.ones((4, 4, 1)), np.ones((3, 3))))
    refused(tier, r"conv2d takes a kernel with 4 axes, got \(3, 3\)", conv2d, image, kernel)


@TIERS
def test_a_shortcut_of_another_shape_is_refused(xp, tier):
    image, kernel, bias = map(xp.asarray, random_layer())
    rule = r"^conv2d takes a shortcut of its result's shape \(11, 9, 4\), got \(13, 11, 3\)"
    refused(tier, rule, conv2d, image, kernel, bias, image)


@TIERS
@pytest.mark.parametrize("groups", [0, -1, 3])
def test_groups_that_do_not_divide_the_outputs_are_refused(xp, tier, groups):
    image, kernel, bias = map(xp.asarray, random_layer())
    rule = rf"^conv2d: groups must be 1 or more and divide the 4 output channels, got {groups}"
    refused(tier, rule, conv2d, image, kernel, bias, groups=groups)


@TIERS
@LAYERS
def test_options_out_of_range_are_refused(xp, layer, depthwise, tier):
    arrays = [xp.asarray(a) for a in random_layer(depthwise=depthwise)]
    refused(tier, "stride and dilation must be 1 or more, got 0 and 1", layer, *arrays, stride=0)
    refused(tier, "stride and dilation must be 1 or more, got 1 and -2", layer, *arrays, dilation=-2)
    for wrong in (-1, ((0, 0), (0, -3)), ((0, 5), (3, -1)), "valid", (1, 1), ((1, 1),), ((1, 2, 3), (1, 2))):
        refused(tier, f"{PADDING}{re.escape(repr(wrong))}$", layer, *arrays, padding=wrong)
    refused(tier, 'activation must be None, "relu" or "relu6", got \'tanh\'', layer, *arrays, activation="tanh")


@TIERS
@LAYERS
def test_a_kernel_larger_than_the_padded_image_is_refused(xp, layer, depthwise, tier):
    image, kernel, bias = (xp.asarray(a) for a in random_layer(height=4, width=9, depthwise=depthwise))
    rule = r"^an image of \(4, 9\) pixels with padding \(\(0, 0\), \(0, 0\)\) is smaller than the kernel \(3, 3\)"
    refused(tier, rule, layer, image, kernel, bias, dilation=2)
    assert layer(image, kernel, bias, dilation=2, padding=1).shape[:2] == (2, 7)


@TIERS
@pytest.mark.parametrize("pool", [max_pool, average_pool])
def test_pools_refuse_the_same(xp, pool, tier):
    image = xp.asarray(random_layer()[0])
    refused(tier, "stride and dilation must be 1 or more, got 0 and 1", pool, image, size=3, stride=0)
    refused(tier, f"{PADDING}-1", pool, image, size=3, stride=1, padding=-1)
    refused(tier, r"smaller than the kernel \(14, 14\)", pool, image, size=14, stride=1)


@TIERS
def test_winograd_refuses_the_same(xp, tier):
    image, transformed, bias = (xp.asarray(np.ones(shape)) for shape in ((5, 6, 2), (36, 2, 4), (4,)))
    layer = winograd_conv2d
    refused(
        tier, r"takes a transformed kernel \(36, C_in, C_out\), got \(35, 2, 4\)", layer, image, transformed[:35, ...]
    )
    refused(tier, r"takes a transformed kernel .* got \(36, 2\)", layer, image, transformed[:, :, 0])
    refused(
        tier, r"^winograd_conv2d takes an image \(H, W, 2\) .* got \(5, 6, 1\)", layer, image[:, :, :1], transformed
    )
    refused(tier, r"^winograd_conv2d takes an image \(H, W, 2\) .* got \(5, 6\)", layer, image[:, :, 0], transformed)
    refused(tier, r"^winograd_conv2d takes a bias \(4,\) .* got \(3,\)", layer, image, transformed, bias[:3])
    rule = r"^winograd_conv2d takes a shortcut of its result's shape \(5, 6, 4\), got \(5, 6, 2\)"
    refused(tier, rule, layer, image, transformed, bias, image)
    refused(tier, "activation must be", layer, image, transformed, activation="gelu")
