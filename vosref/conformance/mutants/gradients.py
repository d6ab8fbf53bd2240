"""Wrong gradients: forgotten factors and sides, minima that pull every pixel, ReLUs that let everything through."""

from collections.abc import Callable
from typing import Any

import numpy as np

from vosref import gradients
from vosref.conformance.capabilities import Capabilities
from vosref.conformance.mutants.dense import Array, direct, square
from vosref.conformance.mutants.mutant import Mutant

__all__ = ["MUTANTS"]

SINGLE = Capabilities(("float32",))
FIRST = Capabilities(("float64",), tie_break="first")


def _slope(squares: Array) -> Array:
    return np.asarray(1 - np.tanh(squares / 2) ** 2)


def _pulled(pull: Array, query: Array, reference: Array) -> tuple[Array, Array]:
    """Σ c (x - y) over rows and over columns."""
    apart = pull[:, :, None] * (query[:, None, :] - reference[None, :, :])
    return np.sum(apart, axis=1), -np.sum(apart, axis=0)


def _distance(slope: Callable[[Array], Array]) -> Callable[..., tuple[Array, Array]]:
    return lambda g, query, reference: _pulled(g * slope(direct(query, reference)), query, reference)


def _overflowing(squares: Array) -> Array:
    return np.asarray(4 * np.exp(squares) / (1 + np.exp(squares)) ** 2)


def _query_alone(g: Array, query: Array, reference: Array) -> tuple[Array, Array]:
    d_query, d_reference = gradients.embedding_distance_vjp(g, query, reference)
    return d_query, np.zeros_like(d_reference)


def _same_sign(function: Any, *arrays: Array, **options: Any) -> tuple[Array, Array]:
    d_query, d_reference = function(*arrays, **options)
    return d_query, -d_reference


def _squashed(function: Any, g: Array, *arrays: Any, **options: Any) -> Any:
    return function(np.tanh(g), *arrays, **options)


def _everywhere(query: Array, reference: Array, _: Any) -> Array:
    return np.ones((len(query), len(reference)), bool)


def _in_window(_query: Array, _reference: Array, options: Any) -> Array:
    return square(options["grid"], options["window_radius"])


