"""Every layer against `torch.nn.functional`, where torch is installed: no further apart than both may round."""

import bounds
import numpy as np
import pytest
from convolutions import DTYPES, exact_and_bound
from hypothesis import given
from hypothesis import strategies as st
from strategies import SEEDS, images, layers, pools

from vosref.backend import use_cpu
from vosref.nn import ops
from vosref.nn.winograd import transform_kernel, winograd_conv2d
from vosref.shapes import window_geometry

torch = pytest.importorskip("torch", reason="torch is not installed: parity with torch.nn.functional is not tested")
functional = torch.nn.functional

TIERS = pytest.mark.parametrize("tier", ["numpy", "numba"])
SIDES = st.integers(1, 9)


def planes(array):
    """An image (H, W, C) as torch has it, (1, C, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)[None]))


def image_of(tensor):
    return tensor[0].permute(1, 2, 0).numpy()


def padded(image, kernel_size, options, fill=0.0):
    """The image with its padding, which torch cannot take where sides differ."""
    dilation = options.get("dilation", 1)
    sampling = {"stride": options["stride"], "dilation": dilation, "padding": options["padding"]}
    (top, bottom), (left, right) = window_geometry(image.shape[:2], kernel_size, **sampling)[0]
    return functional.pad(planes(image), (left, right, top, bottom), value=fill)


@DTYPES
@TIERS
@pytest.mark.parametrize("depthwise", [False, True])
@given(data=st.data())
def test_convolutions(tier, dtype, depthwise, data):
    image, kernel, bias, options = data.draw(layers(depthwise=depthwise))
    image, kernel, bias = (None if a is None else a.astype(dtype) for a in (image, kernel, bias))
    with use_cpu(tier):
        ours = (ops.depthwise_conv2d if depthwise else ops.conv2d)(image, kernel, bias, **options)
    weight = kernel[:, :, None, :] if depthwise else kernel
    theirs = functional.conv2d(
        padded(image, kernel.shape[:2], options),
        torch.from_numpy(np.ascontiguousarray(weight.transpose(3, 2, 0, 1))),
        None if bias is None else torch.from_numpy(bias),
        stride=options["stride"],
        dilation=options["dilation"],
        groups=image.shape[2] if depthwise else options["groups"],
    )
    assert (np.abs(ours - image_of(theirs)) <= 2 * exact_and_bound(image, kernel, bias, **options)[1]).all()


@DTYPES
@TIERS
@given(seed=SEEDS, height=SIDES, width=SIDES, n_in=st.integers(1, 4), n_out=st.integers(1, 4))
def test_winograd(tier, dtype, seed, height, width, n_in, n_out):
    rng = np.random.default_rng(seed)
    shapes = (height, width, n_in), (3, 3, n_in, n_out), (n_out,)
    image, kernel, bias = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    with use_cpu(tier):
        ours = winograd_conv2d(image, transform_kernel(kernel), bias)
    weight = torch.from_numpy(np.ascontiguousarray(kernel.transpose(3, 2, 0, 1)))
    theirs = image_of(functional.conv2d(planes(image), weight, torch.from_numpy(bias), padding=1))
    bound = bounds.winograd_bound(image, kernel, np.abs(bias), dtype)
    assert (np.abs(ours - theirs) <= bound + exact_and_bound(image, kernel, bias, padding=1)[1]).all()


@DTYPES
@given(image=images(), seed=SEEDS, epsilon=st.sampled_from([1e-5, 1e-3]))
def test_batch_norm(dtype, image, seed, epsilon):
    rng, channels = np.random.default_rng(seed), image.shape[2]
    norm = [v.astype(dtype) for v in (*rng.standard_normal((3, channels)), rng.uniform(0.1, 2, channels))]
    image = image.astype(dtype)
    scale, offset, mean, variance = map(torch.from_numpy, norm)
    theirs = image_of(functional.batch_norm(planes(image), mean, variance, scale, offset, eps=epsilon))
    bound = bounds.norm_bound(image, *norm, epsilon=epsilon, dtype=dtype)
    assert (np.abs(ops.batch_norm(image, *norm, epsilon=epsilon) - theirs) <= 2 * bound).all()


@DTYPES
@TIERS
@given(pool=pools(), missing=st.booleans())
def test_max_pool_to_the_bit(tier, dtype, pool, missing):
    image, options = pool[0].astype(dtype), pool[1]
    if missing:
        image[-1, -1] = np.nan
    with use_cpu(tier):
        ours = ops.max_pool(image, **options)
    framed = padded(image, (options["size"],) * 2, options, fill=-np.inf)
    theirs = functional.max_pool2d(framed, options["size"], options["stride"])
    assert np.array_equal(ours, image_of(theirs), equal_nan=True)


@DTYPES
@pytest.mark.parametrize("count_padding", [False, True])
@given(image=images(), size=st.integers(1, 4), stride=st.integers(1, 3), data=st.data())
def test_average_pool(dtype, count_padding, image, size, stride, data):
    image = image.astype(dtype)
    padding = data.draw(st.integers(0, size // 2))  # torch takes no more
    if min(image.shape[:2]) + 2 * padding < size:
        size, padding = 1, 0
    options = {"stride": stride, "padding": padding}

    def theirs(values):
        return image_of(functional.avg_pool2d(planes(values), size, count_include_pad=count_padding, **options))

    ours = ops.average_pool(image, size=size, count_padding=count_padding, **options)
    bound = bounds.gamma(size * size, dtype) * theirs(np.abs(image).astype(np.float64))
    assert (np.abs(ours - theirs(image)) <= 2 * bound).all()


@DTYPES
@TIERS
@pytest.mark.parametrize("align_corners", [False, True])
@given(height=SIDES, width=SIDES, size=st.tuples(SIDES, SIDES), seed=SEEDS)
def test_bilinear(tier, dtype, align_corners, height, width, size, seed):
    image = np.random.default_rng(seed).standard_normal((height, width, 2)).astype(dtype)
    with use_cpu(tier):
        ours = ops.resize_bilinear(image, size=size, align_corners=align_corners)
    theirs = functional.interpolate(planes(image), size, mode="bilinear", align_corners=align_corners)
    # Torch's positions are rounded to the dtype, a scale and a product below 9, and a share in ours.
    offset = 10 * bounds.gamma(4, dtype)
    assert np.abs(ours - image_of(theirs)).max() <= 2 * bounds.resize_bound(np.abs(image).max(), dtype, offset=offset)


def rows_shown(n_in, n_out):
    """The rows that our nearest and torch's show."""
    rows = np.arange(float(n_in)).reshape(-1, 1, 1)
    theirs = image_of(functional.interpolate(planes(rows), (n_out, 1), mode="nearest"))
    return ops.resize_nearest(rows, size=(n_out, 1)).ravel(), theirs.ravel()


