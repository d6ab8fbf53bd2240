"""What a definition and its twins must agree on before they compute: the shapes they take, and the padding rules.

Pure arithmetic on shapes, so it serves arrays of every namespace; it stands below both sides, which cannot import each
other.
"""

from typing import NamedTuple

__all__ = [
    "ACTIVATIONS",
    "check_activation",
    "check_convolution",
    "check_embeddings",
    "check_matching",
    "check_matching_values",
    "check_neighbours",
    "check_pairs",
    "check_residual",
    "check_resize",
    "check_window",
    "check_winograd",
    "same_padding",
    "window_geometry",
]

ACTIVATIONS = (None, "relu", "relu6")


def check_convolution(layer, image, kernel, bias, shortcut, /, *, groups, size):
    """Raise ValueError unless the arrays of a convolution whose result has `size` rows and columns belong together.

    The kernel is (kh, kw, C_in / groups, C_out), or (kh, kw, C) for a depthwise layer, where `groups` is None.
    """
    if kernel.ndim != (3 if groups is None else 4):
        raise ValueError(f"{layer} takes a kernel with {3 if groups is None else 4} axes, got {kernel.shape}")
    channels, n_out = kernel.shape[2] * (groups or 1), kernel.shape[-1]
    if groups is not None and (groups < 1 or n_out % groups):
        raise ValueError(f"{layer}: groups must be 1 or more and divide the {n_out} output channels, got {groups}")
    if image.ndim != 3 or image.shape[2] != channels:
        raise ValueError(f"{layer} takes an image (H, W, {channels}) for this kernel, got {image.shape}")
    if bias is not None and bias.shape != (n_out,):
        raise ValueError(f"{layer} takes a bias ({n_out},) for this kernel, got {bias.shape}")
    if shortcut is not None and tuple(shortcut.shape) != (*size, n_out):
        raise ValueError(f"{layer} takes a shortcut of its result's shape {(*size, n_out)}, got {shortcut.shape}")


class _Shaped(NamedTuple):
    shape: tuple

    @property
    def ndim(self):
        return len(self.shape)


def check_residual(image, expand, expand_bias, depthwise, depthwise_bias, project, project_bias, /, *, shortcut, size):
    """Raise ValueError unless the arrays of an inverted-residual block belong together."""
    if expand is not None:
        check_convolution("conv2d", image, expand, expand_bias, None, groups=1, size=image.shape[:2])
    wide = image if expand is None else _Shaped((*image.shape[:2], expand.shape[3]))
    check_convolution("depthwise_conv2d", wide, depthwise, depthwise_bias, None, groups=None, size=size)
    looked = _Shaped((*size, depthwise.shape[2]))
    check_convolution("conv2d", looked, project, project_bias, image if shortcut else None, groups=1, size=size)


def check_winograd(image, transformed, bias, shortcut, /):
    """Raise ValueError unless the arrays of a Winograd convolution belong together."""
    if transformed.ndim != 3 or transformed.shape[0] != 36:
        raise ValueError(f"winograd_conv2d takes a transformed kernel (36, C_in, C_out), got {transformed.shape}")
    check_convolution(
        "winograd_conv2d", image, transformed[None, :, :, :], bias, shortcut, groups=1, size=image.shape[:2]
    )


def check_activation(activation, /):
    """Raise ValueError unless `activation` is None, "relu" or "relu6"."""
    if activation not in ACTIVATIONS:
        raise ValueError(f'activation must be None, "relu" or "relu6", got {activation!r}')


def check_embeddings(query, reference, /):
    """Raise ValueError unless both are pixels of one embedding dimension."""
    if query.ndim != 2 or reference.ndim != 2 or query.shape[1] != reference.shape[1]:
        raise ValueError(
            f"query and reference must be (pixels, D) with one D, got {tuple(query.shape)} and {tuple(reference.shape)}"
        )
    if any("float" not in str(a.dtype) for a in (query, reference)):
        raise ValueError(f"query and reference must be floating point, got {query.dtype} and {reference.dtype}")
    if min(*query.shape, *reference.shape) < 1:
        raise ValueError(f"pixels and D must be 1 or more, got {tuple(query.shape)} and {tuple(reference.shape)}")


def check_matching(query, reference, labels, /):
    """Raise ValueError unless two embeddings and the labels of the second belong together."""
    check_embeddings(query, reference)
    if labels.ndim != 2 or labels.shape[0] != reference.shape[0] or labels.shape[1] < 1:
        raise ValueError(
            f"labels must be (R, K), a row for each of the {reference.shape[0]} reference pixels and a column for each "
            f"object, got {tuple(labels.shape)}"
        )


