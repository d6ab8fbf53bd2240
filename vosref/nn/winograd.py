"""Winograd's F(4×4, 3×3): sixteen outputs of a 3×3 convolution from 36 products a channel instead of 144.

A tile of 4×4 outputs depends on 6×6 inputs d and 3×3 taps g through Y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A, a polynomial product
evaluated at 0, ±1, ±2 and ∞ [Winograd 1980; Lavin & Gray 2016]. Summed over channels, ⊙ becomes 36 matrix products.
The price is rounding. Larger numbers are summed and then cancel, so the error bound, γ_m |Aᵀ|(Σ_c |G||g||G|ᵀ ⊙
|Bᵀ||d||B|)|A| with m = C_in + 54 (derived in `kernels.numba_winograd`), is some ten to a hundred times that of the
direct sum; `conv2d` is the exact path.
"""

from vosref.backend import accelerated, array_namespace, device
from vosref.blocks import slices
from vosref.nn.ops import finish, windows
from vosref.shapes import check_winograd

__all__ = ["INPUT", "KERNEL", "OUTPUT", "TILE", "transform_kernel", "winograd_conv2d"]

TILE = 4  # outputs along a side
CHANNELS = 32  # transformed at a time, so that little memory is held in float64
INPUT = (  # Bᵀ
    (4.0, 0.0, -5.0, 0.0, 1.0, 0.0),
    (0.0, -4.0, -4.0, 1.0, 1.0, 0.0),
    (0.0, 4.0, -4.0, -1.0, 1.0, 0.0),
    (0.0, -2.0, -1.0, 2.0, 1.0, 0.0),
    (0.0, 2.0, -1.0, -2.0, 1.0, 0.0),
    (0.0, 4.0, 0.0, -5.0, 0.0, 1.0),
)
KERNEL = (  # G
    (1 / 4, 0.0, 0.0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0.0, 0.0, 1.0),
)
OUTPUT = (  # Aᵀ
    (1.0, 1.0, 1.0, 1.0, 1.0, 0.0),
    (0.0, 1.0, -1.0, 2.0, -2.0, 0.0),
    (0.0, 1.0, 1.0, 4.0, 4.0, 0.0),
    (0.0, 1.0, -1.0, 8.0, -8.0, 1.0),
)


def transform_kernel(kernel, /):
    """Return G g Gᵀ for every pair of channels, once, before the frames.

    Parameters
    ----------
    kernel : array, shape (3, 3, C_in, C_out)

    Returns
    -------
    array, shape (36, C_in, C_out)
        Computed in float64, then rounded to the kernel's data type.
    """
    if kernel.ndim != 4 or tuple(kernel.shape[:2]) != (3, 3):
        raise ValueError(f"transform_kernel takes a kernel (3, 3, C_in, C_out), got {kernel.shape}")
    xp, parts = array_namespace(kernel), []
    for some in slices(kernel.shape[2], CHANNELS):
        taps = xp.astype(xp.reshape(kernel[:, :, some, :], (9, -1)), xp.float64)
        transformed = xp.astype(_both_axes(KERNEL, taps) @ taps, kernel.dtype)
        parts.append(xp.reshape(transformed, (36, -1, kernel.shape[3])))
    return xp.concat(parts, axis=1)


@accelerated
def winograd_conv2d(image, transformed, bias=None, shortcut=None, /, *, activation=None):
    """Convolve with 3×3 taps, stride 1 and one zero around the image: `conv2d`, by Winograd's F(4×4, 3×3).

    Parameters
    ----------
    image : array, shape (H, W, C_in)
    transformed : array, shape (36, C_in, C_out)
        From `transform_kernel`.
    bias : array, shape (C_out,), or None
    shortcut : array, shape (H, W, C_out), or None
    activation : None, "relu" or "relu6"

    Returns
    -------
    array, shape (H, W, C_out)
    """
    xp = array_namespace(*(a for a in (image, transformed, bias, shortcut) if a is not None))
    check_winograd(image, transformed, bias, shortcut)
    (height, width, _), channels = image.shape, transformed.shape[2]
    rows, columns = -(-height // TILE), -(-width // TILE)
    pads = ((1, TILE * rows + 1 - height), (1, TILE * columns + 1 - width))
    tiles = xp.stack([t for _, t in windows(image, (6, 6), pads, (rows, columns), stride=TILE, dilation=1)])
    flat = xp.reshape(tiles, (36, -1))
    products = xp.reshape(_both_axes(INPUT, flat) @ flat, (36, rows * columns, -1)) @ transformed
    flat = xp.reshape(products, (36, -1))
    out = xp.reshape(_both_axes(OUTPUT, flat) @ flat, (TILE, TILE, rows, columns, channels))
    out = xp.reshape(xp.permute_dims(out, (2, 0, 3, 1, 4)), (TILE * rows, TILE * columns, channels))
    return finish(out[:height, :width, :], bias, shortcut, activation)


def _both_axes(matrix, like):
    """Return the matrix that applies `matrix` along both axes of a tile at once: its Kronecker square."""
    product = [[a * b for a in row for b in other] for row in matrix for other in matrix]
    return array_namespace(like).asarray(product, dtype=like.dtype, device=device(like))
