"""The exponential of the CPU kernels: in float32 a polynomial that compilers turn into vector instructions.

exp(x) = 2^n exp(r) with n the integer nearest to x / ln 2 and |r| ≤ ln 2 / 2. ln 2 is split in two, so that n ln 2 is
subtracted without loss, and exp(r) is its Taylor polynomial of degree 7, whose remainder there is below
r^8 / 8! exp(r) = 8e-9, 0.14 u. With the roundings of r and of Horner's scheme the relative error is below 8u, u the
unit roundoff. It is for differences from a maximum, 0 or less: below -86 it is exp(-86) = 4.5e-38 instead of less.
"""

import math

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, overload

__all__ = ["exp"]


def exp(x):
    """Exponential of a scalar, 0 or less; for other compiled code to call."""
    return _exp_float32(x) if isinstance(x, np.float32) else np.exp(x)


def _exp_float32(x):
    x = max(x, np.float32(-86.0))
    # Added to 1.5 · 2^23, a number loses its fraction, and the lowest bits of the sum are those of the integer n.
    shifted = x * np.float32(1.4426950408889634) + np.float32(12582912.0)
    n = shifted - np.float32(12582912.0)
    r = x - n * np.float32(0.693359375) + n * np.float32(2.12194440e-4)
    p = np.float32(1 / 5040)
    p = p * r + np.float32(1 / 720)
    p = p * r + np.float32(1 / 120)
    p = p * r + np.float32(1 / 24)
    p = p * r + np.float32(1 / 6)
    p = p * r + np.float32(1 / 2)
    p = p * r + np.float32(1)
    return _times_power(p * r + np.float32(1), shifted)


def _times_power(p, shifted):
    """P · 2^n, by adding n to the exponent of p; it stays in range."""
    return (p.view(np.int32) + (shifted.view(np.int32) << np.int32(23))).view(np.float32)


@intrinsic
def _bits(_context, _number):
    def generate(_context, builder, _signature, arguments):
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.int32(types.float32), generate


@intrinsic
def _number(_context, _bits):
    def generate(_context, builder, _signature, arguments):
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


@overload(_times_power, inline="always")
def _times_power_compiled(p, shifted):  # noqa: ARG001 - types
    return lambda p, shifted: _number(_bits(p) + (_bits(shifted) << np.int32(23)))


_polynomial = njit(nogil=True, fastmath={"contract"})(_exp_float32)


@overload(exp)
def _exp_compiled(x):
    if x == types.float32:
        return lambda x: _polynomial(x)  # noqa: PLW0108 - what is overloaded must name its argument
    return lambda x: math.exp(x)  # noqa: PLW0108
