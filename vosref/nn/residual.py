"""An inverted-residual block as one operation, so that a twin need not hold its widest map [EfficientNet-Lite].

The block widens every pixel, usually six times, looks around in each channel, and narrows again. What it takes and
gives is small; what lies between is most of a network's memory, and of the bytes it moves.
"""

from vosref.backend import accelerated
from vosref.nn.ops import conv2d, depthwise_conv2d

__all__ = ["inverted_residual"]


@accelerated
def inverted_residual(
    image,
    expand,
    expand_bias,
    depthwise,
    depthwise_bias,
    project,
    project_bias,
    /,
    *,
    stride=1,
    dilation=1,
    padding="same",
    shortcut=False,
):
    """1×1 expansion, k×k depthwise convolution, each with ReLU6, and 1×1 projection.

    Parameters
    ----------
    image : array, shape (H, W, C_in)
    expand : array, shape (1, 1, C_in, C), or None
        None for a block without expansion: C is C_in then.
    depthwise : array, shape (kh, kw, C)
    project : array, shape (1, 1, C, C_out)
    expand_bias, depthwise_bias, project_bias : array, shape (C,), (C,) and (C_out,), or None
    stride, dilation, padding
        Of the depthwise convolution, as in `ops.conv2d`.
    shortcut : bool
        Add the image to the result.

    Returns
    -------
    array, shape (h, w, C_out)

    Raises
    ------
    ValueError
        As in `ops.conv2d`.
    """
    wide = image if expand is None else conv2d(image, expand, expand_bias, activation="relu6")
    sampling = {"stride": stride, "dilation": dilation, "padding": padding}
    wide = depthwise_conv2d(wide, depthwise, depthwise_bias, **sampling, activation="relu6")
    return conv2d(wide, project, project_bias, image if shortcut else None)
