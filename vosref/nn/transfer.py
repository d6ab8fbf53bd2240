"""Features of networks that were trained to classify photographs, as an embedding of video: a transferred one.

ResNet or EfficientNet-Lite, told apart by their weights.
"""

from collections.abc import Mapping

from vosref.backend import Array, array_namespace
from vosref.nn import efficientnet, resnet
from vosref.nn.networks import network
from vosref.resize import resize_bilinear

__all__ = ["embed", "is_encoder", "prepare"]


def is_encoder(weights: Mapping[str, Array], /) -> bool:
    """Tell whether weights are of a network that `embed` runs."""
    return "stem/kernel" in weights


def prepare(weights: Mapping[str, Array], /) -> dict[str, Array]:
    """Prepare weights for the frames: norms folded, 3×3 kernels transformed."""
    return network("resnet" if _is_resnet(weights) else "lite").fold(weights)


def embed(
    weights: Mapping[str, Array],
    frame: Array,
    /,
    *,
    working_scale: float,
    n_stages: int,
    output_stride: int,
    normalise: bool,
    grid: tuple[int, int] | None = None,
) -> Array:
    """Embed a frame.

    Parameters
    ----------
    weights : mapping of str to array
        From `prepare`, or any arrays of that form in the frame's namespace.
    frame : array of uint8, shape (H, W, 3)
        RGB.
    working_scale : float
        The frame is enlarged so much before the network.
    n_stages : int
        Stages of an EfficientNet-Lite.
    output_stride : int
        Of the network, on the enlarged frame.
    normalise : bool
        Scale embeddings to length 1.
    grid : (int, int), optional
        Height and width that features are resized to, with aligned corners, before they are scaled.

    Returns
    -------
    array, shape (h, w, D)
        With the weights' data type.
    """
    xp = array_namespace(frame)
    image = xp.astype(frame, weights["stem/kernel"].dtype)
    if working_scale != 1:
        height, width = (max(1, round(n * working_scale)) for n in frame.shape[:2])
        image = resize_bilinear(image, size=(height, width))
    if _is_resnet(weights):
        x = resnet.features(weights, image, output_stride=output_stride)
    else:
        x = efficientnet.features(weights, image, n_stages=n_stages, output_stride=output_stride)
    if grid is not None and x.shape[:2] != grid:
        x = resize_bilinear(x, size=grid, align_corners=True)
    if not normalise:
        return x
    length = xp.sqrt(xp.sum(x * x, axis=2, keepdims=True))
    return x / xp.where(length > 0, length, xp.ones_like(length))


def _is_resnet(weights: Mapping[str, Array]) -> bool:
    return "layer1/0/conv1/kernel" in weights
