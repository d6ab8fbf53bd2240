"""What FEELVOS puts on the decoder: the embedding, and the dynamic segmentation head [FEELVOS §3; specs FEELVOS §2, 4].

Every layer has biases and, as released, a ReLU; none has a batch norm. The head runs once for each object, on the
decoder's features and three maps of the object's own. Its first layer is depthwise, then pointwise: features and own
maps meet only in the pointwise sum, so the features' part of it, nearly the whole layer, is computed once for all.
"""

from collections.abc import Mapping, Sequence

from vosref.backend import Array, array_namespace, device
from vosref.nn.layers import Factory, Layers

__all__ = ["embedding", "epsilon", "object_logits", "reorder", "segmentation_head", "split_head"]

HEAD_LAYERS = 4


def epsilon(name: str, /) -> float:
    """Refuse: neither embedding nor head has a batch norm."""
    raise ValueError(f"{name} has a batch norm, but FEELVOS's embedding and head have none")


def embedding(
    weights: Mapping[str, Array], features: Array, /, *, relu: bool = True, layers: Factory = Layers
) -> Array:
    """Embed the decoder's features [FEELVOS §3.1].

    Parameters
    ----------
    weights : mapping of str to array
        ``embedding/depthwise`` and ``embedding/pointwise``.
    features : array, shape (h, w, 256)
    relu : bool
        Rectify after both layers, as the released code does; the paper does not say [specs FEELVOS §7, 3].
    layers : callable
        How layers run.

    Returns
    -------
    array, shape (h, w, 100)
        Without unit, not scaled to any length; non-negative where rectified.
    """
    net, activation = layers(weights, epsilon), "relu" if relu else None
    x = net.depthwise("embedding/depthwise", features, activation=activation)
    return net.conv("embedding/pointwise", x, activation=activation)


def segmentation_head(
    weights: Mapping[str, Array], features: Array, cues: Array, /, *, relu: bool = True, layers: Factory = Layers
) -> Array:
    """One logit for every pixel and object [FEELVOS §3].

    Parameters
    ----------
    weights : mapping of str to array
        ``head/0/depthwise`` … ``head/3/pointwise`` and ``head/logits``.
    features : array, shape (h, w, 256)
        The same for all objects.
    cues : array, shape (h, w, K, n)
        The channels that differ by object, in the order of the weights: global distance, previous mask, local distance
        in the full system (n = 3); ablations leave some out.
    relu : bool
        Rectify between a depthwise layer and its pointwise one too, as the released code does; the paper speaks of one
        ReLU [specs FEELVOS §7, 4].
    layers : callable
        How layers run.

    Returns
    -------
    array, shape (h, w, K)
        Equal, but for rounding, to the head run on [features, cues] of each object by itself.

    Examples
    --------
    Of two objects with the same cues neither is preferred:

    >>> import numpy as np
    >>> from vosref.nn.heads import segmentation_head
    >>> from vosref.weights import load
    >>> features, cues = np.ones((2, 3, 256), np.float32), np.zeros((2, 3, 2, 3), np.float32)
    >>> logits = segmentation_head(load("feelvos-lite0"), features, cues)
    >>> logits.shape, bool((logits[:, :, 0] == logits[:, :, 1]).all())
    ((2, 3, 2), True)
    """
    channels = weights["head/0/depthwise/kernel"].shape[2]
    fit = features.ndim == 3 and cues.ndim == 4 and cues.shape[:2] == features.shape[:2]
    if not fit or features.shape[2] + cues.shape[3] != channels or cues.shape[2] < 1:
        raise ValueError(
            f"features (h, w, C) and cues (h, w, K, n) must share h and w, with C + n = {channels} and K 1 or more, "
            f"got {tuple(features.shape)} and {tuple(cues.shape)}"
        )
    net, between = layers(split_head(weights, features.shape[2]), epsilon), "relu" if relu else None
    x = net.depthwise("head/0/shared/depthwise", features, activation=between)
    shared = net.conv("head/0/shared/pointwise", x)
    logits = [object_logits(net, shared, cues[:, :, k, :], between) for k in range(cues.shape[2])]
    return net.concat("head/all", logits)


def split_head(weights: Mapping[str, Array], n_shared: int, /) -> dict[str, Array]:
    """Split the head's first layer into the part of the first `n_shared` channels, with the bias, and the rest.

    Parameters
    ----------
    weights : mapping of str to array
    n_shared : int
        Channels that do not differ by object.

    Returns
    -------
    dict of str to array
        The head's arrays, with ``head/0/shared/…`` and ``head/0/own/…``.
    """
    split = {name: array for name, array in weights.items() if name.startswith("head/")}
    for part, channels in (("shared", slice(None, n_shared)), ("own", slice(n_shared, None))):
        for array in ("kernel", "bias"):
            split[f"head/0/{part}/depthwise/{array}"] = weights[f"head/0/depthwise/{array}"][..., channels]
        split[f"head/0/{part}/pointwise/kernel"] = weights["head/0/pointwise/kernel"][:, :, channels, :]
    split["head/0/shared/pointwise/bias"] = weights["head/0/pointwise/bias"]
    return split


def reorder(weights: Mapping[str, Array], theirs: Sequence[str], ours: Sequence[str], /) -> dict[str, Array]:
    """Reorder the input channels of the head's first layer.

    Parameters
    ----------
    weights : mapping of str to array
    theirs, ours : sequence of str
        "features", of as many channels as there are, and the names of cues, of one channel each, in the order that the
        weights have and in the order that they are to have.

    Returns
    -------
    dict of str to array
        All of the weights.
    """
    n, places, first = weights["head/0/depthwise/kernel"].shape[2], {}, 0
    for part in theirs:
        width = n - len(theirs) + 1 if part == "features" else 1
        places[part], first = range(first, first + width), first + width
    order = [channel for part in ours for channel in places[part]]
    reordered = dict(weights)
    for array, axis in (("depthwise/kernel", 2), ("depthwise/bias", 0), ("pointwise/kernel", 2)):
        whole = weights[f"head/0/{array}"]
        xp = array_namespace(whole)
        reordered[f"head/0/{array}"] = xp.take(whole, xp.asarray(order, device=device(whole)), axis=axis)
    return reordered


def object_logits(net, shared, cues, between, /):
    """Logits of one object: its own `cues` join the `shared` part of the first layer, already multiplied."""
    x = net.depthwise("head/0/own/depthwise", cues, activation=between)
    x = net.conv("head/0/own/pointwise", x, shared, activation="relu")
    for i in range(1, HEAD_LAYERS):
        x = net.depthwise(f"head/{i}/depthwise", x, activation=between)
        x = net.conv(f"head/{i}/pointwise", x, activation="relu")
    return net.conv("head/logits", x)
