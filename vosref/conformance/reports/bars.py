"""A margin as a bar: its mark is 1, at most which is right."""

import math

from vosref.conformance.reports.numbers import shown

__all__ = ["bar"]

ONE = 70  # per cent of a bar that are a margin of 1; the style's mark
DECADES = 6  # powers of ten beyond it that fill the rest


def bar(margin: float | None, /) -> str:
    """Draw a margin: up to 1 in proportion, beyond it by its power of ten."""
    if margin is None:
        return '<span class="soft">–</span>'
    beyond = 0.0 if margin <= 1 else 1.0 if math.isinf(margin) else min(1.0, math.log10(margin) / DECADES)
    width = ONE * min(margin, 1.0) + (100 - ONE) * beyond
    over = " over" if margin > 1 else ""
    rect = f'<rect width="{width:.1f}" height="1"/>'
    drawn = f'<svg class="track" viewBox="0 0 100 1" preserveAspectRatio="none">{rect}</svg>'
    return f'<span class="margin{over}">{drawn}<b>{shown(margin)}</b></span>'