def test_nearest_is_not_torchs():
    ours, theirs = rows_shown(480, 120)
    assert (ours[-2:].tolist(), theirs[-2:].tolist()) == ([475, 479], [472, 476])
    assert np.flatnonzero(ours != theirs)[0] == 20  # round(20 × 479 / 119) = 81, floor(20 × 480 / 120) = 80


@pytest.mark.parametrize(("n_in", "n_out"), [(7, 7), (1, 5), (5, 1), (2, 2), (2, 4)])
def test_nearest_is_torchs_where_both_rules_name_the_same_rows(n_in, n_out):
    ours, theirs = rows_shown(n_in, n_out)
    assert np.array_equal(ours, theirs)


def test_the_residual_block_is_torchs():
    rng = np.random.default_rng(0)
    image, kernel, bias = (rng.standard_normal(shape) for shape in ((6, 7, 3), (3, 3, 3, 3), (3,)))
    weight = torch.from_numpy(np.ascontiguousarray(kernel.transpose(3, 2, 0, 1)))
    plain = functional.conv2d(planes(image), weight, torch.from_numpy(bias), padding=1)
    expected = image_of(functional.relu(plain + planes(image)))
    for tier in ("numpy", "numba"):
        with use_cpu(tier):
            got = ops.conv2d(image, kernel, bias, image, padding=1, activation="relu")
        bound = exact_and_bound(image, kernel, bias, image, padding=1)[1]
        assert (np.abs(got - expected) <= 2 * bound).all()
