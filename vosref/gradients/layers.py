"""Gradients of the layers: convolution and depthwise convolution by image and kernel.

Both definitions are sums over the taps of a kernel, of a strided view of the padded image times the tap's weights. A
sum's gradient is each term's: by the weights it multiplies with the view, and by the view with the weights; and the
gradient of a view goes back to the places that the view was taken from, but to the padding.

Activations are the caller's. With z the layer's result before a ReLU and g the cotangent after it, the one before is
g where z > 0 and 0 elsewhere, at z = 0 too; for ReLU6, where 0 < z < 6. A bias has Σ g over all pixels as its gradient,
a shortcut g itself.
"""

from vosref.backend import array_namespace, device
from vosref.gradients.cotangents import check_cotangent
from vosref.nn.ops import windows
from vosref.shapes import check_convolution, window_geometry

__all__ = ["conv2d_vjp", "depthwise_conv2d_vjp"]


def conv2d_vjp(cotangent, image, kernel, /, *, stride=1, dilation=1, groups=1, padding=0):
    """Gradient of `nn.ops.conv2d`, without bias and activation, by image and kernel.

    With x_t the view of the padded image that tap t multiplies, (h, w, C_in), and K_t the tap's matrix, (C_in, C_out),
    the result is z = Σ_t x_t K_t, in each group by itself, so that

        ∂L/∂K_t = Σ_pixels x_tᵀ g,    ∂L/∂x_t = g K_tᵀ;

    ∂L/∂image sums the latter over taps, each put back to rows t_y·dilation + stride·(0 … h - 1) of the padded image,
    columns alike, and leaves the padding out. The bias's gradient is the sum of g over the pixels.

    Parameters
    ----------
    cotangent : array, shape (h, w, C_out)
        g = ∂L/∂z.
    image : array, shape (H, W, C_in)
    kernel : array, shape (kh, kw, C_in / groups, C_out)
    stride, dilation, groups, padding
        As for the definition.

    Returns
    -------
    d_image : array, shape (H, W, C_in)
    d_kernel : array, shape (kh, kw, C_in / groups, C_out)
        Each of its array's data type.

    Raises
    ------
    ValueError
        As the definition does, and if the cotangent has another shape than the result.

    Examples
    --------
    The layer doubles nine pixels of 1: each has the gradient 2, and the kernel their sum.

    >>> import numpy as np
    >>> from vosref.gradients import conv2d_vjp
    >>> image, kernel = np.ones((3, 3, 1)), np.full((1, 1, 1, 1), 2.0)
    >>> d_image, d_kernel = conv2d_vjp(np.ones((3, 3, 1)), image, kernel)
    >>> np.unique(d_image), d_kernel.ravel()
    (array([2.]), array([9.]))
    """
    xp = array_namespace(cotangent, image, kernel)
    pads, size = _geometry(image, kernel, stride, dilation, padding)
    check_convolution("conv2d", image, kernel, None, None, groups=groups, size=size)
    check_cotangent(cotangent, (*size, kernel.shape[3]))
    pixels, d_image, d_kernel = size[0] * size[1], xp.zeros_like(image), []

    def by_group(values):
        return xp.permute_dims(xp.reshape(values, (values.shape[0], groups, -1)), (1, 0, 2))  # (groups, rows, channels)

    g = by_group(xp.reshape(cotangent, (pixels, -1)))
    for tap, window in windows(image, kernel.shape[:2], pads, size, stride=stride, dilation=dilation):
        view, matrices = by_group(xp.reshape(window, (pixels, -1))), by_group(kernel[*tap, :, :])
        d_matrices = xp.permute_dims(view, (0, 2, 1)) @ g
        d_kernel.append(xp.reshape(xp.permute_dims(d_matrices, (1, 0, 2)), kernel.shape[2:]))
        d_view = xp.permute_dims(g @ xp.permute_dims(matrices, (0, 2, 1)), (1, 0, 2))
        d_view = xp.reshape(d_view, (*size, image.shape[2]))
        d_image = d_image + _put_back(d_view, tap, image, pads, stride=stride, dilation=dilation)
    return xp.astype(d_image, image.dtype), xp.astype(xp.reshape(xp.stack(d_kernel), kernel.shape), kernel.dtype)


