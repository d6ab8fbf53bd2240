"""How a subject computes: the data types of what it is given, keeps, sums and returns, and what rounding they allow.

All bounds of the judge are derived from an `Arithmetic`, in the standard model fl(a ∘ b) = (a ∘ b)(1 + δ), |δ| ≤ u, and
γ_n = nu / (1 - nu) for n such factors, in any order of a sum [Higham 2002, §2.2, Lemma 3.1]. A mixed-precision product
rounds its factors to one type and sums in another [Blanchard, Higham, Lopez, Mary, Pranesh 2020, §2].
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["DTYPES", "Arithmetic", "carrier", "gamma", "grown", "rounded"]

ROUNDOFF = {"float64": 2.0**-53, "float32": 2.0**-24, "tf32": 2.0**-11, "float16": 2.0**-11, "bfloat16": 2.0**-8}
# What is lost below the smallest number: wide types may flush subnormal numbers to 0, float16 is never used so.
UNDERFLOW = {"float64": 2.0**-1022, "float32": 2.0**-126, "float16": 2.0**-25, "bfloat16": 2.0**-126}
LARGEST = {"float64": 1.79e308, "float32": 3.40e38, "float16": 65504.0, "bfloat16": 3.38e38}
CARRIERS: dict[str, type[np.floating[Any]]] = {
    "float64": np.float64,
    "float32": np.float32,
    "float16": np.float16,
    "bfloat16": np.float32,
}
SQUARES = ("expanded", "direct", "searched")
DTYPES = tuple(UNDERFLOW)  # of arrays; tf32 is only ever a product's


class Arithmetic(NamedTuple):
    """The precision of every step, as the subject declares it."""

    dtype: str = "float32"  # of inputs and results
    accumulate: str = ""  # sums inside a product or a mean; default float32 for half precision, else `dtype`
    intermediate: str = ""  # what is kept between two steps, such as distances or logits; default `accumulate`
    product: str = ""  # what factors of a matrix product are rounded to: "tf32" on tensor cores; default none
    squares: str = (
        "expanded"  # |x|² + |y|² - 2 x·y; "direct", Σ (x - y)²; "searched": the former finds, the latter says
    )
    ulps: float = 0.0  # error of exp, log, tanh, sqrt in units of the last place; default 4, 1 in half precision
    tie_break: str = "any"  # which of equal distances a gradient goes to: "any" or "first"

    def checked(self) -> "Arithmetic":
        """Fill in the defaults; ValueError for what there is not."""
        wide = self.accumulate or (self.dtype if self.dtype in ("float64", "float32") else "float32")
        kept = self.intermediate or wide
        whole = self._replace(accumulate=wide, intermediate=kept, ulps=self.ulps or (4.0 if _wide(kept) else 1.0))
        for field in ("dtype", "accumulate", "intermediate"):
            if (name := getattr(whole, field)) not in DTYPES:
                raise ValueError(f"{field} must be one of {', '.join(DTYPES)}, got {name!r}")
        if self.product not in ("", *ROUNDOFF):
            raise ValueError(f"product must be one of {', '.join(ROUNDOFF)}, or empty, got {self.product!r}")
        if self.squares not in SQUARES or self.tie_break not in ("any", "first"):
            raise ValueError(
                f'squares must be one of {", ".join(SQUARES)} and tie_break "any" or "first", '
                f"got {self.squares!r} and {self.tie_break!r}"
            )
        return whole

    @property
    def u_result(self) -> float:
        """Unit roundoff of results."""
        return ROUNDOFF[self.dtype]

    @property
    def u_step(self) -> float:
        """Unit roundoff of what is kept between steps."""
        return ROUNDOFF[self.intermediate]

    @property
    def u_sum(self) -> float:
        """Unit roundoff of sums."""
        return ROUNDOFF[self.accumulate]

    @property
    def function(self) -> float:
        """Relative error of exp, log, tanh and sqrt: an ulp is 2u at most."""
        return 2 * self.ulps * self.u_step

    @property
    def underflow(self) -> float:
        """Absolute error where a number is too small to be kept."""
        return max(UNDERFLOW[self.dtype], UNDERFLOW[self.intermediate])

    def sum(self, n: int, /) -> float:
        """Relative error, to Σ|x|, of a sum of n terms that is then kept."""
        return grown(gamma(n, self.u_sum), self.u_step)

    def dot(self, n: int, /) -> float:
        """Relative error, to Σ|x||y|, of a product of n pairs of factors that is then kept."""
        # What a type as narrow holds already is rounded no more; factors may be inputs, or kept from a step before.
        factor = ROUNDOFF[self.product] if self.product else 0.0
        factor = factor if factor > min(self.u_result, self.u_step) else 0.0
        return grown(factor, factor, gamma(n, self.u_sum), self.u_step)

    def returned(self, reference: NDArray[Any], error: NDArray[Any], /) -> NDArray[Any]:
        """Add the rounding to the result's data type; infinite where the result may be more than it holds."""
        # An error may be infinite, and 0 times infinity is no number.
        last = self.u_result * (np.abs(reference) + error) if self.dtype != self.intermediate else 0.0
        whole = np.asarray(error + last + self.underflow)
        return np.where(np.abs(reference) + whole >= LARGEST[self.dtype], np.inf, whole)


