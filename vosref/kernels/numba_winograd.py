"""Twin of `vosref.nn.winograd` for the CPU: a band of tiles is transformed, multiplied by BLAS, and transformed back.

Bound. Every product in a result is rounded at most m = C_in + 54 times: 12 in G g Gᵀ (3 for a coefficient, 1 product,
8 sums of 9 terms), C_in in the sum over channels, 2 with bias and shortcut, and in the definition, which applies a
matrix along both axes at once, 16 in Bᵀ d B and 24 in Aᵀ … A, whose coefficients are powers of two. The twin takes one
axis after the other, 3 + 3 and 3 + 3. So each differs from the exact value by at most
γ_m (|bias| + |shortcut| + |Aᵀ|(Σ_c |G||g||G|ᵀ ⊙ |Bᵀ||d||B|)|A|). In |G g Gᵀ| the taps would cancel before they are
counted, but not their rounding.
"""

import numpy as np
from numba import njit

from vosref.kernels.buffers import empty
from vosref.kernels.numba_ops import added, clipping, finish
from vosref.kernels.threads import for_each_band, scratch
from vosref.shapes import check_activation, check_winograd

__all__ = ["winograd_conv2d"]

TILES = 104  # that a worker takes at most at a time: fewer make narrow products, more leave the cache


def winograd_conv2d(image, transformed, bias=None, shortcut=None, /, *, activation=None):
    """Transform, multiply and transform back a band of tiles at a time, in scratch memory."""
    check_activation(activation)
    check_winograd(image, transformed, bias, shortcut)
    (height, width, n_in), n_out = image.shape, transformed.shape[2]
    dtype = np.result_type(*(a for a in (image, transformed, bias, shortcut) if a is not None))
    image, transformed = (np.ascontiguousarray(a, dtype) for a in (image, transformed))
    out, columns = empty((height, width, n_out), dtype), -(-width // 4)
    extra, limits = added(bias, shortcut, n_out, dtype), clipping(activation, dtype)

    def band(begin, end):
        inputs = scratch("inputs", (36, end - begin, n_in), dtype)
        products = scratch("products", (36, end - begin, n_out), dtype)
        _transform_input(image, begin, columns, scratch("tile", (6, 6, n_in), dtype), inputs)
        np.matmul(inputs, transformed, out=products)
        _transform_output(products, begin, columns, scratch("half", (7, 4, n_out), dtype), out, *extra, *limits)

    tiles = -(-height // 4) * columns
    for_each_band(band, tiles, -(-tiles // -(-tiles // TILES)))
    return out


# Pixels are handed over one by one below: only so does the compiler see that their channels are contiguous.


@njit(cache=True, nogil=True)
def _transform_input(image, begin, columns, half, inputs):
    """Write Bᵀ d B of the tiles from `begin` on; d is the 6×6 pixels around a tile of 4×4, zeros outside."""
    zero = np.zeros(image.shape[2], image.dtype)
    for t in range(inputs.shape[1]):
        y, left = (begin + t) // columns * 4 - 1, (begin + t) % columns * 4 - 1
        for j in range(6):
            x, h = left + j, half[j]
            p, q, r = _pixel(image, y, x, zero), _pixel(image, y + 1, x, zero), _pixel(image, y + 2, x, zero)
            s, u, v = _pixel(image, y + 3, x, zero), _pixel(image, y + 4, x, zero), _pixel(image, y + 5, x, zero)
            _input_axis(p, q, r, s, u, v, h[0], h[1], h[2], h[3], h[4], h[5])
        for i in range(6):
            p, q, r, s, u, v = half[0, i], half[1, i], half[2, i], half[3, i], half[4, i], half[5, i]
            a, b, c = inputs[6 * i, t], inputs[6 * i + 1, t], inputs[6 * i + 2, t]
            _input_axis(p, q, r, s, u, v, a, b, c, inputs[6 * i + 3, t], inputs[6 * i + 4, t], inputs[6 * i + 5, t])


@njit(cache=True, nogil=True)
def _transform_output(products, begin, columns, half, out, bias, shortcut, low, high):
    """Write Aᵀ m A of the tiles from `begin` on, finished; what lies outside the image goes nowhere."""
    (height, width, _), pixels, nowhere = out.shape, out.reshape(-1, out.shape[2]), half[6, 0]
    for t in range(products.shape[1]):
        top, left = (begin + t) // columns * 4, (begin + t) % columns * 4
        for j in range(6):
            h, p, q, r = half[j], products[j, t], products[6 + j, t], products[12 + j, t]
            s, u, v = products[18 + j, t], products[24 + j, t], products[30 + j, t]
            _output_axis(p, q, r, s, u, v, h[0], h[1], h[2], h[3])
        for i in range(min(4, height - top)):
            first, n = (top + i) * width + left, min(4, width - left)
            a, b = pixels[first], pixels[first + 1] if n > 1 else nowhere
            c, d = pixels[first + 2] if n > 2 else nowhere, pixels[first + 3] if n > 3 else nowhere
            p, q, r, s, u, v = half[0, i], half[1, i], half[2, i], half[3, i], half[4, i], half[5, i]
            _output_axis(p, q, r, s, u, v, a, b, c, d)
            finish(pixels, first, first + n, bias, shortcut, low, high)


@njit(cache=True, nogil=True)
def _pixel(image, y, x, zero):
    return image[y, x] if 0 <= y < image.shape[0] and 0 <= x < image.shape[1] else zero


@njit(cache=True, nogil=True, fastmath={"contract"})
def _input_axis(p, q, r, s, u, v, a, b, c, d, e, f):
    """Apply Bᵀ to six pixels. One loop for each result: a loop with six outputs is not vectorised."""
    two, four, five = p.dtype.type(2), p.dtype.type(4), p.dtype.type(5)
    for i in range(a.shape[0]):
        a[i] = four * p[i] - five * r[i] + u[i]
    for i in range(a.shape[0]):
        b[i] = (u[i] + s[i]) - four * (r[i] + q[i])
    for i in range(a.shape[0]):
        c[i] = (u[i] - s[i]) - four * (r[i] - q[i])
    for i in range(a.shape[0]):
        d[i] = (u[i] - r[i]) + two * (s[i] - q[i])
    for i in range(a.shape[0]):
        e[i] = (u[i] - r[i]) - two * (s[i] - q[i])
    for i in range(a.shape[0]):
        f[i] = four * q[i] - five * s[i] + v[i]


@njit(cache=True, nogil=True, fastmath={"contract"})
def _output_axis(p, q, r, s, u, v, a, b, c, d):
    """Apply Aᵀ to six pixels."""
    two, four, eight = p.dtype.type(2), p.dtype.type(4), p.dtype.type(8)
    for i in range(a.shape[0]):
        a[i] = p[i] + ((q[i] + r[i]) + (s[i] + u[i]))
    for i in range(a.shape[0]):
        b[i] = (q[i] - r[i]) + two * (s[i] - u[i])
    for i in range(a.shape[0]):
        c[i] = (q[i] + r[i]) + four * (s[i] + u[i])
    for i in range(a.shape[0]):
        d[i] = (q[i] - r[i]) + eight * (s[i] - u[i]) + v[i]
