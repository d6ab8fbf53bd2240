"""A setting whose value names a function: the one home of choosing it, and of refusing a name that there is not."""

from collections.abc import Mapping
from typing import Any

__all__ = ["named"]


def named(choices: Mapping[str, Any], field: str, name: str, /) -> Any:
    """Return what a setting's value names; ValueError where nothing has that name."""
    if name not in choices:
        raise ValueError(f"{field} must be one of {', '.join(choices)}, got {name!r}")
    return choices[name]
