"""How reports write numbers."""

import math
from typing import Any

__all__ = ["finite", "percent", "shown"]


def shown(value: float | None, /) -> str:
    """Write a number for people: three digits, and nothing for None."""
    if value is None:
        return "–"
    if math.isnan(value):
        return "NaN"
    return ("-" if value < 0 else "") + "∞" if math.isinf(value) else f"{value:.3g}"


def percent(share: float, /) -> str:
    """Write a share; nothing for none."""
    return f"{share:.1%}" if share else "–"


def finite(value: Any, /) -> Any:
    """Write a number for JSON, which has none that is not finite."""
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return "not a number" if math.isnan(value) else "infinite" if value > 0 else "-infinite"