def check_matching_values(*, finite, one_hot):
    """Raise ValueError unless embeddings are finite, with squared lengths that are, and labels one-hot."""
    if not finite:
        raise ValueError("embeddings must be finite, and so must 4 times their squared lengths; scale them down")
    if not one_hot:
        raise ValueError(
            "labels must be one-hot, 0 or 1 and at most one 1 a row, got others; harden soft labels (labels.harden)"
        )


def check_neighbours(n_neighbours, /):
    """Raise ValueError unless there is a neighbour to look for."""
    if n_neighbours < 1:
        raise ValueError(f"n_neighbours must be 1 or more, got {n_neighbours}")


def check_window(query, previous, grid, window_radius, /):
    """Raise ValueError unless both frames have the grid's pixels, and the radius is one."""
    if min(grid) < 1 or query.shape[0] != grid[0] * grid[1] or previous.shape[0] != query.shape[0]:
        raise ValueError(
            f"query and previous must have the grid's {grid[0]}x{grid[1]} pixels, got {query.shape[0]} and "
            f"{previous.shape[0]}"
        )
    if window_radius < 0:
        raise ValueError(f"window_radius must be 0 or more pixels, got {window_radius}")


def check_pairs(query, references, sigma, /, *, grid=None):
    """Raise ValueError unless the target and its reference frames share D, the grid, and have a σ a frame."""
    if query.ndim != 2 or any(r.ndim != 2 or r.shape[1] != query.shape[1] for r in references):
        raise ValueError(
            f"query and every reference must be (pixels, D), got {query.shape} and {[r.shape for r in references]}"
        )
    if len(sigma) != len(references):
        raise ValueError(f"sigma must have one width a reference frame, {len(references)}, got {len(sigma)}")
    if grid is not None and any(x.shape[0] != grid[0] * grid[1] for x in (query, *references)):
        raise ValueError(f"query and references must have the grid's {grid[0]}x{grid[1]} pixels, got {query.shape[0]}")


def check_resize(values, size, /):
    """Raise ValueError unless there are values (H, W, C) and a size to resize them to."""
    if values.ndim != 3 or min(values.shape) < 1 or min(size) < 1:
        raise ValueError(f"values (H, W, C) and size (h, w) must be 1 or more, got {values.shape} and {tuple(size)}")


def same_padding(size, kernel, stride, /, *, dilation=1):
    """Zeros before and after an axis under TensorFlow's 'same' rule: ceil(size / stride) outputs, an odd zero after."""
    total = max((-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    return total // 2, total - total // 2


def window_geometry(shape, kernel_size, /, *, stride, dilation, padding):
    """Return ((top, bottom), (left, right)) of padding and the (height, width) of windows that fit.

    Parameters
    ----------
    shape, kernel_size : (int, int)
        Of the image and of the kernel, in pixels.
    stride, dilation : int
        Pixels between windows, and between a window's taps.
    padding : "same", int, or ((int, int), (int, int))
        TensorFlow's rule, so many pixels on every side, or pixels at (top, bottom) and (left, right).
    """
    if min(stride, dilation) < 1:
        raise ValueError(f"stride and dilation must be 1 or more, got {stride} and {dilation}")
    pads = _pads(shape, kernel_size, stride, dilation, padding)
    room = [n + sum(p) - dilation * (k - 1) - 1 for n, p, k in zip(shape, pads, kernel_size, strict=True)]
    if min(room) < 0:
        raise ValueError(f"an image of {shape} pixels with padding {pads} is smaller than the kernel {kernel_size}")
    return pads, tuple(r // stride + 1 for r in room)


def _pads(shape, kernel_size, stride, dilation, padding):
    if padding == "same":
        return tuple(same_padding(n, k, stride, dilation=dilation) for n, k in zip(shape, kernel_size, strict=True))
    pads = ((padding, padding),) * 2 if isinstance(padding, int) else padding
    paired = isinstance(pads, tuple | list) and [isinstance(p, tuple | list) and len(p) for p in pads] == [2, 2]
    if not paired or min(map(min, pads)) < 0:
        raise ValueError(
            f'padding must be "same", pixels, or ((top, bottom), (left, right)), 0 or more each, got {padding!r}'
        )
    return tuple(map(tuple, pads))