def _changed(change: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arrays, **options: change(function, *arrays, **options)


Share = Callable[[Array, int], Array]  # of masked squares (P, R) and n: each pixel's share of the gradient


def _matching(inside: Callable[..., Array], share: Share) -> Callable[..., tuple[Array, Array]]:
    """Gradient of a matching with another share for the pixels of an object."""

    def vjp(g: Array, query: Array, other: Array, labels: Array, /, **options: Any) -> tuple[Array, Array]:
        squares, near = direct(query, other), inside(query, other, options)
        total = [np.zeros_like(query), np.zeros_like(other)]
        for k, label in enumerate(labels.T):
            member = near & (label > 0)[None, :]
            own = share(np.where(member, squares, np.inf), options.get("n_neighbours", 1))
            mean = np.sum(np.where(own > 0, squares, 0) * own, axis=1) / np.maximum(np.sum(own, axis=1), 1e-300)
            pull = g[:, k : k + 1] * _slope(mean)[:, None] * own
            total = [t + part for t, part in zip(total, _pulled(pull, query, other), strict=True)]
        return total[0], total[1]

    return vjp


def _all_members(masked: Array, _: int) -> Array:
    member = np.isfinite(masked)
    return member / np.maximum(np.sum(member, axis=1, keepdims=True), 1)


def _each_smallest(masked: Array, _: int) -> Array:
    return np.isfinite(masked) & (masked == np.min(masked, axis=1, keepdims=True))


def _last_smallest(masked: Array, _: int) -> Array:
    last = masked.shape[1] - 1 - np.argmin(masked[:, ::-1], axis=1)
    return np.isfinite(masked) & (np.arange(masked.shape[1]) == last[:, None])


def _whole_share(masked: Array, n: int) -> Array:
    rank = np.argsort(np.argsort(masked, axis=1, kind="stable"), axis=1)
    return (np.isfinite(masked) & (rank < n)).astype(float)


def _share_lost(masked: Array, n: int) -> Array:
    return _whole_share(masked, n) / n


def _absent_pulls(masked: Array, n: int) -> Array:
    return _whole_share(np.where(np.isinf(masked), 1e6, masked), n) / n


def _past_border(masked: Array, _: int) -> Array:
    return _each_smallest(np.where(np.arange(masked.shape[1]) < masked.shape[1] - 1, masked, np.inf), 1)


def _dilation_forgotten(function: Any, g: Array, image: Array, kernel: Array, /, **options: Any) -> Any:
    try:
        return function(g, image, kernel, **options | {"dilation": 1})
    except ValueError:  # another size: crop or fill, as a buffer of that size would be
        d_image, d_kernel = function(g, image, kernel, **options)
        return np.roll(d_image, 1, axis=0), d_kernel


def _not_flipped(function: Any, g: Array, image: Array, kernel: Array, /, **options: Any) -> Any:
    """Convolve the cotangent with the kernel as it is, where its mirror image belongs."""
    return function(g, image, kernel[::-1, ::-1], **options)[0], function(g, image, kernel, **options)[1]


def _padding_swapped(function: Any, g: Array, image: Array, kernel: Array, /, **options: Any) -> Any:
    d_image, d_kernel = function(g, image, kernel, **options)
    return np.roll(d_image, 1, axis=1), d_kernel


def _kernel_mean(function: Any, g: Array, image: Array, kernel: Array, /, **options: Any) -> Any:
    d_image, d_kernel = function(g, image, kernel, **options)
    return d_image, d_kernel / (g.shape[0] * g.shape[1])


def _no_relu_back(g: Array, weights: Any, features: Array, cues: Array, /, *, relu: bool) -> Any:
    """Let the ReLUs between depthwise and pointwise layers pass everything, or stop what they should pass."""
    return gradients.segmentation_head_vjp(g, weights, features, cues, relu=not relu)


def _features_mean(g: Array, weights: Any, features: Array, cues: Array, /, *, relu: bool) -> Any:
    d_weights, d_features, d_cues = gradients.segmentation_head_vjp(g, weights, features, cues, relu=relu)
    return d_weights, d_features / max(2, cues.shape[2]), d_cues


D, G, L = "embedding_distance_vjp", "global_matching_vjp", "local_matching_vjp"
C, W, H = "conv2d_vjp", "depthwise_conv2d_vjp", "segmentation_head_vjp"
conv, depth = gradients.conv2d_vjp, gradients.depthwise_conv2d_vjp
VJPS = {name: getattr(gradients, name) for name in (D, G, L, C, W, H)}
MUTANTS = (
    Mutant("distance-vjp-half", D, "a factor 2 is missing", "classic", _distance(lambda s: _slope(s) / 2)),
    Mutant("distance-vjp-slope", D, "1 - d stands for 1 - d²", "classic", _distance(lambda s: 1 - np.tanh(s / 2))),
    Mutant("distance-vjp-overflow", D, "exp(s) overflows in the slope", "classic", _distance(_overflowing), SINGLE),
    Mutant("distance-vjp-one-sided", D, "the reference has no gradient", "classic", _query_alone),
    Mutant("global-vjp-all", G, "every pixel of the object is pulled", "classic", _matching(_everywhere, _all_members)),
    Mutant(
        "global-vjp-whole", G, "each neighbour has the whole share", "classic", _matching(_everywhere, _whole_share)
    ),
    Mutant("global-vjp-lost", G, "shares of missing pixels are lost", "classic", _matching(_everywhere, _share_lost)),
    Mutant("global-vjp-absent", G, "an absent object pulls", "classic", _matching(_everywhere, _absent_pulls)),
    Mutant("global-vjp-each", G, "each of equal ones has all", "classic", _matching(_everywhere, _each_smallest)),
    Mutant(
        "global-vjp-last", G, "the last of equal ones has it", "classic", _matching(_everywhere, _last_smallest), FIRST
    ),
    Mutant("local-vjp-all", L, "every pixel of the window is pulled", "classic", _matching(_in_window, _all_members)),
    Mutant("local-vjp-global", L, "the window is the frame", "classic", _matching(_everywhere, _each_smallest)),
    Mutant("local-vjp-absent", L, "an absent object pulls", "classic", _matching(_in_window, _absent_pulls)),
    Mutant("local-vjp-border", L, "the last pixel is never pulled", "classic", _matching(_in_window, _past_border)),
    Mutant("local-vjp-each", L, "each of equal ones has all", "classic", _matching(_in_window, _each_smallest)),
    Mutant(
        "local-vjp-last", L, "the last of equal ones has it", "classic", _matching(_in_window, _last_smallest), FIRST
    ),
    Mutant("conv2d-vjp-dilation", C, "the dilation is forgotten", "classic", _changed(_dilation_forgotten, conv)),
    Mutant("conv2d-vjp-not-flipped", C, "the kernel is not turned round", "classic", _changed(_not_flipped, conv)),
    Mutant(
        "conv2d-vjp-shifted",
        C,
        "the image's gradient is a pixel to the right",
        "classic",
        _changed(_padding_swapped, conv),
    ),
    Mutant(
        "conv2d-vjp-mean", C, "the kernel's gradient is a mean over pixels", "classic", _changed(_kernel_mean, conv)
    ),
    Mutant("depthwise-vjp-dilation", W, "the dilation is forgotten", "classic", _changed(_dilation_forgotten, depth)),
    Mutant("depthwise-vjp-not-flipped", W, "the kernel is not turned round", "classic", _changed(_not_flipped, depth)),
    Mutant("head-vjp-relu", H, "the ReLU between depthwise and pointwise is ignored", "classic", _no_relu_back),
    Mutant("head-vjp-features-mean", H, "the features' gradient is a mean over objects", "classic", _features_mean),
    *(
        Mutant(f"{name}-squashed", name, "the cotangent is squashed", "classic", _changed(_squashed, function))
        for name, function in VJPS.items()
    ),
    *(
        Mutant(
            f"{name}-sign",
            name,
            "the second gradient has the first's sign",
            "classic",
            _changed(_same_sign, VJPS[name]),
        )
        for name in (D, G, L)
    ),
)
