"""What a subject says of itself: the operations and data types that it has, and how it computes in each."""

from collections.abc import Mapping
from typing import NamedTuple

from vosref.conformance.arithmetic import DTYPES, Arithmetic

__all__ = ["Capabilities", "NotClaimedError"]


class NotClaimedError(Exception):
    """Raised by a subject for what it does not do after all: an option, a size; it is neither passed nor failed."""


class Capabilities(NamedTuple):
    """What is claimed. What is not is reported as "not claimed", never as passed."""

    dtypes: tuple[str, ...] = ("float32",)  # "float64", "float32", "float16", "bfloat16"
    operations: tuple[str, ...] | None = None  # names; default every operation that the subject has a method for
    namespace: str = "numpy"  # of its arrays: "numpy", "torch", "cupy", "jax.numpy", "array_api_strict"
    device: str | None = None  # as the namespace names it; default the namespace's own
    accumulate: Mapping[str, str] = {}  # by data type, as in `Arithmetic`
    intermediate: Mapping[str, str] = {}
    product: Mapping[str, str] = {}
    squares: str = "expanded"  # or "direct", or "searched"
    ulps: float = 0.0
    tie_break: str = "any"  # or "first"
    max_objects: int | None = None  # more are not claimed
    max_pixels: int | None = None

    def arithmetic(self, dtype: str, /) -> Arithmetic:
        """How it computes in one data type."""
        by_type = {field: getattr(self, field).get(dtype, "") for field in ("accumulate", "intermediate", "product")}
        return Arithmetic(dtype, **by_type, squares=self.squares, ulps=self.ulps, tie_break=self.tie_break).checked()

    def checked(self) -> "Capabilities":
        """Return it; ValueError where a data type is none, or an arithmetic cannot be."""
        if not self.dtypes or any(dtype not in DTYPES for dtype in self.dtypes):
            raise ValueError(f"dtypes must be some of {', '.join(DTYPES)}, got {self.dtypes!r}")
        for dtype in self.dtypes:
            self.arithmetic(dtype)
        return self