def depthwise_conv2d_vjp(cotangent, image, kernel, /, *, stride=1, dilation=1, padding=0):
    """Gradient of `nn.ops.depthwise_conv2d`, without bias and activation, by image and kernel.

    With x_t the view of the padded image that tap t multiplies and k_t the tap's weights, (C,), the result is
    z = Σ_t k_t x_t, channel by channel, so that

        ∂L/∂k_t = Σ_pixels x_t g,    ∂L/∂x_t = k_t g,

    and ∂L/∂image puts the latter back as in `conv2d_vjp`. The bias's gradient is the sum of g over the pixels. Where
    the layer rectifies the image first, it is given the rectified image, and the caller sets ∂L/∂image to 0 where the
    image is not above 0.

    Parameters
    ----------
    cotangent : array, shape (h, w, C)
        g = ∂L/∂z.
    image : array, shape (H, W, C)
    kernel : array, shape (kh, kw, C)
    stride, dilation, padding
        As for the definition.

    Returns
    -------
    d_image : array, shape (H, W, C)
    d_kernel : array, shape (kh, kw, C)
        Each of its array's data type.

    Raises
    ------
    ValueError
        As the definition does, and if the cotangent has another shape than the result.

    Examples
    --------
    The layer doubles nine pixels of 1: each has the gradient 2, and the kernel their sum.

    >>> import numpy as np
    >>> from vosref.gradients import depthwise_conv2d_vjp
    >>> image, kernel = np.ones((3, 3, 1)), np.full((1, 1, 1), 2.0)
    >>> d_image, d_kernel = depthwise_conv2d_vjp(np.ones((3, 3, 1)), image, kernel)
    >>> np.unique(d_image), d_kernel.ravel()
    (array([2.]), array([9.]))
    """
    xp = array_namespace(cotangent, image, kernel)
    pads, size = _geometry(image, kernel, stride, dilation, padding)
    check_convolution("depthwise_conv2d", image, kernel, None, None, groups=None, size=size)
    check_cotangent(cotangent, (*size, kernel.shape[2]))
    d_image, d_kernel = xp.zeros_like(image), []
    for tap, window in windows(image, kernel.shape[:2], pads, size, stride=stride, dilation=dilation):
        d_kernel.append(xp.sum(window * cotangent, axis=(0, 1)))
        d_view = cotangent * kernel[*tap, :]
        d_image = d_image + _put_back(d_view, tap, image, pads, stride=stride, dilation=dilation)
    return xp.astype(d_image, image.dtype), xp.astype(xp.reshape(xp.stack(d_kernel), kernel.shape), kernel.dtype)


def _geometry(image, kernel, stride, dilation, padding):
    return window_geometry(image.shape[:2], tuple(kernel.shape[:2]), stride=stride, dilation=dilation, padding=padding)


def _put_back(view, tap, image, pads, *, stride, dilation):
    """Put a tap's view of the padded image back where it was taken from; 0 elsewhere, and without the padding."""
    for axis in (0, 1):
        view = _spread(view, axis, image.shape[axis], tap[axis] * dilation - pads[axis][0], stride)
    return view


def _spread(values, axis, length, first, stride):
    """Lay values out along an axis of some length, the first at place `first`, one every `stride` places."""
    xp, n = array_namespace(values), values.shape[axis]
    place = xp.arange(length, dtype=xp.int64, device=device(values)) - first
    source = place // stride
    hit = (place % stride == 0) & (source >= 0) & (source < n)
    spread = xp.take(values, xp.clip(source, 0, n - 1), axis=axis)
    return xp.where(hit[:, None, None] if axis == 0 else hit[None, :, None], spread, xp.zeros_like(spread))