def gamma(n: float, u: float, /) -> float:
    """γ_n = nu / (1 - nu), infinite where n roundings may lose everything [Higham 2002, Lemma 3.1]."""
    return n * u / (1 - n * u) if n * u < 1 else math.inf


def grown(*errors: float) -> float:
    """Relative error of a value that is off by each of several factors (1 + δ): Π(1 + δ) - 1."""
    return float(np.expm1(math.fsum(map(math.log1p, errors)))) if all(map(math.isfinite, errors)) else math.inf


def carrier(dtype: str, /) -> type[np.floating[Any]]:
    """NumPy's type that holds all values of a data type: float32 for bfloat16, which NumPy lacks."""
    return CARRIERS[dtype]


def rounded(values: Any, dtype: str, /) -> NDArray[Any]:
    """Round to the nearest number of a data type, ties to even; overflow becomes infinity.

    Parameters
    ----------
    values : array, floating point
    dtype : {"float64", "float32", "float16", "bfloat16", "tf32"}

    Returns
    -------
    array
        In its `carrier`; of tf32 too, that is float32.
    """
    values = np.asarray(values)
    with np.errstate(over="ignore", under="ignore"):
        if dtype not in ("bfloat16", "tf32"):
            return values.astype(carrier(dtype))
        drop = {"bfloat16": 16, "tf32": 13}[dtype]
        # Through float32 first: rounding to odd keeps the second rounding from seeing a tie that was none.
        bits = _to_odd(values).view(np.uint32)
    half = np.uint32((1 << (drop - 1)) - 1)
    kept = bits + half + ((bits >> np.uint32(drop)) & np.uint32(1))
    whole = (kept & np.uint32(0xFFFFFFFF << drop & 0xFFFFFFFF)).view(np.float32)
    return np.where(np.isfinite(values), whole, values.astype(np.float32)).astype(np.float32)


def _to_odd(values: NDArray[Any]) -> NDArray[np.float32]:
    """Round to float32 so that an inexact result has its last bit set."""
    near = values.astype(np.float32)
    if values.dtype != np.float64:
        return near
    away = np.abs(near.astype(np.float64)) > np.abs(values)
    toward = np.where(away, np.nextafter(near, np.float32(0)), near).astype(np.float32)
    inexact = (toward.astype(np.float64) != values) & np.isfinite(values)
    bits = toward.view(np.uint32)
    return np.where(inexact, bits | np.uint32(1), bits).astype(np.uint32).view(np.float32)


def _wide(dtype: str) -> bool:
    return dtype in ("float64", "float32")
